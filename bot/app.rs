//! The bot as a whole: built from a configuration, started, reloaded, stopped. Everything is put together here, once.

mod connections;
mod files;
mod listen;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::catalog::Catalog;
use crate::clock::{Clock, Ids};
use crate::config::{Config, Database, Report, Secrets, SlackMode, TailscaleSecrets};
use crate::engine::links::LinkPlace;
use crate::engine::logbook::Logbook;
use crate::engine::pastes::{PasteSettings, TclipPlace};
use crate::engine::{Engine, Parts, Running};
use crate::notices::Notices;
use crate::outside::slack::{Slack, SlackSettings, SlackSetupError};
use crate::outside::tailscale::{Credential, Tailscale, TailscaleError, TailscaleSettings};
use crate::outside::tailscaled::Tailscaled;
use crate::outside::tclip::{Tclip, TclipError};
use crate::slack::edge::Edge;
use crate::slack::http::SigningSecrets;
use crate::slack::socket::{SocketHealth, SocketSettings, Sockets};
use crate::slack::surface::Surface;
use crate::steps::{self, List};
use crate::store::{AnchorFile, OpenError, Store};
use crate::web;
use crate::web::identity::Identity;
use crate::web::links::LinkPages;
use crate::web::pages::{Neighbours, Pages};
use crate::web::pastes::PastePages;
use connections::Limits;
use listen::Bound;

/// How long work in hand may take when we stop.
const STOP_LIMIT: Duration = Duration::from_secs(8);
/// Between two attempts to learn who we are in Slack.
const INTRODUCTION_PAUSE: Duration = Duration::from_secs(5);
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

/// A running bot.
pub struct Bot {
    engine: Engine,
    edge: Edge,
    workflows: PathBuf,
    address: Option<SocketAddr>,
    slack_address: Option<SocketAddr>,
    health: watch::Receiver<SocketHealth>,
    stop_doors: CancellationToken,
    stop_engine: CancellationToken,
    doors: Vec<JoinHandle<()>>,
    running: Running,
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
        let catalog = Catalog::read(&config.workflows, steps.types)?;
        let notices = Notices::with_overrides(&config.templates)?;
        let slack = slack_client(config, &secrets, &clock)?;
        let tailscale = tailscale_client(config, &secrets, &clock)?;
        let signing = signing_secrets(config, &secrets)?;
        let identity = identity(config)?;
        let listener = listen::bind(&config.listen).await?;
        let slack_listener = match &config.slack.listen {
            Some(listen) => Some(listen::bind(listen).await?),
            None => None,
        };
        let shares = files::share(1 + usize::from(slack_listener.is_some()));
        let limits = Limits::of(shares.connections);
        let here = reached_at(config, listener.address());
        let pages = Pages::new(neighbours(config, &here))?;
        let (store, logbook) = opened(config, &clock).await?;
        let links = match &config.golink {
            Some(golink) => LinkPlace::there(golink, clock.clone())?,
            None => LinkPlace::here(&store, &here).await?,
        };
        let (stop_doors, stop_engine) = (CancellationToken::new(), CancellationToken::new());
        let parts = Parts {
            store,
            clock: clock.clone(),
            ids: ids.clone(),
            slack: slack.clone(),
            tailscale,
            notices,
            catalog,
            steps,
            people: config.people.clone(),
            links,
            pastes: paste_settings(config, here)?,
            logbook,
        };
        let (engine, running) = Engine::start(parts, stop_engine.clone());
        let edge = Edge::new(Surface::handler(engine.clone()), slack.clone()).with_turns(shares.deliveries);
        let introduced = introduce(slack.clone()).await;
        let mut doors = vec![tokio::spawn(keep_introduced(slack.clone(), introduced, stop_doors.clone()))];
        let settings = SocketSettings::default();
        let mut health = watch::Sender::new(SocketHealth::default()).subscribe();
        if config.slack.mode == SlackMode::Socket {
            let sockets = Sockets::new(slack.clone(), edge.clone(), ids.clone(), settings);
            health = sockets.health();
            doors.push(tokio::spawn(sockets.run(stop_doors.clone())));
        }
        let troubles = troubles(slack, health.clone(), config.slack.mode);
        let mut router = web::router(engine.clone(), troubles);
        let slack_address = slack_listener.as_ref().and_then(Bound::address);
        if let Some(signing) = signing {
            let door = crate::slack::http::router(edge.clone(), signing, clock);
            match slack_listener {
                Some(listener) => doors.push(tokio::spawn(listener.serve(door, limits, stop_doors.clone()))),
                None => router = router.merge(door),
            }
        }
        router = router.merge(PastePages::new(engine.clone(), identity.clone(), pages.clone()).router());
        // Last: it stands in front of everything else, and what is merged later would not be behind it.
        if config.golink.is_none() {
            router = LinkPages::new(engine.clone(), identity, pages, &ids).beside(router);
        }
        let address = listener.address();
        info!(listen = %config.listen, "answering");
        doors.push(tokio::spawn(listener.serve(router, limits, stop_doors.clone())));
        let workflows = config.workflows.clone();
        Ok(Self { engine, edge, workflows, address, slack_address, health, stop_doors, stop_engine, doors, running })
    }

    /// The engine, for those who look.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Where we answer HTTP, if it is a TCP address.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
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
        self.slack_address
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
        let catalog = Catalog::read(&self.workflows, self.engine.step_types())?;
        let count = catalog.len();
        self.engine.set_catalog(catalog);
        Ok(count)
    }

    /// Stops orderly: no new deliveries, acks in hand are finished, effects in hand are performed, the file is closed.
    pub async fn stop(self) {
        self.stop_doors.cancel();
        for door in self.doors {
            drop(tokio::time::timeout(STOP_LIMIT, door).await);
        }
        self.edge.finish(Duration::from_secs(2)).await;
        self.stop_engine.cancel();
        if tokio::time::timeout(STOP_LIMIT, self.running.finished()).await.is_err() {
            warn!("some effects did not finish in time; they go on at the next start");
        }
        self.engine.store().close().await;
    }
}

