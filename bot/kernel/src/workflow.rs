//! What a workflow file says, once it was read and checked. A copy is pinned in every request made under it.

mod pattern;
mod tell;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::automatic::Automatic;
use crate::condition::Condition;
use crate::glass::BreakGlass;
use crate::origin::Trigger;
use crate::person::{Person, Who};
use crate::step_type::STAYS;

pub use pattern::Pattern;
pub use tell::Tell;

/// One thing that can be borrowed, or one chat command.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Workflow {
    /// The file's name without its ending; what people type after `/access`.
    pub name: String,
    /// For people, for example `Production database`.
    pub title: String,
    /// One or two sentences for people; may be empty.
    pub description: String,
    /// Its own slash command with the leading `/`, if it has one beside `/access NAME`.
    pub command: Option<String>,
    /// What the requester fills in, in the order of the command line.
    pub inputs: Vec<Input>,
    /// Who may request. Never empty.
    pub ask: Vec<Who>,
    /// Who may ask for somebody else; nobody if it is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ask_for: Vec<Who>,
    /// Stages of approval, in order: the next one opens when the one before is through. None: nobody has to decide.
    pub approve: Vec<Stage>,
    /// What passes by itself: by any of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approve_automatically: Vec<Automatic>,
    /// Who may have it at once and without approval, and who reviews that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<BreakGlass>,
    /// Whether what is held can be held for longer; not at all if it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extend: Option<Extend>,
    /// How long a request waits for an answer.
    pub lapse_after_ms: i64,
    /// What is held while a grant is active, in order of taking.
    pub steps: Vec<StepUse>,
    /// The channel its cards go to, with the leading `#` or an id; without one, approvers get direct messages.
    pub announce: Option<String>,
    /// Whom its cards reach.
    #[serde(default, skip_serializing_if = "Tell::is_channel")]
    pub tell: Tell,
    /// What starts it by itself, in the order of the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Trigger>,
    /// Words that guardrails know it by; none in most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Fingerprint of the file's text, so that a grant names the version it was made under.
    pub digest: String,
}

impl Workflow {
    /// Everybody who decides in one of the stages, each rule once, in the order of the file.
    pub fn approvers(&self) -> Vec<Who> {
        let mut rules: Vec<Who> = Vec::new();
        for rule in self.approve.iter().flat_map(Stage::all_rules) {
            if !rules.contains(rule) {
                rules.push(rule.clone());
            }
        }
        rules
    }

    /// Whether this person needs a user in the tailnet to ask: all but those whom only `anyone` lets in, where no device is theirs to choose.
    pub fn takes_login(&self, person: &Person) -> bool {
        self.device().is_some() || self.ask.iter().find(|who| who.means(person)) != Some(&Who::Anyone)
    }

    /// The channel that follows each request, if one does: alarms reach `announce` in any case.
    pub fn channel(&self) -> Option<&str> {
        self.announce.as_deref().filter(|_| self.tell == Tell::Channel)
    }

    /// The input of that name.
    pub fn input(&self, name: &str) -> Option<&Input> {
        self.inputs.iter().find(|input| input.name == name)
    }

    /// The first duration among the inputs: how long is asked for. Every workflow that lends something has one.
    pub fn hold(&self) -> Option<(&Input, i64, i64)> {
        self.inputs.iter().find_map(|input| match input.kind {
            InputKind::Duration { default_ms, max_ms } => Some((input, default_ms, max_ms)),
            _ => None,
        })
    }

    /// The first device among the inputs.
    pub fn device(&self) -> Option<&Input> {
        self.inputs.iter().find(|input| input.kind.is_device())
    }
}

/// Something the requester fills in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The name in the file and on the command line.
    pub name: String,
    /// Shown over the field; the name with a capital if the file has none.
    pub label: String,
    /// What it takes.
    pub kind: InputKind,
    /// Stands below the field, if the file says something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// What must be filled in for it to be asked at all; a request that does not meet it goes without.
    #[serde(default, skip_serializing_if = "Condition::is_empty")]
    pub when: Condition,
}

impl Input {
    /// One that says nothing beside its label.
    pub fn plain(name: impl Into<String>, label: impl Into<String>, kind: InputKind) -> Self {
        Self { name: name.into(), label: label.into(), kind, help: None, when: Condition::default() }
    }
}

/// The kinds of input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum InputKind {
    /// A length of time.
    Duration {
        /// Taken when nothing was said.
        default_ms: i64,
        /// The most that can be asked for.
        max_ms: i64,
    },
    /// Free text; on the command line the rest of the line.
    Text {
        /// In characters, at most 3000 (Slack's limit for a text field).
        max_length: u32,
        /// Whether it must be given.
        required: bool,
        /// What it has to look like, if the file says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pattern: Option<Pattern>,
        /// Taken when nothing was said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        default: Option<String>,
    },
    /// A device of the tailnet.
    Device {
        /// One that carries any of these tags, and is nobody's; without any, one of the requester's own.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        of: Vec<String>,
    },
    /// One of a few words, or several of them.
    Choice {
        /// What is offered, in order.
        options: Vec<Choosable>,
        /// Whether several can be chosen.
        many: bool,
        /// Taken when nothing was said.
        default: Vec<String>,
        /// Whether something must be chosen.
        required: bool,
        /// What each word has to look like, if the file says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pattern: Option<Pattern>,
    },
    /// A member of the workspace.
    Person {
        /// Whether somebody must be named.
        required: bool,
        /// What `{{ inputs.NAME }}` has to look like, if the file says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pattern: Option<Pattern>,
    },
    /// A whole number.
    Number {
        /// The least it may be.
        min: i64,
        /// The most it may be.
        max: i64,
        /// Taken when nothing was said.
        default: Option<i64>,
        /// Whether it must be given.
        required: bool,
    },
    /// Yes or no.
    Flag {
        /// Taken when nothing was said.
        default: bool,
    },
    /// A web address.
    Link {
        /// Whether it must be given.
        required: bool,
        /// What it has to look like, if the file says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pattern: Option<Pattern>,
    },
    /// In a stored request, by a later version: nothing is asked or done by it here. No file makes one.
    #[serde(other)]
    Unknown,
}

