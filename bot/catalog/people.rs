//! Lists of people and groups in a workflow, and `ask:`, who may request.

use crate::config::sheet::{Fields, Sheet};
use crate::config::words::{nearest, quoted};
use crate::config::yaml::{Node, Value};
use crate::kernel::person::{ROLES, Who};

/// More names than this belong into a group.
const NAMES_MAX: usize = 100;

/// Who may request.
pub(super) fn ask(sheet: &mut Sheet, fields: &Fields) -> Option<Vec<Who>> {
    let node = sheet.required(fields, "ask", "say who may request: ask: [group:engineering]")?;
    names(sheet, node, "`ask`")
}

/// A list of people and groups, each once.
pub(super) fn names(sheet: &mut Sheet, node: &Node, what: &str) -> Option<Vec<Who>> {
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
        match who(sheet, node, what) {
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
    const HELP: &str = "write group:NAME, autogroup:member or autogroup:admin (tailnet), \"@handle\" (Slack user group) or an e-mail address";
    if let Value::Map(entries) = &node.value
        && let Some((key, _)) = entries.first()
        && key.name == "group"
    {
        sheet.mistake(node.place, "a group is written without a space", Some("like group:dba".to_owned()));
        return None;
    }
    let text = sheet.text(node, &format!("a name in {what}"))?;
    let who = Who::parse(text);
    if who.is_err() && text.trim().starts_with("autogroup:") {
        let known = ["member"].iter().chain(ROLES).map(|role| format!("autogroup:{role}")).collect::<Vec<_>>();
        let near = nearest(text.trim(), known.iter().map(String::as_str)).map(|near| format!("did you mean {near}?"));
        let help = near.unwrap_or_else(|| format!("roles are {}", known.join(", ")));
        sheet.mistake(node.place, format!("{} is no role of the tailnet", quoted(text)), Some(help));
    } else if who.is_err() {
        sheet.mistake(node.place, format!("{} names nobody", quoted(text)), Some(HELP.to_owned()));
    }
    who.ok()
}
