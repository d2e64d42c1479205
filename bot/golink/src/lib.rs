//! golink's language: what a name is, what a template says, and where a link leads. Links can move between golink and Nightlatch.
//!
//! Facts: golink's source (`db.go`, `golink.go`) at commit c4eca52. Names that differ only in case or dashes are one name.

#![cfg_attr(not(test), deny(clippy::string_slice, reason = "people type characters of several bytes"))]

mod expand;
mod go_time;
mod go_url;
mod name;
pub mod snapshot;
mod target;
mod template;
mod usable;

use serde::{Deserialize, Serialize};

pub use expand::{ExpandError, Target, Visit, check, expand};
pub use go_url::{path_escape, query_escape};
pub use name::{LinkId, NAME_MAX, NameError, check_name, without_punctuation, without_signs};
pub use target::Typed;
pub use template::TemplateError;
pub use usable::usable;

/// Longest destination in bytes; browsers and proxies stop near here, and Slack shows no more.
pub const LONG_MAX: usize = 8_000;

/// One link, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The name as its owner wrote it, for example `prod-runbook`.
    pub short: String,
    /// Where it leads: an address, or a template.
    pub long: String,
    /// Login of its owner; empty: nobody's.
    pub owner: String,
    /// Milliseconds since the Unix epoch.
    pub created_at: i64,
    /// Milliseconds since the Unix epoch.
    pub edited_at: i64,
}

impl Link {
    /// What makes it the same link, however it is spelled.
    pub fn id(&self) -> LinkId {
        LinkId::of(&self.short)
    }

    /// Differs when anything about the link differs; to notice that it changed since it was shown. Not a secret.
    pub fn fingerprint(&self) -> String {
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        let edited = self.edited_at.to_be_bytes();
        for part in [self.short.as_bytes(), self.long.as_bytes(), self.owner.as_bytes(), &edited] {
            for byte in part.iter().chain(&[0xff]) {
                hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        format!("{hash:016x}")
    }
}
