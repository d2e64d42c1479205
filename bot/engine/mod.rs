//! The ring: `tell` is the only way to change anything; a worker performs what was saved and reports back as events.

mod alarms;
pub mod asking;
mod awaited;
mod bursts;
mod carrying;
mod circumstances;
pub mod directory;
mod drift;
mod explaining;
mod for_another;
mod guarding;
mod handing;
pub mod health;
mod herd;
mod jobs;
pub mod links;
pub mod logbook;
mod measures;
pub mod metrics;
pub mod operating;
mod orphans;
mod parts;
mod passing;
pub mod pastes;
pub mod people;
mod perform;
mod performed;
mod preparing;
pub mod previewing;
mod process;
pub mod reading;
mod saying;
mod schedule;
mod settle;
mod settling;
mod showing;
mod turns;
pub mod typed;
mod watch;
mod worker;
mod writer;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, Weak};

use serde_json::Value;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

use crate::catalog::Catalog;
use crate::clock::{Clock, Ids};
use crate::config::Ceilings;
use crate::kernel::effect::Effect;
use crate::kernel::{Actor, Ask, Event, Refusal, Request, RequestId, Subject};
use crate::notices::Notices;
use crate::outside::slack::Slack;
use crate::outside::tailscale::Tailscale;
use crate::steps::Steps;
use crate::store::{Store, StoreError};
pub use metrics::Metrics;
pub use parts::Parts;

/// The handle everybody has. Cloning shares the engine.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

/// A handle that does not keep the engine alive: for what the engine itself holds.
pub struct WeakEngine {
    inner: Weak<Inner>,
}

impl WeakEngine {
    /// The engine, if it is still there.
    pub fn upgrade(&self) -> Option<Engine> {
        self.inner.upgrade().map(|inner| Engine { inner })
    }
}

struct Inner {
    store: Store,
    clock: Clock,
    ids: Ids,
    slack: Slack,
    people: people::People,
    directory: directory::Directory,
    /// How whoever typed something is told what became of it.
    answering: OnceLock<typed::Answering>,
    steps: Steps,
    pastes: pastes::Pastes,
    ceilings: Ceilings,
    notices: Notices,
    catalog: RwLock<Arc<Catalog>>,
    /// The fingerprint of the guardrails whose text stands in the log.
    pinned: Mutex<Option<String>>,
    metrics: Metrics,
    health: health::Health,
    watch: watch::Watch,
    tailscale: Tailscale,
    links: links::LinkPlace,
    logbook: logbook::Logbook,
    jobs: jobs::Jobs,
    /// A key has one writer.
    turns: turns::Turns,
    /// Who asks the ledger at the same time asks together.
    herd: herd::Herd,
    /// Cards that may stand in Slack without our knowing.
    unsure: showing::Unsure,
    alarms: alarms::Alarms,
    /// Rings when the workflows changed, and with them when they start by themselves.
    rescheduled: Notify,
    /// Rings when something was saved.
    saved: Notify,
    /// Counts saves, so that "idle" can be told from "has not looked yet".
    saves: AtomicU64,
    /// What the worker saw when it last had nothing to do.
    idle: tokio::sync::watch::Sender<Option<worker::Idle>>,
}

/// What a tell led to.
#[derive(Clone, Debug)]
pub struct Told {
    /// The request as it is now, saved.
    pub request: Arc<Request>,
    /// Slack had delivered this before; nothing was changed now.
    pub repeated: bool,
}

