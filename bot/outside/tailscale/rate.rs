//! How fast a remote takes calls: not limited until it refuses one, then as fast as it was seen to take them, and with time a
//! little faster. Knows no clock: every function is told how long it has been since the start.

use std::collections::VecDeque;
use std::time::Duration;

/// Calls out at once. One that has been out for `YOUNG` is waited for and no longer counted: calls that hang hold up no others.
pub(super) const OUT_MAX: usize = 64;
const YOUNG: Duration = Duration::from_secs(1);
/// Of these, so many are kept for ends.
const KEPT_FOR_ENDS: usize = 16;
/// Also counting those.
const OUT_IN_ALL_MAX: usize = 512;
/// While it has never refused: so many at once and so many a second go out whatever is out already. What is more goes out while fewer
/// than a window are out; the window doubles every second that it is used up, so that no limit is met at full speed.
const FREE: f64 = 32.0;
const FREE_PER_SECOND: f64 = 48.0;
const WINDOW_MIN: f64 = 4.0;
/// What is held, of what was seen to be taken.
const HELD: f64 = 0.985;
/// One refusal now and then only says that we are at the limit; more in a row, that we are above it.
const ABOVE: f64 = 0.98;
const IN_A_ROW_MAX: u32 = 3;
/// Fewer taken calls than this say little about a limit; it is then found by doubling.
const TELLING: usize = 3;
/// Nobody is told to look again at once.
const MOMENT: Duration = Duration::from_millis(1);
/// Over this time is counted what was taken.
const WINDOW: Duration = Duration::from_secs(1);
/// The same for what goes out: two calls may come closer together than they were sent.
const COUNTED: Duration = Duration::from_millis(1_010);
/// Timers are late by as much on a busy machine.
const LATE_MAX: Duration = Duration::from_millis(200);
/// More of it is not counted: nobody limits to more than this a second.
const COUNTED_MAX: usize = 10_000;
/// A remote that refused nothing for so long is as one that never did.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3_600);
/// Pauses after refusals that do not say how long, doubling.
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// When a call may go out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Admission {
    /// Now; it is counted as out.
    Now(Out),
    /// Not before then.
    At(Duration),
    /// When one that is out comes back, and not later than then.
    WhenBack(Duration),
}

/// A call that is out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Out {
    number: u64,
    at: Duration,
    /// It had to wait for its turn.
    paced: bool,
}

#[derive(Debug, Default)]
pub(super) struct Rate {
    limit: Option<Limit>,
    sent: u64,
    /// Numbers and times of the calls sent within the last second that were not refused, the oldest first.
    taken: VecDeque<(u64, Duration)>,
    young: VecDeque<(u64, Duration)>,
    old: usize,
    window: f64,
    free: f64,
    /// When `free` and `window` were last brought up to date.
    counted_at: Duration,
    /// Nothing goes out before, and before that no end.
    closed_until: Duration,
    closed_for_ends_until: Duration,
    refused_in_a_row: u32,
    /// Closed so often without anything having been taken in between.
    closures: u32,
    /// One call is sent to see whether it is open again.
    probe: Option<u64>,
}

#[derive(Debug)]
struct Limit {
    per_second: f64,
    /// The next call goes out then.
    next_at: Duration,
    /// Nothing sent up to this number says anything new.
    cut_at: u64,
    refused_at: Duration,
    /// Seconds since then in which calls had to wait.
    busy: f64,
    /// Refusals that came within a second of one another.
    close_together: i32,
    raised_at: Duration,
    /// Too little was seen to know it.
    is_guess: bool,
}

