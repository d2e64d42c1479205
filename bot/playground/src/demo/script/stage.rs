//! What the story is told with: acts of people and the world, and what can be seen after them.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::super::state::{lent, list, text};
use super::super::{Lodger, TailscaleMood, Worlds};

/// What did not come out as told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Surprise(String);

/// Messages wait this long at most for their turn: Slack takes one a second and channel.
const SOON_MS: i64 = 2_500;
/// So many times the clock is moved to what comes next, until something is given up.
const MOVES_MAX: u32 = 400;

/// The worlds, the bot and the listener.
pub(super) struct Stage<'s> {
    worlds: &'s Worlds,
    lodger: &'s dyn Lodger,
    say: &'s mut (dyn FnMut(&str) + Send),
    /// How many of their private messages in #access each person has seen.
    seen: BTreeMap<String, usize>,
    is_after_gap: bool,
}

impl<'s> Stage<'s> {
    pub(super) fn new(worlds: &'s Worlds, lodger: &'s dyn Lodger, say: &'s mut (dyn FnMut(&str) + Send)) -> Self {
        Self { worlds, lodger, say, seen: BTreeMap::new(), is_after_gap: false }
    }

    pub(super) fn say(&mut self, text: &str) {
        self.is_after_gap = false;
        (self.say)(&format!("{text}\n"));
    }

    /// An empty line, unless there is one.
    fn gap(&mut self) {
        if !self.is_after_gap {
            self.say("");
        }
        self.is_after_gap = true;
    }

    /// A heading.
    pub(super) fn scene(&mut self, title: &str) {
        self.gap();
        self.say(&format!("== {title} =="));
        self.gap();
    }

    /// Something to know.
    pub(super) fn note(&mut self, text: &str) {
        self.say(&format!("          ({text})"));
    }

    /// Somebody does something, at a time.
    fn act(&mut self, what: &str) {
        // The clock on the left is Berlin's, whoever acts.
        let time = self.time();
        self.say(&format!("{time}  {what}"));
    }

    fn time(&self) -> String {
        let zone = TimeZone::get("Europe/Berlin").unwrap_or(TimeZone::UTC);
        let now = Timestamp::from_millisecond(self.worlds.clock.now_ms()).unwrap_or(Timestamp::UNIX_EPOCH);
        now.to_zoned(zone).strftime("%H:%M:%S").to_string()
    }

    /// A screen, indented.
    fn screen(&mut self, title: &str, text: &str) {
        let lines: Vec<_> = text.lines().map(|line| format!("    | {line}").trim_end().to_owned()).collect();
        self.gap();
        self.say(&format!("    {title}\n{}", lines.join("\n")));
        self.gap();
    }

    pub(super) fn expect(&self, is_so: bool, what: &str) -> Result<(), Surprise> {
        if is_so { Ok(()) } else { Err(Surprise(format!("at {}: {what}", self.time()))) }
    }

    /// A person types a slash command in #access.
    pub(super) async fn command(&mut self, who: &str, line: &str) -> Result<(), Surprise> {
        self.act(&format!("{who} types in #access: {line}"));
        self.connected().await?;
        let delivered = self.worlds.slack.command(who, "#access", line).await.map_err(surprise)?;
        self.expect(delivered.acked, "the bot answers in time")?;
        self.calm().await
    }

    /// A person presses a button of the newest card.
    pub(super) async fn press(&mut self, who: &str, what: &str) -> Result<(), Surprise> {
        self.act(&format!("{who} presses [{what}]"));
        self.connected().await?;
        let delivered = self.worlds.slack.press(who, "#access", what).await.map_err(surprise)?;
        self.expect(delivered.acked, "the bot answers in time")?;
        self.calm().await
    }

    async fn connected(&self) -> Result<(), Surprise> {
        let is_connected = self.worlds.slack.until_connected(1).await;
        self.expect(is_connected, "the bot holds a socket")
    }

