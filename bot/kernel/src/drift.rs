//! What somebody else made of what is held, as it was found.

use serde::{Deserialize, Serialize};

/// Under this name what was found, in its words, stands among the settings that are kept of whoever puts it back: that, and nothing else,
/// may be overwritten. No file can write it.
pub const PUT_BACK: &str = "{{put back}}";

/// That a step's thing is not as it is lent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// For people: what is there; empty if it was taken away.
    pub found: String,
    /// Who did it, as far as the far side says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When it was found, milliseconds since the Unix epoch.
    pub at: i64,
    /// It was taken away, which ended the request.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_gone: bool,
    /// Slack id of whoever has it put back, which is not read back yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub put_back_by: Option<String>,
    /// Somebody said that it is to stay like this.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_adopted: bool,
}
