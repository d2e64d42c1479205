//! The real bot on a runtime of its own, so that it can be killed without warning and started again from its database.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nightlatch::app::Bot;
use nightlatch::clock::{Clock, Ids};
use nightlatch::config::secret::LentSecret;
use nightlatch::config::{Config, RunAs, Secrets, SlackSecrets, TailscaleSecrets};
use nightlatch::engine::directory::List as KnownList;
use nightlatch::kernel::Effect;
use nightlatch::playground::slack::SlackWorld;
use nightlatch::playground::tailnet::{Serving, TailnetWorld};
use nightlatch::steps::List;
use nightlatch::store::Store;
use secrecy::SecretString;
use sqlx::Connection;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::Mutex;

use super::{Mode, Setting};

const SOCKET: &str = "http.sock";
const STAFF: &str = "people.yaml";
const LOOKING_AROUND: Duration = Duration::from_secs(10);
const LOOKING_AT_DEVICES: Duration = Duration::from_secs(4);

/// A killed bot lets go of its database and its socket a moment later.
fn is_not_gone_yet(why: &str) -> bool {
    why.contains("in use by another") || why.contains("in use (os error")
}

/// The bot, alive or not.
#[derive(Clone)]
pub struct BotHandle {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Clock,
    ids: Ids,
    slack: SlackWorld,
    tailnet: TailnetWorld,
    folder: Arc<TempDir>,
    config: Config,
    mode: Mode,
    has_api_key: bool,
    named: BTreeMap<String, LentSecret>,
    steps: List,
    /// Where people of the tailnet find the pages.
    serving: Serving,
    alive: Mutex<Option<(Bot, Runtime)>>,
}

