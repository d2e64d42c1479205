//! The worker: performs what is due, one at a time a lane, woken by a save and by the next due time, never by polling.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::perform::perform;
use super::performed::Performed;
use super::{Engine, TellError, writer};
use crate::kernel::Actor;
use crate::store::Waiting;

/// Effects being performed at once; each waits for the network most of the time.
const IN_HAND_MAX: usize = 128;
/// Rows looked at in one go.
const LOOKED_AT_MAX: i64 = 512;
/// No effect may take longer; every call inside has its own, shorter limit.
const EFFECT_LIMIT: Duration = Duration::from_secs(60);
/// Pause before an effect that broke is tried again.
const BROKEN_PAUSE_MS: i64 = 30_000;
/// Pause before the database is asked again after it failed.
const DATABASE_PAUSE: Duration = Duration::from_millis(500);

/// What the worker knew when it had nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Idle {
    pub(super) saves: u64,
    pub(super) now: i64,
}

#[derive(Default)]
struct InHand {
    seqs: HashSet<i64>,
    lanes: HashSet<String>,
    tasks: JoinSet<(i64, String)>,
}

/// Works until `stop`, then finishes what is in hand.
pub(super) async fn run(engine: Engine, stop: CancellationToken) {
    let mut in_hand = InHand::default();
    begin(&engine, &stop).await;
    while !stop.is_cancelled() {
        let saves = engine.inner.saves.load(Ordering::SeqCst);
        let now = engine.inner.clock.now_ms();
        let next = match start_due(&engine, &mut in_hand, now).await {
            Ok(next) => next,
            Err(failure) => {
                error!(error = %failure, "the outbox cannot be read; trying again");
                tokio::time::sleep(DATABASE_PAUSE).await;
                continue;
            }
        };
        if in_hand.seqs.is_empty() {
            engine.inner.idle.send_replace(Some(Idle { saves, now }));
        }
        tokio::select! {
            () = engine.inner.saved.notified() => {}
            Some(finished) = in_hand.tasks.join_next() => in_hand.finish(finished),
            () = sleep_until(&engine, next) => {}
            () = stop.cancelled() => {}
        }
        while let Some(finished) = in_hand.tasks.try_join_next() {
            in_hand.finish(finished);
        }
    }
    while let Some(finished) = in_hand.tasks.join_next().await {
        in_hand.finish(finished);
    }
}

/// Notes what was in the outbox when we came: a process that is dead may have begun it.
async fn begin(engine: &Engine, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        match engine.inner.store.newest_seq().await {
            Ok(newest) => return engine.inner.unsure.begin(newest),
            Err(failure) => {
                error!(error = %failure, "the outbox cannot be read; trying again");
                tokio::time::sleep(DATABASE_PAUSE).await;
            }
        }
    }
}

async fn sleep_until(engine: &Engine, next: Option<i64>) {
    match next {
        Some(at) => engine.inner.clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Starts what is due and free; returns when the next effect becomes due.
async fn start_due(engine: &Engine, in_hand: &mut InHand, now: i64) -> Result<Option<i64>, crate::store::StoreError> {
    if in_hand.seqs.len() >= IN_HAND_MAX {
        // Looked at again when one of them is done.
        return Ok(None);
    }
    let due = engine.inner.store.due(now, LOOKED_AT_MAX).await?;
    for waiting in due {
        if in_hand.seqs.len() >= IN_HAND_MAX {
            break;
        }
        if in_hand.seqs.contains(&waiting.seq) || in_hand.lanes.contains(&waiting.lane) {
            continue;
        }
        in_hand.seqs.insert(waiting.seq);
        in_hand.lanes.insert(waiting.lane.clone());
        let engine = engine.clone();
        in_hand.tasks.spawn(async move {
            let place = (waiting.seq, waiting.lane.clone());
            one(engine, waiting).await;
            place
        });
    }
    engine.inner.store.next_due_after(now).await
}

impl InHand {
    fn finish(&mut self, finished: Result<(i64, String), tokio::task::JoinError>) {
        if let Ok((seq, lane)) = finished {
            self.seqs.remove(&seq);
            self.lanes.remove(&lane);
        }
    }
}

/// Performs one effect and writes down what came of it. Never panics: a panic inside is a failure of that effect.
async fn one(engine: Engine, waiting: Waiting) {
    let kind = waiting.effect.name();
    let (inner, effect) = (engine.clone(), waiting.clone());
    let mut task = tokio::spawn(async move { perform(&inner, &effect).await });
    let performed = match tokio::time::timeout(EFFECT_LIMIT, &mut task).await {
        Ok(Ok(performed)) => performed,
        Ok(Err(broken)) => {
            error!(request.id = %waiting.request_id, effect = kind, error = %broken, "an effect broke; this is a bug");
            Performed::later(BROKEN_PAUSE_MS, "it broke")
        }
        Err(_) => {
            task.abort();
            error!(request.id = %waiting.request_id, effect = kind, "an effect took too long; it will be tried again");
            Performed::later(BROKEN_PAUSE_MS, "it took too long")
        }
    };
    engine.inner.metrics.count_effect(kind, performed.word());
    if let Err(failure) = write_down(&engine, &waiting, performed).await {
        // The row is still there and will be performed again: everything we do can be done twice.
        error!(request.id = %waiting.request_id, effect = kind, error = %failure, "what was performed could not be saved");
        tokio::time::sleep(DATABASE_PAUSE).await;
    }
}

async fn write_down(engine: &Engine, waiting: &Waiting, performed: Performed) -> Result<(), TellError> {
    let mut actor = Actor::Worker;
    let work = match performed {
        Performed::Happened(event) => {
            return engine.report(&waiting.request_id, *event, waiting.seq).await.map(drop);
        }
        Performed::Changes(work) => {
            actor = Actor::Clock;
            writer::Work::Paste(work)
        }
        Performed::Done => writer::Work::Done,
        Performed::Later { pause_ms, error } => {
            let due_at = engine.inner.clock.now_ms().saturating_add(pause_ms);
            writer::Work::Postpone { due_at, error }
        }
    };
    engine.submit(work, actor, None, Some(waiting.seq)).await.map(drop)
}
