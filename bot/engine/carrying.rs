//! Carrying out what is due: one effect, or many times that came together, and writing down what came of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::task::Id;
use tracing::error;

use super::perform::perform;
use super::performed::{Performed, Writing};
use super::{Engine, TellError, jobs, settle};
use crate::kernel::{Actor, Effect, Key, RequestId, Wake};
use crate::planted::{Fault, is_planted};
use crate::store::Waiting;

/// No effect may take longer; every call inside has its own, shorter limit.
const EFFECT_LIMIT: Duration = Duration::from_secs(60);
/// Settling may wait its turn at a far side that limits its callers; its calls have limits of their own.
const SETTLE_LIMIT: Duration = Duration::from_secs(300);
/// Pause before an effect that broke is tried again.
const BROKEN_PAUSE_MS: i64 = 30_000;
/// Pause before an effect whose outcome could not be saved is performed again: what can be saved again soon is, and the far side is
/// not asked twice a second meanwhile.
const UNSAVED_PAUSE: Duration = Duration::from_secs(2);
/// An end that could not be saved for so long is taken back all the same.
const UNSAVED_AFTER: Duration = Duration::from_secs(2);
/// Keys taken back at once while nothing can be saved.
const UNSAVED_AT_ONCE: usize = 64;

/// Told when an effect was performed and only waits to be saved.
pub(super) type Performing = mpsc::UnboundedSender<Id>;

/// Performs one effect and writes down what came of it. Never panics: a panic inside is a failure of that effect.
pub(super) async fn one(engine: Engine, waiting: Waiting, performing: Performing) {
    let kind = waiting.effect.name();
    let limit =
        if matches!(waiting.effect, Effect::Settle { .. } | Effect::Look { .. }) { SETTLE_LIMIT } else { EFFECT_LIMIT };
    if is_planted(Fault::TakesOutFirst) {
        drop(engine.submit(jobs::Work::Done, Actor::Worker, None, Some(waiting.seq)).await);
    }
    let (inner, effect) = (engine.clone(), waiting.clone());
    let mut task = tokio::spawn(async move { perform(&inner, &effect).await });
    let performed = match tokio::time::timeout(limit, &mut task).await {
        Ok(Ok(performed)) => performed,
        // Nothing broke: everything of ours is being stopped. The row is still there, and whoever starts next performs it at once.
        Ok(Err(stopped)) if stopped.is_cancelled() => return,
        Ok(Err(broken)) => {
            error!(subject = %waiting.subject, effect = kind, error = %broken, "an effect broke; this is a bug");
            Performed::later(BROKEN_PAUSE_MS, "it broke")
        }
        Err(_) => {
            task.abort();
            error!(subject = %waiting.subject, effect = kind, "an effect took too long; it will be tried again");
            Performed::later(BROKEN_PAUSE_MS, "it took too long")
        }
    };
    engine.inner.metrics.count_effect(kind, performed.word());
    // Whoever waits to be saved keeps nobody else from being performed.
    let _ = performing.send(tokio::task::id());
    if let Err(failure) = write_down(&engine, &waiting, performed).await {
        // The row is still there and will be performed again: everything we do can be done twice.
        error!(subject = %waiting.subject, effect = kind, error = %failure, "what was performed could not be saved");
        tokio::time::sleep(UNSAVED_PAUSE).await;
        return;
    }
    engine.inner.metrics.note_saved(1);
}

