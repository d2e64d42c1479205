//! The worker: performs what is due, one at a time a lane, woken by a save and by the next due time, never by polling. Each
//! class of work has places of its own, so that no end waits behind messages.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::perform::perform;
use super::performed::Performed;
use super::{Engine, TellError, Told, jobs, settle};
use crate::kernel::{Actor, Effect, Event, Key, RequestId, Wake};
use crate::planted::{Fault, is_planted};
use crate::store::{Class, Row, StoreError, Waiting};

/// Rows of one class looked at in one go.
const LOOKED_AT_MAX: usize = 512;
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
/// Pause before the database is asked again after it failed.
const DATABASE_PAUSE: Duration = Duration::from_millis(500);
/// An end that has passed this long ago and is still in the ledger was not saved by its own clock.
const OVERDUE_AFTER_MS: i64 = 1_000;
/// Between two looks at ends that have passed, and how many are saved in one go.
const OVERDUE_EVERY_MS: i64 = 5_000;
const OVERDUE_MAX: i64 = 256;

/// Effects of one class being performed at once; each waits for the network most of the time.
fn places(class: Class) -> usize {
    match class {
        Class::Settle => 128,
        Class::End | Class::Decide | Class::Alarm | Class::Ask | Class::Say => 64,
    }
}

/// What the worker knew when it had nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Idle {
    pub(super) saves: u64,
    pub(super) now: i64,
}

/// What is being performed, and what was read and waits for a place.
#[derive(Default)]
struct Running {
    tasks: JoinSet<()>,
    /// By task, so that one that dies keeps nothing blocked.
    by_task: HashMap<Id, (Class, i64, String)>,
    seqs: HashSet<i64>,
    lanes: HashSet<String>,
    counts: HashMap<Class, usize>,
    read: HashMap<Class, VecDeque<Waiting>>,
    /// When ends that have passed were last looked at.
    overdue_at: i64,
}

/// Works until `stop`, then finishes what is in hand.
pub(super) async fn run(engine: Engine, stop: CancellationToken) {
    let mut running = Running { overdue_at: i64::MIN, ..Running::default() };
    begin(&engine, &stop).await;
    while !stop.is_cancelled() {
        let saves = engine.inner.saves.load(Ordering::SeqCst);
        let now = engine.inner.clock.now_ms();
        let next = match look(&engine, &mut running, now).await {
            Ok(next) => next,
            Err(failure) => {
                let failure = engine.inner.store.judge(failure);
                error!(error = %failure, "the outbox cannot be read; trying again");
                tokio::time::sleep(DATABASE_PAUSE).await;
                continue;
            }
        };
        if running.tasks.is_empty() {
            engine.inner.idle.send_replace(Some(Idle { saves, now }));
        }
        tokio::select! {
            biased;
            () = engine.inner.saved.notified() => {}
            () = running.proceed(&engine) => {}
            () = sleep_until(&engine, next) => {}
            () = stop.cancelled() => {}
        }
    }
    while let Some(finished) = running.tasks.join_next_with_id().await {
        running.finish(finished);
    }
}

/// Notes what was in the outbox when we came: a process that is dead may have begun it. What an earlier version could not
/// read queues again.
async fn begin(engine: &Engine, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        match readmitted(engine).await {
            Ok(newest) => return engine.inner.unsure.begin(newest),
            Err(failure) => {
                let failure = engine.inner.store.judge(failure);
                error!(error = %failure, "the outbox cannot be read; trying again");
                tokio::time::sleep(DATABASE_PAUSE).await;
            }
        }
    }
}

async fn readmitted(engine: &Engine) -> Result<i64, StoreError> {
    if engine.inner.store.set_aside_count().await? > 0 {
        let mut tx = engine.inner.store.begin().await?;
        let count = tx.readmit().await?;
        tx.commit().await?;
        warn!(count, "effects that were set aside can be read, and queue again");
    }
    let unsettled = engine.inner.store.unsettled(OVERDUE_MAX).await?;
    if !unsettled.is_empty() {
        let mut tx = engine.inner.store.begin().await?;
        for key in &unsettled {
            warn!(step.key = %key, "nothing was going to settle a key that was let go; it is settled now");
            super::settling::again(&mut tx, key, engine.inner.clock.now_ms()).await?;
        }
        tx.commit().await?;
    }
    engine.inner.store.newest_seq().await
}

