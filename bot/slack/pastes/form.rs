//! The form for a paste: name, language, text; and what the modal shows before and after.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::kernel::paste::{Draft, FILENAME_MAX_CHARACTERS, Text, UNTITLED};
use crate::notices::Said;
use crate::slack::envelope::FormState;
use crate::slack::modals::{context, input, option, plain, section};

/// The form.
pub(in crate::slack) const CALLBACK: &str = "paste_form";
/// The question before it is sent after all.
pub(in crate::slack) const CONFIRM: &str = "paste_confirm";
/// What only tells something.
const SAID: &str = "paste_said";

const NAME: &str = "filename";
const LANGUAGE: &str = "language";
/// The block of the text, where most errors are shown.
pub(super) const CONTENT: &str = "content";
const KEEP: &str = "keep";
/// The element in each of them.
const VALUE: &str = "value";

/// Slack's limit for one text field, in characters.
const CONTENT_MAX: usize = 3_000;
/// Slack's limit for `private_metadata` is 3,000; ours are far smaller.
const TITLE_MADE: &str = "Pasted";

/// Languages offered: label and what stands for it. What is not here is told from the file name.
const LANGUAGES: &[(&str, &str)] = &[
    ("Plain text", "txt"),
    ("Bash / shell", "sh"),
    ("C", "c"),
    ("C++", "cpp"),
    ("C#", "cs"),
    ("CSS", "css"),
    ("Diff / patch", "diff"),
    ("Go", "go"),
    ("Haskell", "hs"),
    ("HTML", "html"),
    ("Java", "java"),
    ("JavaScript / TypeScript", "js"),
    ("JSON", "json"),
    ("Lua", "lua"),
    ("Makefile", "makefile"),
    ("Markdown", "md"),
    ("PHP", "php"),
    ("Python", "py"),
    ("R", "r"),
    ("Ruby", "rb"),
    ("Rust", "rs"),
    ("Scala", "scala"),
    ("SQL", "sql"),
    ("XML", "xml"),
    ("YAML", "yaml"),
];

/// How long it is kept, where we keep it.
const KEEPS: &[(&str, &str)] =
    &[("until I delete it", ""), ("1 hour", "1h"), ("1 day", "1d"), ("7 days", "7d"), ("30 days", "30d")];

/// What goes through the modal and comes back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::slack) struct About {
    /// Where Share here shares.
    pub channel: Option<String>,
    /// The draft the question is about.
    pub draft: Option<String>,
    /// For how long, as chosen in the form.
    pub keep_ms: Option<i64>,
}

impl About {
    /// Out of `private_metadata`; nothing if it is not what we wrote.
    pub(in crate::slack) fn read(metadata: &str) -> Option<Self> {
        serde_json::from_str(metadata).ok()
    }

    fn written(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The form with what is known so far.
#[derive(Debug, Default)]
pub(in crate::slack) struct Filled<'a> {
    /// What was typed before.
    pub text: Option<&'a Text>,
    /// Why it comes back, in mrkdwn.
    pub note: Option<&'a str>,
    /// Where it was asked for.
    pub channel: Option<&'a str>,
    /// Whether pastes can end by themselves.
    pub can_end: bool,
    /// Who will be able to read it.
    pub readers: &'a str,
}

/// What came back in the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) filename: String,
    pub(super) language: Option<String>,
    pub(super) content: String,
    pub(super) keep_ms: Option<i64>,
}

/// Whether a text fits into the form.
pub(super) fn fits(content: &str) -> bool {
    content.encode_utf16().count() <= CONTENT_MAX
}