impl BotHandle {
    pub async fn new(
        setting: Setting,
        clock: Clock,
        slack: SlackWorld,
        tailnet: TailnetWorld,
        folder: Arc<TempDir>,
    ) -> Self {
        let workflows = folder.path().join("workflows");
        std::fs::create_dir(&workflows).expect("a folder for workflows");
        for (name, text) in &setting.workflows {
            std::fs::write(workflows.join(format!("{name}.yaml")), text).expect("a workflow file");
        }
        let policies = folder.path().join("policies");
        std::fs::create_dir(&policies).expect("a folder for guardrails");
        for (name, text) in &setting.guardrails {
            std::fs::write(policies.join(format!("{name}.cedar")), text).expect("a file of guardrails");
        }
        if !setting.staff.is_empty() {
            std::fs::write(folder.path().join(STAFF), &setting.staff).expect("people.yaml");
        }
        let socket = folder.path().join(SOCKET);
        let serving = tailnet.serve(&socket, 0).await.expect("a port");
        let listen = if setting.is_on_a_port { "127.0.0.1:0".to_owned() } else { format!("unix:{}", socket.display()) };
        // On a port everything arrives at one address, as it always may.
        let mode = match (setting.mode, setting.is_on_a_port) {
            (Mode::Http, false) => "http\n  listen: 127.0.0.1:0",
            (Mode::Http, true) => "http",
            _ => "socket",
        };
        let people: String = setting.people.iter().map(|(id, login)| format!("\n  {id}: {login}")).collect();
        let people = if people.is_empty() { " {}".to_owned() } else { people };
        let credential = if setting.has_api_key {
            "api_key: env:TAILSCALE_API_KEY"
        } else {
            "client_id: env:TAILSCALE_CLIENT_ID\n  client_secret: env:TAILSCALE_CLIENT_SECRET"
        };
        let text = format!(
            "database: sqlite://nightlatch.db\nlisten: {listen}\nurl: https://nightlatch.example.ts.net\n\
             slack:\n  mode: {mode}\n  api_url: {}\n  bot_token: env:SLACK_BOT_TOKEN\n  app_token: env:SLACK_APP_TOKEN\n  \
             signing_secret: env:SLACK_SIGNING_SECRET\ntailscale:\n  api_url: {}\n  {credential}\n  policy_file: {{ {} }}\n  socket: {}\npeople:{people}\n{}\n",
            slack.api_url(),
            tailnet.url(),
            setting.policy_file,
            tailnet.socket().display(),
            setting.more,
        );
        let mut config = Config::from_text("nightlatch.yaml", folder.path(), &text).expect("a good configuration");
        // Only root runs programs as somebody else.
        if let Some(programs) = config.programs.as_mut().filter(|_| !rustix::process::geteuid().is_root()) {
            programs.run_as = RunAs::Ourselves;
        }
        let inner = Inner {
            clock,
            ids: Ids::counted(),
            slack,
            tailnet,
            folder,
            config,
            mode: setting.mode,
            has_api_key: setting.has_api_key,
            named: setting.named,
            steps: setting.steps,
            serving,
            alive: Mutex::new(None),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Starts the bot and waits until Slack can reach it.
    pub async fn start(&self) {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let app = self.inner.slack.app();
        let secrets = Secrets {
            slack: SlackSecrets {
                bot_token: SecretString::from(app.bot_token),
                app_token: Some(SecretString::from(app.app_token)),
                signing_secret: Some(SecretString::from(app.signing_secret)),
            },
            tailscale: if self.inner.has_api_key {
                TailscaleSecrets::ApiKey(self.inner.tailnet.api_key())
            } else {
                TailscaleSecrets::Client {
                    id: self.inner.tailnet.client_id(),
                    secret: self.inner.tailnet.client_secret(),
                }
            },
            named: self.inner.named.clone(),
        };
        // The killed bot's file lock goes away when its threads do, a moment after the kill.
        let mut bot = None;
        for _ in 0..2_000 {
            let (config, secrets) = (self.inner.config.clone(), secrets.clone());
            let (clock, ids) = (self.inner.clock.clone(), self.inner.ids.clone());
            let steps = self.inner.steps;
            let started = runtime.spawn(async move { Bot::start_with(steps, &config, secrets, (clock, ids)).await });
            match started.await.expect("starting does not panic") {
                Ok(started) => {
                    bot = Some(started);
                    break;
                }
                Err(error) if is_not_gone_yet(&error.to_string()) => tokio::task::yield_now().await,
                Err(error) => panic!("the bot does not start: {error}"),
            }
        }
        let bot = bot.expect("the old bot lets go of its database");
        // Stories begin when the bot has looked around once; one about a world that does not answer, or that takes long for its list of
        // devices, begins without.
        let directory = bot.engine().directory().clone();
        let others = [KnownList::People, KnownList::Users, KnownList::Policy, KnownList::Groups];
        for list in others {
            drop(tokio::time::timeout(LOOKING_AROUND, directory.read_since(list, 0)).await);
        }
        drop(tokio::time::timeout(LOOKING_AT_DEVICES, directory.read_since(KnownList::Devices, 0)).await);
        drop(directory);
        match self.inner.mode {
            Mode::Http => {
                let address = bot.slack_address().or(bot.address()).expect("an address");
                super::use_http(&self.inner.slack, format!("http://{address}"));
            }
            Mode::Socket | Mode::Killed => {
                let mut health = bot.socket_health();
                health.wait_for(|health| health.is_ready()).await.expect("the sockets are kept");
                assert!(self.inner.slack.until_connected(1).await, "Slack sees no socket");
            }
        }
        *self.inner.alive.lock().await = Some((bot, runtime));
    }

    /// Returns when everything that is read in the background was read again.
    pub async fn looks_around(&self) {
        let directory = self.engine().await.directory().clone();
        let now = self.inner.clock.now_ms();
        for list in KnownList::ALL {
            for _ in 0..20 {
                if directory.read_since(list, now).await.is_ok() {
                    break;
                }
            }
        }
    }

    /// Ends the bot as `kill -9` would: nothing is finished, nothing flushed.
    pub async fn kill(&self) {
        if let Some((bot, runtime)) = self.inner.alive.lock().await.take() {
            runtime.shutdown_background();
            drop(bot);
        }
    }

    /// Ends the bot orderly.
    pub async fn stop(&self) {
        if let Some((bot, runtime)) = self.inner.alive.lock().await.take() {
            let stopping = runtime.spawn(bot.stop());
            stopping.await.expect("stopping does not panic");
            runtime.shutdown_background();
        }
    }

    /// Kills it and starts it again.
    pub async fn restart(&self) {
        self.kill().await;
        self.start().await;
    }

    /// Where people of the tailnet find its pages, through `tailscale serve`.
    pub fn address(&self) -> String {
        format!("http://{}", self.inner.serving.address)
    }

    /// The port of this machine that it listens on.
    pub async fn port(&self) -> String {
        let alive = self.inner.alive.lock().await;
        let address = alive.as_ref().expect("the bot is alive").0.address();
        format!("http://{}", address.expect("a TCP address"))
    }

    /// The unix socket it listens on.
    pub fn socket(&self) -> PathBuf {
        self.inner.folder.path().join(SOCKET)
    }

    /// The database, for looking.
    pub async fn store(&self) -> Store {
        self.inner.alive.lock().await.as_ref().expect("the bot is alive").0.engine().store().clone()
    }

    /// The engine; let go of it before the bot is killed.
    pub async fn engine(&self) -> nightlatch::engine::Engine {
        self.inner.alive.lock().await.as_ref().expect("the bot is alive").0.engine().clone()
    }

    /// Another program writes to the database, as a backup or a person with a shell does: nothing can be saved until
    /// what this returns is dropped.
    pub async fn lock_database(&self) -> sqlx::SqliteConnection {
        let options =
            sqlx::sqlite::SqliteConnectOptions::new().filename(self.inner.folder.path().join("nightlatch.db"));
        let mut other = sqlx::SqliteConnection::connect_with(&options).await.expect("the database opens");
        sqlx::query("begin immediate").execute(&mut other).await.expect("the write lock");
        other
    }

    /// Every byte of the database and of what stands beside it.
    pub async fn database(&self) -> String {
        let mut all = String::new();
        for ending in ["", "-wal", "-shm"] {
            let path = self.inner.folder.path().join(format!("nightlatch.db{ending}"));
            let bytes = std::fs::read(path).unwrap_or_default();
            assert!(!ending.is_empty() || !bytes.is_empty(), "there is a database");
            all.push_str(&String::from_utf8_lossy(&bytes));
        }
        all
    }

    /// Changes the database behind the bot's back, as damage or another version does. The bot should be dead meanwhile.
    pub async fn change_database(&self, sql: &'static str) {
        let options =
            sqlx::sqlite::SqliteConnectOptions::new().filename(self.inner.folder.path().join("nightlatch.db"));
        let mut other = sqlx::SqliteConnection::connect_with(&options).await.expect("the database opens");
        sqlx::query(sql).execute(&mut other).await.expect("a change");
        other.close().await.expect("closed");
    }

    /// What waits in the outbox because it did not work out so far, with the reason: for stories that fail.
    pub async fn put_off(&self) -> String {
        let path = self.inner.folder.path().join("nightlatch.db");
        let mut other = sqlx::SqliteConnection::connect(&path.display().to_string()).await.expect("the database opens");
        let query = "select effect || ' ' || attempts || ' ' || coalesce(error, '') from outbox where attempts > 0";
        let rows: Vec<String> = sqlx::query_scalar(query).fetch_all(&mut other).await.expect("the outbox");
        rows.join("\n")
    }

    /// Rereads the workflows, as SIGHUP does.
    pub async fn reload(&self) -> Result<usize, String> {
        self.inner.alive.lock().await.as_ref().expect("alive").0.reload().map_err(|report| report.to_string())
    }

    /// Changes a workflow file.
    pub fn write_workflow(&self, name: &str, text: &str) {
        let path = self.inner.folder.path().join("workflows").join(format!("{name}.yaml"));
        std::fs::write(path, text).expect("a workflow file");
    }

    /// Changes `people.yaml`.
    pub fn write_staff(&self, text: &str) {
        std::fs::write(self.inner.folder.path().join(STAFF), text).expect("people.yaml");
    }

    /// Takes `people.yaml` away.
    pub fn remove_staff(&self) {
        std::fs::remove_file(self.inner.folder.path().join(STAFF)).expect("people.yaml");
    }

    /// Changes a file of guardrails.
    pub fn write_guardrail(&self, name: &str, text: &str) {
        let path = self.inner.folder.path().join("policies").join(format!("{name}.cedar"));
        std::fs::write(path, text).expect("a file of guardrails");
    }

    /// Takes a file of guardrails away.
    pub fn remove_guardrail(&self, name: &str) {
        let path = self.inner.folder.path().join("policies").join(format!("{name}.cedar"));
        std::fs::remove_file(path).expect("a file of guardrails");
    }

    /// Takes a workflow file away.
    pub fn remove_workflow(&self, name: &str) {
        let path = self.inner.folder.path().join("workflows").join(format!("{name}.yaml"));
        std::fs::remove_file(path).expect("a workflow file");
    }

    /// Metrics as Prometheus reads them.
    pub async fn metrics(&self) -> String {
        let alive = self.inner.alive.lock().await;
        let engine = alive.as_ref().expect("alive").0.engine();
        let (states, stuck) = engine.store().counts().await.expect("counts");
        engine.metrics().text(&states, stuck)
    }

    /// Returns when nothing is due and nothing is in hand. Messages that were only paced are waited for by moving the
    /// clock a little; nothing else moves it.
    pub async fn settle(&self) {
        loop {
            self.idle().await;
            let now = self.inner.clock.now_ms();
            let waiting = self.store().await.waiting().await.expect("the outbox");
            let said = |effect: &Effect| matches!(effect, Effect::Show { .. } | Effect::Tell { .. });
            let soon = waiting.iter().filter(|one| said(&one.effect) && one.due_at > now && one.due_at - now <= 2_500);
            match soon.map(|one| one.due_at).min() {
                Some(at) => self.inner.clock.advance(Duration::from_millis((at - now).unsigned_abs())),
                None => return,
            }
        }
    }

    async fn idle(&self) {
        if self.inner.mode != Mode::Killed {
            let engine = self.inner.alive.lock().await.as_ref().expect("the bot is alive").0.engine().clone();
            return engine.idle().await;
        }
        // Whenever an effect was taken out of the outbox, the bot dies and another one goes on.
        loop {
            let died = self.dies_after_an_effect().await;
            if !died {
                return;
            }
            self.restart().await;
        }
    }

    /// False when there was nothing left to do. No handle of the engine outlives this, or its database stays locked.
    async fn dies_after_an_effect(&self) -> bool {
        let engine = self.inner.alive.lock().await.as_ref().expect("the bot is alive").0.engine().clone();
        let saved = || engine.metrics().effects_saved();
        let before = saved();
        let mut idle = std::pin::pin!(engine.idle());
        loop {
            tokio::select! {
                biased;
                () = &mut idle => return false,
                () = tokio::task::yield_now() => {
                    if saved() > before {
                        return true;
                    }
                }
            }
        }
    }

    /// Moves the clock, stopping wherever something becomes due.
    pub async fn advance(&self, by: Duration) {
        self.settle().await;
        let clock = &self.inner.clock;
        let end = clock.now_ms() + i64::try_from(by.as_millis()).expect("a reasonable time");
        while clock.now_ms() < end {
            let next = self.store().await.next_due(clock.now_ms()).await.expect("the outbox");
            let stop = next.filter(|at| *at < end).unwrap_or(end);
            clock.advance(Duration::from_millis((stop - clock.now_ms()).unsigned_abs()));
            self.settle().await;
        }
    }
}
