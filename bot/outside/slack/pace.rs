//! Keeps us under Slack's limits by refusing to send, so that the worker can put the call back with a due time.
//!
//! The numbers are Slack's tiers (`apis/slack.md` sections 10 and 12): per method, per workspace, per app; our token
//! belongs to one workspace, so the method alone is the key. `chat.postMessage` counts per channel.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use super::error::{RETRY_AFTER_DEFAULT_MS, SlackError};
use crate::clock::{Clock, Stamp};

/// Above this many remembered channels, those that are not limited any more are forgotten.
const CHANNELS_MAX: usize = 1_024;
/// What the limits come to, for telling turns.
const POSTS_EVERY: Duration = Duration::from_secs(1);
const ALL_POSTS_EVERY: Duration = Duration::from_millis(250);
const UPDATES_EVERY: Duration = Duration::from_millis(1_200);
/// Nobody is told to come back later than this: turns can come earlier than they looked.
const TURN_MAX: Duration = Duration::from_secs(300);
/// Slack has never been seen to ask for longer; a broken header must not silence us for a day.
const RETRY_AFTER_MAX_MS: i64 = 3_600_000;

/// How often a method may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// Not paced by us: start-up checks and reconnects, which have their own backoff. A 429 still holds.
    Unpaced,
    /// 20 a minute, bursts of ten.
    Tier2,
    /// 50 a minute, bursts of twenty.
    Tier3,
    /// 100 a minute, also all at once: people wait for these.
    Tier4,
    /// As tier 3, for what waits in the outbox: whoever is refused is told a time of their own.
    Updates,
    /// One a second in each channel, bursts of three; four a second in all. Whoever is refused is told a time of their own.
    PerChannel,
}

/// A Web API method and its limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Method {
    pub(super) name: &'static str,
    pub(super) limit: Limit,
}

impl Method {
    pub(super) const fn new(name: &'static str, limit: Limit) -> Self {
        Self { name, limit }
    }

    /// It was not answered.
    pub(super) fn unavailable(self, detail: &str, may_have_happened: bool) -> SlackError {
        SlackError::Unavailable { method: self.name, detail: detail.to_owned(), may_have_happened }
    }

    /// It was answered with what it never answers.
    pub(super) fn malformed(self, detail: &str) -> SlackError {
        SlackError::Malformed { method: self.name, detail: detail.to_owned() }
    }
}

type Limiter<K> = RateLimiter<K, DashMapStateStore<K>, PaceClock, NoOpMiddleware<Duration>>;

