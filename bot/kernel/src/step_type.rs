//! What a step type says about itself before any client is there: enough to check a workflow file, to tell which scopes it
//! needs, to document it, and to know what a step touches. The types are listed in one place, `steps::LIST`.

use serde_json::{Map, Value};

use crate::id::{Key, RequestId};
use crate::workflow::Input;

/// One step type.
#[derive(Clone, Copy, Debug)]
pub struct StepType {
    /// The name people write, for example `tailscale.attribute`.
    pub uses: &'static str,
    /// What it does, in a sentence or two for people.
    pub about: &'static str,
    /// Every setting it knows.
    pub settings: &'static [Setting],
    /// Whether many requests can hold the same thing.
    pub holds: Holds,
    /// Whether what it does can be left as it is when everything else is taken back.
    pub stays: Stays,
    /// What it needs to be allowed at Slack and Tailscale.
    pub scopes: &'static [Scope],
    /// What later steps and the card can name of what it came to, as `steps.NAME.RESULT`; never a secret.
    pub results: &'static [StepResult],
    /// Checks the settings as written, `{{ }}` not yet filled in. Unknown settings were told already.
    pub check: fn(with: &Map<String, Value>, inputs: &[Input]) -> Vec<SettingMistake>,
    /// Where in its system that is what these filled settings touch. What it returns goes into logs.
    pub address: fn(with: &Map<String, Value>) -> Result<String, String>,
    /// What these filled settings lend, in words for the card; `device` is what the device is called.
    pub lends: fn(with: &Map<String, Value>, device: &str) -> Lends,
}

/// What a step lends, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lends {
    /// For people, short, like `role it-admin for alice@example.com`; may hold anything people typed. Empty: there are no words for it.
    pub words: String,
    /// Whether the name of what is touched says as much.
    pub is_in_key: bool,
}

impl Lends {
    /// What the name of what is touched does not say.
    pub fn words(words: String) -> Self {
        Self { words, is_in_key: false }
    }

    /// Nothing that its name does not say.
    pub fn nothing(_: &Map<String, Value>, _: &str) -> Self {
        Self::default()
    }
}

/// Whether many requests can hold the same thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// The address is the whole key: who holds the same share it.
    Shared,
    /// Every request has its own: the key names the request and the step, too.
    Once,
}

/// Whether what a step does can stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stays {
    /// It is always taken back.
    Never,
    /// If the file says `stays: true`.
    May,
    /// It cannot be taken back.
    Always,
}

/// The key of a step that says so; it stands among the settings that are kept.
pub const STAYS: &str = "stays";

/// Under this name the tags stand among the settings that are kept of which the device must carry one; without it the device is the
/// requester's own. No file can write it.
pub const TAGGED: &str = "{{tagged}}";

/// One setting of a step type.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// As written under `with:`.
    pub name: &'static str,
    /// What it takes.
    pub kind: SettingKind,
    /// Whether it must be there.
    pub is_required: bool,
    /// Whether it says what is touched: two steps of a workflow must not agree in all of these.
    pub is_key: bool,
    /// What it means, in a sentence for people.
    pub about: &'static str,
    /// An example, as written in YAML.
    pub example: &'static str,
}

/// What a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingKind {
    /// Text in one line.
    Text,
    /// Text of any length, in as many lines.
    Lines,
    /// `true` or `false`.
    Flag,
    /// `true`, `false`, a number or a text.
    Scalar,
    /// A call over HTTP; the step puts its texts together.
    Call,
    /// A web address; the step puts it together.
    Address,
    /// A program with its arguments, as a list of texts; the step puts each together.
    Argv,
    /// A map of names with texts; the step puts each together.
    Env,
    /// A list of texts.
    Texts,
    /// Text in which what is filled in is no markup.
    Markup,
    /// A member of the workspace, by Slack id; the requester where it may be left out.
    Member,
    /// A user of the tailnet, by login; the requester where it may be left out.
    User,
    /// An input of type `device`, as `{{ inputs.NAME }}`; the workflow's only one where it may be left out.
    Device,
    /// An input of type `device`, as `{{ inputs.NAME }}`; none where it is left out.
    NamedDevice,
    /// A list of maps, as in the tailnet's policy file.
    Entries,
    /// A map of groups with lists of logins, as in the tailnet's policy file.
    Members,
}

