//! What the page's people do: one list of acts, each `POST /api/<act>` with its details as JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Demo, SlackMood, TailscaleMood};
use crate::slack::{CannotAct, Delivered, MessageRef, Surface};

/// The clock is not moved further at once; a year is more than anybody lends.
const MOVE_SECONDS_MAX: u64 = 366 * 24 * 3600;

/// Everything that can be done on the page. `as` is the user id of who does it.
#[derive(Debug, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case", deny_unknown_fields)]
enum Act {
    /// Type a slash command.
    Command { r#as: String, channel: String, line: String },
    /// Write a message, in a thread if its first message is named.
    Message { r#as: String, channel: String, text: String, thread: Option<String> },
    /// Press a button.
    Press { r#as: String, on: On, what: String },
    /// Choose in a menu. `filled` is what was typed into the modal's other fields so far.
    Select { r#as: String, on: On, what: String, choice: String, filled: Option<Filled> },
    /// Type into a menu that asks the bot for its options.
    Options { r#as: String, on: On, what: String, query: String, action_id: String },
    /// Submit the modal in front.
    ModalSubmit { r#as: String, filled: Filled },
    /// Close the modal in front, or all of them.
    ModalClose { r#as: String, everything: bool },
    /// Open the bot's Home tab.
    OpenHome { r#as: String },
    /// Run a global shortcut.
    Shortcut { r#as: String, callback_id: String },
    /// Run a message shortcut.
    MessageShortcut { r#as: String, callback_id: String, channel: String, ts: String },
    /// Sit down at this machine's browser: from now on the tailnet takes it for a device of theirs.
    Sit { r#as: String },
    /// Have read everything in a channel.
    Read { r#as: String, channel: String },
    /// Move the clock: by so many seconds, or to when the first attribute expires.
    Clock { seconds: Option<u64>, to_deadline: Option<bool> },
    /// Break something, or mend it.
    Fault { tailscale: Option<TailscaleMood>, slack: Option<SlackMood> },
}

/// Fields of a modal by `block_id/action_id`, and what is in them.
type Filled = BTreeMap<String, String>;

/// Where something is pressed or chosen.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum On {
    Modal,
    Home,
    Message { channel: String, ts: String },
}

impl From<On> for Surface {
    fn from(on: On) -> Self {
        match on {
            On::Modal => Self::Modal,
            On::Home => Self::Home,
            On::Message { channel, ts } => Self::Message(MessageRef { channel, ts }),
        }
    }
}

/// `POST /api/<act>`. 400: we do not know such an act. 409: Slack would not let this person; with the words.
pub(super) async fn perform(
    State(demo): State<Demo>,
    Path(name): Path<String>,
    Json(mut body): Json<Value>,
) -> Response {
    if let Some(details) = body.as_object_mut() {
        details.insert("act".to_owned(), Value::String(name));
    }
    let act = match serde_json::from_value::<Act>(body) {
        Ok(act) => act,
        Err(error) => return no(StatusCode::BAD_REQUEST, &error),
    };
    let done = demo.perform(act).await;
    demo.touch();
    match done {
        Ok(answer) => Json(answer).into_response(),
        Err(cannot) => no(StatusCode::CONFLICT, &cannot),
    }
}

fn no(status: StatusCode, why: &dyn std::fmt::Display) -> Response {
    (status, Json(json!({ "error": why.to_string() }))).into_response()
}

/// What the page needs to know of a delivery: whether the bot took it.
fn heard(delivered: Option<Delivered>) -> Value {
    delivered.map_or_else(|| json!({}), |delivered| json!({ "acked": delivered.acked, "ack_ms": delivered.ack_ms }))
}

impl Demo {
    async fn perform(&self, act: Act) -> Result<Value, CannotAct> {
        let slack = &self.worlds.slack;
        Ok(match act {
            Act::Command { r#as, channel, line } => heard(Some(slack.command(&r#as, &channel, &line).await?)),
            Act::Message { r#as, channel, text, thread } => {
                heard(slack.say(&r#as, &channel, &text, thread.as_deref()).await?.1)
            }
            Act::Press { r#as, on, what } => heard(Some(slack.press(&r#as, on, &what).await?)),
            Act::Select { r#as, on, what, choice, filled } => {
                self.fill(&r#as, filled.unwrap_or_default()).await?;
                heard(slack.select(&r#as, on, &what, &choice).await?)
            }
            Act::Options { r#as, on, what, query, action_id } => {
                slack.query_options(&r#as, on, &what, &query).await?;
                json!({ "options": slack.offered(&r#as, &action_id) })
            }
            Act::ModalSubmit { r#as, filled } => {
                self.fill(&r#as, filled).await?;
                match slack.submit_modal(&r#as).await {
                    // Slack shows these at their fields, and so does the page.
                    Err(CannotAct::Incomplete(_)) => json!({ "acked": true }),
                    submitted => heard(Some(submitted?)),
                }
            }
            Act::ModalClose { r#as, everything: true } => heard(slack.dismiss_modal(&r#as).await?),
            Act::ModalClose { r#as, everything: false } => heard(slack.close_modal(&r#as).await?),
            Act::OpenHome { r#as } => heard(slack.open_home(&r#as).await?),
            Act::Shortcut { r#as, callback_id } => heard(Some(slack.shortcut(&r#as, &callback_id).await?)),
            Act::MessageShortcut { r#as, callback_id, channel, ts } => {
                heard(Some(slack.message_shortcut(&r#as, &MessageRef { channel, ts }, &callback_id).await?))
            }
            Act::Sit { r#as } => {
                self.worlds.sit(&r#as);
                json!({})
            }
            Act::Read { r#as, channel } => {
                slack.mark_read(&r#as, &channel);
                json!({})
            }
            Act::Clock { seconds, to_deadline } => self.move_clock(seconds, to_deadline == Some(true)),
            Act::Fault { tailscale, slack } => self.switch(tailscale, slack),
        })
    }

    /// Puts what was typed into the modal's fields.
    async fn fill(&self, who: &str, filled: Filled) -> Result<(), CannotAct> {
        for (field, value) in filled {
            match self.worlds.slack.fill(who, &field, &value).await {
                // The bot replaced the view meanwhile and the field is no longer there.
                Ok(_) | Err(CannotAct::NothingCalled { .. }) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    fn move_clock(&self, seconds: Option<u64>, to_deadline: bool) -> Value {
        let mut by = Duration::from_secs(seconds.unwrap_or(0).min(MOVE_SECONDS_MAX));
        if let (true, Some(at_ms)) = (to_deadline, self.worlds.deadline()) {
            let left_ms = at_ms.saturating_sub(self.worlds.clock.now_ms()).max(0);
            by = Duration::from_millis(left_ms.unsigned_abs());
        }
        self.worlds.clock.advance(by);
        json!({ "moved_seconds": by.as_secs() })
    }

    fn switch(&self, tailscale: Option<TailscaleMood>, slack: Option<SlackMood>) -> Value {
        let mut inner = self.lock();
        if let Some(mood) = tailscale {
            self.worlds.set_tailscale(mood);
            inner.switches.tailscale = mood;
        }
        if let Some(mood) = slack {
            self.worlds.set_slack(mood);
            inner.switches.slack = mood;
        }
        json!({ "switches": inner.switches })
    }
}

/// `POST /api/bot/kill` and `POST /api/bot/start`.
pub(super) async fn perform_on_bot(State(demo): State<Demo>, Path(act): Path<String>) -> Response {
    match act.as_str() {
        "kill" => {
            demo.lodger.kill();
            demo.lock().coach.was_broken = true;
        }
        "start" => {
            demo.lock().is_starting = true;
            demo.touch();
            let started = demo.lodger.start().await;
            let mut inner = demo.lock();
            inner.is_starting = false;
            inner.trouble = started.err();
        }
        _ => return no(StatusCode::NOT_FOUND, &"kill or start"),
    }
    demo.touch();
    Json(json!({ "running": demo.lodger.is_running() })).into_response()
}
