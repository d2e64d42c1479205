//! Settling one key: who holds it and who let go, what was there before, one call to the step type, and what each of them is
//! told. One run serves everybody who came and went since the last one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::FutureExt;
use serde_json::Value;

use super::drift::Came;
use super::performed::Performed;
use super::settling::{Role, Settlement};
use super::{Engine, TellError, drift, handing};
use crate::kernel::request::Found;
use crate::kernel::{Event, Failure, Holding, Key, Proof, RequestId};
use crate::planted::{Fault, is_planted};
use crate::steps::{Before, Holder, Memory, Settled, SettledEach, Step};
use crate::store::{Held, HoldPhase, HolderRow, StoreError};

/// Between two looks whether somebody accepted a database that was put back.
pub(super) const RESTORED_PAUSE_MS: i64 = 5_000;
/// Before a look that could not be made is made again.
const LOOK_PAUSE_MS: i64 = 60_000;
/// Why it waits.
pub(super) const NOT_ACCEPTED: &str = "the database is not the one that was anchored, and nobody accepted it yet";

/// The holders of a key, sorted by what is to become of them. Taken once: whoever comes or goes later has a run of their own.
struct Snapshot<'h> {
    /// They hold it, and the outside is to agree.
    live: Vec<&'h HolderRow>,
    /// They let go and wait to hear that it was settled.
    leaving: Vec<&'h HolderRow>,
    /// Their end passed before they were ever confirmed.
    overslept: Vec<&'h HolderRow>,
}

impl<'h> Snapshot<'h> {
    fn of(held: &'h Held, now: i64) -> Self {
        let mut snapshot = Self { live: Vec::new(), leaving: Vec::new(), overslept: Vec::new() };
        for row in &held.holders {
            match row.phase {
                HoldPhase::Releasing => snapshot.leaving.push(row),
                HoldPhase::Begun if row.until <= now => snapshot.overslept.push(row),
                // Its end is about to be told by its own clock; until then nothing is switched on for it any more.
                HoldPhase::Held if row.until <= now => {}
                HoldPhase::Begun | HoldPhase::Held => snapshot.live.push(row),
            }
        }
        snapshot
    }

    /// Nobody's letting go fails because of somebody new, whose right to hold it is checked: if both wait, takes out who is new.
    fn without_new(&mut self) -> Option<Vec<&'h HolderRow>> {
        if self.leaving.is_empty() || !self.live.iter().any(|row| row.phase == HoldPhase::Begun) {
            return None;
        }
        let (new, rest) = std::mem::take(&mut self.live).into_iter().partition(|row| row.phase == HoldPhase::Begun);
        self.live = rest;
        Some(new)
    }

    fn is_waited_for(&self) -> bool {
        !self.leaving.is_empty() || !self.overslept.is_empty() || self.live.iter().any(|row| row.waits)
    }
}

/// Makes the outside agree with the holders of this key and reports what was read back to everybody concerned.
pub(super) async fn settle(engine: &Engine, key: &Key) -> Performed {
    run(engine, key, false).await
}

/// The same although nobody waits for it: somebody else may have changed what is held. Tells only whom that concerns.
pub(super) async fn look(engine: &Engine, key: &Key) -> Performed {
    run(engine, key, true).await
}

