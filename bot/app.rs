//! The bot as a whole: built from a configuration, started, reloaded, stopped. Everything is put together here, once.

pub mod clients;
mod connections;
mod files;
mod listen;
pub mod named;
pub mod trial;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::catalog::Catalog;
use crate::clock::{Clock, Ids};
use crate::config::{Config, Folders, Report, Secrets, SlackMode};
use crate::engine::{Engine, Parts, Running};
use crate::notices::Notices;
use crate::outside::contacts::Contacts;
use crate::outside::net::Net;
use crate::outside::slack::{Slack, SlackSetupError};
use crate::outside::tailscale::{Tailscale, TailscaleError};
use crate::outside::tailscaled::Tailscaled;
use crate::outside::tclip::TclipError;
use crate::slack::edge::Edge;
use crate::slack::socket::{SocketHealth, SocketSettings, Sockets};
use crate::slack::surface::Surface;
use crate::steps::{self, List, Services};
use crate::store::OpenError;
use crate::web;
use crate::web::pages::Pages;
use connections::Limits;
use listen::Bound;
use trial::{Finding, Trial};

/// How long work in hand may take when we stop.
const STOP_LIMIT: Duration = Duration::from_secs(8);
/// Between two attempts to learn who we are in Slack.
const INTRODUCTION_PAUSE: Duration = Duration::from_secs(5);
/// What was wrong may have been mended over there, and what was right may be gone.
const TRIAL_EVERY: Duration = Duration::from_secs(15 * 60);
/// A workspace can join an organisation: who we are is asked again this often.
const INTRODUCTION_EVERY: Duration = Duration::from_secs(6 * 3600);

