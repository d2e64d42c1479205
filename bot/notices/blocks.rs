//! From the text of a template to Slack's blocks, within Slack's limits whatever people typed.
//!
//! A template's parts are separated by lines of `---`. The first part is what notifications and screen readers say;
//! the others become blocks from top to bottom. If there is only one part, it is also shown. Lines that start with
//! `= Label: value` are fields in two columns, lines that start with `~ ` are small print, all others are a section.
//! Empty lines are left out.

use serde_json::{Value, json};

use super::Said;
use super::text::{fit, length};

/// Slack refuses an update whose text is over 4,000; ephemeral ones are counted in bytes.
const TEXT_MAX: usize = 900;
/// Of a section's text. Slack: 3,000.
const SECTION_MAX: usize = 3000;
/// Of one field. Slack: 2,000 and ten of them.
const FIELD_MAX: usize = 2000;
const FIELDS_MAX: usize = 10;
/// Of small print; Slack names no limit of its own for it.
const CONTEXT_MAX: usize = 2000;
/// Slack refuses messages whose blocks are too long together (`msg_blocks_too_long`) without saying how long.
const MESSAGE_MAX: usize = 12_000;
/// Slack: 50, of which we keep some for buttons.
const BLOCKS_MAX: usize = 45;

/// A message being put together.
#[derive(Debug, Default)]
pub struct Message {
    text: String,
    blocks: Vec<Value>,
    used: usize,
}

impl Message {
    /// From the text of a template.
    pub fn of(rendered: &str) -> Self {
        let parts = parts(rendered);
        let mut message = Self::default();
        let (head, body) = match parts.split_first() {
            Some((head, [])) => (head.as_slice(), parts.as_slice()),
            Some((head, body)) => (head.as_slice(), body),
            None => return message,
        };
        message.text = fit(&read_out(head), TEXT_MAX);
        for part in body {
            message.part(part, None);
        }
        message
    }

    /// Adds the text of another template as one section; the first of them is also what notifications say.
    pub fn heading(&mut self, rendered: &str) {
        let lines = parts(rendered).concat();
        if self.text.is_empty() {
            self.text = fit(&read_out(&lines), TEXT_MAX);
        }
        self.part(&lines, None);
    }

    /// Adds the text of another template as one section with a button beside it, or several below.
    pub fn row(&mut self, rendered: &str, mut buttons: Vec<Value>) {
        let only = if buttons.len() == 1 { buttons.pop() } else { None };
        self.part(&parts(rendered).concat(), only);
        self.buttons(buttons, None);
    }

    /// Whether nothing was said so far.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Adds a row of buttons, if there are any. `name` comes back with every press, as the block's id.
    pub fn buttons(&mut self, buttons: Vec<Value>, name: Option<&str>) {
        if buttons.is_empty() {
            return;
        }
        let mut row = json!({ "type": "actions", "elements": buttons });
        if let (Some(row), Some(name)) = (row.as_object_mut(), name) {
            row.insert("block_id".to_owned(), json!(name));
        }
        self.blocks.push(row);
    }

    /// The message; nothing if the templates said nothing.
    pub fn finish(self) -> Option<Said> {
        let is_said = !self.text.is_empty() && !self.blocks.is_empty();
        is_said.then_some(Said { text: self.text, blocks: Value::Array(self.blocks) })
    }

    fn part(&mut self, lines: &[&str], button: Option<Value>) {
        let room = MESSAGE_MAX.saturating_sub(self.used);
        if lines.is_empty() || self.blocks.len() >= BLOCKS_MAX || room < 100 {
            return;
        }
        if let Some(fields) = stripped(lines, "= ") {
            for fields in fields.chunks(FIELDS_MAX) {
                let each = (room / fields.len().max(1)).min(FIELD_MAX);
                let fields: Vec<Value> =
                    fields.iter().map(|line| mrkdwn(&self.count(fit(&field(line), each)))).collect();
                self.blocks.push(json!({ "type": "section", "fields": fields }));
            }
            return;
        }
        if let Some(small) = stripped(lines, "~ ") {
            let text = self.count(fit(&small.join("\n"), CONTEXT_MAX.min(room)));
            self.blocks.push(json!({ "type": "context", "elements": [mrkdwn(&text)] }));
            return;
        }
        let text = self.count(fit(&lines.join("\n"), SECTION_MAX.min(room)));
        let mut section = json!({ "type": "section", "text": mrkdwn(&text) });
        if let (Some(section), Some(accessory)) = (section.as_object_mut(), button) {
            section.insert("accessory".to_owned(), accessory);
        }
        self.blocks.push(section);
    }

    fn count(&mut self, text: String) -> String {
        self.used = self.used.saturating_add(length(&text));
        text
    }
}

/// The parts with something in them, as lines with something in them.
fn parts(rendered: &str) -> Vec<Vec<&str>> {
    let lines: Vec<&str> = rendered.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.split(|line| *line == "---").filter(|part| !part.is_empty()).map(<[&str]>::to_vec).collect()
}

/// Lines as one, for notifications and screen readers.
fn read_out(lines: &[&str]) -> String {
    let mut all = String::new();
    for line in lines {
        if !all.is_empty() {
            all.push_str(if all.ends_with(['.', ':', '!', '?']) { " " } else { " · " });
        }
        all.push_str(line);
    }
    all
}

/// The lines without their mark, if every one has it.
fn stripped<'l>(lines: &[&'l str], mark: &str) -> Option<Vec<&'l str>> {
    lines.iter().map(|line| line.strip_prefix(mark)).collect()
}

fn field(line: &str) -> String {
    match line.split_once(": ") {
        Some((label, value)) => format!("*{label}*\n{value}"),
        None => line.to_owned(),
    }
}

/// `verbatim`: Slack must not turn plain names, channels and addresses in it into live ones.
fn mrkdwn(text: &str) -> Value {
    json!({ "type": "mrkdwn", "text": text, "verbatim": true })
}
