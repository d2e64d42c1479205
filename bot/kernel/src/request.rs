//! A request: one person's ask, from start to end, with everything needed to grant it and to take it back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::event::{Failure, Press, Shows};
use crate::glass::Review;
use crate::guardrail::Judgement;
use crate::id::{Key, RequestId};
use crate::input::InputValue;
use crate::operator::By;
use crate::origin::Origin;
use crate::person::Person;
use crate::pinned::Pinned;

pub use crate::decision::{Asked, Decider, Decision, Passed};
pub use crate::extension::{Extending, Extension};
pub use crate::proof::{Found, Proof};

/// Where a request is in its life. How it ended is kept beside it, in `Outcome`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits for a decision.
    Pending,
    /// The quorum is there; nothing is on yet.
    Approved,
    /// Steps are being settled; something may be on.
    Activating,
    /// Every step was confirmed by the outside.
    Active,
    /// Being taken back.
    Ending,
    /// Over; whatever was begun was read back as gone.
    Ended,
}

impl State {
    /// All, in order of a life.
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Approved, Self::Activating, Self::Active, Self::Ending, Self::Ended];

    /// The public word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Activating => "activating",
            Self::Active => "active",
            Self::Ending => "ending",
            Self::Ended => "ended",
        }
    }
}

/// How a request ended, or is ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// An approver said no.
    Denied,
    /// Nobody answered.
    Lapsed,
    /// The requester took it back before it was decided.
    Withdrawn,
    /// A step failed; what was begun was taken back.
    Failed,
    /// Given back by its holder.
    Returned,
    /// Taken back by someone else.
    Revoked,
    /// The time was up.
    Expired,
    /// Its steps are done, and it held nothing.
    Done,
    /// As a later version wrote it into a stored request; this one has no word for it.
    #[serde(other)]
    Unknown,
}

impl Outcome {
    /// The public word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::Lapsed => "lapsed",
            Self::Withdrawn => "withdrawn",
            Self::Failed => "failed",
            Self::Returned => "returned",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Done => "done",
            Self::Unknown => "unknown",
        }
    }
}

/// How far one step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Untouched.
    Waiting,
    /// May be on.
    Begun,
    /// Confirmed.
    Held,
    /// Being taken back; may be on.
    Releasing,
    /// Read back as gone.
    Gone,
    /// No part of this request: its `when` is not met. Never begun.
    LeftOut,
}

/// One step of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// What it touches; none: that is told by what an earlier step comes to, which has not been confirmed yet.
    pub key: Option<Key>,
    /// How far it is.
    pub phase: Phase,
    /// Failures since the last success.
    pub failures: u32,
    /// The newest thing read back.
    pub proof: Option<Proof>,
    /// Until when the far side was told, milliseconds since the Unix epoch.
    pub until: Option<i64>,
    /// What it came to, for later steps and the card; never a secret.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub results: Map<String, Value>,
    /// What somebody else made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<crate::drift::Drift>,
}

/// Where a card goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "place", content = "id", rename_all = "snake_case")]
pub enum Place {
    /// The workflow's channel, by `#name` or id.
    Channel(String),
    /// An approver's direct messages, by Slack id.
    Approver(String),
}

impl Place {
    /// The name or id, for what Slack calls `channel`.
    pub fn target(&self) -> &str {
        match self {
            Self::Channel(target) | Self::Approver(target) => target,
        }
    }
}

/// One message in Slack that shows the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// Where it was meant to go.
    pub place: Place,
    /// The conversation and message it became; none until Slack confirmed it.
    pub message: Option<Message>,
}

/// A message in Slack beside the card that says what is so, and is rewritten when it is so no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// What it says.
    pub shows: Shows,
    /// Who was told.
    pub to: crate::effect::Recipient,
    /// What they read.
    pub message: Message,
}

/// A message in Slack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The conversation's id.
    pub channel: String,
    /// Slack's id of the message in it.
    pub ts: String,
}

/// A device as it was when asked.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DeviceShown {
    /// `n...CNTRL`.
    pub node_id: String,
    /// Its short name.
    pub name: String,
    /// As Tailscale displays it, for example `macOS`.
    pub os: String,
    /// In the tailnet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
}

/// Everything that makes a request; the result of parsing and looking people up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// The new request's id.
    pub id: RequestId,
    /// Pinned for good.
    pub workflow: Pinned,
    /// Who gets it, with facts as read for this ask.
    pub requester: Person,
    /// Who asked for it, if that is somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asker: Option<Box<Person>>,
    /// What was filled in, by input name.
    pub inputs: BTreeMap<String, InputValue>,
    /// How long.
    pub hold_ms: i64,
    /// Why.
    pub reason: String,
    /// On which device, if the workflow has one.
    pub device: Option<DeviceShown>,
    /// Fingerprint of all the above; comes back with every press.
    pub seal: String,
    /// Where it was asked, for answers there.
    pub channel: Option<String>,
    /// How it came about.
    #[serde(default, skip_serializing_if = "Origin::is_typed")]
    pub origin: Origin,
    /// A guardrail may let it pass without anybody.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_be_permitted: bool,
    /// What guardrails said to it, if any has a say in asking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged: Option<Box<Judgement>>,
    /// What guardrails said to whoever asked for somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged_asker: Option<Box<Judgement>>,
    /// To break glass: without approval.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub breaks_glass: bool,
    /// Who holds what, as it was then; only where a step says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<String>,
}

