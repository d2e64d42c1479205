//! `steps:` of a workflow: what is held while a grant is active, with every `{{ }}` checked.

use serde_json::Map;

use crate::config::sheet::{Fields, Sheet};
use crate::config::words::{nearest, quoted};
use crate::config::yaml::{Key, Node, Value};
use crate::kernel::reference::{Piece, Reference, ReferenceError, RequesterField, pieces};
use crate::kernel::workflow::{Input, InputKind, StepType, StepUse};

/// Each is settled in turn; a longer list is another workflow.
const STEPS_MAX: usize = 20;

/// The steps. Without `inputs` (they have mistakes) names of inputs are not checked.
pub(super) fn read(
    sheet: &mut Sheet,
    fields: &Fields,
    inputs: Option<&[Input]>,
    types: &[StepType],
) -> Option<Vec<StepUse>> {
    let node = sheet.required(fields, "steps", "say what is lent: steps: with - uses: tailscale.attribute")?;
    let list = sheet.list(node, "`steps`")?;
    if list.len() > STEPS_MAX {
        sheet.mistake(node.place, format!("more than {STEPS_MAX} steps"), None);
        return None;
    }
    if let Some(inputs) = inputs
        && !inputs.iter().any(|input| matches!(input.kind, InputKind::Duration { .. }))
    {
        let help = "add hold: { type: duration, default: 1h, max: 8h } to `inputs`";
        let place = fields.get("inputs").map_or(node.place, |inputs| inputs.place);
        sheet.mistake(place, "no input says for how long", Some(help.to_owned()));
    }
    let mut steps: Vec<Option<StepUse>> = Vec::with_capacity(list.len());
    for node in list {
        let step = step(sheet, node, inputs, types);
        if let Some(step) = &step
            && let Some(number) =
                steps.iter().position(|other| other.as_ref().is_some_and(|other| is_same(step, other, types)))
        {
            let message = format!("touches the same thing as step {}", number + 1);
            sheet.mistake(node.place, message, Some("take it out, or give it another key".to_owned()));
        }
        steps.push(step);
    }
    steps.into_iter().collect()
}

/// Whether both would hold the same key. Case does not tell keys apart: Tailscale's are unique without it.
fn is_same(step: &StepUse, other: &StepUse, types: &[StepType]) -> bool {
    let plain = |step: &StepUse, name: &str| {
        step.with.get(name).map(|value| value.to_string().to_lowercase().replace(char::is_whitespace, ""))
    };
    let Some(kind) = types.iter().find(|kind| kind.uses == step.uses) else { return false };
    step.uses == other.uses && kind.key_settings.iter().all(|name| plain(step, name) == plain(other, name))
}

fn step(sheet: &mut Sheet, node: &Node, inputs: Option<&[Input]>, types: &[StepType]) -> Option<StepUse> {
    let fields = sheet.fields(node, "a step", &["uses", "with"])?;
    let uses = uses(sheet, &fields, types);
    let with = sheet.required(&fields, "with", "write its settings: with: { ... }")?;
    let Some(kind) = uses else {
        references(sheet, with, inputs);
        return None;
    };
    let what = format!("`{}`", kind.uses);
    let settings = sheet.fields(with, &what, kind.settings)?;
    let is_readable = references(sheet, with, inputs);
    let json = match with.value.to_json() {
        serde_json::Value::Object(map) => map,
        _ => Map::new(),
    };
    let mistakes = inputs.filter(|_| is_readable).map(|inputs| (kind.check)(&json, inputs)).unwrap_or_default();
    for mistake in &mistakes {
        let place = settings.get(mistake.setting).map_or_else(|| settings.place(), |node| node.place);
        sheet.mistake(place, mistake.message.clone(), mistake.help.clone());
    }
    Some(StepUse { uses: kind.uses.to_owned(), with: json })
}

fn uses<'k>(sheet: &mut Sheet, fields: &Fields, types: &'k [StepType]) -> Option<&'k StepType> {
    let names = || types.iter().map(|kind| kind.uses);
    let all = names().collect::<Vec<_>>().join(", ");
    let node = sheet.required(fields, "uses", &format!("name a step type: {all}"))?;
    let text = sheet.text(node, "`uses`")?;
    let kind = types.iter().find(|kind| kind.uses == text);
    if kind.is_none() {
        let help = match nearest(text, names()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("there is: {all}"),
        };
        sheet.mistake(node.place, format!("{} is not a step type", quoted(text)), Some(help));
    }
    kind
}

/// Checks every `{{ }}` below the node; whether all can be filled in.
fn references(sheet: &mut Sheet, node: &Node, inputs: Option<&[Input]>) -> bool {
    match &node.value {
        Value::Text(text) => reference(sheet, node, text, inputs),
        // Not `all`: every one is looked at, whatever was found before.
        Value::List(list) => {
            let readable: Vec<bool> = list.iter().map(|node| references(sheet, node, inputs)).collect();
            !readable.contains(&false)
        }
        Value::Map(entries) => {
            let readable = entries.iter().map(|(key, node)| key_is_plain(sheet, key) & references(sheet, node, inputs));
            !readable.collect::<Vec<bool>>().contains(&false)
        }
        _ => true,
    }
}

fn key_is_plain(sheet: &mut Sheet, key: &Key) -> bool {
    let is_plain = !key.name.contains("{{") && !key.name.contains("{%");
    if !is_plain {
        sheet.mistake(key.place, "`{{ }}` may stand in values only", None);
    }
    is_plain
}

fn reference(sheet: &mut Sheet, node: &Node, text: &str, inputs: Option<&[Input]>) -> bool {
    let found = match pieces(text) {
        Ok(pieces) => pieces,
        Err(error) => {
            let help = match error {
                ReferenceError::Unknown(name) => unknown(name, inputs.unwrap_or_default()),
                _ => "write {{ inputs.NAME }} or {{ requester.email }}".to_owned(),
            };
            let message = match error {
                ReferenceError::Unknown(name) => format!("nothing is called {}", quoted(name)),
                ReferenceError::NotAName(name) => {
                    format!("{} is not just a name: {{{{ }}}} holds no logic", quoted(name))
                }
                error => error.to_string(),
            };
            sheet.mistake(node.place, message, Some(help));
            return false;
        }
    };
    let mut is_known = true;
    for piece in found {
        if let (Piece::Reference(Reference::Input(name)), Some(inputs)) = (piece, inputs)
            && !inputs.iter().any(|input| input.name == name)
        {
            is_known = false;
            sheet.mistake(
                node.place,
                format!("there is no input {}", quoted(name)),
                Some(unknown(&format!("inputs.{name}"), inputs)),
            );
        }
    }
    is_known
}

/// The nearest name there is, or all of them.
fn unknown(name: &str, inputs: &[Input]) -> String {
    let inputs = inputs.iter().map(|input| format!("inputs.{}", input.name));
    let requester = RequesterField::ALL.iter().map(|(field, _)| format!("requester.{field}"));
    let all: Vec<String> = inputs.chain(requester).collect();
    match nearest(name, all.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there is: {}", all.join(", ")),
    }
}
