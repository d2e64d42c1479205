//! The stage: two worlds, the real bot on a runtime of its own, people, a clock, and the checks after every story.

mod bot;
mod checks;
mod late;
mod people;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nightlatch::clock::Clock;
use nightlatch::config::secret::LentSecret;
use nightlatch::kernel::{Request, State};
use nightlatch::playground::slack::{Door, Seed, SlackWorld};
use nightlatch::playground::tailnet::TailnetWorld;
use nightlatch::steps::{LIST, List};

pub use bot::BotHandle;
pub use checks::logged;
pub use people::{DM, Human};

/// Everybody whose unread messages are looked for.
const PEOPLE: [&str; 8] = ["alice", "bob", "carol", "dave", "grace", "otto", "dora", "eve"];

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
    /// `(file name, text)` of guardrails.
    pub guardrails: Vec<(String, String)>,
    /// `people.yaml`: who is whose manager; not there if it is empty.
    pub staff: String,
    /// The configuration's `people:` table.
    pub people: Vec<(String, String)>,
    /// More lines for the configuration.
    pub more: String,
    /// What the configuration says of the tailnet's policy file, as the inside of a map.
    pub policy_file: String,
    /// Tailscale knows us by an API key, not as an OAuth client.
    pub has_api_key: bool,
    /// Another clock than one that stands still.
    pub clock: Option<Clock>,
    /// Pages are on a port of this machine, and not on a unix socket behind `tailscale serve`.
    pub is_on_a_port: bool,
    /// What steps can be.
    pub steps: List,
    /// Secrets that workflows name; the configuration names them in `more`.
    pub named: BTreeMap<String, LentSecret>,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            mode: Mode::Socket,
            seed: Seed::acme(),
            workflows: vec![("prod-db".to_owned(), PROD_DB.to_owned())],
            guardrails: Vec::new(),
            staff: String::new(),
            people: Vec::new(),
            more: String::new(),
            policy_file: String::new(),
            has_api_key: false,
            clock: None,
            is_on_a_port: false,
            steps: LIST,
            named: BTreeMap::new(),
        }
    }
}

impl Setting {
    /// Another workflow, or the same one with another text.
    #[must_use]
    pub fn workflow(mut self, name: &str, text: &str) -> Self {
        self.workflows.retain(|(known, _)| known != name);
        self.workflows.push((name.to_owned(), text.to_owned()));
        self
    }

    /// One more file of guardrails.
    #[must_use]
    pub fn guardrail(mut self, name: &str, text: &str) -> Self {
        self.guardrails.push((name.to_owned(), text.to_owned()));
        self
    }

    /// `prod-db` with these words instead of those.
    #[must_use]
    pub fn prod_db(self, changes: &[(&str, &str)]) -> Self {
        self.workflow("prod-db", &changed(PROD_DB, changes))
    }

    /// One more person in `people.yaml`.
    #[must_use]
    pub fn employs(mut self, line: &str) -> Self {
        self.staff += &format!("{line}\n");
        self
    }

    /// One more line of the configuration's `people:` table.
    #[must_use]
    pub fn knows(mut self, slack_id: &str, login: &str) -> Self {
        self.people.push((slack_id.to_owned(), login.to_owned()));
        self
    }

    /// Whoever asks again for what they hold has two requests for it, as a configuration can say.
    #[must_use]
    pub fn several_of_one(mut self) -> Self {
        self.more += "\nceilings: { same: 99 }\n";
        self
    }

    /// Another workspace.
    #[must_use]
    pub fn seed(mut self, change: impl FnOnce(Seed) -> Seed) -> Self {
        self.seed = change(self.seed);
        self
    }
}

/// A text with some words replaced; each of them must be there.
pub fn changed(text: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (old, new)| {
        assert!(text.contains(old), "`{old}` is not in the workflow");
        text.replace(old, new)
    })
}

/// The attribute of the workflow most stories are about.
pub const JIT: &str = "custom:jit_prod_db";

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
    /// Tailscale or the bot was away at a deadline, so that an end was late for a reason.
    pub ends_late: bool,
    logs: checks::Logs,
    /// How many private messages a story has looked at, by channel and person.
    heard: Mutex<HashMap<(String, String), usize>>,
}

impl Stage {
    /// Somebody else of the workspace.
    pub fn human(&self, name: &str) -> Human {
        Human::new(name, self.slack.clone(), self.bot.clone())
    }

    /// Every request there is, the newest first.
    pub async fn requests(&self) -> Vec<Request> {
        let store = self.bot.store().await;
        let mut all = Vec::new();
        for state in State::ALL {
            all.extend(store.requests_in(state, 10_000).await.expect("requests"));
        }
        all.sort_by(|one, other| (other.asked_at, &other.ask.id).cmp(&(one.asked_at, &one.ask.id)));
        all
    }