/// Why nothing was saved.
#[derive(Debug, thiserror::Error)]
pub enum TellError {
    /// The rules say no.
    #[error("refused: {0}")]
    Refused(#[from] Refusal),
    /// There is no request of that id.
    #[error("there is no request {0}")]
    NoSuchRequest(RequestId),
    /// What is stored of the request cannot be read by this version.
    #[error("not saved: {0}")]
    Unreadable(String),
    /// The same delivery is saved as it was typed, and is being looked up.
    #[error("it is being looked up")]
    BeingLookedUp,
    /// The database did not save it.
    #[error("not saved: {0}")]
    NotSaved(String),
}

impl Engine {
    /// Makes an engine and starts its writer and worker; they stop when `stop` is cancelled.
    pub fn start(parts: Parts, stop: CancellationToken) -> (Self, Running) {
        let (jobs, queue) = jobs::queue();
        let Parts {
            store,
            clock,
            ids,
            slack,
            tailscale,
            notices,
            catalog,
            steps,
            people,
            ceilings,
            links,
            pastes,
            logbook,
            services,
        } = parts;
        let tailnet = tailscale.clone();
        let pastes = pastes::Pastes::new(store.clone(), clock.clone(), ids.clone(), jobs.clone(), (pastes, ceilings));
        let keeper = Arc::new(pastes::PasteKeeper::new(pastes.clone()));
        let (logins, clients) = (Arc::new(people), (slack.clone(), tailscale.clone()));
        let (outside, link_keeper) = parts::outside(&clients, keeper, services, &clock);
        let directory = directory::Directory::new(store.clone(), clients, logins.clone(), clock.clone(), jobs.clone());
        let inner = Inner {
            people: people::People::new(slack.clone(), tailscale.clone(), logins, directory.clone(), clock.clone()),
            directory,
            answering: OnceLock::new(),
            steps: Steps::new(steps, &outside),
            pastes,
            ceilings,
            catalog: RwLock::new(Arc::new(catalog)),
            pinned: Mutex::default(),
            metrics: Metrics::new(),
            health: health::Health::default(),
            watch: watch::Watch::default(),
            unsure: showing::Unsure::default(),
            alarms: alarms::Alarms::default(),
            rescheduled: Notify::new(),
            turns: turns::Turns::default(),
            herd: herd::Herd::default(),
            saved: Notify::new(),
            saves: AtomicU64::new(0),
            idle: tokio::sync::watch::Sender::new(None),
            tailscale,
            links,
            logbook,
            store,
            clock,
            ids,
            slack,
            notices,
            jobs,
        };
        let engine = link_keeper.of(Self { inner: Arc::new(inner) });
        // The writer outlives the worker: what was performed must still be written down.
        let worked = CancellationToken::new();
        let writer = tokio::spawn(writer::run(engine.clone(), queue, worked.clone()));
        let working = worker::run(engine.clone(), stop.clone());
        let watching = watch::run(engine.clone(), stop.clone());
        let flushing = links::keep_flushing(engine.clone(), stop.clone());
        let worker = tokio::spawn(async move {
            tokio::join!(working, watching, flushing);
            worked.cancel();
        });
        let verifying = tokio::spawn(logbook::keep_verified(engine.inner.logbook.clone(), stop.clone()));
        parts::keep(&engine, tailnet, &stop);
        // The anchor outlives the writer: the last thing that was saved is anchored too.
        let written = CancellationToken::new();
        let anchoring = tokio::spawn(logbook::keep_anchored(engine.clone(), written.clone()));
        (engine, Running { writer, worker, verifying, anchoring, written })
    }

    /// Makes a request. Returns when it is saved. `delivery` is the fingerprint of Slack's delivery.
    ///
    /// # Errors
    /// Refused by the rules, or not saved; nothing has happened then.
    pub async fn ask(&self, ask: Ask, delivery: Option<String>) -> Result<Told, TellError> {
        let (by, work) = (Actor::Person { slack_id: ask.asked_by().to_owned() }, jobs::Work::Ask(Box::new(ask)));
        told(self.submit(work, by, delivery, None).await)
    }

    /// Tells the request what happened. Returns when everything that follows is saved.
    ///
    /// # Errors
    /// No such request, or not saved; nothing has happened then.
    pub async fn tell(
        &self,
        actor: Actor,
        request_id: &RequestId,
        event: Event,
        delivery: Option<String>,
    ) -> Result<Told, TellError> {
        told(self.submit(jobs::Work::Tell(request_id.clone(), Box::new(event)), actor, delivery, None).await)
    }

    /// The worker's way to tell: the effect is taken out of the outbox in the same transaction.
    async fn report(&self, request_id: &RequestId, event: Event, done: i64) -> Result<Told, TellError> {
        let actor = if matches!(event, Event::Woke { .. }) { Actor::Clock } else { Actor::Worker };
        told(self.submit(jobs::Work::Tell(request_id.clone(), Box::new(event)), actor, None, Some(done)).await)
    }