    /// Tailscale changes its mood.
    pub(super) fn tailscale(&mut self, mood: TailscaleMood) {
        let what =
            if mood == TailscaleMood::Works { "Tailscale works again" } else { "Tailscale answers 500 to everything" };
        self.act(what);
        self.worlds.set_tailscale(mood);
    }

    /// The first start.
    pub(super) async fn begin(&mut self) -> Result<(), Surprise> {
        self.gap();
        self.start().await
    }

    pub(super) async fn start(&mut self) -> Result<(), Surprise> {
        self.act("the bot starts");
        self.lodger.start().await.map_err(Surprise)?;
        self.connected().await?;
        self.calm().await
    }

    pub(super) fn kill(&mut self) -> Result<(), Surprise> {
        self.act("the bot is killed: nothing is flushed, nobody is told");
        self.lodger.kill();
        self.expect(!self.lodger.is_running(), "it is dead")
    }

    /// Lets the bot do what is due, and what is due in a moment.
    async fn calm(&mut self) -> Result<(), Surprise> {
        for _ in 0..MOVES_MAX {
            let next = self.lodger.rest().await.map_err(Surprise)?;
            let now = self.worlds.clock.now_ms();
            match next.filter(|at| at.saturating_sub(now) <= SOON_MS) {
                Some(at) => self.advance(at),
                None => return Ok(()),
            }
        }
        self.expect(false, "the bot comes to rest")
    }

    fn advance(&self, to_ms: i64) {
        let by = to_ms.saturating_sub(self.worlds.clock.now_ms()).max(1);
        self.worlds.clock.advance(Duration::from_millis(by.unsigned_abs()));
    }

    /// Moves the clock, stopping wherever the bot has something to do, as real time would.
    pub(super) async fn move_to(&mut self, at_ms: i64) -> Result<(), Surprise> {
        let from = self.worlds.clock.now_ms();
        self.act(&format!("the clock moves {}", length(at_ms.saturating_sub(from))));
        for _ in 0..MOVES_MAX {
            let next = self.lodger.rest().await.map_err(Surprise)?;
            if self.worlds.clock.now_ms() >= at_ms {
                return self.calm().await;
            }
            self.advance(next.filter(|next| *next < at_ms).unwrap_or(at_ms));
        }
        self.expect(false, "the clock arrives")
    }

