//! What somebody typed or filled in, read without asking anybody; and what it can amount to (`preparing`).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::inputs::duration::{mistyped, written};
use crate::inputs::{self, Given, Place};
use crate::kernel::input::{InputValue, PersonShown};
use crate::kernel::request::DeviceShown;
use crate::kernel::workflow::{Input, InputKind};
use crate::kernel::{Ask, Failure, NotAsked, Refusal, Workflow, hold};
use crate::outside::tailscale::Device;

/// What was filled in so far, by input name.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// What is asked for.
    pub workflow: Arc<Workflow>,
    /// Texts as typed or chosen; devices by node id or name.
    pub values: BTreeMap<String, String>,
    /// Where it was asked.
    pub channel: Option<String>,
    /// The length of time was typed as several words or behind others, so that it may be part of the reason: nothing is asked
    /// before it is said which. The reason then has those words too.
    pub is_doubtful: bool,
    /// To break glass.
    pub breaks_glass: bool,
    /// For whom, by Slack id, if not for oneself.
    pub for_whom: Option<String>,
}

/// What a form amounts to.
#[derive(Clone, Debug, PartialEq)]
pub enum Prepared {
    /// Everything is there.
    Complete(Box<Ask>),
    /// Something has to be asked for first.
    Incomplete {
        /// Names of inputs without a value.
        missing: Vec<String>,
        /// Some of their own devices, newest first: the only one, or two if there are several.
        devices: Vec<Device>,
    },
    /// What is known does not let them ask, or is not enough to say: it must be looked up before anything is said.
    Unknown,
}

/// Why a form cannot become a request.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AskError {
    /// This person may not.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// Inputs with a value that cannot be taken: name, and what is wrong in words for people.
    #[error("wrong input")]
    Wrong(Vec<(String, String)>),
    /// Nobody but the requester could approve.
    #[error("nobody can approve")]
    NobodyCanApprove,
    /// It takes the manager of whoever it is for, and nobody is known to be that.
    #[error("no manager of {person}")]
    NoManager {
        /// The address or login that was looked for.
        person: String,
    },
    /// No active tailnet user matches this person.
    #[error("no tailnet user")]
    NoTailnetUser {
        /// The e-mail that was looked for, if Slack told one.
        email: Option<String>,
    },
    /// The tailnet has no device of theirs.
    #[error("no device")]
    NoDevice,
    /// It cannot be told which of their devices, or something else, is meant.
    #[error("missing input")]
    Missing {
        /// Names of inputs.
        inputs: Vec<String>,
        /// Names of some of their devices, if that is what has to be chosen from.
        devices: Vec<String>,
    },
    /// The workflow is not there any more.
    #[error("not lent any more")]
    NotLent,
    /// Slack, Tailscale or our own records did not answer; nothing was asked.
    #[error("cannot look it up: {}", .0.what)]
    Failed(Failure),
}

impl Form {
    /// Reads the words after the workflow's name: a duration first if there is one, `name=value` anywhere, the rest is
    /// the text.
    pub fn from_words(workflow: Arc<Workflow>, words: &str, channel: Option<String>) -> Self {
        Self::from_mentions(workflow, words, channel, &[])
    }

