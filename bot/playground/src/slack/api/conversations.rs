//! Methods about channels and direct messages: `conversations.*`.

use serde_json::{Value, json};

use super::super::people::{Channel, ChannelKind, Kind, channel_json};
use super::super::state::State;
use super::args::Args;
use super::people::{need_team, page};
use super::{Answer, Refused};

pub(super) fn call(state: &mut State, name: &str, args: &Args) -> Answer {
    match name {
        "conversations.open" => open(state, args),
        "conversations.info" => {
            let channel = visible(state, args)?;
            Ok(json!({ "channel": channel_json(state, channel) }))
        }
        "conversations.members" => members(state, args),
        "conversations.invite" => invite(state, args),
        "conversations.kick" => kick(state, args),
        "conversations.history" => history(state, args),
        "conversations.replies" => replies(state, args),
        _ => list(state, args),
    }
}

fn open(state: &mut State, args: &Args) -> Answer {
    if let Some(users) = args.text("users") {
        if users.contains(',') {
            state.violations.push("conversations.open: this world knows no group messages".to_owned());
            return Err("method_not_supported".into());
        }
        let person = state.people.get(users.trim()).ok_or("user_not_found")?;
        match &person.kind {
            Kind::Deactivated => return Err("user_disabled".into()),
            Kind::Bot => return Err("cannot_dm_bot".into()),
            Kind::Outsider { .. } if !state.shares_a_channel(&person.id) => return Err("user_not_visible".into()),
            _ => {}
        }
        let id = person.id.clone();
        let already_open = state.channels.contains_key(&format!("D{}", id.get(1..).unwrap_or_default()));
        let channel = state.direct(&id);
        return Ok(opened_answer(state, &channel, already_open, args));
    }
    let channel = args.text("channel").ok_or("users_list_not_supplied")?;
    if !state.channels.contains_key(&channel) {
        return Err("channel_not_found".into());
    }
    Ok(opened_answer(state, &channel, true, args))
}

fn opened_answer(state: &State, id: &str, already_open: bool, args: &Args) -> Value {
    let channel = match state.channels.get(id) {
        Some(channel) if args.flag("return_im") => channel_json(state, channel),
        _ => json!({ "id": id }),
    };
    json!({ "no_op": already_open, "already_open": already_open, "channel": channel })
}

/// The channel asked for, if the app may know it: a private one only as a member.
fn visible<'a>(state: &'a State, args: &Args) -> Result<&'a Channel, Refused> {
    let channel = state.channels.get(&args.word("channel")).ok_or("channel_not_found")?;
    let scope = scope_of(channel);
    if !state.app.scopes.contains(scope) {
        return Err(Refused::needs_scope(state, scope));
    }
    if channel.kind != ChannelKind::Public && !channel.members.contains(&state.app.bot_user) {
        return Err("channel_not_found".into());
    }
    Ok(channel)
}

fn scope_of(channel: &Channel) -> &'static str {
    match channel.kind {
        ChannelKind::Public => "channels:read",
        ChannelKind::Private => "groups:read",
        ChannelKind::Direct => "im:read",
    }
}

/// A channel whose messages the app may read: with the scope for its kind, as a member.
fn readable<'a>(state: &'a State, args: &Args) -> Result<&'a Channel, Refused> {
    let channel = state.channels.get(&args.word("channel")).ok_or("channel_not_found")?;
    let scope = match channel.kind {
        ChannelKind::Public => "channels:history",
        ChannelKind::Private => "groups:history",
        ChannelKind::Direct => "im:history",
    };
    if !state.app.scopes.contains(scope) {
        return Err(Refused::needs_scope(state, scope));
    }
    if !channel.members.contains(&state.app.bot_user) {
        return Err("not_in_channel".into());
    }
    Ok(channel)
}

/// The newest messages of a channel, the newest first; answers in threads are not among them.
fn history(state: &State, args: &Args) -> Answer {
    let channel = readable(state, args)?;
    let oldest = args.text("oldest").and_then(|oldest| oldest.parse::<f64>().ok()).unwrap_or(0.0);
    let limit = args.word("limit").parse::<usize>().unwrap_or(100).clamp(1, 999);
    let is_meant = |ts: &str| ts.parse::<f64>().is_ok_and(|ts| ts > oldest);
    let all = channel.messages.iter().rev();
    let all = all.filter(|one| one.thread_ts.is_none() && one.only_for.is_none() && is_meant(&one.ts));
    let all: Vec<_> = all.map(|one| state.message_json(&channel.id, &one.ts)).collect();
    let has_more = all.len() > limit;
    let messages: Vec<Value> = all.into_iter().take(limit).collect();
    Ok(json!({ "messages": messages, "has_more": has_more }))
}

