//! What the outside looks like, as read: what a grant and its end are said by.

use serde::{Deserialize, Serialize};

/// What was read back from the outside, never what was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// When it was read.
    pub at: i64,
    /// What was found.
    pub found: Found,
}

/// What the outside looks like for one request's step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "found", rename_all = "snake_case")]
pub enum Found {
    /// It is on; the far side will end it by itself at `until`, if it can.
    On {
        /// Milliseconds since the Unix epoch.
        until: Option<i64>,
    },
    /// It was on before, by somebody else's doing, for longer: left as it was.
    OnBefore,
    /// The far side took what it was told; nothing there can be read back.
    Told {
        /// Whether it was told to be on.
        is_on: bool,
    },
    /// It is off.
    Gone,
    /// It is off, and what came of it meanwhile is not taken back.
    GoneBut {
        /// For people: what that is.
        what: String,
    },
    /// Nothing was ever sent, so nothing was read.
    Untouched,
    /// What was there before is there again.
    PutBack {
        /// For people.
        what: String,
        /// Whether that opens the door all the same.
        #[serde(default)]
        is_on: bool,
    },
    /// Somebody else changed it in between: left alone.
    LeftAlone {
        /// For people: what is there.
        what: String,
        /// Whether that opens the door all the same.
        #[serde(default)]
        is_on: bool,
    },
    /// It was on, and somebody took it away by hand before its end. It is not switched on again.
    TakenAway,
    /// This request let go; others still hold it.
    HeldByOthers {
        /// Until when, milliseconds since the Unix epoch.
        until: i64,
    },
}

impl Found {
    /// Whether this shows the step as on for the request that asked.
    pub fn is_on(&self) -> bool {
        matches!(self, Self::On { .. } | Self::OnBefore | Self::Told { is_on: true })
    }

    /// Whether this shows the door as open by somebody else's doing, although this request has let go.
    pub fn is_left_on(&self) -> bool {
        matches!(self, Self::PutBack { is_on: true, .. } | Self::LeftAlone { is_on: true, .. })
    }
}
