//! The watchdog: sees a writer that does not save and an end that is late, tries until saving works again, and gives the process up when
//! it does not for minutes. It reads memory and one index every ten seconds; only while something is wrong does it look more often.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::Engine;
use crate::clock::{Clock, Stamp, Step};
use crate::kernel::kept::Note;
use crate::kernel::{Actor, House};
use crate::store::StoreError;

/// Between two looks when all is well.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Between two tries to save something while nothing can be saved.
const TRY_EVERY: Duration = Duration::from_secs(1);
/// Between two questions what time it is elsewhere.
const ASK_EVERY: Duration = Duration::from_secs(2);
/// A writer that takes longer than this for one batch does not save.
const HANGS_MS: i64 = 10_000;
/// An end that is later than this is told at `/readyz`.
pub(super) const LATE_MS: i64 = 60_000;
/// Although there is room nothing was saved for this long: a new start may help.
const GIVEN_UP: Duration = Duration::from_secs(5 * 60);

/// What the watchdog and the writer know of each other.
#[derive(Debug, Default)]
pub(super) struct Watch {
    saving: Mutex<Saving>,
    /// Rings when saving begins to fail.
    failed: Notify,
    /// What is kept for ends was given up, and nothing else may use it.
    on_reserve: AtomicBool,
}

#[derive(Debug, Default)]
struct Saving {
    /// When the batch that is being written was begun.
    begun: Option<Stamp>,
    failing: Option<Failing>,
}

#[derive(Debug)]
struct Failing {
    since: Stamp,
    what: String,
    is_full: bool,
}

/// While this lives the writer has something in hand.
pub(super) struct InHand<'a>(&'a Watch);

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        self.0.saving().begun = None;
    }
}

impl Watch {
    fn saving(&self) -> MutexGuard<'_, Saving> {
        self.saving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The writer begins a batch.
    pub(super) fn begin(&self, clock: &Clock) -> InHand<'_> {
        self.saving().begun = Some(clock.stamp());
        InHand(self)
    }

    /// What came of a commit.
    fn note(&self, clock: &Clock, failure: Option<&StoreError>) {
        let mut saving = self.saving();
        match failure {
            None => {
                if let Some(over) = saving.failing.take() {
                    info!(seconds = clock.age_ms(over.since) / 1_000, "saving works again");
                }
            }
            Some(failure) if failure.stops_saving() => {
                let (what, is_full) = (failure.to_string(), failure.is_full());
                let since = saving.failing.as_ref().map_or_else(|| clock.stamp(), |failing| failing.since);
                saving.failing = Some(Failing { since, what, is_full });
                drop(saving);
                self.failed.notify_one();
            }
            Some(_) => {}
        }
    }

    /// Whether what room is left is for ends alone.
    pub(super) fn is_on_reserve(&self) -> bool {
        self.on_reserve.load(Ordering::SeqCst)
    }

    /// Whether the last commit failed or one hangs.
    pub(super) fn is_saving(&self, clock: &Clock) -> bool {
        let saving = self.saving();
        saving.failing.is_none() && saving.begun.is_none_or(|begun| clock.age_ms(begun) <= HANGS_MS)
    }

    /// Why nothing can be saved, for people.
    pub(super) fn trouble(&self, clock: &Clock) -> Option<String> {
        let saving = self.saving();
        if let Some(failing) = &saving.failing {
            return Some(format!(
                "nothing can be saved for {} s: {}",
                clock.age_ms(failing.since) / 1_000,
                failing.what
            ));
        }
        let hangs_ms = saving.begun.map(|begun| clock.age_ms(begun)).filter(|age| *age > HANGS_MS)?;
        Some(format!("what is to be saved has not been saved for {} s", hangs_ms / 1_000))
    }

    /// For how long nothing was saved although there is room.
    fn down_ms(&self, clock: &Clock) -> i64 {
        let saving = self.saving();
        let failing = saving.failing.as_ref().filter(|failing| !failing.is_full).map(|failing| failing.since);
        failing.into_iter().chain(saving.begun).map(|since| clock.age_ms(since)).max().unwrap_or(0)
    }
}

impl Engine {
    /// What came of a commit, with what the disk says to it; remembered for the watchdog.
    pub(super) fn saved<T>(&self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        let outcome = outcome.map_err(|failure| self.inner.store.judge(failure));
        self.inner.watch.note(&self.inner.clock, outcome.as_ref().err());
        outcome
    }

    /// Gives up the room that is kept for ends, for them alone; true if there was any.
    pub(super) fn give_up_reserve(&self) -> bool {
        let given = self.inner.store.give_up_reserve();
        if given {
            self.inner.watch.on_reserve.store(true, Ordering::SeqCst);
        }
        given
    }

