//! Channels that people of other companies are in: what is decided there does not count.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::outside::slack::Slack;

/// A channel can start to be shared at any time.
const KEPT_MS: i64 = 60_000;
const KEPT_MAX: usize = 1_024;
/// Part of the three seconds a press has.
const LIMIT: Duration = Duration::from_millis(1_800);

/// What Slack said lately about channels.
#[derive(Default)]
pub(super) struct SharedChannels {
    known: Mutex<HashMap<String, (i64, bool)>>,
}

impl SharedChannels {
    /// Whether people of another company are in it, as known a minute ago at most. When Slack does not say, no: who
    /// pressed is read afresh before anything counts, and that refuses outsiders wherever they are.
    pub(super) async fn has_outsiders(&self, slack: &Slack, clock: &Clock, channel: &str) -> bool {
        if channel.starts_with('D') {
            return false;
        }
        let now = clock.now_ms();
        if let Some((_, is_shared)) = self.known().get(channel).filter(|(at, _)| now.saturating_sub(*at) < KEPT_MS) {
            return *is_shared;
        }
        let Ok(Ok(found)) = tokio::time::timeout(LIMIT, slack.conversations_info(channel)).await else { return false };
        let mut known = self.known();
        if known.len() >= KEPT_MAX {
            known.clear();
        }
        known.insert(channel.to_owned(), (now, found.is_shared_outside));
        found.is_shared_outside
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<String, (i64, bool)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
