//! The worker: performs what is due, one at a time a lane, woken by a save and by the next due time, never by polling. Each
//! class of work has places of its own, so that no end waits behind messages.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::{Engine, carrying, jobs};
use crate::kernel::{Actor, Effect, Wake};
use crate::planted::{Fault, is_planted};
use crate::store::{Class, Row, StoreError, Waiting};

/// Rows of one class looked at in one go.
const LOOKED_AT_MAX: i64 = 512;
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

/// Of one class being performed or waiting to be saved.
const IN_HAND_MAX: usize = 4_096;
/// Times of one class are told together, in so many jobs at once.
const WAKES_AT_ONCE: usize = 2;

/// What the worker knew when it had nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Idle {
    pub(super) saves: u64,
    pub(super) now: i64,
}

/// What is being performed, and what was read and waits for a place.
struct Running {
    tasks: JoinSet<()>,
    /// By task, so that one that dies keeps nothing blocked.
    by_task: HashMap<Id, InHand>,
    seqs: HashMap<Class, HashSet<i64>>,
    lanes: HashSet<String>,
    counts: HashMap<Class, usize>,
    read: HashMap<Class, VecDeque<Waiting>>,
    /// Times that have come and wait to be told.
    wakes: HashMap<Class, Vec<(Waiting, Wake)>>,
    wakes_in_hand: HashMap<Class, usize>,
    performing: carrying::Performing,
    /// Which tasks only wait to be saved.
    performed: mpsc::UnboundedReceiver<Id>,
    /// When ends that have passed were last looked at.
    overdue_at: i64,
}

/// What a task does.
struct InHand {
    class: Class,
    rows: Vec<(i64, String)>,
    /// One of the places of its class, which are others for those that tell times.
    has_place: bool,
    is_waking: bool,
}

/// Works until `stop`, then finishes what is in hand.
pub(super) async fn run(engine: Engine, stop: CancellationToken) {
    let mut running = Running::new();
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
                carrying::take_back_unsaved(&inner, &key, &BTreeSet::new()).await;
            }
        }
    });
    Ok(Some(now.saturating_add(OVERDUE_EVERY_MS)))
}

impl Running {
    fn new() -> Self {
        let (performing, performed) = mpsc::unbounded_channel();
        Self {
            tasks: JoinSet::new(),
            by_task: HashMap::new(),
            seqs: HashMap::new(),
            lanes: HashSet::new(),
            counts: HashMap::new(),
            read: HashMap::new(),
            wakes: HashMap::new(),
            wakes_in_hand: HashMap::new(),
            performing,
            performed,
            overdue_at: i64::MIN,
        }
    }

    /// Reads what is due of one class, unless enough is in hand already.
    async fn refill(&mut self, engine: &Engine, class: Class, now: i64) -> Result<(), StoreError> {
        if !self.has_place(class) {
            return Ok(());
        }
        let none = HashSet::new();
        let in_hand = self.seqs.get(&class).unwrap_or(&none);
        let (mut read, mut wakes, mut broken) = (VecDeque::new(), Vec::new(), Vec::new());
        for row in engine.inner.store.due_beside(class, now, in_hand, LOOKED_AT_MAX).await? {
            match row {
                Row::Read(waiting) => match waiting.effect {
                    Effect::Wake { wake } => wakes.push((*waiting, wake)),
                    _ => read.push_back(*waiting),
                },
                Row::Unreadable { why, .. } if is_planted(Fault::StopsAtUnreadable) => {
                    return Err(StoreError::NoSuchRequest(why));
                }
                Row::Unreadable { seq, subject, why } => {
                    error!(%subject, seq, why, "an effect cannot be read by this version; it is set aside");
                    broken.push((seq, why));
                }
            }
        }
        for (seq, why) in broken {
            let saving = carrying::set_aside(engine.clone(), seq, why);
            self.spawn((class, vec![(seq, format!("aside {seq}"))], false), saving);
        }
        self.read.insert(class, read);
        self.wakes.insert(class, wakes);
        Ok(())
    }

    /// Whether one more of this class can be performed.
    fn has_place(&self, class: Class) -> bool {
        let in_hand = self.seqs.get(&class).map_or(0, HashSet::len);
        count(&self.counts, class) < places(class) && in_hand < IN_HAND_MAX
    }

