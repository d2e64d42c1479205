//! Methods that post, change and delete messages: `chat.*`.

use serde_json::{Value, json};

use super::super::blocks;
use super::super::people::{ChannelKind, Kind};
use super::super::pick::fill_in_ids;
use super::super::state::{Message, State};
use super::args::Args;
use super::{Answer, Refused};

/// `chat.update` and ephemeral messages take this many characters, `chat.postMessage` cuts at ten times as many.
const TEXT_MAX: usize = 4_000;

pub(super) fn call(state: &mut State, name: &str, args: &Args) -> Answer {
    match name {
        "chat.postMessage" => post(state, args),
        "chat.update" => update(state, args),
        "chat.delete" => delete(state, args),
        "chat.postEphemeral" => post_ephemeral(state, args),
        _ => permalink(state, args),
    }
}

/// Where the app may post: resolves `U...` to the direct messages with that person (slack.md section 15).
fn postable(state: &mut State, wanted: &str) -> Result<String, Refused> {
    if let Some(person) = state.people.get(wanted) {
        match person.kind {
            Kind::Deactivated => return Err("channel_not_found".into()),
            Kind::Bot => return Err("cannot_dm_bot".into()),
            _ => {}
        }
        let person = person.id.clone();
        return direct(state, &person);
    }
    let channel = state.find_channel(wanted).ok_or("channel_not_found")?;
    if channel.is_archived {
        return Err("is_archived".into());
    }
    let (id, is_member) = (channel.id.clone(), channel.members.contains(&state.app.bot_user));
    match channel.kind {
        ChannelKind::Direct => {
            let user = channel.members.iter().find(|member| **member != state.app.bot_user).cloned();
            direct(state, &user.unwrap_or_default())
        }
        ChannelKind::Private if !is_member => Err("channel_not_found".into()),
        ChannelKind::Public if !is_member && !state.app.scopes.contains("chat:write.public") => {
            Err("not_in_channel".into())
        }
        ChannelKind::Private | ChannelKind::Public => Ok(id),
    }
}

fn direct(state: &mut State, user: &str) -> Result<String, Refused> {
    if !state.app.has_messages {
        return Err("messages_tab_disabled".into());
    }
    Ok(state.direct(user))
}

/// The blocks of a call, checked and with ids filled in. `None` when the argument is absent.
fn checked_blocks(state: &mut State, args: &Args) -> Result<Option<Vec<Value>>, Refused> {
    let Some(given) = args.nested("blocks") else { return Ok(None) };
    let Some(given) = given.as_array() else { return Err("invalid_blocks_format".into()) };
    let found = blocks::check_message(&json!({ "blocks": given }));
    if !found.is_empty() {
        state.violations.extend(found.iter().map(|what| format!("invalid_blocks: {what}")));
        return Err(Refused::with_messages("invalid_blocks", &found));
    }
    let mut filled = given.clone();
    fill_in_ids(state, &mut filled);
    Ok(Some(filled))
}

fn attachments(args: &Args) -> Result<Vec<Value>, Refused> {
    match args.nested("attachments") {
        None => Ok(Vec::new()),
        Some(Value::Array(items)) if items.len() <= 100 => Ok(items.clone()),
        Some(Value::Array(_)) => Err("too_many_attachments".into()),
        Some(_) => Err("invalid_attachments".into()),
    }
}

fn compose(state: &mut State, args: &Args) -> Result<Message, Refused> {
    let blocks = checked_blocks(state, args)?.unwrap_or_default();
    let attachments = attachments(args)?;
    let text = args.text("text").or_else(|| args.text("markdown_text")).unwrap_or_default();
    if text.is_empty() && blocks.is_empty() && attachments.is_empty() {
        return Err("no_text".into());
    }
    let bot = state.app.bot_user.clone();
    let metadata = args.nested("metadata").cloned();
    Ok(Message { blocks, attachments, metadata, thread_ts: args.text("thread_ts"), ..Message::by(&bot, text) })
}

