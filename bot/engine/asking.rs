//! From what somebody typed or filled in to an ask that can be saved: parsing, looking up, checking, and what is missing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::Engine;
use crate::inputs::duration::mistyped;
use crate::inputs::{self, Given, Place};
use crate::kernel::input::InputValue;
use crate::kernel::request::DeviceShown;
use crate::kernel::workflow::{Input, OwnRequest};
use crate::kernel::{Ask, Failure, Person, Refusal, RequestId, Standing, Workflow, hold, policy};
use crate::outside::tailscale::Device;

/// Slack wants an answer within three seconds; looking people up gets this much of them.
const LOOK_UP_LIMIT: Duration = Duration::from_millis(2_000);

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
        /// Who asks.
        person: Person,
        /// Their own devices, newest first.
        devices: Vec<Device>,
    },
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
    /// No active tailnet user matches this person.
    #[error("no tailnet user")]
    NoTailnetUser {
        /// The e-mail that was looked for, if Slack told one.
        email: Option<String>,
    },
    /// The tailnet has no device of theirs.
    #[error("no device")]
    NoDevice,
    /// Slack or Tailscale did not answer (in time); nothing was asked.
    #[error("cannot look it up: {}", .0.what)]
    Failed(Failure),
}

impl Form {
    /// Reads the words after the workflow's name: a duration first if there is one, `name=value` anywhere, the rest is
    /// the text.
    pub fn from_words(workflow: Arc<Workflow>, words: &str, channel: Option<String>) -> Self {
        let mut values = BTreeMap::new();
        let mut rest: Vec<&str> = Vec::new();
        let (mut has_named, mut taken, mut is_doubtful) = (false, 0, false);
        for word in words.split_whitespace() {
            match word.split_once('=') {
                Some((name, value)) if workflow.input(name).is_some() && !value.is_empty() => {
                    values.insert(name.to_owned(), value.to_owned());
                    has_named = true;
                }
                _ => rest.push(word),
            }
        }
        if let Some((input, ..)) = workflow.hold()
            && !values.contains_key(&input.name)
            && let Some(found) = mistyped::find(&rest)
        {
            values.insert(input.name.clone(), as_hold(rest.get(found.clone()).unwrap_or_default()));
            is_doubtful = found != (0..1);
            // What is doubtful stays where it was said, in case it is the reason's.
            taken = if is_doubtful { 0 } else { 1 };
            rest.drain(..taken);
        }
        let takes_rest = |input: &&Input| inputs::of(&input.kind).is_some_and(|kind| kind.place == Place::Rest);
        let text = workflow.inputs.iter().find(takes_rest);
        if let Some(input) = text.filter(|_| !rest.is_empty()) {
            // The words as typed, spaces and all, as far as that can be told.
            let text = if has_named { rest.join(" ") } else { behind(words, taken).to_owned() };
            values.entry(input.name.clone()).or_insert(text);
        }
        Self { workflow, values, channel, is_doubtful }
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }
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
struct Read {
    hold_ms: i64,
    reason: String,
    device: Option<DeviceShown>,
    values: BTreeMap<String, InputValue>,
    missing: Vec<String>,
    wrong: Vec<(String, String)>,
}

impl Engine {
    /// Looks the person up and checks the form. Answers within about two seconds whatever the outside does.
    ///
    /// # Errors
    /// See `AskError`; nothing is saved and nothing is sent.
    pub async fn prepare(&self, slack_id: &str, form: &Form) -> Result<Prepared, AskError> {
        match tokio::time::timeout(LOOK_UP_LIMIT, self.prepare_unlimited(slack_id, form)).await {
            Ok(prepared) => prepared,
            Err(_) => Err(AskError::Failed(Failure {
                what: "Slack or Tailscale did not answer in time".to_owned(),
                advice: "try again in a moment".to_owned(),
                retryable: true,
                retry_after_ms: None,
            })),
        }
    }

