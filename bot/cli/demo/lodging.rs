//! A room for the bot inside the demo: a folder of its own, a runtime of its own, and a door that can be slammed.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::leftovers;
use crate::app::{Bot, StartError};
use crate::catalog::Catalog;
use crate::clock::{Clock, Ids};
use crate::config::{Config, Secrets, SlackSecrets, TailscaleSecrets};
use crate::engine::directory::List as KnownList;
use crate::playground::demo::{Lodger, Worlds};
use crate::playground::tailnet::Serving;
use crate::steps::TYPES;
use crate::store::OpenError;

/// The workflows of the demo: those of the repository, so that it runs from anywhere.
const WORKFLOWS: &[(&str, &str)] = &[
    ("customer-data.yaml", include_str!("../../../workflows/customer-data.yaml")),
    ("prod-db.yaml", include_str!("../../../workflows/prod-db.yaml")),
    ("prod-shell.yaml", include_str!("../../../workflows/prod-shell.yaml")),
    ("staging-admin.yaml", include_str!("../../../workflows/staging-admin.yaml")),
];
/// Where the bot listens, in its room.
const SOCKET: &str = "http.sock";
/// A killed bot lets go of its database when its last task has noticed; so often we look.
const LOCK_TRIES: u32 = 100;
/// Between two looks.
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// Nothing the bot does at once takes longer, in real time; a call that hangs is given up before.
const REST_LIMIT: Duration = Duration::from_secs(60);
/// Reading one list for the first time; without an answer the story goes on as it would with a Tailscale that is down.
const LOOKING_LIMIT: Duration = Duration::from_secs(10);

/// A furnished room: a folder with the workflows, which goes when the room is dropped.
pub(super) struct Room {
    folder: TempDir,
    /// Tells other demos that somebody lives here; let go by dying, too.
    _lock: File,
}

impl Room {
    /// Makes the folder and writes the workflows into it.
    pub(super) fn furnish() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix(leftovers::PREFIX).tempdir()?;
        let lock = leftovers::live_in(folder.path())?;
        leftovers::remove(folder.path());
        let workflows = folder.path().join("workflows");
        std::fs::create_dir(&workflows)?;
        for (name, text) in WORKFLOWS {
            std::fs::write(workflows.join(name), text)?;
        }
        Ok(Self { folder, _lock: lock })
    }

    /// Where the bot listens.
    pub(super) fn socket(&self) -> PathBuf {
        self.folder.path().join(SOCKET)
    }

    /// What can be asked for here.
    pub(super) fn catalog(&self) -> io::Result<Catalog> {
        let workflows = self.folder.path().join("workflows");
        Catalog::read(&workflows, TYPES).map_err(|report| io::Error::other(report.to_string()))
    }
}

/// The bot in its room: what it keeps there survives a kill.
pub(super) struct Lodging {
    /// Nothing after the bot has moved out; pages that are still open must not keep it.
    room: Mutex<Option<Room>>,
    config: Config,
    secrets: Secrets,
    clock: Clock,
    ids: Ids,
    living: Mutex<Option<(Runtime, Bot)>>,
    /// What stands between a browser and the bot's pages, as `tailscale serve` does.
    _serving: Option<Serving>,
    /// One start or stop at a time.
    door: tokio::sync::Mutex<()>,
}

impl Lodging {
    /// Points the bot at the worlds; starts nothing.
    pub(super) fn new(room: Room, worlds: &Worlds, ids: Ids, address: Address) -> io::Result<Self> {
        let app = worlds.slack.app();
        let secrets = Secrets {
            slack: SlackSecrets {
                bot_token: SecretString::from(app.bot_token),
                app_token: Some(SecretString::from(app.app_token)),
                signing_secret: None,
            },
            tailscale: TailscaleSecrets::Client {
                id: worlds.tailnet.client_id(),
                secret: worlds.tailnet.client_secret(),
            },
            named: std::collections::BTreeMap::new(),
        };
        Ok(Self {
            config: config(worlds, room.folder.path(), &address.url)?,
            _serving: address.serving,
            room: Mutex::new(Some(room)),
            secrets,
            clock: worlds.clock.clone(),
            ids,
            living: Mutex::default(),
            door: tokio::sync::Mutex::default(),
        })
    }

