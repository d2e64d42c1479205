//! Saying something once: after a crash it is looked for before it is said again.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::kernel::fill::{Part, parts, within_text};
use crate::kernel::kept::{self, Kept, Raise};
use crate::kernel::request::Found;
use crate::kernel::{Failure, Key, Proof};
use crate::outside::slack::{Post, Slack, SlackError};
use crate::steps::slack::{failure, refusal};
use crate::steps::{Before, Holder, Settled, Step};

/// Slack's limit for a section.
const TEXT_MAX: usize = 3_000;

/// The step type.
pub struct MessageStep {
    slack: Slack,
    clock: Clock,
}

/// What is known of the message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct State {
    /// When it was first sent, milliseconds since the Unix epoch.
    sent_at: Option<i64>,
    /// Where it went.
    channel: String,
    /// Slack's id of it, once that was told.
    ts: String,
}

impl Kept for State {
    const KIND: &'static str = "before of slack.message";
    const RAISES: &'static [Raise] = &[];
}

impl MessageStep {
    /// The step type over this workspace.
    pub fn new(slack: Slack, clock: Clock) -> Self {
        Self { slack, clock }
    }

    async fn say(&self, key: &Key, holder: &Holder, before: &Before) -> Result<Found, Failure> {
        let mut state = stored(&before.found)?;
        if !state.ts.is_empty() || !holder.is_new {
            return Ok(Found::On { until: None });
        }
        let to = holder.with.get("to").and_then(Value::as_str).unwrap_or_default();
        let text = text(&holder.with)?;
        if state.sent_at.is_none() {
            let channel = self.slack.channel_id(to).await.map_err(|error| failure(&error))?;
            let missing = || {
                refusal(format!("there is no channel {to} that the app can see"), "make it, or invite the app to it")
            };
            state =
                State { sent_at: Some(self.clock.now_ms()), channel: channel.ok_or_else(missing)?, ts: String::new() };
            keep(before, &state).await?;
        } else if let Some(ts) = self.look(key, &state).await? {
            state.ts = ts;
            keep(before, &state).await?;
            return Ok(Found::On { until: None });
        }
        let block = json!({ "type": "section", "block_id": mark(key), "text": { "type": "mrkdwn", "text": text } });
        let post = Post { channel: state.channel.clone(), text, blocks: Some(json!([block])), ..Post::default() };
        let posted = self.slack.post_message(&post).await.map_err(|error| failure(&error))?;
        state = State { channel: posted.channel, ts: posted.ts, ..state };
        keep(before, &state).await?;
        Ok(Found::On { until: None })
    }

    /// Whether it stands there already, as far as the app may look.
    async fn look(&self, key: &Key, state: &State) -> Result<Option<String>, Failure> {
        let mark = mark(key);
        match self.slack.own_messages(&state.channel, state.sent_at.unwrap_or(0).saturating_sub(60_000)).await {
            Ok(all) => {
                let has_mark = |blocks: &Value| {
                    blocks.as_array().is_some_and(|all| all.iter().any(|one| one["block_id"] == *mark))
                };
                Ok(all.into_iter().find(|one| has_mark(&one.blocks)).map(|one| one.at.ts))
            }
            Err(error) if is_not_allowed(&error) => Ok(None),
            Err(error) => Err(failure(&error)),
        }
    }
}

/// What cannot be looked at is said again rather than not at all.
fn is_not_allowed(error: &SlackError) -> bool {
    matches!(error.code(), Some("missing_scope" | "not_in_channel" | "channel_not_found"))
}

/// How our own message is known, for Slack at most 255 characters.
fn mark(key: &Key) -> String {
    let words: Vec<&str> = key.address().split(' ').take(2).collect();
    format!("step.{}", words.join("."))
}

/// What the file says is markup, what was filled in is not.
fn text(with: &serde_json::Map<String, Value>) -> Result<String, Failure> {
    let mut all = String::new();
    for part in with.get("text").and_then(parts).unwrap_or_default() {
        match part {
            Part::Literal(text) => all.push_str(&text),
            Part::Filled(value) => all.push_str(&escaped(&within_text(&value))),
            Part::Own(_) => {}
        }
    }
    let count = all.chars().count();
    if all.trim().is_empty() || count > TEXT_MAX {
        return Err(refusal(format!("the message has {count} characters"), "it may have 1 to 3000"));
    }
    Ok(all)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

async fn keep(before: &Before, state: &State) -> Result<(), Failure> {
    let value = kept::to_value(state).map_err(|error| refusal(error.to_string(), ""))?;
    before.memory.keep(value).await
}

fn stored(found: &Value) -> Result<State, Failure> {
    if found.is_null() {
        return Ok(State::default());
    }
    kept::from_value(found.clone()).map_err(|error| refusal(format!("what was said is not known: {error}"), ""))
}

impl Step for MessageStep {
    fn observe<'a>(&'a self, _: &'a Key) -> BoxFuture<'a, Result<Value, Failure>> {
        async { kept::to_value(&State::default()).map_err(|error| refusal(error.to_string(), "")) }.boxed()
    }

    fn settle<'a>(
        &'a self,
        key: &'a Key,
        holders: &'a [Holder],
        before: &'a Before,
    ) -> BoxFuture<'a, Result<Settled, Failure>> {
        async move {
            let found = match holders.first() {
                Some(holder) => self.say(key, holder, before).await?,
                None if stored(&before.found)?.sent_at.is_none() => Found::Untouched,
                None => Found::LeftAlone { what: "what was said stays".to_owned(), is_on: false },
            };
            Ok(Proof { at: self.clock.now_ms(), found }.into())
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::kept::KINDS;

    #[test]
    fn what_was_said_is_written_as_the_examples_say() {
        let text = include_str!("../../../../tests/stored/next/before of slack.message.json");
        let examples: serde_json::Map<String, Value> = serde_json::from_str(text).unwrap();
        let said =
            State { sent_at: Some(1_772_377_200_000), channel: "C0ACCESS01".into(), ts: "1772377200.000100".into() };
        for (name, state) in [("nothing said", State::default()), ("said", said)] {
            assert_eq!(kept::to_value(&state).unwrap(), examples[name]);
            assert_eq!(stored(&examples[name]).unwrap(), state);
        }
        assert!(KINDS.contains(&(State::KIND, kept::shape_of::<State>())));
    }

    #[test]
    fn what_somebody_typed_is_no_markup() {
        let with =
            json!({ "text": { "{{}}": ["<!here> *", { "filled": "<!channel> & <https://evil.test|x>" }, "*"] } });
        let said = super::text(with.as_object().unwrap()).unwrap();
        assert_eq!(said, "<!here> *&lt;!channel&gt; &amp; &lt;https://evil.test|x&gt;*");
    }
}
