//! One workflow file: from its text to a `Workflow`, or every mistake in it.

use sha2::{Digest, Sha256};

use super::triggers::Triggers;
use super::{approval, automatic, extend, glass, inputs, keys, people, steps, triggers};
use crate::config::Report;
use crate::config::sheet::{Fields, Sheet};
use crate::config::words::quoted;
use crate::config::yaml::{Node, Value};
use crate::inputs::length::length;
use crate::kernel::workflow::Tell;
use crate::kernel::{StepType, Workflow};

/// The text of an option in a Slack list, see <https://docs.slack.dev/reference/block-kit/composition-objects/option-object>.
const TITLE_MAX: usize = 75;
/// Shown in the form and on the card; Slack's limit for a section is 3000, and a page of text there helps nobody.
const DESCRIPTION_MAX: usize = 500;
/// See <https://docs.slack.dev/reference/app-manifest>, with the leading `/`.
const COMMAND_MAX: usize = 32;
/// Nightlatch's own.
const OWN_COMMANDS: &[&str] = &["/access", "/go", "/paste"];
const LAPSE_AFTER_MS: i64 = 8 * 60 * 60 * 1000;

/// Reads the text of the file `path`.
pub(super) fn read(path: &str, name: &str, text: &str, types: &[StepType]) -> Result<Workflow, Report> {
    let mut sheet = Sheet::new(path, text);
    let workflow = sheet.parse().and_then(|node| top(&mut sheet, name, text, &node, types));
    match workflow {
        Some(workflow) if sheet.is_clean() => Ok(workflow),
        _ => Err(sheet.into_report()),
    }
}

/// Every part is read before any is asked for, so that all mistakes are noted.
fn top(sheet: &mut Sheet, name: &str, text: &str, node: &Node, types: &[StepType]) -> Option<Workflow> {
    other_version(sheet, node)?;
    let fields = sheet.fields(node, "a workflow", &keys::names(keys::WORKFLOW))?;
    version(sheet, &fields);
    let title = title(sheet, &fields);
    let description = description(sheet, &fields);
    let command = command(sheet, &fields);
    let inputs = inputs::read(sheet, &fields);
    let triggers = triggers::read(sheet, &fields, inputs.as_deref());
    let command = one_command(sheet, command, triggers.as_ref());
    let ask = people::ask(sheet, &fields);
    let ask_for = people::ask_for(sheet, &fields);
    let approve = approval::approve(sheet, &fields);
    if let (Some(ask), Some(approve), Some(node)) = (&ask, &approve, fields.get("approve")) {
        approval::can_be_met(sheet, node, ask, approve);
    }
    let approve_automatically = automatic::read(sheet, &fields, inputs.as_deref());
    let break_glass = glass::read(sheet, &fields, inputs.as_deref());
    let extend = extend::read(sheet, &fields, (ask.as_deref(), approve.as_deref()));
    let lapse_after_ms = match fields.get("lapse_after") {
        Some(node) => length(sheet, node, "`lapse_after`"),
        None => Some(LAPSE_AFTER_MS),
    };
    if let (Some(stages), Some(lapse_after_ms)) = (&approve, lapse_after_ms) {
        approval::come_in_time(sheet, &fields, stages, lapse_after_ms);
    }
    let announce = announce(sheet, &fields);
    let tell = tell(sheet, &fields);
    let labels = labels(sheet, &fields);
    let steps = steps::read(sheet, &fields, inputs.as_deref(), types);
    let workflow = Workflow {
        name: name.to_owned(),
        title: title?,
        description: description?,
        command,
        inputs: inputs?,
        ask: ask?,
        ask_for: ask_for?,
        approve: approve?,
        approve_automatically: approve_automatically?,
        break_glass: break_glass?,
        extend: extend?,
        lapse_after_ms: lapse_after_ms?,
        steps: steps?,
        announce,
        tell: tell?,
        triggers: triggers?.starting,
        labels: labels?,
        digest: hex::encode(Sha256::digest(text.as_bytes())),
    };
    for key in ["extend", "break_glass"] {
        if let Some(node) = fields.get(key).filter(|_| workflow.holds_nothing()) {
            let help = "take it out, or add hold: { type: duration, default: 1h, max: 8h } to `inputs`".to_owned();
            sheet.mistake(node.place, format!("`{key}` is about what is held, and nothing is"), Some(help));
        }
    }
    automatic::is_in_vain(sheet, &fields, &workflow);
    people::are_known(sheet, node, &workflow);
    Some(workflow)
}

/// A file of another version is not read on: its other keys may mean something else.
fn other_version(sheet: &mut Sheet, node: &Node) -> Option<()> {
    let Value::Map(entries) = &node.value else { return Some(()) };
    for (key, node) in entries {
        match node.value {
            Value::Whole(number) if key.name == "nightlatch" && number != 1 => {
                let message = format!("version {number} of the format is not known here");
                sheet.mistake(node.place, message, Some("this program reads `nightlatch: 1`".to_owned()));
                return None;
            }
            _ => {}
        }
    }
    Some(())
}

/// A forgotten or strange first line does not hide the other mistakes.
fn version(sheet: &mut Sheet, fields: &Fields) {
    const HELP: &str = "start the file with `nightlatch: 1`, the version of this format";
    if let Some(node) = sheet.required(fields, "nightlatch", HELP)
        && node.value != Value::Whole(1)
    {
        sheet.wrong_kind(node, "`nightlatch`", "the number 1");
    }
}