impl SettingKind {
    /// What stands for it where it is left out.
    pub fn usual(self) -> Option<&'static str> {
        match self {
            Self::Member => Some("{{ requester.slack_id }}"),
            Self::User => Some("{{ requester.login }}"),
            _ => None,
        }
    }

    /// Whether what is filled in stays apart from what the file says, since it depends on the place how it is written.
    pub fn is_in_parts(self) -> bool {
        matches!(self, Self::Call | Self::Markup | Self::Address | Self::Argv | Self::Env)
    }

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Lines => "text, also of many lines",
            Self::Flag => "`true` or `false`",
            Self::Scalar => "`true` or `false`, a number, or text",
            Self::Call => "a call",
            Self::Address => "a web address",
            Self::Argv => "a list of texts, a program's path first",
            Self::Env => "a map of names with texts",
            Self::Texts => "a list of texts",
            Self::Markup => "text in Slack's markup",
            Self::Member => "the requester, or an input of type `person`",
            Self::User => "the requester, or an input of type `person`",
            Self::Device | Self::NamedDevice => "an input of type `device`",
            Self::Entries => "a list of entries as in the policy file",
            Self::Members => "a map of groups with lists of logins",
        }
    }
}

/// Something that must be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// A bot token scope, see <https://docs.slack.dev/reference/scopes>.
    Slack(&'static str),
    /// A scope of an OAuth client, see <https://tailscale.com/kb/1623/trust-credentials>.
    Tailscale(&'static str),
}

/// The name of a result that stands for all those that the settings name themselves, below `capture`.
pub const CAPTURED: &str = "*";

/// Something a step comes to.
#[derive(Clone, Copy, Debug)]
pub struct StepResult {
    /// Its name behind `steps.NAME.`.
    pub name: &'static str,
    /// What it is, in a sentence for people.
    pub about: &'static str,
}

/// What is wrong with one setting of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingMistake {
    /// The setting; one that is missing is named too.
    pub setting: &'static str,
    /// Where in the setting, by names and by numbers from 0; empty: all of it.
    pub at: Vec<String>,
    /// What is wrong, for people.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl SettingMistake {
    /// With a hint.
    pub fn new(setting: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { setting, at: Vec::new(), message: message.into(), help: Some(help.into()) }
    }

    /// The same about something in the setting.
    #[must_use]
    pub fn at(self, at: &[&str]) -> Self {
        Self { at: at.iter().map(|part| (*part).to_owned()).collect(), ..self }
    }
}

impl StepType {
    /// One that says nothing but where its settings lead; for samples and tests.
    pub const fn plain(uses: &'static str, address: fn(&Map<String, Value>) -> Result<String, String>) -> Self {
        Self {
            uses,
            about: "",
            settings: &[],
            holds: Holds::Shared,
            stays: Stays::Never,
            scopes: &[],
            results: &[],
            check: |_, _| Vec::new(),
            address,
            lends: Lends::nothing,
        }
    }

    /// The names of its settings.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.settings.iter().map(|setting| setting.name)
    }

    /// The key of what these filled settings touch, for the step at `index` of a request.
    ///
    /// # Errors
    /// Why they lead nowhere, as a fragment for people.
    pub fn key(&self, with: &Map<String, Value>, id: &RequestId, index: usize) -> Result<Key, String> {
        let address = (self.address)(with)?;
        Ok(match self.holds {
            Holds::Shared => Key::new(self.uses, &address),
            Holds::Once => Key::new(self.uses, format!("{id} {} {address}", index.saturating_add(1)).trim_end()),
        })
    }
}

/// The type of that name.
pub fn find<'t>(types: &'t [StepType], uses: &str) -> Option<&'t StepType> {
    types.iter().find(|kind| kind.uses == uses)
}
