//! Holding what a program did: that it may have begun, and what it printed, is written down before anything hangs on it. What a process of
//! ours that is dead left running is ended before anything runs anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::OUTPUT;
use super::argv::{assemble, scrubbed};
use crate::clock::Clock;
use crate::kernel::kept::{self, Kept, Raise};
use crate::kernel::request::Found;
use crate::kernel::step_type::STAYS;
use crate::kernel::{Failure, Key, Proof};
use crate::outside::programs::{End, Mark, NotRun, Programs, Ran};
use crate::steps::filled::{NotPut, Secrets};
use crate::steps::{Before, Holder, Settled, Step};

/// The exit code that says "not now" (`EX_TEMPFAIL` of sysexits).
const NOT_NOW: i32 = 75;
/// Of what a program that failed said last, in characters, in what people are told.
const SAID_MAX: usize = 200;

/// The step type.
pub struct ProgramRun {
    programs: Programs,
    secrets: Arc<Secrets>,
    clock: Clock,
}

/// What is known of one request's runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct State {
    /// `do` may have begun.
    sent: bool,
    /// ... and ended well.
    done: bool,
    /// It was on before anything ran.
    was_on: bool,
    /// What it came to.
    captured: Map<String, Value>,
    /// The last run of `do` and of `undo`, for the audit log.
    runs: BTreeMap<String, RunKept>,
}

/// A run, as the audit log keeps it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct RunKept {
    /// How it ended, for people.
    ended: String,
    /// What it printed; no secret of ours.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    output: String,
    /// The same of its standard error.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    errors: String,
}

impl Kept for State {
    const KIND: &'static str = "before of program.run";
    const RAISES: &'static [Raise] = &[];
}

/// What `check` says.
#[derive(Clone, Copy, PartialEq)]
enum Seen {
    On,
    Off,
    /// There is no `check`, or what it needs is not known.
    Unknown,
}

/// How a run that changes something ended.
enum Ended {
    Done,
    /// Nothing ran.
    NotBegun(Failure),
    /// It may have done something.
    Unsure(Failure),
}

/// The runs of one request.
struct Visit<'v> {
    step: &'v ProgramRun,
    key: &'v Key,
    with: &'v Map<String, Value>,
}

fn failure(what: String, advice: &str, retryable: bool) -> Failure {
    Failure { what, advice: advice.to_owned(), retryable, retry_after_ms: None }
}

impl ProgramRun {
    /// The step type over these.
    pub fn new(programs: Programs, secrets: Arc<Secrets>, clock: Clock) -> Self {
        Self { programs, secrets, clock }
    }

    fn proof(&self, found: Found) -> Proof {
        Proof { at: self.clock.now_ms(), found }
    }

    fn kept(&self, ran: &Ran) -> RunKept {
        RunKept {
            ended: words(ran.end),
            output: scrubbed(&ran.output, &self.secrets),
            errors: scrubbed(&ran.errors, &self.secrets),
        }
    }
}

fn words(end: End) -> String {
    match end {
        End::Exited(code) => format!("exit code {code}"),
        End::Killed(signal) => format!("killed by signal {signal}"),
        End::TooLong => "killed: it took too long".to_owned(),
    }
}

impl RunKept {
    /// What it said last, for people.
    fn last_said(&self) -> String {
        let said = [&self.errors, &self.output]
            .into_iter()
            .find_map(|text| text.lines().rfind(|line| !line.trim().is_empty()));
        said.map(|line| format!(": {}", line.trim().chars().take(SAID_MAX).collect::<String>())).unwrap_or_default()
    }
}

