//! The payloads Slack sends for what people do, in the shapes of its documentation and of Bolt's own tests.

use serde_json::{Map, Value, json};

use super::json;
use super::people::{ChannelKind, Kind};
use super::pick::{Element, state_values};
use super::state::{Message, State};

/// Old-style verification token; apps must not rely on it.
const LEGACY_TOKEN: &str = "legacyVerificationTok0000";

/// Where an element was used.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    Message { channel: String, ts: String },
    View { id: String },
}

impl State {
    pub(super) fn message(&self, channel: &str, ts: &str) -> Option<&Message> {
        self.channels.get(channel)?.messages.iter().find(|message| message.ts == ts)
    }

    /// A message as payloads and answers carry it.
    pub(super) fn message_json(&self, channel: &str, ts: &str) -> Value {
        let Some(message) = self.message(channel, ts) else { return Value::Null };
        let mut shown = json!({ "user": message.user, "type": "message", "ts": message.ts });
        let Value::Object(map) = &mut shown else { return shown };
        if message.user == self.app.bot_user {
            map.insert("bot_id".to_owned(), json!(self.app.bot_id));
            map.insert("app_id".to_owned(), json!(self.app.id));
        }
        map.insert("text".to_owned(), json!(message.text));
        map.insert("team".to_owned(), json!(self.team.id));
        if !message.blocks.is_empty() {
            map.insert("blocks".to_owned(), json!(message.blocks));
        }
        if !message.attachments.is_empty() {
            map.insert("attachments".to_owned(), json!(message.attachments));
        }
        if !message.files.is_empty() {
            map.insert("files".to_owned(), json!(message.files));
        }
        let replies = self.replies(channel, ts).len();
        if replies > 0 {
            map.insert("reply_count".to_owned(), json!(replies));
            map.insert("thread_ts".to_owned(), json!(ts));
        }
        if let Some(thread) = &message.thread_ts {
            map.insert("thread_ts".to_owned(), json!(thread));
        }
        if message.is_edited {
            map.insert("edited".to_owned(), json!({ "user": message.user, "ts": message.ts }));
        }
        if let Some(metadata) = &message.metadata {
            map.insert("metadata".to_owned(), metadata.clone());
        }
        shown
    }

    /// Ids of the answers in the thread that begins with `ts`, oldest first; those only one person sees left out.
    pub(super) fn replies(&self, channel: &str, ts: &str) -> Vec<String> {
        let messages = self.channels.get(channel).map(|channel| channel.messages.as_slice()).unwrap_or_default();
        let replies = messages.iter().filter(|one| one.thread_ts.as_deref() == Some(ts) && one.only_for.is_none());
        replies.map(|one| one.ts.clone()).collect()
    }

    fn who(&self, user: &str) -> Value {
        let person = self.people.get(user);
        let name = person.map(|person| person.name.as_str()).unwrap_or_default();
        let team = person.map_or_else(|| self.team.id.clone(), |person| self.team_of(person));
        json!({ "id": user, "username": name, "name": name, "team_id": team })
    }

    /// `team`: null when the app is installed for the whole organisation.
    fn our_team(&self) -> Value {
        if self.team.is_org_install {
            return Value::Null;
        }
        let mut team = json!({ "id": self.team.id, "domain": self.team.domain });
        if let (Some((id, name)), Some(map)) = (&self.team.enterprise, team.as_object_mut()) {
            map.insert("enterprise_id".to_owned(), json!(id));
            map.insert("enterprise_name".to_owned(), json!(name));
        }
        team
    }

    fn enterprise(&self) -> Value {
        self.team.enterprise.as_ref().map_or(Value::Null, |(id, name)| json!({ "id": id, "name": name }))
    }

    /// What a modal's payloads say about the team: for somebody of another company, theirs (slack.md section 0).
    fn team_of_view(&self, user: &str) -> (Value, Value) {
        match self.people.get(user).map(|person| &person.kind) {
            Some(Kind::Outsider { team }) => (json!({ "id": team, "domain": team.to_lowercase() }), Value::Null),
            _ => (self.our_team(), self.enterprise()),
        }
    }

    fn channel_name(&self, id: &str) -> String {
        match self.channels.get(id) {
            Some(channel) if channel.kind == ChannelKind::Direct => "directmessage".to_owned(),
            Some(channel) if channel.kind == ChannelKind::Private => "privategroup".to_owned(),
            Some(channel) => channel.name.clone(),
            None => String::new(),
        }
    }

