//! Who is in what the workflows put people into: a user group of Slack, whose members are written as a whole, and a channel.

use serde_json::{Value, json};

use super::company::{ALWAYS, ROOM, USERS_GROUP, USERS_HANDLE, slack_id};
use super::places::Place;
use super::world::Inner;

impl Inner {
    /// Those two are things of their own; everything else is Slack's.
    pub fn slack_answers(&mut self, method: &str, fields: &Value) -> Value {
        let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let person = text(if method == "conversations.kick" { "user" } else { "users" });
        match method {
            "usergroups.users.update" if text("usergroup") == USERS_GROUP => self.write_group(&text("users")),
            "usergroups.users.list" if text("usergroup") == USERS_GROUP => {
                let users = self.members(USERS_HANDLE);
                json!({"ok": true, "users": users})
            }
            "conversations.members" if text("channel") == ROOM.0 => {
                let members = self.members(ROOM.1);
                json!({"ok": true, "members": members, "response_metadata": {"next_cursor": ""}})
            }
            "conversations.invite" | "conversations.kick" if text("channel") == ROOM.0 => {
                self.move_in_room(person, method == "conversations.invite")
            }
            _ => self.slack.answer(method, fields, self.now),
        }
    }

    /// Who is in it, with whoever always is.
    fn members(&mut self, name: &str) -> Vec<String> {
        let of: Vec<Place> = self.places.of(name).cloned().collect();
        let mut members = vec![slack_id(ALWAYS)];
        for place in of {
            let there = self.places.at(&place, self.now).cloned();
            members.extend(there.is_some().then(|| place.1.clone()));
            self.places.shown.insert(place, there);
        }
        members
    }

    fn write_group(&mut self, users: &str) -> Value {
        let usual = slack_id(ALWAYS);
        let wanted: Vec<&str> = users.split(',').filter(|one| !one.is_empty()).collect();
        if !wanted.contains(&usual.as_str()) {
            self.wrong(|| "somebody who is always in the group was taken out".to_owned());
        }
        let of: Vec<Place> = self.places.of(USERS_HANDLE).cloned().collect();
        for place in of.iter().filter(|place| !wanted.contains(&place.1.as_str())) {
            if self.places.is_on(place, self.now) {
                self.switched(place, false, None);
            }
        }
        for one in wanted.iter().filter(|one| **one != usual) {
            let place = (USERS_HANDLE.to_owned(), (*one).to_owned());
            if !self.places.is_on(&place, self.now) {
                self.switched(&place, true, None);
            }
        }
        json!({"ok": true, "usergroup": {"id": USERS_GROUP}})
    }

    fn move_in_room(&mut self, person: String, comes: bool) -> Value {
        if person == slack_id(ALWAYS) {
            self.wrong(|| "somebody who is always in the channel was let in or taken out".to_owned());
        }
        let place = (ROOM.1.to_owned(), person);
        match (self.places.is_on(&place, self.now), comes) {
            (true, true) => json!({"ok": false, "error": "already_in_channel"}),
            (false, false) => json!({"ok": false, "error": "not_in_channel"}),
            _ => {
                self.switched(&place, comes, None);
                json!({"ok": true, "channel": {"id": ROOM.0}})
            }
        }
    }
}
