//! The one writer: whatever waits is loaded, put through the rules and saved together, in one commit.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::circumstances::Circumstances;
use super::links::writing::{self as links, LinkOutcome, LinkWork};
use super::pastes::writing::{self as pastes, PasteOutcome, PasteWork};
use super::settling::{self, Settlement};
use super::{Engine, TellError, Told, saying};
use crate::kernel::effect::Effect;
use crate::kernel::kept::Note;
use crate::kernel::link::{LinkEvent, LinkId};
use crate::kernel::{Actor, Applied, Ask, Event, Key, Moment, Request, RequestId, State, Wake};
use crate::store::{Saving, StoreError, Tx};

/// At most this many tells share a commit.
const BATCH_MAX: usize = 512;
/// So many requests are remembered from one commit to the next.
const SEEN_MAX: usize = 2_048;
/// So many jobs wait before whoever sends one waits too; for each of the two queues.
const QUEUE_MAX: usize = 4_096;
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
    /// A key was settled, or could not be.
    Settled(Box<Settlement>),
    /// Holds whose end has passed without being saved.
    Overdue(Vec<(Key, RequestId)>),
    /// An effect was performed that nobody needs to hear of.
    Done,
    /// An effect that this version cannot perform is kept for one that can.
    SetAside { why: String },
    /// An effect did not work out and is due again later.
    Postpone { due_at: i64, error: String },
    /// A go link is to change.
    Link(Box<LinkWork>),
    /// A go link changed elsewhere.
    LinkNote(Box<LinkEvent>),
    /// Go links were followed.
    Clicks(Vec<(LinkId, i64)>),
    /// Something that concerns no request, for the audit log alone.
    Note { about: &'static str, event: serde_json::Value, state: &'static str },
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

impl Job {
    /// What may use the room that is kept for ends: what was performed, decided or ended, and nothing new.
    fn may_use_reserve(&self) -> bool {
        self.done.is_some() || !matches!(self.work, Work::Ask(_) | Work::Paste(_) | Work::Link(_) | Work::Clicks(_))
    }

    /// Ends, and what was settled, are saved before everything else that waits.
    fn is_urgent(&self) -> bool {
        match &self.work {
            Work::Settled(_) | Work::Overdue(_) => true,
            Work::Tell(_, event) => {
                matches!(**event, Event::Woke { wake: Wake::Expire | Wake::Alarm } | Event::Observed { .. })
            }
            _ => false,
        }
    }
}

/// Where jobs are sent: ends do not queue behind what people and messages bring.
#[derive(Clone)]
pub(super) struct Jobs {
    urgent: mpsc::Sender<Job>,
    usual: mpsc::Sender<Job>,
}

/// Where the writer takes them.
pub(super) struct Queue {
    urgent: mpsc::Receiver<Job>,
    usual: mpsc::Receiver<Job>,
}

/// The two ends of the writer's queue.
pub(super) fn queue() -> (Jobs, Queue) {
    let (urgent, urgent_queue) = mpsc::channel(QUEUE_MAX);
    let (usual, usual_queue) = mpsc::channel(QUEUE_MAX);
    (Jobs { urgent, usual }, Queue { urgent: urgent_queue, usual: usual_queue })
}

impl Jobs {
    /// Waits for a place. Fails once the writer has stopped.
    pub(super) async fn send(&self, job: Job) -> Result<(), ()> {
        let queue = if job.is_urgent() { &self.urgent } else { &self.usual };
        queue.send(job).await.map_err(|_| ())
    }
}

impl Queue {
    /// What waits, urgent first; nothing once everybody who could send is gone, or `stop` and both queues are empty.
    async fn take(&mut self, batch: &mut Vec<Job>, stop: &CancellationToken) {
        let first = tokio::select! {
            biased;
            job = self.urgent.recv() => job,
            job = self.usual.recv() => job,
            () = stop.cancelled() => {
                self.urgent.close();
                self.usual.close();
                None
            }
        };
        batch.extend(first);
        for queue in [&mut self.urgent, &mut self.usual] {
            while batch.len() < BATCH_MAX
                && let Ok(job) = queue.try_recv()
            {
                batch.push(job);
            }
        }
    }
}

