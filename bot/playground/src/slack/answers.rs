//! What the app's acks do: replies to slash commands, `response_action`s of modals, options for menus.

use serde_json::{Value, json};

use super::blocks;
use super::doors::Delivered;
use super::json;
use super::pick::fill_in_ids;
use super::state::{Message, State};
use super::views::View;

/// What was delivered, so that its ack can be applied.
pub(super) enum Cause {
    Command { user: String, channel: String, line: String },
    Submission { user: String, view_id: String },
    Options { user: String, action_id: String },
}

impl State {
    /// Does what the ack says, as Slack would, or shows what Slack shows when there is none.
    pub(super) fn apply(&mut self, cause: Cause, delivered: &Delivered) {
        let body = delivered.body.clone().unwrap_or_default();
        match cause {
            Cause::Command { user, channel, line } => {
                if delivered.acked {
                    self.reply(&user, &channel, &line, &body);
                } else {
                    self.command_failed(&user, &channel, &line, delivered);
                }
            }
            Cause::Submission { user, view_id } => {
                if delivered.acked {
                    self.respond(&user, &view_id, &body);
                } else if let Some(view) = self.view_mut(&view_id) {
                    let words = "We had some trouble connecting. Try again?".to_owned();
                    view.errors.insert(String::new(), words);
                }
            }
            Cause::Options { user, action_id } => self.offer(user, action_id, &body),
        }
    }

    fn command_failed(&mut self, user: &str, channel: &str, line: &str, delivered: &Delivered) {
        let command = line.split(' ').next().unwrap_or_default();
        let why = match delivered.status {
            Some(status) => format!("http_service_error ({status})"),
            None if self.sockets.is_empty() => "dispatch_failed".to_owned(),
            None => "operation_timeout".to_owned(),
        };
        self.slackbot(user, channel, format!("{command} failed with the error \"{why}\""));
    }

    /// The reply to a slash command: ephemeral unless it says `in_channel` (slack.md section 2).
    fn reply(&mut self, user: &str, channel: &str, line: &str, body: &Value) {
        let body = match body {
            Value::Null => return,
            Value::String(text) => json!({ "text": text }),
            other => other.clone(),
        };
        let is_public = json::text(&body, "/response_type") == "in_channel";
        if is_public {
            self.post(channel, Message::by(user, line.to_owned()));
        }
        let only_for = (!is_public).then(|| user.to_owned());
        self.say(channel, only_for, None, &body, "slash command ack");
    }

    /// Posts `text` and `blocks` as the app, unless there are none or they are wrong.
    pub(super) fn say(
        &mut self,
        channel: &str,
        only_for: Option<String>,
        thread_ts: Option<String>,
        body: &Value,
        source: &str,
    ) -> bool {
        let mut message_blocks = json::list(body, "/blocks").to_vec();
        let found = blocks::check_message(body);
        if !found.is_empty() {
            self.violations.extend(found.iter().map(|what| format!("{source}: {what}")));
            return false;
        }
        let text = json::text(body, "/text").to_owned();
        if text.is_empty() && message_blocks.is_empty() {
            return false;
        }
        fill_in_ids(self, &mut message_blocks);
        let bot = self.app.bot_user.clone();
        let message = Message { blocks: message_blocks, only_for, thread_ts, ..Message::by(&bot, text) };
        self.post(channel, message);
        true
    }

    /// `response_action` (slack.md section 3.2). Without one the submitted view closes.
    fn respond(&mut self, user: &str, view_id: &str, body: &Value) {
        let action = json::text(body, "/response_action").to_owned();
        let given = json::at(body, "/view").clone();
        if matches!(action.as_str(), "update" | "push") {
            let found = blocks::check_view(&given);
            if !found.is_empty() {
                self.violations.extend(found.iter().map(|what| format!("response_action: {what}")));
                return;
            }
        }
        match action.as_str() {
            "clear" => drop(self.modals.remove(user)),
            "errors" => self.show_errors(view_id, body),
            "update" => {
                if let Some(old) = self.view_mut(view_id).cloned() {
                    let view = old.replaced_by(self, &given);
                    self.put_back(view);
                }
            }
            "push" => {
                let below = self.view_mut(view_id).cloned();
                let view = View::new(self, user, &given, below.as_ref());
                self.modals.entry(user.to_owned()).or_default().push(view);
            }
            other => {
                if !other.is_empty() || !body.is_null() && *body != json!({}) {
                    self.violations.push(format!("view_submission ack: not a response_action: {body}"));
                }
                let stack = self.modals.entry(user.to_owned()).or_default();
                stack.retain(|view| view.id != view_id);
            }
        }
    }

    /// Keys are block ids of input blocks; others are not shown, which the app's author should hear of.
    fn show_errors(&mut self, view_id: &str, body: &Value) {
        let Some(view) = self.view_mut(view_id) else { return };
        let inputs: Vec<_> = view
            .blocks()
            .iter()
            .filter(|block| json::text(block, "/type") == "input")
            .map(|block| json::text(block, "/block_id").to_owned())
            .collect();
        let mut stray = Vec::new();
        for (block, what) in json::at(body, "/errors").as_object().into_iter().flatten() {
            if inputs.contains(block) {
                view.errors.insert(block.clone(), json::text(what, "").to_owned());
            } else {
                stray.push(format!("response_action errors: {block} is not an input block of the view"));
            }
        }
        self.violations.extend(stray);
    }

    fn offer(&mut self, user: String, action_id: String, body: &Value) {
        let options = super::form::all_options(body);
        let found = blocks::check_options(body);
        self.violations.extend(found.iter().map(|what| format!("options: {what}")));
        self.offered.insert((user, action_id), if found.is_empty() { options } else { Vec::new() });
    }
}