    /// The same with the Slack ids of people who are mentioned in it, by what stands for them, like `@bob`.
    pub fn from_mentions(
        workflow: Arc<Workflow>,
        words: &str,
        channel: Option<String>,
        mentioned: &[(String, String)],
    ) -> Self {
        let mut values = BTreeMap::new();
        let mut rest: Vec<&str> = Vec::new();
        let (mut has_named, mut taken, mut is_doubtful) = (false, 0, false);
        for word in words.split_whitespace() {
            match word.split_once('=') {
                Some((name, value)) if workflow.input(name).is_some() && !value.is_empty() => {
                    let is_person =
                        workflow.input(name).is_some_and(|input| matches!(input.kind, InputKind::Person { .. }));
                    let value = if is_person { id_of(value, mentioned) } else { value };
                    values.insert(name.to_owned(), value.to_owned());
                    has_named = true;
                }
                _ => rest.push(word),
            }
        }
        if let Some((input, ..)) = workflow.hold()
            && !values.contains_key(&input.name)
        {
            if let Some((count, length_ms)) = written::first(&rest) {
                values.insert(input.name.clone(), hold::show(length_ms));
                taken = count;
            } else if let Some(found) = mistyped::find(&rest) {
                values.insert(input.name.clone(), as_hold(rest.get(found.clone()).unwrap_or_default()));
                is_doubtful = found != (0..1);
                // What is doubtful stays where it was said, in case it is the reason's.
                taken = if is_doubtful { 0 } else { 1 };
            }
            rest.drain(..taken);
        }
        if !is_doubtful {
            taken += take_words(&workflow, &mut values, &mut rest, mentioned);
        }
        let takes_rest = |input: &&Input| inputs::of(&input.kind).is_some_and(|kind| kind.place.is_rest());
        let asked = inputs::asked(&workflow.inputs, &values).0;
        let text = asked.into_iter().find(takes_rest).or_else(|| workflow.inputs.iter().find(takes_rest));
        if let Some(input) = text.filter(|_| !rest.is_empty()) {
            // The words as typed, spaces and all, as far as that can be told.
            let text = if has_named { rest.join(" ") } else { behind(words, taken).to_owned() };
            values.entry(input.name.clone()).or_insert(text);
        }
        Self { workflow, values, channel, is_doubtful, breaks_glass: false, for_whom: None }
    }

    /// Whether something other than a device is needed and not there.
    pub fn lacks_text(&self) -> bool {
        let device = self.workflow.device().map(|input| &input.name);
        read(self, &Found::default()).missing.iter().any(|name| Some(name) != device)
    }

    /// Whether that input is asked, with what is filled in so far.
    pub fn asks(&self, name: &str) -> bool {
        self.asked().iter().any(|input| input.name == name)
    }

    /// The inputs that are asked, with what is filled in so far: those whose `when` is met.
    pub fn asked(&self) -> Vec<&Input> {
        inputs::asked(&self.workflow.inputs, &self.values).0
    }

    /// The device that is asked for, if one is.
    pub fn device(&self) -> Option<&Input> {
        self.workflow.device().filter(|input| self.asks(&input.name))
    }

    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }
}

/// Takes the first words that fit inputs of one word, in the order of the file; how many.
fn take_words(
    workflow: &Workflow,
    values: &mut BTreeMap<String, String>,
    rest: &mut Vec<&str>,
    mentioned: &[(String, String)],
) -> usize {
    let mut count: usize = 0;
    for input in &workflow.inputs {
        let Some(Place::Word(fits)) = inputs::of(&input.kind).map(|kind| kind.place) else { continue };
        let Some(word) = rest.get(count).map(|word| id_of(word, mentioned)) else { break };
        let is_asked = inputs::asked(&workflow.inputs, values).0.contains(&input);
        if is_asked && !values.contains_key(&input.name) && fits(&input.kind, word) {
            values.insert(input.name.clone(), word.to_owned());
            count = count.saturating_add(1);
        }
    }
    rest.drain(..count);
    count
}

/// The Slack id of somebody who is mentioned; any other word as it is.
fn id_of<'w>(word: &'w str, mentioned: &'w [(String, String)]) -> &'w str {
    mentioned.iter().find(|(name, _)| name == word).map_or(word, |(_, id)| id)
}

/// Words that are meant as a length of time, as such a length is written if it is one.
fn as_hold(words: &[&str]) -> String {
    match words {
        [word] if hold::parse(&mistyped::clean(word)).is_ok() => mistyped::clean(word),
        words => words.join(" ").trim_end_matches([',', ';', ':', '.']).to_owned(),
    }
}

/// What follows the first few words, as typed.
fn behind(words: &str, count: usize) -> &str {
    (0..count)
        .fold(words, |text, _| {
            let text = text.trim_start();
            text.find(char::is_whitespace).and_then(|at| text.get(at..)).unwrap_or_default()
        })
        .trim()
}

/// What the values of a form come to.
#[derive(Default)]
pub struct Read {
    /// For how long.
    pub hold_ms: i64,
    /// The first text.
    pub reason: String,
    /// The device it is for.
    pub device: Option<DeviceShown>,
    /// All of it, by input name.
    pub values: BTreeMap<String, InputValue>,
    /// Names of inputs that have to be asked for.
    pub missing: Vec<String>,
    /// Names of inputs with a value that cannot be taken, and why.
    pub wrong: Vec<(String, String)>,
}

