//! People as they were at one moment, with every group that rules name: what rules are explained by when nobody can be asked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::kernel::guardrail::DeviceFacts;
use crate::kernel::{Person, Who};

/// What is known of somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Who they are, and everything they belong to of what rules name.
    pub person: Person,
    /// Where they are, like `Europe/Berlin`; UTC if nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// One of their devices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<KnownDevice>,
    /// Names of people of which it is not known whether they belong to them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Who>,
}

/// What is known of a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownDevice {
    /// As guardrails see it.
    pub facts: DeviceFacts,
    /// The conditions of postures that rules name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub postures: BTreeMap<String, Vec<String>>,
}

/// Everybody, at one moment. Holds names, addresses and memberships, and no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Always 1.
    pub nightlatch_snapshot: u32,
    /// When, milliseconds since the Unix epoch.
    pub at: i64,
    /// Every name of people that was looked at: whoever is not in one of these is known not to be.
    pub rules: Vec<Who>,
    /// In the order of their names.
    pub people: Vec<Known>,
}

/// The version that is read and written.
pub const VERSION: u32 = 1;

impl Snapshot {
    /// Reads what was printed.
    ///
    /// # Errors
    /// It is none, or of a later version; in words for people.
    pub fn read(text: &str) -> Result<Self, String> {
        let read: Self = serde_json::from_str(text).map_err(|error| format!("it is no snapshot: {error}"))?;
        match read.nightlatch_snapshot {
            VERSION => Ok(read),
            other => Err(format!("it is a snapshot of version {other}, and this program reads version {VERSION}")),
        }
    }

    /// Whoever has this e-mail address, login or Slack id.
    pub fn find(&self, named: &str) -> Option<&Known> {
        let is = |name: &Option<String>| name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(named));
        let is_named =
            |known: &&Known| is(&known.person.login) || is(&known.person.email) || known.person.slack_id == named;
        self.people.iter().find(is_named)
    }

    /// What people are called by, to find the nearest.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.people.iter().filter_map(|known| known.person.login.as_deref().or(known.person.email.as_deref()))
    }
}
