//! Finding the interactive elements of a surface, their ids, and the values people gave them.

use serde_json::{Map, Value, json};

use super::json;
use super::state::{Chosen, State};

/// One interactive element and where it is.
#[derive(Clone, Debug)]
pub(super) struct Element {
    pub(super) block_id: String,
    pub(super) action_id: String,
    pub(super) json: Value,
    /// The input block around it, or null.
    pub(super) input: Value,
}

impl Element {
    pub(super) fn kind(&self) -> &str {
        json::text(&self.json, "/type")
    }

    pub(super) fn same_place(&self, other: &Self) -> bool {
        self.block_id == other.block_id && self.action_id == other.action_id
    }

    /// The words on it: a button's text, or the label of its input block.
    pub(super) fn label(&self) -> &str {
        match json::text(&self.input, "/label/text") {
            "" => json::text(&self.json, "/text/text"),
            label => label,
        }
    }

    /// Inputs stay silent until submitted, unless they say otherwise.
    pub(super) fn is_silent(&self) -> bool {
        self.input.is_object() && !json::flag(&self.input, "/dispatch_action")
    }

    fn is_called(&self, what: &str) -> bool {
        let names = [&self.action_id, self.label(), json::text(&self.json, "/value"), &self.block_id];
        let is_address = || what.split_once('/') == Some((self.block_id.as_str(), self.action_id.as_str()));
        names.contains(&what) || json::text(&self.json, "/placeholder/text") == what || is_address()
    }

    /// The name of its value in actions and state, e.g. `selected_option`. `None` for stateless ones.
    pub(super) fn value_name(&self) -> Option<&'static str> {
        value_name(self.kind())
    }
}

/// Where the value of each element type is found (slack.md section 3.1).
fn value_name(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "static_select" | "external_select" | "radio_buttons" | "overflow" => "selected_option",
        "multi_static_select" | "multi_external_select" | "checkboxes" => "selected_options",
        "users_select" => "selected_user",
        "multi_users_select" => "selected_users",
        "conversations_select" => "selected_conversation",
        "multi_conversations_select" => "selected_conversations",
        "channels_select" => "selected_channel",
        "multi_channels_select" => "selected_channels",
        "datepicker" => "selected_date",
        "timepicker" => "selected_time",
        "datetimepicker" => "selected_date_time",
        "rich_text_input" => "rich_text_value",
        "plain_text_input" | "number_input" | "email_text_input" | "url_text_input" => "value",
        _ => return None,
    })
}

/// All interactive elements, in reading order.
pub(super) fn elements(blocks: &[Value]) -> Vec<Element> {
    let mut found = Vec::new();
    for block in blocks {
        let block_id = json::text(block, "/block_id");
        let mut add = |element: &Value, input: Value| {
            if element.get("action_id").is_some() {
                found.push(Element {
                    block_id: block_id.to_owned(),
                    action_id: json::text(element, "/action_id").to_owned(),
                    json: element.clone(),
                    input,
                });
            }
        };
        match json::text(block, "/type") {
            "section" => add(json::at(block, "/accessory"), Value::Null),
            "actions" => json::list(block, "/elements").iter().for_each(|element| add(element, Value::Null)),
            "input" => add(json::at(block, "/element"), block.clone()),
            _ => {}
        }
    }
    found
}

/// The element people mean by `what`: its action id, the words on it, its value, its block id, its placeholder, or, where
/// several are called the same, `block_id/action_id`.
pub(super) fn find(blocks: &[Value], what: &str) -> Option<Element> {
    elements(blocks).into_iter().find(|element| element.is_called(what))
}

/// `state.values`: every stateful element of the surface that has a value, or once had one.
pub(super) fn state_values(blocks: &[Value], chosen: &Chosen) -> Value {
    let mut values = Map::new();
    for element in elements(blocks) {
        let (Some(name), kind) = (element.value_name(), element.kind()) else { continue };
        if kind == "overflow" {
            continue;
        }
        let given = chosen.get(&element.block_id).and_then(|block| block.get(&element.action_id)).cloned();
        let value = given.unwrap_or_else(|| initial(&element, name));
        let block = values.entry(element.block_id.clone()).or_insert_with(|| json!({}));
        if let Value::Object(block) = block {
            block.insert(element.action_id.clone(), value);
        }
    }
    Value::Object(values)
}

/// The value object of an element nobody has touched.
fn initial(element: &Element, name: &str) -> Value {
    let source = match name {
        "value" => "initial_value".to_owned(),
        "rich_text_value" => "initial_value".to_owned(),
        other => other.replacen("selected", "initial", 1),
    };
    let none = if name.ends_with('s') { json!([]) } else { Value::Null };
    let value = element.json.get(&source).cloned().unwrap_or(none);
    value_object(element.kind(), name, value)
}

/// `{"type": ..., "<name>": ...}`.
pub(super) fn value_object(kind: &str, name: &str, value: Value) -> Value {
    let mut object = Map::new();
    object.insert("type".to_owned(), json!(kind));
    object.insert(name.to_owned(), value);
    Value::Object(object)
}

/// Does to blocks what Slack does when it stores them: fills in ids, `emoji` and `verbatim`.
pub(super) fn fill_in_ids(state: &mut State, blocks: &mut [Value]) {
    for block in blocks {
        complete_texts(block);
        let Value::Object(block) = block else { continue };
        fill_in(state, block, "block_id");
        for name in ["accessory", "element"] {
            if let Some(Value::Object(element)) = block.get_mut(name) {
                fill_in_action(state, element);
            }
        }
        let is_actions = block.get("type").is_some_and(|kind| kind == "actions");
        if let (true, Some(Value::Array(elements))) = (is_actions, block.get_mut("elements")) {
            elements.iter_mut().filter_map(Value::as_object_mut).for_each(|element| fill_in_action(state, element));
        }
    }
}

fn fill_in_action(state: &mut State, element: &mut Map<String, Value>) {
    if element.get("type").is_some_and(|kind| kind != "image") {
        fill_in(state, element, "action_id");
    }
}

fn fill_in(state: &mut State, map: &mut Map<String, Value>, name: &str) {
    if map.get(name).is_none_or(|id| id == "" || id.is_null()) {
        let secret = state.next_secret();
        map.insert(name.to_owned(), json!(secret.get(..5)));
    }
}

fn complete_texts(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(complete_texts),
        Value::Object(map) => {
            match map.get("type").and_then(Value::as_str) {
                Some("plain_text") => drop(map.entry("emoji").or_insert(json!(true))),
                Some("mrkdwn") => drop(map.entry("verbatim").or_insert(json!(false))),
                _ => {}
            }
            map.values_mut().for_each(complete_texts);
        }
        _ => {}
    }
}
