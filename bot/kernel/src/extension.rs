//! What is held for longer: extensions that count, and one that does not yet.

use serde::{Deserialize, Serialize};

/// That it is held for longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    /// By how much, in milliseconds.
    pub length_ms: i64,
    /// The end before that, milliseconds since the Unix epoch.
    pub from: i64,
    /// When.
    pub at: i64,
}

/// That it is to be held for longer, before that is so: the later end counts when everything was read back with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extending {
    /// By how much, in milliseconds.
    pub length_ms: i64,
    /// The end it would have, milliseconds since the Unix epoch.
    pub until: i64,
    /// Since when the far side is to know that end; none: it is not told yet, because people have not decided.
    pub at: Option<i64>,
    /// Its holder was told that it does not work at once.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_told: bool,
    /// The round of approval in which it waits for a decision; none: nobody has to decide, or they did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_in: Option<u32>,
}

/// What is usual is not written.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
pub(crate) fn is_none(count: &u32) -> bool {
    *count == 0
}
