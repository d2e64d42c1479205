//! How many files this process may have open, and how they are shared out: what comes in never takes them all, so that
//! calls to Tailscale, which end access, always have some.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::slack::edge::IN_HAND_MAX;

/// More is of no use to us, and some systems allow a billion.
const WANTED: u64 = 65_536;
/// Connections at once, on all listeners together.
const CONNECTIONS_MAX: u64 = 2_048;
/// Fewer, and nobody could be answered.
const LEAST: u64 = 4;

/// What may be open at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shares {
    /// Connections to one listener.
    pub(super) connections: usize,
    /// Deliveries of Slack in hand: each may ask Slack and Tailscale.
    pub(super) deliveries: usize,
}

/// Asks the system for as many files as it lets us have, and shares them out.
pub(super) fn share(listeners: usize) -> Shares {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(WANTED, |most| most.min(WANTED));
    let now = limit.current.unwrap_or(WANTED);
    if now >= wanted {
        return shared(now, listeners);
    }
    match setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum }) {
        Ok(()) => shared(wanted, listeners),
        Err(error) => {
            tracing::warn!(files = now, %error, "the limit of open files could not be raised");
            shared(now, listeners)
        }
    }
}

/// A quarter for connections, a quarter for deliveries and what they call; the rest for ends, messages and the database.
fn shared(files: u64, listeners: usize) -> Shares {
    let quarter = (files / 4).max(LEAST);
    let listeners = u64::try_from(listeners).unwrap_or(u64::MAX).max(1);
    let connections = quarter.min(CONNECTIONS_MAX).checked_div(listeners).unwrap_or(LEAST).max(LEAST);
    let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    // A delivery asks Slack and Tailscale at the same time.
    Shares { connections: count(connections), deliveries: count((quarter / 2).max(LEAST)).min(IN_HAND_MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_in_never_gets_all_files() {
        for files in [64, 256, 1_024, 4_096, 65_536, 1_000_000] {
            for listeners in [1, 2] {
                let Shares { connections, deliveries } = shared(files, listeners);
                let taken = connections * listeners + 2 * deliveries;
                assert!(taken as u64 <= files * 5 / 8, "{files} files, {listeners} listeners: {taken}");
                assert!(connections > 0 && deliveries > 0);
            }
        }
        let Shares { connections, deliveries } = shared(65_536, 1);
        assert_eq!((connections, deliveries), (2_048, IN_HAND_MAX));
    }
}
