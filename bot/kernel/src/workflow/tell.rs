//! `tell` of a workflow: whom its cards reach.

use serde::{Deserialize, Serialize};

/// Whom the cards of a workflow reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tell {
    /// Those who are asked, and nobody else, in their direct messages.
    People,
    /// The workflow's channel, if it has one; and what a later version wrote into a stored request and this one has no word for.
    #[default]
    #[serde(other)]
    Channel,
}

impl Tell {
    /// What is usual is not written.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(super) fn is_channel(&self) -> bool {
        *self == Self::Channel
    }
}