impl Rate {
    /// Whether a call may go out now. `waited`: it is not the first time that it asks.
    pub(super) fn admit(&mut self, now: Duration, is_end: bool, waited: bool) -> Admission {
        self.count(now);
        let closed_until = if is_end { self.closed_for_ends_until } else { self.closed_until };
        if closed_until > now {
            return Admission::At(closed_until);
        }
        let next_old = self.young.front().map_or(now, |(_, at)| at.saturating_add(YOUNG));
        let out_max = if is_end { OUT_MAX } else { OUT_MAX - KEPT_FOR_ENDS };
        if self.young.len() >= out_max || self.old.saturating_add(self.young.len()) >= OUT_IN_ALL_MAX {
            return Admission::WhenBack(next_old.max(now.saturating_add(MOMENT)));
        }
        if self.closures > 0 && self.probe.is_some() {
            return Admission::WhenBack(now.saturating_add(YOUNG));
        }
        if let Some(limit) = &mut self.limit {
            if limit.next_at > now {
                return Admission::At(limit.next_at);
            }
            // Nor more in any second, since that is how most remotes count.
            let whole = limit.per_second.ceil() as usize;
            let first = self.taken.partition_point(|(_, at)| now.saturating_sub(*at) >= COUNTED);
            if self.taken.len().saturating_sub(first) >= whole
                && let Some((_, at)) = self.taken.get(self.taken.len().saturating_sub(whole))
            {
                return Admission::At(at.saturating_add(COUNTED).max(now.saturating_add(MOMENT)));
            }
            let every = Duration::from_secs_f64(1.0 / limit.per_second);
            // What late timers cost is made up for.
            limit.next_at = limit.next_at.max(now.saturating_sub(LATE_MAX)).saturating_add(every);
        } else if (self.young.len() as f64) >= self.window {
            if self.free < 1.0 {
                let short = Duration::from_secs_f64((1.0 - self.free) / FREE_PER_SECOND);
                return Admission::WhenBack(now.saturating_add(short).saturating_add(MOMENT));
            }
            self.free -= 1.0;
        }
        self.sent = self.sent.wrapping_add(1);
        let out = Out { number: self.sent, at: now, paced: waited };
        if self.closures > 0 {
            self.probe = Some(out.number);
        }
        self.young.push_back((out.number, now));
        if self.taken.len() >= COUNTED_MAX {
            self.taken.pop_front();
        }
        self.taken.push_back((out.number, now));
        Admission::Now(out)
    }

    /// It was answered, and not refused.
    pub(super) fn taken(&mut self, now: Duration, out: Out) {
        self.back(out);
        self.refused_in_a_row = 0;
        self.closures = 0;
        self.probe = None;
        let Some(limit) = &mut self.limit else { return };
        let idle = now.saturating_sub(limit.raised_at);
        limit.raised_at = now;
        if out.paced {
            let passed = idle.as_secs_f64().min(1.0);
            limit.busy += passed;
            let a_second = if limit.is_guess { 0.7 } else { 0.002 * (1.0 + limit.busy / 10.0).powi(2) };
            limit.per_second *= 1.0 + a_second.min(0.7) * passed;
        }
        if now.saturating_sub(limit.refused_at) > FORGOTTEN_AFTER {
            self.limit = None;
            self.window = WINDOW_MIN;
        }
    }

    /// It was refused, and nothing was done. `wait` is what the remote asked for, `wait_for_ends` what of it ends keep to.
    pub(super) fn refused(&mut self, now: Duration, out: Out, wait: Option<Duration>, wait_for_ends: Option<Duration>) {
        self.back(out);
        if let Ok(at) = self.taken.binary_search_by_key(&out.number, |(number, _)| *number) {
            self.taken.remove(at);
        }
        self.refused_in_a_row = self.refused_in_a_row.saturating_add(1);
        let is_first = self.limit.is_none();
        let is_new = self.limit.as_ref().is_none_or(|limit| out.number > limit.cut_at);
        let is_probe = self.probe.is_some_and(|probe| probe == out.number);
        let is_long = wait.is_some_and(|wait| wait > WINDOW);
        let closes = is_first || is_probe || is_long || self.refused_in_a_row >= IN_A_ROW_MAX;
        // What comes after a silence says nothing about how fast is too fast.
        if is_new && !is_probe {
            self.cut(now, out, closes);
        }
        if closes && (is_new || is_probe) {
            if is_probe || wait.is_none() {
                self.closures = self.closures.saturating_add(1);
            }
            self.probe = None;
            let doubled = PAUSE_MIN.saturating_mul(1 << self.closures.saturating_sub(1).min(10)).min(PAUSE_MAX);
            self.close(now, wait.unwrap_or(doubled), wait_for_ends.unwrap_or(doubled));
        } else if self.closed_until > now {
            // Those that were on their way may ask for a little more.
            self.close(now, wait.unwrap_or_default(), wait_for_ends.unwrap_or_default());
        }
    }

