//! Keys that several kinds of input know: whether something must be filled in, and a text taken when nothing was.

use super::InputSetting;
use crate::config::sheet::{Fields, Sheet};

/// In the tables of kinds.
pub const REQUIRED: InputSetting = InputSetting {
    name: "required",
    is_required: false,
    about: "Whether something must be filled in; true if it is left out, unless there is a `default`.",
};

/// Whether something must be filled in.
pub fn required(sheet: &mut Sheet, fields: &Fields, has_default: bool) -> Option<bool> {
    match fields.get("required") {
        Some(node) => sheet.flag(node, "`required`"),
        None => Some(!has_default),
    }
}
