//! `steps:` of a workflow: what is held while a grant is active, with every `{{ }}` checked.

use serde_json::Map;

use super::references::{Known, Named};
use super::{keys, when};
use crate::config::sheet::{Fields, Sheet};
use crate::config::words::{nearest, quoted};
use crate::config::yaml::{Node, Place, Value};
use crate::kernel::StepType;
use crate::kernel::step_type::{Holds, STAYS, SettingKind, Stays, find};
use crate::kernel::workflow::{Input, InputKind, StepUse};

/// Of an input or a step.
pub(super) const NAME_MAX: usize = 32;
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
    let mut named: Vec<Named> = Vec::with_capacity(list.len());
    for node in list {
        let when = when::of_step(sheet, node, inputs);
        named.push(Named::of(node, types, when));
    }
    let mut steps: Vec<Option<StepUse>> = Vec::with_capacity(list.len());
    for (index, node) in list.iter().enumerate() {
        let step = step(sheet, node, &Known { inputs, steps: &named, index, knows_itself: false }, types);
        if let Some(step) = &step
            && let Some(number) =
                steps.iter().position(|other| other.as_ref().is_some_and(|other| is_same(step, other, inputs, types)))
        {
            let message = format!("touches the same thing as step {}", number + 1);
            sheet.mistake(node.place, message, Some("take it out, or give it another key".to_owned()));
        }
        steps.push(step);
    }
    let mut steps: Vec<StepUse> = steps.into_iter().collect::<Option<_>>()?;
    if let Some(inputs) = inputs
        && !inputs.iter().any(|input| matches!(input.kind, InputKind::Duration { .. }))
    {
        say_for_how_long(sheet, fields, &mut steps, (list, types));
    }
    Some(steps)
}

/// Without a length of time nothing is held: what every step does has to stay.
fn say_for_how_long(sheet: &mut Sheet, fields: &Fields, steps: &mut [StepUse], (list, types): (&[Node], &[StepType])) {
    const HELP: &str = "add hold: { type: duration, default: 1h, max: 8h } to `inputs`";
    let stays_of = |step: &StepUse| find(types, &step.uses).map(|kind| kind.stays);
    for step in steps.iter_mut().filter(|step| stays_of(step) == Some(Stays::Always)) {
        step.with.insert(STAYS.to_owned(), true.into());
    }
    let holding: Vec<(&StepUse, &Node)> = steps.iter().zip(list).filter(|(step, _)| !step.stays()).collect();
    if holding.len() == list.len() {
        let place = fields.get("inputs").map_or(fields.place(), |inputs| inputs.place);
        sheet.mistake(place, "no input says for how long", Some(HELP.to_owned()));
        return;
    }
    for (step, node) in holding {
        let message = format!("{} holds something, and no input says for how long", step.uses);
        let or_stays = if stays_of(step) == Some(Stays::May) { ", or stays: true to the step" } else { "" };
        sheet.mistake(node.place, message, Some(format!("{HELP}{or_stays}")));
    }
}

/// Whether both would hold the same key in one request. Case does not tell keys apart: Tailscale's are unique without it.
fn is_same(step: &StepUse, other: &StepUse, inputs: Option<&[Input]>, types: &[StepType]) -> bool {
    let plain = |step: &StepUse, name: &str| {
        step.with.get(name).map(|value| value.to_string().to_lowercase().replace(char::is_whitespace, ""))
    };
    let Some(kind) = find(types, &step.uses).filter(|kind| kind.holds == Holds::Shared) else { return false };
    let mut keys = kind.settings.iter().filter(|setting| setting.is_key).map(|setting| setting.name);
    let meet = !step.when.excludes(&other.when, inputs.unwrap_or_default());
    meet && step.uses == other.uses && keys.all(|name| plain(step, name) == plain(other, name))
}

fn step(sheet: &mut Sheet, node: &Node, known: &Known<'_>, types: &[StepType]) -> Option<StepUse> {
    let fields = sheet.fields(node, "a step", &keys::names(keys::STEP))?;
    let name = name(sheet, &fields, known);
    let uses = uses(sheet, &fields, types);
    let with = sheet.required(&fields, "with", "write its settings: with: { ... }")?;
    let Some(kind) = uses else {
        known.check(sheet, with);
        return None;
    };
    let what = format!("`{}`", kind.uses);
    let settings = sheet.fields(with, &what, &kind.names().collect::<Vec<_>>())?;
    let is_readable = check_references(sheet, with, known, kind);
    let mut json = match with.value.to_json() {
        serde_json::Value::Object(map) => map,
        _ => Map::new(),
    };
    for setting in kind.settings.iter().filter(|setting| !setting.is_required) {
        if let Some(usual) = setting.kind.usual() {
            json.entry(setting.name).or_insert_with(|| usual.into());
        }
    }
    if stays(sheet, &fields, kind)? {
        json.insert(STAYS.to_owned(), true.into());
    }
    fill_in_device(&mut json, kind, known);
    let mut mistakes = (kind.check)(&json, known.inputs.unwrap_or_default());
    if known.inputs.is_none() || !is_readable {
        // What stands in `{{ }}` cannot be judged; the rest can.
        let is_filled_in = |value: &serde_json::Value| value.as_str().is_some_and(|text| text.contains("{{"));
        mistakes.retain(|mistake| json.get(mistake.setting).is_some_and(|value| !is_filled_in(value)));
    }
    for mistake in &mistakes {
        let place = settings.get(mistake.setting).map_or_else(|| settings.place(), |node| within(node, &mistake.at));
        sheet.mistake(place, mistake.message.clone(), mistake.help.clone());
    }
    let when = known.steps.get(known.index).and_then(|own| own.when.clone())?;
    Some(StepUse { uses: kind.uses.to_owned(), name: name?, when, with: json })
}

