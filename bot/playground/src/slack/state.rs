//! Everything the workspace knows: one plain struct behind one lock, changed by API calls and by people.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use super::answers::Cause;
use super::doors::{Delivery, Door};
use super::faults::Faults;
use super::limits::Limits;
use super::people::{Channel, ChannelKind, Group, Kind, Person};
use super::seed::{App, Seed, Team};
use super::socket::SocketHandle;
use super::views::View;
use nightlatch_clock::Clock;

/// Points to one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRef {
    /// `C...` or `D...`.
    pub channel: String,
    /// Slack's message id inside the channel, e.g. `1767225600.000200`.
    pub ts: String,
}

/// One message in a channel.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its id inside the channel.
    pub ts: String,
    /// The id of the thread's first message, for replies.
    pub thread_ts: Option<String>,
    /// User id of the author; `USLACKBOT` for Slack's own words.
    pub user: String,
    /// Top-level text: notifications and screen readers use it, and people see it when there are no blocks.
    pub text: String,
    /// Blocks as stored: with block and action ids filled in.
    pub blocks: Vec<Value>,
    /// Legacy attachments, shown as text only.
    pub attachments: Vec<Value>,
    /// Files with it, as Slack describes them.
    pub files: Vec<Value>,
    /// `event_type` and `event_payload`, visible to every app.
    pub metadata: Option<Value>,
    /// Its text was changed after posting.
    pub is_edited: bool,
    /// Ephemeral: the only person who sees it.
    pub only_for: Option<String>,
    /// What people chose in its selects, `block_id` -> `action_id` -> state value.
    pub(super) chosen: Chosen,
}

/// `block_id` -> `action_id` -> the value object of `state.values`.
pub(super) type Chosen = BTreeMap<String, BTreeMap<String, Value>>;

/// One call the app made, kept for tests to read.
#[derive(Clone, Debug)]
pub struct ApiCall {
    /// E.g. `chat.postMessage`, or `response_url`.
    pub method: String,
    /// The arguments, without the token.
    pub args: Value,
    /// When it came, by the world's clock.
    pub at_ms: i64,
    /// `ok`, or the error code answered, or the fault's name.
    pub outcome: String,
}

/// A `trigger_id` that was handed out.
pub(super) struct Trigger {
    pub(super) user: String,
    pub(super) at_ms: i64,
    pub(super) is_used: bool,
    /// The view it came from; only such a trigger may push.
    pub(super) from_view: Option<String>,
}

/// A `response_url` that was handed out.
#[derive(Clone)]
pub(super) struct Hook {
    pub(super) user: String,
    pub(super) channel: String,
    /// The message it came from, if any.
    pub(super) message_ts: Option<String>,
    pub(super) at_ms: i64,
    pub(super) uses: u32,
}

/// An envelope that waits for its ack.
pub(super) struct Waiting {
    pub(super) socket: u64,
    pub(super) accepts_payload: bool,
    /// What to do with the ack; `None` for raw and repeated deliveries.
    pub(super) cause: Option<Cause>,
    pub(super) answer: oneshot::Sender<Option<Value>>,
}

/// The whole workspace.
pub(super) struct State {
    pub(super) clock: Clock,
    pub(super) base_url: String,
    pub(super) team: Team,
    pub(super) app: App,
    pub(super) people: BTreeMap<String, Person>,
    pub(super) channels: BTreeMap<String, Channel>,
    pub(super) groups: BTreeMap<String, Group>,
    /// Open modals per user, the one in front last.
    pub(super) modals: BTreeMap<String, Vec<View>>,
    pub(super) homes: BTreeMap<String, View>,
    pub(super) triggers: HashMap<String, Trigger>,
    pub(super) hooks: HashMap<String, Hook>,
    /// Options last offered, per user and `action_id`.
    pub(super) offered: HashMap<(String, String), Vec<Value>>,
    /// The newest `ts` a person has read, per user and channel.
    pub(super) read_until: HashMap<(String, String), String>,
    /// The files of the workspace, by `<team>-<file>`.
    pub(super) files: HashMap<String, super::files::File>,
    pub(super) calls: Vec<ApiCall>,
    pub(super) violations: Vec<String>,
    /// Every text the app made visible or stored.
    pub(super) said: Vec<String>,
    pub(super) faults: Faults,
    pub(super) limits: Limits,
    pub(super) door: Door,
    pub(super) tickets: BTreeSet<String>,
    pub(super) sockets: Vec<SocketHandle>,
    pub(super) waiting: HashMap<String, Waiting>,
    pub(super) timed_out: BTreeSet<String>,
    pub(super) deliveries: Vec<Delivery>,
    sequence: u64,
}

impl State {
    pub(super) fn new(clock: Clock, base_url: String, seed: Seed) -> Self {
        let bot = Person::new(&seed.app.bot_user, "nightlatch", "Etc/UTC");
        let people = seed.people.into_iter().chain([bot]);
        Self {
            clock,
            base_url,
            team: seed.team,
            app: seed.app,
            people: people.map(|person| (person.id.clone(), person)).collect(),
            channels: seed.channels.into_iter().map(|channel| (channel.id.clone(), channel)).collect(),
            groups: seed.groups.into_iter().map(|group| (group.id.clone(), group)).collect(),
            modals: BTreeMap::new(),
            homes: BTreeMap::new(),
            triggers: HashMap::new(),
            hooks: HashMap::new(),
            offered: HashMap::new(),
            read_until: HashMap::new(),
            files: HashMap::new(),
            calls: Vec::new(),
            violations: Vec::new(),
            said: Vec::new(),
            faults: Faults::default(),
            limits: Limits::default(),
            door: Door::Socket,
            tickets: BTreeSet::new(),
            sockets: Vec::new(),
            waiting: HashMap::new(),
            timed_out: BTreeSet::new(),
            deliveries: Vec::new(),
            sequence: 0,
        }
    }

