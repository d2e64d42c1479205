//! What the writer saves of a key: the report of one run, told in one commit to everybody concerned, and ends that passed
//! without being saved.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::drift::Said;
use super::jobs::{Job, Written};
use super::writer::{Seen, current, told};
use super::{Engine, TellError, Told, drift, orphans};
use crate::kernel::effect::Effect;
use crate::kernel::{Event, Failure, Key, Moment, Proof, RequestId, State, Wake};
use crate::planted::{Fault, is_planted};
use crate::store::{HoldPhase, HolderRow, StoreError, Tx};

/// What one run for a key found, and for whom.
pub(super) struct Settlement {
    pub(super) key: Key,
    /// Nobody holds it any more, and that was read.
    pub(super) is_off: bool,
    /// Somebody is left for another run.
    pub(super) is_again: bool,
    pub(super) tells: Vec<TellHolder>,
    /// When it is looked at again whether somebody else changed it; none: not for those who hold it now.
    pub(super) look_at: Option<i64>,
    /// What is said in the threads of requests, and in their channels.
    pub(super) says: Vec<Said>,
}

/// What one holder is told.
pub(super) struct TellHolder {
    request_id: RequestId,
    role: Role,
    outcome: Result<Proof, Failure>,
    /// What the step came to for them, for later steps and the card.
    results: Map<String, Value>,
}

/// What a holder was to the run. Who let go since is told by the run that begins with that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Holds,
    LetsGo,
}

impl Settlement {
    pub(super) fn of(key: &Key) -> Self {
        Self { key: key.clone(), is_off: false, is_again: false, tells: Vec::new(), look_at: None, says: Vec::new() }
    }

    pub(super) fn tell(&mut self, row: &HolderRow, role: Role, outcome: Result<Proof, Failure>) {
        self.tells.push(TellHolder { request_id: row.request_id.clone(), role, outcome, results: Map::new() });
    }

    /// What the step came to for each request is told with that it is on.
    pub(super) fn came_to(&mut self, mut results: BTreeMap<RequestId, Map<String, Value>>) {
        for tell in self.tells.iter_mut().filter(|tell| tell.role == Role::Holds) {
            tell.results = results.remove(&tell.request_id).unwrap_or_default();
        }
    }

    /// Whom it concerns.
    pub(super) fn requests(&self) -> impl Iterator<Item = &RequestId> {
        self.tells.iter().map(|tell| &tell.request_id)
    }

    /// Whether the run did what it should.
    pub(super) fn is_failed(&self) -> bool {
        self.tells.iter().any(|tell| tell.outcome.is_err())
    }
}

/// Saves a report. Returns the requests that changed.
pub(super) async fn write(
    engine: &Engine,
    (tx, seen): (&mut Tx, &mut Seen),
    job: &Job,
    settlement: &Settlement,
    moment: Moment,
) -> Result<Vec<Told>, StoreError> {
    // First, so that what the rules now want for this key is not taken for what was just performed.
    if let Some(seq) = job.done {
        tx.done(seq);
    }
    let key = &settlement.key;
    let late =
        if is_planted(Fault::SettlesForAll) { let_go_since(engine, settlement, moment.now).await? } else { vec![] };
    let mut changed = Vec::new();
    let mut is_back = false;
    for TellHolder { request_id, role, outcome, results } in settlement.tells.iter().chain(&late) {
        let phase = tx.phase(key, request_id).await?;
        let fits = match role {
            Role::Holds => matches!(phase, Some(HoldPhase::Begun | HoldPhase::Held)),
            Role::LetsGo => phase == Some(HoldPhase::Releasing),
        };
        if !fits {
            continue;
        }
        let request = match current(tx, seen, request_id).await {
            Ok(request) => request,
            Err(error @ (StoreError::Unreadable(_) | StoreError::NoSuchRequest(_))) => {
                orphans::settled(engine, tx, (key, request_id), outcome, &error, moment.now).await?;
                continue;
            }
            Err(error) => return Err(error),
        };
        let Some(step) = request.step_of(key) else {
            tx.leave(key, request_id).await?;
            continue;
        };
        is_back |= outcome.is_ok() && request.steps.get(step).is_some_and(|step| step.failures > 0);
        let event = match outcome.clone() {
            Ok(proof) => Event::Settled { step, proof, results: results.clone() },
            Err(failure) => Event::SettleFailed { step, failure },
        };
        if let Ok(Written::Request(told)) = told(tx, seen, job, request_id, &event, moment).await? {
            let may_be_on = told.request.steps.get(step).is_some_and(crate::kernel::request::Step::may_be_on);
            if *role == Role::LetsGo && !may_be_on {
                tx.leave(key, request_id).await?;
            }
            changed.push(*told);
        }
    }
    for said in &settlement.says {
        changed.extend(drift::say((tx, seen), job, key, said, moment).await?);
    }
    if let Some(at) = settlement.look_at.filter(|_| !settlement.is_off) {
        tx.enqueue_for(&key.into(), Effect::Look { key: key.clone() }, at).await?;
    }
    if settlement.is_off || is_planted(Fault::ForgetsHeld) {
        tx.forget(key).await?;
        tx.forget_look(key);
    } else {
        tx.forget_ends(key, moment.now);
    }
    if settlement.is_again {
        again(tx, key, moment.now).await?;
    }
    if is_back {
        tx.hurry_settling(key.uses(), moment.now);
    }
    Ok(changed)
}