async fn run(engine: &Engine, key: &Key, is_look: bool) -> Performed {
    let _turn = engine.inner.turns.take(key).await;
    let step = engine.inner.steps.find(key.uses());
    let held = match step.and_then(Step::gathers) {
        Some(length) => {
            if !is_look {
                engine.inner.clock.pause(length).await;
            }
            engine.inner.store.held_by_all(key).await
        }
        None => engine.inner.herd.held(&engine.inner.store, key).await,
    };
    let held = match held {
        Ok(held) => held,
        Err(error) => return Performed::later(1_000, &error.to_string()),
    };
    let mut snapshot = Snapshot::of(&held, engine.inner.clock.now_ms());
    if is_planted(Fault::ReleasesForAll) && !snapshot.leaving.is_empty() {
        snapshot.live.clear();
    }
    match (snapshot.is_waited_for(), is_look) {
        (false, false) => return Performed::Done,
        (false, true) if snapshot.live.is_empty() => return Performed::Done,
        // It is settled anyway, and that looks.
        (true, true) => return Performed::later(LOOK_PAUSE_MS, "it is being settled"),
        _ => {}
    }
    let mut settlement = Settlement::of(key);
    settlement.look_at = step.and_then(|step| drift::look_at(engine, step, snapshot.live.iter().map(|row| row.until)));
    // What an older copy of the database says was approved may have been used and given back long ago.
    if engine.is_restored() && put_off(engine, &mut snapshot).await {
        if !snapshot.is_waited_for() {
            return Performed::later(RESTORED_PAUSE_MS, NOT_ACCEPTED);
        }
        settlement.is_again = true;
    }
    for row in &snapshot.overslept {
        settlement.tell(row, Role::Holds, Err(overslept()));
    }
    if snapshot.leaving.is_empty() && snapshot.live.is_empty() {
        return Performed::Settled(Box::new(settlement));
    }
    let mut came = Came::default();
    let mut settled = outcome(engine, key, &held, &snapshot, &mut came).await;
    if let Ok(Err(failure)) = &settled
        && let Some(new) = snapshot.without_new()
    {
        for row in &new {
            settlement.tell(row, Role::Holds, Err(failure.clone()));
        }
        settled = outcome(engine, key, &held, &snapshot, &mut came).await;
    }
    match settled {
        Ok(outcome) => {
            if let Err(failure) = &outcome {
                tracing::warn!(step.key = %key, failure = failure.what, "a key could not be settled");
                if is_look {
                    return Performed::later(LOOK_PAUSE_MS, &failure.what);
                }
            }
            settlement.says = drift::said(engine, key, &outcome, &came, is_look).await;
            if matches!(outcome, Ok(Proof { found: Found::TakenAway, .. })) {
                return taken_away(engine, settlement, &outcome).await;
            }
            tell_all(&mut settlement, &snapshot, &outcome, &came.each);
            settlement.came_to(came.results);
            Performed::Settled(Box::new(settlement))
        }
        Err(error) => Performed::later(1_000, &error.to_string()),
    }
}

/// Leaves out whoever is being granted it by an older copy of the database; says whether there was anybody.
async fn put_off(engine: &Engine, snapshot: &mut Snapshot<'_>) -> bool {
    let mut kept = Vec::new();
    let count = snapshot.live.len();
    for row in std::mem::take(&mut snapshot.live) {
        let is_of_a_copy = match engine.inner.store.load(&row.request_id).await {
            Ok(request) => engine.is_of_a_copy(&request),
            Err(_) => true,
        };
        if row.phase != HoldPhase::Begun || !is_of_a_copy {
            kept.push(row);
        }
    }
    snapshot.live = kept;
    snapshot.live.len() < count
}

/// Settles a key while nothing can be saved: the ledger says whose end has passed, and that is enough to take it back. What
/// came of it is told when it can be saved again.
/// `over` names requests whose end is there, as far as that is known.
pub(super) async fn settle_unsaved(engine: &Engine, key: &Key, over: &BTreeSet<RequestId>) -> Result<(), StoreError> {
    let _turn = engine.inner.turns.take(key).await;
    let held = engine.inner.store.held_by_all(key).await?;
    let now = engine.inner.clock.now_ms();
    let (ended, live): (Vec<&HolderRow>, Vec<&HolderRow>) = held
        .holders
        .iter()
        .partition(|row| row.phase == HoldPhase::Releasing || row.until <= now || over.contains(&row.request_id));
    if ended.is_empty() {
        return Ok(());
    }
    let (Some(before), Some(step)) = (&held.before, engine.inner.steps.find(key.uses())) else { return Ok(()) };
    let leaving = leaving(engine, key, &ended).await?;
    let before = Before {
        found: before.clone(),
        untils: held.ends.clone(),
        confirmed: held.confirmed,
        leaving,
        memory: Memory::default(),
    };
    // Whoever is just being granted it is in the ledger already; nobody's end fails because of them.
    let confirmed: Vec<&HolderRow> = live.iter().copied().filter(|row| row.phase != HoldPhase::Begun).collect();
    let mut settled = settle_for(engine, (key, step), &live, &before).await?;
    if settled.is_err() && confirmed.len() < live.len() {
        settled = settle_for(engine, (key, step), &confirmed, &before).await?;
    }
    match settled {
        Ok(SettledEach { settled, .. }) => {
            tracing::warn!(step.key = %key, found = ?settled.proof.found, "settled although nothing can be saved")
        }
        Err(failure) => {
            tracing::error!(step.key = %key, failure = failure.what, "nothing can be saved, and a key could not be settled");
        }
    }
    Ok(())
}

