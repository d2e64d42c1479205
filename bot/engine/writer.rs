//! The one writer: whatever waits is loaded, put through the rules and saved together, in one commit.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::circumstances::Circumstances;
use super::jobs::{Job, Outcome, Queue, Waking, Work, Written};
use super::links::writing as links;
use super::pastes::writing as pastes;
use super::{Engine, TellError, Told, bursts, directory, guarding, passing, saying, schedule, settling, typed};
use crate::kernel::kept::Note;
use crate::kernel::{Applied, Event, Moment, Request, RequestId, State};
use crate::planted::{Fault, is_planted};
use crate::store::{Saving, StoreError, Tx};

/// So many requests are remembered from one commit to the next.
const SEEN_MAX: usize = 4_096;
/// Slack repeats a delivery for minutes; fingerprints are kept for a day.
const DELIVERIES_KEPT_MS: i64 = 86_400_000;

/// Requests as they are within the transaction, so that two tells to one request see each other; and from one commit to the
/// next, so that what follows at once is not read again. A commit that fails forgets them.
pub(super) type Seen = HashMap<RequestId, Arc<Request>>;

/// Writes until everybody who could send a job is gone, or `stop` and the queue is empty.
pub(super) async fn run(engine: Engine, mut queue: Queue, stop: CancellationToken) {
    let mut batch = Vec::new();
    let mut seen = Seen::new();
    loop {
        queue.take(&mut batch, &stop).await;
        if batch.is_empty() {
            return;
        }
        let jobs = std::mem::take(&mut batch);
        write(&engine, &mut seen, jobs).await;
    }
}

async fn write(engine: &Engine, seen: &mut Seen, mut jobs: Vec<Job>) {
    if engine.inner.watch.is_on_reserve() {
        let refused;
        (jobs, refused) = jobs.into_iter().partition(Job::may_use_reserve);
        refuse(refused, &StoreError::Full("what room is left is kept for ends".to_owned()));
    }
    let Some(_) = jobs.first() else { return };
    match commit(engine, seen, &jobs).await {
        Ok(outcomes) => answer(engine, jobs, outcomes),
        // One row that cannot be read must not keep the others from being saved.
        Err(failure) if (jobs.len() > 1 || jobs.iter().any(is_of_several)) && !failure.stops_saving() => {
            warn!(error = %failure, "a commit of several failed; each is tried alone");
            for job in jobs {
                if is_of_several(&job) {
                    each_alone(engine, seen, job).await;
                    continue;
                }
                let alone = vec![job];
                match commit(engine, seen, &alone).await {
                    Ok(outcomes) => answer(engine, alone, outcomes),
                    Err(failure) => refuse(alone, &failure),
                }
            }
        }
        Err(failure) => refuse(jobs, &failure),
    }
}

fn is_of_several(job: &Job) -> bool {
    matches!(&job.work, Work::Woke(wakes) if wakes.len() > 1)
}

/// Times that came together, one by one.
async fn each_alone(engine: &Engine, seen: &mut Seen, job: Job) {
    let Work::Woke(wakes) = &job.work else { return };
    let mut failed = None;
    for waking in wakes {
        let (nobody, _) = oneshot::channel();
        let work = Work::Woke(vec![waking.clone()]);
        let alone = vec![Job { work, actor: job.actor.clone(), delivery: None, done: None, answer: nobody }];
        match commit(engine, seen, &alone).await {
            Ok(outcomes) => answer(engine, alone, outcomes),
            Err(failure) => {
                let is_in_vain = failure.stops_saving();
                failed = Some(failure);
                if is_in_vain {
                    break;
                }
            }
        }
    }
    match failed {
        Some(failure) => refuse(vec![job], &failure),
        None => drop(job.answer.send(Ok(Written::Nothing))),
    }
}

fn answer(engine: &Engine, jobs: Vec<Job>, outcomes: Vec<Outcome>) {
    engine.inner.saves.fetch_add(1, Ordering::SeqCst);
    engine.inner.saved.notify_one();
    engine.inner.logbook.saved();
    for (job, outcome) in jobs.into_iter().zip(outcomes) {
        // Whoever asked may have given up waiting; what was saved is saved.
        let _ = job.answer.send(outcome);
    }
}