    pub(super) fn slash_command(&mut self, user: &str, channel: &str, command: &str, text: &str) -> Value {
        let name = self.people.get(user).map(|person| person.name.clone()).unwrap_or_default();
        let mut payload = json!({
            "token": LEGACY_TOKEN, "team_id": self.team.id, "team_domain": self.team.domain, "channel_id": channel,
            "channel_name": self.channel_name(channel), "user_id": user, "user_name": name, "command": command,
            "text": text, "api_app_id": self.app.id,
            "is_enterprise_install": self.team.is_org_install.to_string(),
        });
        let response_url = self.new_hook("commands", user, channel, None);
        let trigger = self.new_trigger(user, None);
        if let Value::Object(map) = &mut payload {
            map.insert("response_url".to_owned(), json!(response_url));
            map.insert("trigger_id".to_owned(), json!(trigger));
            if let Some((id, name)) = &self.team.enterprise {
                map.insert("enterprise_id".to_owned(), json!(id));
                map.insert("enterprise_name".to_owned(), json!(name));
            }
        }
        payload
    }

    /// `block_actions`; `value` is what the person chose, for elements that have a value.
    pub(super) fn block_actions(
        &mut self,
        user: &str,
        origin: &Origin,
        element: &Element,
        value: Option<Value>,
    ) -> Value {
        let from_view = match origin {
            Origin::View { id } => Some(id.clone()),
            Origin::Message { .. } => None,
        };
        let trigger = self.new_trigger(user, from_view.as_deref());
        let mut payload = json!({
            "type": "block_actions", "user": self.who(user), "api_app_id": self.app.id, "token": LEGACY_TOKEN,
            "container": self.container(origin), "trigger_id": trigger, "team": self.our_team(),
            "enterprise": self.enterprise(), "is_enterprise_install": self.team.is_org_install,
        });
        let action = self.action(element, value);
        let Value::Object(map) = &mut payload else { return payload };
        match origin {
            Origin::Message { channel, ts } => self.add_message(map, user, channel, ts),
            Origin::View { id } => {
                let view = self.view_mut(id).cloned();
                map.insert("view".to_owned(), view.map_or(Value::Null, |view| view.json(self)));
            }
        }
        map.insert("actions".to_owned(), json!([action]));
        payload
    }

    /// Channel, message (not for ephemeral ones), state and response_url.
    fn add_message(&mut self, map: &mut Map<String, Value>, user: &str, channel: &str, ts: &str) {
        let Some(message) = self.message(channel, ts).cloned() else { return };
        map.insert("channel".to_owned(), json!({ "id": channel, "name": self.channel_name(channel) }));
        if message.only_for.is_none() {
            map.insert("message".to_owned(), self.message_json(channel, ts));
        }
        map.insert("state".to_owned(), json!({ "values": state_values(&message.blocks, &message.chosen) }));
        map.insert("response_url".to_owned(), json!(self.new_hook("actions", user, channel, Some(&message))));
    }

    fn container(&self, origin: &Origin) -> Value {
        match origin {
            Origin::View { id } => json!({ "type": "view", "view_id": id }),
            Origin::Message { channel, ts } => {
                let message = self.message(channel, ts);
                let is_ephemeral = message.is_some_and(|message| message.only_for.is_some());
                let mut container = json!({
                    "type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": is_ephemeral,
                });
                let thread = message.and_then(|message| message.thread_ts.clone());
                if let (Some(thread), Some(map)) = (thread, container.as_object_mut()) {
                    map.insert("thread_ts".to_owned(), json!(thread));
                }
                container
            }
        }
    }

    fn action(&mut self, element: &Element, value: Option<Value>) -> Value {
        let mut action = json!({ "action_id": element.action_id, "block_id": element.block_id });
        let action_ts = self.next_ts();
        let Value::Object(map) = &mut action else { return action };
        let kind = element.kind();
        let copied: &[&str] = if kind == "button" { &["text", "value", "style", "url"] } else { &["placeholder"] };
        for name in copied {
            if let Some(value) = element.json.get(*name) {
                map.insert((*name).to_owned(), value.clone());
            }
        }
        map.insert("type".to_owned(), json!(kind));
        if let (Some(name), Some(value)) = (element.value_name(), value) {
            map.insert(name.to_owned(), value);
        }
        map.insert("action_ts".to_owned(), json!(action_ts));
        action
    }

    /// `view_submission` of the modal in front.
    pub(super) fn view_submission(&mut self, user: &str) -> Option<Value> {
        let view = self.front(user)?.clone();
        let trigger = self.new_trigger(user, Some(&view.id));
        let response_urls = self.response_urls(user, &view.json(self));
        let (team, enterprise) = self.team_of_view(user);
        Some(json!({
            "type": "view_submission", "team": team, "user": self.who(user), "api_app_id": self.app.id,
            "token": LEGACY_TOKEN, "trigger_id": trigger, "view": view.json(self), "response_urls": response_urls,
            "is_enterprise_install": self.team.is_org_install, "enterprise": enterprise,
        }))
    }

