//! The head of the log in a Slack channel, once a day: a place that nobody who can write the machine's disks can change.

use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::engine::{Engine, TellError, jobs};
use crate::kernel::{Actor, Effect};

const DAY_MS: i64 = 86_400_000;

/// After each walk that found the whole log to fit, says in `anchor_channel` how far it goes; until `stop`, and at once if no channel is named.
pub(in crate::engine) async fn keep_posted(engine: Engine, stop: CancellationToken) {
    let logbook = engine.inner.logbook.clone();
    let Some(channel) = logbook.inner.channel.clone() else { return };
    let mut health = logbook.health();
    loop {
        let (walked, is_anchored) = {
            let health = health.borrow_and_update();
            (health.walked.clone(), health.mismatch.is_none())
        };
        // An older copy is whole in itself, and that is not what the channel is to remember.
        if let Some(Ok(count @ 1..)) = walked
            && is_anchored
            && let Err(failure) = post(&engine, &channel, count).await
        {
            warn!(error = %failure, channel, "the head of the log could not be posted");
        }
        tokio::select! {
            biased;
            changed = health.changed() => if changed.is_err() { return },
            () = stop.cancelled() => return,
        }
    }
}

/// Saved first and posted by the worker; the same day says it once, however often we start.
async fn post(engine: &Engine, channel: &str, count: i64) -> Result<(), TellError> {
    let Some(last) = engine.inner.logbook.inner.log.entry(count).await? else { return Ok(()) };
    let effect = Effect::Say {
        channel: channel.to_owned(),
        thread: None,
        // Nobody asked for it, so nobody is told if Slack does not take it: that is logged.
        by: channel.to_owned(),
        text: format!(
            "The audit log is whole up to entry {count}. To compare it with this message later: `nightlatch audit verify --head {count}:{}`",
            last.hash
        ),
        blocks: serde_json::Value::Null,
    };
    let day = engine.inner.clock.now_ms().div_euclid(DAY_MS);
    let work = jobs::Work::Say { about: super::SUBJECT, effect: Box::new(effect) };
    engine.submit(work, Actor::Clock, Some(format!("head of the log {channel} {day}")), None).await.map(drop)
}