    /// It ended without an answer, or its caller went away.
    pub(super) fn lost(&mut self, out: Out) {
        self.back(out);
        if self.probe == Some(out.number) {
            self.probe = None;
        }
    }

    /// How many calls a second go out at most; none: as many as there are.
    pub(super) fn per_second(&self) -> Option<f64> {
        self.limit.as_ref().map(|limit| limit.per_second)
    }

    fn close(&mut self, now: Duration, wait: Duration, wait_for_ends: Duration) {
        self.closed_until = self.closed_until.max(now.saturating_add(wait));
        self.closed_for_ends_until = self.closed_for_ends_until.max(now.saturating_add(wait_for_ends));
        if let Some(limit) = &mut self.limit {
            limit.next_at = limit.next_at.max(self.closed_for_ends_until);
        }
    }

    /// Learns from a refusal: what was taken in the second before it, or since the refusal before.
    fn cut(&mut self, now: Duration, out: Out, closes: bool) {
        let since = out.at.saturating_sub(WINDOW);
        let is_before = |(number, at): &&(u64, Duration)| *number < out.number && (*at > since || out.at < WINDOW);
        let seen = self.taken.iter().filter(is_before).count();
        let sent = self.sent;
        match &mut self.limit {
            None => {
                let is_guess = seen < TELLING;
                self.limit = Some(Limit {
                    per_second: (seen as f64 * HELD).max(1.0),
                    next_at: now,
                    cut_at: sent,
                    refused_at: now,
                    busy: 0.0,
                    close_together: 0,
                    raised_at: now,
                    is_guess,
                });
            }
            Some(limit) => {
                let is_close = now.saturating_sub(limit.refused_at) < WINDOW;
                limit.close_together = if is_close { limit.close_together.saturating_add(1) } else { 0 };
                // What was taken within a second can be taken within the next one.
                let least = (seen as f64 * HELD).min(limit.per_second * ABOVE).max(1.0);
                limit.per_second = match closes {
                    true => least,
                    false if limit.is_guess => (limit.per_second * 0.7).max(1.0),
                    false => (limit.per_second * ABOVE.powi(1 << limit.close_together.min(2))).max(least),
                };
                (limit.cut_at, limit.refused_at, limit.is_guess) = (sent, now, false);
                limit.busy = 0.0;
            }
        }
    }

    fn back(&mut self, out: Out) {
        match self.young.binary_search_by_key(&out.number, |(number, _)| *number) {
            Ok(at) => drop(self.young.remove(at)),
            Err(_) => self.old = self.old.saturating_sub(1),
        }
    }

    /// Brings what changes with time up to date.
    fn count(&mut self, now: Duration) {
        while self.young.front().is_some_and(|(_, at)| now.saturating_sub(*at) >= YOUNG) {
            self.young.pop_front();
            self.old = self.old.saturating_add(1);
        }
        while self.taken.front().is_some_and(|(_, at)| now.saturating_sub(*at) > 4 * WINDOW) {
            self.taken.pop_front();
        }
        if self.window < WINDOW_MIN {
            (self.window, self.free) = (WINDOW_MIN, FREE);
        }
        let passed = now.saturating_sub(self.counted_at).as_secs_f64();
        self.counted_at = self.counted_at.max(now);
        self.free = (self.free + passed * FREE_PER_SECOND).min(FREE);
        if (self.young.len() as f64) >= self.window {
            self.window = (self.window * 2.0_f64.powf(passed.min(1.0))).min(OUT_MAX as f64);
        }
    }
}

#[cfg(test)]
mod tests;
