//! Changes to the workspace while a story runs: people leave, become guests, join channels and groups.

use serde_json::json;

use super::SlackWorld;
use super::act::CannotAct;
use super::doors::Delivered;
use super::people::{Channel, Group, Kind, Person, user_json};

impl SlackWorld {
    /// Somebody new, in no channel yet. Replaces a person of the same id.
    pub fn add_person(&self, person: Person) {
        self.change(|state| state.people.insert(person.id.clone(), person));
    }

    /// A new channel. Replaces one of the same id.
    pub fn add_channel(&self, channel: Channel) {
        self.change(|state| state.channels.insert(channel.id.clone(), channel));
    }

    /// A new user group. Replaces one of the same id.
    pub fn add_group(&self, group: Group) {
        self.change(|state| state.groups.insert(group.id.clone(), group));
    }

    /// A person becomes a guest, is deactivated, comes back ... The app hears `user_change`.
    ///
    /// # Errors
    /// When there is no such person.
    pub async fn set_kind(&self, user: &str, kind: Kind) -> Result<Option<Delivered>, CannotAct> {
        let event = self.change(|state| {
            let id = state.person_id(user)?;
            let now_seconds = state.clock.now_ms().div_euclid(1000);
            if let Some(person) = state.people.get_mut(&id) {
                person.kind = kind;
                person.updated_seconds = now_seconds;
            }
            let shown = state.people.get(&id).map(|person| user_json(state, person));
            Ok(json!({ "type": "user_change", "user": shown, "cache_ts": now_seconds, "event_ts": state.next_ts() }))
        })?;
        Ok(self.emit("user_change", event).await)
    }

    /// A user group's members become these. The app hears `subteam_members_changed`.
    ///
    /// # Errors
    /// When there is no such person. An unknown group is made.
    pub async fn set_group(&self, handle: &str, members: &[&str]) -> Result<Option<Delivered>, CannotAct> {
        let event = self.change(|state| {
            let members: Result<Vec<_>, _> = members.iter().map(|member| state.person_id(member)).collect();
            let members = members?;
            let handle = handle.trim_start_matches('@');
            let known = state.groups.values().find(|group| group.handle == handle || group.id == handle);
            let mut group = known.cloned().unwrap_or_else(|| Group::new("", handle, &[]));
            if group.id.is_empty() {
                group.id = state.next_id("S");
            }
            let added: Vec<_> = members.iter().filter(|id| !group.members.contains(id)).cloned().collect();
            let removed: Vec<_> = group.members.iter().filter(|id| !members.contains(id)).cloned().collect();
            let event = json!({
                "type": "subteam_members_changed", "subteam_id": group.id, "team_id": state.team.id,
                "date_previous_update": 1_767_220_000, "date_update": state.clock.now_ms().div_euclid(1000),
                "added_users": added, "added_users_count": added.len().to_string(),
                "removed_users": removed, "removed_users_count": removed.len().to_string(),
                "event_ts": state.next_ts(),
            });
            group.members = members;
            state.groups.insert(group.id.clone(), group);
            Ok(event)
        })?;
        Ok(self.emit("subteam_members_changed", event).await)
    }

    /// A person (or the app, `@nightlatch`) joins or leaves a channel.
    ///
    /// # Errors
    /// When there is no such person or channel.
    pub fn set_member(&self, channel: &str, user: &str, is_member: bool) -> Result<(), CannotAct> {
        self.change(|state| {
            let user = state.person_id(user)?;
            let missing = || CannotAct::NoSuchChannel { who: user.clone(), channel: channel.to_owned() };
            let id = state.find_channel(channel).map(|channel| channel.id.clone()).ok_or_else(missing)?;
            if let Some(channel) = state.channels.get_mut(&id) {
                if is_member {
                    channel.members.insert(user);
                } else {
                    channel.members.remove(&user);
                }
            }
            Ok(())
        })
    }

    /// The ids of a user group's members; nobody if there is no such group.
    pub fn group_members(&self, handle: &str) -> Vec<String> {
        let state = self.state();
        let group = state.groups.values().find(|group| group.handle == handle);
        group.map(|group| group.members.clone()).unwrap_or_default()
    }

    /// The ids of everybody in a channel; nobody if there is no such channel.
    pub fn channel_members(&self, channel: &str) -> Vec<String> {
        let state = self.state();
        state.find_channel(channel).map(|channel| channel.members.iter().cloned().collect()).unwrap_or_default()
    }

    /// Changes a channel in any way: archive it, share it with another company. False when there is none.
    pub fn edit_channel(&self, channel: &str, edit: impl FnOnce(&mut Channel)) -> bool {
        self.change(|state| {
            let Some(id) = state.find_channel(channel).map(|channel| channel.id.clone()) else { return false };
            let found = state.channels.get_mut(&id).map(edit);
            found.is_some()
        })
    }

    /// Gives or takes a scope of the bot token, as reinstalling the app would.
    pub fn set_scope(&self, scope: &str, is_granted: bool) {
        self.change(|state| {
            if is_granted {
                state.app.scopes.insert(scope.to_owned());
            } else {
                state.app.scopes.remove(scope);
            }
        });
    }
}
