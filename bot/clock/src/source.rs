//! Where time comes from: the machine's two clocks, a hand that moves them, or tokio's time in a simulation.

use rustix::time::{ClockId, clock_gettime};

/// What the two clocks say at one moment, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// Time that nobody can set: it goes on in suspend and never back. Where it begins means nothing.
    pub(super) steady: i64,
    /// Time since the Unix epoch as somebody set it; it may be stepped.
    pub(super) wall: i64,
}

/// Who moves the clocks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// The machine.
    Machine,
    /// Nobody but whoever calls `advance` and `step_wall`.
    Hand,
    /// Tokio's time, which stands still or jumps when it is paused.
    Tokio { begun: tokio::time::Instant },
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const STEADY: ClockId = ClockId::Boottime;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const STEADY: ClockId = ClockId::Monotonic;

impl Source {
    /// Tokio's time from now on.
    pub(super) fn tokio() -> Self {
        Self::Tokio { begun: tokio::time::Instant::now() }
    }

    pub(super) fn read(self) -> Reading {
        match self {
            Self::Machine => Reading { steady: machine_ms(STEADY), wall: machine_ms(ClockId::Realtime) },
            Self::Hand => Reading { steady: 0, wall: 0 },
            Self::Tokio { begun } => {
                let since = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
                Reading { steady: since, wall: since }
            }
        }
    }
}

fn machine_ms(id: ClockId) -> i64 {
    let at = clock_gettime(id);
    at.tv_sec.saturating_mul(1_000).saturating_add(at.tv_nsec / 1_000_000)
}