    /// The newest request.
    pub async fn request(&self) -> Request {
        self.requests().await.into_iter().next().expect("a request")
    }

    /// The newest thing in a channel that only this person sees. What answers a click is said a moment after the click was
    /// acknowledged: this waits for something that was not there the last time.
    pub async fn told_privately(&self, channel: &str, who: &str) -> String {
        const MARK: &str = "nightlatch (only you)";
        let count = |world: &SlackWorld| world.screen(who, channel).matches(MARK).count();
        let place = (channel.to_owned(), who.to_owned());
        let known = self.heard.lock().expect("what was heard").get(&place).copied().unwrap_or(0);
        self.slack.until(|world| count(world) > known).await;
        self.heard.lock().expect("what was heard").insert(place, count(&self.slack));
        let seen = self.slack.screen(who, channel);
        let at = seen.rfind(MARK);
        at.and_then(|at| seen.get(at..)).map_or_else(|| format!("(nothing for {who})\n{seen}"), str::to_owned)
    }

    /// How many log lines of this process hold these words.
    pub fn logged(&self, words: &str) -> usize {
        self.logs.count(words)
    }

    /// Whether the attribute most stories are about is on for the device most stories are about.
    pub fn is_on(&self) -> bool {
        self.tailnet.attribute("alice-laptop", JIT) == Some(true.into())
    }

    /// Moves the clock, stopping wherever something becomes due, as real time would.
    pub async fn advance(&self, by: Duration) {
        self.bot.advance(by).await;
    }

    /// Everybody has read their direct messages, for stories that are about something else.
    pub fn everybody_reads(&self) {
        for person in PEOPLE {
            self.slack.mark_read(person, DM);
        }
    }
}

/// Tells a story over sockets.
pub async fn story(body: impl AsyncFnOnce(&mut Stage)) {
    story_with(Setting::default(), body).await;
}

/// Tells the same story through both doors and with the bot killed after every outbox row.
pub async fn story_everywhere(body: impl AsyncFn(&mut Stage)) {
    story_everywhere_with(Setting::default, body).await;
}

/// The same on another stage.
pub async fn story_everywhere_with(setting: impl Fn() -> Setting, body: impl AsyncFn(&mut Stage)) {
    for mode in [Mode::Socket, Mode::Http, Mode::Killed] {
        eprintln!("-- {mode:?}");
        story_with(Setting { mode, ..setting() }, &body).await;
    }
}

/// Tells a story on a stage of its own, and then checks what must hold after every story.
pub async fn story_with(setting: Setting, body: impl AsyncFnOnce(&mut Stage)) {
    story_from(setting, START_MS, |_, _| {}, body).await;
}

/// The same from another time on, with things in the tailnet and in the bot's folder before the bot is started.
pub async fn story_from(
    setting: Setting,
    start_ms: i64,
    before: impl FnOnce(&TailnetWorld, &Path),
    body: impl AsyncFnOnce(&mut Stage),
) {
    story_unless_left_open(setting, start_ms, before, async |stage| {
        body(stage).await;
        true
    })
    .await;
}

/// The same if `body` says so: a story that leaves everything open on purpose says no, and nothing is checked after it.
pub async fn story_unless_left_open(
    setting: Setting,
    start_ms: i64,
    before: impl FnOnce(&TailnetWorld, &Path),
    body: impl AsyncFnOnce(&mut Stage) -> bool,
) {
    let mut stage = set(setting, start_ms, before).await;
    if body(&mut stage).await {
        stage.bot.settle().await;
        checks::after(&stage, &stage.logs).await;
    }
    stage.bot.stop().await;
}

async fn set(setting: Setting, start_ms: i64, before: impl FnOnce(&TailnetWorld, &Path)) -> Stage {
    let logs = checks::logs();
    let clock = setting.clock.clone().unwrap_or_else(|| Clock::manual(start_ms));
    let slack = SlackWorld::start(clock.clone(), setting.seed.clone()).await.expect("the workspace starts");
    let tailnet = TailnetWorld::start(clock.clone()).await.expect("the tailnet starts");
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    before(&tailnet, folder.path());
    let bot = BotHandle::new(setting, clock.clone(), slack.clone(), tailnet.clone(), folder).await;
    bot.start().await;
    let human = |name: &str| Human::new(name, slack.clone(), bot.clone());
    Stage {
        alice: human("alice"),
        bob: human("bob"),
        carol: human("carol"),
        dave: human("dave"),
        grace: human("grace"),
        otto: human("otto"),
        leaves: Vec::new(),
        ends_late: false,
        logs,
        heard: Mutex::default(),
        clock,
        slack,
        tailnet,
        bot,
    }
}

/// Points the world at the bot's HTTP door.
fn use_http(slack: &SlackWorld, base_url: String) {
    slack.use_door(Door::Http { base_url });
}