    /// Makes it again as far as there is room; once there is any, everything is saved as usual.
    fn keep_reserve(&self) {
        self.inner.store.keep_reserve();
        if self.inner.watch.is_on_reserve() && !self.inner.store.is_without_reserve() {
            self.inner.watch.on_reserve.store(false, Ordering::SeqCst);
        }
    }

    /// Whether what this engine is told is being saved.
    pub fn is_saving(&self) -> bool {
        self.inner.watch.is_saving(&self.inner.clock)
    }

    /// Gauges that are looked up when somebody asks, in Prometheus' format.
    pub async fn gauges(&self) -> String {
        let late_ms = overdue_ms(self).await.unwrap_or(0);
        format!(
            "# HELP nightlatch_saving Whether what happens is being saved.\n# TYPE nightlatch_saving gauge\n\
             nightlatch_saving {}\n\
             # HELP nightlatch_end_overdue_seconds How late the oldest end is that is not over.\n\
             # TYPE nightlatch_end_overdue_seconds gauge\nnightlatch_end_overdue_seconds {}.{:03}\n\
             # HELP nightlatch_clock_steps How often this machine's clock was set since the start.\n\
             # TYPE nightlatch_clock_steps gauge\nnightlatch_clock_steps {}\n",
            u8::from(self.is_saving()),
            late_ms / 1_000,
            late_ms % 1_000,
            self.inner.clock.steps_count(),
        ) + &self.log_health().borrow().gauges()
    }
}

/// How late the oldest end is that is not over; 0 when none is.
pub(super) async fn overdue_ms(engine: &Engine) -> Result<i64, StoreError> {
    let store = &engine.inner.store;
    let end = store.earliest_end().await?.into_iter().chain(store.oldest_end().await?).min();
    Ok(end.map_or(0, |end| engine.inner.clock.now_ms().saturating_sub(end).max(0)))
}

/// Watches until `stop`. The wall clock may have been set while nothing of ours ran, so that is asked about beside it.
pub(super) async fn run(engine: Engine, stop: CancellationToken) {
    tokio::join!(ask_the_time(&engine, &stop), watch(&engine, &stop));
}

async fn watch(engine: &Engine, stop: &CancellationToken) {
    let mut steps = engine.inner.clock.steps();
    let (mut was_late, mut noted, mut down) = (false, 0, Duration::ZERO);
    loop {
        let is_well = engine.is_saving();
        // Without the reserve nobody can ask for anything: it is made again as soon as there is room.
        let pause = if is_well && !engine.inner.watch.is_on_reserve() { LOOK_EVERY } else { TRY_EVERY };
        let mut waited = Duration::ZERO;
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = engine.inner.clock.pause(pause) => waited = pause,
            () = engine.inner.watch.failed.notified(), if is_well => continue,
            changed = steps.changed() => {
                let step = steps.borrow_and_update().filter(|step| step.number > noted);
                if let (Ok(()), Some(step)) = (changed, step) {
                    noted = step.number;
                    note_step(engine, step).await;
                    ask_the_time(engine, stop).await;
                    // What starts by itself may have been put down for a time that is far away.
                    engine.inner.rescheduled.notify_one();
                }
            }
        }
        if !is_well {
            try_to_save(engine).await;
        }
        let is_down = !engine.is_saving() && engine.inner.watch.down_ms(&engine.inner.clock) > 0;
        down = if is_down { down.saturating_add(waited) } else { Duration::ZERO };
        give_up_in_time(engine, down);
        if is_well {
            engine.keep_reserve();
        }
        if let Err(failure) = engine.inner.store.shrink_log().await {
            warn!(error = %failure, "the write-ahead log could not be made smaller");
        }
        was_late = tell_late(engine, was_late).await;
        rejoin_wall(engine).await;
    }
}

/// One row is written as it is, so that it is known whether others could be. A disk that has room for one row alone counts as full.
async fn try_to_save(engine: &Engine) {
    let tried = async {
        engine.inner.store.needs_room()?;
        let mut tx = engine.inner.store.begin().await?;
        tx.touch().await?;
        tx.commit().await
    };
    if let Err(failure) = engine.saved(tried.await) {
        error!(error = %failure, "nothing can be saved");
    }
}

/// `down` is how long this was seen look by look: a clock that jumps in the middle of a save is not minutes without one.
fn give_up_in_time(engine: &Engine, down: Duration) {
    if down >= GIVEN_UP {
        let seconds = down.as_secs();
        engine.inner.store.break_down(&format!("nothing was saved for {seconds} s although there is room"));
    }
}