/// Why the bot did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The workflows have mistakes.
    #[error("{0}")]
    Catalog(#[from] Report),
    /// The words have mistakes.
    #[error("the templates cannot be used: {0}")]
    Notices(#[from] crate::notices::NoticeError),
    /// The database.
    #[error("{0}")]
    Store(#[from] OpenError),
    /// The Slack client.
    #[error("{0}")]
    Slack(#[from] SlackSetupError),
    /// The Tailscale client.
    #[error("{0}")]
    Tailscale(#[from] TailscaleError),
    /// The client of golink.
    #[error("{0}")]
    Golink(#[from] crate::outside::golink::GolinkError),
    /// The client of tailscaled.
    #[error("{0}")]
    Tailscaled(#[from] crate::outside::tailscaled::TailscaledError),
    /// The pages.
    #[error("the pages cannot be used: {0}")]
    Pages(#[from] tera::Error),
    /// What is kept cannot be read.
    #[error("{0}")]
    Read(#[from] crate::store::StoreError),
    /// The tclip client.
    #[error("{0}")]
    Tclip(#[from] TclipError),
    /// What workflows may run.
    #[error("{0}")]
    Programs(String),
    /// The signing secret.
    #[error("slack.signing_secret is empty; copy it from the app's Basic Information page")]
    SigningSecret,
    /// The address.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: String,
        /// What the system says.
        source: std::io::Error,
    },
}

/// Time, ids and randomness.
pub type Seams = (Clock, Ids);

/// The scopes that the Slack app needs for these workflows.
pub type Needed = fn(&Catalog) -> Vec<&'static str>;

/// A running bot.
pub struct Bot {
    engine: Engine,
    edge: Edge,
    folders: Folders,
    /// Where everything is answered, and Slack alone.
    at: (Option<SocketAddr>, Option<SocketAddr>),
    health: watch::Receiver<SocketHealth>,
    /// The doors, and the engine behind them.
    stop: (CancellationToken, CancellationToken),
    doors: Vec<JoinHandle<()>>,
    running: Running,
    outside: (Slack, Tailscale),
}

impl Bot {
    /// Builds and starts everything. Slack and Tailscale need not answer yet; the database must open.
    ///
    /// # Errors
    /// What a person must mend before the bot can run; nothing was started then.
    pub async fn start(config: &Config, secrets: Secrets, clock: Clock, ids: Ids) -> Result<Self, StartError> {
        Self::start_with(steps::LIST, config, secrets, (clock, ids)).await
    }

    /// The same with other step types.
    ///
    /// # Errors
    /// What a person must mend before the bot can run; nothing was started then.
    pub async fn start_with(steps: List, config: &Config, secrets: Secrets, seams: Seams) -> Result<Self, StartError> {
        let (clock, ids) = seams;
        let catalog = clients::read_rules(&config.folders_named(), steps.types, None)?;
        let notices = Notices::with_overrides(&config.templates)?.knowing(steps.types);
        let programs = clients::programs(config)?;
        let net = Net::wire().telling(Contacts::new(clock.clone()));
        let slack = clients::slack_client(config, &secrets, &clock, &net)?;
        let tailscale = clients::tailscale_client(config, &secrets, &clock, &net)?;
        let signing = clients::signing_secrets(config, &secrets)?;
        let tailscaled = Tailscaled::new(&config.tailscale.socket)?.telling(net.contacts().clone());
        let identity = clients::identity(config, tailscaled.clone());
        let listener = listen::bind(&config.listen).await?;
        let slack_listener = listen::bind_if_named(config.slack.listen.as_ref()).await?;
        let shares = files::share(1 + usize::from(slack_listener.is_some()));
        let limits = Limits::of(shares.connections);
        let here = clients::reached_at(config, listener.address());
        let pages = Pages::new(clients::neighbours(config, &here))?;
        let (store, logbook) = clients::opened(config, &clock).await?;
        let links = clients::link_place(config, &store, &here, &clock, &net).await?;
        let (stop_doors, stop_engine) = (CancellationToken::new(), CancellationToken::new());
        let parts = Parts {
            store,
            clock: clock.clone(),
            ids: ids.clone(),
            slack: slack.clone(),
            tailscale: tailscale.clone(),
            notices,
            catalog,
            steps,
            people: config.people.clone(),
            ceilings: config.ceilings,
            links,
            pastes: clients::paste_settings(config, here, &net)?,
            logbook,
            services: Services::new(net.clone(), secrets.named.clone())
                .with(programs)
                .under(clients::policy_rules(config)),
        };
        let (engine, running) = Engine::start(parts, stop_engine.clone());
        let edge = Edge::new(Surface::handler(engine.clone()), slack.clone()).with_turns(shares.deliveries);
        let introduced = introduce(slack.clone()).await;
        let mut doors = vec![tokio::spawn(keep_introduced(slack.clone(), introduced, stop_doors.clone()))];
        let mut health = watch::Sender::new(SocketHealth::default()).subscribe();
        if config.slack.mode == SlackMode::Socket {
            let sockets = Sockets::new(slack.clone(), edge.clone(), ids.clone(), SocketSettings::default());
            health = sockets.health();
            doors.push(tokio::spawn(sockets.run(stop_doors.clone())));
        }
        let troubles = troubles(slack.clone(), health.clone(), config.slack.mode);
        let mut router = web::router(engine.clone(), troubles, sockets(health.clone(), config.slack.mode), tailscaled);
        let slack_address = slack_listener.as_ref().and_then(Bound::address);
        if let Some(signing) = signing {
            let door = crate::slack::http::router(edge.clone(), signing, clock);
            match slack_listener {
                Some(listener) => doors.push(tokio::spawn(listener.serve(door, limits, stop_doors.clone()))),
                None => router = router.merge(door),
            }
        }
        router = clients::with_pages(router, &engine, (identity, pages), &ids, config);
        let address = listener.address();
        info!(listen = %config.listen, "answering");
        doors.push(tokio::spawn(listener.serve(router, limits, stop_doors.clone())));
        let (stop, at, folders) = ((stop_doors, stop_engine), (address, slack_address), config.folders_named());
        Ok(Self { engine, edge, folders, at, health, stop, doors, running, outside: (slack, tailscale) })
    }

    /// The engine, for those who look.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Where we answer HTTP, if it is a TCP address.
    pub fn address(&self) -> Option<SocketAddr> {
        self.at.0
    }

    /// Returns, with the reason, when nobody knows any more what was saved: this process must end at once and another one start.
    pub async fn broken(&self) -> String {
        let mut broken = self.engine.store().broken();
        match broken.wait_for(Option::is_some).await {
            Ok(why) => why.clone().unwrap_or_default(),
            // The store is gone, and with it whatever could break.
            Err(_) => std::future::pending().await,
        }
    }

    /// Where Slack's calls arrive, if that is a TCP address of its own.
    pub fn slack_address(&self) -> Option<SocketAddr> {
        self.at.1
    }

    /// How the sockets are, now and from now on.
    pub fn socket_health(&self) -> watch::Receiver<SocketHealth> {
        self.health.clone()
    }

    /// Reads the workflows again: all of them, or, if one has a mistake, none.
    ///
    /// # Errors
    /// Every mistake; the workflows in use stay in use.
    pub fn reload(&self) -> Result<usize, Report> {
        let before = self.engine.catalog();
        let read = clients::read_rules(&self.folders, self.engine.step_types(), Some(&before));
        self.engine.metrics().note_reload(read.is_ok(), self.engine.clock().now_ms());
        let refused = read.as_ref().err().map(|report| {
            format!(
                "the workflows have {} mistakes and were not read again; those from before are in use",
                report.mistakes.len() + report.unlisted
            )
        });
        self.engine.health().warning("workflows", refused);
        let catalog = read?;
        let count = catalog.len();
        self.engine.set_catalog(catalog);
        Ok(count)
    }

    /// Tries now, whenever `again` rings and four times an hour what the workflows need of Slack and Tailscale, and looks for
    /// everybody and everything they name. What is wrong is logged, once as long as it stays the same, and a warning of `/readyz`.
    pub fn keep_trying_out(&self, again: Arc<Notify>, needed: Needed) -> impl Future<Output = ()> + Send + 'static {
        let (engine, (slack, tailscale)) = (self.engine.clone(), self.outside.clone());
        let (folder, staff) = (self.folders.workflows.clone(), self.folders.staff.clone());
        async move {
            let mut known: Vec<Finding> = Vec::new();
            loop {
                let catalog = engine.catalog();
                let (slack, tailscale, needed) = (&slack, &tailscale, needed(&catalog));
                let trial = Trial { slack, tailscale, catalog: &catalog, folder: &folder, staff: &staff, needed };
                let found = trial.run().await;
                for finding in found.iter().filter(|finding| !known.contains(finding)) {
                    warn!(place = finding.place, advice = finding.advice, "{}", finding.what);
                }
                engine.health().warnings("trial", found.iter().map(ToString::to_string).collect());
                known = found;
                tokio::select! {
                    () = again.notified() => {}
                    () = tokio::time::sleep(TRIAL_EVERY) => {}
                }
            }
        }
    }

    /// Stops orderly: no new deliveries, acks in hand are finished, effects in hand are performed, the file is closed.
    pub async fn stop(self) {
        self.stop.0.cancel();
        for door in self.doors {
            drop(tokio::time::timeout(STOP_LIMIT, door).await);
        }
        self.edge.finish(Duration::from_secs(2)).await;
        self.stop.1.cancel();
        if tokio::time::timeout(STOP_LIMIT, self.running.finished()).await.is_err() {
            warn!("some effects did not finish in time; they go on at the next start");
        }
        self.engine.store().close().await;
    }
}

/// Why we may not be able to work; read again at every probe.
fn troubles(slack: Slack, health: watch::Receiver<SocketHealth>, mode: SlackMode) -> web::Troubles {
    let last = Mutex::new(Vec::new());
    Arc::new(move || {
        let mut troubles = Vec::new();
        if slack.own_team().is_none() {
            troubles.push("Slack has not told us yet who we are (auth.test)".to_owned());
        }
        let health = health.borrow();
        if mode == SlackMode::Socket && !health.is_ready() {
            let why = health.trouble.clone().unwrap_or_else(|| "none is connected".to_owned());
            troubles.push(format!("no socket to Slack: {why}"));
        }
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if *last != troubles && !troubles.is_empty() {
            warn!(troubles = troubles.join("; "), "not ready");
        }
        last.clone_from(&troubles);
        troubles
    })
}

/// How many sockets are connected, where there are any.
fn sockets(health: watch::Receiver<SocketHealth>, mode: SlackMode) -> web::SocketCount {
    Arc::new(move || (mode == SlackMode::Socket).then(|| health.borrow().connected))
}

/// Asks Slack who we are. False: it did not say; people are refused until it does.
async fn introduce(slack: Slack) -> bool {
    match slack.auth_test().await {
        Ok(own) => {
            info!(team = own.team_id, bot = own.bot_user_id, "known to Slack");
            true
        }
        Err(failure) => {
            let advice = failure.advice().unwrap_or_default();
            error!(error = %failure, advice, "Slack does not say who we are; trying again");
            false
        }
    }
}

async fn keep_introduced(slack: Slack, mut introduced: bool, stop: CancellationToken) {
    loop {
        let pause = if introduced { INTRODUCTION_EVERY } else { INTRODUCTION_PAUSE };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
        introduced = introduce(slack.clone()).await;
    }
}
