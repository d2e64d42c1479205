//! A Slack workspace on loopback: it speaks Slack's wire protocols to the app and lets people live in it.
//!
//! [`SlackWorld::start`] serves the Web API, Socket Mode and response_urls on 127.0.0.1. People act through methods
//! named after what they do (`command`, `press`, `fill`, `submit_modal` ...), and what they see is read with `screen`,
//! `modal` and `home`. Facts about Slack come from its documentation; guesses are marked where they are made.

pub mod act;
pub mod blocks;
pub mod doors;
pub mod faults;
pub mod limits;
pub mod people;
pub mod screen;
pub mod seed;
pub mod state;

mod answers;
mod api;
mod change;
mod events;
mod files;
mod form;
mod hooks;
mod json;
mod payloads;
mod pick;
mod snapshot;
mod socket;
mod views;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{any, get, post};
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use act::{CannotAct, Surface};
pub use doors::{Delivered, Delivery, Door, Envelope};
pub use faults::{Disconnect, Fault};
pub use files::{File, Writing};
pub use limits::Limit;
pub use people::{Channel, ChannelKind, Group, Kind, Person};
pub use seed::{App, Seed, Team};
pub use state::{ApiCall, Message, MessageRef};

use nightlatch_clock::Clock;
use state::State;

/// Larger request bodies are refused; Slack's own views end at 250 kB.
const BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// How long `until` waits in real time before it gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running workspace. Clones share it; it stops serving when the last one is dropped.
#[derive(Clone)]
pub struct SlackWorld {
    state: Arc<Mutex<State>>,
    changed: Arc<watch::Sender<u64>>,
    stopped: CancellationToken,
    http: reqwest::Client,
    address: SocketAddr,
    /// Held by people's clones and not by the server's own, so that dropping the former ends the latter.
    _life: Option<Arc<DropGuard>>,
}

impl SlackWorld {
    /// Starts a workspace on a free loopback port.
    ///
    /// # Errors
    /// When no port can be bound or no HTTP client can be made.
    pub async fn start(clock: Clock, seed: Seed) -> std::io::Result<Self> {
        // Somebody else may have chosen the provider already; either is fine for plain HTTP.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().map_err(std::io::Error::other)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (stopped, dates) = (CancellationToken::new(), clock.clone());
        let served = Self {
            state: Arc::new(Mutex::new(State::new(clock, format!("http://{address}"), seed))),
            changed: Arc::new(watch::Sender::new(0)),
            stopped: stopped.clone(),
            http,
            address,
            _life: None,
        };
        let router = super::dated(served.router(), dates);
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        let until = stopped.clone().cancelled_owned();
        tokio::spawn(async move { axum::serve(listener, router).with_graceful_shutdown(until).await });
        Ok(Self { _life: Some(Arc::new(stopped.drop_guard())), ..served })
    }

    fn router(&self) -> Router {
        Router::new()
            .route("/api/{method}", any(api::serve))
            .route("/link/", get(socket::serve))
            .route("/files-pri/{file}/{name}", get(files::serve))
            .route("/{kind}/{team}/{number}/{secret}", post(hooks::serve))
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
            .with_state(self.clone())
    }

    /// `http://127.0.0.1:PORT/api`, for `slack.api_url`. Libraries that want a trailing slash may add one.
    pub fn api_url(&self) -> String {
        format!("http://{}/api", self.address)
    }

    /// The workspace, as it was seeded.
    pub fn team(&self) -> Team {
        self.state().team.clone()
    }

    /// The app with its tokens, as it was seeded.
    pub fn app(&self) -> App {
        self.state().app.clone()
    }

    /// Counts changes of any kind: wait on it to show the world as it moves.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Waits until `is_so`, looked at after every change. False when it was not so within ten seconds of real time.
    pub async fn until(&self, is_so: impl Fn(&Self) -> bool) -> bool {
        let mut changed = self.changed();
        let wait = async {
            while !is_so(self) {
                if changed.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.is_ok()
    }

    /// Waits until the app holds at least `count` sockets. False when it did not within ten seconds.
    pub async fn until_connected(&self, count: usize) -> bool {
        self.until(|world| world.sockets() >= count).await
    }

    /// Every call the app made so far, oldest first.
    pub fn calls(&self) -> Vec<ApiCall> {
        self.state().calls.clone()
    }

    /// Every odd thing the app did: unknown methods or arguments, bad blocks, acks with a body nobody reads ...
    /// Empty for a well-behaved app.
    pub fn violations(&self) -> Vec<String> {
        self.state().violations.clone()
    }

    /// Every text the app made visible or stored in Slack, one a line: search it for things that must not be there.
    pub fn everything_said(&self) -> String {
        self.state().said.join("\n")
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and tells everybody who watches.
    fn change<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        let result = with(&mut self.state());
        self.touch();
        result
    }

    fn touch(&self) {
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
    }
}

#[cfg(test)]
mod tests;
