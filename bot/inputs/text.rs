//! `type: text`: what somebody types. The first one of a workflow is the reason.

use super::{Field, InputSetting, InputType, Place, Read};
use crate::config::sheet::{Fields, Sheet};
use crate::kernel::input::InputValue;
use crate::kernel::workflow::InputKind;

/// Slack's limit for a text field.
const LENGTH_MAX: u32 = 3_000;
const LENGTH_USUAL: u32 = 500;

/// The entry in the list of kinds.
pub const TYPE: InputType = InputType {
    name: "text",
    about: "Text. On the command line it takes what is left of the line, as typed. The first one of a workflow is the reason: those who decide \
            see it, and the audit log keeps it.",
    settings: &[
        InputSetting {
            name: "max_length",
            is_required: false,
            about: "The most characters it takes, from 1 to 3000; 500 if it is left out.",
        },
        InputSetting {
            name: "required",
            is_required: false,
            about: "Whether something must be typed; true if it is left out.",
        },
    ],
    example: "{ type: text, label: Ticket and reason, max_length: 300 }",
    is_single: false,
    place: Place::Rest,
    rank: 2,
    is_of_workflow: false,
    write,
    read: |kind, given| {
        let (max_length, required) = limits(kind);
        match given.value {
            Some(text) if text.chars().count() > max_length => {
                Read::Wrong(format!("{} characters; at most {max_length} fit", text.chars().count()))
            }
            Some(text) => Read::Value(InputValue::Text { text: text.to_owned() }),
            None if required => Read::Missing,
            None => Read::Nothing,
        }
    },
    field: |kind, value| {
        let (max_length, required) = limits(kind);
        Field::Typed {
            max_length: u32::try_from(max_length).unwrap_or(LENGTH_MAX).clamp(1, LENGTH_MAX),
            value: value.map(|value| value.chars().take(max_length.clamp(1, LENGTH_MAX as usize)).collect()),
            is_optional: !required,
            hint: "Shown to those who decide, and kept in the audit log.",
        }
    },
    hint: |input| {
        let words = input.name.replace('_', " ");
        Some(if limits(&input.kind).1 { words } else { format!("[{words}]") })
    },
    example_word: |_| Some("why you need it".to_owned()),
    corrected: |kind, typed| Some(cut(typed, limits(kind).0)),
};

fn limits(kind: &InputKind) -> (usize, bool) {
    match kind {
        InputKind::Text { max_length, required } => (usize::try_from(*max_length).unwrap_or(usize::MAX), *required),
        _ => (usize::MAX, false),
    }
}

fn cut(text: &str, max: usize) -> String {
    let text = text.trim();
    if text.chars().count() <= max {
        return text.to_owned();
    }
    text.chars().take(max.saturating_sub(1)).chain(['…']).collect()
}

fn write(sheet: &mut Sheet, fields: &Fields) -> Option<InputKind> {
    let max_length = match fields.get("max_length") {
        Some(node) => sheet
            .whole_number(node, "`max_length`", 1, i64::from(LENGTH_MAX))
            .map(|number| u32::try_from(number).unwrap_or(LENGTH_USUAL)),
        None => Some(LENGTH_USUAL),
    };
    let required = match fields.get("required") {
        Some(node) => sheet.flag(node, "`required`"),
        None => Some(true),
    };
    Some(InputKind::Text { max_length: max_length?, required: required? })
}
