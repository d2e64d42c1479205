//! `approve_automatically:` of a workflow: what passes by itself.

use super::keys;
use super::people::{Part, names};
use crate::config::sheet::{Fields, Sheet};
use crate::config::words::{nearest, quoted};
use crate::config::yaml::{Node, Value};
use crate::inputs::length::length;
use crate::kernel::Workflow;
use crate::kernel::automatic::{Automatic, POSTURE};
use crate::kernel::posture::Condition;
use crate::kernel::window::{self, Day, Window, WindowError};
use crate::kernel::workflow::Input;

/// More rules than this belong into a guardrail.
const RULES_MAX: usize = 20;
/// Of `during` and of `device`.
const LIST_MAX: usize = 20;
/// More than this a day is no limit.
const PER_DAY_MAX: u32 = 1_000;

/// The rules; none if the key is not there.
pub(super) fn read(sheet: &mut Sheet, fields: &Fields, inputs: Option<&[Input]>) -> Option<Vec<Automatic>> {
    let Some(node) = fields.get("approve_automatically") else { return Some(Vec::new()) };
    let rules = match &node.value {
        Value::Map(_) => {
            let help = "put a - before its first line";
            sheet.mistake(node.place, "`approve_automatically` must be a list of rules", Some(help.to_owned()));
            std::slice::from_ref(node)
        }
        Value::List(list) if list.is_empty() => {
            let help = "leave it out, and nothing passes by itself; for everything to pass, write approve: []";
            sheet.mistake(node.place, "`approve_automatically` is empty", Some(help.to_owned()));
            return None;
        }
        _ => sheet.list(node, "`approve_automatically`")?,
    };
    if let Some(more) = rules.get(RULES_MAX) {
        let message = format!("`approve_automatically` has more than {RULES_MAX} rules");
        sheet.mistake(more.place, message, Some("put people into one group".to_owned()));
    }
    let rules: Vec<Option<Automatic>> = rules.iter().take(RULES_MAX).map(|node| rule(sheet, node, inputs)).collect();
    rules.into_iter().collect()
}

/// Beside `approve: []` every rule is in vain: somebody believes that they hold.
pub(super) fn is_in_vain(sheet: &mut Sheet, fields: &Fields, workflow: &Workflow) {
    if let Some(node) = fields.get("approve_automatically")
        && workflow.approve.is_empty()
    {
        let help = "with `approve: []` everything passes; name in `approve` who decides what does not pass by itself";
        sheet.mistake(node.place, "`approve_automatically` says nothing beside `approve: []`", Some(help.to_owned()));
    }
}

fn rule(sheet: &mut Sheet, node: &Node, inputs: Option<&[Input]>) -> Option<Automatic> {
    let fields = sheet.fields(node, "a rule of `approve_automatically`", &keys::names(keys::AUTOMATIC))?;
    let who = match fields.get("who") {
        Some(node) => names(sheet, node, "`who`", Part::Have),
        None => Some(Vec::new()),
    };
    let during = match fields.get("during") {
        Some(node) => several(sheet, node, "`during`", window),
        None => Some(Vec::new()),
    };
    let device = match fields.get("device") {
        Some(node) => {
            if inputs.is_some_and(|inputs| !inputs.iter().any(|input| input.kind.is_device())) {
                let help = "add an input of type device, or take `device` out here";
                sheet.mistake(
                    node.place,
                    "`device` is about a device, and no input asks for one",
                    Some(help.to_owned()),
                );
            }
            several(sheet, node, "`device`", condition)
        }
        None => Some(Vec::new()),
    };
    let max_hold_ms = match fields.get("max_hold") {
        Some(node) => length(sheet, node, "`max_hold`").map(Some),
        None => Some(None),
    };
    let at_most = match fields.get("at_most") {
        Some(node) => per_day(sheet, node).map(Some),
        None => Some(None),
    };
    let rule = Automatic { who: who?, during: during?, device: device?, max_hold_ms: max_hold_ms?, at_most: at_most? };
    if rule == Automatic::default() {
        let help = "say for whom: who: [\"@db-oncall\"]; for everything to pass, write approve: []";
        sheet.mistake(node.place, "this rule says nothing, so that everything would pass by it", Some(help.to_owned()));
        return None;
    }
    if let Some(node) = fields.get("at_most")
        && rule.during.iter().any(|window| window.zone != rule.zone())
    {
        let help = "make a rule for each zone";
        let message = "`at_most` counts days, and `during` names several time zones";
        sheet.mistake(node.place, message, Some(help.to_owned()));
        return None;
    }
    Some(rule)
}

