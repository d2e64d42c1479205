//! The control socket: the command line acts through the running bot. One line of JSON asks, one line of JSON answers.

mod answering;
pub mod client;
mod listed;
mod socket;
mod user;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::explain::snapshot::Snapshot;

pub use answering::Answering;
pub use listed::{Listed, ListedStep};
pub use socket::{ControlSocket, SocketError};
pub use user::operator;

/// The longest line that is read: a reason of a few pages.
const LINE_MAX_BYTES: u64 = 64 * 1024;

/// What the command line wants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
pub enum Call {
    /// The newest requests.
    Requests {
        /// Those that are over, too.
        all: bool,
        /// At most so many.
        limit: u32,
    },
    /// A yes, as the person whom the configuration names for this user.
    Approve {
        /// The request.
        id: String,
        /// It is one's own request, and that is meant.
        confirmed: bool,
        /// For so long at most, in milliseconds; none: for as long as it was asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hold_ms: Option<i64>,
    },
    /// To hold for longer what the person holds whom the configuration names for this user.
    Extend {
        /// The request.
        id: String,
        /// By how much, in milliseconds.
        length_ms: i64,
    },
    /// A no.
    Deny {
        /// The request.
        id: String,
        /// Reaches the requester; may be empty.
        reason: String,
    },
    /// Take it back.
    Revoke {
        /// The request.
        id: String,
        /// Reaches the requester; may be empty.
        reason: String,
    },
    /// A copy of the database.
    Backup {
        /// An absolute path at which nothing is yet.
        to: PathBuf,
    },
    /// People and what they belong to.
    Snapshot {
        /// Only whoever has this e-mail address, login or Slack id, read afresh.
        only: Option<String>,
    },
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Reply {
    /// These.
    Requests {
        /// Newest first.
        requests: Vec<Listed>,
        /// There are more.
        more: bool,
    },
    /// People and what they belong to.
    Snapshot {
        /// These.
        snapshot: Snapshot,
    },
    /// It is so now, and saved.
    Done {
        /// For people.
        said: String,
    },
    /// It is not done.
    No {
        /// For people, with what would be right.
        why: String,
    },
}

impl Reply {
    fn no(why: impl Into<String>) -> Self {
        Self::No { why: why.into() }
    }

    fn done(said: impl Into<String>) -> Self {
        Self::Done { said: said.into() }
    }
}