    fn living(&self) -> std::sync::MutexGuard<'_, Option<(Runtime, Bot)>> {
        self.living.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn let_in(&self) -> Result<(), String> {
        let _one_at_a_time = self.door.lock().await;
        if self.is_running() {
            return Ok(());
        }
        for _ in 0..LOCK_TRIES {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .thread_name("bot")
                .enable_all()
                .build()
                .map_err(|error| error.to_string())?;
            let (config, secrets) = (self.config.clone(), self.secrets.clone());
            let (clock, ids) = (self.clock.clone(), self.ids.clone());
            let started = runtime.spawn(async move { Bot::start(&config, secrets, clock, ids).await }).await;
            match started {
                Ok(Ok(bot)) => {
                    *self.living() = Some((runtime, bot));
                    return Ok(());
                }
                Ok(Err(StartError::Store(OpenError::InUse(_)))) => runtime.shutdown_background(),
                Ok(Err(StartError::Listen { source, .. })) if source.kind() == io::ErrorKind::AddrInUse => {
                    runtime.shutdown_background();
                }
                Ok(Err(error)) => {
                    runtime.shutdown_background();
                    return Err(error.to_string());
                }
                Err(error) => {
                    runtime.shutdown_background();
                    return Err(error.to_string());
                }
            }
            tokio::time::sleep(LOCK_PAUSE).await;
        }
        Err("the killed bot does not let go of its database".to_owned())
    }

    async fn wait(&self) -> Result<Option<i64>, String> {
        let (handle, engine) = match self.living().as_ref() {
            Some((runtime, bot)) => (runtime.handle().clone(), bot.engine().clone()),
            None => return Ok(None),
        };
        let clock = self.clock.clone();
        let rested = handle.spawn(async move {
            // Who was not read yet is looked up while somebody waits, and then says so first.
            for list in KnownList::ALL {
                drop(tokio::time::timeout(LOOKING_LIMIT, engine.directory().read_since(list, 0)).await);
            }
            tokio::time::timeout(REST_LIMIT, engine.idle()).await.map_err(|_| "it does not come to rest".to_owned())?;
            engine.store().next_due(clock.now_ms()).await.map_err(|error| error.to_string())
        });
        rested.await.map_err(|error| error.to_string())?
    }

    async fn let_out(&self) {
        let _one_at_a_time = self.door.lock().await;
        let living = self.living().take();
        if let Some((runtime, bot)) = living {
            drop(runtime.spawn(bot.stop()).await);
            runtime.shutdown_background();
        }
        drop(self.room.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl Lodger for Lodging {
    fn is_running(&self) -> bool {
        self.living().is_some()
    }

    fn start(&self) -> BoxFuture<'_, Result<(), String>> {
        self.let_in().boxed()
    }

    fn kill(&self) {
        let living = self.living().take();
        if let Some((runtime, bot)) = living {
            // Tasks end where they stand; what was not committed is lost, as with `kill -9`.
            runtime.shutdown_background();
            drop(bot);
        }
    }

    fn rest(&self) -> BoxFuture<'_, Result<Option<i64>, String>> {
        self.wait().boxed()
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        self.let_out().boxed()
    }
}

/// Where the bot's own pages are.
pub(super) struct Address {
    url: String,
    serving: Option<Serving>,
}

impl Address {
    /// Where a browser of this machine finds them, through what stands in for `tailscale serve`.
    pub(super) async fn to_visit(room: &Room, worlds: &Worlds) -> io::Result<Self> {
        let serving = worlds.tailnet.serve(&room.socket(), 0).await?;
        let address: SocketAddr = serving.address;
        Ok(Self { url: format!("http://{address}"), serving: Some(serving) })
    }

    /// A name to be read in a story, which is the same every time.
    pub(super) fn to_read() -> Self {
        Self { url: "https://nightlatch.example.ts.net".to_owned(), serving: None }
    }
}

/// The same file people write, so that the demo reads its configuration as `serve` does.
fn config(worlds: &Worlds, folder: &Path, url: &str) -> io::Result<Config> {
    let text = format!(
        "database: sqlite://nightlatch.db\n\
         listen: unix:{SOCKET}\n\
         url: {url}\n\
         slack:\n  \
           mode: socket\n  \
           api_url: {slack}\n  \
           bot_token: env:SLACK_BOT_TOKEN\n  \
           app_token: env:SLACK_APP_TOKEN\n\
         tailscale:\n  \
           api_url: {tailscale}\n  \
           client_id: env:TAILSCALE_CLIENT_ID\n  \
           client_secret: env:TAILSCALE_CLIENT_SECRET\n  \
           socket: {socket}\n",
        socket = worlds.tailnet.socket().display(),
        slack = worlds.slack.api_url(),
        tailscale = worlds.tailnet.url(),
    );
    Config::from_text("nightlatch.yaml", folder, &text).map_err(|report| io::Error::other(report.to_string()))
}

#[cfg(test)]
mod tests {
    use super::WORKFLOWS;

    #[test]
    fn every_workflow_of_the_repository_is_in_the_demo() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("workflows");
        let mut found: Vec<_> = std::fs::read_dir(folder)
            .expect("the folder is there")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
            // What needs more of the configuration than the demo has stands in a folder of its own.
            .filter(|name| name != "examples")
            .collect();
        found.sort();
        assert_eq!(found, WORKFLOWS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }
}