impl From<NotAsked> for AskError {
    fn from(why: NotAsked) -> Self {
        match why {
            NotAsked::Refused { why } => Self::Refused(why),
            NotAsked::Wrong { inputs } => Self::Wrong(inputs),
            NotAsked::NobodyCanApprove => Self::NobodyCanApprove,
            NotAsked::NoManager { person } => Self::NoManager { person },
            NotAsked::NoTailnetUser { email } => Self::NoTailnetUser { email },
            NotAsked::NoDevice => Self::NoDevice,
            NotAsked::Failed { failure } => Self::Failed(failure),
            NotAsked::Missing { inputs, devices } => Self::Missing { inputs, devices },
            NotAsked::NotLent => Self::NotLent,
        }
    }
}

impl From<AskError> for NotAsked {
    fn from(why: AskError) -> Self {
        match why {
            AskError::Refused(why) => Self::Refused { why },
            AskError::Wrong(inputs) => Self::Wrong { inputs },
            AskError::NobodyCanApprove => Self::NobodyCanApprove,
            AskError::NoManager { person } => Self::NoManager { person },
            AskError::NoTailnetUser { email } => Self::NoTailnetUser { email },
            AskError::NoDevice => Self::NoDevice,
            AskError::Failed(failure) => Self::Failed { failure },
            AskError::Missing { inputs, devices } => Self::Missing { inputs, devices },
            AskError::NotLent => Self::NotLent,
        }
    }
}

/// What was looked up for a form.
#[derive(Default)]
pub struct Found {
    /// Devices that are meant.
    pub devices: Vec<Device>,
    /// Members of the workspace by what was typed for them.
    pub people: Vec<(String, PersonShown)>,
}

/// Reads every input as its kind reads it.
pub fn read(form: &Form, found: &Found) -> Read {
    let (devices, people) = (&found.devices, &found.people);
    let mut read = Read::default();
    for input in &form.workflow.inputs {
        let Some(kind) = inputs::of(&input.kind) else { continue };
        if !input.when.is_met(&read.values) {
            if form.value(&input.name).is_some() {
                let why = format!("it is asked only when {}; leave it out", input.when.in_words());
                read.wrong.push((input.name.clone(), why));
            }
            continue;
        }
        let given = Given { value: form.value(&input.name), is_doubtful: form.is_doubtful, devices, people };
        match (kind.read)(&input.kind, &given) {
            inputs::Read::Value(value) => {
                read.note(&value);
                read.values.insert(input.name.clone(), value);
            }
            inputs::Read::Nothing => {}
            inputs::Read::Missing => read.missing.push(input.name.clone()),
            inputs::Read::Wrong(why) => read.wrong.push((input.name.clone(), why)),
        }
    }
    read
}

impl Read {
    /// Glass is broken with a reason, and for a shorter time.
    pub(super) fn check_glass(&mut self, workflow: &Workflow) {
        if let Some(input) = workflow.reason().filter(|_| self.reason.trim().is_empty()) {
            self.missing.retain(|name| *name != input.name);
            self.wrong.push((input.name.clone(), "say why: glass is not broken without a reason".to_owned()));
        }
        let most = workflow.break_glass.as_ref().map(|glass| glass.max_hold_ms);
        if let (Some((input, ..)), Some(max_ms)) = (workflow.hold(), most.filter(|max_ms| self.hold_ms > *max_ms)) {
            let (asked, most) = (hold::show(self.hold_ms), hold::show(max_ms));
            self.wrong.push((input.name.clone(), format!("{asked} is too long: glass is broken for at most {most}")));
        }
    }

    /// The length of time is the hold, the first text the reason, the device the one it is for.
    fn note(&mut self, value: &InputValue) {
        match value {
            InputValue::Duration { length_ms } => self.hold_ms = *length_ms,
            InputValue::Text { text } if self.reason.is_empty() => text.clone_into(&mut self.reason),
            InputValue::Device(device) => self.device = Some(device.clone()),
            _ => {}
        }
    }
}