fn title(sheet: &mut Sheet, fields: &Fields) -> Option<String> {
    let node = sheet.required(fields, "title", "write title: Production database")?;
    sheet.short_text(node, "`title`", TITLE_MAX).map(|title| title.trim().to_owned())
}

fn description(sheet: &mut Sheet, fields: &Fields) -> Option<String> {
    let Some(node) = fields.get("description").filter(|node| node.value != Value::Nothing) else {
        return Some(String::new());
    };
    let text = sheet.text(node, "`description`")?.trim();
    let count = text.chars().count();
    if count > DESCRIPTION_MAX {
        let help = format!("at most {DESCRIPTION_MAX}: one or two sentences");
        sheet.mistake(node.place, format!("`description` has {count} characters"), Some(help));
        return None;
    }
    Some(text.to_owned())
}

fn command(sheet: &mut Sheet, fields: &Fields) -> Option<String> {
    slash_command(sheet, fields.get("command")?)
}

/// It stands at the top or among the triggers.
fn one_command(sheet: &mut Sheet, own: Option<String>, triggers: Option<&Triggers>) -> Option<String> {
    match (own, triggers.and_then(|triggers| triggers.command.as_ref())) {
        (Some(own), Some((_, node))) => {
            sheet.mistake(node.place, format!("a second command beside {own}"), Some("a workflow has one".to_owned()));
            Some(own)
        }
        (own, other) => own.or_else(|| other.map(|(command, _)| command.clone())),
    }
}

/// A slash command of a workflow's own.
pub(super) fn slash_command(sheet: &mut Sheet, node: &Node) -> Option<String> {
    let text = sheet.text(node, "`command`")?;
    let name = text.strip_prefix('/').unwrap_or_default();
    let is_name =
        !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_');
    let (message, help) = if !text.starts_with('/') {
        (format!("`command` must start with /, not {}", quoted(text)), format!("write command: /{}", kebab(text)))
    } else if !is_name {
        let help = "lower-case letters, digits, - and _, like /deploy-freeze";
        (format!("{} cannot be a slash command", quoted(text)), help.to_owned())
    } else if text.len() > COMMAND_MAX {
        (format!("`command` is longer than {COMMAND_MAX} characters"), "that is Slack's limit".to_owned())
    } else if OWN_COMMANDS.contains(&text) {
        (format!("{} is Nightlatch's own", quoted(text)), "choose another name, or leave `command` out".to_owned())
    } else {
        return Some(text.to_owned());
    };
    sheet.mistake(node.place, message, Some(help));
    None
}

fn kebab(text: &str) -> String {
    let words = text.chars().take(31).map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
    words.collect::<String>().trim_matches('-').to_owned()
}

/// Words that guardrails know it by.
fn labels(sheet: &mut Sheet, fields: &Fields) -> Option<Vec<String>> {
    const HELP: &str = "a label is a word of lower-case letters, digits, - and _, like production";
    let Some(node) = fields.get("labels") else { return Some(Vec::new()) };
    let list = sheet.list(node, "`labels`")?;
    let mut labels = Vec::new();
    for node in list {
        let label = sheet.text(node, "a label")?.trim();
        let is_label = (1..=48).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte));
        if !is_label {
            sheet.mistake(node.place, format!("{} is no label", quoted(label)), Some(HELP.to_owned()));
            return None;
        }
        if !labels.iter().any(|known| known == label) {
            labels.push(label.to_owned());
        }
    }
    Some(labels)
}

/// Whom its cards reach; a channel only where one is named.
fn tell(sheet: &mut Sheet, fields: &Fields) -> Option<Tell> {
    let Some(node) = fields.get("tell") else { return Some(Tell::Channel) };
    if sheet.word(node, "`tell`", &["channel", "people"])? == "people" {
        return Some(Tell::People);
    }
    if fields.get("announce").is_none() {
        let help = "name one, like announce: \"#access\", or write tell: people";
        sheet.mistake(node.place, "`tell` names a channel, and there is none", Some(help.to_owned()));
        return None;
    }
    Some(Tell::Channel)
}

/// A channel by its name or id. Whether it is there, only Slack knows.
fn announce(sheet: &mut Sheet, fields: &Fields) -> Option<String> {
    const HELP: &str = "write \"#access\" in quotes (# starts a comment), or the channel's id";
    let node = fields.get("announce")?;
    if node.value == Value::Nothing {
        sheet.mistake(node.place, "`announce` has no value", Some(HELP.to_owned()));
        return None;
    }
    let text = sheet.text(node, "`announce`")?.trim();
    let is_id = text.starts_with(['C', 'G'])
        && (6..=32).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase());
    // Slack's own rule: at most 80 characters, no capitals, no spaces and no other punctuation.
    let is_name = text.strip_prefix('#').is_some_and(|name| {
        (1..=80).contains(&name.chars().count())
            && name.chars().all(|c| (c.is_alphanumeric() || c == '-' || c == '_') && !c.is_uppercase())
    });
    if is_id || is_name {
        return Some(text.to_owned());
    }
    let message = format!("{} is neither the name nor the id of a channel", quoted(text));
    sheet.mistake(node.place, message, Some(HELP.to_owned()));
    None
}