impl Visit<'_> {
    fn mark(&self) -> Mark {
        let mut words = self.key.address().split(' ').map(str::to_owned);
        Mark { request: words.next().unwrap_or_default(), step: words.next().unwrap_or_default() }
    }

    /// Runs what a setting says. Nothing: there is no such setting, or what it needs is not known.
    async fn run(&self, name: &str, own: &Map<String, Value>) -> Result<Option<Result<Ran, NotRun>>, Failure> {
        let Some(setting) = self.with.get(name) else { return Ok(None) };
        match assemble(setting, self.with, own, &self.step.secrets, self.mark()) {
            Ok(run) => Ok(Some(self.step.programs.run(run).await)),
            Err(NotPut::Unknown(_)) => Ok(None),
            Err(NotPut::Wrong(why)) => {
                let advice = "correct the workflow or nightlatch.yaml, then ask again";
                Err(failure(format!("`{name}` cannot be run: {why}"), advice, false))
            }
        }
    }

    /// What a dead process of ours left running does nothing more.
    async fn end_left(&self) -> Result<(), Failure> {
        self.step.programs.end_left(&self.mark()).await.map_err(|why| failure(why, "end it by hand", true))
    }

    fn not_run(name: &str, why: &NotRun) -> Failure {
        let (advice, retryable) = match why {
            NotRun::Refused(_) => ("add it to `programs` in nightlatch.yaml if it is meant", false),
            NotRun::NotStarted(_) => ("", true),
        };
        failure(format!("`{name}` did not run: {why}"), advice, retryable)
    }

    async fn look(&self, own: &Map<String, Value>) -> Result<Seen, Failure> {
        const NAME: &str = "check";
        let ran = match self.run(NAME, own).await? {
            None => return Ok(Seen::Unknown),
            Some(Ok(ran)) => ran,
            Some(Err(why)) => return Err(Self::not_run(NAME, &why)),
        };
        match ran.end {
            End::Exited(0) => Ok(Seen::On),
            End::Exited(1) => Ok(Seen::Off),
            end => {
                let said = self.step.kept(&ran).last_said();
                Err(failure(format!("`{NAME}` could not tell ({}){said}", words(end)), "", true))
            }
        }
    }

    /// Runs what changes something, and notes what it printed.
    async fn change(&self, name: &str, state: &mut State) -> Result<Option<Ended>, Failure> {
        let ran = match self.run(name, &state.captured).await? {
            None => return Ok(None),
            Some(Ok(ran)) => ran,
            Some(Err(why)) => return Ok(Some(Ended::NotBegun(Self::not_run(name, &why)))),
        };
        let kept = self.step.kept(&ran);
        let told = match ran.end {
            End::Exited(0) => None,
            end => {
                let retryable = !matches!(end, End::Exited(code) if code != NOT_NOW);
                let advice = if retryable { "" } else { "the audit log has what it printed" };
                Some(failure(format!("`{name}` ended with {}{}", words(end), kept.last_said()), advice, retryable))
            }
        };
        // What failed may have said what is to be undone all the same.
        if name == "do" && (told.is_none() || !kept.output.is_empty()) {
            state.captured.insert(OUTPUT.to_owned(), kept.output.clone().into());
        }
        state.runs.insert(name.to_owned(), kept);
        Ok(Some(told.map_or(Ended::Done, Ended::Unsure)))
    }

    fn settled(&self, holder: &Holder, found: Found, state: State) -> Settled {
        let results = [(holder.request_id.clone(), state.captured)].into();
        Settled { results, ..Settled::from(self.step.proof(found)) }
    }

    async fn hold(&self, holder: &Holder, before: &Before) -> Result<Settled, Failure> {
        let mut state = stored(&before.found)?;
        if state.sent && !state.done {
            self.end_left().await?;
        }
        let seen = self.look(&state.captured).await?;
        if !holder.is_new {
            let found = match seen {
                Seen::On if state.was_on => Found::OnBefore,
                Seen::On => Found::On { until: None },
                Seen::Off => Found::TakenAway,
                Seen::Unknown => Found::Told { is_on: true },
            };
            return Ok(self.settled(holder, found, state));
        }
        match seen {
            Seen::On if !state.sent => {
                state.was_on = true;
                keep(before, &state).await?;
                return Ok(self.settled(holder, Found::OnBefore, state));
            }
            Seen::On if state.done => return Ok(self.settled(holder, Found::On { until: None }, state)),
            Seen::Unknown if state.done => return Ok(self.settled(holder, Found::Told { is_on: true }, state)),
            // What it came to is not known where its end was not seen: it runs again, and must not mind.
            Seen::On | Seen::Off | Seen::Unknown => {}
        }
        // Before it begins it is known that it may have begun.
        state = State { sent: true, done: false, was_on: false, ..state };
        keep(before, &state).await?;
        let nothing = || failure("`do` names what it comes to itself".to_owned(), "correct the workflow", false);
        match self.change("do", &mut state).await?.ok_or_else(nothing)? {
            Ended::Done => {
                state.done = true;
                keep(before, &state).await?;
            }
            // An earlier run may have done something all the same.
            Ended::NotBegun(told) => return Err(told),
            Ended::Unsure(told) => {
                keep(before, &state).await?;
                return Err(told);
            }
        }
        match self.look(&state.captured).await? {
            Seen::On => Ok(self.settled(holder, Found::On { until: None }, state)),
            Seen::Unknown => Ok(self.settled(holder, Found::Told { is_on: true }, state)),
            Seen::Off => Err(failure("`do` ended well, but `check` says that it is not so".to_owned(), "", true)),
        }
    }

    async fn release(&self, before: &Before) -> Result<Found, Failure> {
        let mut state = stored(&before.found)?;
        self.end_left().await?;
        if self.with.get(STAYS) == Some(&Value::Bool(true)) && state.sent {
            return Ok(Found::LeftAlone { what: "it stays, as its workflow says".to_owned(), is_on: false });
        }
        if !state.sent {
            let what = "it was so before".to_owned();
            return Ok(match self.look(&state.captured).await? {
                Seen::On => Found::PutBack { what, is_on: true },
                Seen::Off => Found::Gone,
                Seen::Unknown if state.was_on => Found::PutBack { what, is_on: true },
                Seen::Unknown => Found::Untouched,
            });
        }
        // What `check` cannot tell is taken back all the same.
        if matches!(self.look(&state.captured).await, Ok(Seen::Off)) {
            return Ok(Found::Gone);
        }
        let ended = self.change("undo", &mut state).await?;
        // Where nothing can be saved the end goes first.
        if matches!(ended, Some(Ended::Done | Ended::Unsure(_)))
            && let Err(told) = keep(before, &state).await
        {
            tracing::warn!(step.key = %self.key, failure = told.what, "what `undo` printed could not be kept");
        }
        match ended {
            Some(Ended::Done) => {}
            Some(Ended::NotBegun(told) | Ended::Unsure(told)) => return Err(told),
            None => {
                let advice = "look there yourself; whether `do` did anything, and what it printed, is not known";
                let what = "`undo` needs what `do` comes to, and that is not known".to_owned();
                return Err(failure(what, advice, false));
            }
        }
        match self.look(&state.captured).await? {
            Seen::Off => Ok(Found::Gone),
            Seen::Unknown => Ok(Found::Told { is_on: false }),
            Seen::On => Err(failure("`undo` ended well, but `check` says that it is still on".to_owned(), "", true)),
        }
    }
}

