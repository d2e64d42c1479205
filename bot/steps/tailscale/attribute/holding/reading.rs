//! An attribute as it was read, and what can be told from that: whose it is, and whether it opens anything.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::kernel::kept::{Kept, Raise};
use crate::kernel::request::Found;
use crate::steps::Before;

/// One attribute of one device, as read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Reading {
    /// None: not set.
    pub(super) value: Option<Value>,
    /// When Tailscale removes it, milliseconds since the Unix epoch; none: never.
    pub(super) expires_at: Option<i64>,
}

impl Kept for Reading {
    const KIND: &'static str = "before of tailscale.attribute";
    const RAISES: &'static [Raise] = &[];
}

/// As it reads where it is not set.
pub(super) const UNSET: Reading = Reading { value: None, expires_at: None };

impl Reading {
    pub(super) fn is_unset(&self) -> bool {
        self.value.is_none()
    }

    pub(super) fn has(&self, value: &Value, expires_at: i64) -> bool {
        self.value.as_ref() == Some(value) && self.expires_at.is_some_and(|at| whole_second(at) == expires_at)
    }

    /// Whether it has this value for at least as long, by itself.
    pub(super) fn covers(&self, value: &Value, expires_at: i64) -> bool {
        self.value.as_ref() == Some(value) && self.expires_at.is_none_or(|at| at >= expires_at)
    }

    /// Whether it has one of the ends we told, which nobody else would hit to the second.
    pub(super) fn has_our_end(&self, before: &Before) -> bool {
        let ends = |at: i64| before.untils.iter().any(|until| whole_second(*until) == whole_second(at));
        self.expires_at.is_some_and(ends)
    }

    /// Ours: a value with an end we told. Where nothing was before us and none of our ends was ever read back, any value is what
    /// became of our own writing.
    pub(super) fn is_ours(&self, first: &Self, before: &Before) -> bool {
        let became = first.is_unset() && before.is_in_doubt();
        !self.is_unset() && (self.has_our_end(before) || became)
    }

    /// Whether it has this value and an end that is no earlier.
    pub(super) fn lasts(&self, value: &Value, expires_at: i64) -> bool {
        self.value.as_ref() == Some(value) && self.expires_at.is_some_and(|at| whole_second(at) >= expires_at)
    }

    /// Whether a rule that asks for the attribute may let somebody through. A flag counts unless it says no; of a text or a number
    /// only what was lent, as far as that is known.
    pub(super) fn is_open(&self, lent: Option<&Value>) -> bool {
        match (&self.value, lent) {
            (None, _) => false,
            (Some(Value::Bool(on)), None | Some(Value::Bool(_))) => *on,
            (Some(value), Some(lent)) => value == lent,
            (Some(_), None) => true,
        }
    }

    /// Whether it has the same value and lost its end.
    pub(super) fn is_endless(&self, first: &Self) -> bool {
        self.value == first.value && self.expires_at.is_none()
    }

    pub(super) fn put_back(&self, lent: Option<&Value>) -> Found {
        Found::PutBack { what: self.words(), is_on: self.is_open(lent) }
    }

    pub(super) fn words(&self) -> String {
        match (&self.value, self.expires_at) {
            (None, _) => "not set".to_owned(),
            (Some(value), None) => format!("{value}, without an end"),
            (Some(value), Some(at)) => match jiff::Timestamp::from_millisecond(at) {
                Ok(at) => format!("{value} until {at:.0}"),
                Err(_) => value.to_string(),
            },
        }
    }
}

/// Tailscale keeps whole seconds; ours are rounded up, so that the far side never ends it early.
pub(super) fn whole_second(at: i64) -> i64 {
    at.saturating_add(999).div_euclid(1000).saturating_mul(1000)
}