    async fn prepare_unlimited(&self, slack_id: &str, form: &Form) -> Result<Prepared, AskError> {
        let workflow = &form.workflow;
        let person = self.inner.people.fresh(slack_id, &workflow.ask, true).await.map_err(AskError::Failed)?;
        // Somebody the tailnet does not know is in none of its groups either, and should hear the reason and not that.
        if person.login.is_none() && person.standing == Standing::Member {
            return Err(AskError::NoTailnetUser { email: person.email });
        }
        policy::may_ask(workflow, &person).map_err(AskError::Refused)?;
        self.somebody_can_approve(workflow, &person).await?;
        let devices = match workflow.device() {
            Some(_) => self.inner.people.own_devices(&person).await.map_err(AskError::Failed)?,
            None => Vec::new(),
        };
        if workflow.device().is_some() && devices.is_empty() {
            return Err(AskError::NoDevice);
        }
        let read = read(form, &devices);
        if !read.wrong.is_empty() {
            return Err(AskError::Wrong(read.wrong));
        }
        if !read.missing.is_empty() {
            return Ok(Prepared::Incomplete { missing: read.missing, person, devices });
        }
        let id = RequestId(self.inner.ids.next(self.inner.clock.now_ms()));
        let mut ask = Ask {
            id,
            workflow: Workflow::clone(workflow),
            requester: person,
            inputs: read.values,
            hold_ms: read.hold_ms,
            reason: read.reason,
            device: read.device,
            seal: String::new(),
            channel: form.channel.clone(),
        };
        ask.seal = seal(&ask);
        Ok(Prepared::Complete(Box::new(ask)))
    }

    async fn somebody_can_approve(&self, workflow: &Workflow, person: &Person) -> Result<(), AskError> {
        let Some(stage) = workflow.stage() else { return Err(AskError::NobodyCanApprove) };
        let mut all = self.inner.people.candidates(&stage.by).await.map_err(AskError::Failed)?;
        if stage.own_request == OwnRequest::Never {
            all.names.remove(&person.slack_id);
            for name in [&person.login, &person.email].into_iter().flatten() {
                all.names.remove(&name.to_lowercase());
            }
        }
        let enough = all.names.len() >= usize::try_from(stage.quorum).unwrap_or(usize::MAX);
        if enough || all.has_unlisted { Ok(()) } else { Err(AskError::NobodyCanApprove) }
    }

    /// The person and their own devices, for forms; within about two seconds.
    ///
    /// # Errors
    /// Slack or Tailscale did not answer.
    pub async fn person_and_devices(&self, slack_id: &str) -> Result<(Person, Vec<Device>), Failure> {
        let looking = async {
            let rules: Vec<_> = self.catalog().workflows().flat_map(|workflow| workflow.ask.clone()).collect();
            let person = self.inner.people.fresh(slack_id, &rules, true).await?;
            let devices = self.inner.people.own_devices(&person).await?;
            Ok((person, devices))
        };
        let late = || Failure {
            what: "Slack or Tailscale did not answer in time".to_owned(),
            advice: "try again in a moment".to_owned(),
            retryable: true,
            retry_after_ms: None,
        };
        tokio::time::timeout(LOOK_UP_LIMIT, looking).await.unwrap_or_else(|_| Err(late()))
    }
}

/// Reads every input as its kind reads it.
fn read(form: &Form, devices: &[Device]) -> Read {
    let mut read = Read::default();
    for input in &form.workflow.inputs {
        let Some(kind) = inputs::of(&input.kind) else { continue };
        let given = Given { value: form.value(&input.name), is_doubtful: form.is_doubtful, devices };
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
    /// The length of time is the hold, the first text the reason, the device the one it is for.
    fn note(&mut self, value: &InputValue) {
        match value {
            InputValue::Duration { length_ms } => self.hold_ms = *length_ms,
            InputValue::Text { text } if self.reason.is_empty() => text.clone_into(&mut self.reason),
            InputValue::Device(device) => self.device = Some(device.clone()),
            InputValue::Text { .. } | InputValue::Unknown => {}
        }
    }
}

/// Fingerprint of what people are shown and approve.
fn seal(ask: &Ask) -> String {
    let text = serde_json::to_vec(ask).unwrap_or_default();
    hex::encode(Sha256::digest(text)).chars().take(12).collect()
}