async fn keep(before: &Before, state: &State) -> Result<(), Failure> {
    let value = kept::to_value(state).map_err(|error| failure(error.to_string(), "", false))?;
    before.memory.keep(value).await
}

fn stored(found: &Value) -> Result<State, Failure> {
    if found.is_null() {
        // It is known to be held, and what was written down is lost: it may have begun.
        return Ok(State { sent: true, ..State::default() });
    }
    kept::from_value(found.clone()).map_err(|error| failure(format!("what ran is not known: {error}"), "", false))
}

impl Step for ProgramRun {
    /// Nothing ran yet. What is there is looked at when it is known what to run.
    fn observe<'a>(&'a self, _: &'a Key) -> BoxFuture<'a, Result<Value, Failure>> {
        async { kept::to_value(&State::default()).map_err(|error| failure(error.to_string(), "", false)) }.boxed()
    }

    fn settle<'a>(
        &'a self,
        key: &'a Key,
        holders: &'a [Holder],
        before: &'a Before,
    ) -> BoxFuture<'a, Result<Settled, Failure>> {
        async move {
            if let Some(holder) = holders.first() {
                return Visit { step: self, key, with: &holder.with }.hold(holder, before).await;
            }
            let Some(leaving) = before.leaving.first() else {
                let advice = "run the version of nightlatch that wrote it";
                return Err(failure("what is to be taken back cannot be read".to_owned(), advice, true));
            };
            let found = Visit { step: self, key, with: &leaving.with }.release(before).await?;
            Ok(self.proof(found).into())
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kernel::kept::KINDS;

    #[test]
    fn what_was_written_down_is_written_as_the_examples_say() {
        let text = include_str!("../../../../tests/stored/next/before of program.run.json");
        let examples: Value = serde_json::from_str(text).unwrap();
        let captured = json!({ "output": "7" }).as_object().cloned().unwrap();
        let kept = |ended: &str, output: &str, errors: &str| RunKept {
            ended: ended.to_owned(),
            output: output.to_owned(),
            errors: errors.to_owned(),
        };
        let runs =
            [("do".to_owned(), kept("exit code 0", "7", "")), ("undo".to_owned(), kept("exit code 3", "", "no"))];
        let done = State { sent: true, done: true, was_on: false, captured, runs: runs.into() };
        let all = [("nothing ran", State::default()), ("done", done)];
        assert_eq!(examples.as_object().unwrap().len(), all.len());
        for (name, state) in all {
            assert_eq!(kept::to_value(&state).unwrap(), examples[name]);
            assert_eq!(stored(&examples[name]).unwrap(), state);
        }
        assert!(KINDS.contains(&(State::KIND, kept::shape_of::<State>())));
    }
}
