//! What a holder of a key is, in the ledger's own words: enough to settle the key without reading the request again.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::request::{Decision, Request};
use crate::workflow::{StepUse, Workflow};

/// One request's hold on one key, as it is written into the ledger before the first byte leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Holding {
    /// The end the far side is to be told, milliseconds since the Unix epoch.
    pub until: i64,
    /// The requester's tailnet login; empty if there is none.
    pub login: String,
    /// The step's settings with everything filled in.
    pub with: Map<String, Value>,
    /// Who approved and why it was asked, for the far side's own log; may hold anything people typed.
    pub comment: String,
    /// The workflow and the step by name, with a space between them; empty in rows from before this stood in the ledger.
    pub used_by: String,
}

/// A step's settings as the ledger stores them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// By name, with everything filled in.
    pub with: Map<String, Value>,
    /// The workflow and the step by name, with a space between them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub used_by: String,
}

impl Workflow {
    /// Whether it lends nothing: nobody says for how long, what its steps do stays, and it is done when they are.
    pub fn holds_nothing(&self) -> bool {
        self.hold().is_none() && !self.steps.is_empty() && self.steps.iter().all(StepUse::stays)
    }
}

impl Request {
    /// What the ledger is to know of the step at `index`, held until `until` (milliseconds since the Unix epoch), with these
    /// settings, which are filled in.
    pub fn holding(&self, index: usize, until: i64, with: Map<String, Value>) -> Holding {
        let step = self.workflow.steps.get(index).map(StepUse::name).unwrap_or_default();
        let used_by = format!("{} {step}", self.workflow.name);
        let login = self.requester.login.clone().unwrap_or_default();
        let approved = self.decisions.iter().filter(|decision| decision.approved).filter_map(Decision::person);
        let approvers: Vec<&str> = approved.map(|person| person.email.as_deref().unwrap_or(&person.slack_id)).collect();
        let comment = format!("{} {login}, approved by {}: {}", self.id, approvers.join(", "), self.reason);
        Holding { until, login, with, comment, used_by }
    }
}
