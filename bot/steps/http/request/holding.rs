//! Holding what a service was asked to do: what is sent, and what came of it, is written down before anything hangs on it.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::call::{With, assemble};
use crate::clock::Clock;
use crate::kernel::kept::{self, Kept, Raise};
use crate::kernel::request::Found;
use crate::kernel::step_type::STAYS;
use crate::kernel::{Failure, Key, Proof};
use crate::outside::guarded::{Allow, Answer, Guarded, GuardedError};
use crate::planted::{Fault, is_planted};
use crate::steps::filled::{NotPut, Secrets};
use crate::steps::{Before, Holder, Settled, Step};

/// Of a captured text, in characters.
const CAPTURED_MAX: usize = 1_000;

/// The step type.
pub struct Request {
    guarded: Guarded,
    secrets: Arc<Secrets>,
    clock: Clock,
}

/// What is known of one request's calls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct State {
    /// `do` may have left.
    sent: bool,
    /// ... and was answered as expected.
    done: bool,
    /// It was on before anything was sent.
    was_on: bool,
    /// What it came to.
    captured: Map<String, Value>,
}

impl Kept for State {
    const KIND: &'static str = "before of http.request";
    const RAISES: &'static [Raise] = &[];
}

/// What `check` says.
enum Seen {
    On(Map<String, Value>),
    Off,
    /// There is no `check`, or what it needs is not known.
    Unknown,
}

/// How a call that changes something ended.
enum Ended {
    Done(Map<String, Value>),
    /// It was not done.
    Refused(Failure),
    /// It may have been done.
    Unsure(Failure),
}

/// A call of one request.
struct Visit<'v> {
    step: &'v Request,
    key: &'v Key,
    with: &'v Map<String, Value>,
}

fn failure(what: String, advice: &str, retryable: bool, retry_after_ms: Option<i64>) -> Failure {
    Failure { what, advice: advice.to_owned(), retryable, retry_after_ms }
}

impl Request {
    /// The step type over these.
    pub fn new(guarded: Guarded, secrets: Arc<Secrets>, clock: Clock) -> Self {
        Self { guarded, secrets, clock }
    }

    fn proof(&self, found: Found) -> Proof {
        Proof { at: self.clock.now_ms(), found }
    }
}

