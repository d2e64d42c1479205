//! Clicks: counted in memory, so that following a link waits for nothing, and saved together every few seconds.

use tokio_util::sync::CancellationToken;

use super::{LinkError, Links, Place};
use crate::engine::{Engine, jobs};
use crate::kernel::Actor;
use crate::kernel::link::Link;

/// At most so many milliseconds of clicks are lost when the machine dies.
pub const FLUSH_EVERY_MS: i64 = 10_000;

impl Links {
    /// Somebody followed this link. A golink counts its own.
    pub fn clicked(&self, link: &Link) {
        if let Place::Here(shelf) = self.place() {
            shelf.click(&link.id());
        }
    }

    /// Saves what was counted so far.
    ///
    /// # Errors
    /// Not saved; nothing is lost yet.
    pub async fn flush(&self) -> Result<(), LinkError> {
        let Place::Here(shelf) = self.place() else { return Ok(()) };
        let clicks = shelf.take_unsaved();
        if clicks.is_empty() {
            return Ok(());
        }
        let saved = self.engine.submit(jobs::Work::Clicks(clicks.clone()), Actor::Clock, None, None).await;
        if let Err(error) = saved {
            shelf.keep(clicks);
            return Err(error.into());
        }
        Ok(())
    }

    /// `(link, start of the hour in milliseconds, clicks)`, oldest first; everything counted so far.
    ///
    /// # Errors
    /// The database failed. At a golink there is nothing here to tell.
    pub async fn click_hours(&self) -> Result<Vec<(String, i64, i64)>, LinkError> {
        self.flush().await?;
        Ok(self.engine.inner.store.link_click_hours().await?)
    }
}

/// Saves clicks some seconds after the first of them, until `stop`; then what is left.
pub(in crate::engine) async fn keep_flushing(engine: Engine, stop: CancellationToken) {
    let links = engine.links();
    let Place::Here(shelf) = links.place() else { return };
    while !stop.is_cancelled() {
        tokio::select! {
            biased;
            () = shelf.clicked.notified() => {}
            () = stop.cancelled() => break,
        }
        let due_at = engine.inner.clock.now_ms().saturating_add(FLUSH_EVERY_MS);
        tokio::select! {
            biased;
            () = engine.inner.clock.sleep_until(due_at) => {}
            () = stop.cancelled() => break,
        }
        if let Err(error) = links.flush().await {
            tracing::warn!(%error, "clicks could not be saved; they are counted on");
            shelf.clicked.notify_one();
        }
    }
    if let Err(error) = links.flush().await {
        tracing::warn!(%error, "the last clicks could not be saved");
    }
}