fn refuse(jobs: Vec<Job>, failure: &StoreError) {
    let Some(_) = jobs.first() else { return };
    error!(error = %failure, "not saved; whoever asked is told so");
    for job in jobs {
        let _ = job.answer.send(Err(TellError::NotSaved(failure.to_string())));
    }
}

/// Ends need no room: when the disk is full, what is kept for them is given up and the batch is tried once more.
async fn commit(engine: &Engine, seen: &mut Seen, jobs: &[Job]) -> Result<Vec<Outcome>, StoreError> {
    let _in_hand = engine.inner.watch.begin(&engine.inner.clock);
    match engine.saved(try_commit(engine, seen, jobs).await) {
        Err(failure) if failure.is_full() && jobs.iter().any(Job::may_use_reserve) && engine.give_up_reserve() => {
            engine.saved(try_commit(engine, seen, jobs).await)
        }
        outcome => outcome,
    }
}

async fn try_commit(engine: &Engine, known: &mut Seen, jobs: &[Job]) -> Result<Vec<Outcome>, StoreError> {
    let types = engine.inner.steps.types();
    let moment = Moment { now: engine.inner.clock.now_ms(), jitter: engine.inner.ids.fraction(), types };
    let mut tx = engine.inner.store.begin().await?;
    let mut seen = std::mem::take(known);
    read_ahead(&mut tx, &mut seen, jobs).await?;
    let pinned = guarding::pin(engine, &mut tx, moment.now).await?;
    let mut outcomes = Vec::with_capacity(jobs.len());
    for job in jobs {
        outcomes.push(write_one(engine, (&mut tx, &mut seen), job, moment).await?);
    }
    if jobs.iter().any(|job| job.delivery.is_some()) {
        tx.forget_deliveries_before(moment.now.saturating_sub(DELIVERIES_KEPT_MS)).await?;
    }
    tx.commit().await?;
    guarding::pinned(engine, pinned);
    seen.retain(|_, request| request.state != State::Ended);
    if seen.len() > SEEN_MAX {
        seen.clear();
    }
    *known = seen;
    for (job, outcome) in jobs.iter().zip(&outcomes) {
        if let Ok(Written::Link(outcome)) = outcome {
            links::committed(engine, outcome);
        }
        log(engine, job, outcome);
    }
    Ok(outcomes)
}

/// Reads what the jobs will ask for one after the other, all at once.
async fn read_ahead(tx: &mut Tx, seen: &mut Seen, jobs: &[Job]) -> Result<(), StoreError> {
    let ids: HashSet<&RequestId> = jobs.iter().flat_map(Job::requests).filter(|id| !seen.contains_key(id)).collect();
    if !ids.is_empty() {
        let ids: Vec<&RequestId> = ids.into_iter().collect();
        // One that cannot be read is looked at, and told, when its own job comes.
        for request in tx.load_many(&ids).await?.into_iter().flatten() {
            seen.insert(request.id.clone(), Arc::new(request));
        }
    }
    let holds: Vec<_> = jobs.iter().flat_map(Job::holds).collect();
    if !holds.is_empty() {
        tx.know_phases(&holds).await?;
    }
    let asked: Vec<(&str, &str)> = jobs
        .iter()
        .filter_map(Job::asks)
        .map(|ask| (ask.requester.slack_id.as_str(), ask.workflow.name.as_str()))
        .collect();
    if !asked.is_empty() {
        let people: Vec<&str> = asked.iter().map(|(slack_id, _)| *slack_id).collect();
        tx.know_waiting(&people).await?;
        tx.know_open(&asked).await?;
    }
    let deliveries: Vec<&str> = jobs.iter().filter_map(|job| job.delivery.as_deref()).collect();
    if !deliveries.is_empty() {
        tx.know_deliveries(&deliveries).await?;
    }
    Ok(())
}