/// What a job led to.
pub(super) enum Written {
    /// A request as it is now.
    Request(Box<Told>),
    /// A go link.
    Link(Box<LinkOutcome>),
    /// A paste.
    Paste(PasteOutcome),
    /// Requests that changed when a key was settled.
    Settled(Vec<Told>),
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

/// Requests as they are within the transaction, so that two tells to one request see each other; and from one commit to the
/// next, so that what follows at once is not read again. A commit that fails forgets them.
pub(super) type Seen = HashMap<RequestId, Request>;

/// Writes until everybody who could send a job is gone, or `stop` and the queue is empty.
pub(super) async fn run(engine: Engine, mut queue: Queue, stop: CancellationToken) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
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
        Err(failure) if jobs.len() > 1 && !failure.stops_saving() => {
            warn!(error = %failure, "a commit of several failed; each is tried alone");
            for job in jobs {
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
    let moment = Moment { now: engine.inner.clock.now_ms(), jitter: engine.inner.ids.fraction() };
    let mut tx = engine.inner.store.begin().await?;
    let mut seen = std::mem::take(known);
    let mut outcomes = Vec::with_capacity(jobs.len());
    for job in jobs {
        let how = Circumstances { actor: &job.actor, delivery: job.delivery.as_deref(), now: moment.now };
        let outcome = match &job.work {
            Work::Ask(ask) => asked(&mut tx, &mut seen, job, ask, moment).await?,
            Work::Tell(id, event) => told(&mut tx, &mut seen, job, id, event, moment).await?,
            Work::Paste(work) => Ok(Written::Paste(pastes::write(&mut tx, work, how).await?)),
            Work::Done => Ok(Written::Nothing),
            Work::Settled(settlement) => {
                let settled = settling::write(engine, (&mut tx, &mut seen), job, settlement, moment).await;
                Ok(Written::Settled(settled?))
            }
            Work::Overdue(holds) => {
                settling::overdue((&mut tx, &mut seen), job, holds, moment).await?;
                Ok(Written::Nothing)
            }
            Work::SetAside { why } => {
                tx.set_aside(job.done.unwrap_or(0), moment.now, why).await?;
                outcomes.push(Ok(Written::Nothing));
                continue;
            }
            Work::Link(work) => Ok(Written::Link(Box::new(links::write(&mut tx, work, how).await?))),
            Work::LinkNote(event) => {
                links::note_saved(&mut tx, event, how).await?;
                Ok(Written::Nothing)
            }
            Work::Clicks(clicks) => {
                tx.add_clicks(clicks, moment.now).await?;
                Ok(Written::Nothing)
            }
            Work::Note { about, event, state } => {
                tx.note(about, &job.actor, &Note(event.clone()), state, moment.now).await?;
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
        match (job.done, &outcome) {
            // Its request cannot be read: the effect is kept for a version that can.
            (Some(seq), Err(error)) if error.is_unreadable() => {
                tx.set_aside(seq, moment.now, &error.to_string()).await?;
            }
            (Some(seq), _) => tx.done(seq).await?,
            (None, _) => {}
        }
        outcomes.push(outcome);
    }
    if jobs.iter().any(|job| job.delivery.is_some()) {
        tx.forget_deliveries_before(moment.now.saturating_sub(DELIVERIES_KEPT_MS)).await?;
    }
    tx.commit().await?;
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

pub(super) async fn current(tx: &mut Tx, seen: &Seen, id: &RequestId) -> Result<Request, StoreError> {
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
        Work::Settled(_) => {
            let Ok(Written::Settled(changed)) = outcome else { return };
            for told in changed {
                log_one(engine, "settled", told);
                if let Some(late_ms) = settling::lateness(told) {
                    engine.inner.metrics.observe_lateness(late_ms);
                }
            }
            return;
        }
        Work::Done | Work::Overdue(_) | Work::SetAside { .. } | Work::Postpone { .. } | Work::Clicks(_) => return,
        Work::Link(_) | Work::Paste(_) | Work::LinkNote(_) | Work::Note { .. } | Work::Say { .. } => return,
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
    info!(request.id = %told.request.id, event, state = told.request.state.word(), outcome, "saved");
}
