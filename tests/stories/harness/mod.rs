//! The stage: two worlds, the real bot on a runtime of its own, people, a clock, and the checks after every story.

mod bot;
mod checks;
mod people;

use std::sync::Arc;
use std::time::Duration;

use nightlatch::clock::Clock;
use nightlatch::playground::slack::{Door, Seed, SlackWorld};
use nightlatch::playground::tailnet::TailnetWorld;

pub use bot::BotHandle;
pub use people::Human;

/// Every story begins here: Sunday 2026-03-01 12:00:00 UTC.
pub const START_MS: i64 = 1_772_366_400_000;

/// Lengths of time as stories say them.
pub trait Lengths {
    fn seconds(self) -> Duration;
    fn minutes(self) -> Duration;
    fn hours(self) -> Duration;
}

impl Lengths for u64 {
    fn seconds(self) -> Duration {
        Duration::from_secs(self)
    }
    fn minutes(self) -> Duration {
        Duration::from_secs(self * 60)
    }
    fn hours(self) -> Duration {
        Duration::from_secs(self * 3600)
    }
}

/// Which way Slack comes in, and what goes wrong all the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Socket,
    Http,
    /// Over sockets, and the bot is killed and started again after every outbox row.
    Killed,
}

/// How a story's stage is set before the bot starts.
pub struct Setting {
    pub mode: Mode,
    pub seed: Seed,
    /// `(file name, text)`.
    pub workflows: Vec<(String, String)>,
    /// The configuration's `people:` table.
    pub people: Vec<(String, String)>,
    /// More lines for the configuration.
    pub more: String,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            mode: Mode::Socket,
            seed: Seed::acme(),
            workflows: vec![("prod-db".to_owned(), PROD_DB.to_owned())],
            people: Vec::new(),
            more: String::new(),
        }
    }
}

/// The workflow most stories are about.
pub const PROD_DB: &str = r##"nightlatch: 1
title: Production database
description: Reach tag:prod-db from one of your devices.
inputs:
  hold: { type: duration, default: 1h, max: 8h }
  reason: { type: text, max_length: 500 }
  device: { type: device }
ask: [group:engineering]
approve:
  - quorum: 1
    by: [group:dba, "@db-oncall"]
    own_request: never
lapse_after: 8h
steps:
  - uses: tailscale.attribute
    with: { device: "{{ inputs.device }}", key: custom:jit_prod_db, value: true }
announce: "#access"
"##;

/// Everything a story holds.
pub struct Stage {
    pub clock: Clock,
    pub slack: SlackWorld,
    pub tailnet: TailnetWorld,
    pub bot: BotHandle,
    pub alice: Human,
    pub bob: Human,
    pub carol: Human,
    pub dave: Human,
    pub grace: Human,
    pub otto: Human,
    /// What a story leaves behind on purpose, by the words of `TailnetWorld::leftovers`.
    pub leaves: Vec<String>,
}

impl Stage {
    /// Somebody else of the workspace.
    pub fn human(&self, name: &str) -> Human {
        Human::new(name, self.slack.clone(), self.bot.clone())
    }

    /// Moves the clock, stopping wherever something becomes due, as real time would.
    pub async fn advance(&self, by: Duration) {
        self.bot.advance(by).await;
    }

    /// Everybody has read their direct messages, for stories that are about something else.
    pub fn everybody_reads(&self) {
        for person in ["alice", "bob", "carol", "dave", "grace", "otto"] {
            self.slack.mark_read(person, "@nightlatch");
        }
    }
}

/// Tells a story over sockets.
pub async fn story(body: impl AsyncFnOnce(&mut Stage)) {
    story_with(Setting::default(), body).await;
}

/// Tells the same story through both doors and with the bot killed after every outbox row.
pub async fn story_everywhere(body: impl AsyncFn(&mut Stage)) {
    for mode in [Mode::Socket, Mode::Http, Mode::Killed] {
        eprintln!("-- {mode:?}");
        story_with(Setting { mode, ..Setting::default() }, &body).await;
    }
}

/// Tells a story on a stage of its own, and then checks what must hold after every story.
pub async fn story_with(setting: Setting, body: impl AsyncFnOnce(&mut Stage)) {
    let logs = checks::logs();
    let clock = Clock::manual(START_MS);
    let slack = SlackWorld::start(clock.clone(), setting.seed.clone()).await.expect("the workspace starts");
    let tailnet = TailnetWorld::start(clock.clone()).await.expect("the tailnet starts");
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    let bot = BotHandle::new(setting, clock.clone(), slack.clone(), tailnet.clone(), folder).await;
    bot.start().await;
    let human = |name: &str| Human::new(name, slack.clone(), bot.clone());
    let mut stage = Stage {
        alice: human("alice"),
        bob: human("bob"),
        carol: human("carol"),
        dave: human("dave"),
        grace: human("grace"),
        otto: human("otto"),
        leaves: Vec::new(),
        clock,
        slack,
        tailnet,
        bot,
    };
    body(&mut stage).await;
    stage.bot.settle().await;
    checks::after(&stage, &logs).await;
    stage.bot.stop().await;
}

/// Points the world at the bot's HTTP door.
fn use_http(slack: &SlackWorld, base_url: String) {
    slack.use_door(Door::Http { base_url });
}
