//! The modals: how each looks, as Slack's JSON. What stands in `private_metadata` is only there to look things up.

pub mod approve_for;
pub mod choices;
pub mod deny;
pub mod form;
pub mod preview;
pub mod review;

use serde_json::{Value, json};

use crate::notices::Said;

/// Slack's limit for one view is 100 blocks.
const BLOCKS_MAX: usize = 100;
/// Our name for what only tells something.
pub const SAID: &str = "access_said";
/// The modal says it is at work.
const LOADING: &str = ":hourglass_flowing_sand: Looking up what you may borrow and your devices…";

/// Shown while people and devices are looked up; has nothing to send. `line` is what was typed, so that it is not lost.
pub fn loading(line: Option<&str>) -> Value {
    let typed = line.map(|line| context(&format!("You typed {}", super::sentences::code(line))));
    said("Borrow access", "Cancel", std::iter::once(section(LOADING)).chain(typed).collect())
}

/// Shown when what was sent is saved and being looked up; becomes what came of it.
pub fn checking() -> Value {
    said("Saved", "Close", vec![section(super::sentences::FORM_SAVED)])
}

/// Shown when there is nothing to fill in: one text.
pub fn sorry(text: &str) -> Value {
    said("Borrow access", "Close", vec![section(text)])
}

/// Shown when it was asked: the same as is said after a command.
pub fn asked(notice: &Said) -> Value {
    let mut blocks = notice.blocks.as_array().cloned().unwrap_or_default();
    blocks.truncate(BLOCKS_MAX);
    if blocks.is_empty() {
        blocks.push(section(&notice.text));
    }
    said("Asked", "Done", blocks)
}

/// Shown after a button in one of these was pressed.
pub fn pressed() -> Value {
    said("Saved", "Done", vec![section(super::sentences::PRESS_SAVED)])
}

fn said(title: &str, close: &str, blocks: Vec<Value>) -> Value {
    json!({ "type": "modal", "callback_id": SAID, "title": plain(title), "close": plain(close), "blocks": blocks })
}

/// A `plain_text` object.
pub(super) fn plain(text: &str) -> Value {
    json!({ "type": "plain_text", "text": text, "emoji": true })
}

/// A section of mrkdwn that Slack must not make links and mentions in.
pub(super) fn section(text: &str) -> Value {
    json!({ "type": "section", "text": mrkdwn(text) })
}

/// Small print.
pub(super) fn context(text: &str) -> Value {
    json!({ "type": "context", "elements": [mrkdwn(text)] })
}

fn mrkdwn(text: &str) -> Value {
    json!({ "type": "mrkdwn", "text": crate::notices::words::fit(text, 3_000), "verbatim": true })
}

/// An input block around an element.
pub(super) fn input(block_id: &str, label: &str, optional: bool, element: Value) -> Value {
    json!({ "type": "input", "block_id": block_id, "label": plain(label), "optional": optional, "element": element })
}

/// An option of a menu: text at most 75 characters, value too.
pub(super) fn option(text: &str, value: &str, description: Option<&str>) -> Value {
    use crate::notices::words::one_line;
    let mut option = json!({ "text": plain(&one_line(text, 75)), "value": value });
    let description =
        description.map(|description: &str| one_line(description, 75)).filter(|text: &String| !text.is_empty());
    if let (Some(map), Some(description)) = (option.as_object_mut(), description) {
        map.insert("description".to_owned(), plain(&description));
    }
    option
}