/// Writes one job, and takes the effect it settles out of the outbox.
async fn write_one(
    engine: &Engine,
    (tx, seen): (&mut Tx, &mut Seen),
    job: &Job,
    moment: Moment,
) -> Result<Outcome, StoreError> {
    let how = Circumstances { actor: &job.actor, delivery: job.delivery.as_deref(), now: moment.now };
    let written = match &job.work {
        // These keep their row, or have taken it out themselves.
        Work::SetAside { why } => {
            if let Some(key) = tx.set_aside(job.done.unwrap_or(0), moment.now, why).await? {
                settling::again(tx, &key, moment.now).await?;
            }
            return Ok(Ok(Written::Nothing));
        }
        Work::Postpone { .. } if is_planted(Fault::LosesPostponed) => Ok(Written::Nothing),
        Work::Postpone { due_at, error } => {
            tx.postpone(job.done.unwrap_or(0), *due_at, error);
            return Ok(Ok(Written::Nothing));
        }
        Work::Settled(settlement) => {
            let settled = settling::write(engine, (tx, seen), job, settlement, moment).await?;
            return Ok(Ok(Written::Changed(settled)));
        }
        Work::Woke(wakes) => {
            return woke((tx, seen), job, wakes, moment).await.map(|changed| Ok(Written::Changed(changed)));
        }
        Work::Ask(ask) => typed::asked(engine, (tx, seen), job, ask, moment).await?,
        Work::Typed(work) => typed::write(engine, (tx, seen), job, work, moment).await?,
        Work::Tell(id, event) => {
            let event = guarding::counted(engine, (tx, seen), id, event, moment.now).await?;
            let outcome = told(tx, seen, job, id, &event, moment).await?;
            if let Ok(Written::Request(told)) = &outcome {
                bursts::look(tx, &told.request, &event, moment.now).await?;
            }
            outcome
        }
        Work::Paste(work) => Ok(Written::Paste(pastes::write(tx, work, how).await?)),
        Work::Link(work) => Ok(Written::Link(Box::new(links::write(tx, work, how).await?))),
        Work::Done => Ok(Written::Nothing),
        Work::Overdue(holds) => {
            settling::overdue((tx, seen), job, holds, moment).await?;
            Ok(Written::Nothing)
        }
        Work::Clicks(clicks) => {
            tx.add_clicks(clicks, moment.now).await?;
            Ok(Written::Nothing)
        }
        Work::Directory(work) => {
            directory::write(tx, work).await?;
            Ok(Written::Nothing)
        }
        Work::Note { about, event, state } => {
            tx.note(about, &job.actor, &Note(event.clone()), state, moment.now).await?;
            Ok(Written::Nothing)
        }
        Work::Schedule(work) => {
            schedule::write(tx, work, how).await?;
            Ok(Written::Nothing)
        }
        Work::Say { about, effect } => {
            saying::save(tx, about, effect, how).await?;
            Ok(Written::Nothing)
        }
    };
    take_out(tx, job.done, &written, moment.now).await?;
    Ok(written)
}

/// Tells requests that their times have come. One that cannot be read is set aside, and the others are told.
async fn woke(
    (tx, seen): (&mut Tx, &mut Seen),
    job: &Job,
    wakes: &[Waking],
    moment: Moment,
) -> Result<Vec<Told>, StoreError> {
    let mut changed = Vec::with_capacity(wakes.len());
    for Waking { seq, id, wake } in wakes {
        let outcome = told(tx, seen, job, id, &Event::Woke { wake: *wake }, moment).await?;
        if let Err(failure) = &outcome
            && failure.is_unreadable()
        {
            error!(request.id = %id, error = %failure, "an effect is set aside: its request cannot be read");
        }
        take_out(tx, Some(*seq), &outcome, moment.now).await?;
        if let Ok(Written::Request(told)) = outcome {
            changed.push(*told);
        }
    }
    Ok(changed)
}

/// What was performed leaves the outbox with the same commit.
async fn take_out(tx: &mut Tx, done: Option<i64>, written: &Outcome, now: i64) -> Result<(), StoreError> {
    match (done, written) {
        // Its request cannot be read: the effect is kept for a version that can.
        (Some(seq), Err(error)) if error.is_unreadable() => {
            tx.set_aside(seq, now, &error.to_string()).await?;
        }
        (Some(seq), _) => tx.done(seq),
        (None, _) => {}
    }
    Ok(())
}

