//! The real binary as a child process, with both worlds around it.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nightlatch::clock::Clock;
use nightlatch::playground::slack::{Seed, SlackWorld};
use nightlatch::playground::tailnet::TailnetWorld;
use secrecy::ExposeSecret;
use tempfile::TempDir;

const WORKFLOW: &str = r##"nightlatch: 1
title: Production database
inputs:
  hold: { type: duration, default: 1s, max: 1h }
  reason: { type: text, max_length: 500 }
  device: { type: device }
ask: [group:engineering]
approve:
  - by: [group:dba, "@db-oncall"]
steps:
  - uses: tailscale.attribute
    with: { device: "{{ inputs.device }}", key: custom:jit_prod_db, value: true }
announce: "#access"
"##;

/// A running bot; killed with its test, also when that fails.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder with a configuration, a workspace and a tailnet.
pub struct Scene {
    pub folder: TempDir,
    pub slack: SlackWorld,
    pub tailnet: TailnetWorld,
}

impl Scene {
    pub async fn set() -> Self {
        let clock = Clock::system();
        let slack = SlackWorld::start(clock.clone(), Seed::acme()).await.expect("a workspace");
        let tailnet = TailnetWorld::start(clock).await.expect("a tailnet");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("workflows")).expect("a folder");
        std::fs::write(folder.path().join("workflows/prod-db.yaml"), WORKFLOW).expect("a workflow");
        let config = format!(
            "database: sqlite://nightlatch.db\nlisten: 127.0.0.1:0\nurl: https://nightlatch.example.ts.net\n\
             ceilings: {{ same: 1000 }}\n\
             slack:\n  mode: socket\n  api_url: {}\n  bot_token: env:SLACK_BOT_TOKEN\n  app_token: env:SLACK_APP_TOKEN\n\
             tailscale:\n  api_url: {}\n  client_id: {}\n  client_secret: env:TAILSCALE_CLIENT_SECRET\n",
            slack.api_url(),
            tailnet.url(),
            tailnet.client_id(),
        );
        std::fs::write(folder.path().join("nightlatch.yaml"), config).expect("a configuration");
        Self { folder, slack, tailnet }
    }

    /// Where its database is.
    pub fn database(&self) -> PathBuf {
        let small = self.folder.path().join("disk/nightlatch.db");
        if small.exists() { small } else { self.folder.path().join("nightlatch.db") }
    }

    pub async fn start(&self) -> Process {
        self.start_with(&[]).await
    }

    /// With more in its environment.
    pub async fn start_with(&self, more: &[(&str, PathBuf)]) -> Process {
        self.start_by(Command::new(env!("CARGO_BIN_EXE_nightlatch")), more).await
    }

    /// With no more than so many files, which the process itself cannot change.
    pub async fn start_with_files(&self, files: u32) -> Process {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -n {files} && exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_nightlatch")]);
        self.start_by(shell, &[]).await
    }

    /// What the configuration names in the environment.
    pub fn secrets(&self) -> [(&'static str, String); 3] {
        let app = self.slack.app();
        [
            ("SLACK_BOT_TOKEN", app.bot_token),
            ("SLACK_APP_TOKEN", app.app_token),
            ("TAILSCALE_CLIENT_SECRET", self.tailnet.client_secret().expose_secret().to_owned()),
        ]
    }

    async fn start_by(&self, mut command: Command, more: &[(&str, PathBuf)]) -> Process {
        let child = command
            .args(["serve", "--config", "nightlatch.yaml"])
            .current_dir(self.folder.path())
            .envs(self.secrets())
            .env("RUST_LOG", "info,slack_morphism=off")
            .envs(more.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stderr(std::fs::File::create(self.folder.path().join("log")).expect("a log"))
            .spawn()
            .expect("the binary starts");
        assert!(self.slack.until_connected(1).await, "Slack sees no socket; log:\n{}", self.log());
        Process(child)
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    pub fn calls_count(&self) -> usize {
        self.slack.calls().len() + self.tailnet.calls().len()
    }

    /// Waits until the bot has made so many more calls, or nothing more happens for a while.
    pub async fn until_calls(&self, more: usize) {
        let wanted = self.calls_count() + more;
        let (mut slack, mut tailnet) = (self.slack.changed(), self.tailnet.changed());
        while self.calls_count() < wanted {
            let change = async {
                tokio::select! { _ = slack.changed() => {}, _ = tailnet.changed() => {} }
            };
            if tokio::time::timeout(Duration::from_secs(2), change).await.is_err() {
                return;
            }
        }
    }

    /// Waits until the log holds these words.
    pub async fn until_log(&self, words: &str) {
        self.until_log_for(words, Duration::from_secs(10)).await;
    }

    /// The same, waiting longer.
    pub async fn until_log_for(&self, words: &str, limit: Duration) {
        let found = async {
            while !self.log().contains(words) {
                tokio::task::yield_now().await;
            }
        };
        let seen = tokio::time::timeout(limit, found).await;
        assert!(seen.is_ok(), "no `{words}` in the log:\n{}", self.log());
    }
}
