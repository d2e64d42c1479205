//! Interactive elements: which fields each has and how long they may be.

use serde_json::{Map, Value};

use super::choices::Place;
use super::{Check, Surface};

/// Where an element stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Seat {
    Section,
    Actions,
    Input,
}

const MENUS: &[&str] = &[
    "static_select",
    "external_select",
    "users_select",
    "conversations_select",
    "channels_select",
    "multi_static_select",
    "multi_external_select",
    "multi_users_select",
    "multi_conversations_select",
    "multi_channels_select",
];
const PICKERS: &[&str] = &["checkboxes", "radio_buttons", "datepicker", "timepicker"];

/// Which element types may stand where.
fn is_allowed(kind: &str, seat: Seat, surface: Surface) -> bool {
    if MENUS.contains(&kind) || PICKERS.contains(&kind) {
        return true;
    }
    match seat {
        Seat::Section => matches!(kind, "button" | "image" | "overflow" | "workflow_button"),
        Seat::Actions => matches!(kind, "button" | "overflow" | "workflow_button" | "datetimepicker"),
        Seat::Input => {
            let is_text = matches!(kind, "plain_text_input" | "number_input" | "email_text_input" | "url_text_input");
            let is_modal_only = kind == "file_input" && surface == Surface::Modal;
            is_text || is_modal_only || matches!(kind, "rich_text_input" | "datetimepicker")
        }
    }
}

impl Check {
    pub(super) fn element(&mut self, value: Option<&Value>, at: &str, seat: Seat) {
        let Some(map) = self.object(value, at) else { return };
        let kind = map.get("type").and_then(Value::as_str).unwrap_or_default();
        if !is_allowed(kind, seat, self.surface) {
            self.say(&format!("{at}/type"), format!("unsupported type: {kind}"));
            return;
        }
        self.string(map, "action_id", at, 255);
        self.confirm(map, at);
        self.plain(map, "placeholder", at, 150, false);
        self.boolean(map, "focus_on_load", at);
        match kind {
            "button" | "workflow_button" => self.button(map, at),
            "image" => self.image_element(map, at),
            "overflow" => {
                self.only(map, at, &["type", "action_id", "options", "confirm"]);
                self.options(map, at, 1, 5, Place::Overflow);
            }
            "checkboxes" | "radio_buttons" => {
                let initial = if kind == "checkboxes" { "initial_options" } else { "initial_option" };
                self.only(map, at, &["type", "action_id", "options", initial, "confirm", "focus_on_load"]);
                self.options(map, at, 1, 10, Place::Boxes);
                self.initial_options(map, at);
            }
            "datepicker" | "timepicker" | "datetimepicker" => self.picker(map, at, kind),
            _ if MENUS.contains(&kind) => self.menu(map, at, kind, seat),
            _ => self.text_input(map, at, kind),
        }
    }

    fn button(&mut self, map: &Map<String, Value>, at: &str) {
        self.only(
            map,
            at,
            &["type", "text", "action_id", "url", "value", "style", "confirm", "accessibility_label", "workflow"],
        );
        self.plain(map, "text", at, 75, true);
        self.url(map, "url", at);
        self.string(map, "value", at, 2000);
        self.string(map, "accessibility_label", at, 75);
        self.one_of(map, "style", at, &["primary", "danger"]);
    }

    pub(super) fn image_element(&mut self, map: &Map<String, Value>, at: &str) {
        self.only(map, at, &["type", "image_url", "alt_text", "slack_file"]);
        self.url(map, "image_url", at);
        self.required_string(map, "alt_text", at, 2000);
        if !map.contains_key("image_url") && !map.contains_key("slack_file") {
            self.say(&format!("{at}/image_url"), "missing required field");
        }
    }