pub(super) async fn told(
    tx: &mut Tx,
    seen: &mut Seen,
    job: &Job,
    id: &RequestId,
    event: &Event,
    moment: Moment,
) -> Result<Outcome, StoreError> {
    let request = match current(tx, seen, id).await {
        Ok(request) => request,
        // One row that cannot be read must not keep the others from being saved.
        Err(error @ (StoreError::NoSuchRequest(_) | StoreError::Unreadable(_))) => return Ok(Err(error.into())),
        Err(error) => return Err(error),
    };
    if let Some(before) = repeated(tx, seen, job, id, moment.now).await? {
        return Ok(Ok(before));
    }
    let event = &*passing::counted(tx, &request, event, moment.now).await?;
    let applied = request.apply(event.clone(), moment);
    if applied.request == *request && applied.effects.is_empty() && applied.ledger.is_empty() {
        return Ok(Ok(Written::told(request, false)));
    }
    save(tx, seen, job, applied, event, moment.now).await.map(Ok)
}

pub(super) async fn save(
    tx: &mut Tx,
    seen: &mut Seen,
    job: &Job,
    applied: Applied,
    event: &Event,
    at: i64,
) -> Result<Written, StoreError> {
    tx.save(Saving { applied: &applied, actor: &job.actor, event, at }).await?;
    let request = Arc::new(applied.request);
    seen.insert(request.id.clone(), request.clone());
    Ok(Written::told(request, false))
}

pub(super) async fn current(tx: &mut Tx, seen: &Seen, id: &RequestId) -> Result<Arc<Request>, StoreError> {
    match seen.get(id) {
        Some(request) => Ok(request.clone()),
        None => tx.load(id).await.map(Arc::new),
    }
}

/// If Slack had delivered this before: what it led to then.
pub(super) async fn repeated(
    tx: &mut Tx,
    seen: &Seen,
    job: &Job,
    id: &RequestId,
    now: i64,
) -> Result<Option<Written>, StoreError> {
    let Some(key) = job.delivery.as_ref().filter(|_| !is_planted(Fault::TakesTwice)) else { return Ok(None) };
    let Some(before) = tx.first_delivery(key, &id.into(), now).await? else { return Ok(None) };
    let id = before.request().ok_or_else(|| StoreError::NoSuchRequest(before.stored()))?;
    Ok(Some(Written::told(current(tx, seen, id).await?, true)))
}

fn log(engine: &Engine, job: &Job, outcome: &Outcome) {
    let event = match &job.work {
        Work::Ask(_) => "asked",
        Work::Tell(_, event) => event.name(),
        Work::Typed(work) => {
            if let Ok(Written::Nothing) = outcome {
                engine.inner.metrics.count_event(work.name());
            }
            work.name()
        }
        Work::Settled(_) | Work::Woke(_) => {
            let Ok(Written::Changed(changed)) = outcome else { return };
            let is_settled = matches!(job.work, Work::Settled(_));
            for told in changed {
                log_one(engine, if is_settled { "settled" } else { "woke" }, told);
                if let Some(late_ms) = settling::lateness(told).filter(|_| is_settled) {
                    engine.inner.metrics.observe_lateness(late_ms);
                }
            }
            return;
        }
        // Told in the log where they happen, or by nobody.
        _ => return,
    };
    let Ok(Written::Request(told)) = outcome else { return };
    if told.repeated {
        info!(request.id = %told.request.id, event, "delivered twice; nothing changed");
        return;
    }
    log_one(engine, event, told);
}

fn log_one(engine: &Engine, event: &'static str, told: &Told) {
    engine.inner.metrics.count_event(event);
    let outcome = told.request.outcome.map_or("", crate::kernel::Outcome::word);
    let request = &told.request;
    let person = request.requester.login.as_deref().unwrap_or(&request.requester.slack_id);
    let device = request.device.as_ref().map_or("", |device| device.name.as_str());
    info!(
        request.id = %request.id, event, state = request.state.word(), outcome,
        workflow = request.workflow.name, person, device, "saved"
    );
}