    /// One per conversation chosen in an element with `response_url_enabled` (slack.md section 3.4).
    fn response_urls(&mut self, user: &str, view: &Value) -> Vec<Value> {
        let mut urls = Vec::new();
        for element in super::pick::elements(json::list(view, "/blocks")) {
            if !json::flag(&element.json, "/response_url_enabled") {
                continue;
            }
            let place = format!("/state/values/{}/{}", element.block_id, element.action_id);
            let value = json::at(view, &place);
            let channel = ["/selected_conversation", "/selected_channel"].map(|name| json::text(value, name));
            for channel in channel.into_iter().filter(|channel| !channel.is_empty()) {
                let url = self.new_hook("app", user, channel, None);
                urls.push(json!({
                    "response_url": url, "channel_id": channel, "block_id": element.block_id,
                    "action_id": element.action_id,
                }));
            }
        }
        urls
    }

    pub(super) fn view_closed(&self, user: &str, view: &Value, is_cleared: bool) -> Value {
        let (team, enterprise) = self.team_of_view(user);
        json!({
            "type": "view_closed", "team": team, "user": self.who(user), "api_app_id": self.app.id,
            "token": LEGACY_TOKEN, "view": view, "is_cleared": is_cleared,
            "is_enterprise_install": self.team.is_org_install, "enterprise": enterprise,
        })
    }

    pub(super) fn block_suggestion(&mut self, user: &str, origin: &Origin, element: &Element, query: &str) -> Value {
        let mut payload = json!({
            "type": "block_suggestion", "user": self.who(user), "container": self.container(origin),
            "api_app_id": self.app.id, "token": LEGACY_TOKEN, "action_id": element.action_id,
            "block_id": element.block_id, "value": query, "team": self.our_team(), "enterprise": self.enterprise(),
            "is_enterprise_install": self.team.is_org_install,
        });
        let Value::Object(map) = &mut payload else { return payload };
        match origin {
            Origin::View { id } => {
                let view = self.view_mut(id).cloned();
                map.insert("view".to_owned(), view.map_or(Value::Null, |view| view.json(self)));
            }
            Origin::Message { channel, ts } => {
                map.insert("channel".to_owned(), json!({ "id": channel, "name": self.channel_name(channel) }));
                map.insert("message".to_owned(), self.message_json(channel, ts));
            }
        }
        payload
    }

    pub(super) fn shortcut(&mut self, user: &str, callback_id: &str) -> Value {
        let trigger = self.new_trigger(user, None);
        let who = self.who(user);
        json!({
            "type": "shortcut", "token": LEGACY_TOKEN, "action_ts": self.next_ts(), "team": self.our_team(),
            "user": { "id": who.get("id"), "username": who.get("username"), "team_id": who.get("team_id") },
            "is_enterprise_install": self.team.is_org_install, "enterprise": self.enterprise(),
            "callback_id": callback_id, "trigger_id": trigger,
        })
    }

    pub(super) fn message_action(&mut self, user: &str, channel: &str, ts: &str, callback_id: &str) -> Value {
        let trigger = self.new_trigger(user, None);
        let message = self.message(channel, ts).cloned();
        let response_url = self.new_hook("app", user, channel, message.as_ref());
        json!({
            "type": "message_action", "token": LEGACY_TOKEN, "action_ts": self.next_ts(), "team": self.our_team(),
            "user": self.who(user), "channel": { "id": channel, "name": self.channel_name(channel) },
            "is_enterprise_install": self.team.is_org_install, "enterprise": self.enterprise(),
            "callback_id": callback_id, "trigger_id": trigger, "response_url": response_url, "message_ts": ts,
            "message": self.message_json(channel, ts),
        })
    }

    /// The Events API's wrapper around `event`.
    pub(super) fn event(&mut self, event: Value) -> Value {
        let is_shared =
            self.channels.get(json::text(&event, "/channel")).is_some_and(|channel| !channel.shared_with.is_empty());
        let enterprise_id = self.team.enterprise.as_ref().map(|(id, _)| id.clone());
        json!({
            "token": LEGACY_TOKEN, "team_id": self.team.id, "context_team_id": self.team.id,
            "context_enterprise_id": enterprise_id, "api_app_id": self.app.id, "event": event,
            "type": "event_callback", "event_id": self.next_id("Ev"),
            "event_time": self.clock.now_ms().div_euclid(1000),
            "authorizations": [{
                "enterprise_id": enterprise_id, "team_id": if self.team.is_org_install { None } else { Some(&self.team.id) },
                "user_id": self.app.bot_user, "is_bot": true, "is_enterprise_install": self.team.is_org_install,
            }],
            "is_ext_shared_channel": is_shared, "event_context": "4-playground",
        })
    }
}
