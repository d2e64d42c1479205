//! The one writer: whatever waits is loaded, put through the rules and saved together, in one commit.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::circumstances::Circumstances;
use super::links::writing::{self as links, LinkOutcome, LinkWork};
use super::pastes::writing::{self as pastes, PasteOutcome, PasteWork};
use super::{Engine, TellError, Told, saying};
use crate::kernel::effect::Effect;
use crate::kernel::link::{LinkEvent, LinkId};
use crate::kernel::{Actor, Applied, Ask, Event, Moment, Request, RequestId};
use crate::store::{Saving, StoreError, Tx};

/// At most this many tells share a commit.
const BATCH_MAX: usize = 256;
/// Slack repeats a delivery for minutes; fingerprints are kept for a day.
const DELIVERIES_KEPT_MS: i64 = 86_400_000;

/// What is to be written.
pub(super) enum Work {
    /// A new request.
    Ask(Box<Ask>),
    /// Something that happened to one.
    Tell(RequestId, Box<Event>),
    /// Something about a paste.
    Paste(Box<PasteWork>),
    /// An effect was performed that nobody needs to hear of.
    Done,
    /// An effect did not work out and is due again later.
    Postpone { due_at: i64, error: String },
    /// A go link is to change.
    Link(Box<LinkWork>),
    /// A go link changed elsewhere.
    LinkNote(Box<LinkEvent>),
    /// Go links were followed.
    Clicks(Vec<(LinkId, i64)>),
    /// Somebody wants something said (`Effect::Say`); `about` names what, for the audit log.
    Say { about: String, effect: Box<Effect> },
}

/// One thing to write, and who waits for it.
pub(super) struct Job {
    pub(super) work: Work,
    pub(super) actor: Actor,
    pub(super) delivery: Option<String>,
    /// The effect this settles; taken out of the outbox with the same commit.
    pub(super) done: Option<i64>,
    pub(super) answer: oneshot::Sender<Outcome>,
}

/// What a job led to.
pub(super) enum Written {
    /// A request as it is now.
    Request(Box<Told>),
    /// A go link.
    Link(Box<LinkOutcome>),
    /// A paste.
    Paste(PasteOutcome),
    /// Nobody needs to hear of it.
    Nothing,
}

impl Written {
    fn told(request: Request, repeated: bool) -> Self {
        Self::Request(Box::new(Told { request, repeated }))
    }
}

/// What is sent back to whoever waits for a job.
pub(super) type Outcome = Result<Written, TellError>;

/// Requests as they are within the transaction, so that two tells to one request see each other.
type Seen = HashMap<RequestId, Request>;

/// Writes until everybody who could send a job is gone, or `stop` and the queue is empty.
pub(super) async fn run(engine: Engine, mut queue: mpsc::Receiver<Job>, stop: CancellationToken) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    loop {
        let received = tokio::select! {
            biased;
            received = queue.recv_many(&mut batch, BATCH_MAX) => received,
            () = stop.cancelled() => {
                queue.close();
                queue.recv_many(&mut batch, BATCH_MAX).await
            }
        };
        if received == 0 {
            return;
        }
        let jobs = std::mem::take(&mut batch);
        write(&engine, jobs).await;
    }
}

async fn write(engine: &Engine, jobs: Vec<Job>) {
    match commit(engine, &jobs).await {
        Ok(outcomes) => answer(engine, jobs, outcomes),
        // One row that cannot be read must not keep the others from being saved.
        Err(failure) if jobs.len() > 1 => {
            warn!(error = %failure, "a commit of several failed; each is tried alone");
            for job in jobs {
                let alone = vec![job];
                match commit(engine, &alone).await {
                    Ok(outcomes) => answer(engine, alone, outcomes),
                    Err(failure) => refuse(alone, &failure),
                }
            }
        }
        Err(failure) => refuse(jobs, &failure),
    }
}

fn answer(engine: &Engine, jobs: Vec<Job>, outcomes: Vec<Outcome>) {
    engine.inner.saves.fetch_add(1, Ordering::SeqCst);
    engine.inner.saved.notify_one();
    for (job, outcome) in jobs.into_iter().zip(outcomes) {
        // Whoever asked may have given up waiting; what was saved is saved.
        let _ = job.answer.send(outcome);
    }
}

fn refuse(jobs: Vec<Job>, failure: &StoreError) {
    error!(error = %failure, "not saved; whoever asked is told so");
    for job in jobs {
        let _ = job.answer.send(Err(TellError::NotSaved(failure.to_string())));
    }
}

