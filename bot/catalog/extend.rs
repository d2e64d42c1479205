//! `extend:` of a workflow: whether what is held can be held for longer, and who decides that.

use super::{approval, keys};
use crate::config::sheet::{Fields, Sheet};
use crate::config::yaml::{Node, Value};
use crate::inputs::length::length;
use crate::kernel::person::Who;
use crate::kernel::workflow::{Extend, ExtendApproval, Stage};

/// More often than this it is no loan.
const TIMES_MAX: i64 = 20;

/// What it says; none if the key is not there. `ask` and `approve` are those of the workflow, as far as they could be read.
pub(super) fn read(
    sheet: &mut Sheet,
    fields: &Fields,
    (ask, approve): (Option<&[Who]>, Option<&[Stage]>),
) -> Option<Option<Extend>> {
    const HELP: &str = "say who approves it: approve: automatic, if nobody has to, or approve: again";
    let Some(node) = fields.get("extend") else { return Some(None) };
    let fields = sheet.fields(node, "`extend`", &keys::names(keys::EXTEND))?;
    let times = match fields.get("times") {
        Some(node) => sheet.whole_number(node, "`times`", 1, TIMES_MAX),
        None => Some(1),
    };
    let max_ms = sheet
        .required(&fields, "max", "say by how much at a time at most: max: 2h")
        .and_then(|node| length(sheet, node, "`max`"));
    let approved = sheet.required(&fields, "approve", HELP).and_then(|node| approved(sheet, node, approve));
    if let (Some((_, stages)), Some(node), Some(ask)) = (&approved, fields.get("approve"), ask)
        && !stages.is_empty()
    {
        approval::can_be_met(sheet, node, ask, stages);
    }
    let (times, max_ms, (approve, stages)) = (u32::try_from(times?).ok()?, max_ms?, approved?);
    Some(Some(Extend { times, max_ms, approve, stages }))
}

/// A word, or stages of its own.
fn approved(sheet: &mut Sheet, node: &Node, approve: Option<&[Stage]>) -> Option<(ExtendApproval, Vec<Stage>)> {
    match &node.value {
        Value::List(list) if list.is_empty() => {
            let help = "write approve: automatic, if nobody has to approve it";
            sheet.mistake(node.place, "`approve` of `extend` names no stage", Some(help.to_owned()));
            None
        }
        Value::List(_) => approval::stages(sheet, node).map(|stages| (ExtendApproval::Stages, stages)),
        _ if sheet.word(node, "`approve`", &["automatic", "again"])? == "automatic" => {
            Some((ExtendApproval::Automatic, Vec::new()))
        }
        _ if approve.is_some_and(<[Stage]>::is_empty) => {
            let help = "write approve: automatic, or the stages that decide on an extension";
            let message = "`again` asks those of the workflow's `approve`, which names nobody";
            sheet.mistake(node.place, message, Some(help.to_owned()));
            None
        }
        _ => Some((ExtendApproval::Again, Vec::new())),
    }
}
