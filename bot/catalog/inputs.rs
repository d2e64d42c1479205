//! `inputs:` of a workflow: what the requester fills in, in the order of the command line.

use super::steps::is_name;
use super::{keys, when};
use crate::config::sheet::{Fields, Sheet};
use crate::config::words::quoted;
use crate::config::yaml::{Key, Node};
use crate::inputs::TYPES;
use crate::kernel::condition::Condition;
use crate::kernel::workflow::{Input, InputKind};

/// A modal holds 100 blocks; a form this long is filled in by nobody.
const INPUTS_MAX: usize = 20;
/// Over a field; longer ones are cut by Slack on a phone.
const LABEL_MAX: usize = 48;
/// Below a field; more is not read while filling in.
const HELP_MAX: usize = 150;

/// The inputs; none is a list without items.
pub(super) fn read(sheet: &mut Sheet, fields: &Fields) -> Option<Vec<Input>> {
    const HELP: &str = "write inputs: with hold: { type: duration, max: 8h } and what else is asked";
    let node = sheet.required(fields, "inputs", HELP)?;
    let entries = sheet.map(node, "`inputs`")?;
    if entries.len() > INPUTS_MAX {
        sheet.mistake(node.place, format!("more than {INPUTS_MAX} inputs"), None);
        return None;
    }
    let all: Vec<&str> = entries.iter().map(|(key, _)| key.name.as_str()).collect();
    let (mut inputs, mut has_mistakes) = (Vec::with_capacity(entries.len()), false);
    for (key, node) in entries {
        match input(sheet, key, node, (&inputs, &all)) {
            Some(input) => inputs.push(input),
            None => has_mistakes = true,
        }
    }
    for kind in TYPES.iter().filter(|kind| kind.is_single).map(|kind| kind.name) {
        let same = |input: &&(Key, Node)| type_of(&input.1) == Some(kind);
        if let Some((key, _)) = entries.iter().filter(same).nth(1) {
            let help = "a workflow has one of this type";
            sheet.mistake(key.place, format!("a second input of type {kind}"), Some(help.to_owned()));
        }
    }
    (!has_mistakes).then_some(inputs)
}

fn type_of(node: &Node) -> Option<&str> {
    use crate::config::yaml::Value::{Map, Text};
    let Map(entries) = &node.value else { return None };
    entries.iter().find_map(|(key, node)| match &node.value {
        Text(text) if key.name == "type" => Some(text.as_str()),
        _ => None,
    })
}

fn input(sheet: &mut Sheet, key: &Key, node: &Node, (before, all): (&[Input], &[&str])) -> Option<Input> {
    let name = &key.name;
    let is_name = is_name(name);
    if !is_name {
        let help = "lower-case letters, digits and _, at most 32, like hold or ticket_id";
        sheet.mistake(key.place, format!("{} cannot be the name of an input", quoted(name)), Some(help.to_owned()));
    }
    let what = format!("the input {}", quoted(name));
    let own = type_of(node).filter(|name| TYPES.iter().any(|kind| kind.name == *name));
    // Without a type there is, what any of them knows is no mistake.
    let settings = TYPES.iter().filter(|kind| own.is_none_or(|own| own == kind.name)).flat_map(|kind| kind.settings);
    let known: Vec<&str> = keys::names(keys::INPUT).into_iter().chain(settings.map(|setting| setting.name)).collect();
    let fields = sheet.fields(node, &what, &known)?;
    let kind = kind(sheet, &fields, name);
    let label = match fields.get("label") {
        Some(node) => sheet.short_text(node, "`label`", LABEL_MAX).map(|label| label.trim().to_owned()),
        None => Some(label_of(name)),
    };
    let help =
        fields.get("help").map(|node| sheet.short_text(node, "`help`", HELP_MAX).map(|help| help.trim().to_owned()));
    let help = help.map_or(Some(None), |help| help.map(Some));
    let when = asked_when(sheet, &fields, kind.as_ref(), (before, all));
    Some(Input { name: name.clone(), label: label?, kind: kind.filter(|_| is_name)?, help: help?, when: when? })
}

/// What must be filled in for it to be asked. How long something is held is always asked.
fn asked_when(
    sheet: &mut Sheet,
    fields: &Fields,
    kind: Option<&InputKind>,
    (before, all): (&[Input], &[&str]),
) -> Option<Condition> {
    let Some(node) = fields.get("when") else { return Some(Condition::default()) };
    if matches!(kind, Some(InputKind::Duration { .. })) {
        let help = "take `when` out".to_owned();
        sheet.mistake(node.place, "how long something is held is always asked", Some(help));
        return None;
    }
    when::of_input(sheet, node, before, all)
}

/// `ticket_id` as `Ticket id`.
fn label_of(name: &str) -> String {
    let mut letters = name.chars().map(|c| if c == '_' { ' ' } else { c });
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

fn kind(sheet: &mut Sheet, fields: &Fields, name: &str) -> Option<InputKind> {
    let names: Vec<&str> = TYPES.iter().map(|kind| kind.name).collect();
    let help = format!("write {name}: {{ type: text }}; types are {}", names.join(", "));
    let node = sheet.required(fields, "type", &help)?;
    let word = sheet.word(node, "`type`", &names)?;
    let kind = TYPES.iter().find(|kind| kind.name == word)?;
    (kind.write)(sheet, fields)
}