async fn commit(engine: &Engine, jobs: &[Job]) -> Result<Vec<Outcome>, StoreError> {
    let moment = Moment { now: engine.inner.clock.now_ms(), jitter: engine.inner.ids.fraction() };
    let mut tx = engine.inner.store.begin().await?;
    let mut seen = Seen::new();
    let mut outcomes = Vec::with_capacity(jobs.len());
    for job in jobs {
        let how = Circumstances { actor: &job.actor, delivery: job.delivery.as_deref(), now: moment.now };
        let outcome = match &job.work {
            Work::Ask(ask) => asked(&mut tx, &mut seen, job, ask, moment).await?,
            Work::Tell(id, event) => told(&mut tx, &mut seen, job, id, event, moment).await?,
            Work::Paste(work) => Ok(Written::Paste(pastes::write(&mut tx, work, how).await?)),
            Work::Done => Ok(Written::Nothing),
            Work::Link(work) => Ok(Written::Link(Box::new(links::write(&mut tx, work, how).await?))),
            Work::LinkNote(event) => {
                links::note_saved(&mut tx, event, how).await?;
                Ok(Written::Nothing)
            }
            Work::Clicks(clicks) => {
                tx.add_clicks(clicks, moment.now).await?;
                Ok(Written::Nothing)
            }
            Work::Say { about, effect } => {
                saying::save(&mut tx, about, effect, how).await?;
                Ok(Written::Nothing)
            }
            Work::Postpone { due_at, error } => {
                tx.postpone(job.done.unwrap_or(0), *due_at, error).await?;
                outcomes.push(Ok(Written::Nothing));
                continue;
            }
        };
        if let Some(seq) = job.done {
            tx.done(seq).await?;
        }
        outcomes.push(outcome);
    }
    if jobs.iter().any(|job| job.delivery.is_some()) {
        tx.forget_deliveries_before(moment.now.saturating_sub(DELIVERIES_KEPT_MS)).await?;
    }
    tx.commit().await?;
    for (job, outcome) in jobs.iter().zip(&outcomes) {
        if let Ok(Written::Link(outcome)) = outcome {
            links::committed(engine, outcome);
        }
        log(engine, job, outcome);
    }
    Ok(outcomes)
}

async fn asked(tx: &mut Tx, seen: &mut Seen, job: &Job, ask: &Ask, moment: Moment) -> Result<Outcome, StoreError> {
    let applied = match Request::ask(ask.clone(), moment) {
        Ok(applied) => applied,
        Err(refusal) => return Ok(Err(refusal.into())),
    };
    if let Some(before) = repeated(tx, seen, job, &ask.id, moment.now).await? {
        return Ok(Ok(before));
    }
    save(tx, seen, job, applied, &Event::Asked, moment.now).await.map(Ok)
}

async fn told(
    tx: &mut Tx,
    seen: &mut Seen,
    job: &Job,
    id: &RequestId,
    event: &Event,
    moment: Moment,
) -> Result<Outcome, StoreError> {
    let request = match current(tx, seen, id).await {
        Ok(request) => request,
        Err(StoreError::NoSuchRequest(_)) => return Ok(Err(TellError::NoSuchRequest(id.clone()))),
        Err(error) => return Err(error),
    };
    if let Some(before) = repeated(tx, seen, job, id, moment.now).await? {
        return Ok(Ok(before));
    }
    let applied = request.apply(event.clone(), moment);
    if applied.request == request && applied.effects.is_empty() && applied.ledger.is_empty() {
        return Ok(Ok(Written::told(request, false)));
    }
    save(tx, seen, job, applied, event, moment.now).await.map(Ok)
}

async fn save(
    tx: &mut Tx,
    seen: &mut Seen,
    job: &Job,
    applied: Applied,
    event: &Event,
    at: i64,
) -> Result<Written, StoreError> {
    tx.save(Saving { applied: &applied, actor: &job.actor, event, at }).await?;
    let request = applied.request;
    seen.insert(request.id.clone(), request.clone());
    Ok(Written::told(request, false))
}

async fn current(tx: &mut Tx, seen: &Seen, id: &RequestId) -> Result<Request, StoreError> {
    match seen.get(id) {
        Some(request) => Ok(request.clone()),
        None => tx.load(id).await,
    }
}

/// If Slack had delivered this before: what it led to then.
async fn repeated(
    tx: &mut Tx,
    seen: &Seen,
    job: &Job,
    id: &RequestId,
    now: i64,
) -> Result<Option<Written>, StoreError> {
    let Some(key) = &job.delivery else { return Ok(None) };
    let Some(before) = tx.first_delivery(key, id, now).await? else { return Ok(None) };
    Ok(Some(Written::told(current(tx, seen, &before).await?, true)))
}

fn log(engine: &Engine, job: &Job, outcome: &Outcome) {
    let event = match &job.work {
        Work::Ask(_) => "asked",
        Work::Tell(_, event) => event.name(),
        Work::Done | Work::Postpone { .. } | Work::Clicks(_) => return,
        Work::Link(_) | Work::Paste(_) | Work::LinkNote(_) | Work::Say { .. } => return,
    };
    let Ok(Written::Request(told)) = outcome else { return };
    if told.repeated {
        info!(request.id = %told.request.id, event, "delivered twice; nothing changed");
        return;
    }
    engine.inner.metrics.count_event(event);
    let outcome = told.request.outcome.map_or("", crate::kernel::Outcome::word);
    info!(request.id = %told.request.id, event, state = told.request.state.word(), outcome, "saved");
}
