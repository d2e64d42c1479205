//! A length of time in a workflow file.

use crate::config::sheet::Sheet;
use crate::config::words::quoted;
use crate::config::yaml::{Node, Value};
use crate::kernel::hold::{self, HOLD_MAX_MS};

/// The node as a length of time, in milliseconds.
pub fn length(sheet: &mut Sheet, node: &Node, what: &str) -> Option<i64> {
    match &node.value {
        Value::Text(text) => match hold::parse(text) {
            Ok(length_ms) => Some(length_ms.min(HOLD_MAX_MS)),
            Err(error) => {
                let help = "write it like 45s, 90m, 2h, 1h30m or 3d".to_owned();
                let message = match error {
                    hold::HoldError::Unreadable(_) => format!("{what} cannot be {}", quoted(text)),
                    hold::HoldError::NoFixedLength => format!("{what}: {error}"),
                    hold::HoldError::NotPositive | hold::HoldError::TooLong => format!("{what} {error}"),
                };
                sheet.mistake(node.place, message, Some(help));
                None
            }
        },
        Value::Whole(number) if *number > 0 => {
            let help = format!("write the unit: {number}s, {number}m or {number}h");
            sheet.mistake(node.place, format!("{what} needs a unit"), Some(help));
            None
        }
        _ => {
            sheet.wrong_kind(node, what, "a length of time");
            None
        }
    }
}