    /// Says this in a channel, or in a thread there, because the person `by` (Slack id) wants it shared. Returns when it is saved; the worker says
    /// it, and tells them if Slack does not take it. `about` is what is shared.
    ///
    /// # Errors
    /// Not saved; nothing will be said.
    pub async fn say(
        &self,
        by: &str,
        (channel, thread): (&str, Option<&str>),
        (text, blocks): (String, Value),
        about: Subject,
        delivery: Option<String>,
    ) -> Result<(), TellError> {
        let thread = thread.map(str::to_owned);
        let effect = Effect::Say { channel: channel.to_owned(), thread, by: by.to_owned(), text, blocks };
        let work = jobs::Work::Say { about, effect: Box::new(effect) };
        self.submit(work, Actor::Person { slack_id: by.to_owned() }, delivery, None).await.map(drop)
    }

    /// Writes into the audit log what happened to the log itself, on the word of whoever runs the command line here.
    async fn note(&self, about: Subject, event: Value, state: &'static str) -> Result<(), TellError> {
        let work = jobs::Work::Note { about, event, state };
        self.submit(work, Actor::Operator { by: None }, None, None).await.map(drop)
    }

    async fn submit(
        &self,
        work: jobs::Work,
        actor: Actor,
        delivery: Option<String>,
        done: Option<i64>,
    ) -> jobs::Outcome {
        let (answer, answered) = oneshot::channel();
        let stopping = || TellError::NotSaved("nightlatch is stopping".to_owned());
        let job = jobs::Job { work, actor, delivery, done, answer };
        self.inner.jobs.send(job).await.map_err(|()| stopping())?;
        answered.await.map_err(|_| stopping())?
    }

    /// A handle that does not keep the engine alive.
    pub fn downgrade(&self) -> WeakEngine {
        WeakEngine { inner: Arc::downgrade(&self.inner) }
    }

    /// What is kept; for reading.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// The clock seam.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// The workspace, for answers to what people do there (modals, private replies).
    pub fn slack(&self) -> &Slack {
        &self.inner.slack
    }

    /// What is known of people, groups and devices.
    pub fn directory(&self) -> &directory::Directory {
        &self.inner.directory
    }

    /// What the bot says.
    pub fn notices(&self) -> &Notices {
        &self.inner.notices
    }

    /// Counters and gauges.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// What steps can be.
    pub fn step_types(&self) -> &'static [crate::kernel::StepType] {
        self.inner.steps.types()
    }

    /// What can be asked for now.
    pub fn catalog(&self) -> Arc<Catalog> {
        self.inner.catalog.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Swaps the workflows. Requests already made keep the version they were made under.
    pub fn set_catalog(&self, catalog: Catalog) {
        *self.inner.catalog.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(catalog);
        self.inner.rescheduled.notify_one();
        // It may name other groups.
        self.inner.directory.want(directory::List::Groups);
        self.inner.directory.want(directory::List::Policy);
    }

    /// Returns when nothing is due, nothing is being performed and nothing was saved since.
    pub async fn idle(&self) {
        let mut idle = self.inner.idle.subscribe();
        loop {
            let (saves, now) = (self.inner.saves.load(Ordering::SeqCst), self.inner.clock.now_ms());
            self.inner.saved.notify_one();
            let seen = idle.wait_for(|seen| seen.as_ref().is_some_and(|seen| seen.saves >= saves && seen.now >= now));
            if seen.await.is_err() || self.inner.saves.load(Ordering::SeqCst) == saves {
                return;
            }
        }
    }
}

fn told(outcome: jobs::Outcome) -> Result<Told, TellError> {
    match outcome? {
        jobs::Written::Request(told) => Ok(*told),
        jobs::Written::Link(_) | jobs::Written::Paste(_) | jobs::Written::Changed(_) | jobs::Written::Nothing => {
            Err(TellError::NotSaved("nothing came of it; this is a bug".to_owned()))
        }
    }
}

/// The engine's tasks, to be waited for at the end.
pub struct Running {
    writer: tokio::task::JoinHandle<()>,
    worker: tokio::task::JoinHandle<()>,
    verifying: tokio::task::JoinHandle<()>,
    anchoring: tokio::task::JoinHandle<()>,
    /// Cancelled when nothing is written any more.
    written: CancellationToken,
}

impl Running {
    /// Returns when all have finished what was in hand.
    pub async fn finished(self) {
        let _ = self.worker.await;
        let _ = self.writer.await;
        self.written.cancel();
        let _ = (self.verifying.await, self.anchoring.await);
    }
}

impl From<StoreError> for TellError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoSuchRequest(id) => Self::NoSuchRequest(RequestId(id)),
            error @ StoreError::Unreadable(_) => Self::Unreadable(error.to_string()),
            error => Self::NotSaved(error.to_string()),
        }
    }
}
