//! A request as the command line lists it. Scripts read this: names stay, and more may be added.

use serde::{Deserialize, Serialize};

use crate::kernel::request::Step;
use crate::kernel::workflow::StepUse;
use crate::kernel::{Key, Outcome, Person, Request};

/// One request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// The workflow's name.
    pub workflow: String,
    /// Where it is: `pending`, `approved`, `activating`, `active`, `ending`, `ended`.
    pub state: String,
    /// How it ended or ends: `denied`, `expired`, and so on.
    pub outcome: Option<String>,
    /// E-mail address or login; the Slack id where neither is known.
    pub requester: String,
    /// As typed.
    pub reason: String,
    /// The device's name.
    pub device: Option<String>,
    /// RFC 3339, like all times here.
    pub asked_at: Option<String>,
    /// When every step was confirmed.
    pub active_since: Option<String>,
    /// When it ends or was to end.
    pub expires_at: Option<String>,
    /// When everything was read back as gone, or it ended before anything was on.
    pub ended_at: Option<String>,
    /// Taking it back does not work; it is tried again and again.
    pub stuck: bool,
    /// Glass was broken, and until then somebody is to say whether that was fine.
    #[serde(default)]
    pub review_due_at: Option<String>,
    /// In the workflow's order; those that the request goes without are not among them.
    pub steps: Vec<ListedStep>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListedStep {
    /// What the workflow calls it.
    pub name: String,
    /// Its type.
    pub uses: String,
    /// What it touches, once that is known.
    pub key: Option<String>,
    /// What was read back last: `on`, `gone`, and so on.
    pub found: Option<String>,
}

impl Listed {
    pub(super) fn of(request: &Request) -> Self {
        let steps = request.steps.iter().zip(&request.workflow.steps).filter(|(step, _)| step.is_taken());
        Self {
            id: request.ask.id.to_string(),
            workflow: request.workflow.name.clone(),
            state: request.state.word().to_owned(),
            outcome: request.outcome.map(|outcome| Outcome::word(outcome).to_owned()),
            requester: name_of(&request.requester),
            reason: request.reason.clone(),
            device: request.device.as_ref().map(|device| device.name.clone()),
            asked_at: time(request.asked_at),
            active_since: request.active_at.and_then(time),
            expires_at: request.expires_at.and_then(time),
            ended_at: request.ended_at.and_then(time),
            stuck: request.stuck,
            review_due_at: request.open_review().and_then(|review| time(review.due_at)),
            steps: steps.map(|(step, written)| ListedStep::of(step, written)).collect(),
        }
    }
}

impl ListedStep {
    fn of(step: &Step, written: &StepUse) -> Self {
        let found = step.proof.as_ref().and_then(|proof| serde_json::to_value(&proof.found).ok());
        let word = found.and_then(|found| Some(found.get("found").unwrap_or(&found).as_str()?.to_owned()));
        Self {
            name: written.name().to_owned(),
            uses: written.uses.clone(),
            key: step.key.as_ref().map(Key::to_string),
            found: word,
        }
    }
}

/// How people of this machine know somebody.
pub(super) fn name_of(person: &Person) -> String {
    person.email.clone().or_else(|| person.login.clone()).unwrap_or_else(|| person.slack_id.clone())
}

fn time(at: i64) -> Option<String> {
    jiff::Timestamp::from_millisecond(at).ok().map(|at| format!("{at:.0}"))
}
