//! What people see, as readable text: channels, modals and Home, in the reader's own time zone.

pub(super) mod dates;

mod layout;
mod markup;

use super::SlackWorld;
use super::json;
use super::state::{Message, State};
use super::views::View;

/// Who reads, and when.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) state: &'a State,
    pub(super) tz: &'a str,
}

impl<'a> Reader<'a> {
    fn new(state: &'a State, user: &str) -> Self {
        Self { state, tz: state.people.get(user).map(|person| person.tz.as_str()).unwrap_or("Etc/UTC") }
    }
}

impl SlackWorld {
    /// A channel (`#name`, id, or `@nightlatch` for direct messages) as `user` sees it: a header, then each message
    /// with its author; thread replies indented under their first message, ephemeral ones marked "(only you)".
    pub fn screen(&self, user: &str, channel: &str) -> String {
        self.render(user, channel, "")
    }

    /// The same with only what `user` has not read yet; and then it is read.
    pub fn read(&self, user: &str, channel: &str) -> String {
        let until = {
            let mut state = self.state();
            let key = state.person_id(user).and_then(|user| Ok((user.clone(), state.channel_of(&user, channel)?)));
            key.ok().and_then(|key| state.read_until.get(&key).cloned()).unwrap_or_default()
        };
        let shown = self.render(user, channel, &until);
        self.mark_read(user, channel);
        shown
    }

    fn render(&self, user: &str, channel: &str, until: &str) -> String {
        let mut state = self.state();
        let found = state.person_id(user).and_then(|user| Ok((user.clone(), state.channel_of(&user, channel)?)));
        let (user, channel) = match found {
            Ok(found) => found,
            Err(why) => return why.to_string(),
        };
        let Some(channel) = state.channels.get(&channel) else { return String::new() };
        let mut lines = vec![state.title(channel)];
        let seen: Vec<_> = channel
            .messages
            .iter()
            .filter(|message| message.is_seen_by(&user) && message.ts.as_str() > until)
            .collect();
        let is_there = |ts: &str| seen.iter().any(|message| message.ts == ts);
        for first in &seen {
            // A reply whose first message is out of sight stands by itself.
            if first.thread_ts.as_deref().is_some_and(|thread| thread != first.ts && is_there(thread)) {
                continue;
            }
            lines.push(message(&state, &user, first));
            let is_reply = |reply: &&&Message| reply.ts != first.ts && reply.thread_ts.as_deref() == Some(&first.ts);
            for reply in seen.iter().filter(is_reply) {
                lines.push(indent(&message(&state, &user, reply), "    "));
            }
        }
        lines.join("\n")
    }

    /// The modal in front of `user`, with what is filled in and what is wrong.
    pub fn modal(&self, user: &str) -> Option<String> {
        let state = self.state();
        let user = state.person_id(user).ok()?;
        let front = state.front(&user)?;
        Some(view(&state, &user, front))
    }

    /// The app's Home tab as `user` sees it.
    pub fn home(&self, user: &str) -> Option<String> {
        let state = self.state();
        let user = state.person_id(user).ok()?;
        let home = state.homes.get(&user)?;
        let reader = Reader::new(&state, &user);
        Some(layout::blocks(reader, home.blocks(), &home.chosen).join("\n"))
    }
}

/// One message: author and marks, then its lines.
pub(super) fn message(state: &State, user: &str, message: &Message) -> String {
    let reader = Reader::new(state, user);
    let mut lines = if message.blocks.is_empty() {
        markup::text(reader, &message.text).lines().map(str::to_owned).collect()
    } else {
        layout::blocks(reader, &message.blocks, &message.chosen)
    };
    for attachment in &message.attachments {
        for name in ["/pretext", "/title", "/text", "/fallback"] {
            let text = json::text(attachment, name);
            if !text.is_empty() {
                lines.push(format!("| {}", markup::text(reader, text)));
            }
        }
        lines.extend(layout::blocks(reader, json::list(attachment, "/blocks"), &message.chosen));
    }
    let only = if message.only_for.is_some() { " (only you)" } else { "" };
    let edited = if message.is_edited { " (edited)" } else { "" };
    let head = format!("{}{only}{edited}:", state.name_of(&message.user));
    if let ([line], false) = (lines.as_slice(), lines.concat().contains('\n')) {
        return format!("{head} {line}");
    }
    format!("{head}\n{}", indent(&lines.join("\n"), "  "))
}

fn view(state: &State, user: &str, view: &View) -> String {
    let reader = Reader::new(state, user);
    let part = |name: &str| json::text(&view.given, &format!("/{name}/text")).to_owned();
    let mut lines = vec![format!("== {} ==", part("title"))];
    for block in view.blocks() {
        lines.extend(layout::blocks(reader, std::slice::from_ref(block), &view.chosen));
        if let Some(error) = view.errors.get(json::text(block, "/block_id")) {
            lines.push(format!("  ! {error}"));
        }
    }
    lines.extend(view.errors.get("").map(|error| format!("! {error}")));
    let close = part("close");
    let close = if close.is_empty() { "Cancel".to_owned() } else { close };
    let submit = part("submit");
    let submit = if submit.is_empty() { String::new() } else { format!(" [{submit}]") };
    lines.push(format!("({close}){submit}"));
    lines.join("\n")
}

fn indent(text: &str, by: &str) -> String {
    let lines: Vec<_> = text.lines().map(|line| format!("{by}{line}").trim_end().to_owned()).collect();
    lines.join("\n")
}