    fn picker(&mut self, map: &Map<String, Value>, at: &str, kind: &str) {
        let (initial, more) = match kind {
            "datepicker" => ("initial_date", "placeholder"),
            "timepicker" => ("initial_time", "timezone"),
            _ => ("initial_date_time", ""),
        };
        self.only(map, at, &["type", "action_id", initial, more, "confirm", "focus_on_load", "placeholder"]);
        let value = map.get(initial);
        let is_right = match (kind, value) {
            (_, None) => true,
            ("datetimepicker", Some(value)) => value.as_i64().is_some_and(|seconds| seconds >= 1_000_000_000),
            ("datepicker", Some(value)) => {
                value.as_str().is_some_and(|date| date.parse::<jiff::civil::Date>().is_ok() && date.len() == 10)
            }
            (_, Some(value)) => value
                .as_str()
                .is_some_and(|time| format!("{time}:00").parse::<jiff::civil::Time>().is_ok() && time.len() == 5),
        };
        if !is_right {
            self.say(&format!("{at}/{initial}"), "is not in the right format");
        }
    }

    fn menu(&mut self, map: &Map<String, Value>, at: &str, kind: &str, seat: Seat) {
        let mut known = vec!["type", "action_id", "placeholder", "confirm", "focus_on_load"];
        let is_multi = kind.starts_with("multi_");
        if is_multi {
            known.push("max_selected_items");
        }
        match kind.trim_start_matches("multi_") {
            "static_select" => {
                known.extend(["options", "option_groups"]);
                known.push(if is_multi { "initial_options" } else { "initial_option" });
                self.option_lists(map, at, 1);
                self.initial_options(map, at);
            }
            "external_select" => {
                known.extend(["min_query_length", if is_multi { "initial_options" } else { "initial_option" }]);
            }
            "users_select" => known.push(if is_multi { "initial_users" } else { "initial_user" }),
            "conversations_select" => {
                known.extend(["default_to_current_conversation", "filter"]);
                known.push(if is_multi { "initial_conversations" } else { "initial_conversation" });
            }
            _ => known.push(if is_multi { "initial_channels" } else { "initial_channel" }),
        }
        if !is_multi && matches!(kind, "conversations_select" | "channels_select") {
            known.push("response_url_enabled");
            let is_enabled = map.get("response_url_enabled").is_some_and(|value| *value == true);
            if is_enabled && (self.surface != Surface::Modal || seat != Seat::Input) {
                self.say(&format!("{at}/response_url_enabled"), "only works in input blocks of modals");
            }
        }
        self.only(map, at, &known);
    }

    fn text_input(&mut self, map: &Map<String, Value>, at: &str, kind: &str) {
        let mut known =
            vec!["type", "action_id", "placeholder", "focus_on_load", "initial_value", "dispatch_action_config"];
        let more: &[&str] = match kind {
            "plain_text_input" => &["multiline", "min_length", "max_length"],
            "number_input" => &["is_decimal_allowed", "min_value", "max_value"],
            "file_input" => &["filetypes", "max_files"],
            _ => &[],
        };
        known.extend(more);
        self.only(map, at, &known);
        if kind == "number_input" && !map.contains_key("is_decimal_allowed") {
            self.say(&format!("{at}/is_decimal_allowed"), "missing required field");
        }
        let number = |name: &str| map.get(name).and_then(Value::as_u64);
        for name in ["min_length", "max_length"] {
            if map.contains_key(name) && number(name).is_none_or(|length| length > 3000) {
                self.say(&format!("{at}/{name}"), "must be a number up to 3000");
            }
        }
        if number("min_length") > number("max_length").or(Some(3000)) {
            self.say(&format!("{at}/min_length"), "must not be more than max_length");
        }
        if kind == "plain_text_input" {
            let most = number("max_length").and_then(|most| usize::try_from(most).ok()).unwrap_or(3000);
            self.string(map, "initial_value", at, most);
        }
        if let Some(config) = map.get("dispatch_action_config") {
            let words =
                config.get("trigger_actions_on").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            let is_known = |word: &Value| *word == "on_enter_pressed" || *word == "on_character_entered";
            if words.is_empty() || !words.iter().all(is_known) {
                self.say(&format!("{at}/dispatch_action_config/trigger_actions_on"), "must name known triggers");
            }
        }
    }
}
