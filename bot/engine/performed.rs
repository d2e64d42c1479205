//! What came of performing one effect, and how long to wait before it is performed again.

use super::jobs::Work;
use super::settling::Settlement;
use super::typed::TypedWork;
use crate::kernel::{Actor, Event};

/// The longest pause between two attempts to say something.
const PAUSE_MAX_MS: i64 = 60_000;

/// What came of an effect.
pub(super) enum Performed {
    /// Something to tell the request.
    Happened(Box<Event>),
    /// Something to write, and what is done when that is saved.
    Write(Box<Writing>),
    /// A key was settled, or could not be.
    Settled(Box<Settlement>),
    /// What became of something that was typed.
    Typed(Box<TypedWork>),
    /// This version cannot perform it; kept for one that can.
    SetAside {
        /// Why.
        why: String,
    },
    /// Nothing more to do.
    Done,
    /// Not now.
    Later {
        /// How long to wait.
        pause_ms: i64,
        /// Why, for people.
        error: String,
    },
}

/// Something that the writer is to write.
pub(super) struct Writing {
    pub(super) work: Work,
    /// Who the log says it was.
    pub(super) actor: Actor,
    pub(super) after: Box<dyn FnOnce() + Send>,
}

impl Performed {
    pub(super) fn write(work: Work, actor: Actor, after: impl FnOnce() + Send + 'static) -> Self {
        Self::Write(Box::new(Writing { work, actor, after: Box::new(after) }))
    }

    pub(super) fn happened(event: Event) -> Self {
        Self::Happened(Box::new(event))
    }

    pub(super) fn later(pause_ms: i64, error: &str) -> Self {
        Self::Later { pause_ms, error: error.to_owned() }
    }

    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Happened(event) if matches!(**event, Event::SettleFailed { .. } | Event::NotIdentified { .. }) => {
                "failed"
            }
            Self::Settled(settlement) if settlement.is_failed() => "failed",
            Self::Happened(_) | Self::Write(_) | Self::Settled(_) | Self::Typed(_) | Self::Done => "done",
            Self::SetAside { .. } => "set_aside",
            Self::Later { .. } => "postponed",
        }
    }
}

/// Doubling from half a second to a minute; never shorter than the far side asked for.
pub(super) fn pause_ms(attempts: i64, asked_ms: Option<i64>) -> i64 {
    let doubled = 500_i64.saturating_mul(1_i64 << attempts.clamp(0, 16));
    doubled.min(PAUSE_MAX_MS).max(asked_ms.unwrap_or(0))
}
