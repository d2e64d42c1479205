//! What somebody filled in: one value an input, with its kind.

use serde::{Deserialize, Serialize};

use crate::hold;
use crate::request::DeviceShown;

/// One value, of the kind that its input has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum InputValue {
    /// A length of time.
    Duration {
        /// In milliseconds.
        length_ms: i64,
    },
    /// Text, as typed.
    Text {
        /// It.
        text: String,
    },
    /// A device as it was when it was chosen.
    Device(DeviceShown),
    /// Of a kind that a later version has: nothing can be filled in with it here.
    #[serde(other)]
    Unknown,
}

impl InputValue {
    /// As people would type it, and read it.
    pub fn as_typed(&self) -> String {
        match self {
            Self::Duration { length_ms } => hold::show(*length_ms),
            Self::Text { text } => text.clone(),
            Self::Device(device) => device.name.clone(),
            Self::Unknown => String::new(),
        }
    }

    /// What `{{ inputs.NAME }}` becomes; none: nothing that this version knows.
    pub fn as_filled(&self) -> Option<String> {
        match self {
            Self::Device(device) => Some(device.node_id.clone()),
            Self::Unknown => None,
            other => Some(other.as_typed()),
        }
    }
}
