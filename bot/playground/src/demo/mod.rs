//! The demo: both worlds and the bot in one process, a page that shows them, and the same story as text.
//!
//! The playground does not know the bot. Whoever starts the demo brings a [`Lodger`], which can be started, and killed
//! without warning, as often as somebody likes.

mod act;
mod changes;
mod coach;
mod guard;
mod page;
pub mod script;
mod state;
mod switches;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::routing::{get, post};
use futures_util::future::BoxFuture;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::slack::{Seed, SlackWorld};
use super::tailnet::TailnetWorld;
use coach::Coach;
use nightlatch_clock::Clock;
use switches::Switches;

pub use switches::{SlackMood, TailscaleMood};

/// Larger bodies are refused: people type a few hundred characters.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// How many ports after the wanted one are tried when it is taken.
const PORTS_TRIED: u16 = 20;

/// The bot, as the demo holds it: something that runs or does not.
pub trait Lodger: Send + Sync + 'static {
    /// Whether it was started and not killed since.
    fn is_running(&self) -> bool;
    /// Starts it from what it has saved; fine if it runs already. The error is told to people as it is.
    fn start(&self) -> BoxFuture<'_, Result<(), String>>;
    /// Ends it in the middle of whatever it does; nothing is finished, nothing is flushed.
    fn kill(&self);
    /// Waits until it has nothing to do now. When it will have next, in ms since the epoch; nothing if it has no plans or
    /// does not run. The error: it did not come to rest.
    fn rest(&self) -> BoxFuture<'_, Result<Option<i64>, String>>;
    /// Lets it finish what is in hand, and ends it.
    fn stop(&self) -> BoxFuture<'_, ()>;
}

/// The two worlds that share one clock.
#[derive(Clone)]
pub struct Worlds {
    /// The clock of both worlds and of the bot.
    pub clock: Clock,
    /// The workspace.
    pub slack: SlackWorld,
    /// The tailnet.
    pub tailnet: TailnetWorld,
}

impl Worlds {
    /// Opens both worlds on free ports of 127.0.0.1. `hints` tell which slash commands the app has.
    ///
    /// # Errors
    /// If a port cannot be had.
    pub async fn start(clock: Clock, hints: &Hints) -> io::Result<Self> {
        let mut seed = Seed::acme();
        seed.app.commands = hints.commands.iter().map(|hint| hint.command.clone()).collect();
        let slack = SlackWorld::start(clock.clone(), seed).await?;
        let tailnet = TailnetWorld::start(clock.clone()).await?;
        tailnet.edit_policy(with_rules_of_the_others).map_err(io::Error::other)?;
        Ok(Self { clock, slack, tailnet })
    }
}

/// Each of the example workflows opens a rule, so that there is a door to see for each.
fn with_rules_of_the_others(policy: &str) -> String {
    let postures = r#"
		"posture:jitStaging":  ["custom:jit_staging_admin == true"],
		"posture:jitCustomer": ["custom:jit_customer_data == true"],"#;
    let grants = r#"
		{"src": ["group:engineering"], "dst": ["tag:staging"], "ip": ["tcp:22"], "srcPosture": ["posture:jitStaging"]},
		{"src": ["group:engineering"], "dst": ["tag:customer-db"], "ip": ["tcp:5432"], "srcPosture": ["posture:jitCustomer"]},"#;
    policy
        .replacen(
            "\"tagOwners\": {",
            "\"tagOwners\": {\n\t\t\"tag:staging\": [\"group:dba\"],\n\t\t\"tag:customer-db\": [\"group:dba\"],",
            1,
        )
        .replacen("\"postures\": {", &format!("\"postures\": {{{postures}"), 1)
        .replacen("\"grants\": [", &format!("\"grants\": [{grants}"), 1)
}

/// What the page's composer offers while one types. It is no secret of the bot's: people learn it from `/access`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Hints {
    /// Slash commands.
    pub commands: Vec<CommandHint>,
    /// What can be borrowed.
    pub names: Vec<NameHint>,
    /// Shortcuts, global and for messages.
    pub shortcuts: Vec<ShortcutHint>,
    /// How to do it for real: Markdown.
    #[serde(skip)]
    pub go_live: &'static str,
}