/// All counters of one workspace.
pub(super) struct Pace {
    clock: PaceClock,
    tier2: Limiter<&'static str>,
    tier3: Limiter<&'static str>,
    tier4: Limiter<&'static str>,
    posts: Limiter<&'static str>,
    channels: Limiter<String>,
    /// The last time that was told to somebody who was refused: method, and channel for posts.
    told: Mutex<HashMap<(&'static str, String), Duration>>,
    /// Until when Slack itself told us to be silent: method, and channel for posts.
    blocked: Mutex<HashMap<(&'static str, String), Duration>>,
}

impl Pace {
    pub(super) fn new(clock: Clock) -> Self {
        let clock = PaceClock::new(clock);
        Self {
            tier2: limiter(Quota::per_minute(count(20)).allow_burst(count(10)), &clock),
            tier3: limiter(Quota::per_minute(count(50)).allow_burst(count(20)), &clock),
            tier4: limiter(Quota::per_minute(count(100)), &clock),
            posts: limiter(Quota::per_second(count(4)).allow_burst(count(20)), &clock),
            channels: limiter(Quota::per_second(count(1)).allow_burst(count(3)), &clock),
            told: Mutex::new(HashMap::new()),
            blocked: Mutex::new(HashMap::new()),
            clock,
        }
    }

    /// Takes one turn, or says how long to wait. A refusal sends nothing.
    pub(super) fn take(&self, method: Method, channel: &str) -> Result<(), SlackError> {
        let blocked_ms = self.blocked_ms(method, channel);
        let wait_ms = if blocked_ms > 0 { blocked_ms } else { self.wait_ms(method, channel) };
        if wait_ms > 0 {
            return Err(SlackError::RateLimited { method: method.name, retry_after_ms: wait_ms });
        }
        Ok(())
    }

    /// Slack said 429: this method (in this channel, for posts) is silent for `retry_after_ms`; returns what was kept.
    pub(super) fn block(&self, method: Method, channel: &str, retry_after_ms: Option<i64>) -> i64 {
        let wait_ms = retry_after_ms.unwrap_or(RETRY_AFTER_DEFAULT_MS).clamp(1_000, RETRY_AFTER_MAX_MS);
        let now = self.clock.elapsed();
        let until = now.saturating_add(Duration::from_millis(wait_ms.unsigned_abs()));
        let mut blocked = self.blocked.lock().unwrap_or_else(PoisonError::into_inner);
        blocked.retain(|_, end| *end > now);
        blocked.insert(block_key(method, channel), until);
        wait_ms
    }

    fn blocked_ms(&self, method: Method, channel: &str) -> i64 {
        let blocked = self.blocked.lock().unwrap_or_else(PoisonError::into_inner);
        let until = blocked.get(&block_key(method, channel)).copied().unwrap_or_default();
        whole_ms(until.saturating_sub(self.clock.elapsed()))
    }

    fn wait_ms(&self, method: Method, channel: &str) -> i64 {
        match method.limit {
            Limit::Unpaced => 0,
            Limit::Tier2 => self.check(&self.tier2, &method.name),
            Limit::Tier3 => self.check(&self.tier3, &method.name),
            Limit::Tier4 => self.check(&self.tier4, &method.name),
            Limit::Updates => {
                let wait_ms = self.check(&self.tier3, &method.name);
                self.queued((method.name, String::new()), wait_ms, UPDATES_EVERY)
            }
            Limit::PerChannel => {
                if self.channels.len() > CHANNELS_MAX {
                    self.channels.retain_recent();
                }
                let in_channel_ms = self.check(&self.channels, &channel.to_owned());
                if in_channel_ms > 0 {
                    return self.queued((method.name, channel.to_owned()), in_channel_ms, POSTS_EVERY);
                }
                let in_all_ms = self.check(&self.posts, &method.name);
                self.queued((method.name, String::new()), in_all_ms, ALL_POSTS_EVERY)
            }
        }
    }

    /// Ten thousand messages that wait for one channel must not all ask again every second: each is told when its turn would
    /// be, one after the other.
    fn queued(&self, key: (&'static str, String), wait_ms: i64, every: Duration) -> i64 {
        if wait_ms <= 0 {
            return wait_ms;
        }
        let now = self.clock.elapsed();
        let soonest = now.saturating_add(Duration::from_millis(wait_ms.unsigned_abs()));
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() > CHANNELS_MAX {
            told.retain(|_, last| *last > now);
        }
        let last = told.get(&key).copied().unwrap_or_default();
        let turn = soonest.max(last.saturating_add(every)).min(now.saturating_add(TURN_MAX).max(soonest));
        told.insert(key, turn);
        whole_ms(turn.saturating_sub(now))
    }

    fn check<K: std::hash::Hash + Eq + Clone>(&self, limiter: &Limiter<K>, key: &K) -> i64 {
        match limiter.check_key(key) {
            Ok(()) => 0,
            Err(until) => whole_ms(until.wait_time_from(self.clock.elapsed())).max(1),
        }
    }
}

fn limiter<K: std::hash::Hash + Eq + Clone>(quota: Quota, clock: &PaceClock) -> Limiter<K> {
    RateLimiter::new(quota, DashMapStateStore::default(), clock.clone())
}

fn block_key(method: Method, channel: &str) -> (&'static str, String) {
    let channel = if method.limit == Limit::PerChannel { channel } else { "" };
    (method.name, channel.to_owned())
}

fn count(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

/// Rounds up: to wait a millisecond too short is to be refused again.
fn whole_ms(time: Duration) -> i64 {
    i64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX)
}

/// Steady time of our clock: one set back an hour must not silence us for an hour.
#[derive(Clone)]
struct PaceClock {
    clock: Clock,
    begun: Stamp,
}

impl PaceClock {
    fn new(clock: Clock) -> Self {
        let begun = clock.stamp();
        Self { clock, begun }
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.clock.age_ms(self.begun).unsigned_abs())
    }
}

impl governor::clock::Clock for PaceClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POST: Method = Method::new("chat.postMessage", Limit::PerChannel);
    const UPDATE: Method = Method::new("chat.update", Limit::Updates);

    fn wait(result: Result<(), SlackError>) -> i64 {
        result.err().and_then(|error| error.retry_after_ms()).unwrap_or(0)
    }

    #[test]
    fn a_channel_takes_three_posts_at_once_and_then_one_a_second() {
        let clock = Clock::manual(1_767_225_600_000);
        let pace = Pace::new(clock.clone());
        let waits: Vec<i64> = (0..5).map(|_| wait(pace.take(POST, "C1"))).collect();
        assert_eq!(waits, [0, 0, 0, 1_000, 2_000], "everybody who is refused is told a time of their own");
        assert_eq!(wait(pace.take(POST, "C2")), 0, "another channel is not held up");
        clock.advance(Duration::from_millis(1_000));
        assert_eq!([wait(pace.take(POST, "C1")), wait(pace.take(POST, "C1"))], [0, 2_000], "after those before");
    }

    #[test]
    fn many_who_wait_for_one_channel_come_back_one_after_the_other_and_all_get_their_turn() {
        let clock = Clock::manual(1_767_225_600_000);
        let pace = Pace::new(clock.clone());
        let mut waiting: Vec<i64> = (0..300).map(|_| wait(pace.take(POST, "C1"))).collect();
        let (mut now, mut asked, mut sent) = (0, 0, waiting.iter().filter(|wait| **wait == 0).count());
        waiting.retain(|wait| *wait > 0);
        while let Some(next) = waiting.iter().min().copied() {
            clock.advance(Duration::from_millis((next - now).unsigned_abs()));
            now = next;
            let due = waiting.iter().filter(|at| **at <= now).count();
            waiting.retain(|at| *at > now);
            for _ in 0..due {
                asked += 1;
                match wait(pace.take(POST, "C1")) {
                    0 => sent += 1,
                    again => waiting.push(now + again),
                }
            }
        }
        assert_eq!(
            (sent, asked, now),
            (300, 297, 297_000),
            "nobody asks in vain, and nothing is slower than the limit"
        );
    }

    #[test]
    fn updates_are_held_to_fifty_a_minute_over_all_channels() {
        let clock = Clock::manual(0);
        let pace = Pace::new(clock.clone());
        let mut sent = 0;
        for _second in 0..120 {
            while pace.take(UPDATE, "").is_ok() {
                sent += 1;
            }
            clock.advance(Duration::from_secs(1));
        }
        assert_eq!(sent, 20 + 99, "a burst of twenty, then fifty a minute for two minutes");
    }

    #[test]
    fn a_429_silences_one_channel_until_retry_after() {
        let clock = Clock::manual(0);
        let pace = Pace::new(clock.clone());
        assert_eq!(pace.block(POST, "C1", Some(7_000)), 7_000);
        assert_eq!(wait(pace.take(POST, "C1")), 7_000);
        assert_eq!(wait(pace.take(POST, "C2")), 0);
        clock.advance(Duration::from_millis(6_999));
        assert_eq!(wait(pace.take(POST, "C1")), 1);
        clock.advance(Duration::from_millis(1));
        assert_eq!(wait(pace.take(POST, "C1")), 0);
    }

    #[test]
    fn a_429_on_another_method_silences_that_method_everywhere() {
        let pace = Pace::new(Clock::manual(0));
        assert_eq!(pace.block(UPDATE, "C1", None), 30_000);
        assert_eq!(wait(pace.take(UPDATE, "C2")), 30_000);
        assert_eq!(wait(pace.take(POST, "C1")), 0);
    }

    #[test]
    fn absurd_waits_are_brought_into_reason() {
        let pace = Pace::new(Clock::manual(0));
        assert_eq!(pace.block(UPDATE, "", Some(-5)), 1_000);
        assert_eq!(pace.block(UPDATE, "", Some(i64::MAX)), RETRY_AFTER_MAX_MS);
    }
}