fn post(state: &mut State, args: &Args) -> Answer {
    let channel = postable(state, &args.word("channel"))?;
    let mut message = compose(state, args)?;
    if message.text.chars().count() > TEXT_MAX * 10 {
        message.text = message.text.chars().take(TEXT_MAX * 10).collect();
        state.violations.push("chat.postMessage: the text was cut at 40,000 characters".to_owned());
    }
    if let Some(thread) = &message.thread_ts
        && !state.has_message(&channel, thread)
    {
        return Err("thread_not_found".into());
    }
    let ts = state.post(&channel, message);
    Ok(json!({ "channel": channel, "ts": ts, "message": state.message_json(&channel, &ts) }))
}

fn update(state: &mut State, args: &Args) -> Answer {
    let (id, ts) = (args.word("channel"), args.word("ts"));
    let blocks = checked_blocks(state, args)?;
    let text = args.text("text").or_else(|| args.text("markdown_text"));
    let replaces_attachments = args.nested("attachments").is_some();
    let attachments = attachments(args)?;
    if text.is_none() && blocks.is_none() && !replaces_attachments {
        return Err("no_text".into());
    }
    if text.as_ref().is_some_and(|text| text.chars().count() > TEXT_MAX) {
        return Err("msg_too_long".into());
    }
    let bot = state.app.bot_user.clone();
    let channel = state.channels.get_mut(&id).ok_or("channel_not_found")?;
    if channel.is_archived {
        return Err("is_archived".into());
    }
    let message = channel
        .messages
        .iter_mut()
        .find(|message| message.ts == ts && message.only_for.is_none())
        .ok_or("message_not_found")?;
    if message.user != bot {
        return Err("cant_update_message".into());
    }
    // The "edited" mark is not shown when only blocks change (slack.md section 15).
    message.is_edited |= blocks.is_none() && text.as_ref().is_some_and(|text| *text != message.text);
    message.text = text.unwrap_or_default();
    message.blocks = blocks.unwrap_or_default();
    if replaces_attachments {
        message.attachments = attachments;
    }
    if let Some(metadata) = args.nested("metadata") {
        message.metadata = Some(metadata.clone());
    }
    let text = message.text.clone();
    Ok(json!({ "channel": id, "ts": ts, "text": text, "message": state.message_json(&id, &ts) }))
}

fn delete(state: &mut State, args: &Args) -> Answer {
    let (id, ts) = (args.word("channel"), args.word("ts"));
    let bot = state.app.bot_user.clone();
    let channel = state.channels.get_mut(&id).ok_or("channel_not_found")?;
    let place = channel
        .messages
        .iter()
        .position(|message| message.ts == ts && message.only_for.is_none())
        .ok_or("message_not_found")?;
    if channel.messages.get(place).is_some_and(|message| message.user != bot) {
        return Err("cant_delete_message".into());
    }
    channel.messages.remove(place);
    Ok(json!({ "channel": id, "ts": ts }))
}

fn post_ephemeral(state: &mut State, args: &Args) -> Answer {
    let user = args.word("user");
    let channel = postable(state, &args.word("channel"))?;
    let is_member = state.channels.get(&channel).is_some_and(|channel| channel.members.contains(&user));
    if !is_member {
        return Err("user_not_in_channel".into());
    }
    let message = compose(state, args)?;
    if message.text.len() > TEXT_MAX {
        return Err("msg_too_long".into());
    }
    let ts = state.post(&channel, Message { only_for: Some(user), ..message });
    Ok(json!({ "message_ts": ts }))
}

fn permalink(state: &State, args: &Args) -> Answer {
    let (id, ts) = (args.word("channel"), args.word("message_ts"));
    if !state.channels.contains_key(&id) {
        return Err("channel_not_found".into());
    }
    if !state.has_message(&id, &ts) {
        return Err("message_not_found".into());
    }
    let link = format!("https://{}.slack.com/archives/{id}/p{}", state.team.domain, ts.replace('.', ""));
    Ok(json!({ "channel": id, "permalink": link }))
}

impl State {
    fn has_message(&self, channel: &str, ts: &str) -> bool {
        let messages = self.channels.get(channel).map(|channel| channel.messages.as_slice()).unwrap_or_default();
        messages.iter().any(|message| message.ts == ts && message.only_for.is_none())
    }
}