impl Visit<'_> {
    fn setting(&self, name: &str) -> Option<&Value> {
        self.with.get(name).filter(|value| value.is_object())
    }

    fn allow(&self) -> Result<Allow, Failure> {
        let entries = self.with.get("allow").and_then(Value::as_array).into_iter().flatten();
        Allow::read(entries.filter_map(Value::as_str)).map_err(|entry| {
            failure(format!("`{entry}` in allow is no host and no address"), "correct the workflow", false, None)
        })
    }

    /// Makes the call of a setting. Nothing: what it needs is not known.
    async fn call(
        &self,
        name: &str,
        own: &Map<String, Value>,
    ) -> Result<Option<Result<Answer, GuardedError>>, Failure> {
        let Some(setting) = self.setting(name) else { return Ok(None) };
        let number: Vec<&str> = self.key.address().split(' ').take(2).collect();
        let is_change = name != "check";
        let with = With {
            own,
            secrets: &self.step.secrets,
            allow: self.allow()?,
            idempotency_key: is_change.then(|| {
                let now = self.step.clock.now_ms();
                let again = if is_planted(Fault::CallsAnew) { format!("-{now}") } else { String::new() };
                format!("nightlatch-{}-{name}{again}", number.join("-"))
            }),
            usual_method: if is_change { Method::POST } else { Method::GET },
        };
        match assemble(setting, with) {
            Ok(call) => Ok(Some(self.step.guarded.call(call).await)),
            Err(NotPut::Unknown(_)) => Ok(None),
            Err(NotPut::Wrong(why)) => {
                let advice = "correct the workflow or nightlatch.yaml, then ask again";
                Err(failure(format!("`{name}` cannot be called: {why}"), advice, false, None))
            }
        }
    }

    fn host(&self) -> &str {
        self.key.address().rsplit(' ').next().unwrap_or_default()
    }

    fn no_answer(&self, name: &str, error: &GuardedError) -> Failure {
        let what = format!("`{name}` at {} brought no answer: {error}", self.host());
        match error {
            GuardedError::Refused(_) => failure(what, "add it to allow: if it is meant", false, None),
            GuardedError::NotReached(_) | GuardedError::Lost(_) => failure(what, "", true, None),
        }
    }

    fn unexpected(&self, name: &str, answer: &Answer) -> Failure {
        let status = answer.status;
        let retryable = matches!(status, 408 | 425 | 429 | 500..);
        let what = match status {
            300..=399 => {
                format!("`{name}` at {} answered with a redirect ({status}), and those are not followed", self.host())
            }
            _ => format!("`{name}` at {} answered {status}", self.host()),
        };
        failure(
            what,
            if retryable { "" } else { "look there what it says, or correct the workflow" },
            retryable,
            answer.retry_after_ms,
        )
    }

    fn is_expected(&self, name: &str, status: u16) -> bool {
        match self.setting(name).and_then(|call| call.get("expect")) {
            None => (200..300).contains(&status),
            Some(Value::Array(all)) => all.iter().any(|one| one.as_u64() == Some(u64::from(status))),
            Some(one) => one.as_u64() == Some(u64::from(status)),
        }
    }

    /// What `capture` names in the answer. A secret of ours that comes back stays nowhere.
    fn captured(&self, name: &str, answer: &Answer) -> Result<Map<String, Value>, Failure> {
        let wanted = self.setting(name).and_then(|call| call.get("capture")).and_then(Value::as_object);
        let Some(wanted) = wanted.filter(|wanted| !wanted.is_empty()) else { return Ok(Map::new()) };
        let told = |what: String| failure(what, "correct `capture` in the workflow", false, None);
        let body: Option<Value> = answer.body.as_deref().and_then(|body| serde_json::from_slice(body).ok());
        let Some(body) = body else { return Err(told(format!("what `{name}` answered is not JSON of at most 1 MiB"))) };
        let mut all = Map::new();
        for (result, pointer) in wanted {
            let found = pointer.as_str().and_then(|pointer| body.pointer(pointer));
            let is_plain = |value: &&Value| match value {
                Value::String(text) => text.chars().count() <= CAPTURED_MAX && !self.holds_secret(text),
                Value::Number(_) | Value::Bool(_) => true,
                _ => false,
            };
            let Some(found) = found.filter(is_plain) else {
                return Err(told(format!("what `{name}` answered has no plain value at {pointer}")));
            };
            all.insert(result.clone(), found.clone());
        }
        Ok(all)
    }

    fn holds_secret(&self, text: &str) -> bool {
        self.step.secrets.values().any(|lent| text.contains(lent.secret.expose_secret()))
    }

    async fn look(&self, own: &Map<String, Value>) -> Result<Seen, Failure> {
        const NAME: &str = "check";
        let answer = match self.call(NAME, own).await? {
            None => return Ok(Seen::Unknown),
            Some(Ok(answer)) => answer,
            Some(Err(error)) => return Err(self.no_answer(NAME, &error)),
        };
        match answer.status {
            status if self.is_expected(NAME, status) => self.captured(NAME, &answer).map(Seen::On),
            404 | 410 | 200..=299 => Ok(Seen::Off),
            _ => Err(self.unexpected(NAME, &answer)),
        }
    }

    async fn change(&self, name: &str, own: &Map<String, Value>) -> Result<Option<Ended>, Failure> {
        let answer = match self.call(name, own).await? {
            None => return Ok(None),
            Some(Ok(answer)) => answer,
            Some(Err(error)) => {
                let told = self.no_answer(name, &error);
                let is_sent = matches!(error, GuardedError::Lost(_));
                return Ok(Some(if is_sent { Ended::Unsure(told) } else { Ended::Refused(told) }));
            }
        };
        let is_gone = name == "undo" && matches!(answer.status, 404 | 410);
        if is_gone || self.is_expected(name, answer.status) {
            // It was done, whatever it says about it.
            return Ok(Some(match self.captured(name, &answer) {
                Ok(captured) => Ended::Done(captured),
                Err(told) => Ended::Unsure(told),
            }));
        }
        let told = self.unexpected(name, &answer);
        // What comes from a server that is busy or broken may have been done.
        Ok(Some(if told.retryable { Ended::Unsure(told) } else { Ended::Refused(told) }))
    }

    /// Whether everything that `do` captures is known.
    fn is_complete(&self, known: &Map<String, Value>) -> bool {
        let wanted = self.setting("do").and_then(|call| call.get("capture")).and_then(Value::as_object);
        wanted.into_iter().flatten().all(|(name, _)| known.contains_key(name))
    }

    fn settled(&self, holder: &Holder, found: Found, state: State) -> Settled {
        let results = [(holder.request_id.clone(), state.captured)].into();
        Settled { results, ..Settled::from(self.step.proof(found)) }
    }

    async fn hold(&self, holder: &Holder, before: &Before) -> Result<Settled, Failure> {
        let mut state = stored(&before.found)?;
        if !holder.is_new {
            let found = match self.look(&state.captured).await? {
                Seen::On(_) if state.was_on => Found::OnBefore,
                Seen::On(_) => Found::On { until: None },
                Seen::Off => Found::TakenAway,
                Seen::Unknown => Found::Told { is_on: true },
            };
            return Ok(self.settled(holder, found, state));
        }
        match self.look(&state.captured).await? {
            Seen::On(captured) if !state.sent => {
                state = State { was_on: true, captured, ..state };
                keep(before, &state).await?;
                return Ok(self.settled(holder, Found::OnBefore, state));
            }
            Seen::On(captured) => {
                state.captured.extend(captured);
                if self.is_complete(&state.captured) {
                    state.done = true;
                    keep(before, &state).await?;
                    return Ok(self.settled(holder, Found::On { until: None }, state));
                }
            }
            Seen::Unknown if state.done => return Ok(self.settled(holder, Found::Told { is_on: true }, state)),
            Seen::Off | Seen::Unknown => {}
        }
        // Before the first byte leaves it is known that it may have left.
        state = State { sent: true, was_on: false, ..state };
        keep(before, &state).await?;
        let nothing = || failure("`do` names what it comes to itself".to_owned(), "correct the workflow", false, None);
        match self.change("do", &state.captured).await?.ok_or_else(nothing)? {
            Ended::Done(captured) => {
                state = State { done: true, captured, ..state };
                keep(before, &state).await?;
            }
            Ended::Refused(told) if !state.done => {
                state.sent = false;
                keep(before, &state).await?;
                return Err(told);
            }
            Ended::Refused(told) | Ended::Unsure(told) => return Err(told),
        }
        match self.look(&state.captured).await? {
            Seen::On(_) => Ok(self.settled(holder, Found::On { until: None }, state)),
            Seen::Unknown => Ok(self.settled(holder, Found::Told { is_on: true }, state)),
            Seen::Off => Err(failure(
                "`do` was answered as expected, but `check` says that it is not so".to_owned(),
                "",
                true,
                None,
            )),
        }
    }

    async fn release(&self, before: &Before) -> Result<Found, Failure> {
        let mut state = stored(&before.found)?;
        if self.with.get(STAYS) == Some(&Value::Bool(true)) && state.sent {
            return Ok(Found::LeftAlone { what: "it stays, as its workflow says".to_owned(), is_on: false });
        }
        let seen = self.look(&state.captured).await?;
        if !state.sent {
            let what = "it was so before".to_owned();
            return Ok(match seen {
                Seen::On(_) => Found::PutBack { what, is_on: true },
                Seen::Off => Found::Gone,
                Seen::Unknown if state.was_on => Found::PutBack { what, is_on: true },
                Seen::Unknown => Found::Untouched,
            });
        }
        match seen {
            Seen::Off => return Ok(Found::Gone),
            Seen::On(captured) => state.captured.extend(captured),
            Seen::Unknown => {}
        }
        match self.change("undo", &state.captured).await? {
            Some(Ended::Done(_)) => {}
            Some(Ended::Refused(told) | Ended::Unsure(told)) => return Err(told),
            None => {
                let advice = "look there yourself; whether `do` was done, and what it came to, was never told";
                return Err(failure(
                    "`undo` needs what `do` comes to, and that is not known".to_owned(),
                    advice,
                    false,
                    None,
                ));
            }
        }
        match self.look(&state.captured).await? {
            Seen::Off => Ok(Found::Gone),
            Seen::Unknown => Ok(Found::Told { is_on: false }),
            Seen::On(_) => Err(failure(
                "`undo` was answered as expected, but `check` says that it is still on".to_owned(),
                "",
                true,
                None,
            )),
        }
    }
}

async fn keep(before: &Before, state: &State) -> Result<(), Failure> {
    let value = kept::to_value(state).map_err(|error| failure(error.to_string(), "", false, None))?;
    before.memory.keep(value).await
}

fn stored(found: &Value) -> Result<State, Failure> {
    if found.is_null() {
        // It is known to be held, and what was written down is lost: it may have been sent.
        return Ok(State { sent: true, ..State::default() });
    }
    kept::from_value(found.clone())
        .map_err(|error| failure(format!("what was sent is not known: {error}"), "", false, None))
}

impl Step for Request {
    /// Nothing was sent yet. What is there is looked at when it is known what to ask for.
    fn observe<'a>(&'a self, _: &'a Key) -> BoxFuture<'a, Result<Value, Failure>> {
        async { kept::to_value(&State::default()).map_err(|error| failure(error.to_string(), "", false, None)) }.boxed()
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
                return Err(failure("what is to be taken back cannot be read".to_owned(), advice, true, None));
            };
            let found = Visit { step: self, key, with: &leaving.with }.release(before).await?;
            Ok(self.proof(found).into())
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests;