/// Says once that an end is late, and once that none is any more.
async fn tell_late(engine: &Engine, was_late: bool) -> bool {
    let late_ms = match overdue_ms(engine).await {
        Ok(late_ms) => late_ms,
        Err(failure) => {
            let failure = engine.inner.store.judge(failure);
            error!(error = %failure, "nobody can tell whether an end is late");
            return was_late;
        }
    };
    let is_late = late_ms > LATE_MS;
    if is_late && !was_late {
        error!(seconds = late_ms / 1_000, "the oldest end is late");
    }
    if was_late && !is_late {
        info!("no end is late any more");
    }
    is_late
}

/// The log says when somebody set the clock.
async fn note_step(engine: &Engine, step: Step) {
    let event = Note(serde_json::json!({ "event": "clock_set", "by_ms": step.by_ms }));
    let noted = async {
        let mut tx = engine.inner.store.begin().await?;
        tx.note(&House::Clock.into(), &Actor::Clock, &event, "", engine.inner.clock.now_ms()).await?;
        tx.commit().await
    };
    if let Err(failure) = engine.saved(noted.await) {
        warn!(error = %failure, "that the clock was set could not be written into the log");
    }
}

/// The wall clock was set far ahead: every answer of a far side tells its time (`Clock::heard`), so we ask for some now.
async fn ask_the_time(engine: &Engine, stop: &CancellationToken) {
    while engine.inner.clock.is_doubted() && !stop.is_cancelled() {
        // What they answer, or that they do not, is nobody's concern here.
        let (_, _) = tokio::join!(engine.inner.slack.auth_test(), engine.inner.tailscale.policy());
        tokio::select! {
            biased;
            () = engine.inner.clock.pause(ASK_EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// After the wall clock was set back, what waits is counted as if it had not been. Once nothing waits, we follow it.
async fn rejoin_wall(engine: &Engine) {
    if !engine.inner.clock.is_ahead_of_wall() {
        return;
    }
    match engine.inner.store.is_anything_waiting().await {
        Ok(true) => {}
        Ok(false) => engine.inner.clock.rejoin(),
        Err(failure) => warn!(error = %failure, "nobody can tell whether anything waits"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy() -> StoreError {
        StoreError::Database(sqlx::Error::PoolTimedOut)
    }

    #[test]
    fn a_save_that_fails_is_told_until_one_succeeds() {
        let (watch, clock) = (Watch::default(), Clock::manual(0));
        assert!(watch.is_saving(&clock) && watch.trouble(&clock).is_none());
        watch.note(&clock, Some(&busy()));
        clock.advance(Duration::from_secs(7));
        watch.note(&clock, Some(&busy()));
        let told = watch.trouble(&clock).unwrap_or_default();
        assert!(!watch.is_saving(&clock) && told.starts_with("nothing can be saved for 7 s"), "{told}");
        watch.note(&clock, None);
        assert!(watch.is_saving(&clock) && watch.trouble(&clock).is_none());
    }

    #[test]
    fn what_is_about_one_row_is_no_trouble_of_all() {
        let (watch, clock) = (Watch::default(), Clock::manual(0));
        watch.note(&clock, Some(&StoreError::NoSuchRequest("x".to_owned())));
        watch.note(&clock, Some(&StoreError::Database(sqlx::Error::RowNotFound)));
        assert!(watch.is_saving(&clock));
    }

    #[test]
    fn a_writer_that_hangs_is_seen_after_ten_seconds() {
        let (watch, clock) = (Watch::default(), Clock::manual(0));
        let in_hand = watch.begin(&clock);
        clock.advance(Duration::from_secs(10));
        assert!(watch.is_saving(&clock));
        clock.advance(Duration::from_secs(1));
        assert_eq!(watch.trouble(&clock).as_deref(), Some("what is to be saved has not been saved for 11 s"));
        drop(in_hand);
        assert!(watch.is_saving(&clock));
    }

    #[test]
    fn it_is_given_up_after_minutes_but_never_for_a_full_disk() {
        let (watch, clock) = (Watch::default(), Clock::manual(0));
        watch.note(&clock, Some(&busy()));
        clock.advance(Duration::from_millis(60_000));
        assert_eq!(watch.down_ms(&clock), 60_000);
        watch.note(&clock, Some(&StoreError::Full(String::new())));
        assert_eq!(watch.down_ms(&clock), 0);
        // A step of the wall clock makes nothing last longer.
        watch.note(&clock, Some(&busy()));
        clock.step_wall(3_600_000);
        assert_eq!(watch.down_ms(&clock), 60_000);
    }
}