/// A slash command.
#[derive(Clone, Debug, Serialize)]
pub struct CommandHint {
    /// With its `/`.
    pub command: String,
    /// For people.
    pub title: String,
    /// What is typed after it.
    pub usage: String,
}

/// Something that can be borrowed.
#[derive(Clone, Debug, Serialize)]
pub struct NameHint {
    /// What people type after `/access`.
    pub name: String,
    /// For people.
    pub title: String,
    /// Its own slash command, if it has one.
    pub command: Option<String>,
    /// Lengths of time worth offering, shortest first, the longest allowed last.
    pub holds: Vec<String>,
    /// The usual one.
    pub hold: String,
}

/// A shortcut of the app.
#[derive(Clone, Debug, Serialize)]
pub struct ShortcutHint {
    /// For people.
    pub name: String,
    /// What the bot hears.
    pub callback_id: String,
    /// It is used on a message, and not from anywhere.
    pub is_for_messages: bool,
}

/// Everything the page shows and changes. Clones are the same demo.
#[derive(Clone)]
struct Demo {
    worlds: Worlds,
    lodger: Arc<dyn Lodger>,
    hints: Arc<Hints>,
    inner: Arc<Mutex<Inner>>,
    /// Changes of the demo itself: clock, switches, the bot.
    changed: Arc<watch::Sender<u64>>,
    stopped: CancellationToken,
}

#[derive(Debug, Default)]
struct Inner {
    switches: Switches,
    coach: Coach,
    /// Why the bot did not start when it was last asked to.
    trouble: Option<String>,
    /// The bot is being started.
    is_starting: bool,
}

impl Demo {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn touch(&self) {
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// The page, bound to its address and not yet answering.
pub struct Page {
    demo: Demo,
    listener: TcpListener,
    address: SocketAddr,
}

impl Page {
    /// Binds `port` of 127.0.0.1, or the next free one after it; 0 is any free one.
    ///
    /// # Errors
    /// If none of these ports can be had.
    pub async fn bind(worlds: Worlds, lodger: Arc<dyn Lodger>, hints: Hints, port: u16) -> io::Result<Self> {
        let listener = bind(port).await?;
        let address = listener.local_addr()?;
        let demo = Demo {
            worlds,
            lodger,
            hints: Arc::new(hints),
            inner: Arc::default(),
            changed: Arc::new(watch::Sender::new(0)),
            stopped: CancellationToken::new(),
        };
        Ok(Self { demo, listener, address })
    }

    /// Where to point a browser.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Answers until `until` comes.
    ///
    /// # Errors
    /// If the listener breaks.
    pub async fn serve(self, until: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        let Self { demo, listener, .. } = self;
        let stopped = demo.stopped.clone();
        let stop = async move {
            until.await;
            // Pages that listen for changes would keep the server open for ever.
            stopped.cancel();
        };
        axum::serve(listener, router(demo)).with_graceful_shutdown(stop).await
    }
}

fn router(demo: Demo) -> Router {
    Router::new()
        .route("/", get(page::index))
        .route("/page/{file}", get(page::file))
        .route("/go-live", get(page::go_live))
        .route("/api/state", get(state::show))
        .route("/api/changes", get(changes::stream))
        .route("/api/{act}", post(act::perform))
        .route("/api/bot/{act}", post(act::perform_on_bot))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn(guard::keep_out))
        .with_state(demo)
}

async fn bind(port: u16) -> io::Result<TcpListener> {
    let last = if port == 0 { 0 } else { port.saturating_add(PORTS_TRIED) };
    let mut found = Err(io::Error::from(io::ErrorKind::AddrInUse));
    for port in port..=last {
        found = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
        if !matches!(&found, Err(error) if error.kind() == io::ErrorKind::AddrInUse) {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests;
