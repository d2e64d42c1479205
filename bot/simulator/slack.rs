//! A Slack workspace in memory: what the bot says is kept, and the buttons in it can be pressed, now or much later.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::company::{
    AUTH_KEY_SECRET, BOT, CHANNEL, ONCALL, ONCALL_HANDLE, PEOPLE, ROOM, TEAM, USERS_GROUP, USERS_HANDLE, login,
    person_by_login, person_of, slack_id,
};

/// A button as it once stood in a message.
#[derive(Clone, Debug)]
pub struct Button {
    pub channel: String,
    pub ts: String,
    pub block_id: String,
    pub action_id: String,
    pub value: String,
    /// Only this person could see it.
    pub only_for: Option<String>,
}

/// A form that was opened for somebody.
#[derive(Clone, Debug)]
pub struct Form {
    pub person: String,
    pub view: Value,
}

/// The workspace.
#[derive(Default)]
pub struct Slack {
    messages: BTreeMap<(String, String), Value>,
    /// Every button that was ever seen, oldest first.
    pub buttons: Vec<Button>,
    /// Forms to be filled in.
    pub forms: Vec<Form>,
    /// Numbers of people who left the group.
    pub dismissed: Vec<usize>,
    /// Numbers of people whose account was closed.
    pub quit: Vec<usize>,
    /// What Slack would have refused.
    pub mistakes: Vec<String>,
    /// Ids of auth keys that their requesters were just shown.
    pub keys_shown: Vec<String>,
    posted: i64,
    /// Every text that ever stood in a message, with its channel and time stamp.
    ever: Vec<(String, String, String)>,
}

impl Slack {
    /// Answers a call of the Web API. `fields` are its arguments.
    pub fn answer(&mut self, method: &str, fields: &Value, now: i64) -> Value {
        let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        match method {
            "auth.test" => json!({"ok": true, "team_id": TEAM, "user_id": BOT, "bot_id": "B0BOT", "app_id": "A0SIM"}),
            "users.info" => match person_of(&text("user")) {
                Some(person) => json!({"ok": true, "user": self.user(person)}),
                None => error("user_not_found"),
            },
            "users.lookupByEmail" => match person_by_login(&text("email")) {
                Some(person) => json!({"ok": true, "user": self.user(person)}),
                None => error("users_not_found"),
            },
            "users.list" => {
                let members: Vec<Value> = (0..PEOPLE).map(|person| self.user(person)).collect();
                json!({"ok": true, "members": members})
            }
            "usergroups.list" => json!({"ok": true, "usergroups": [
                {"id": "S0ONCALL", "handle": ONCALL_HANDLE, "name": "On call", "date_delete": 0},
                {"id": USERS_GROUP, "handle": USERS_HANDLE, "name": "Users", "date_delete": 0}]}),
            "usergroups.users.list" => {
                let left = |person: &usize| !self.dismissed.contains(person);
                json!({"ok": true, "users": ONCALL.into_iter().filter(left).map(slack_id).collect::<Vec<_>>()})
            }
            "conversations.list" => json!({"ok": true, "channels": [channel(CHANNEL), channel(ROOM)]}),
            "conversations.info" => match [CHANNEL, ROOM].into_iter().find(|(id, _)| *id == text("channel")) {
                Some(known) => json!({"ok": true, "channel": channel(known)}),
                None => error("channel_not_found"),
            },
            "conversations.history" => {
                let in_it = self.messages.iter().rev().filter(|((channel, _), _)| *channel == text("channel"));
                let found: Vec<&Value> = in_it.map(|(_, message)| message).take(200).collect();
                json!({"ok": true, "messages": found})
            }
            "chat.postMessage" => self.post(&text("channel"), fields, now),
            "chat.update" => self.update(&text("channel"), &text("ts"), fields),
            "chat.postEphemeral" => {
                self.show(&text("channel"), "0", fields.get("blocks"), Some(text("user")));
                json!({"ok": true, "message_ts": "0"})
            }
            "views.open" => {
                let person = text("trigger_id").split(' ').next().unwrap_or_default().to_owned();
                self.forms.push(Form { person, view: fields.get("view").cloned().unwrap_or_default() });
                json!({"ok": true, "view": {"id": format!("V{}", self.forms.len()), "hash": "1"}})
            }
            "views.update" | "views.publish" => json!({"ok": true, "view": {"id": "V0", "hash": "1"}}),
            _ => error("unknown_method"),
        }
    }

