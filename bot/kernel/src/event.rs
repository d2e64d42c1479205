//! What can happen to a request. Events are facts in the past tense; they are kept in the audit log as they are.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::automatic::Facts;
use crate::drift::Drift;
use crate::effect::{Recipient, Wake};
use crate::guardrail::Judgement;
use crate::operator::Operator;
use crate::person::Person;
use crate::request::{Message, Place, Proof};

/// Who caused an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "actor", rename_all = "snake_case")]
pub enum Actor {
    /// A person, by Slack id.
    Person {
        /// `U...` or `W...`.
        slack_id: String,
    },
    /// A person on one of our pages, by tailnet login.
    Visitor {
        /// As the tailnet says it.
        login: String,
    },
    /// Whoever runs the command line on this machine.
    Operator {
        /// Which user of the machine; none: not known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Operator>,
    },
    /// The clock: something became due.
    Clock,
    /// The worker, reporting what the outside did.
    Worker,
}

/// One press of a button that was saved and now waits until it is known who pressed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Press {
    /// Counts up within the request.
    pub number: u32,
    /// Who pressed, from Slack's signed payload.
    pub by: String,
    /// What they pressed.
    pub button: Button,
    /// Where, so that an answer only they can see can be given there.
    pub channel: Option<String>,
    /// The seal of what was shown; empty where an older version saved it, or where nothing was shown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub seal: String,
}

/// What people can do to a request once it exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "button", rename_all = "snake_case")]
pub enum Button {
    /// Yes.
    Approve {
        /// Pressed a second time because it is one's own request.
        confirmed: bool,
        /// For so long at most, in milliseconds; none: for as long as it was asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hold_ms: Option<i64>,
    },
    /// No.
    Deny {
        /// Reaches the requester; may be empty.
        reason: String,
    },
    /// The requester takes it back before it was decided.
    Withdraw,
    /// The holder gives it back early.
    Return,
    /// An approver (or the requester) takes it back early.
    Revoke {
        /// Reaches the requester; may be empty.
        reason: String,
    },
    /// Try again what failed: granting, or taking back.
    Retry,
    /// Its holder wants to hold it for longer.
    Extend {
        /// By how much, in milliseconds; 0: as much as the button says.
        length_ms: i64,
    },
    /// An approver gives their turn to somebody else who may decide.
    Pass {
        /// Slack id.
        to: String,
    },
    /// Have it at once, without approval.
    BreakGlass,
    /// Make it again what was lent, after somebody else changed it or took it away.
    PutBack,
    /// What somebody else made of it stays.
    Adopt,
    /// Close the review of broken glass.
    Review {
        /// Whether it was fine.
        is_fine: bool,
        /// What follows, if it was not.
        word: String,
    },
}

/// What a message of ours with buttons shows. The word is in the message, and comes back with every press.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shows {
    /// The request itself, through its whole life.
    Card,
    /// That it is on.
    Active,
    /// That it ends soon.
    EndsSoon,
    /// That granting failed.
    Failed,
    /// That taking back fails.
    Stuck,
    /// That a review is open.
    Review,
    /// That glass was broken.
    Glass,
    /// That somebody else changed what is held.
    Drifted,
}

impl Shows {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Card, Self::Active, Self::EndsSoon, Self::Failed, Self::Stuck, Self::Review, Self::Glass, Self::Drifted];

    /// The word in the message.
    pub fn word(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::Active => "active",
            Self::EndsSoon => "ends_soon",
            Self::Failed => "failed",
            Self::Stuck => "stuck",
            Self::Review => "review",
            Self::Glass => "glass",
            Self::Drifted => "drifted",
        }
    }

    /// What a word means; nothing if it is none of ours.
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shows| shows.word() == word)
    }
}

/// The message somebody pressed a button on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PressedOn {
    /// What it shows.
    pub shows: Shows,
    /// Where it is, from Slack's signed payload.
    pub message: Message,
}

/// Why somebody is being looked up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "purpose", rename_all = "snake_case")]
pub enum Purpose {
    /// A press waits to be counted.
    Press {
        /// Its number.
        number: u32,
    },
    /// Somebody is to take over an approver's turn, who has pressed.
    TakingOver {
        /// Slack id of that approver.
        from: String,
        /// Where they pressed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channel: Option<String>,
    },
    /// The requester is looked at once more before anything is switched on.
    Start,
    /// Whether the request passes by itself.
    Passing,
    /// The holder is looked at once more before the far side is told of a later end that was approved.
    Extending,
}

