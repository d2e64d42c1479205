//! Who and what a workspace holds: people of every kind, channels and user groups, and how Slack shows them as JSON.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::state::{Message, State};

/// What a person is to the workspace. Decides their flags in `users.info` and their team in payloads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A full member.
    Member,
    /// A guest in several channels (`is_restricted`).
    Guest,
    /// A guest in one channel (`is_restricted` and `is_ultra_restricted`).
    SingleChannelGuest,
    /// A member whose account was switched off (`deleted`).
    Deactivated,
    /// Another app's bot (`is_bot`).
    Bot,
    /// Somebody of another workspace, met through Slack Connect.
    Outsider {
        /// Their own team id.
        team: String,
    },
}

/// One Slack user.
#[derive(Clone, Debug)]
pub struct Person {
    /// `U...` or `W...`.
    pub id: String,
    /// The short name, also the display name.
    pub name: String,
    /// The e-mail address, shown by Slack only for people of our own workspace.
    pub email: String,
    /// Whether its owner followed the link Slack sent there.
    pub is_email_confirmed: bool,
    /// IANA time zone, e.g. `Europe/Berlin`.
    pub tz: String,
    /// What the person is to the workspace.
    pub kind: Kind,
    /// Seconds since the epoch of the last change.
    pub updated_seconds: i64,
}

impl Person {
    /// A member with the address `name@example.com`.
    pub fn new(id: &str, name: &str, tz: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            email: format!("{name}@example.com"),
            is_email_confirmed: true,
            tz: tz.to_owned(),
            kind: Kind::Member,
            updated_seconds: 1_767_000_000,
        }
    }

    /// The same person as another kind.
    #[must_use]
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// The same person under another address.
    #[must_use]
    pub fn email(mut self, email: &str) -> Self {
        self.email = email.to_owned();
        self
    }

    /// The same person before they confirmed their address.
    #[must_use]
    pub fn unconfirmed(mut self) -> Self {
        self.is_email_confirmed = false;
        self
    }

    /// "alice" -> "Alice".
    pub fn real_name(&self) -> String {
        let mut letters = self.name.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
    }
}

/// What sort of conversation a channel is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelKind {
    /// Anybody may join.
    Public,
    /// Only members know it.
    Private,
    /// The app's direct messages with one person.
    Direct,
}

/// A channel or a direct message conversation.
#[derive(Clone, Debug)]
pub struct Channel {
    /// `C...` or `D...`.
    pub id: String,
    /// Without `#`; empty for direct messages.
    pub name: String,
    /// Public, private or direct.
    pub kind: ChannelKind,
    /// User ids, the bot's own among them when it is a member.
    pub members: BTreeSet<String>,
    /// Nobody may post any more.
    pub is_archived: bool,
    /// Team ids of other companies in it (Slack Connect).
    pub shared_with: Vec<String>,
    /// Oldest first, ephemeral ones among them.
    pub messages: Vec<Message>,
}

impl Channel {
    /// A public channel without members.
    pub fn public(id: &str, name: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            kind: ChannelKind::Public,
            members: BTreeSet::new(),
            is_archived: false,
            shared_with: Vec::new(),
            messages: Vec::new(),
        }
    }

    /// A private channel without members.
    pub fn private(id: &str, name: &str) -> Self {
        Self { kind: ChannelKind::Private, ..Self::public(id, name) }
    }

    /// The same channel with these user ids added.
    #[must_use]
    pub fn with(mut self, members: &[&str]) -> Self {
        self.members.extend(members.iter().map(|member| (*member).to_owned()));
        self
    }

    /// The same channel shared with another company.
    #[must_use]
    pub fn shared_with(mut self, team: &str) -> Self {
        self.shared_with.push(team.to_owned());
        self
    }
}

/// A user group such as `@db-oncall`.
#[derive(Clone, Debug)]
pub struct Group {
    /// `S...`.
    pub id: String,
    /// Without `@`.
    pub handle: String,
    /// User ids.
    pub members: Vec<String>,
    /// Switched off by an admin.
    pub is_disabled: bool,
}

impl Group {
    /// A group of these user ids.
    pub fn new(id: &str, handle: &str, members: &[&str]) -> Self {
        let members = members.iter().map(|member| (*member).to_owned()).collect();
        Self { id: id.to_owned(), handle: handle.to_owned(), members, is_disabled: false }
    }
}