/// The planted fault: whoever let go since the run began is told that it is over, too.
async fn let_go_since(engine: &Engine, settlement: &Settlement, at: i64) -> Result<Vec<TellHolder>, StoreError> {
    let held = engine.inner.store.held(&settlement.key).await?;
    let since = held.holders.into_iter().filter(|row| row.phase == HoldPhase::Releasing).map(|row| row.request_id);
    let since =
        since.filter(|id| !settlement.tells.iter().any(|tell| tell.request_id == *id && tell.role == Role::LetsGo));
    let outcome = Ok(Proof { at, found: crate::kernel::Found::HeldByOthers { until: at } });
    let tell =
        |request_id| TellHolder { request_id, role: Role::LetsGo, outcome: outcome.clone(), results: Map::new() };
    Ok(since.map(tell).collect())
}

/// Ends that have passed and that nobody let go of: whatever kept them from being saved must not keep access on.
pub(super) async fn overdue(
    (tx, seen): (&mut Tx, &mut Seen),
    job: &Job,
    holds: &[(Key, RequestId)],
    moment: Moment,
) -> Result<(), StoreError> {
    for (key, id) in holds {
        if tx.phase(key, id).await?.is_none_or(|phase| phase == HoldPhase::Releasing) {
            continue;
        }
        match current(tx, seen, id).await {
            Ok(request) => {
                let is_over = request.state == State::Active && request.expires_at.is_some_and(|at| at <= moment.now);
                let may_be_on = request.steps.iter().any(|step| step.touches(key) && step.may_be_on());
                if is_over && may_be_on {
                    tracing::warn!(request.id = %id, "an end had passed without being saved; it is saved now");
                    let _ = told(tx, seen, job, id, &Event::Woke { wake: Wake::Expire }, moment).await?;
                } else if !may_be_on || matches!(request.state, State::Ending | State::Ended) {
                    tracing::error!(request.id = %id, step.key = %key, "the ledger knew a hold that its request does not; it is taken back");
                    tx.release(key, id).await?;
                }
            }
            Err(error @ (StoreError::Unreadable(_) | StoreError::NoSuchRequest(_))) => {
                orphans::released(tx, (key, id), &error, moment.now).await?;
            }
            Err(error) => return Err(error),
        }
        again(tx, key, moment.now).await?;
    }
    Ok(())
}

pub(super) async fn again(tx: &mut Tx, key: &Key, at: i64) -> Result<(), StoreError> {
    tx.enqueue_for(&key.into(), Effect::Settle { key: key.clone() }, at).await
}

/// How late an end was, if this is the one that was just read back.
pub(super) fn lateness(told: &Told) -> Option<i64> {
    let request = &told.request;
    let is_expired = request.outcome == Some(crate::kernel::Outcome::Expired);
    let ended_at = request.ended_at.filter(|_| is_expired)?;
    Some(ended_at.saturating_sub(request.expires_at?))
}

impl TellError {
    /// Whether the row of the request, or of the effect, is one that this version cannot read.
    pub(super) fn is_unreadable(&self) -> bool {
        matches!(self, Self::Unreadable(_) | Self::NoSuchRequest(_))
    }
}