/// One word that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choosable {
    /// What it means to steps, and what is typed.
    pub value: String,
    /// What people read; the value if the file says nothing else.
    pub label: String,
}

impl InputKind {
    /// Text that has to be given and may look like anything.
    pub fn text(max_length: u32) -> Self {
        Self::Text { max_length, required: true, pattern: None, default: None }
    }

    /// One of the requester's own devices.
    pub fn own_device() -> Self {
        Self::Device { of: Vec::new() }
    }

    /// Whether it is a device.
    pub fn is_device(&self) -> bool {
        matches!(self, Self::Device { .. })
    }

    /// The tags of which a device must carry one; none: it is one of the requester's own, or no device.
    pub fn tags(&self) -> &[String] {
        match self {
            Self::Device { of } => of,
            _ => &[],
        }
    }

    /// As in `type: duration`; none if a later version wrote it.
    pub fn name(&self) -> Option<&'static str> {
        match self {
            Self::Duration { .. } => Some("duration"),
            Self::Text { .. } => Some("text"),
            Self::Device { .. } => Some("device"),
            Self::Choice { .. } => Some("choice"),
            Self::Person { .. } => Some("person"),
            Self::Number { .. } => Some("number"),
            Self::Flag { .. } => Some("flag"),
            Self::Link { .. } => Some("link"),
            Self::Unknown => None,
        }
    }
}

/// One stage of approval: every clause of it is met, by different people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// What people call it, if the file says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What has to be met. Never empty.
    pub clauses: Vec<Clause>,
    /// Whether the requester may be one of those who decide.
    pub own_request: OwnRequest,
    /// How many noes end the request; at least one.
    pub denials: u32,
    /// After so long those who have not answered are reminded, in milliseconds; then after twice that, four times that and so on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remind_ms: Option<i64>,
    /// Who is asked too when it is not decided by then, the earliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub escalate: Vec<Tier>,
}

/// People who are asked too when a stage is not decided after a while; those before may still decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    /// How long after the stage opened, in milliseconds.
    pub after_ms: i64,
    /// Who. Never empty.
    pub by: Vec<Who>,
}

/// So many different people of these have to approve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clause {
    /// How many; at least one.
    pub quorum: u32,
    /// Of whom.
    pub by: Vec<Who>,
}

impl Stage {
    /// So many of these; one no ends it.
    pub fn of(quorum: u32, by: Vec<Who>, own_request: OwnRequest) -> Self {
        let clauses = vec![Clause { quorum, by }];
        Self { name: None, clauses, own_request, denials: 1, remind_ms: None, escalate: Vec::new() }
    }

    /// Whoever decides in it, clause by clause.
    pub fn rules(&self) -> impl Iterator<Item = &Who> + Clone {
        self.clauses.iter().flat_map(|clause| &clause.by)
    }

    /// The same with those who are asked when it takes too long.
    pub fn all_rules(&self) -> impl Iterator<Item = &Who> + Clone {
        self.rules().chain(self.escalate.iter().flat_map(|tier| &tier.by))
    }
}

impl Clause {
    /// How many people it takes: what is stored as none takes one all the same.
    pub fn needed(&self) -> u32 {
        self.quorum.max(1)
    }
}

/// Whether a requester may decide their own request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OwnRequest {
    /// Yes, after a second press that says so.
    Confirm,
    /// Yes.
    Allow,
    /// Four eyes; and what a later version wrote into a stored request and this one has no word for.
    #[default]
    #[serde(other)]
    Never,
}

/// `extend` of a workflow: what is held can be held for longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extend {
    /// How often; at least once.
    pub times: u32,
    /// By how much at a time at most, in milliseconds.
    pub max_ms: i64,
    /// Who has to approve that.
    pub approve: ExtendApproval,
    /// The stages of `ExtendApproval::Stages`, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<Stage>,
}

/// Who has to approve that something is held for longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExtendApproval {
    /// Nobody.
    Automatic,
    /// The stages that approved the request, once more.
    Again,
    /// Stages of its own.
    Stages,
    /// What a later version wrote into a stored request and this one has no word for: then nothing is extended.
    #[serde(other)]
    Unknown,
}

/// One use of a step type in a workflow.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct StepUse {
    /// The step type, for example `tailscale.attribute`.
    pub uses: String,
    /// Its own name, if the file gives it one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What must be filled in for it to be begun; a request that does not meet it goes without this step.
    #[serde(default, skip_serializing_if = "Condition::is_empty")]
    pub when: Condition,
    /// Its settings; strings may hold `{{ }}`.
    pub with: serde_json::Map<String, Value>,
}

impl StepUse {
    /// Whether the workflow says that nothing but the bot takes back what this step holds.
    pub fn is_unguarded(&self) -> bool {
        self.with.get("unguarded") == Some(&Value::Bool(true))
    }

    /// Whether the workflow says that what it does is left as it is at the end.
    pub fn stays(&self) -> bool {
        self.with.get(STAYS) == Some(&Value::Bool(true))
    }

    /// What `steps.NAME` calls it: its own name, else the last word of its type.
    pub fn name(&self) -> &str {
        let last = || self.uses.rsplit('.').next().unwrap_or(&self.uses);
        self.name.as_deref().unwrap_or_else(last)
    }
}