    fn post(&mut self, to: &str, fields: &Value, now: i64) -> Value {
        let channel = match to {
            to if to.trim_start_matches('#') == CHANNEL.1 || to == CHANNEL.0 => CHANNEL.0.to_owned(),
            to if to.starts_with('D') => to.to_owned(),
            to => match person_of(to) {
                Some(_) => format!("D{to}"),
                None => return error("channel_not_found"),
            },
        };
        self.look_for_keys(to, fields);
        self.posted = self.posted.saturating_add(1);
        let ts = format!("{}.{:06}", now.div_euclid(1_000), self.posted % 1_000_000);
        let blocks = fields.get("blocks").cloned().unwrap_or_default();
        let message = json!({"ts": ts, "user": BOT, "bot_id": "B0BOT", "text": fields.get("text"), "blocks": blocks,
            "in_thread": fields.get("thread_ts")});
        let only_for = channel.strip_prefix('D').map(str::to_owned);
        self.show(&channel, &ts, Some(&blocks), only_for);
        self.ever.push((channel.clone(), ts.clone(), message.to_string()));
        self.messages.insert((channel.clone(), ts.clone()), message);
        json!({"ok": true, "channel": channel, "ts": ts})
    }

    /// What is handed over is for one person's eyes.
    fn look_for_keys(&mut self, to: &str, fields: &Value) {
        let said = fields.to_string();
        let Some((_, rest)) = said.split_once(AUTH_KEY_SECRET) else { return };
        if !to.starts_with(['D', 'U']) {
            self.mistakes.push(format!("an auth key in {to}"));
        }
        self.keys_shown.push(rest.chars().take_while(char::is_ascii_alphanumeric).collect());
    }

    fn update(&mut self, channel: &str, ts: &str, fields: &Value) -> Value {
        let blocks = fields.get("blocks").cloned().unwrap_or_default();
        let Some(message) = self.messages.get_mut(&(channel.to_owned(), ts.to_owned())) else {
            return error("message_not_found");
        };
        if let Some(message) = message.as_object_mut() {
            message.insert("blocks".to_owned(), blocks.clone());
            message.insert("text".to_owned(), fields.get("text").cloned().unwrap_or_default());
        }
        self.ever.push((channel.to_owned(), ts.to_owned(), message.to_string()));
        let only_for = channel.strip_prefix('D').map(str::to_owned);
        self.show(channel, ts, Some(&blocks), only_for);
        json!({"ok": true, "channel": channel, "ts": ts})
    }

    fn user(&self, person: usize) -> Value {
        json!({
            "id": slack_id(person), "team_id": TEAM, "name": format!("p{person}"), "real_name": format!("Person {person}"),
            "deleted": self.quit.contains(&person), "is_bot": false, "is_restricted": false, "is_ultra_restricted": false,
            "is_email_confirmed": true, "profile": {"email": login(person)},
        })
    }

    /// What stands in a message now.
    pub fn text_of(&self, channel: &str, ts: &str) -> Option<String> {
        self.messages.get(&(channel.to_owned(), ts.to_owned())).map(Value::to_string)
    }

    /// Every message in a channel that has all these words in it.
    pub fn said<'s>(&'s self, channel: &'s str, words: &'s [&str]) -> impl Iterator<Item = String> + 's {
        let in_it = self.messages.iter().filter(move |((there, _), _)| there == channel);
        in_it.map(|(_, message)| message.to_string()).filter(move |text| words.iter().all(|word| text.contains(word)))
    }

    /// Whether a message of the channel ever had all these words in it.
    pub fn has_said(&self, channel: &str, words: &[&str]) -> bool {
        let all = self.ever.iter().filter(|(there, _, _)| there == channel);
        all.map(|(_, _, text)| text).any(|text| words.iter().all(|word| text.contains(word)))
    }

    /// How many messages of the channel ever had this word and one of those in them.
    pub fn have_said(&self, channel: &str, word: &str, any: &[&str]) -> usize {
        let says = |text: &str| text.contains(word) && any.iter().any(|words| text.contains(words));
        let all = self.ever.iter().filter(|(there, _, text)| there == channel && says(text));
        all.map(|(_, ts, _)| ts).collect::<BTreeSet<_>>().len()
    }

    /// Remembers the buttons in what somebody sees.
    pub fn show(&mut self, channel: &str, ts: &str, blocks: Option<&Value>, only_for: Option<String>) {
        let blocks = blocks.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if blocks.len() > 50 {
            self.mistakes.push(format!("{} blocks", blocks.len()));
        }
        for block in blocks {
            let block_id = block.get("block_id").and_then(Value::as_str).unwrap_or_default();
            let elements = block.get("elements").and_then(Value::as_array).into_iter().flatten();
            for element in elements.chain(block.get("accessory")) {
                let text = |name: &str| element.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                if text("type") != "button" {
                    continue;
                }
                self.buttons.push(Button {
                    channel: channel.to_owned(),
                    ts: ts.to_owned(),
                    block_id: block_id.to_owned(),
                    action_id: text("action_id"),
                    value: text("value"),
                    only_for: only_for.clone(),
                });
            }
        }
        // Nobody presses what is that old.
        if self.buttons.len() > 4_000 {
            self.buttons.drain(..2_000);
        }
    }
}

fn error(code: &str) -> Value {
    json!({"ok": false, "error": code})
}

fn channel((id, name): (&str, &str)) -> Value {
    let name = name.trim_start_matches('#');
    json!({"id": id, "name": name, "is_member": true, "is_ext_shared": false})
}
