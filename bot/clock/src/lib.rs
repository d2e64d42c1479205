//! The clock seam: the only place that reads time, so that tests, the demo and the simulator can move it, step it and stop it.

mod belief;
mod ids;
mod source;

use nightlatch_planted::{Fault, is_planted};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tracing::warn;

pub use belief::Step;
use belief::{Belief, Seen};
pub use ids::Ids;
use source::{Reading, Source};

/// Whoever waits looks at the time again at least this often: timers stand still while the machine is suspended, and nobody tells
/// them that the clock was set.
const NAP: Duration = Duration::from_secs(2);
/// The same where only `step_wall` and `suspend` can surprise anybody.
const SIMULATED_NAP: Duration = Duration::from_secs(60);

/// What time it is, in milliseconds since the Unix epoch, and a way to wait for a time.
///
/// `now_ms` is the time that decides: it starts with the wall clock, goes on with a steady clock that nobody can set (and that counts
/// the time in suspend), and follows steps of the wall only as far as they can be believed (`belief`). It never goes back for a step.
/// `stamp` and `age_ms` are for how old something is: never negative, and no step moves them. Cloning shares the clock.
#[derive(Clone, Debug)]
pub struct Clock {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    source: Source,
    /// What `advance` and `suspend` added to both clocks.
    moved: AtomicI64,
    /// What `step_wall` added to the wall clock.
    stepped: AtomicI64,
    belief: Mutex<Belief>,
    /// The last step.
    last_step: watch::Sender<Option<Step>>,
    /// Somebody who waits should look again; whoever waited first looks first.
    moves: Notify,
}