/// One person's ask and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// What was asked; never changes.
    pub ask: Ask,
    /// When it was asked.
    pub asked_at: i64,
    /// Where it is.
    pub state: State,
    /// How it ended or is ending.
    pub outcome: Option<Outcome>,
    /// Taking back failed often enough to alarm people.
    pub stuck: bool,
    /// One for each of the workflow's, in its order.
    pub steps: Vec<Step>,
    /// What counted, in order.
    pub decisions: Vec<Decision>,
    /// Presses that wait until it is known who pressed.
    pub presses: Vec<Press>,
    /// Presses so far.
    pub presses_count: u32,
    /// Who was asked to decide, stage by stage, once found.
    pub asked: Vec<Asked>,
    /// It is being found out whether it passes by itself; nobody is asked before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub judging: bool,
    /// Why it did not pass by itself, for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_by_itself: Vec<String>,
    /// What is to be said afterwards of broken glass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Review>,
    /// When the quorum was there.
    pub approved_at: Option<i64>,
    /// When every step was confirmed.
    pub active_at: Option<i64>,
    /// When it ends; computed once.
    pub expires_at: Option<i64>,
    /// When it ends at the latest: it was taken away by hand, and is put back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_by: Option<i64>,
    /// How it was extended, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extensions: Vec<Extension>,
    /// An end that is being put off, and is not yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extending: Option<Extending>,
    /// In how many more rounds people decided, or were to: on extensions.
    #[serde(default, skip_serializing_if = "crate::extension::is_none")]
    pub rounds: u32,
    /// When the end began, and who began it (none: the clock).
    pub ending_at: Option<i64>,
    /// Who ended it.
    pub ended_by: Option<By>,
    /// Said with a denial or a revocation.
    pub ended_reason: String,
    /// When everything was read back as gone.
    pub ended_at: Option<i64>,
    /// What last went wrong, for people.
    pub trouble: Option<Failure>,
    /// When its holder was told that the end is near.
    pub warned_at: Option<i64>,
    /// While it is being taken back: when people are alarmed (again) if it is still not gone.
    pub alarm_at: Option<i64>,
    /// How often people were alarmed since it got stuck.
    pub alarms_count: u32,
    /// What stands in Slack beside the cards and will stop being true.
    #[serde(default)]
    pub notifications: Vec<Notification>,
    /// Slack id of who pressed Retry last, if nothing failed since.
    #[serde(default)]
    pub pushed_by: Option<String>,
    /// The messages that show it.
    pub cards: Vec<Card>,
    /// Why it is not shown in the workflow's channel, for people.
    #[serde(default)]
    pub not_announced: Option<String>,
}

impl std::ops::Deref for Request {
    type Target = Ask;

    /// What was asked reads as part of the request; it is never written after the start.
    fn deref(&self) -> &Ask {
        &self.ask
    }
}

impl Step {
    /// Whether it is part of the request.
    pub fn is_taken(&self) -> bool {
        self.phase != Phase::LeftOut
    }

    /// Whether this is the key it touches.
    pub fn touches(&self, key: &Key) -> bool {
        self.key.as_ref() == Some(key)
    }

    /// Whether it may be on in the outside world: its first byte may have left, and it was not read back as gone.
    pub fn may_be_on(&self) -> bool {
        !matches!(self.phase, Phase::Waiting | Phase::Gone | Phase::LeftOut)
    }

    /// Until when it was last read back as on, milliseconds since the Unix epoch: the earliest time if it was not, the last one
    /// there is if it has no end.
    pub fn confirmed_until(&self) -> i64 {
        match self.proof.as_ref().map(|proof| &proof.found) {
            Some(Found::On { until }) => until.unwrap_or(i64::MAX),
            Some(Found::OnBefore | Found::Told { is_on: true }) => i64::MAX,
            _ => i64::MIN,
        }
    }
}

impl Request {
    /// Whether this person made it, with whatever account.
    pub fn is_requester(&self, person: &Person) -> bool {
        self.requester.is_same_human(person)
    }

    /// Which of its steps touches this key.
    pub fn step_of(&self, key: &Key) -> Option<usize> {
        self.steps.iter().position(|step| step.touches(key))
    }

    /// Whether it is over, and the door was read as open all the same by somebody else's doing.
    pub fn is_left_on(&self) -> bool {
        let left_on = |step: &Step| step.proof.as_ref().is_some_and(|proof| proof.found.is_left_on());
        self.state == State::Ended && self.steps.iter().any(left_on)
    }

    /// Whether something of it may be on in the outside world.
    pub fn may_be_on(&self) -> bool {
        self.steps.iter().any(Step::may_be_on)
    }

    /// Whether those who decide have it in their direct messages: no channel is to have it, or the channel takes no card.
    pub fn is_shown_directly(&self) -> bool {
        self.workflow.channel().is_none() || self.not_announced.is_some()
    }

    /// When nobody will have answered in time.
    pub fn lapses_at(&self) -> i64 {
        self.asked_at.saturating_add(self.workflow.lapse_after_ms)
    }

    /// The message of the card in a channel, if there is one.
    pub fn thread(&self) -> Option<&Message> {
        let mut in_channels = self.cards.iter().filter(|card| matches!(card.place, Place::Channel(_)));
        in_channels.find_map(|card| card.message.as_ref())
    }
}
