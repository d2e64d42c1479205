//! Options and option groups of menus, boxes and lists.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Check;

/// Sources disagree between 75 and 150; the smaller is safe (slack.md section 23).
const VALUE_MAX: usize = 75;

/// What an option may hold depends on where it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Menu,
    Overflow,
    /// Checkboxes and radio buttons: their texts may be markup.
    Boxes,
}

impl Check {
    /// `options`, or `option_groups`, but not both.
    pub(super) fn option_lists(&mut self, map: &Map<String, Value>, at: &str, least: usize) {
        match (map.contains_key("options"), map.contains_key("option_groups")) {
            (true, true) => self.say(&format!("{at}/options"), "options and option_groups exclude each other"),
            (false, true) => self.option_groups(map, at),
            _ => {
                self.options(map, at, least, 100, Place::Menu);
            }
        }
    }

    fn option_groups(&mut self, map: &Map<String, Value>, at: &str) {
        let groups = self.list(map, "option_groups", at, 1, 100);
        for (number, group) in groups.iter().enumerate() {
            let at = format!("{at}/option_groups/{number}");
            let Some(group) = self.object(Some(group), &at) else { continue };
            self.only(group, &at, &["label", "options"]);
            self.plain(group, "label", &at, 75, true);
            self.options(group, &at, 0, 100, Place::Menu);
        }
    }

    /// A list of options with different values.
    pub(super) fn options(&mut self, map: &Map<String, Value>, at: &str, least: usize, most: usize, place: Place) {
        let mut values = BTreeSet::new();
        for (number, option) in self.list(map, "options", at, least, most).iter().enumerate() {
            let at = format!("{at}/options/{number}");
            self.option(option, &at, place);
            let value = super::super::json::text(option, "/value");
            if !value.is_empty() && !values.insert(value) {
                self.say(&format!("{at}/value"), format!("value is not unique: {value}"));
            }
        }
    }

    fn option(&mut self, option: &Value, at: &str, place: Place) {
        let Some(map) = self.object(Some(option), at) else { return };
        let known: &[&str] = match place {
            Place::Overflow => &["text", "value", "description", "url"],
            Place::Menu | Place::Boxes => &["text", "value", "description"],
        };
        self.only(map, at, known);
        if place == Place::Boxes {
            self.any_text(map, "text", at, 75, true);
            self.any_text(map, "description", at, 75, false);
        } else {
            self.plain(map, "text", at, 75, true);
            self.plain(map, "description", at, 75, false);
        }
        self.required_string(map, "value", at, VALUE_MAX);
        self.url(map, "url", at);
    }

    /// An initial choice must be one of the choices, word for word.
    pub(super) fn initial_options(&mut self, map: &Map<String, Value>, at: &str) {
        let choices = super::super::form::all_options(&Value::Object(map.clone()));
        let single = map.get("initial_option").map(|option| ("initial_option".to_owned(), option));
        let many = map.get("initial_options").and_then(Value::as_array).into_iter().flatten();
        let many = many.enumerate().map(|(number, option)| (format!("initial_options/{number}"), option));
        for (name, option) in single.into_iter().chain(many) {
            let is_same = |choice: &Value| {
                ["/value", "/text/text"].iter().all(|part| choice.pointer(part) == option.pointer(part))
            };
            if !choices.iter().any(is_same) {
                self.say(&format!("{at}/{name}"), "must be one of the options");
            }
        }
    }
}
