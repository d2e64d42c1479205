//! A strict reader of Block Kit: says what Slack would refuse and where, before Slack does (slack.md section 13).
//!
//! Messages read `must be less than 76 characters [json-pointer:/blocks/0/text/text]`, as Slack's own do.

mod choices;
mod elements;
mod layout;
mod texts;

use std::collections::BTreeSet;
use std::fmt::Display;

use serde_json::{Map, Value};

/// Messages hold fifty blocks (Slack's documentation is not certain), views a hundred.
const MESSAGE_BLOCKS_MAX: usize = 50;
const VIEW_BLOCKS_MAX: usize = 100;

/// What is wrong with the `blocks` of a message; pass any object that holds them. Empty when nothing is.
pub fn check_message(message: &Value) -> Vec<String> {
    let mut check = Check { surface: Surface::Message, found: Vec::new() };
    match message.get("blocks") {
        None | Some(Value::Null) => {}
        Some(Value::Array(blocks)) => check.blocks(blocks, MESSAGE_BLOCKS_MAX),
        Some(_) => check.say("/blocks", "must be an array"),
    }
    check.found
}

/// What is wrong with a modal or Home view. Empty when nothing is.
pub fn check_view(view: &Value) -> Vec<String> {
    let surface = if super::json::text(view, "/type") == "home" { Surface::Home } else { Surface::Modal };
    let mut check = Check { surface, found: Vec::new() };
    check.view(view);
    check.found
}

