//! The Socket Mode door: a few WebSockets to Slack, kept open, each envelope acknowledged when it is saved.
//!
//! On tokio-tungstenite directly. slack-morphism's socket manager handles one frame at a time per socket, so that one
//! slow command makes the next click late; a panic leaves its socket deaf for a minute and a half; it acknowledges
//! what it could not read; and on renewal it closes before it opens (`apis/slack.md` section 21.4).

mod connection;
mod frame;
mod health;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::connection::{Connection, Sign};
pub use self::health::SocketHealth;
use crate::clock::Ids;
use crate::outside::slack::{Slack, SlackError};
use crate::slack::edge::Edge;

/// The limits of a socket's life, in real time.
#[derive(Clone, Debug)]
pub struct SocketSettings {
    /// How many sockets at once; Slack allows ten per app and sends each envelope to one of them.
    pub connections: usize,
    /// Between opening the first and the second, so that Slack does not renew them together.
    pub stagger: Duration,
    /// For the TCP, TLS and WebSocket handshakes together.
    pub connect_limit: Duration,
    /// Until Slack's `hello`.
    pub hello_limit: Duration,
    /// For writing one frame.
    pub write_limit: Duration,
    /// How often we ping.
    pub ping_every: Duration,
    /// A socket on which nothing, not even a pong, came for this long is dead. Seen at the next ping.
    pub silent_after: Duration,
    /// How long a replaced socket may take to finish.
    pub drain_limit: Duration,
    /// How long a replaced socket must be quiet before we believe that nothing more will come on it.
    pub drain_quiet: Duration,
    /// How long acks may take when the process stops.
    pub stop_limit: Duration,
    /// For saying goodbye.
    pub close_limit: Duration,
    /// Wait after the first failure; doubled for each further one.
    pub backoff_first: Duration,
    /// Longest wait between attempts.
    pub backoff_max: Duration,
    /// Wait when only a person can help (token, Socket Mode switched off).
    pub slow_retry: Duration,
    /// A socket that lived at least this long was a success, whatever ended it.
    pub good_life: Duration,
}

impl Default for SocketSettings {
    fn default() -> Self {
        Self {
            connections: 2,
            stagger: Duration::from_secs(2),
            connect_limit: Duration::from_secs(10),
            hello_limit: Duration::from_secs(10),
            write_limit: Duration::from_secs(5),
            // Slack answers a ping in milliseconds; its own clients give it five seconds.
            ping_every: Duration::from_secs(4),
            silent_after: Duration::from_secs(9),
            drain_limit: Duration::from_secs(10),
            drain_quiet: Duration::from_secs(2),
            stop_limit: Duration::from_millis(1_500),
            close_limit: Duration::from_millis(300),
            backoff_first: Duration::from_millis(500),
            backoff_max: Duration::from_secs(30),
            slow_retry: Duration::from_secs(60),
            good_life: Duration::from_secs(10),
        }
    }
}

/// All sockets of one app.
pub struct Sockets {
    slack: Slack,
    edge: Edge,
    ids: Ids,
    settings: SocketSettings,
    health: watch::Sender<SocketHealth>,
    open: TaskTracker,
}

/// A socket at work, seen from the loop that keeps its place.
struct Live {
    signs: mpsc::UnboundedReceiver<Sign>,
    retire: CancellationToken,
    since: Instant,
}

/// Why there is no socket.
enum Closed {
    Slack(SlackError),
    Network(&'static str),
}

impl Sockets {
    /// Nothing is opened before `run`.
    pub fn new(slack: Slack, edge: Edge, ids: Ids, settings: SocketSettings) -> Self {
        let health = watch::Sender::new(SocketHealth { wanted: settings.connections, ..SocketHealth::default() });
        Self { slack, edge, ids, settings, health, open: TaskTracker::new() }
    }

    /// How the sockets are, now and from now on.
    pub fn health(&self) -> watch::Receiver<SocketHealth> {
        self.health.subscribe()
    }

    /// Keeps the sockets open until `stop`; then finishes the acks in hand, closes and returns, within two seconds.
    pub async fn run(self, stop: CancellationToken) {
        let this = Arc::new(self);
        let places = (0..this.settings.connections).map(|place| {
            let wait = this.settings.stagger.saturating_mul(u32::try_from(place).unwrap_or(u32::MAX));
            let (this, stop) = (this.clone(), stop.clone());
            tokio::spawn(async move {
                if pause(wait, &stop).await {
                    this.keep(&stop).await;
                }
            })
        });
        for place in places.collect::<Vec<_>>() {
            if let Err(error) = place.await {
                tracing::error!(%error, "bug: a socket's loop ended");
            }
        }
        this.open.close();
        let limit = this.settings.stop_limit + this.settings.close_limit;
        drop(tokio::time::timeout(limit, this.open.wait()).await);
    }

