//! The turn of each call to Tailscale: all that go there are paced together, ends first, the oldest first, and as fast as `rate` has
//! learned that it takes them. A refused call waits here and is sent again; only a wait that is too long is an error.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::rate::{Admission, Out, Rate};
use crate::clock::{Clock, Stamp};

/// An end waits here this long at most; its worker has a minute.
const END_WAITS: Duration = Duration::from_secs(40);
/// Whoever looks something up does it for somebody who waits.
const OTHERS_WAIT: Duration = Duration::from_secs(10);
/// No `Retry-After` puts an end off for longer.
pub(super) const END_ASKED_MAX: Duration = Duration::from_secs(60);
/// The clock jumped if it is ahead by more.
const JUMP: Duration = Duration::from_millis(500);

/// Whose call it is. The order is that of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Turn {
    /// It ends or may end somebody's access; the number says how long that has been going on.
    End(u64),
    /// Anything else.
    Other,
}

impl Turn {
    fn is_end(self) -> bool {
        matches!(self, Self::End(_))
    }

    fn waits(self) -> Duration {
        if self.is_end() { END_WAITS } else { OTHERS_WAIT }
    }
}

/// The pace of one remote.
#[derive(Debug)]
pub(super) struct Pace {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    rate: Rate,
    /// What time it was at the last look: of the network, of the clock, and since the start as `rate` counts it.
    looked_at: (Instant, Stamp, Duration),
    /// Whoever waits, in their order; the first is told when to look again.
    waiting: BTreeMap<(Turn, u64), Arc<Notify>>,
    numbers: u64,
}

/// A call that is out. Dropped without a word: nobody knows what became of it.
#[derive(Debug)]
pub(super) struct Place<'p> {
    pace: &'p Pace,
    out: Option<Out>,
}

/// It would have to wait longer than makes sense; so long at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong {
    pub left: Duration,
}

/// How long one call has waited so far, in all its attempts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    turn: Turn,
    ends_at: Instant,
}

impl Pace {
    pub(super) fn new(clock: Clock) -> Self {
        let state = State {
            rate: Rate::default(),
            looked_at: (Instant::now(), clock.stamp(), Duration::ZERO),
            waiting: BTreeMap::new(),
            numbers: 0,
        };
        Self { clock, state: Mutex::new(state) }
    }

    /// A number for whoever ends something now: those with lower ones go first.
    pub(super) fn number(&self) -> u64 {
        let mut state = self.state();
        state.numbers = state.numbers.saturating_add(1);
        state.numbers
    }

    pub(super) fn patience(&self, turn: Turn) -> Patience {
        Patience { turn, ends_at: Instant::now() + turn.waits() }
    }

    /// Waits for the turn of a call.
    pub(super) async fn turn(&self, patience: Patience) -> Result<Place<'_>, TooLong> {
        let mut queued: Option<Queued<'_>> = None;
        loop {
            let (until, notify) = {
                let mut state = self.state();
                let now = state.time(&self.clock);
                let first = state.waiting.first_key_value().map(|(key, _)| *key);
                let place = queued.as_ref().map(|queued| queued.key);
                let is_first = match (first, place) {
                    (None, _) => true,
                    (Some(first), Some(place)) => first == place,
                    (Some(first), None) => patience.turn < first.0,
                };
                let until = if is_first {
                    match state.rate.admit(now, patience.turn.is_end(), queued.is_some()) {
                        Admission::Now(out) => {
                            drop(state);
                            // Leaving the queue tells the next one.
                            drop(queued);
                            return Ok(Place { pace: self, out: Some(out) });
                        }
                        Admission::At(at) | Admission::WhenBack(at) => Some(Instant::now() + at.saturating_sub(now)),
                    }
                } else {
                    None
                };
                let notify = match &queued {
                    Some(queued) => queued.notify.clone(),
                    None => {
                        let key = (patience.turn, state.number());
                        let notify = Arc::new(Notify::new());
                        state.waiting.insert(key, notify.clone());
                        queued = Some(Queued { pace: self, key, notify: notify.clone() });
                        notify
                    }
                };
                (until, notify)
            };
            // Known from the start to be in vain.
            if let Some(until) = until.filter(|until| *until > patience.ends_at) {
                return Err(TooLong { left: until.saturating_duration_since(Instant::now()) });
            }
            tokio::select! {
                biased;
                () = notify.notified() => {}
                () = tokio::time::sleep_until(until.unwrap_or(patience.ends_at)) => {
                    if until.is_none() {
                        return Err(TooLong { left: Duration::ZERO });
                    }
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Time since the start. It is the network's, which nobody moves; the clock's where that jumped, as it does after a suspend.
    fn time(&mut self, clock: &Clock) -> Duration {
        let (at, stamp, before) = self.looked_at;
        let jumped = Duration::from_millis(clock.age_ms(stamp).unsigned_abs());
        let here = Instant::now();
        let passed = here.saturating_duration_since(at);
        let passed = if jumped > passed + JUMP { jumped } else { passed };
        let now = before.saturating_add(passed);
        self.looked_at = (here, clock.stamp(), now);
        now
    }

    fn number(&mut self) -> u64 {
        self.numbers = self.numbers.saturating_add(1);
        self.numbers
    }

    /// Lets the first in the queue look again.
    fn wake(&self) {
        if let Some((_, first)) = self.waiting.first_key_value() {
            first.notify_one();
        }
    }
}

impl Place<'_> {
    /// It was answered, with whatever answer: somebody is there.
    pub(super) fn answered(mut self) {
        let Some(out) = self.out.take() else { return };
        let mut state = self.pace.state();
        let now = state.time(&self.pace.clock);
        state.rate.taken(now, out);
        state.wake();
    }

    /// It was refused because there were too many; `asked` is for how long.
    pub(super) fn refused(mut self, asked: Option<Duration>) {
        let Some(out) = self.out.take() else { return };
        let mut state = self.pace.state();
        let now = state.time(&self.pace.clock);
        let before = state.rate.per_second();
        state.rate.refused(now, out, asked, asked.map(|asked| asked.min(END_ASKED_MAX)));
        if let (None, Some(per_second)) = (before, state.rate.per_second()) {
            tracing::warn!(
                calls_per_second = per_second.round(),
                "tailscale limits our calls; they are paced from now on"
            );
        }
        state.wake();
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some(out) = self.out.take() {
            let mut state = self.pace.state();
            state.rate.lost(out);
            state.wake();
        }
    }
}

/// A place in the queue; leaving it, for whatever reason, lets the next one look.
struct Queued<'p> {
    pace: &'p Pace,
    key: (Turn, u64),
    notify: Arc<Notify>,
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        let mut state = self.pace.state();
        state.waiting.remove(&self.key);
        state.wake();
    }
}
