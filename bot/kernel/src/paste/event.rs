//! What the audit log says that happened to a paste.

use serde::{Deserialize, Serialize};

use super::{Author, PastePlace};
use crate::id::RequestId;

/// What the audit log says that happened to a paste: everything but its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum PasteEvent {
    /// It was made.
    Pasted {
        /// What it is called.
        filename: String,
        /// How long it is.
        size_bytes: usize,
        /// Whose it is.
        author: Author,
        /// When it ends by itself.
        expires_at: Option<i64>,
        /// Where it stands.
        place: PastePlace,
    },
    /// It was brought along from elsewhere.
    PasteImported {
        /// What it is called.
        filename: String,
        /// Whose it is.
        author: Author,
    },
    /// A text waits for a second click.
    PasteDrafted,
    /// That text was thrown away.
    PasteDraftDiscarded,
    /// A text is to be posted to a tclip.
    PasteAsked {
        /// What it is called there.
        filename: String,
        /// How long it is.
        size_bytes: usize,
        /// Whose it is.
        author: Author,
    },
    /// tclip did not say whether it was posted.
    PasteInDoubt {
        /// What it did say.
        why: String,
    },
    /// It was not posted.
    PasteNotSent {
        /// Why.
        why: String,
    },
    /// More people's access holds it.
    PasteHeld {
        /// Whose requests.
        new: Vec<RequestId>,
    },
    /// Nobody's access holds it any more.
    PasteLetGo,
    /// Its time was up.
    PasteExpired,
    /// Its author wants it deleted at a tclip.
    PasteDeletionAsked {
        /// Who.
        by: Author,
        /// What it is called.
        filename: String,
        /// Where it stands.
        place: PastePlace,
    },
    /// That was not done.
    PasteNotDeleted {
        /// Why.
        why: String,
    },
    /// Its author deleted it.
    PasteDeleted {
        /// Who.
        by: Author,
        /// What it was called, where only tclip knew.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        filename: Option<String>,
        /// Where it stood, where only tclip knew.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<PastePlace>,
    },
}