/// What is wrong with an answer to `block_suggestion`: `options` or `option_groups`.
pub fn check_options(answer: &Value) -> Vec<String> {
    let mut check = Check { surface: Surface::Modal, found: Vec::new() };
    match answer.as_object() {
        Some(map) => {
            check.only(map, "", &["options", "option_groups"]);
            check.option_lists(map, "", 0);
        }
        None => check.say("", "must be an object with options or option_groups"),
    }
    check.found
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Surface {
    Message,
    Modal,
    Home,
}

/// Collects what is wrong.
struct Check {
    surface: Surface,
    found: Vec<String>,
}

impl Check {
    fn say(&mut self, at: &str, what: impl Display) {
        self.found.push(format!("{what} [json-pointer:{at}]"));
    }

    /// Fields nobody documents.
    fn only(&mut self, map: &Map<String, Value>, at: &str, known: &[&str]) {
        for name in map.keys().filter(|name| !known.contains(&name.as_str())) {
            self.say(&format!("{at}/{name}"), "unknown field");
        }
    }

    /// An object, or a complaint.
    fn object<'a>(&mut self, value: Option<&'a Value>, at: &str) -> Option<&'a Map<String, Value>> {
        let map = value.and_then(Value::as_object);
        if map.is_none() {
            self.say(at, if value.is_none() { "missing required field" } else { "must be an object" });
        }
        map
    }

    /// A list, or a complaint.
    fn list<'a>(
        &mut self,
        map: &'a Map<String, Value>,
        name: &str,
        at: &str,
        least: usize,
        most: usize,
    ) -> &'a [Value] {
        let at = format!("{at}/{name}");
        let Some(items) = map.get(name).and_then(Value::as_array) else {
            self.say(&at, "missing required field");
            return &[];
        };
        if items.len() < least {
            self.say(&at, format!("no fewer than {least} items allowed"));
        }
        if items.len() > most {
            self.say(&at, format!("no more than {most} items allowed"));
        }
        items
    }

    /// An optional string of limited length.
    fn string(&mut self, map: &Map<String, Value>, name: &str, at: &str, most: usize) {
        let Some(value) = map.get(name) else { return };
        let at = format!("{at}/{name}");
        let Some(text) = value.as_str() else {
            self.say(&at, "must be a string");
            return;
        };
        self.length(text, &at, 0, most);
    }

    fn required_string(&mut self, map: &Map<String, Value>, name: &str, at: &str, most: usize) {
        match map.get(name).and_then(Value::as_str) {
            None => self.say(&format!("{at}/{name}"), "missing required field"),
            Some(text) => self.length(text, &format!("{at}/{name}"), 1, most),
        }
    }

    fn length(&mut self, text: &str, at: &str, least: usize, most: usize) {
        let length = text.chars().count();
        if length < least {
            self.say(at, format!("must be more than {} characters", least.saturating_sub(1)));
        }
        if length > most {
            self.say(at, format!("must be less than {} characters", most.saturating_add(1)));
        }
    }

    fn boolean(&mut self, map: &Map<String, Value>, name: &str, at: &str) {
        if map.get(name).is_some_and(|value| !value.is_boolean()) {
            self.say(&format!("{at}/{name}"), "must be a boolean");
        }
    }

    fn one_of(&mut self, map: &Map<String, Value>, name: &str, at: &str, words: &[&str]) {
        let Some(value) = map.get(name) else { return };
        if !value.as_str().is_some_and(|word| words.contains(&word)) {
            self.say(&format!("{at}/{name}"), format!("must be one of {}", words.join(", ")));
        }
    }

    fn url(&mut self, map: &Map<String, Value>, name: &str, at: &str) {
        self.string(map, name, at, 3000);
        if let Some(text) = map.get(name).and_then(Value::as_str)
            && url::Url::parse(text).is_err()
        {
            self.say(&format!("{at}/{name}"), "must be a valid URL");
        }
    }

    fn blocks(&mut self, blocks: &[Value], most: usize) {
        if blocks.len() > most {
            self.say("/blocks", format!("no more than {most} items allowed"));
        }
        let mut ids = BTreeSet::new();
        for (number, block) in blocks.iter().enumerate() {
            let at = format!("/blocks/{number}");
            self.block(block, &at);
            let id = super::json::text(block, "/block_id");
            if !id.is_empty() && !ids.insert(id) {
                self.say(&format!("{at}/block_id"), format!("`block_id` already exists: {id}"));
            }
        }
        self.one_focus(blocks);
    }

    fn one_focus(&mut self, blocks: &[Value]) {
        let focused = super::pick::elements(blocks)
            .iter()
            .filter(|element| super::json::flag(&element.json, "/focus_on_load"))
            .count();
        if focused > 1 {
            self.say("/blocks", "only one element may have focus_on_load");
        }
    }

    fn view(&mut self, view: &Value) {
        let Some(map) = self.object(Some(view), "/view") else { return };
        let known: &[&str] = match self.surface {
            Surface::Home => &["type", "blocks", "private_metadata", "callback_id", "external_id"],
            _ => &[
                "type",
                "title",
                "blocks",
                "close",
                "submit",
                "private_metadata",
                "callback_id",
                "clear_on_close",
                "notify_on_close",
                "external_id",
                "submit_disabled",
            ],
        };
        self.only(map, "/view", known);
        self.one_of(map, "type", "/view", &["modal", "home"]);
        if !map.contains_key("type") {
            self.say("/view/type", "missing required field");
        }
        self.string(map, "private_metadata", "/view", 3000);
        self.string(map, "callback_id", "/view", 255);
        self.string(map, "external_id", "/view", 255);
        let blocks = self.list(map, "blocks", "/view", 0, VIEW_BLOCKS_MAX);
        let before = self.found.len();
        self.blocks(blocks, VIEW_BLOCKS_MAX);
        for message in self.found.iter_mut().skip(before) {
            *message = message.replacen("[json-pointer:/blocks", "[json-pointer:/view/blocks", 1);
        }
        if self.surface == Surface::Home {
            return;
        }
        self.plain(map, "title", "/view", 24, true);
        self.plain(map, "submit", "/view", 24, false);
        self.plain(map, "close", "/view", 24, false);
        self.boolean(map, "clear_on_close", "/view");
        self.boolean(map, "notify_on_close", "/view");
        let has_input = blocks.iter().any(|block| super::json::text(block, "/type") == "input");
        if has_input && map.get("submit").is_none_or(Value::is_null) {
            self.say("/view/submit", "missing required field: a view with inputs needs a submit button");
        }
    }
}

#[cfg(test)]
mod tests;