    /// Starts what was read, as far as there are places.
    fn start(&mut self, engine: &Engine, class: Class) {
        self.tell_wakes(engine, class);
        while self.has_place(class) {
            let Some(waiting) = self.read.get_mut(&class).and_then(VecDeque::pop_front) else { return };
            if self.is_in_hand(class, &waiting) {
                continue;
            }
            let row = (waiting.seq, waiting.lane.clone());
            let performing = self.performing.clone();
            self.spawn((class, vec![row], false), carrying::one(engine.clone(), waiting, performing));
        }
    }

    /// Times that have come are told together.
    fn tell_wakes(&mut self, engine: &Engine, class: Class) {
        if count(&self.wakes_in_hand, class) >= WAKES_AT_ONCE {
            return;
        }
        let mut wakes = self.wakes.remove(&class).unwrap_or_default();
        wakes.retain(|(waiting, _)| !self.is_in_hand(class, waiting));
        if wakes.is_empty() {
            return;
        }
        let rows = wakes.iter().map(|(waiting, _)| (waiting.seq, waiting.lane.clone())).collect();
        let performing = self.performing.clone();
        self.spawn((class, rows, true), carrying::wakes(engine.clone(), wakes, performing));
    }

    fn is_in_hand(&self, class: Class, waiting: &Waiting) -> bool {
        self.seqs.get(&class).is_some_and(|seqs| seqs.contains(&waiting.seq))
            || (self.lanes.contains(&waiting.lane) && !is_planted(Fault::LaneTwice))
    }

    fn spawn(
        &mut self,
        (class, rows, is_waking): (Class, Vec<(i64, String)>, bool),
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        let started = self.tasks.spawn(work);
        for (seq, lane) in &rows {
            self.seqs.entry(class).or_default().insert(*seq);
            self.lanes.insert(lane.clone());
        }
        *self.counts(is_waking).entry(class).or_default() += 1;
        self.by_task.insert(started.id(), InHand { class, rows, has_place: true, is_waking });
    }

    fn counts(&mut self, of_wakes: bool) -> &mut HashMap<Class, usize> {
        if of_wakes { &mut self.wakes_in_hand } else { &mut self.counts }
    }

    fn has_more(&self, class: Class) -> bool {
        self.read.get(&class).is_some_and(|read| !read.is_empty())
    }

    /// It only waits to be saved. Returns its class, and whether that had no place left.
    fn leave_place(&mut self, id: Id) -> Option<(Class, bool)> {
        let InHand { class, has_place, is_waking, .. } = self.by_task.get_mut(&id)?;
        let (class, is_waking) = (*class, *is_waking);
        let was_full = count(&self.counts, class) >= places(class);
        if std::mem::take(has_place)
            && let Some(count) = self.counts(is_waking).get_mut(&class)
        {
            *count = count.saturating_sub(1);
        }
        Some((class, was_full))
    }

    fn finish(&mut self, finished: Result<(Id, ()), tokio::task::JoinError>) -> Option<Class> {
        let id = match finished {
            Ok((id, ())) => id,
            Err(broken) => broken.id(),
        };
        self.leave_place(id);
        let InHand { class, rows, .. } = self.by_task.remove(&id)?;
        for (seq, lane) in rows {
            if let Some(seqs) = self.seqs.get_mut(&class) {
                seqs.remove(&seq);
            }
            self.lanes.remove(&lane);
        }
        Some(class)
    }

    /// Puts the next into each place that gets free; returns when the database must be looked at for more.
    async fn proceed(&mut self, engine: &Engine) {
        loop {
            tokio::select! {
                biased;
                Some(id) = self.performed.recv() => {
                    let Some((class, was_full)) = self.leave_place(id) else { continue };
                    let had_more = self.has_more(class);
                    self.start(engine, class);
                    if was_full && !had_more {
                        return;
                    }
                }
                Some(finished) = self.tasks.join_next_with_id() => {
                    let Some(class) = self.finish(finished) else { return };
                    let had_more = self.has_more(class);
                    self.start(engine, class);
                    if !had_more {
                        return;
                    }
                }
            }
        }
    }
}

fn count(counts: &HashMap<Class, usize>, class: Class) -> usize {
    counts.get(&class).copied().unwrap_or(0)
}
