//! Payloads into deliveries: as much as Slack sent, no more than we need, nothing refused for a field we do not use.

use secrecy::SecretString;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::state::element_values;
use super::{
    Actor, BlockActions, BlockSuggestion, CommandText, Delivery, EventCallback, FormState, MessageAt, MessageShortcut,
    Shortcut, SlashCommand, ViewAt, ViewClosed, ViewSubmission, What,
};

/// A slash command: the fields of the form, or the same as JSON from a socket.
pub fn from_command(fields: &Value) -> Delivery {
    if text(fields, "/ssl_check").is_some() && text(fields, "/command").is_none() {
        return delivery(key("ssl_check", &[]), Actor::default(), What::SslCheck, fields);
    }
    let actor = Actor {
        user_id: owned(fields, "/user_id"),
        team_id: some(fields, "/team_id"),
        enterprise_id: some(fields, "/enterprise_id"),
    };
    let (Some(command), false) = (some(fields, "/command"), actor.user_id.is_empty()) else {
        return unknown("a command without name or person", fields);
    };
    let raw_text = owned(fields, "/text");
    // Without a trigger (no such thing from Slack itself) the answer address tells two commands apart.
    let once = text(fields, "/trigger_id").or(text(fields, "/response_url")).unwrap_or_default();
    let key = key("command", &[once, &actor.user_id, &command, &raw_text]);
    let what = What::Command(SlashCommand {
        command,
        text: CommandText::read(&raw_text),
        channel_id: owned(fields, "/channel_id"),
        channel_name: owned(fields, "/channel_name"),
        team_id: some(fields, "/team_id"),
        response_url: secret(fields, "/response_url"),
        trigger_id: secret(fields, "/trigger_id"),
    });
    delivery(key, actor, what, fields)
}

/// A button, select, modal, shortcut or option list: the JSON in the form's `payload`, or from a socket.
pub fn from_interaction(payload: &Value) -> Delivery {
    let actor = Actor {
        user_id: owned(payload, "/user/id"),
        team_id: some(payload, "/user/team_id"),
        enterprise_id: some(payload, "/enterprise/id").or_else(|| some(payload, "/team/enterprise_id")),
    };
    if actor.user_id.is_empty() {
        return unknown("an interaction without a person", payload);
    }
    let kind = text(payload, "/type").unwrap_or_default();
    let read = match kind {
        "block_actions" => block_actions(payload, &actor),
        "view_submission" => Some(submission(payload, &actor)),
        "view_closed" => Some(closed(payload, &actor)),
        "block_suggestion" => Some(suggestion(payload, &actor)),
        "shortcut" => Some(shortcut(payload, &actor)),
        "message_action" => message_shortcut(payload, &actor),
        _ => return unknown(kind, payload),
    };
    match read {
        Some((key, what)) => delivery(key, actor, what, payload),
        None => unknown(&format!("{kind} without its parts"), payload),
    }
}

/// A body of the Events API. `retry` is Slack's count of repetitions.
pub fn from_event(body: &Value, retry: Option<u32>) -> Delivery {
    match text(body, "/type").unwrap_or_default() {
        "url_verification" => {
            let what = What::UrlVerification { challenge: owned(body, "/challenge") };
            Delivery { retry, ..delivery(key("url_verification", &[]), Actor::default(), what, body) }
        }
        "event_callback" => {
            let (event, kind) = (body.get("event"), text(body, "/event/type"));
            let (Some(event), Some(kind)) = (event, kind) else { return unknown("event_callback without event", body) };
            let event_id = owned(body, "/event_id");
            let key = match event_id.as_str() {
                "" => key("event", &[&event.to_string()]),
                id => key("event", &[id]),
            };
            let actor = Actor {
                user_id: some(event, "/user").unwrap_or_else(|| owned(event, "/user/id")),
                // `team` is the workspace that received the event; only `user_team` speaks of the author.
                team_id: some(event, "/user_team"),
                enterprise_id: None,
            };
            let (kind, event) = (kind.to_owned(), event.clone());
            let what = What::Event(EventCallback { kind, event, event_id, team_id: some(body, "/team_id") });
            Delivery { retry, ..delivery(key, actor, what, body) }
        }
        other => unknown(other, body),
    }
}

fn block_actions(payload: &Value, actor: &Actor) -> Option<(String, What)> {
    let action = payload.pointer("/actions/0")?;
    let action_id = some(action, "/action_id")?;
    let block_id = owned(action, "/block_id");
    let selected = element_values(action);
    let parts = [owned(payload, "/trigger_id"), owned(action, "/action_ts"), selected.join("\n")];
    let [once, action_ts, chosen] = &parts;
    let key = key("block_actions", &[once, &actor.user_id, action_ts, &action_id, &block_id, chosen]);
    let state = payload.get("state").or_else(|| payload.pointer("/view/state"));
    let what = What::Actions(BlockActions {
        kind: owned(action, "/type"),
        value: selected.first().cloned(),
        selected,
        state: FormState::read(state),
        message: message_at(payload),
        is_ephemeral: payload.pointer("/container/is_ephemeral") == Some(&Value::Bool(true)),
        view: view_at(payload),
        response_url: secret(payload, "/response_url"),
        trigger_id: secret(payload, "/trigger_id"),
        action_id,
        block_id,
    });
    Some((key, what))
}

