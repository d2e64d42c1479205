//! The workspace as one person has it, as JSON for a page to draw.

use serde_json::{Value, json};

use super::SlackWorld;
use super::people::{Channel, ChannelKind, Kind};
use super::screen;
use super::state::{Message, State};

impl SlackWorld {
    /// Everything `user` can see: channels with messages and raw blocks, the modal in front, Home, groups, people and
    /// unread counts. Each message and view carries its `blocks` as stored; texts are in Slack's markup, and `shown` is
    /// the message as plain text for this reader. Null when there is no such person.
    pub fn view_for(&self, user: &str) -> Value {
        let state = self.state();
        let Ok(user) = state.person_id(user) else { return Value::Null };
        let modal = state.front(&user).map(|view| {
            json!({ "view": view.json(&state), "errors": view.errors, "depth": state.modals.get(&user).map(Vec::len) })
        });
        let mine = state.channels.values().filter(|channel| channel.members.contains(&user));
        let channels: Vec<_> = mine.map(|channel| channel_view(&state, channel, &user)).collect();
        let unread: u64 = channels.iter().filter_map(|channel| channel.get("unread")?.as_u64()).sum();
        json!({
            "team": { "id": state.team.id, "name": state.team.name },
            "app": { "id": state.app.id, "bot_user": state.app.bot_user, "commands": state.app.commands },
            "now_ms": state.clock.now_ms(), "user": user, "people": people(&state), "usergroups": groups(&state),
            "channels": channels, "modal": modal, "home": state.homes.get(&user).map(|view| view.json(&state)),
            "unread": unread,
        })
    }

    /// How many messages of others `user` has not read, per channel; channels without any are left out.
    pub fn unread(&self, user: &str) -> Vec<(String, usize)> {
        let state = self.state();
        let Ok(user) = state.person_id(user) else { return Vec::new() };
        let mine = state.channels.values().filter(|channel| channel.members.contains(&user));
        let counted = mine.map(|channel| (state.title(channel), state.unread_in(channel, &user)));
        counted.filter(|(_, count)| *count > 0).collect()
    }

    /// `user` has read everything in a channel (`#name`, id, or `@nightlatch`).
    pub fn mark_read(&self, user: &str, channel: &str) {
        self.change(|state| {
            let Ok(user) = state.person_id(user) else { return };
            let Ok(channel) = state.channel_of(&user, channel) else { return };
            let newest = state.channels.get(&channel).and_then(|channel| channel.messages.last());
            if let Some(newest) = newest.map(|message| message.ts.clone()) {
                state.read_until.insert((user, channel), newest);
            }
        });
    }

    /// The messages of a channel, oldest first, ephemeral ones included.
    pub fn messages(&self, channel: &str) -> Vec<Message> {
        self.state().find_channel(channel).map(|channel| channel.messages.clone()).unwrap_or_default()
    }

    /// The direct messages between the app and `user`, oldest first.
    pub fn dm(&self, user: &str) -> Vec<Message> {
        let state = self.state();
        let Ok(user) = state.person_id(user) else { return Vec::new() };
        let id = format!("D{}", user.get(1..).unwrap_or_default());
        state.channels.get(&id).map(|channel| channel.messages.clone()).unwrap_or_default()
    }
}

impl State {
    pub(super) fn title(&self, channel: &Channel) -> String {
        if channel.kind == ChannelKind::Direct { "@nightlatch".to_owned() } else { format!("#{}", channel.name) }
    }

    fn unread_in(&self, channel: &Channel, user: &str) -> usize {
        let until = self.read_until.get(&(user.to_owned(), channel.id.clone())).map(String::as_str).unwrap_or_default();
        let is_new =
            |message: &&Message| message.ts.as_str() > until && message.user != user && message.is_seen_by(user);
        channel.messages.iter().filter(is_new).count()
    }
}

fn channel_view(state: &State, channel: &Channel, user: &str) -> Value {
    let messages: Vec<_> = channel
        .messages
        .iter()
        .filter(|message| message.is_seen_by(user))
        .map(|message| {
            json!({
                "ts": message.ts, "thread_ts": message.thread_ts, "user": message.user,
                "author": state.name_of(&message.user), "text": message.text, "blocks": message.blocks,
                "attachments": message.attachments, "edited": message.is_edited,
                "ephemeral": message.only_for.is_some(), "chosen": message.chosen,
                "shown": screen::message(state, user, message),
            })
        })
        .collect();
    json!({
        "id": channel.id, "name": state.title(channel), "is_direct": channel.kind == ChannelKind::Direct,
        "is_private": channel.kind == ChannelKind::Private, "is_archived": channel.is_archived,
        "is_shared": !channel.shared_with.is_empty(), "unread": state.unread_in(channel, user), "messages": messages,
    })
}

fn people(state: &State) -> Vec<Value> {
    let word = |kind: &Kind| match kind {
        Kind::Member => "member",
        Kind::Guest | Kind::SingleChannelGuest => "guest",
        Kind::Deactivated => "deactivated",
        Kind::Bot => "bot",
        Kind::Outsider { .. } => "outsider",
    };
    let shown = |person: &super::Person| {
        let kind = if person.id == state.app.bot_user { "bot" } else { word(&person.kind) };
        json!({
            "id": person.id, "name": person.name, "real_name": person.real_name(), "email": person.email,
            "tz": person.tz, "kind": kind,
        })
    };
    state.people.values().map(shown).collect()
}

fn groups(state: &State) -> Vec<Value> {
    let shown = |group: &super::Group| json!({ "id": group.id, "handle": group.handle, "members": group.members });
    state.groups.values().map(shown).collect()
}