/// Every `{{ }}`, setting by setting; whether all can be filled in.
fn check_references(sheet: &mut Sheet, with: &Node, known: &Known<'_>, kind: &StepType) -> bool {
    let Value::Map(entries) = &with.value else { return known.check(sheet, with) };
    let mut is_readable = true;
    for (key, node) in entries {
        let setting = kind.settings.iter().find(|setting| setting.name == key.name);
        let knows_itself = setting.is_some_and(|setting| {
            matches!(setting.kind, SettingKind::Call | SettingKind::Argv) && !setting.is_required
        });
        is_readable &= Known { knows_itself, ..*known }.check(sheet, node);
    }
    is_readable
}

/// Whether what it does is left as it is. Nothing: it cannot be, and that was told.
fn stays(sheet: &mut Sheet, fields: &Fields, kind: &StepType) -> Option<bool> {
    let Some(node) = fields.get("stays") else { return Some(false) };
    let stays = sheet.flag(node, "`stays`")?;
    let (message, help) = match (kind.stays, stays) {
        (Stays::Never, true) => (format!("what {} does is always taken back", kind.uses), "take `stays` out"),
        (Stays::Always, false) => (format!("what {} does cannot be taken back", kind.uses), "take `stays` out"),
        _ => return Some(stays),
    };
    sheet.mistake(node.place, message, Some(help.to_owned()));
    None
}

/// A device that may be left out is the workflow's input of that kind, if it has one that is asked of whoever takes this step.
fn fill_in_device(with: &mut Map<String, serde_json::Value>, kind: &StepType, known: &Known<'_>) {
    let inputs = known.inputs.unwrap_or_default();
    let own = known.steps.get(known.index).and_then(|own| own.when.as_ref()).map(|own| own.with_those_of(inputs));
    let is_asked = |input: &&Input| {
        input.when.is_empty() || own.as_ref().is_some_and(|own| own.implies(&input.when.with_those_of(inputs)))
    };
    let device = inputs.iter().find(|input| input.kind.is_device()).filter(is_asked);
    let settings = kind.settings.iter().filter(|one| one.kind == SettingKind::Device && !one.is_required);
    for setting in settings.filter(|setting| !with.contains_key(setting.name)).collect::<Vec<_>>() {
        if let Some(device) = device {
            with.insert(setting.name.to_owned(), format!("{{{{ inputs.{} }}}}", device.name).into());
        }
    }
}

/// Where in a setting something stands; as near as it can be told.
fn within(node: &Node, at: &[String]) -> Place {
    let Some((first, rest)) = at.split_first() else { return node.place };
    let inner = match &node.value {
        Value::Map(entries) => entries.iter().find(|(key, _)| key.name == *first).map(|(_, inner)| inner),
        Value::List(list) => first.parse::<usize>().ok().and_then(|index| list.get(index)),
        _ => None,
    };
    inner.map_or(node.place, |inner| within(inner, rest))
}

/// The step's own name, if it has one; nothing if that is no name.
fn name(sheet: &mut Sheet, fields: &Fields, known: &Known<'_>) -> Option<Option<String>> {
    let Some(node) = fields.get("name") else { return Some(None) };
    let text = sheet.text(node, "`name`")?;
    if !is_name(text) {
        let help = format!("lower-case letters, digits and _, at most {NAME_MAX}, like rule or first_key");
        sheet.mistake(node.place, format!("{} cannot be the name of a step", quoted(text)), Some(help));
        return None;
    }
    if known.steps.iter().take(known.index).any(|other| other.is_own && other.name == text) {
        sheet.mistake(
            node.place,
            format!("a second step is called {}", quoted(text)),
            Some("choose another name".to_owned()),
        );
        return None;
    }
    Some(Some(text.to_owned()))
}

/// Inputs and steps are called the same way, so that both can stand in `{{ }}`.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.len() <= NAME_MAX
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
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
