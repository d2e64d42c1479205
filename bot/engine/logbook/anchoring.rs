//! Keeping the anchor up to the head of the log: soon after a commit, never before it, and never over a log that nobody accepted.

use std::time::Duration;

use serde_json::json;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::Logbook;
use crate::engine::Engine;
use crate::store::Head;

/// While much is saved, the anchor is written this often.
const EVERY: Duration = Duration::from_secs(1);
/// While a mismatch is open, it is looked this often whether somebody accepted it.
const ACCEPTED_EVERY: Duration = Duration::from_secs(2);

/// Writes the anchor after what was saved, until the writer is `done`; and a last time then.
pub(in crate::engine) async fn keep_anchored(engine: Engine, done: CancellationToken) {
    let logbook = engine.inner.logbook.clone();
    let mut written = None;
    loop {
        if logbook.is_open_mismatch() {
            tokio::select! {
                biased;
                () = logbook.inner.clock.pause(ACCEPTED_EVERY) => {}
                () = done.cancelled() => return,
            }
            if !logbook.is_accepted().await {
                continue;
            }
            say_accepted(&engine).await;
        }
        logbook.write_anchor(&mut written).await;
        tokio::select! {
            biased;
            () = logbook.inner.saved.notified() => {}
            () = done.cancelled() => break,
        }
        // What is saved in this time shares the next writing; nothing waits longer than this.
        tokio::select! {
            biased;
            () = logbook.inner.clock.pause(EVERY) => {}
            () = done.cancelled() => break,
        }
    }
    logbook.write_anchor(&mut written).await;
}

/// The log itself says that it went on from another one, and who said that it may.
async fn say_accepted(engine: &Engine) {
    info!("the database was accepted as it is; its log is anchored anew");
    let event = json!({ "event": "log_accepted" });
    if let Err(error) = engine.note(super::SUBJECT, event, "accepted").await {
        warn!(error = %error, "that the database was accepted could not be written into its log");
    }
}

impl Logbook {
    fn is_open_mismatch(&self) -> bool {
        self.inner.health.borrow().mismatch.is_some()
    }

    /// Whether the anchor is one of this log now, or was taken away by somebody: both say that they looked.
    async fn is_accepted(&self) -> bool {
        match self.inner.anchor.compare(&self.inner.log).await {
            Ok(None) => {
                self.inner.health.send_modify(|health| health.mismatch = None);
                true
            }
            Ok(mismatch) => {
                self.inner.health.send_if_modified(|health| {
                    let is_new = health.mismatch != mismatch;
                    health.mismatch = mismatch;
                    is_new
                });
                false
            }
            Err(error) => {
                warn!(error = %error, "the log cannot be compared with its anchor");
                false
            }
        }
    }

    /// Writes what is saved for sure; `written` is what stands there already.
    async fn write_anchor(&self, written: &mut Option<Head>) {
        if self.is_open_mismatch() {
            return;
        }
        let head = match self.inner.log.head().await {
            Ok(head) if written.as_ref() == Some(&head) => return,
            Ok(head) => head,
            Err(error) => {
                warn!(error = %error, "the head of the log cannot be read; it is not anchored");
                return;
            }
        };
        let (file, now, anchor) = (self.inner.anchor.clone(), self.inner.clock.now_ms(), head.clone());
        let done = tokio::task::spawn_blocking(move || file.write(&anchor, now)).await;
        let failed = match done {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(error) => Some(error.to_string()),
        };
        if failed.is_none() {
            *written = Some(head);
        }
        self.inner.health.send_if_modified(|health| {
            let is_new = health.not_anchored != failed;
            if let Some(why) = failed.as_ref().filter(|_| is_new) {
                warn!(file = %self.inner.anchor.path().display(), "the anchor cannot be written: {why}");
            }
            health.not_anchored = failed;
            is_new
        });
    }
}