    /// 1, 2, 3 ...: everything unique is made from it, so that a story has the same ids every time.
    pub(super) fn next(&mut self) -> u64 {
        self.sequence = self.sequence.saturating_add(1);
        self.sequence
    }

    /// A fresh message id: seconds of the clock and a counter.
    pub(super) fn next_ts(&mut self) -> String {
        let counter = self.next();
        format!("{}.{:06}", self.clock.now_ms().div_euclid(1000), counter % 1_000_000)
    }

    /// 24 hexadecimal characters that look random and are not.
    pub(super) fn next_secret(&mut self) -> String {
        let counter = self.next();
        let digest = Sha256::digest(format!("{}{counter}", self.app.signing_secret));
        hex::encode(digest).chars().take(24).collect()
    }

    /// An id such as `V0000000012`.
    pub(super) fn next_id(&mut self, letter: &str) -> String {
        format!("{letter}{:010}", self.next())
    }

    /// A fresh `trigger_id` for `user`.
    pub(super) fn new_trigger(&mut self, user: &str, from_view: Option<&str>) -> String {
        let id = format!("7012345678901.{}.{}", self.next(), self.next_secret());
        let trigger = Trigger {
            user: user.to_owned(),
            at_ms: self.clock.now_ms(),
            is_used: false,
            from_view: from_view.map(str::to_owned),
        };
        self.triggers.insert(id.clone(), trigger);
        id
    }

    /// A fresh `response_url` below `kind` (`commands`, `actions`, `app`).
    pub(super) fn new_hook(&mut self, kind: &str, user: &str, channel: &str, message: Option<&Message>) -> String {
        let (number, secret) = (self.next(), self.next_secret());
        let path = format!("/{kind}/{}/{number}/{secret}", self.team.id);
        let hook = Hook {
            user: user.to_owned(),
            channel: channel.to_owned(),
            message_ts: message.map(|message| message.ts.clone()),
            at_ms: self.clock.now_ms(),
            uses: 0,
        };
        let url = format!("{}{path}", self.base_url);
        self.hooks.insert(path, hook);
        url
    }

    /// The team a person belongs to.
    pub(super) fn team_of(&self, person: &Person) -> String {
        match &person.kind {
            Kind::Outsider { team } => team.clone(),
            _ => self.team.id.clone(),
        }
    }

    pub(super) fn shares_a_channel(&self, user: &str) -> bool {
        self.channels.values().any(|channel| channel.kind != ChannelKind::Direct && channel.members.contains(user))
    }

    /// Finds a person by id, `@name` or name.
    pub(super) fn find_person(&self, who: &str) -> Option<&Person> {
        let name = who.trim_start_matches('@');
        self.people.get(name).or_else(|| self.people.values().find(|person| person.name == name))
    }

    /// Finds a channel by id, `#name` or name.
    pub(super) fn find_channel(&self, what: &str) -> Option<&Channel> {
        let name = what.trim_start_matches('#');
        let by_name = |channel: &&Channel| channel.kind != ChannelKind::Direct && channel.name == name;
        self.channels.get(name).or_else(|| self.channels.values().find(by_name))
    }

    /// The id of the app's direct messages with `user`, made when it is not there yet.
    pub(super) fn direct(&mut self, user: &str) -> String {
        let id = format!("D{}", user.get(1..).unwrap_or(user));
        if !self.channels.contains_key(&id) {
            let mut channel = Channel::public(&id, "").with(&[user, &self.app.bot_user]);
            channel.kind = ChannelKind::Direct;
            self.channels.insert(id.clone(), channel);
        }
        id
    }

    /// What the app said, kept for leak checks.
    pub(super) fn heard(&mut self, what: &Value) {
        super::json::texts(what, &mut self.said);
    }

    /// Appends a message and returns its id.
    pub(super) fn post(&mut self, channel: &str, mut message: Message) -> String {
        if message.ts.is_empty() {
            message.ts = self.next_ts();
        }
        let ts = message.ts.clone();
        if let Some(channel) = self.channels.get_mut(channel) {
            channel.messages.push(message);
        }
        ts
    }

    /// Slack's own words to one person.
    pub(super) fn slackbot(&mut self, user: &str, channel: &str, text: String) {
        let message = Message { only_for: Some(user.to_owned()), ..Message::by("USLACKBOT", text) };
        self.post(channel, message);
    }
}

impl Message {
    /// A message that still needs its id.
    pub(super) fn by(user: &str, text: String) -> Self {
        Self {
            ts: String::new(),
            thread_ts: None,
            user: user.to_owned(),
            text,
            blocks: Vec::new(),
            attachments: Vec::new(),
            files: Vec::new(),
            metadata: None,
            is_edited: false,
            only_for: None,
            chosen: Chosen::new(),
        }
    }

    /// Whether `user` sees it.
    pub fn is_seen_by(&self, user: &str) -> bool {
        self.only_for.as_deref().is_none_or(|only| only == user)
    }
}
