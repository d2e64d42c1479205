//! What others changed of what is held: who it was, as far as Tailscale's log can be read, and what people are told of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::jobs::{Job, Written};
use super::writer::{Seen, current, told};
use super::{Engine, Told};
use crate::kernel::drift::Drift;
use crate::kernel::effect::Effect;
use crate::kernel::kept::Note;
use crate::kernel::request::{Found, Place, Request};
use crate::kernel::{Actor, Event, Failure, Key, Moment, Proof, RequestId};
use crate::notices::drift;
use crate::outside::tailscale::Changed;
use crate::steps::{Overwritten, Step};
use crate::store::{HoldPhase, StoreError, Tx};

/// Tailscale's log may be late, and what is found now may have happened since the last look.
const LOOKED_BACK_MS: i64 = 3 * 3_600_000;

/// Begins what is saved when a policy file is not put back any more; the request's id follows.
const GIVEN_UP: &str = "given up ";
/// Requests that are named in a warning.
const NAMED_MAX: i64 = 5;

/// What a run came to beside what was read back for all.
#[derive(Default)]
pub(super) struct Came {
    pub(super) results: BTreeMap<RequestId, Map<String, Value>>,
    /// What is so for one of them and not for all.
    pub(super) each: BTreeMap<RequestId, Result<Proof, Failure>>,
    pub(super) overwritten: BTreeMap<RequestId, Overwritten>,
}

/// When what is held until these times is looked at again; not if it ends before that, or soon after.
pub(super) fn look_at(engine: &Engine, step: &dyn Step, mut held_until: impl Iterator<Item = i64>) -> Option<i64> {
    let after = i64::try_from(step.looks_again_after().as_millis()).unwrap_or(i64::MAX);
    let at = engine.inner.clock.now_ms().saturating_add(after);
    let lasts = at.saturating_add(after / 12);
    held_until.any(|until| until > lasts).then_some(at)
}

/// Something to be said about a request.
pub(super) struct Said {
    request_id: RequestId,
    what: What,
    /// Who did it.
    by: Option<String>,
}

enum What {
    /// It is put back, or not any more.
    Overwritten(Overwritten),
    TakenAway,
    /// It is something else now, and left as it is.
    Foreign(String),
}

/// What there is to say of a run. Who it was is asked only then.
pub(super) async fn said(
    engine: &Engine,
    key: &Key,
    outcome: &Result<Proof, Failure>,
    came: &Came,
    is_look: bool,
) -> Vec<Said> {
    let is_taken_away = |outcome: &Result<Proof, Failure>| matches!(outcome, Ok(Proof { found: Found::TakenAway, .. }));
    let mut gone: BTreeSet<RequestId> =
        came.each.iter().filter(|(_, outcome)| is_taken_away(outcome)).map(|(id, _)| id.clone()).collect();
    if is_taken_away(outcome)
        && let Ok(held) = engine.inner.store.held_by_all(key).await
    {
        gone.extend(held.holders.into_iter().map(|row| row.request_id));
    }
    let foreign = if is_look { foreign(engine, key, outcome, came).await } else { Vec::new() };
    if gone.is_empty() && came.overwritten.is_empty() && foreign.is_empty() {
        return Vec::new();
    }
    let by = who(engine, key).await;
    let overwritten = came.overwritten.iter().map(|(id, what)| (id.clone(), What::Overwritten(what.clone())));
    let rest = gone.into_iter().filter(|id| !came.overwritten.contains_key(id));
    let foreign = foreign.into_iter().map(|(id, what)| (id, What::Foreign(what)));
    let all = overwritten.chain(rest.map(|id| (id, What::TakenAway))).chain(foreign);
    let says: Vec<Said> = all.map(|(request_id, what)| Said { request_id, what, by: by.clone() }).collect();
    for Said { request_id, what, by } in &says {
        let by = by.as_deref().unwrap_or("somebody");
        match what {
            What::Overwritten(one) if one.times > one.put_back_max => {
                tracing::error!(request.id = %request_id, by, "the policy file is overwritten again and again; nightlatch gives up");
            }
            What::Overwritten(one) => {
                tracing::warn!(request.id = %request_id, by, times = one.times, "the policy file was overwritten; it was put back");
            }
            What::Foreign(what) => {
                tracing::warn!(request.id = %request_id, step.key = %key, by, what, "somebody else changed what is held")
            }
            What::TakenAway => {
                tracing::warn!(request.id = %request_id, step.key = %key, by, "it was taken away by hand")
            }
        }
    }
    says
}

/// Who still holds what somebody else changed to something else, and what that is.
async fn foreign(
    engine: &Engine,
    key: &Key,
    outcome: &Result<Proof, Failure>,
    came: &Came,
) -> Vec<(RequestId, String)> {
    let is_now = |outcome: &Result<Proof, Failure>| match outcome {
        Ok(Proof { found: Found::LeftAlone { what, .. }, .. }) => Some(what.clone()),
        _ => None,
    };
    let Ok(held) = engine.inner.store.held_by_all(key).await else { return Vec::new() };
    let rows = held.holders.into_iter().filter(|row| row.phase == HoldPhase::Held);
    rows.filter_map(|row| {
        let own = came.each.get(&row.request_id).unwrap_or(outcome);
        Some((row.request_id, is_now(own)?))
    })
    .collect()
}