    /// Moves the clock from one thing the bot has to do to the next, until `is_so`.
    pub(super) async fn move_until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) -> Result<(), Surprise> {
        let from = self.worlds.clock.now_ms();
        for _ in 0..MOVES_MAX {
            let next = self.lodger.rest().await.map_err(Surprise)?;
            if is_so(self) {
                let moved = length(self.worlds.clock.now_ms().saturating_sub(from));
                self.act(&if moved == "0 s" { what.to_owned() } else { format!("{moved} later, {what}") });
                return self.calm().await;
            }
            let Some(next) = next else { break };
            self.advance(next);
        }
        self.expect(false, what)
    }

    /// The city whose time somebody reads: Slack shows everybody their own.
    fn zone_of(&self, who: &str) -> String {
        let people = list(&self.worlds.slack.view_for(who), "people");
        let zone = people.iter().find(|one| text(one, "name") == who).map(|one| text(one, "tz")).unwrap_or_default();
        zone.rsplit('/').next().unwrap_or_default().replace('_', " ")
    }

    /// The newest message in #access outside threads, as somebody sees it; it must hold the words.
    pub(super) fn card(&mut self, who: &str, words: &str) -> Result<(), Surprise> {
        let shown = self.newest_card(who);
        let zone = self.zone_of(who);
        self.screen(&format!("#access, as {who} sees it ({zone} time)"), &shown);
        self.expect(shown.contains(words), &format!("#access shows {words:?}"))
    }

    pub(super) fn card_has(&self, words: &str) -> bool {
        self.newest_card("bob").contains(words)
    }

    fn newest_card(&self, who: &str) -> String {
        let is_card = |message: &&Value| text(message, "thread_ts").is_empty() && !is_private(message);
        let messages = self.messages(who, "#access");
        let card = messages.iter().rev().find(is_card);
        card.map(|card| text(card, "shown")).unwrap_or_default()
    }

    fn messages(&self, who: &str, channel: &str) -> Vec<Value> {
        let view = self.worlds.slack.view_for(who);
        let found = list(&view, "channels").into_iter().find(|one| text(one, "name") == channel);
        found.map(|found| list(&found, "messages")).unwrap_or_default()
    }

    /// What only this person sees in #access and has not seen yet.
    pub(super) fn private(&mut self, who: &str) {
        let messages = self.messages(who, "#access").into_iter().filter(is_private);
        let shown: Vec<String> = messages.map(|message| text(&message, "shown")).collect();
        let seen = self.seen.insert(who.to_owned(), shown.len()).unwrap_or_default();
        let new = shown.get(seen..).unwrap_or_default().join("\n");
        let zone = self.zone_of(who);
        self.screen(&format!("only {who} sees ({zone} time)"), &new);
    }

    /// What the bot wrote to this person since they last looked.
    pub(super) fn direct(&mut self, who: &str) {
        let shown = self.worlds.slack.read(who, "@nightlatch");
        let shown = shown.split_once('\n').map(|(_, messages)| messages.to_owned()).unwrap_or_default();
        let zone = self.zone_of(who);
        self.screen(&format!("direct messages to {who} ({zone} time)"), &shown);
    }

    /// A device with its attributes and the rules that are about it.
    pub(super) fn tailnet(&mut self, device: &str) {
        let snapshot = self.worlds.tailnet.snapshot();
        let found = list(&snapshot, "devices").into_iter().find(|one| text(one, "name") == device);
        let Some(found) = found else { return };
        let mut lines = Vec::new();
        for attribute in list(&found, "attributes") {
            let left = attribute.get("left_ms").and_then(Value::as_i64).map(length).unwrap_or_default();
            let value = attribute.get("value").unwrap_or(&Value::Null);
            lines.push(format!("{} = {value}, {left} left", text(&attribute, "key")));
        }
        if lines.is_empty() {
            lines.push("no attributes".to_owned());
        }
        for (rules, answer) in [("rules", "open"), ("rules_shut", "closed")] {
            for rule in list(&found, rules) {
                let target = rule.as_str().and_then(|rule| rule.split_once(" by posture:"));
                lines.extend(target.map(|(target, _)| format!("-> {target}: {answer}")));
            }
        }
        self.screen(&format!("the tailnet: {device}"), &lines.join("\n"));
    }

    /// When what was lent to a device ends, in ms since the epoch; nothing if nothing is lent to it.
    pub(super) fn lent(&self, device: &str) -> Option<i64> {
        lent(self.worlds).find(|(name, _, _)| name == device).and_then(|(_, _, expires_at)| expires_at)
    }

    /// All is as it was found, and Slack has nothing to complain of.
    pub(super) fn end(&mut self) -> Result<(), Surprise> {
        let leftovers = self.worlds.tailnet.leftovers();
        self.expect(leftovers.is_empty(), &format!("nothing is left behind, but there is: {}", leftovers.join(", ")))?;
        let violations = self.worlds.slack.violations();
        self.expect(violations.is_empty(), &format!("Slack has no complaints, but: {}", violations.join(", ")))?;
        self.scene("The end");
        self.say("Three times access was lent, three times it was taken back and seen to be gone. The tailnet is as it was found.");
        Ok(())
    }
}

fn surprise(cannot: crate::slack::CannotAct) -> Surprise {
    Surprise(cannot.to_string())
}

fn is_private(message: &Value) -> bool {
    message.get("ephemeral").and_then(Value::as_bool) == Some(true)
}

/// `1 h 59 min`, `59 min 30 s`, `12 s`.
fn length(ms: i64) -> String {
    let seconds = ms.max(0).saturating_add(999).div_euclid(1000);
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes, rest) {
        (0, 0, rest) => format!("{rest} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, rest) => format!("{minutes} min {rest} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}
