//! `inputs:` of a workflow: what the requester fills in, in the order of the command line.

use super::length::length;
use super::steps::is_name;
use crate::config::sheet::{Fields, Sheet};
use crate::config::words::quoted;
use crate::config::yaml::{Key, Node};
use crate::kernel::hold;
use crate::kernel::workflow::{Input, InputKind};

/// A modal holds 100 blocks; a form this long is filled in by nobody.
const INPUTS_MAX: usize = 20;
/// Over a field; longer ones are cut by Slack on a phone.
const LABEL_MAX: usize = 48;
/// A hold without a `default:` starts at this, or at the maximum if that is less.
const DEFAULT_MS: i64 = 60 * 60 * 1000;
/// Slack's limit for a text field.
const TEXT_MAX: i64 = 3000;
const TEXT_DEFAULT: u32 = 500;
const KINDS: &[&str] = &["duration", "text", "device"];

/// The inputs; none is a list without items.
pub(super) fn read(sheet: &mut Sheet, fields: &Fields) -> Option<Vec<Input>> {
    const HELP: &str = "write inputs: with hold: { type: duration, max: 8h } and what else is asked";
    let node = sheet.required(fields, "inputs", HELP)?;
    let entries = sheet.map(node, "`inputs`")?;
    if entries.len() > INPUTS_MAX {
        sheet.mistake(node.place, format!("more than {INPUTS_MAX} inputs"), None);
        return None;
    }
    let inputs: Vec<Option<Input>> = entries.iter().map(|(key, node)| input(sheet, key, node)).collect();
    for kind in ["duration", "device"] {
        // The command line and the card have room for one of each.
        let same = |input: &&(Key, Node)| type_of(&input.1) == Some(kind);
        if let Some((key, _)) = entries.iter().filter(same).nth(1) {
            let help = "a workflow has one of this type";
            sheet.mistake(key.place, format!("a second input of type {kind}"), Some(help.to_owned()));
        }
    }
    inputs.into_iter().collect()
}

fn type_of(node: &Node) -> Option<&str> {
    use crate::config::yaml::Value::{Map, Text};
    let Map(entries) = &node.value else { return None };
    entries.iter().find_map(|(key, node)| match &node.value {
        Text(text) if key.name == "type" => Some(text.as_str()),
        _ => None,
    })
}

fn input(sheet: &mut Sheet, key: &Key, node: &Node) -> Option<Input> {
    let name = &key.name;
    let is_name = is_name(name);
    if !is_name {
        let help = "lower-case letters, digits and _, at most 32, like hold or ticket_id";
        sheet.mistake(key.place, format!("{} cannot be the name of an input", quoted(name)), Some(help.to_owned()));
    }
    let what = format!("the input {}", quoted(name));
    let known: &[&str] = match type_of(node) {
        Some("duration") => &["type", "label", "default", "max"],
        Some("text") => &["type", "label", "max_length", "required"],
        Some("device") => &["type", "label"],
        _ => &["type", "label", "default", "max", "max_length", "required"],
    };
    let fields = sheet.fields(node, &what, known)?;
    let kind = kind(sheet, &fields, name);
    let label = match fields.get("label") {
        Some(node) => sheet.short_text(node, "`label`", LABEL_MAX).map(|label| label.trim().to_owned()),
        None => Some(label_of(name)),
    };
    Some(Input { name: name.clone(), label: label?, kind: kind.filter(|_| is_name)? })
}

/// `ticket_id` as `Ticket id`.
fn label_of(name: &str) -> String {
    let mut letters = name.chars().map(|c| if c == '_' { ' ' } else { c });
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

fn kind(sheet: &mut Sheet, fields: &Fields, name: &str) -> Option<InputKind> {
    let help = format!("write {name}: {{ type: text }}; types are {}", KINDS.join(", "));
    let node = sheet.required(fields, "type", &help)?;
    match sheet.word(node, "`type`", KINDS)? {
        "duration" => duration(sheet, fields),
        "text" => text(sheet, fields),
        _ => Some(InputKind::Device),
    }
}

fn duration(sheet: &mut Sheet, fields: &Fields) -> Option<InputKind> {
    let max = sheet.required(fields, "max", "write the most that can be asked for, like max: 8h");
    let max_ms = max.and_then(|node| length(sheet, node, "`max`"));
    let Some(node) = fields.get("default") else {
        return max_ms.map(|max_ms| InputKind::Duration { default_ms: DEFAULT_MS.min(max_ms), max_ms });
    };
    let default_ms = length(sheet, node, "`default`")?;
    let max_ms = max_ms?;
    if default_ms > max_ms {
        let message = format!("`default` is longer than `max` ({})", hold::show(max_ms));
        sheet.mistake(node.place, message, None);
        return None;
    }
    Some(InputKind::Duration { default_ms, max_ms })
}

fn text(sheet: &mut Sheet, fields: &Fields) -> Option<InputKind> {
    let max_length = match fields.get("max_length") {
        Some(node) => sheet
            .whole_number(node, "`max_length`", 1, TEXT_MAX)
            .map(|number| u32::try_from(number).unwrap_or(TEXT_DEFAULT)),
        None => Some(TEXT_DEFAULT),
    };
    let required = match fields.get("required") {
        Some(node) => sheet.flag(node, "`required`"),
        None => Some(true),
    };
    Some(InputKind::Text { max_length: max_length?, required: required? })
}