/// A thread from its first message on. A bot reads only where it is a member.
fn replies(state: &State, args: &Args) -> Answer {
    let id = readable(state, args)?.id.clone();
    let ts = args.word("ts");
    if state.message(&id, &ts).is_none_or(|message| message.only_for.is_some()) {
        return Err("thread_not_found".into());
    }
    let limit = args.word("limit").parse::<usize>().unwrap_or(1_000).clamp(1, 1_000);
    let all: Vec<String> = std::iter::once(ts.clone()).chain(state.replies(&id, &ts)).collect();
    let messages: Vec<Value> = all.iter().take(limit).map(|ts| state.message_json(&id, ts)).collect();
    Ok(json!({ "messages": messages, "has_more": all.len() > limit }))
}

/// The channel that the app may let people into and take them out of: with the scope for its kind, as a member.
fn managed(state: &State, args: &Args) -> Result<String, Refused> {
    let channel = state.channels.get(&args.word("channel")).ok_or("channel_not_found")?;
    let scope = match channel.kind {
        ChannelKind::Public => "channels:manage",
        ChannelKind::Private => "groups:write",
        ChannelKind::Direct => return Err("method_not_supported_for_channel_type".into()),
    };
    if !state.app.scopes.contains(scope) {
        return Err(Refused::needs_scope(state, scope));
    }
    if channel.is_archived {
        return Err("is_archived".into());
    }
    if !channel.members.contains(&state.app.bot_user) {
        return Err("not_in_channel".into());
    }
    Ok(channel.id.clone())
}

fn invite(state: &mut State, args: &Args) -> Answer {
    let id = managed(state, args)?;
    let user = args.word("users");
    let person = state.people.get(&user).ok_or("user_not_found")?;
    match person.kind {
        Kind::Deactivated => return Err("user_disabled".into()),
        Kind::Member => {}
        _ => return Err("ura_max_channels".into()),
    }
    if user == state.app.bot_user {
        return Err("cant_invite_self".into());
    }
    let channel = state.channels.get_mut(&id).ok_or("channel_not_found")?;
    if channel.members.contains(&user) {
        return Err("already_in_channel".into());
    }
    channel.members.insert(user);
    let channel = state.channels.get(&id).ok_or("channel_not_found")?;
    Ok(json!({ "channel": channel_json(state, channel) }))
}

fn kick(state: &mut State, args: &Args) -> Answer {
    let id = managed(state, args)?;
    let user = args.word("user");
    if user == state.app.bot_user {
        return Err("cant_kick_self".into());
    }
    let channel = state.channels.get_mut(&id).ok_or("channel_not_found")?;
    if channel.name == "general" {
        return Err("cant_kick_from_general".into());
    }
    if !channel.members.contains(&user) {
        return Err("not_in_channel".into());
    }
    channel.members.remove(&user);
    Ok(json!({ "errors": {} }))
}

fn members(state: &State, args: &Args) -> Answer {
    let channel = visible(state, args)?;
    let all: Vec<_> = channel.members.iter().map(|member| json!(member)).collect();
    let (members, next) = page(&all, args)?;
    Ok(json!({ "members": members, "response_metadata": { "next_cursor": next } }))
}

fn list(state: &State, args: &Args) -> Answer {
    need_team(state, args)?;
    let types = args.text("types").unwrap_or_else(|| "public_channel".to_owned());
    let mut found = Vec::new();
    for channel in state.channels.values() {
        let kind = match channel.kind {
            ChannelKind::Public => "public_channel",
            ChannelKind::Private => "private_channel",
            ChannelKind::Direct => "im",
        };
        if !types.split(',').any(|wanted| wanted.trim() == kind) {
            continue;
        }
        if !state.app.scopes.contains(scope_of(channel)) {
            return Err(Refused::needs_scope(state, scope_of(channel)));
        }
        let is_known = channel.kind == ChannelKind::Public || channel.members.contains(&state.app.bot_user);
        if is_known && !(channel.is_archived && args.flag("exclude_archived")) {
            found.push(channel_json(state, channel));
        }
    }
    let (channels, next) = page(&found, args)?;
    Ok(json!({ "channels": channels, "response_metadata": { "next_cursor": next } }))
}