/// One or a list.
fn several<T>(
    sheet: &mut Sheet,
    node: &Node,
    what: &str,
    one: fn(&mut Sheet, &Node, &str) -> Option<T>,
) -> Option<Vec<T>> {
    let list = match &node.value {
        Value::List(_) => sheet.list(node, what)?,
        _ => std::slice::from_ref(node),
    };
    if let Some(more) = list.get(LIST_MAX) {
        sheet.mistake(more.place, format!("{what} has more than {LIST_MAX} entries"), None);
        return None;
    }
    let read: Vec<Option<T>> = list.iter().map(|node| one(sheet, node, what)).collect();
    read.into_iter().collect()
}

fn window(sheet: &mut Sheet, node: &Node, what: &str) -> Option<Window> {
    let text = sheet.text(node, what)?;
    let why = match Window::parse(text) {
        Ok(window) => return Some(window),
        Err(why) => why,
    };
    let help = match &why {
        WindowError::Word(word) => {
            let zones = window::zones();
            let days = Day::ALL.iter().map(|day| day.word());
            let near = nearest(word, zones.iter().map(String::as_str).chain(days));
            near.map(|near| format!("did you mean {near}?"))
        }
        _ => None,
    };
    let help = help.unwrap_or_else(|| "like mon-fri 08:00-18:00 Europe/Berlin".to_owned());
    sheet.mistake(node.place, format!("{what} cannot be {}: {why}", quoted(text)), Some(help));
    None
}

fn condition(sheet: &mut Sheet, node: &Node, what: &str) -> Option<String> {
    let text = sheet.text(node, what)?.trim();
    let is_posture = text
        .strip_prefix(POSTURE)
        .is_some_and(|name| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)));
    if is_posture || Condition::parse(text).is_some() {
        return Some(text.to_owned());
    }
    let help = "write the name of a posture of the policy file, like posture:healthy, or a condition, like \"node:os == 'macos'\"";
    sheet.mistake(node.place, format!("{what} cannot be {}", quoted(text)), Some(help.to_owned()));
    None
}

/// `3 per day`.
fn per_day(sheet: &mut Sheet, node: &Node) -> Option<u32> {
    const HELP: &str = "write at_most: 3 per day";
    let text = match &node.value {
        Value::Whole(number) => {
            let help = format!("write at_most: {number} per day");
            sheet.mistake(node.place, "`at_most` does not say in which time", Some(help));
            return None;
        }
        _ => sheet.text(node, "`at_most`")?,
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    let number = match words.as_slice() {
        [number, "per", "day"] => number.parse::<u32>().ok(),
        _ => None,
    };
    match number {
        Some(0) => {
            let help = "leave the rule out, and nothing passes by it";
            sheet.mistake(node.place, "`at_most` is 0, so that nothing would pass", Some(help.to_owned()));
            None
        }
        Some(number) if number <= PER_DAY_MAX => Some(number),
        Some(_) => {
            sheet.mistake(node.place, format!("`at_most` is more than {PER_DAY_MAX}"), Some(HELP.to_owned()));
            None
        }
        None => {
            sheet.mistake(node.place, format!("`at_most` cannot be {}", quoted(text)), Some(HELP.to_owned()));
            None
        }
    }
}