async fn sleep_until(engine: &Engine, next: Option<i64>) {
    match next {
        Some(at) => engine.inner.clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Starts what is due and free; returns when there is something to look at next.
async fn look(engine: &Engine, running: &mut Running, now: i64) -> Result<Option<i64>, StoreError> {
    let mut next = overdue(engine, running, now).await?;
    for class in Class::ALL {
        running.refill(engine, class, now).await?;
        running.start(engine, class);
        let due_at = engine.inner.store.next_due_after(class, now).await?;
        next = next.into_iter().chain(due_at).min();
    }
    Ok(next)
}

/// Saves ends that have passed and are still in the ledger, from the ledger alone: the row that should have told them may be
/// unreadable, or lost. Returns when to look again.
async fn overdue(engine: &Engine, running: &mut Running, now: i64) -> Result<Option<i64>, StoreError> {
    let Some(end) = engine.inner.store.next_end().await? else { return Ok(None) };
    // Time went back: the wall clock was set back and nothing waited any more.
    running.overdue_at = running.overdue_at.min(now);
    let at = end.saturating_add(OVERDUE_AFTER_MS).max(running.overdue_at.saturating_add(OVERDUE_EVERY_MS));
    if at > now {
        return Ok(Some(at));
    }
    running.overdue_at = now;
    let holds = engine.inner.store.overdue(now.saturating_sub(OVERDUE_AFTER_MS), OVERDUE_MAX).await?;
    let inner = engine.clone();
    running.tasks.spawn(async move {
        let keys: Vec<_> = holds.iter().map(|(key, _)| key.clone()).collect();
        let saved = inner.submit(jobs::Work::Overdue(holds), Actor::Clock, None, None).await;
        if let Err(failure) = saved {
            error!(error = %failure, "ends that have passed could not be saved; they are settled all the same");
            for key in keys {
                take_back_unsaved(&inner, &key, None).await;
            }
        }
    });
    Ok(Some(now.saturating_add(OVERDUE_EVERY_MS)))
}

async fn take_back_unsaved(engine: &Engine, key: &Key, over: Option<&RequestId>) {
    if let Err(failure) = settle::settle_unsaved(engine, key, over).await {
        error!(step.key = %key, error = %failure, "nothing can be saved, and the ledger cannot be read");
    }
}

impl Running {
    /// Reads what is due of one class, unless enough is in hand already.
    async fn refill(&mut self, engine: &Engine, class: Class, now: i64) -> Result<(), StoreError> {
        let in_hand = self.count(class);
        if in_hand >= places(class) {
            return Ok(());
        }
        let limit = i64::try_from(LOOKED_AT_MAX + in_hand).unwrap_or(i64::MAX);
        let mut read = VecDeque::new();
        for row in engine.inner.store.due(class, now, limit).await? {
            match row {
                Row::Read(waiting) => read.push_back(*waiting),
                Row::Unreadable { why, .. } if is_planted(Fault::StopsAtUnreadable) => {
                    return Err(StoreError::NoSuchRequest(why));
                }
                Row::Unreadable { seq, .. } if self.seqs.contains(&seq) => {}
                Row::Unreadable { seq, request_id, why } => {
                    error!(request.id = %request_id, seq, why, "an effect cannot be read by this version; it is set aside");
                    let work = jobs::Work::SetAside { why };
                    let inner = engine.clone();
                    let saving = async move { drop(inner.submit(work, Actor::Worker, None, Some(seq)).await) };
                    self.spawn((class, seq, format!("aside {seq}")), saving);
                }
            }
        }
        self.read.insert(class, read);
        Ok(())
    }

    fn count(&self, class: Class) -> usize {
        self.counts.get(&class).copied().unwrap_or(0)
    }

    /// Starts what was read, as far as there are places.
    fn start(&mut self, engine: &Engine, class: Class) {
        while self.count(class) < places(class) {
            let Some(waiting) = self.read.get_mut(&class).and_then(VecDeque::pop_front) else { return };
            if self.seqs.contains(&waiting.seq) || (self.lanes.contains(&waiting.lane) && !is_planted(Fault::LaneTwice))
            {
                continue;
            }
            let (seq, lane) = (waiting.seq, waiting.lane.clone());
            self.spawn((class, seq, lane), one(engine.clone(), waiting));
        }
    }

    fn spawn(&mut self, (class, seq, lane): (Class, i64, String), work: impl Future<Output = ()> + Send + 'static) {
        let started = self.tasks.spawn(work);
        self.seqs.insert(seq);
        self.lanes.insert(lane.clone());
        *self.counts.entry(class).or_default() += 1;
        self.by_task.insert(started.id(), (class, seq, lane));
    }

    fn finish(&mut self, finished: Result<(Id, ()), tokio::task::JoinError>) -> Option<Class> {
        let id = match finished {
            Ok((id, ())) => id,
            Err(broken) => broken.id(),
        };
        let (class, seq, lane) = self.by_task.remove(&id)?;
        self.seqs.remove(&seq);
        self.lanes.remove(&lane);
        if let Some(count) = self.counts.get_mut(&class) {
            *count = count.saturating_sub(1);
        }
        Some(class)
    }

    /// Puts the next into each place that gets free; returns when the database must be looked at for more.
    async fn proceed(&mut self, engine: &Engine) {
        while let Some(finished) = self.tasks.join_next_with_id().await {
            let Some(class) = self.finish(finished) else { return };
            let had_more = self.read.get(&class).is_some_and(|read| !read.is_empty());
            self.start(engine, class);
            if !had_more {
                return;
            }
        }
        std::future::pending().await
    }
}

/// Performs one effect and writes down what came of it. Never panics: a panic inside is a failure of that effect.
async fn one(engine: Engine, waiting: Waiting) {
    let kind = waiting.effect.name();
    let limit = if matches!(waiting.effect, Effect::Settle { .. }) { SETTLE_LIMIT } else { EFFECT_LIMIT };
    if is_planted(Fault::TakesOutFirst) {
        drop(engine.submit(jobs::Work::Done, Actor::Worker, None, Some(waiting.seq)).await);
    }
    let (inner, effect) = (engine.clone(), waiting.clone());
    let mut task = tokio::spawn(async move { perform(&inner, &effect).await });
    let performed = match tokio::time::timeout(limit, &mut task).await {
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
        if matches!(waiting.effect, Effect::Wake { wake: Wake::Expire }) {
            end_unsaved(&engine, &waiting).await;
        }
        tokio::time::sleep(UNSAVED_PAUSE).await;
    }
}

/// Tells the request. A save that hangs keeps no end waiting: after a moment it is taken back, saved or not.
async fn reported(engine: &Engine, waiting: &Waiting, event: Event) -> Result<Told, TellError> {
    let mut reporting = Box::pin(engine.report(&waiting.request_id, event, waiting.seq));
    if !matches!(waiting.effect, Effect::Wake { wake: Wake::Expire }) {
        return reporting.await;
    }
    match tokio::time::timeout(UNSAVED_AFTER, &mut reporting).await {
        Ok(told) => told,
        Err(_) => {
            end_unsaved(engine, waiting).await;
            reporting.await
        }
    }
}

/// An end does not wait until it can be saved: the ledger says who holds what until when.
async fn end_unsaved(engine: &Engine, waiting: &Waiting) {
    match engine.inner.store.keys_of(&waiting.request_id).await {
        Ok(keys) => {
            for key in keys {
                take_back_unsaved(engine, &key, Some(&waiting.request_id)).await;
            }
        }
        Err(failure) => error!(request.id = %waiting.request_id, error = %failure, "the ledger cannot be read"),
    }
}

async fn write_down(engine: &Engine, waiting: &Waiting, performed: Performed) -> Result<(), TellError> {
    let mut actor = Actor::Worker;
    let work = match performed {
        Performed::Happened(event) => {
            return match reported(engine, waiting, *event).await {
                // Set aside in the same commit.
                Err(failure) if failure.is_unreadable() => {
                    error!(request.id = %waiting.request_id, error = %failure, "an effect is set aside: its request cannot be read");
                    Ok(())
                }
                told => told.map(drop),
            };
        }
        Performed::Changes(work) => {
            actor = Actor::Clock;
            jobs::Work::Paste(work)
        }
        Performed::Settled(settlement) => jobs::Work::Settled(settlement),
        Performed::Typed(work) => {
            actor = work.actor();
            jobs::Work::Typed(work)
        }
        Performed::SetAside { why } => {
            error!(request.id = %waiting.request_id, why, "an effect is set aside: its request cannot be read");
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
