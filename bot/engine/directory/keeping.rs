//! Keeping the directory warm: each list has a task that reads it when it is old, when Slack says that something changed, and when
//! somebody found it wrong.

use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::{Directory, FAILED_PAUSE_MS, List, Progress, lists};
use crate::engine::Engine;

/// The longest pause after a list could not be read.
const PAUSE_MAX_MS: i64 = 60_000;
/// A list that takes long is read less often: so many times as long is nothing read, if nobody wants it.
const REST: i64 = 10;
/// While nobody asks for anything, a list may be this old: what counts is read afresh anyway.
const QUIET_AGE_MS: i64 = 1_800_000;

impl Progress {
    /// When it is to be read next.
    fn due_at(&self, list: List, is_quiet: bool) -> i64 {
        let rested_at = self.read_at.map_or(0, |at| at.saturating_add(self.took_ms.saturating_mul(2)));
        if self.wanted_at.is_some_and(|wanted_at| self.read_at.is_none_or(|read_at| read_at < wanted_at)) {
            let tried_at = self.failed.as_ref().map_or(0, |(at, _)| at.saturating_add(FAILED_PAUSE_MS));
            return rested_at.max(tried_at);
        }
        if let Some((at, failure)) = &self.failed {
            let doubled = FAILED_PAUSE_MS.saturating_mul(1_i64 << self.failures.min(16));
            return at.saturating_add(doubled.min(PAUSE_MAX_MS).max(failure.retry_after_ms.unwrap_or(0)));
        }
        let quiet_ms = if is_quiet { QUIET_AGE_MS } else { 0 };
        let age_max_ms = list.age_max_ms().max(self.took_ms.saturating_mul(REST)).max(quiet_ms);
        self.read_at.map_or(0, |at| at.saturating_add(age_max_ms))
    }
}

/// Keeps all lists warm until `stop`.
pub(in crate::engine) async fn keep(engine: Engine, stop: CancellationToken) {
    let directory = engine.directory().clone();
    let keeping = async {
        directory.remember().await;
        let one = |list| keep_one(&engine, list);
        tokio::join!(one(List::People), one(List::Users), one(List::Devices), one(List::Policy), one(List::Groups));
    };
    tokio::select! {
        biased;
        _ = keeping => {}
        () = stop.cancelled() => {}
    }
}

async fn keep_one(engine: &Engine, list: List) {
    let directory = engine.directory();
    let listed = directory.listed(list);
    let clock = &directory.inner.clock;
    loop {
        let due_at = listed.progress.look().due_at(list, directory.is_quiet());
        if due_at > clock.now_ms() {
            tokio::select! {
                biased;
                () = clock.sleep_until(due_at) => {}
                () = listed.wanted.notified() => continue,
            }
        }
        read_one(engine, directory, list).await;
    }
}

async fn read_one(engine: &Engine, directory: &Directory, list: List) {
    let clock = &directory.inner.clock;
    let (began_at, stamp) = (clock.now_ms(), clock.stamp());
    let progress = &directory.listed(list).progress;
    match lists::read(engine, directory, list, (began_at, stamp)).await {
        Ok(count) => {
            let took_ms = clock.age_ms(stamp);
            let was_broken = progress.look().failures > 0;
            progress.change(|progress| {
                (progress.read_at, progress.took_ms) = (Some(began_at), took_ms);
                (progress.failed, progress.failures) = (None, 0);
            });
            if was_broken {
                info!(list = list.word(), count, took_ms, "a list could be read again");
            } else {
                debug!(list = list.word(), count, took_ms, "a list was read");
            }
        }
        Err(failure) => {
            // What only a person can mend is told once by whoever sends the calls.
            if failure.retryable && progress.look().failures == 0 {
                warn!(
                    list = list.word(),
                    failure = failure.what,
                    "a list cannot be read; what was known is used, and it is tried again"
                );
            } else {
                debug!(list = list.word(), failure = failure.what, "a list still cannot be read");
            }
            progress.change(|progress| {
                progress.failed = Some((clock.now_ms(), failure));
                progress.failures = progress.failures.saturating_add(1);
                progress.failed_count = progress.failed_count.saturating_add(1);
            });
        }
    }
}
