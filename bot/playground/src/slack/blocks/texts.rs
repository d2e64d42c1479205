//! Text objects and confirmation dialogs.

use serde_json::{Map, Value};

use super::Check;

impl Check {
    /// A field that must be plain text. JSON null counts as absent for optional ones.
    pub(super) fn plain(&mut self, map: &Map<String, Value>, name: &str, at: &str, most: usize, is_required: bool) {
        self.text_field(map, name, at, most, is_required, false);
    }

    /// A field that may be plain text or markup.
    pub(super) fn any_text(&mut self, map: &Map<String, Value>, name: &str, at: &str, most: usize, is_required: bool) {
        self.text_field(map, name, at, most, is_required, true);
    }

    fn text_field(
        &mut self,
        map: &Map<String, Value>,
        name: &str,
        at: &str,
        most: usize,
        is_required: bool,
        takes_markup: bool,
    ) {
        let at = format!("{at}/{name}");
        match map.get(name).filter(|value| !value.is_null()) {
            Some(text) => self.text_object(text, &at, most, takes_markup),
            None if is_required => self.say(&at, "missing required field"),
            None => {}
        }
    }

    /// `{"type": "plain_text" | "mrkdwn", "text": ...}`.
    pub(super) fn text_object(&mut self, text: &Value, at: &str, most: usize, takes_markup: bool) {
        let Some(map) = self.object(Some(text), at) else { return };
        let is_markup = match map.get("type").and_then(Value::as_str) {
            Some("plain_text") => false,
            Some("mrkdwn") if takes_markup => true,
            Some("mrkdwn") => {
                self.say(&format!("{at}/type"), "must be plain_text");
                true
            }
            _ => {
                self.say(&format!("{at}/type"), "must be plain_text or mrkdwn");
                return;
            }
        };
        self.only(map, at, if is_markup { &["type", "text", "verbatim"] } else { &["type", "text", "emoji"] });
        self.boolean(map, "emoji", at);
        self.boolean(map, "verbatim", at);
        self.required_string(map, "text", at, most);
    }

    /// The dialog that asks before an action happens.
    pub(super) fn confirm(&mut self, map: &Map<String, Value>, at: &str) {
        let Some(confirm) = map.get("confirm") else { return };
        let at = format!("{at}/confirm");
        let Some(map) = self.object(Some(confirm), &at) else { return };
        self.only(map, &at, &["title", "text", "confirm", "deny", "style"]);
        self.plain(map, "title", &at, 100, true);
        self.any_text(map, "text", &at, 300, true);
        self.plain(map, "confirm", &at, 30, true);
        self.plain(map, "deny", &at, 30, true);
        self.one_of(map, "style", &at, &["primary", "danger"]);
    }
}
