//! Lists of people and groups in a workflow, and `ask:`, who may request.

use crate::config::sheet::{Fields, Sheet};
use crate::config::words::{nearest, quoted};
use crate::config::yaml::{Node, Place, Value};
use crate::kernel::Workflow;
use crate::kernel::person::{ROLES, Who};

/// More names than this belong into a group.
const NAMES_MAX: usize = 100;
/// Steps that lend nobody anything: whoever starts them can do no harm by it. What a step of another type does is not known here, or it lends something.
const HARMLESS: &[&str] = &["slack.message", "tclip.paste", "golink.link"];

/// What the people of a list may do: not every name makes sense everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// `ask`.
    Ask,
    /// `ask_for`.
    AskFor,
    /// May have it in another way: `who` of `break_glass` and of `approve_automatically`.
    Have,
    /// Decide or review.
    Decide,
}

/// Who may request.
pub(super) fn ask(sheet: &mut Sheet, fields: &Fields) -> Option<Vec<Who>> {
    let node = sheet.required(fields, "ask", "say who may request: ask: [group:engineering]")?;
    names(sheet, node, "`ask`", Part::Ask)
}

/// Who may request for somebody else; nobody if it is left out.
pub(super) fn ask_for(sheet: &mut Sheet, fields: &Fields) -> Option<Vec<Who>> {
    match fields.get("ask_for") {
        Some(node) => names(sheet, node, "`ask_for`", Part::AskFor),
        None => Some(Vec::new()),
    }
}

/// A list of people and groups, each once.
pub(super) fn names(sheet: &mut Sheet, node: &Node, what: &str, part: Part) -> Option<Vec<Who>> {
    let list = match &node.value {
        Value::Text(text) => {
            let help = format!("write a list: [{}]", quoted(text).trim_matches('`'));
            sheet.mistake(node.place, format!("{what} must be a list"), Some(help));
            return None;
        }
        Value::List(list) if list.is_empty() => {
            let help = "name somebody: [group:dba, \"@db-oncall\", bob@example.com]";
            sheet.mistake(node.place, format!("{what} names nobody"), Some(help.to_owned()));
            return None;
        }
        _ => sheet.list(node, what)?,
    };
    if list.len() > NAMES_MAX {
        let help = "make a group of them";
        sheet.mistake(node.place, format!("{what} has more than {NAMES_MAX} names"), Some(help.to_owned()));
        return None;
    }
    let mut names: Vec<Who> = Vec::with_capacity(list.len());
    let mut is_whole = true;
    for node in list {
        match who(sheet, node, what).filter(|who| fits(sheet, node, who, part)) {
            Some(who) if names.contains(&who) => {
                sheet.mistake(node.place, format!("{} stands twice in {what}", quoted(&who.to_string())), None);
            }
            Some(who) => names.push(who),
            None => is_whole = false,
        }
    }
    is_whole.then_some(names)
}

fn who(sheet: &mut Sheet, node: &Node, what: &str) -> Option<Who> {
    const HELP: &str = "write group:NAME, autogroup:member or autogroup:admin (tailnet), \"@handle\" (Slack user group), requester.manager or an e-mail address";
    if let Value::Map(entries) = &node.value
        && let Some((key, _)) = entries.first()
        && key.name == "group"
    {
        sheet.mistake(node.place, "a group is written without a space", Some("like group:dba".to_owned()));
        return None;
    }
    let text = sheet.text(node, &format!("a name in {what}"))?;
    let who = Who::parse(text);
    let words = Who::WORDS.iter().filter_map(Who::word);
    if let Some(near) = nearest(text.trim(), words).filter(|_| who.is_err()) {
        sheet.mistake(node.place, format!("{} names nobody", quoted(text)), Some(format!("did you mean {near}?")));
    } else if who.is_err() && text.trim().starts_with("autogroup:") {
        let known = ["member"].iter().chain(ROLES).map(|role| format!("autogroup:{role}")).collect::<Vec<_>>();
        let near = nearest(text.trim(), known.iter().map(String::as_str)).map(|near| format!("did you mean {near}?"));
        let help = near.unwrap_or_else(|| format!("roles are {}", known.join(", ")));
        sheet.mistake(node.place, format!("{} is no role of the tailnet", quoted(text)), Some(help));
    } else if who.is_err() {
        sheet.mistake(node.place, format!("{} names nobody", quoted(text)), Some(HELP.to_owned()));
    }
    who.ok()
}

/// Whether this name makes sense there.
fn fits(sheet: &mut Sheet, node: &Node, who: &Who, part: Part) -> bool {
    let (message, help) = match (who, part) {
        (Who::Anyone, Part::Decide) => (
            "`anyone` decides nothing",
            "name those who may, like group:dba; autogroup:member is everybody in the tailnet",
        ),
        (Who::Anyone, Part::Have) => ("`anyone` can only ask", "leave `who` out, or name a group"),
        (Who::Anyone, Part::AskFor) => ("`anyone` asks for nobody else", "name those who may, like group:sre"),
        (Who::DeviceOwner, Part::AskFor) => {
            ("`device.owner` is whoever it is for, and they ask for themselves", "name a group, or requester.manager")
        }
        (Who::Manager, Part::Ask | Part::Have) => {
            ("nobody is their own manager, so that `requester.manager` names nobody here", "name a group of managers")
        }
        (Who::DeviceOwner, Part::Ask | Part::Have) => {
            ("`device.owner` is whoever chooses their own device, and that is everybody here", "name a group")
        }
        _ => return true,
    };
    sheet.mistake(node.place, message, Some(help.to_owned()));
    false
}

/// What can only be said of the whole file: `anyone` where something is lent, and `device.owner` where no device is chosen.
pub(super) fn are_known(sheet: &mut Sheet, file: &Node, workflow: &Workflow) {
    let lends = workflow.steps.iter().find(|step| !HARMLESS.contains(&step.uses.as_str()));
    if let (Some(step), true) = (lends, workflow.ask.contains(&Who::Anyone)) {
        let message =
            format!("`anyone` may ask only for what lends nobody anything, and the step {} may", quoted(step.name()));
        let help = format!(
            "name those who may ask; autogroup:member is everybody in the tailnet. Only {} lend nothing",
            HARMLESS.join(", ")
        );
        sheet.mistake(place_of(file, &Who::Anyone), message, Some(help));
    }
    if workflow.device().is_none() && workflow.everybody_named().contains(&Who::DeviceOwner) {
        let help = "add an input of type device, or name somebody else";
        let message = "`device.owner` is about a device, and no input asks for one";
        sheet.mistake(place_of(file, &Who::DeviceOwner), message, Some(help.to_owned()));
    }
}

/// Where somebody is named first.
fn place_of(node: &Node, who: &Who) -> Place {
    fn find(node: &Node, word: &str) -> Option<Place> {
        match &node.value {
            Value::Text(text) => (text.trim() == word).then_some(node.place),
            Value::List(list) => list.iter().find_map(|node| find(node, word)),
            Value::Map(entries) => entries.iter().find_map(|(_, node)| find(node, word)),
            _ => None,
        }
    }
    who.word().and_then(|word| find(node, word)).unwrap_or(node.place)
}
