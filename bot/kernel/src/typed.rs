//! What somebody typed or filled in to ask for something, saved before anybody is looked up; and why it became no request.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::Failure;
use crate::origin::Origin;
use crate::refusal::Refusal;

/// Facts that cannot be had are tried for so long; then whoever typed is told.
const TRIED_FOR_MS: i64 = 60_000;
/// The same where nobody waits for an answer.
const STARTED_FOR_MS: i64 = 3_600_000;

/// An ask as it was typed: nothing in it was looked up, and it counts for nothing yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typed {
    /// Slack id, from the signed payload.
    pub by: String,
    /// The workflow's name.
    pub workflow: String,
    /// Texts as typed or chosen, by input name.
    pub values: BTreeMap<String, String>,
    /// Where it was typed.
    pub channel: Option<String>,
    /// The modal it was sent from, which can be redrawn as long as it is open.
    pub view: Option<String>,
    /// When, milliseconds since the Unix epoch.
    pub at: i64,
    /// How it came about.
    #[serde(default, skip_serializing_if = "Origin::is_typed")]
    pub origin: Origin,
    /// To break glass.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub breaks_glass: bool,
    /// For whom, by Slack id, if not for oneself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_whom: Option<String>,
}

impl Typed {
    /// Whether facts that could not be had so far are worth another attempt.
    pub fn is_worth_trying(&self, failure: &Failure, now: i64) -> bool {
        failure.retryable && now < self.tried_until()
    }

    /// When whoever typed is told that it could not be found out.
    pub fn tried_until(&self) -> i64 {
        self.at.saturating_add(if self.origin.is_typed() { TRIED_FOR_MS } else { STARTED_FOR_MS })
    }
}

/// Why what somebody typed became no request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "not_asked", rename_all = "snake_case")]
pub enum NotAsked {
    /// The rules say no.
    Refused {
        /// Why.
        why: Refusal,
    },
    /// Values that cannot be taken: name, and what is wrong in words for people.
    Wrong {
        /// By input name.
        inputs: Vec<(String, String)>,
    },
    /// Something has to be said that cannot be told.
    Missing {
        /// Names of inputs.
        inputs: Vec<String>,
        /// Names of the requester's devices, if that is what has to be chosen from.
        devices: Vec<String>,
    },
    /// Nobody but the requester could approve.
    NobodyCanApprove,
    /// It takes the manager of whoever it is for, and nobody is known to be that.
    NoManager {
        /// The address or login that was looked for.
        person: String,
    },
    /// No active tailnet user matches this person.
    NoTailnetUser {
        /// The e-mail that was looked for.
        email: Option<String>,
    },
    /// The tailnet has no device of theirs.
    NoDevice,
    /// The workflow is not there any more.
    NotLent,
    /// Slack or Tailscale did not say what had to be known.
    Failed {
        /// What failed.
        failure: Failure,
    },
}
