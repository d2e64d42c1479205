//! Modals and Home views as people have them open: their blocks, what was filled in, and how Slack shows them as JSON.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::json;
use super::people::Kind;
use super::pick::{elements, fill_in_ids, state_values};
use super::state::{Chosen, State};

/// One view in front of one person.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) id: String,
    pub(super) user: String,
    root_id: String,
    previous_id: Option<String>,
    pub(super) hash: String,
    /// The view as the app gave it, blocks with ids filled in.
    pub(super) given: Value,
    /// What the person filled in.
    pub(super) chosen: Chosen,
    /// `block_id` -> what is wrong with it, from `response_action: errors` or Slack's own checks.
    pub(super) errors: BTreeMap<String, String>,
}

impl View {
    pub(super) fn new(state: &mut State, user: &str, given: &Value, below: Option<&View>) -> Self {
        let id = state.next_id("V");
        let root_id = below.map_or_else(|| id.clone(), |below| below.root_id.clone());
        Self {
            user: user.to_owned(),
            root_id,
            previous_id: below.map(|below| below.id.clone()),
            hash: new_hash(state),
            given: with_ids(state, given),
            chosen: Chosen::new(),
            errors: BTreeMap::new(),
            id,
        }
    }

    /// The same view with new content. What was typed stays only where block, action and element type stay the same.
    pub(super) fn replaced_by(&self, state: &mut State, given: &Value) -> Self {
        let given = with_ids(state, given);
        let before = elements(self.blocks());
        let mut chosen = Chosen::new();
        for element in elements(json::list(&given, "/blocks")) {
            let stays = before.iter().any(|old| old.same_place(&element) && old.kind() == element.kind());
            let value = self.chosen.get(&element.block_id).and_then(|block| block.get(&element.action_id));
            if let (true, Some(value)) = (stays, value) {
                chosen.entry(element.block_id).or_default().insert(element.action_id, value.clone());
            }
        }
        Self { hash: new_hash(state), given, chosen, errors: BTreeMap::new(), ..self.clone() }
    }

    pub(super) fn blocks(&self) -> &[Value] {
        json::list(&self.given, "/blocks")
    }

    pub(super) fn external_id(&self) -> &str {
        json::text(&self.given, "/external_id")
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        json::flag(&self.given, &format!("/{name}"))
    }

    /// The view object of payloads and answers. For people of another company `team_id` is theirs and only
    /// `app_installed_team_id` is ours (slack.md section 0).
    pub(super) fn json(&self, state: &State) -> Value {
        let is_home = json::text(&self.given, "/type") == "home";
        let or =
            |name: &str, other: Value| self.given.get(name).filter(|value| !value.is_null()).cloned().unwrap_or(other);
        let team = match state.people.get(&self.user).map(|person| &person.kind) {
            Some(Kind::Outsider { team }) => team.clone(),
            _ => state.team.id.clone(),
        };
        json!({
            "id": self.id, "team_id": team, "type": if is_home { "home" } else { "modal" },
            "blocks": self.blocks(),
            "private_metadata": or("private_metadata", json!("")), "callback_id": or("callback_id", json!("")),
            "state": { "values": state_values(self.blocks(), &self.chosen) }, "hash": self.hash,
            "title": or("title", json::plain("View Title")),
            "clear_on_close": self.flag("clear_on_close"), "notify_on_close": self.flag("notify_on_close"),
            "close": or("close", Value::Null), "submit": or("submit", Value::Null),
            "previous_view_id": self.previous_id, "root_view_id": self.root_id, "app_id": state.app.id,
            "external_id": or("external_id", json!("")), "app_installed_team_id": state.team.id,
            "bot_id": state.app.bot_id,
        })
    }
}

fn new_hash(state: &mut State) -> String {
    let secret = state.next_secret();
    format!("{}.{}", state.clock.now_ms().div_euclid(1000), secret.get(..8).unwrap_or_default())
}

fn with_ids(state: &mut State, given: &Value) -> Value {
    let mut given = given.clone();
    if let Some(Value::Array(blocks)) = given.get_mut("blocks") {
        fill_in_ids(state, blocks);
    }
    for name in ["title", "submit", "close"] {
        if let Some(Value::Object(text)) = given.get_mut(name) {
            text.entry("emoji").or_insert(json!(true));
        }
    }
    given
}

impl State {
    /// The modal in front of `user`.
    pub(super) fn front(&self, user: &str) -> Option<&View> {
        self.modals.get(user)?.last()
    }

    /// Puts a changed view where one of its id is. A view that was closed meanwhile stays closed.
    pub(super) fn put_back(&mut self, view: View) {
        let open = self.modals.values_mut().flatten().chain(self.homes.values_mut());
        if let Some(place) = open.into_iter().find(|open| open.id == view.id) {
            *place = view;
        }
    }

    /// Finds a view wherever it is.
    pub(super) fn view_mut(&mut self, id: &str) -> Option<&mut View> {
        self.modals.values_mut().flatten().chain(self.homes.values_mut()).find(|view| view.id == id)
    }
}
