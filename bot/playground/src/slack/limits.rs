//! Slack's rate limits, off until asked for: a bucket per method, and per channel for `chat.postMessage`.

use std::collections::HashMap;

use super::SlackWorld;

/// How often a method may be called.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// Calls possible at once after a rest.
    pub burst: u32,
    /// Calls possible per minute in the long run.
    pub per_minute: u32,
}

#[derive(Default)]
pub(super) struct Limits {
    limits: HashMap<String, Limit>,
    buckets: HashMap<String, Bucket>,
}

/// One call.
const CALL: i64 = 60_000;

struct Bucket {
    /// In milliseconds times calls per minute, so that nothing is rounded: `CALL` is one call.
    left: i64,
    at_ms: i64,
}

impl Limits {
    /// Takes one call out of the bucket; when it is empty, the seconds to wait.
    pub(super) fn take(&mut self, method: &str, channel: &str, now_ms: i64) -> Option<u64> {
        let limit = *self.limits.get(method)?;
        let key = if method == "chat.postMessage" { format!("{method} {channel}") } else { method.to_owned() };
        let full = i64::from(limit.burst).saturating_mul(CALL);
        let bucket = self.buckets.entry(key).or_insert(Bucket { left: full, at_ms: now_ms });
        let rested_ms = now_ms.saturating_sub(bucket.at_ms).max(0);
        let earned = rested_ms.saturating_mul(i64::from(limit.per_minute));
        bucket.left = bucket.left.saturating_add(earned).min(full);
        bucket.at_ms = now_ms;
        if bucket.left >= CALL {
            bucket.left -= CALL;
            return None;
        }
        let wait_ms = CALL.saturating_sub(bucket.left) / i64::from(limit.per_minute.max(1));
        Some(wait_ms.unsigned_abs().div_ceil(1000).max(1))
    }
}

impl SlackWorld {
    /// Limits a method from now on. Slack's real `chat.postMessage` is about `Limit { burst: 5, per_minute: 60 }` per
    /// channel, `chat.update` 50 a minute for the whole workspace (slack.md section 12).
    pub fn limit(&self, method: &str, limit: Limit) {
        self.state().limits.limits.insert(method.to_owned(), limit);
    }

    /// Lifts all limits.
    pub fn unlimited(&self) {
        self.state().limits = Limits::default();
    }
}