fn submission(payload: &Value, actor: &Actor) -> (String, What) {
    let view = view_at(payload).unwrap_or_else(no_view);
    let state = payload.pointer("/view/state");
    let filled = state.map(Value::to_string).unwrap_or_default();
    let once = owned(payload, "/trigger_id");
    let hash = view.hash.clone().unwrap_or_default();
    let key = key("view_submission", &[&once, &actor.user_id, &view.view_id, &hash, &filled]);
    let blocks = payload.pointer("/view/blocks").and_then(Value::as_array);
    let inputs = blocks.into_iter().flatten().filter(|block| text(block, "/type") == Some("input"));
    let input_block_ids = inputs.filter_map(|block| some(block, "/block_id")).collect();
    let trigger_id = secret(payload, "/trigger_id");
    let state = FormState::read(state);
    (key, What::Submission(ViewSubmission { view, state, input_block_ids, trigger_id }))
}

fn closed(payload: &Value, actor: &Actor) -> (String, What) {
    let view = view_at(payload).unwrap_or_else(no_view);
    let is_cleared = payload.get("is_cleared") == Some(&Value::Bool(true));
    let hash = view.hash.clone().unwrap_or_default();
    let key = key("view_closed", &[&actor.user_id, &view.view_id, &hash, if is_cleared { "all" } else { "one" }]);
    (key, What::Closed(ViewClosed { view, is_cleared }))
}

fn suggestion(payload: &Value, actor: &Actor) -> (String, What) {
    let view = view_at(payload);
    let state = payload.pointer("/view/state").or_else(|| payload.get("state"));
    let suggestion = BlockSuggestion {
        action_id: owned(payload, "/action_id"),
        block_id: owned(payload, "/block_id"),
        value: owned(payload, "/value"),
        state: FormState::read(state),
        view,
    };
    // Read-only, so two alike need no telling apart.
    let view_id = suggestion.view.as_ref().map_or("", |view| &view.view_id);
    let key = key("block_suggestion", &[&actor.user_id, view_id, &suggestion.action_id, &suggestion.value]);
    (key, What::Options(suggestion))
}

fn shortcut(payload: &Value, actor: &Actor) -> (String, What) {
    let callback_id = owned(payload, "/callback_id");
    let parts = [owned(payload, "/trigger_id"), owned(payload, "/action_ts")];
    let [once, action_ts] = &parts;
    let key = key("shortcut", &[once, &actor.user_id, action_ts, &callback_id]);
    (key, What::Shortcut(Shortcut { callback_id, trigger_id: secret(payload, "/trigger_id") }))
}

fn message_shortcut(payload: &Value, actor: &Actor) -> Option<(String, What)> {
    let message = message_at(payload)?;
    let callback_id = owned(payload, "/callback_id");
    let parts = [owned(payload, "/trigger_id"), owned(payload, "/action_ts")];
    let [once, action_ts] = &parts;
    let key = key("message_action", &[once, &actor.user_id, action_ts, &callback_id, &message.ts]);
    let what = What::MessageShortcut(MessageShortcut {
        callback_id,
        message,
        body: payload.get("message").cloned().unwrap_or_default(),
        response_url: secret(payload, "/response_url"),
        trigger_id: secret(payload, "/trigger_id"),
    });
    Some((key, what))
}

/// The container is there even when the message is not (ephemeral ones).
fn message_at(payload: &Value) -> Option<MessageAt> {
    let channel_id = some(payload, "/container/channel_id").or_else(|| some(payload, "/channel/id"))?;
    let ts = ["/container/message_ts", "/message/ts", "/message_ts"];
    let thread_ts = some(payload, "/container/thread_ts").or_else(|| some(payload, "/message/thread_ts"));
    Some(MessageAt { channel_id, ts: ts.iter().find_map(|pointer| some(payload, pointer))?, thread_ts })
}

fn view_at(payload: &Value) -> Option<ViewAt> {
    let view = payload.get("view").filter(|view| view.is_object());
    let Some(view) = view else {
        // A click in a view names at least the container.
        let view_id = some(payload, "/container/view_id")?;
        return Some(ViewAt { view_id, ..no_view() });
    };
    Some(ViewAt {
        view_id: owned(view, "/id"),
        hash: some(view, "/hash"),
        callback_id: owned(view, "/callback_id"),
        private_metadata: owned(view, "/private_metadata"),
        app_installed_team_id: some(view, "/app_installed_team_id"),
    })
}

fn no_view() -> ViewAt {
    ViewAt {
        view_id: String::new(),
        hash: None,
        callback_id: String::new(),
        private_metadata: String::new(),
        app_installed_team_id: None,
    }
}

/// What is neither; acknowledged and logged once per kind.
pub fn unknown(kind: &str, payload: &Value) -> Delivery {
    // It goes into a log line: no more than a name's worth of it.
    let kind: String = kind.chars().filter(|c| !c.is_control()).take(60).collect();
    let kind = if kind.is_empty() { "a payload without a type".to_owned() } else { kind };
    delivery(key("unknown", &[&payload.to_string()]), Actor::default(), What::Unknown { kind }, payload)
}

fn delivery(key: String, actor: Actor, what: What, payload: &Value) -> Delivery {
    Delivery { key, actor, what, app_id: some(payload, "/api_app_id"), retry: None }
}

/// Hashed, because `trigger_id`s are secrets while they live; each part with its length, so that none can pose as two.
fn key(kind: &str, parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    let short = digest.iter().take(16).copied().collect::<Vec<u8>>();
    format!("{kind}:{}", hex::encode(short))
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn some(value: &Value, pointer: &str) -> Option<String> {
    text(value, pointer).map(str::to_owned)
}

fn owned(value: &Value, pointer: &str) -> String {
    text(value, pointer).unwrap_or_default().to_owned()
}

fn secret(value: &Value, pointer: &str) -> Option<SecretString> {
    text(value, pointer).map(SecretString::from)
}
