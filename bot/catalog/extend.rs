//! `extend:` of a workflow: whether what is held can be held for longer.

use super::keys;
use crate::config::sheet::{Fields, Sheet};
use crate::inputs::length::length;
use crate::kernel::workflow::{Extend, ExtendApproval};

/// More often than this it is no loan.
const TIMES_MAX: i64 = 20;

/// What it says; none if the key is not there.
pub(super) fn read(sheet: &mut Sheet, fields: &Fields) -> Option<Option<Extend>> {
    let Some(node) = fields.get("extend") else { return Some(None) };
    let fields = sheet.fields(node, "`extend`", &keys::names(keys::EXTEND))?;
    let times = match fields.get("times") {
        Some(node) => sheet.whole_number(node, "`times`", 1, TIMES_MAX),
        None => Some(1),
    };
    let max_ms = sheet
        .required(&fields, "max", "say by how much at a time at most: max: 2h")
        .and_then(|node| length(sheet, node, "`max`"));
    let approve = sheet
        .required(&fields, "approve", "say that nobody has to approve it: approve: automatic")
        .and_then(|node| sheet.word(node, "`approve`", &["automatic"]));
    let (times, max_ms, _) = (u32::try_from(times?).ok()?, max_ms?, approve?);
    Some(Some(Extend { times, max_ms, approve: ExtendApproval::Automatic }))
}
