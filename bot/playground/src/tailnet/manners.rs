//! How the tailnet answers on a day that is not the best: a limit of calls a second, latency both ways, readings that lag.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::TailnetWorld;
use super::reply::Reply;
use super::state::State;

/// Over this time calls are counted.
const WINDOW: Duration = Duration::from_secs(1);
/// More earlier states than this are not kept, however long the lag.
const PAST_MAX: usize = 1_000;

/// All of it in real time, however the clock is moved: latency and limits are the network's.
#[derive(Debug, Default)]
pub(super) struct Manners {
    /// In any second.
    calls_max: Option<usize>,
    taken_at: VecDeque<Instant>,
    refused: u64,
    /// Before a call arrives, and before its answer does.
    latency: (Duration, Duration),
    lag: Option<Duration>,
    /// When each of these ended, the oldest first.
    past: VecDeque<(Instant, State)>,
}

impl Manners {
    pub fn latency(&self) -> (Duration, Duration) {
        self.latency
    }

    /// What a call meets that is one too many; it does nothing.
    pub fn refuse(&mut self) -> Option<Reply> {
        let calls_max = self.calls_max?;
        let now = Instant::now();
        while self.taken_at.front().is_some_and(|at| now.duration_since(*at) >= WINDOW) {
            self.taken_at.pop_front();
        }
        if self.taken_at.len() < calls_max {
            self.taken_at.push_back(now);
            return None;
        }
        self.refused = self.refused.saturating_add(1);
        let oldest = self.taken_at.front().map_or(WINDOW, |at| WINDOW.saturating_sub(now.duration_since(*at)));
        let seconds = oldest.as_millis().div_ceil(1_000).max(1);
        Some(Reply::error(429, "too many requests").with("retry-after", &seconds.to_string()))
    }

    /// To be told before every change.
    pub fn remember(&mut self, state: &State) {
        let Some(lag) = self.lag else { return };
        let now = Instant::now();
        while self.past.len() >= PAST_MAX
            || self.past.front().is_some_and(|(until, _)| now.duration_since(*until) > lag)
        {
            self.past.pop_front();
        }
        self.past.push_back((now, state.clone()));
    }

    /// The state that a reading finds, if it is not the present one. Who may read is always known at once.
    pub fn seen(&self, state: &State) -> Option<State> {
        let (lag, now) = (self.lag?, Instant::now());
        let (_, old) = self.past.iter().find(|(until, _)| now.duration_since(*until) < lag)?;
        let (tokens, clients) = (state.tokens.clone(), state.clients.clone());
        Some(State { tokens, clients, ..old.clone() })
    }
}

impl TailnetWorld {
    /// From now on at most so many calls are taken in any second, of whatever kind; what is more is answered 429 with
    /// `Retry-After` and does nothing. `None`: no limit.
    pub fn set_calls_per_second(&self, calls_max: Option<usize>) {
        self.with_manners(|manners| {
            manners.calls_max = calls_max;
            manners.taken_at.clear();
        });
    }

    /// How many calls that limit has refused so far.
    pub fn calls_refused(&self) -> u64 {
        self.shared.lock().play.manners.refused
    }

    /// How long, in real time, a call takes to arrive and its answer to come back.
    pub fn set_latency(&self, there: Duration, back: Duration) {
        self.with_manners(|manners| manners.latency = (there, back));
    }

    /// Whatever is read, of lists and of single devices, is as it was so long ago (in real time). Zero: as it is.
    pub fn set_reads_lag(&self, lag: Duration) {
        self.with_manners(|manners| {
            manners.lag = Some(lag).filter(|lag| !lag.is_zero());
            manners.past.clear();
        });
    }

    fn with_manners(&self, how: impl FnOnce(&mut Manners)) {
        how(&mut self.shared.lock().play.manners);
        self.shared.touch();
    }
}
