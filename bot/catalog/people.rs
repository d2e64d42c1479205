//! `ask:` and `approve:` of a workflow: who may request, and who decides.

use super::keys;
use crate::config::sheet::{Fields, Sheet};
use crate::config::words::quoted;
use crate::config::yaml::{Node, Value};
use crate::kernel::person::Who;
use crate::kernel::workflow::{OwnRequest, Stage};

/// More names than this belong into a group.
const NAMES_MAX: usize = 100;
/// A quorum nobody could bring together is a typing mistake.
const QUORUM_MAX: i64 = 20;

/// Who may request.
pub(super) fn ask(sheet: &mut Sheet, fields: &Fields) -> Option<Vec<Who>> {
    let node = sheet.required(fields, "ask", "say who may request: ask: [group:engineering]")?;
    names(sheet, node, "`ask`")
}

/// The stages of approval; exactly one in this version.
pub(super) fn approve(sheet: &mut Sheet, fields: &Fields) -> Option<Vec<Stage>> {
    const HELP: &str = "say who decides: approve: with - by: [group:dba]";
    let node = sheet.required(fields, "approve", HELP)?;
    let stages = match &node.value {
        Value::Map(_) => {
            sheet.mistake(
                node.place,
                "`approve` must be a list of stages",
                Some("put a - before its first line".into()),
            );
            std::slice::from_ref(node)
        }
        Value::Text(_) | Value::Flag(_) | Value::Nothing => {
            let help = "nothing is lent without approval: write - by: [group:dba], and own_request: allow to let those people \
                        approve for themselves";
            sheet.mistake(node.place, "`approve` must be a list of stages", Some(help.to_owned()));
            return None;
        }
        Value::List(list) if list.is_empty() => {
            sheet.mistake(node.place, "`approve` is empty, so nobody could decide", Some(HELP.to_owned()));
            return None;
        }
        _ => sheet.list(node, "`approve`")?,
    };
    if let Some(second) = stages.get(1) {
        let help = "name everybody who may decide in the `by:` of one stage";
        sheet.mistake(second.place, "this version knows one stage of approval", Some(help.to_owned()));
    }
    let stages: Vec<Option<Stage>> = stages.iter().take(10).map(|node| stage(sheet, node)).collect();
    stages.into_iter().collect()
}

fn stage(sheet: &mut Sheet, node: &Node) -> Option<Stage> {
    const OWN: &[&str] = &["never", "confirm", "allow"];
    let fields = sheet.fields(node, "a stage of `approve`", &keys::names(keys::STAGE))?;
    let by = sheet
        .required(&fields, "by", "say who decides: by: [group:dba, \"@db-oncall\", bob@example.com]")
        .and_then(|node| names(sheet, node, "`by`"));
    let quorum = match fields.get("quorum") {
        Some(node) => quorum(sheet, node, by.as_deref()),
        None => Some(1),
    };
    let own_request = match fields.get("own_request") {
        Some(node) => sheet.word(node, "`own_request`", OWN),
        None => Some("never"),
    };
    let own_request = match own_request? {
        "allow" => OwnRequest::Allow,
        "confirm" => OwnRequest::Confirm,
        _ => OwnRequest::Never,
    };
    Some(Stage { quorum: quorum?, by: by?, own_request })
}

/// When everybody is named by e-mail, we know how many there are.
fn quorum(sheet: &mut Sheet, node: &Node, by: Option<&[Who]>) -> Option<u32> {
    if node.value == Value::Whole(0) {
        let help = "write 1; to let people approve for themselves, write own_request: allow";
        sheet.mistake(node.place, "`quorum` is 0, and nothing is lent that nobody approved", Some(help.to_owned()));
        return None;
    }
    let number = sheet.whole_number(node, "`quorum`", 1, QUORUM_MAX)?;
    let quorum = u32::try_from(number).ok()?;
    let by = by?;
    let is_counted = by.iter().all(|who| matches!(who, Who::Email(_)));
    if is_counted && u32::try_from(by.len()).is_ok_and(|count| count < quorum) {
        let people = if by.len() == 1 { "1 person".to_owned() } else { format!("{} people", by.len()) };
        let message = format!("`quorum` is {quorum}, but `by` names {people}");
        sheet.mistake(node.place, message, Some("nobody could ever be given this".to_owned()));
        return None;
    }
    Some(quorum)
}

/// A list of people and groups, each once.
fn names(sheet: &mut Sheet, node: &Node, what: &str) -> Option<Vec<Who>> {
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
    const HELP: &str =
        "write group:NAME or autogroup:member (tailnet), \"@handle\" (Slack user group) or an e-mail address";
    if let Value::Map(entries) = &node.value
        && let Some((key, _)) = entries.first()
        && key.name == "group"
    {
        sheet.mistake(node.place, "a group is written without a space", Some("like group:dba".to_owned()));
        return None;
    }
    let text = sheet.text(node, &format!("a name in {what}"))?;
    let who = Who::parse(text);
    if who.is_err() {
        sheet.mistake(node.place, format!("{} names nobody", quoted(text)), Some(HELP.to_owned()));
    }
    who.ok()
}