async fn settle_for(
    engine: &Engine,
    (key, step): (&Key, &dyn Step),
    live: &[&HolderRow],
    before: &Before,
) -> Result<Result<SettledEach, Failure>, StoreError> {
    match holders(engine, key, live).await? {
        Ok(holders) => Ok(step.settle_each(key, &holders, before).await),
        Err(failure) => Ok(Err(failure)),
    }
}

async fn outcome(
    engine: &Engine,
    key: &Key,
    held: &Held,
    snapshot: &Snapshot<'_>,
    came: &mut Came,
) -> Result<Result<Proof, Failure>, StoreError> {
    let Some(step) = engine.inner.steps.find(key.uses()) else {
        return Ok(Err(Failure {
            what: format!("there is no step type {}", key.uses()),
            advice: "this version of nightlatch cannot take it back; run the version that granted it".to_owned(),
            retryable: true,
            retry_after_ms: None,
        }));
    };
    let was_on = snapshot.leaving.iter().any(|row| row.confirmed_until.is_some());
    let found = match (&held.before, snapshot.live.first()) {
        (Some(found), _) => found.clone(),
        (None, Some(first)) => match first_touch(engine, step, &first.request_id, key).await {
            Ok(found) => found,
            Err(failure) => return Ok(Err(failure)),
        },
        // It was on, and what was there before is not known any more: read, and believe that nothing was.
        (None, None) if was_on => Value::Null,
        // What was there is written down before the first byte leaves: nothing was ever sent, nothing is to be taken back.
        (None, None) => return Ok(Ok(Proof { at: engine.inner.clock.now_ms(), found: Found::Untouched })),
    };
    let (ends, confirmed) =
        if is_planted(Fault::LosesOwn) { (vec![], true) } else { (held.ends.clone(), held.confirmed) };
    let leaving = leaving(engine, key, &snapshot.leaving).await?;
    let concerned = snapshot.live.first().or(snapshot.leaving.first());
    let memory = concerned.map(|row| memory(engine, key, &row.request_id)).unwrap_or_default();
    let before = Before { found, untils: ends, confirmed, leaving, memory };
    Ok(match settle_for(engine, (key, step), &snapshot.live, &before).await? {
        Ok(SettledEach { settled, each, overwritten }) => {
            let Settled { proof, results, hand_over, keep } = settled;
            handing::over(engine, hand_over, (keep, &before.memory)).await.map(|()| {
                *came = Came { results, each, overwritten };
                proof
            })
        }
        Err(failure) => Err(failure),
    })
}

/// Everybody who had it lets go with that; who came or let go meanwhile is settled for in a run of their own.
async fn taken_away(engine: &Engine, mut settlement: Settlement, outcome: &Result<Proof, Failure>) -> Performed {
    let held = match engine.inner.store.held_by_all(&settlement.key).await {
        Ok(held) => held,
        Err(error) => return Performed::later(1_000, &error.to_string()),
    };
    let now = engine.inner.clock.now_ms();
    for row in held.holders.iter().filter(|row| row.phase == HoldPhase::Held && row.until > now) {
        settlement.tell(row, Role::Holds, outcome.clone());
    }
    settlement.is_again = true;
    Performed::Settled(Box::new(settlement))
}

/// The same reading means different things to who still holds the key and to who let go.
fn tell_all(
    settlement: &mut Settlement,
    snapshot: &Snapshot<'_>,
    outcome: &Result<Proof, Failure>,
    each: &BTreeMap<RequestId, Result<Proof, Failure>>,
) {
    for row in &snapshot.live {
        let own = each.get(&row.request_id);
        let is_taken_away = matches!(own, Some(Ok(Proof { found: Found::TakenAway, .. })));
        if row.waits || is_taken_away {
            settlement.tell(row, Role::Holds, own.unwrap_or(outcome).clone());
        }
        settlement.is_again |= is_taken_away;
    }
    let others_until = snapshot.live.iter().map(|row| row.until).max();
    for row in &snapshot.leaving {
        let seen = match (outcome, others_until) {
            _ if each.contains_key(&row.request_id) => each.get(&row.request_id).unwrap_or(outcome).clone(),
            (Ok(proof), Some(until)) if proof.found.is_on() => {
                Ok(Proof { at: proof.at, found: Found::HeldByOthers { until } })
            }
            _ => outcome.clone(),
        };
        settlement.tell(row, Role::LetsGo, seen);
    }
    let is_settled = snapshot.leaving.iter().all(|row| !matches!(each.get(&row.request_id), Some(Err(_))));
    settlement.is_off =
        snapshot.live.is_empty() && is_settled && outcome.as_ref().is_ok_and(|proof| !proof.found.is_on());
}

