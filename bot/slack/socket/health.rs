//! How the sockets are, for `/readyz` and metrics. In real time: moving the demo's clock makes no socket silent.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// The state of Socket Mode as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SocketHealth {
    /// How many sockets there should be.
    pub wanted: usize,
    /// How many are up and not on their way out.
    pub connected: usize,
    /// When anything was last heard on any of them.
    pub last_frame: Option<Instant>,
    /// Why there will be no socket until somebody does something: Slack's error code and what to do.
    pub trouble: Option<String>,
}

impl SocketHealth {
    /// Whether Slack can reach us.
    pub fn is_ready(&self) -> bool {
        self.connected > 0
    }

    /// How long nothing was heard; `None` before the first frame.
    pub fn silent_for(&self) -> Option<Duration> {
        self.last_frame.map(|at| at.elapsed())
    }
}

/// Counts one socket as connected as long as it lives.
pub(super) struct Counted {
    health: watch::Sender<SocketHealth>,
}

impl Counted {
    pub(super) fn new(health: watch::Sender<SocketHealth>) -> Self {
        health.send_modify(|health| {
            health.connected += 1;
            health.trouble = None;
        });
        Self { health }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.health.send_modify(|health| health.connected = health.connected.saturating_sub(1));
    }
}