/// Tells requests that their times have come, all in one commit. A save that hangs or fails keeps no end waiting: after a moment they
/// are taken back, saved or not.
pub(super) async fn wakes(engine: Engine, waiting: Vec<(Waiting, Wake)>, performing: Performing) {
    // The store gives out none that is of no request.
    let wakes = waiting.iter().filter_map(|(waiting, wake)| {
        let id = waiting.subject.request()?.clone();
        Some(jobs::Waking { seq: waiting.seq, id, wake: *wake })
    });
    let wakes: Vec<jobs::Waking> = wakes.collect();
    for waking in &wakes {
        if is_planted(Fault::TakesOutFirst) {
            drop(engine.submit(jobs::Work::Done, Actor::Worker, None, Some(waking.seq)).await);
        }
        engine.inner.metrics.count_effect("wake", "done");
    }
    let over: BTreeSet<RequestId> =
        wakes.iter().filter(|waking| waking.wake == Wake::Expire).map(|waking| waking.id.clone()).collect();
    let mut saving = Box::pin(engine.submit(jobs::Work::Woke(wakes), Actor::Clock, None, None));
    let saved = if over.is_empty() {
        saving.await
    } else {
        match tokio::time::timeout(UNSAVED_AFTER, &mut saving).await {
            Ok(saved) => saved,
            Err(_) => {
                // Other times that come keep being told, and taken back, while this hangs.
                let _ = performing.send(tokio::task::id());
                end_unsaved(&engine, &over).await;
                saving.await
            }
        }
    };
    if let Err(failure) = saved {
        // The rows are still there and will be performed again.
        error!(count = waiting.len(), effect = "wake", error = %failure, "what was performed could not be saved");
        end_unsaved(&engine, &over).await;
        tokio::time::sleep(UNSAVED_PAUSE).await;
        return;
    }
    engine.inner.metrics.note_saved(waiting.len());
}

/// Sets aside a row that this version cannot read. Where that cannot be saved, the row is still there and met again.
pub(super) async fn set_aside(engine: Engine, seq: i64, why: String) {
    if let Err(failure) = engine.submit(jobs::Work::SetAside { why }, Actor::Worker, None, Some(seq)).await {
        error!(seq, error = %failure, "an effect that cannot be read could not be set aside; it is tried again");
        if !is_planted(Fault::NeverRests) {
            tokio::time::sleep(UNSAVED_PAUSE).await;
        }
    }
}

/// An end does not wait until it can be saved: the ledger says who holds what until when.
async fn end_unsaved(engine: &Engine, over: &BTreeSet<RequestId>) {
    let mut keys: BTreeMap<Key, BTreeSet<RequestId>> = BTreeMap::new();
    for id in over {
        match engine.inner.store.keys_of(id).await {
            Ok(held) => {
                for key in held {
                    keys.entry(key).or_default().insert(id.clone());
                }
            }
            Err(failure) => error!(request.id = %id, error = %failure, "the ledger cannot be read"),
        }
    }
    let keys = futures_util::stream::iter(keys);
    keys.for_each_concurrent(UNSAVED_AT_ONCE, async |(key, over)| take_back_unsaved(engine, &key, &over).await).await;
}

/// Takes back what the ledger says is over, and who is in `over`, while nothing can be saved.
pub(super) async fn take_back_unsaved(engine: &Engine, key: &Key, over: &BTreeSet<RequestId>) {
    if let Err(failure) = settle::settle_unsaved(engine, key, over).await {
        error!(step.key = %key, error = %failure, "nothing can be saved, and the ledger cannot be read");
    }
}

async fn write_down(engine: &Engine, waiting: &Waiting, performed: Performed) -> Result<(), TellError> {
    let mut actor = Actor::Worker;
    let work = match performed {
        Performed::Happened(event) => {
            let Some(id) = waiting.subject.request() else {
                let why = format!("{} is no request", waiting.subject);
                return engine.submit(jobs::Work::SetAside { why }, actor, None, Some(waiting.seq)).await.map(drop);
            };
            return match engine.report(id, *event, waiting.seq).await {
                // Set aside in the same commit.
                Err(failure) if failure.is_unreadable() => {
                    error!(subject = %waiting.subject, error = %failure, "an effect is set aside: its request cannot be read");
                    Ok(())
                }
                told => told.map(drop),
            };
        }
        Performed::Write(writing) => {
            let Writing { work, actor, after } = *writing;
            engine.submit(work, actor, None, Some(waiting.seq)).await?;
            after();
            return Ok(());
        }
        Performed::Settled(settlement) => jobs::Work::Settled(settlement),
        Performed::Typed(work) => {
            actor = work.actor();
            jobs::Work::Typed(work)
        }
        Performed::SetAside { why } => {
            error!(subject = %waiting.subject, why, "an effect is set aside: its request cannot be read");
            jobs::Work::SetAside { why }
        }
        Performed::Done => jobs::Work::Done,
        Performed::Later { pause_ms, error } => {
            let due_at = engine.inner.clock.now_ms().saturating_add(pause_ms);
            jobs::Work::Postpone { due_at, error }
        }
    };
    engine.submit(work, actor, None, Some(waiting.seq)).await.map(drop)
}
