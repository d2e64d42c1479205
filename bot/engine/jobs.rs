//! What the writer is given: one thing to write each, in two queues, so that ends do not queue behind what people bring.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::directory::DirectoryWork;
use super::links::writing::{LinkOutcome, LinkWork};
use super::pastes::writing::{PasteOutcome, PasteWork};
use super::schedule::ScheduleWork;
use super::settling::Settlement;
use super::typed::TypedWork;
use super::{TellError, Told};
use crate::kernel::effect::Effect;
use crate::kernel::link::LinkId;
use crate::kernel::{Actor, Ask, Event, Key, Request, RequestId, Subject, Wake};

/// At most this many tells share a commit.
const BATCH_MAX: usize = 512;
/// So many jobs wait before whoever sends one waits too; for each of the two queues.
const QUEUE_MAX: usize = 4_096;

/// What is to be written.
pub(super) enum Work {
    /// A new request.
    Ask(Box<Ask>),
    /// What somebody typed, and what became of it.
    Typed(Box<TypedWork>),
    /// Something that happened to one.
    Tell(RequestId, Box<Event>),
    /// Something about a paste.
    Paste(Box<PasteWork>),
    /// Times that have come. Each is taken out of the outbox with what becomes of it, and one that cannot be read is no other's
    /// business.
    Woke(Vec<Waking>),
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
    /// Go links were followed.
    Clicks(Vec<(LinkId, i64)>),
    /// What is known of people, groups and devices changed.
    Directory(Box<DirectoryWork>),
    /// Something that concerns no request, for the audit log alone.
    Note { about: Subject, event: serde_json::Value, state: &'static str },
    /// When workflows start by themselves, and what becomes of it.
    Schedule(Box<ScheduleWork>),
    /// Somebody wants something said (`Effect::Say`).
    Say { about: Subject, effect: Box<Effect> },
}

/// A time that has come, of one request.
#[derive(Clone, Debug)]
pub(super) struct Waking {
    /// Its number in the outbox.
    pub(super) seq: i64,
    pub(super) id: RequestId,
    pub(super) wake: Wake,
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
    pub(super) fn may_use_reserve(&self) -> bool {
        let is_new = matches!(
            self.work,
            Work::Ask(_) | Work::Typed(_) | Work::Paste(_) | Work::Link(_) | Work::Clicks(_) | Work::Directory(_)
        );
        self.done.is_some() || !is_new
    }

    /// What it asks for, if that is all known.
    pub(super) fn asks(&self) -> Option<&Ask> {
        match &self.work {
            Work::Ask(ask) => Some(ask),
            Work::Typed(work) => match &**work {
                TypedWork::Asked { ask, .. } => Some(ask),
                _ => None,
            },
            _ => None,
        }
    }

    /// The requests it is about, as far as they are to be read first.
    pub(super) fn requests(&self) -> Vec<&RequestId> {
        match &self.work {
            Work::Tell(id, _) => vec![id],
            Work::Woke(wakes) => wakes.iter().map(|waking| &waking.id).collect(),
            Work::Settled(settlement) => settlement.requests().collect(),
            Work::Overdue(holds) => holds.iter().map(|(_, id)| id).collect(),
            _ => Vec::new(),
        }
    }

    /// What it looks up in the ledger.
    pub(super) fn holds(&self) -> Vec<(&Key, &RequestId)> {
        match &self.work {
            Work::Settled(settlement) => settlement.requests().map(|id| (&settlement.key, id)).collect(),
            Work::Overdue(holds) => holds.iter().map(|(key, id)| (key, id)).collect(),
            _ => Vec::new(),
        }
    }

    /// Ends, and what was settled, are saved before everything else that waits.
    fn is_urgent(&self) -> bool {
        match &self.work {
            Work::Settled(_) | Work::Overdue(_) => true,
            Work::Woke(wakes) => wakes.iter().any(|waking| matches!(waking.wake, Wake::Expire | Wake::Alarm)),
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
    pub(super) async fn take(&mut self, batch: &mut Vec<Job>, stop: &CancellationToken) {
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
    /// Requests that changed when a key was settled, or when their times came.
    Changed(Vec<Told>),
    /// Nobody needs to hear of it.
    Nothing,
}

impl Written {
    pub(super) fn told(request: Arc<Request>, repeated: bool) -> Self {
        Self::Request(Box::new(Told { request, repeated }))
    }
}

/// What is sent back to whoever waits for a job.
pub(super) type Outcome = Result<Written, TellError>;
