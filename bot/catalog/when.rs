//! `when:` of an input or a step: each name is an input, and each value is one that can be filled in there.

use serde_json::{Map, Value as Json};

use crate::config::sheet::Sheet;
use crate::config::words::{nearest, quoted};
use crate::config::yaml::{Key, Node, Value};
use crate::kernel::condition::Condition;
use crate::kernel::workflow::{Choosable, Input, InputKind, Pattern};

/// What stands under `when` of a step; always met if nothing does. Without `inputs` (they have mistakes) it is taken as it is written.
pub(super) fn of_step(sheet: &mut Sheet, step: &Node, inputs: Option<&[Input]>) -> Option<Condition> {
    let Value::Map(entries) = &step.value else { return Some(Condition::default()) };
    match entries.iter().find(|(key, _)| key.name == "when") {
        Some((_, node)) => read(sheet, node, inputs),
        None => Some(Condition::default()),
    }
}

/// What stands under `when` of an input, which can hang on those before it; `all` are the names in the file.
pub(super) fn of_input(sheet: &mut Sheet, node: &Node, before: &[Input], all: &[&str]) -> Option<Condition> {
    let later = |name: &str| all.contains(&name) && !before.iter().any(|input| input.name == name);
    if let Value::Map(entries) = &node.value
        && let Some((key, _)) = entries.iter().find(|(key, _)| later(&key.name))
    {
        let help = "an input can wait for earlier ones only; put that one before it, and mend it if it has a mistake";
        let message = format!("the input {} comes later, or is this one", quoted(&key.name));
        sheet.mistake(key.place, message, Some(help.to_owned()));
        return None;
    }
    read(sheet, node, Some(before))
}

fn read(sheet: &mut Sheet, node: &Node, inputs: Option<&[Input]>) -> Option<Condition> {
    let entries = sheet.map(node, "`when`")?;
    if entries.is_empty() {
        sheet.mistake(node.place, "`when` is empty", Some("write when: { input: value }, or leave it out".to_owned()));
        return None;
    }
    // Not `?` inside: every mistake is noted.
    let values: Vec<Option<(String, Json)>> =
        entries.iter().map(|(key, node)| entry(sheet, key, node, inputs)).collect();
    values.into_iter().collect::<Option<Map<String, Json>>>().map(Condition)
}

fn entry(sheet: &mut Sheet, key: &Key, node: &Node, inputs: Option<&[Input]>) -> Option<(String, Json)> {
    let Some(inputs) = inputs else { return Some((key.name.clone(), node.value.to_json())) };
    let Some(input) = inputs.iter().find(|input| input.name == key.name) else {
        let names = || inputs.iter().map(|input| input.name.as_str());
        let help = match nearest(&key.name, names()) {
            Some(name) => format!("did you mean `{name}`?"),
            None if inputs.is_empty() => "nothing is asked before it".to_owned(),
            None => format!("there is: {}", names().collect::<Vec<_>>().join(", ")),
        };
        sheet.mistake(key.place, format!("there is no input {}", quoted(&key.name)), Some(help));
        return None;
    };
    value(sheet, key, node, &input.kind).map(|value| (key.name.clone(), value))
}

fn value(sheet: &mut Sheet, key: &Key, node: &Node, kind: &InputKind) -> Option<Json> {
    let what = format!("`when` of {}", quoted(&key.name));
    match kind {
        InputKind::Choice { options, .. } => option(sheet, node, &what, options).map(Json::from),
        InputKind::Flag { .. } => sheet.flag(node, &what).map(Json::from),
        InputKind::Number { min, max, .. } => sheet.whole_number(node, &what, *min, *max).map(Json::from),
        InputKind::Text { max_length, pattern, .. } => {
            text(sheet, node, &what, *max_length, pattern.as_ref()).map(Json::from)
        }
        InputKind::Duration { .. }
        | InputKind::Device { .. }
        | InputKind::Person { .. }
        | InputKind::Link { .. }
        | InputKind::Unknown => {
            let message =
                format!("{what}: an input of type {} has no value to wait for", kind.name().unwrap_or("unknown"));
            let help = "name one of type choice, flag, number or text";
            sheet.mistake(key.place, message, Some(help.to_owned()));
            None
        }
    }
}

fn option<'o>(sheet: &mut Sheet, node: &Node, what: &str, options: &'o [Choosable]) -> Option<&'o str> {
    let word = match &node.value {
        Value::Whole(number) => number.to_string(),
        _ => sheet.text(node, what)?.to_owned(),
    };
    if let Some(option) = options.iter().find(|option| option.value == word) {
        return Some(&option.value);
    }
    let words = || options.iter().map(|option| option.value.as_str());
    let by_label = options.iter().find(|option| option.label == word).map(|option| option.value.as_str());
    let help = match by_label.or_else(|| nearest(&word, words())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("one of: {}", words().collect::<Vec<_>>().join(", ")),
    };
    sheet.mistake(node.place, format!("{what} is never {}", quoted(&word)), Some(help));
    None
}

fn text<'n>(
    sheet: &mut Sheet,
    node: &'n Node,
    what: &str,
    max_length: u32,
    pattern: Option<&Pattern>,
) -> Option<&'n str> {
    let text = sheet.text(node, what)?;
    let is_longer = u32::try_from(text.chars().count()).is_ok_and(|count| count > max_length);
    let (why, help) = if text.trim() != text {
        ("has blanks around it", "what people type is taken without them".to_owned())
    } else if is_longer {
        ("is longer than may be typed", format!("at most {max_length} characters"))
    } else if pattern.is_some_and(|pattern| !pattern.fits(text)) {
        ("does not fit the input's `pattern`", "nobody can type that".to_owned())
    } else {
        return Some(text);
    };
    sheet.mistake(node.place, format!("{what} {why}"), Some(help));
    None
}