    /// Keeps one place filled. A socket that Slack wants to renew stays until its successor is up.
    async fn keep(&self, stop: &CancellationToken) {
        let mut failures = 0_u32;
        let mut old: Option<Live> = None;
        while !stop.is_cancelled() {
            let opened = tokio::select! {
                opened = self.open(stop) => opened,
                () = stop.cancelled() => return,
            };
            let mut live = match opened {
                Ok(live) => live,
                Err(closed) => {
                    failures = failures.saturating_add(1);
                    pause(self.report(closed, failures), stop).await;
                    continue;
                }
            };
            let Some(end) = self.watch(&mut live, &mut old, stop).await else { return };
            failures = if live.since.elapsed() >= self.settings.good_life { 0 } else { failures.saturating_add(1) };
            let mut wait = self.backoff(failures);
            match end {
                Sign::Ended(why) => tracing::warn!(why, "a socket ended, opening another"),
                Sign::LinkDisabled => wait = self.settings.slow_retry,
                Sign::Up | Sign::Replace => {}
            }
            if !matches!(end, Sign::Ended(_)) {
                retire(old.replace(live));
            }
            pause(wait, stop).await;
        }
    }

    /// Until `live` must be replaced; retires `old` once `live` is up. `None` when it is time to stop.
    async fn watch(&self, live: &mut Live, old: &mut Option<Live>, stop: &CancellationToken) -> Option<Sign> {
        loop {
            match next(live, stop).await? {
                Sign::Up => retire(old.take()),
                end => return Some(end),
            }
        }
    }

    async fn open(&self, stop: &CancellationToken) -> Result<Live, Closed> {
        let address = self.slack.connections_open().await.map_err(Closed::Slack)?;
        let stream = connection::open(&address, &self.settings).await.map_err(Closed::Network)?;
        let (sender, signs) = mpsc::unbounded_channel();
        let retire = CancellationToken::new();
        let connection = Connection {
            edge: self.edge.clone(),
            settings: self.settings.clone(),
            health: self.health.clone(),
            signs: sender,
            retire: retire.clone(),
            stop: stop.clone(),
        };
        self.open.spawn(connection.serve(stream));
        Ok(Live { signs, retire, since: Instant::now() })
    }

    /// Says why there is no socket, and returns how long to wait before the next attempt.
    fn report(&self, closed: Closed, failures: u32) -> Duration {
        let error = match closed {
            Closed::Network(why) => {
                tracing::warn!(why, "cannot open a socket to slack");
                return self.backoff(failures);
            }
            Closed::Slack(error) => error,
        };
        if error.is_fatal_auth() || error.code().is_some_and(|code| code == "missing_scope") {
            let advice = error.advice().unwrap_or_default();
            tracing::error!(%error, %advice, "slack does not let us connect: nothing from slack reaches us");
            self.health.send_modify(|health| health.trouble = Some(format!("{error}: {advice}")));
            return self.settings.slow_retry;
        }
        tracing::warn!(%error, "cannot open a socket to slack");
        let asked = error.retry_after_ms().and_then(|wait| u64::try_from(wait).ok()).map(Duration::from_millis);
        asked.unwrap_or_default().max(self.backoff(failures))
    }

    /// Doubles with each failure, and is spread so that many bots do not come back together.
    fn backoff(&self, failures: u32) -> Duration {
        if failures == 0 {
            return Duration::ZERO;
        }
        let doubled = self.settings.backoff_first.saturating_mul(1_u32 << (failures - 1).min(16));
        doubled.min(self.settings.backoff_max).mul_f64(0.5 + self.ids.fraction() / 2.0)
    }
}

async fn next(live: &mut Live, stop: &CancellationToken) -> Option<Sign> {
    tokio::select! {
        sign = live.signs.recv() => Some(sign.unwrap_or(Sign::Ended("its task ended"))),
        () = stop.cancelled() => None,
    }
}

fn retire(old: Option<Live>) {
    if let Some(old) = old {
        old.retire.cancel();
    }
}

/// Waits; false if it was time to stop meanwhile.
async fn pause(wait: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = tokio::time::sleep(wait) => !stop.is_cancelled(),
        () = stop.cancelled() => false,
    }
}
