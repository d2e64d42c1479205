//! Tells open pages that something changed. What changed they read for themselves, so a missed event loses nothing.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::Stream;
use futures_util::stream::unfold;
use tokio::sync::watch;

use super::Demo;

/// Changes come in bursts (a click is a dozen of them); a page is told once per burst.
const BURST: Duration = Duration::from_millis(30);

/// `GET /api/changes`: server-sent events, one named `changed` after each burst and one at once.
pub(super) async fn stream(State(demo): State<Demo>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut watched = [demo.worlds.slack.changed(), demo.worlds.tailnet.changed(), demo.changed.subscribe()].map(Some);
    for receiver in watched.iter_mut().flatten() {
        receiver.mark_changed();
    }
    let events = unfold((watched, demo), |(mut watched, demo)| async move {
        let [slack, tailnet, own] = &mut watched;
        tokio::select! {
            () = changed(slack) => {}
            () = changed(tailnet) => {}
            () = changed(own) => {}
            () = demo.stopped.cancelled() => return None,
        }
        tokio::time::sleep(BURST).await;
        for receiver in watched.iter_mut().flatten() {
            receiver.mark_unchanged();
        }
        // Browsers drop events without data.
        Some((Ok(Event::default().event("changed").data("look")), (watched, demo)))
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}

/// Waits for a change; for ever when there will be none any more.
async fn changed(receiver: &mut Option<watch::Receiver<u64>>) {
    if let Some(alive) = receiver {
        if alive.changed().await.is_ok() {
            return;
        }
        *receiver = None;
    }
    std::future::pending().await
}