/// Who changed it last, by Tailscale's own log; nothing where that cannot be read, or it is not Tailscale's.
async fn who(engine: &Engine, key: &Key) -> Option<String> {
    let words: Vec<&str> = key.address().split(' ').collect();
    let what = match (key.uses(), words.as_slice()) {
        ("tailscale.policy", _) => Changed::PolicyFile,
        ("tailscale.attribute", [device, attribute]) => Changed::Attribute { device, attribute },
        ("tailscale.device", [device]) => Changed::Device { device },
        ("tailscale.role", [login]) => Changed::User { login },
        _ => return None,
    };
    let now = engine.inner.clock.now_ms();
    let asked = engine.inner.tailscale.changed_by(what, (now.saturating_sub(LOOKED_BACK_MS), now)).await;
    asked.unwrap_or_else(|error| {
        tracing::info!(%error, "tailscale's log does not say who changed something");
        None
    })
}

/// The requests whose entries in the policy file are not put back any more, for `/readyz`: as long as it is remembered, over restarts too.
pub(super) async fn given_up(engine: &Engine) -> Result<Vec<String>, StoreError> {
    let keys = engine.inner.store.deliveries_beginning(GIVEN_UP, NAMED_MAX).await?;
    let line = |key: String| {
        let id = key.strip_prefix(GIVEN_UP).unwrap_or_default().to_owned();
        format!(
            "the policy file was overwritten again and again while request {id} held entries in it; they were not put back any more"
        )
    };
    Ok(keys.into_iter().map(line).collect())
}

/// Saves what is to be said: what becomes of the request, and what is said beside it, with an entry in the log. Returns the request if
/// it changed.
pub(super) async fn say(
    (tx, seen): (&mut Tx, &mut Seen),
    job: &Job,
    key: &Key,
    said: &Said,
    moment: Moment,
) -> Result<Option<Told>, StoreError> {
    let request = match current(tx, seen, &said.request_id).await {
        Ok(request) => request,
        Err(StoreError::Unreadable(_) | StoreError::NoSuchRequest(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut changed = None;
    if let (Some(drift), Some(step)) = (said.drift(moment.now), request.step_of(key)) {
        let event = Event::Drifted { step, drift };
        if let Ok(Written::Request(told)) = told(tx, seen, job, &said.request_id, &event, moment).await? {
            changed = Some(*told);
        }
    }
    let by = said.by.as_deref();
    let (text, note, is_alarm) = match &said.what {
        What::Overwritten(one) => {
            let is_over = one.times > one.put_back_max;
            // A bot that was killed before this was saved finds it again; and what is saved here is what `/readyz` warns of.
            let once = format!("{GIVEN_UP}{}", said.request_id);
            if is_over && tx.first_delivery(&once, &(&said.request_id).into(), moment.now).await?.is_some() {
                return Ok(changed);
            }
            let event = match is_over {
                true => json!({ "event": "given_up", "times": one.times, "by": by }),
                false => json!({ "event": "put_back", "times": one.times, "by": by }),
            };
            (drift::overwritten(&request, (one.times, one.put_back_max, &one.note), by), Some(event), is_over)
        }
        What::TakenAway if by.is_some() => (drift::taken_away(by), None, false),
        // Nobody says who it was, or the request tells it itself.
        What::TakenAway | What::Foreign(_) => return Ok(changed),
    };
    if let Some(note) = note {
        tx.note(&(&said.request_id).into(), &Actor::Worker, &Note(note), request.state.word(), moment.now).await?;
    }
    let (channel, thread) = place(&request);
    let effect = Effect::Say {
        channel,
        // An alarm is for everybody in the channel.
        thread: thread.filter(|_| !is_alarm),
        by: request.requester.slack_id.clone(),
        text,
        blocks: Value::Array(Vec::new()),
    };
    tx.enqueue_for(&(&said.request_id).into(), effect, moment.now).await?;
    Ok(changed)
}

impl Said {
    /// What became of what is held; nothing where it was put back at once.
    fn drift(&self, at: i64) -> Option<Drift> {
        let (found, is_gone) = match &self.what {
            What::Foreign(found) => (found.clone(), false),
            What::TakenAway => (String::new(), true),
            What::Overwritten(one) if one.times > one.put_back_max => (String::new(), true),
            What::Overwritten(_) => return None,
        };
        Some(Drift { found, by: self.by.clone(), at, is_gone, put_back_by: None, is_adopted: false })
    }
}

/// Where the card stands, or else with whoever asked.
fn place(request: &Request) -> (String, Option<String>) {
    let card = request.cards.iter().find(|card| matches!(card.place, Place::Channel(_)));
    match card.and_then(|card| card.message.as_ref()) {
        Some(message) => (message.channel.clone(), Some(message.ts.clone())),
        None => (request.requester.slack_id.clone(), None),
    }
}
