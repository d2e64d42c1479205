//! Settling one key: who holds it now, what was there before, one call to the step type, and the proof.

use serde_json::Value;

use super::performed::Performed;
use super::{Engine, TellError};
use crate::kernel::reference::{Reference, RequesterField, fill};
use crate::kernel::request::{Found, Phase};
use crate::kernel::{Event, Failure, Key, Proof, Request, RequestId};
use crate::steps::{Before, Holder, Step};
use crate::store::StoreError;

/// Makes the outside agree with the holders of this step's key and reports what was read back.
pub(super) async fn settle(engine: &Engine, request: &Request, index: usize) -> Performed {
    // One that was read back as gone meanwhile must not be looked at again: what is there now is no longer ours, and
    // writing it down as what was before us would make the next grant put it back.
    let Some(step) = request.steps.get(index).filter(|step| step.may_be_on()) else { return Performed::Done };
    match try_settle(engine, request, index, &step.key).await {
        Ok(Ok(proof)) => Performed::happened(Event::Settled { step: index, proof }),
        Ok(Err(failure)) => {
            tracing::warn!(request.id = %request.id, step.key = %step.key, failure = failure.what, "a key could not be settled");
            Performed::happened(Event::SettleFailed { step: index, failure })
        }
        Err(error) => Performed::later(1_000, &error.to_string()),
    }
}

async fn try_settle(
    engine: &Engine,
    request: &Request,
    index: usize,
    key: &Key,
) -> Result<Result<Proof, Failure>, StoreError> {
    let Some(step) = engine.inner.steps.find(key.uses()) else {
        return Ok(Err(Failure {
            what: format!("there is no step type {}", key.uses()),
            advice: "this version of nightlatch cannot take it back; run the version that granted it".to_owned(),
            retryable: true,
            retry_after_ms: None,
        }));
    };
    let held = engine.inner.store.held(key).await?;
    let before = match held.before {
        Some(found) => found,
        // What was there is written down before the first byte leaves: nothing was ever sent, nothing is to be taken back.
        None if held.live.is_empty() => {
            return Ok(Ok(Proof { at: engine.inner.clock.now_ms(), found: Found::Untouched }));
        }
        None => match first_touch(engine, step, request, index, key).await {
            Ok(found) => found,
            Err(failure) => return Ok(Err(failure)),
        },
    };
    let mut before = Before { found: before, untils: held.untils };
    let mut holders = describe_all(engine, key, &held.live).await?;
    let mut settled = step.settle(key, &holders, &before).await;
    if let Ok(Proof { found: Found::TakenAway, .. }) = &settled {
        let others = holders.iter().filter(|holder| !holder.is_new && holder.request_id != request.id);
        for holder in others {
            if let Err(failure) = taken_away(engine, &holder.request_id, key).await? {
                return Ok(Err(failure));
            }
        }
        let is_own = holders.iter().any(|holder| !holder.is_new && holder.request_id == request.id);
        if !is_own {
            // They let go of it with that; whoever is left is settled for now.
            let held = engine.inner.store.held(key).await?;
            before.untils = held.untils;
            holders = describe_all(engine, key, &held.live).await?;
            settled = step.settle(key, &holders, &before).await;
        }
    }
    Ok(settled.map(|proof| seen_by(request, &holders, proof)))
}

async fn describe_all(engine: &Engine, key: &Key, live: &[(RequestId, i64)]) -> Result<Vec<Holder>, StoreError> {
    let mut holders = Vec::new();
    for (id, until) in live {
        holders.push(describe(&engine.inner.store.load(id).await?, key, *until));
    }
    Ok(holders)
}

/// Tells another holder of the key that somebody took it away by hand.
async fn taken_away(engine: &Engine, id: &RequestId, key: &Key) -> Result<Result<(), Failure>, StoreError> {
    let request = engine.inner.store.load(id).await?;
    let Some(step) = request.steps.iter().position(|step| step.key == *key) else { return Ok(Ok(())) };
    tracing::warn!(request.id = %id, step.key = %key, "somebody took it away by hand; it is not switched on again");
    let proof = Proof { at: engine.inner.clock.now_ms(), found: Found::TakenAway };
    let told = engine.tell(crate::kernel::Actor::Worker, id, Event::Settled { step, proof }, None).await;
    Ok(told.map(drop).map_err(|error| not_told(&error)))
}

/// Writes down what is there before we touch it, and only then lets anything be sent.
async fn first_touch(
    engine: &Engine,
    step: &dyn Step,
    request: &Request,
    index: usize,
    key: &Key,
) -> Result<serde_json::Value, Failure> {
    let before = step.observe(key).await?;
    let event = Event::Observed { step: index, before: before.clone() };
    let told = engine.tell(crate::kernel::Actor::Worker, &request.id, event, None).await;
    told.map(|_| before).map_err(|error| not_told(&error))
}

fn not_told(error: &TellError) -> Failure {
    Failure { what: error.to_string(), advice: String::new(), retryable: true, retry_after_ms: None }
}

fn describe(request: &Request, key: &Key, until: i64) -> Holder {
    let index = request.steps.iter().position(|step| step.key == *key);
    let with = index
        .and_then(|index| request.workflow.steps.get(index))
        .map(|step| step.with.iter().map(|(name, value)| (name.clone(), filled(request, value))).collect())
        .unwrap_or_default();
    let phase = index.and_then(|index| request.steps.get(index)).map(|step| step.phase);
    let approvers: Vec<&str> = request
        .decisions
        .iter()
        .filter(|decision| decision.approved)
        .map(|decision| decision.person.email.as_deref().unwrap_or(&decision.person.slack_id))
        .collect();
    let login = request.requester.login.clone().unwrap_or_default();
    let comment = format!("{} {login}, approved by {}: {}", request.id, approvers.join(", "), request.reason);
    let confirmed_until = index.and_then(|index| request.steps.get(index)).and_then(|step| match &step.proof {
        Some(Proof { found: Found::On { until }, .. }) => Some(until.unwrap_or(i64::MAX)),
        Some(Proof { found: Found::OnBefore, .. }) => Some(i64::MAX),
        _ => None,
    });
    let is_new = phase == Some(Phase::Begun);
    Holder { request_id: request.id.clone(), login, until, with, comment, is_new, confirmed_until }
}

/// A setting with what was asked for in it, as it was when the key was made.
fn filled(request: &Request, value: &Value) -> Value {
    let Value::String(text) = value else { return value.clone() };
    let requester = &request.requester;
    let told = |reference: Reference<'_>| match reference {
        Reference::Input(name) => {
            let device =
                request.device.as_ref().filter(|_| request.workflow.device().is_some_and(|it| it.name == name));
            device.map(|device| device.node_id.clone()).or_else(|| request.inputs.get(name).cloned())
        }
        Reference::Requester(RequesterField::Email) => Some(requester.email.clone().unwrap_or_default()),
        Reference::Requester(RequesterField::Login) => Some(requester.login.clone().unwrap_or_default()),
        Reference::Requester(RequesterField::Name) => Some(requester.name.clone()),
    };
    fill(text, told).map_or_else(|| value.clone(), Value::String)
}

/// The same reading means different things to who still holds the key and to who let go.
fn seen_by(request: &Request, holders: &[Holder], proof: Proof) -> Proof {
    if holders.iter().any(|holder| holder.request_id == request.id) || !proof.found.is_on() {
        return proof;
    }
    let until = holders.iter().map(|holder| holder.until).max().unwrap_or(proof.at);
    Proof { at: proof.at, found: Found::HeldByOthers { until } }
}