/// Where pastes go: to the tclip that is named, else to us.
fn paste_settings(config: &Config, here: String) -> Result<PasteSettings, StartError> {
    let tclip = match &config.tclip {
        Some(tclip) => Some(TclipPlace { client: Tclip::new(tclip.url.clone())?, is_public: tclip.is_public }),
        None => None,
    };
    Ok(PasteSettings { here, tclip })
}

/// How we find out who opens our pages.
fn identity(config: &Config) -> Result<Identity, StartError> {
    let host = config.url.as_ref().and_then(|url| url.host_str());
    let faces_internet = config.slack.mode == SlackMode::Http && config.slack.listen.is_none();
    Ok(Identity::new(Tailscaled::new(&config.tailscale.socket)?, host, faces_internet))
}

/// Which pages we have.
fn neighbours(config: &Config, here: &str) -> Neighbours {
    Neighbours { here: here.to_owned(), has_links: config.golink.is_none(), has_pastes: config.tclip.is_none() }
}

/// The database, and its log compared with the anchor, before anything in it is acted upon.
async fn opened(config: &Config, clock: &Clock) -> Result<(Store, Logbook), StartError> {
    let Database::Sqlite(path) = &config.database;
    let store = Store::open(&format!("sqlite://{}", path.display())).await?;
    clock.remember(store.last_saved_at().await?);
    let anchor = (AnchorFile::new(&config.anchor), config.anchor_channel.clone());
    let logbook = Logbook::open(&store, anchor, clock.clone()).await?;
    Ok((store, logbook))
}

/// How people reach us, without a slash at the end.
fn reached_at(config: &Config, address: Option<SocketAddr>) -> String {
    match (&config.url, address) {
        (Some(url), _) => url.as_str().trim_end_matches('/').to_owned(),
        (None, Some(address)) => format!("http://{address}"),
        (None, None) => "http://localhost".to_owned(),
    }
}

fn slack_client(config: &Config, secrets: &Secrets, clock: &Clock) -> Result<Slack, SlackSetupError> {
    let keys = &secrets.slack;
    let settings = SlackSettings::new(config.slack.api_url.as_str(), keys.bot_token.clone(), keys.app_token.clone());
    Slack::new(settings, clock.clone())
}

fn tailscale_client(config: &Config, secrets: &Secrets, clock: &Clock) -> Result<Tailscale, TailscaleError> {
    let credential = match &secrets.tailscale {
        TailscaleSecrets::Client { id, secret } => {
            Credential::ClientCredentials { client_id: id.clone(), secret: secret.clone() }
        }
        TailscaleSecrets::ApiKey(key) => Credential::ApiKey(key.clone()),
    };
    Tailscale::new(TailscaleSettings::new(config.tailscale.api_url.clone(), credential), clock.clone())
}

fn signing_secrets(config: &Config, secrets: &Secrets) -> Result<Option<SigningSecrets>, StartError> {
    if config.slack.mode == SlackMode::Socket {
        return Ok(None);
    }
    let secret = secrets.slack.signing_secret.clone().ok_or(StartError::SigningSecret)?;
    SigningSecrets::new(vec![secret]).map(Some).map_err(|_| StartError::SigningSecret)
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