/// The `user` object of `users.info`, with the e-mail only when the app may see it (slack.md section 16).
pub(super) fn user_json(state: &State, person: &Person) -> Value {
    let team = state.team_of(person);
    if person.kind == Kind::Deactivated {
        return json!({
            "id": person.id, "team_id": team, "name": person.name, "deleted": true,
            "profile": { "real_name": person.real_name(), "display_name": person.name, "team": team },
            "is_bot": false, "is_app_user": false, "updated": person.updated_seconds,
        });
    }
    let mut profile = json!({
        "real_name": person.real_name(), "real_name_normalized": person.real_name(),
        "display_name": person.name, "display_name_normalized": person.name,
        "status_text": "", "status_emoji": "", "avatar_hash": "g1234567890",
        "image_24": "https://secure.gravatar.com/avatar/0?s=24", "image_512": "https://secure.gravatar.com/avatar/0?s=512",
        "team": team,
    });
    let is_outsider = matches!(person.kind, Kind::Outsider { .. });
    let is_bot = person.kind == Kind::Bot || person.id == state.app.bot_user;
    let mut user = json!({
        "id": person.id, "team_id": team, "name": person.name, "deleted": false, "color": "9f69e7",
        "real_name": person.real_name(), "is_bot": is_bot, "is_app_user": false,
        "updated": person.updated_seconds, "is_email_confirmed": person.is_email_confirmed, "who_can_share_contact_card": "EVERYONE",
    });
    if let Some(profile) = profile.as_object_mut() {
        if !is_outsider && !is_bot && state.app.scopes.contains("users:read.email") {
            profile.insert("email".to_owned(), json!(person.email));
        }
        if is_bot {
            let ours = person.id == state.app.bot_user;
            let (app, bot) = if ours { (state.app.id.clone(), state.app.bot_id.clone()) } else { other_app(person) };
            profile.insert("api_app_id".to_owned(), json!(app));
            profile.insert("bot_id".to_owned(), json!(bot));
            profile.insert("always_active".to_owned(), json!(true));
        }
    }
    if let Some(user) = user.as_object_mut() {
        user.insert("profile".to_owned(), profile);
        if is_outsider {
            user.insert("is_stranger".to_owned(), json!(!state.shares_a_channel(&person.id)));
        } else {
            user.extend(own_flags(state, person));
        }
    }
    user
}

fn other_app(person: &Person) -> (String, String) {
    let rest = person.id.get(1..).unwrap_or_default();
    (format!("A{rest}"), format!("B{rest}"))
}

/// What Slack tells only about people of our own workspace.
fn own_flags(state: &State, person: &Person) -> serde_json::Map<String, Value> {
    let restricted = matches!(person.kind, Kind::Guest | Kind::SingleChannelGuest);
    let mut flags = json!({
        "tz": person.tz, "tz_label": person.tz,
        "tz_offset": super::screen::dates::offset_seconds(&person.tz, state.clock.now_ms()),
        "is_admin": false, "is_owner": false, "is_primary_owner": false,
        "is_restricted": restricted, "is_ultra_restricted": person.kind == Kind::SingleChannelGuest,
    });
    if let (Some((id, name)), Some(flags)) = (&state.team.enterprise, flags.as_object_mut()) {
        let enterprise_user = json!({
            "id": person.id, "enterprise_id": id, "enterprise_name": name, "is_admin": false, "is_owner": false,
            "is_primary_owner": false, "teams": [state.team.id],
        });
        flags.insert("enterprise_user".to_owned(), enterprise_user);
    }
    super::json::object(flags)
}

/// The `channel` object of `conversations.info`.
pub(super) fn channel_json(state: &State, channel: &Channel) -> Value {
    if channel.kind == ChannelKind::Direct {
        let user = channel.members.iter().find(|member| **member != state.app.bot_user);
        return json!({
            "id": channel.id, "created": 1_760_000_000, "is_archived": false, "is_im": true, "is_org_shared": false,
            "context_team_id": state.team.id, "user": user, "is_open": true, "priority": 0,
        });
    }
    let is_private = channel.kind == ChannelKind::Private;
    let is_external = !channel.shared_with.is_empty();
    let mut teams = vec![state.team.id.clone()];
    teams.extend(channel.shared_with.iter().cloned());
    json!({
        "id": channel.id, "name": channel.name, "name_normalized": channel.name,
        "is_channel": !is_private, "is_group": is_private, "is_im": false, "is_mpim": false,
        "is_private": is_private, "is_archived": channel.is_archived, "is_general": channel.name == "general",
        "is_shared": is_external, "is_ext_shared": is_external, "is_org_shared": false,
        "is_pending_ext_shared": false, "is_member": channel.members.contains(&state.app.bot_user),
        "conversation_host_id": state.team.id, "shared_team_ids": teams,
        "connected_team_ids": channel.shared_with, "internal_team_ids": [state.team.id],
        "context_team_id": state.team.id, "creator": "U0ADMIN01", "created": 1_760_000_000,
        "num_members": channel.members.len(),
        "topic": { "value": "", "creator": "", "last_set": 0 },
        "purpose": { "value": "", "creator": "", "last_set": 0 },
    })
}

/// The object of `usergroups.list`; users and their count only when asked for.
pub(super) fn group_json(state: &State, group: &Group, with_users: bool, with_count: bool) -> Value {
    let deleted = if group.is_disabled { 1_767_220_000 } else { 0 };
    let mut shown = json!({
        "id": group.id, "team_id": state.team.id, "is_usergroup": true, "is_subteam": true, "name": group.handle,
        "description": "", "handle": group.handle, "is_external": false, "date_create": 1_760_000_000,
        "date_update": 1_767_220_000, "date_delete": deleted, "auto_type": null, "auto_provision": false,
        "enterprise_subteam_id": "", "created_by": "U0ADMIN01", "updated_by": "U0ADMIN01", "deleted_by": null,
        "prefs": { "channels": [], "groups": [] }, "channel_count": 0,
    });
    if let Some(map) = shown.as_object_mut() {
        if with_users {
            map.insert("users".to_owned(), json!(group.members));
        }
        if with_count {
            map.insert("user_count".to_owned(), json!(group.members.len()));
        }
    }
    shown
}