async fn holders(engine: &Engine, key: &Key, live: &[&HolderRow]) -> Result<Result<Vec<Holder>, Failure>, StoreError> {
    let mut holders = Vec::with_capacity(live.len());
    for row in live {
        let holding = match &row.holding {
            Some(holding) => holding.clone(),
            None => match told_by_request(engine, key, row).await {
                Ok(Some(holding)) => holding,
                Ok(None) | Err(StoreError::Unreadable(_) | StoreError::NoSuchRequest(_)) => {
                    return Ok(Err(Failure {
                        what: format!("request {} holds it and cannot be read", row.request_id),
                        advice: "run the version of nightlatch that wrote it".to_owned(),
                        retryable: true,
                        retry_after_ms: None,
                    }));
                }
                Err(error) => return Err(error),
            },
        };
        holders.push(Holder {
            request_id: row.request_id.clone(),
            login: holding.login,
            until: row.until,
            with: holding.with,
            comment: holding.comment,
            used_by: holding.used_by,
            is_new: row.phase == HoldPhase::Begun,
            confirmed_until: row.confirmed_until,
        });
    }
    Ok(Ok(holders))
}

/// What is known of those who let go; who cannot be read is left out, since nobody's end hangs on it.
async fn leaving(engine: &Engine, key: &Key, rows: &[&HolderRow]) -> Result<Vec<Holder>, StoreError> {
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        if let Ok(one) = holders(engine, key, std::slice::from_ref(row)).await? {
            all.extend(one);
        }
    }
    Ok(all)
}

/// Rows from before settings stood in the ledger.
async fn told_by_request(engine: &Engine, key: &Key, row: &HolderRow) -> Result<Option<Holding>, StoreError> {
    let request = engine.inner.store.load(&row.request_id).await?;
    let filled = request.step_of(key).and_then(|index| Some((index, request.filled_as_at_first(index).ok()?)));
    Ok(filled.map(|(index, with)| request.holding(index, row.until, with)))
}

/// Keeps what a step learns on the way, in the name of one request.
fn memory(engine: &Engine, key: &Key, id: &RequestId) -> Memory {
    let (engine, key, id) = (engine.clone(), key.clone(), id.clone());
    Memory::new(Arc::new(move |before| {
        let (engine, key, id) = (engine.clone(), key.clone(), id.clone());
        async move { note(&engine, &key, &id, before, true).await }.boxed()
    }))
}

/// Writes down what is there before we touch it, and only then lets anything be sent.
async fn first_touch(engine: &Engine, step: &dyn Step, id: &RequestId, key: &Key) -> Result<Value, Failure> {
    let before = step.observe(key).await?;
    note(engine, key, id, before.clone(), false).await.map(|()| before)
}

async fn note(engine: &Engine, key: &Key, id: &RequestId, before: Value, again: bool) -> Result<(), Failure> {
    let request = engine.inner.store.load(id).await.map_err(|error| not_told(&error.into()))?;
    let Some(index) = request.step_of(key) else {
        return Err(not_told(&TellError::NoSuchRequest(id.clone())));
    };
    let event = Event::Observed { step: index, before, again };
    let told = engine.tell(crate::kernel::Actor::Worker, id, event, None).await;
    told.map(drop).map_err(|error| not_told(&error))
}

fn not_told(error: &TellError) -> Failure {
    Failure { what: error.to_string(), advice: String::new(), retryable: true, retry_after_ms: None }
}

fn overslept() -> Failure {
    Failure {
        what: "its time had passed before it could be switched on".to_owned(),
        advice: "ask again".to_owned(),
        retryable: true,
        retry_after_ms: None,
    }
}
