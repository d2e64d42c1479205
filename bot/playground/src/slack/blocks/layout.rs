//! Layout blocks: what each may hold, where it may stand, and that action ids are unique inside it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::elements::Seat;
use super::{Check, Surface};

impl Check {
    pub(super) fn block(&mut self, block: &Value, at: &str) {
        let Some(map) = self.object(Some(block), at) else { return };
        self.string(map, "block_id", at, 255);
        match map.get("type").and_then(Value::as_str).unwrap_or_default() {
            "section" => self.section(map, at),
            "header" => {
                self.only(map, at, &["type", "block_id", "text"]);
                self.plain(map, "text", at, 150, true);
            }
            "divider" => self.only(map, at, &["type", "block_id"]),
            "context" => self.context(map, at),
            "actions" => self.actions(map, at),
            "input" => self.input(map, at),
            "image" => self.image(map, at),
            "rich_text" => {
                self.only(map, at, &["type", "block_id", "elements"]);
                self.rich_text(map, at);
            }
            "markdown" if self.surface == Surface::Message => {
                self.only(map, at, &["type", "block_id", "text"]);
                self.required_string(map, "text", at, 12_000);
            }
            "table" if self.surface == Surface::Message => self.table(map, at),
            "video" => self.video(map, at),
            other => self.say(&format!("{at}/type"), format!("unsupported type: {other}")),
        }
    }

    fn section(&mut self, map: &Map<String, Value>, at: &str) {
        self.only(map, at, &["type", "block_id", "text", "fields", "accessory", "expand"]);
        self.any_text(map, "text", at, 3000, !map.contains_key("fields"));
        if map.contains_key("fields") {
            for (number, field) in self.list(map, "fields", at, 1, 10).iter().enumerate() {
                self.text_object(field, &format!("{at}/fields/{number}"), 2000, true);
            }
        }
        if map.contains_key("accessory") {
            self.element(map.get("accessory"), &format!("{at}/accessory"), Seat::Section);
        }
    }

    fn context(&mut self, map: &Map<String, Value>, at: &str) {
        self.only(map, at, &["type", "block_id", "elements"]);
        for (number, element) in self.list(map, "elements", at, 1, 10).iter().enumerate() {
            let at = format!("{at}/elements/{number}");
            match element.as_object() {
                Some(image) if image.get("type").is_some_and(|kind| kind == "image") => self.image_element(image, &at),
                // Slack gives no limit for these texts; 3000 is what sections have.
                _ => self.text_object(element, &at, 3000, true),
            }
        }
    }

    fn actions(&mut self, map: &Map<String, Value>, at: &str) {
        self.only(map, at, &["type", "block_id", "elements"]);
        let mut ids = BTreeSet::new();
        for (number, element) in self.list(map, "elements", at, 1, 25).iter().enumerate() {
            let at = format!("{at}/elements/{number}");
            self.element(Some(element), &at, Seat::Actions);
            let id = super::super::json::text(element, "/action_id");
            if !id.is_empty() && !ids.insert(id) {
                self.say(&format!("{at}/action_id"), format!("`action_id` already exists in this block: {id}"));
            }
        }
    }

    fn input(&mut self, map: &Map<String, Value>, at: &str) {
        self.only(map, at, &["type", "block_id", "label", "element", "hint", "optional", "dispatch_action"]);
        self.plain(map, "label", at, 2000, true);
        self.plain(map, "hint", at, 2000, false);
        self.boolean(map, "optional", at);
        self.boolean(map, "dispatch_action", at);
        self.element(map.get("element"), &format!("{at}/element"), Seat::Input);
    }

    fn image(&mut self, map: &Map<String, Value>, at: &str) {
        self.only(map, at, &["type", "block_id", "image_url", "alt_text", "title", "slack_file"]);
        self.url(map, "image_url", at);
        self.required_string(map, "alt_text", at, 2000);
        self.plain(map, "title", at, 2000, false);
        if !map.contains_key("image_url") && !map.contains_key("slack_file") {
            self.say(&format!("{at}/image_url"), "missing required field");
        }
    }

    /// Only the outer structure; the inside has no limits of its own.
    fn rich_text(&mut self, map: &Map<String, Value>, at: &str) {
        for (number, element) in self.list(map, "elements", at, 1, 1000).iter().enumerate() {
            let kind = super::super::json::text(element, "/type");
            if !matches!(kind, "rich_text_section" | "rich_text_list" | "rich_text_preformatted" | "rich_text_quote") {
                self.say(&format!("{at}/elements/{number}/type"), format!("unsupported type: {kind}"));
            }
        }
    }

    fn table(&mut self, map: &Map<String, Value>, at: &str) {
        self.only(map, at, &["type", "block_id", "rows", "column_settings"]);
        for (number, row) in self.list(map, "rows", at, 1, 100).iter().enumerate() {
            let cells = row.as_array().map(Vec::len);
            if !cells.is_some_and(|cells| (1..=20).contains(&cells)) {
                self.say(&format!("{at}/rows/{number}"), "must be a list of 1 to 20 cells");
            }
        }
    }

    fn video(&mut self, map: &Map<String, Value>, at: &str) {
        self.required_string(map, "alt_text", at, 2000);
        self.plain(map, "title", at, 200, true);
        self.url(map, "video_url", at);
        self.url(map, "thumbnail_url", at);
    }
}