/// A moment on the steady clock, for ages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp(i64);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::new(Source::Machine, 0)
    }

    /// A clock that stands at `now_ms` until it is moved.
    pub fn manual(now_ms: i64) -> Self {
        Self::new(Source::Hand, now_ms)
    }

    /// A clock that starts at `now_ms` and follows tokio's time, for a simulation that pauses it. Needs a runtime.
    pub fn simulated(now_ms: i64) -> Self {
        Self::new(Source::tokio(), now_ms)
    }

    fn new(source: Source, start_ms: i64) -> Self {
        let Reading { steady, wall } = source.read();
        let belief = Belief::new(Reading { steady, wall: wall.saturating_add(start_ms) });
        Self {
            inner: Arc::new(Inner {
                source,
                moved: AtomicI64::new(0),
                stepped: AtomicI64::new(start_ms),
                belief: Mutex::new(belief),
                last_step: watch::Sender::new(None),
                moves: Notify::new(),
            }),
        }
    }

    /// When something was last saved before this start, if anything was: a wall clock that was set while nothing of ours ran differs from
    /// it. Only the first call counts.
    pub fn remember(&self, last_ms: Option<i64>) {
        let (reading, mut belief) = self.belief();
        belief.remember(reading, last_ms);
    }

    /// Milliseconds since the Unix epoch: the time that decides what is due.
    pub fn now_ms(&self) -> i64 {
        let (reading, mut belief) = self.belief();
        let seen = belief.look(reading);
        drop(belief);
        self.tell(seen);
        seen.now
    }

    /// What to show people for a time of ours. The same, unless the wall clock was set back and what was lent before is still counted as
    /// if it had not been: then people see it as their own clocks will.
    pub fn shown_ms(&self, at_ms: i64) -> i64 {
        self.now_ms();
        at_ms.saturating_sub(self.belief().1.shown_behind_ms())
    }

    /// Milliseconds on a clock that nobody can set and that goes on while the machine is suspended. Where it begins means nothing.
    pub fn steady_ms(&self) -> i64 {
        self.reading().steady
    }

    /// Now, to ask later how long ago it was.
    pub fn stamp(&self) -> Stamp {
        Stamp(self.steady_ms())
    }

    /// How long ago that was, in milliseconds; never negative, whatever becomes of the wall clock.
    pub fn age_ms(&self, stamp: Stamp) -> i64 {
        self.steady_ms().saturating_sub(stamp.0).max(0)
    }

    /// `who` (Tailscale, Slack) said that it is `remote_ms` there, in the `Date` header of an answer to what we sent at `sent`. Whole
    /// seconds are fine. Call this for every answer: it decides whether a big step ahead of the wall clock is believed.
    pub fn heard(&self, who: &'static str, remote_ms: i64, sent: Stamp) {
        self.now_ms();
        let (reading, mut belief) = self.belief();
        let jumped = belief.heard(reading, who, remote_ms, sent.0);
        drop(belief);
        if jumped {
            self.wake();
        }
    }

    /// Whether the wall clock was set far ahead and nobody has confirmed or denied it yet: whoever can should ask a far side now.
    pub fn is_doubted(&self) -> bool {
        self.now_ms();
        self.belief().1.is_doubted()
    }

    /// Whether we count on as if the wall clock had not been set back.
    pub fn is_ahead_of_wall(&self) -> bool {
        self.now_ms();
        self.belief().1.is_ahead_of_wall()
    }

    /// Goes back to the wall clock after it was set back. Only for whoever knows that nothing waits for a time of ours.
    pub fn rejoin(&self) {
        if self.belief().1.rejoin() {
            self.wake();
        }
    }

    /// What people should know about the clock, one sentence each.
    pub fn troubles(&self) -> Vec<String> {
        self.now_ms();
        let (reading, belief) = self.belief();
        belief.troubles(reading.steady)
    }

    /// How often the wall clock was stepped since the start.
    pub fn steps_count(&self) -> u64 {
        self.belief().1.steps_count()
    }

    /// Changes at every step of the wall clock (and at other jumps); holds the last step.
    pub fn steps(&self) -> watch::Receiver<Option<Step>> {
        self.inner.last_step.subscribe()
    }

    /// Moves the clock forward and wakes everyone who waits on it. Only the playground and tests call this.
    pub fn advance(&self, by: Duration) {
        self.suspend(by);
        self.wake();
    }

    /// Moves the clock forward and tells nobody, as when the machine was suspended. Only tests call this.
    pub fn suspend(&self, by: Duration) {
        add(&self.inner.moved, i64::try_from(by.as_millis()).unwrap_or(i64::MAX));
    }

    /// Sets the wall clock, as somebody with the right to do so might; steady time goes on. Only tests call this.
    pub fn step_wall(&self, by_ms: i64) {
        add(&self.inner.stepped, by_ms);
        self.wake();
    }

    /// Waits this long; in a simulation no real time passes.
    pub async fn pause(&self, length: Duration) {
        tokio::time::sleep(length).await;
    }

    /// Returns when `now_ms() >= at_ms`; at once if that is already so.
    pub async fn sleep_until(&self, at_ms: i64) {
        loop {
            let mut moved = std::pin::pin!(self.inner.moves.notified());
            // Whatever moves from here on is heard of, also before we wait.
            moved.as_mut().enable();
            let left = at_ms.saturating_sub(self.now_ms());
            if left <= 0 {
                return;
            }
            let left = Duration::from_millis(left.unsigned_abs());
            let nap = match self.inner.source {
                Source::Hand => {
                    moved.await;
                    continue;
                }
                Source::Machine => left.min(NAP),
                Source::Tokio { .. } if is_planted(Fault::NapsLong) => left,
                Source::Tokio { .. } => left.min(SIMULATED_NAP),
            };
            tokio::select! {
                biased;
                () = tokio::time::sleep(nap) => {}
                () = moved => {}
            }
        }
    }

    fn reading(&self) -> Reading {
        let Reading { steady, wall } = self.inner.source.read();
        let (moved, stepped) = (self.inner.moved.load(Ordering::SeqCst), self.inner.stepped.load(Ordering::SeqCst));
        Reading { steady: steady.saturating_add(moved), wall: wall.saturating_add(moved).saturating_add(stepped) }
    }

    /// The clocks are read under the lock, so that two looks are in order.
    fn belief(&self) -> (Reading, MutexGuard<'_, Belief>) {
        let belief = self.inner.belief.lock().unwrap_or_else(PoisonError::into_inner);
        (self.reading(), belief)
    }

    fn tell(&self, seen: Seen) {
        if let Some(step) = seen.step {
            warn!(by_seconds = step.by_ms / 1_000, "{step}");
            self.inner.last_step.send_replace(Some(step));
            self.wake();
        } else if seen.jumped {
            self.wake();
        }
    }

    fn wake(&self) {
        self.inner.moves.notify_waiters();
    }
}

fn add(to: &AtomicI64, by: i64) {
    let add = |now: i64| Some(now.saturating_add(by));
    // The closure never says no.
    let _ = to.fetch_update(Ordering::SeqCst, Ordering::SeqCst, add);
}

#[cfg(test)]
mod tests;