/// What the outside did not do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// For people: what failed, as a lowercase fragment, without secrets.
    pub what: String,
    /// For people: what to do next; may be empty.
    pub advice: String,
    /// Whether trying again can help without anybody changing something.
    pub retryable: bool,
    /// How long the far side asked us to wait, in milliseconds.
    pub retry_after_ms: Option<i64>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The request was made (kept for the audit; made by `Request::ask`).
    Asked,
    /// It is known who will be asked, as Slack ids (at most twenty).
    ApproversFound {
        /// Of which stage.
        stage: usize,
        /// In the order of the workflow's rules.
        people: Vec<String>,
    },
    /// It is known who will be asked too in a stage that takes too long, as Slack ids (at most twenty).
    TierFound {
        /// Which stage.
        stage: usize,
        /// Which of its tiers: its place in the list.
        tier: usize,
        /// In the order of the rules.
        people: Vec<String>,
    },
    /// It is known who will be asked to review broken glass, as Slack ids (at most twenty).
    ReviewersFound {
        /// In the order of the workflow's rules.
        people: Vec<String>,
    },
    /// Somebody pressed a button.
    Pressed {
        /// Who, from the signed payload.
        by: String,
        /// What.
        button: Button,
        /// Where.
        channel: Option<String>,
        /// The seal of what was shown; must be the one that the request has for this button now.
        seal: String,
        /// On which message, if it was one that stays.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<PressedOn>,
    },
    /// An operator said no.
    Denied {
        /// Who.
        by: Operator,
        /// Reaches the requester; may be empty.
        reason: String,
    },
    /// An operator takes it back.
    Revoked {
        /// Who.
        by: Operator,
        /// Reaches the requester; may be empty.
        reason: String,
    },
    /// It is known who somebody is, read afresh.
    Identified {
        /// What for.
        purpose: Purpose,
        /// The facts.
        person: Person,
        /// What guardrails said, if any has a say in it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        judged: Option<Box<Judgement>>,
    },
    /// Everything was found out that tells whether it passes by itself.
    Looked {
        /// That.
        facts: Box<Facts>,
    },
    /// It could not be found out who somebody is.
    NotIdentified {
        /// What for.
        purpose: Purpose,
        /// Why.
        failure: Failure,
    },
    /// A key agrees with its holders, read back.
    Settled {
        /// Index of the step.
        step: usize,
        /// What was read.
        proof: Proof,
        /// What it came to, for later steps and the card; never a secret.
        #[serde(default, skip_serializing_if = "Map::is_empty")]
        results: Map<String, Value>,
    },
    /// A key could not be settled; what was begun may be on.
    SettleFailed {
        /// Index of the step.
        step: usize,
        /// Why.
        failure: Failure,
    },
    /// Somebody else changed what a step holds, or took it away.
    Drifted {
        /// Index of the step.
        step: usize,
        /// What was found.
        drift: Drift,
    },
    /// What a key was before we touched it first.
    Observed {
        /// Index of the step.
        step: usize,
        /// As the step type wrote it down.
        before: serde_json::Value,
        /// In place of what was observed: the step type knows more now.
        #[serde(default, skip_serializing_if = "is_false")]
        again: bool,
    },
    /// A card stands in Slack.
    Shown {
        /// Where it was meant to go.
        place: Place,
        /// The conversation it is in.
        channel: String,
        /// Slack's id of the message.
        ts: String,
    },
    /// A card cannot be shown where it was meant to go, and trying again will not help.
    NotShown {
        /// Where it was meant to go.
        place: Place,
        /// Why.
        failure: Failure,
    },
    /// A message that will stop being true stands in Slack.
    Notified {
        /// What it says.
        shows: Shows,
        /// Who was told.
        to: Recipient,
        /// The conversation it is in.
        channel: String,
        /// Slack's id of the message.
        ts: String,
    },
    /// Something became due.
    Woke {
        /// What.
        wake: Wake,
    },
}

impl Event {
    /// The step's key agrees with its holders, and it came to nothing that anybody could name.
    pub fn settled(step: usize, proof: Proof) -> Self {
        Self::Settled { step, proof, results: Map::new() }
    }

    /// It is known who somebody is, and no guardrail has a say in what they want.
    pub fn identified(purpose: Purpose, person: Person) -> Self {
        Self::Identified { purpose, person, judged: None }
    }

    /// A short name for logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::ApproversFound { .. } => "approvers_found",
            Self::TierFound { .. } => "tier_found",
            Self::ReviewersFound { .. } => "reviewers_found",
            Self::Pressed { .. } => "pressed",
            Self::Denied { .. } => "denied",
            Self::Revoked { .. } => "revoked",
            Self::Identified { .. } => "identified",
            Self::Looked { .. } => "looked",
            Self::NotIdentified { .. } => "not_identified",
            Self::Settled { .. } => "settled",
            Self::SettleFailed { .. } => "settle_failed",
            Self::Drifted { .. } => "drifted",
            Self::Observed { .. } => "observed",
            Self::Shown { .. } => "shown",
            Self::NotShown { .. } => "not_shown",
            Self::Notified { .. } => "notified",
            Self::Woke { .. } => "woke",
        }
    }
}

/// What is usual is not written.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}