/// The form.
pub(in crate::slack) fn view(filled: &Filled<'_>) -> Value {
    let mut name = json!({
        "type": "plain_text_input", "action_id": VALUE, "max_length": FILENAME_MAX_CHARACTERS,
        "placeholder": plain("notes.md"),
    });
    let mut content = json!({
        "type": "plain_text_input", "action_id": VALUE, "multiline": true, "max_length": CONTENT_MAX,
        "focus_on_load": true,
    });
    if let (Some(text), Some(name), Some(content)) = (filled.text, name.as_object_mut(), content.as_object_mut()) {
        if text.filename != UNTITLED {
            name.insert("initial_value".to_owned(), json!(text.filename));
        }
        content.insert("initial_value".to_owned(), json!(text.content));
    }
    let languages: Vec<Value> = LANGUAGES.iter().map(|(label, value)| option(label, value, None)).collect();
    let language = json!({
        "type": "static_select", "action_id": VALUE, "options": languages,
        "placeholder": plain("told from the name"),
    });
    let mut blocks: Vec<Value> = filled.note.map(section).into_iter().collect();
    blocks.push(input(CONTENT, "Text", false, content));
    blocks.push(input(NAME, "File name", true, name));
    blocks.push(input(LANGUAGE, "Language", true, language));
    if filled.can_end {
        let keeps: Vec<Value> = KEEPS.iter().map(|(label, value)| option(label, or_ever(value), None)).collect();
        let first = keeps.first().cloned();
        let keep = json!({ "type": "static_select", "action_id": VALUE, "options": keeps, "initial_option": first });
        blocks.push(input(KEEP, "Keep it", true, keep));
    }
    blocks.push(context(&format!(
        "{} At most 3,000 characters fit here. Longer: post it as a text snippet or file, then *Paste this* on that message.",
        filled.readers
    )));
    let about = About { channel: filled.channel.map(str::to_owned), ..About::default() };
    json!({
        "type": "modal", "callback_id": CALLBACK, "title": plain("New paste"), "submit": plain("Paste"),
        "close": plain("Cancel"), "private_metadata": about.written(), "blocks": blocks,
    })
}

/// Options must have a value.
fn or_ever(value: &str) -> &str {
    if value.is_empty() { "ever" } else { value }
}

/// What was filled in.
pub(super) fn given(state: &FormState) -> Given {
    let value = |block: &str| state.value(block, VALUE);
    Given {
        filename: value(NAME).unwrap_or_default().to_owned(),
        language: value(LANGUAGE).map(str::to_owned),
        content: value(CONTENT).unwrap_or_default().to_owned(),
        keep_ms: value(KEEP).and_then(|keep| crate::kernel::hold::parse(keep).ok()),
    }
}

/// The question before it is sent: the same as in a message, with the form's own button.
pub(super) fn confirm_view(draft: &Draft, question: &Said, about: About, note: Option<&str>) -> Value {
    let about = About { draft: Some(draft.id.to_string()), ..about };
    let mut blocks: Vec<Value> = note.map(section).into_iter().collect();
    let is_button = |block: &&Value| block.get("type").is_some_and(|kind| kind == "actions");
    let asked = question.blocks.as_array().map(Vec::as_slice).unwrap_or_default();
    blocks.extend(asked.iter().filter(|block| !is_button(block)).cloned());
    json!({
        "type": "modal", "callback_id": CONFIRM, "title": plain("Are you sure?"), "submit": plain("Paste it anyway"),
        "close": plain("Cancel"), "private_metadata": about.written(), "blocks": blocks,
    })
}

/// It is there: the same as is said after a command.
pub(super) fn made_view(said: &Said, channel: Option<&str>) -> Value {
    let about = About { channel: channel.map(str::to_owned), ..About::default() };
    let mut blocks = said.blocks.as_array().cloned().unwrap_or_default();
    if !blocks.iter().any(|block| block.to_string().contains(crate::notices::pastes::SHARE)) && channel.is_none() {
        blocks.insert(0, section(&said.text));
    }
    json!({
        "type": "modal", "callback_id": SAID, "title": plain(TITLE_MADE), "close": plain("Done"),
        "private_metadata": about.written(), "blocks": blocks,
    })
}
