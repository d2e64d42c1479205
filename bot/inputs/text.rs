//! `type: text`: what somebody types. The first one of a workflow is the reason.

use super::pattern::{self, misfit};
use super::usual::{REQUIRED, required};
use super::{Field, InputSetting, InputType, Place, Read};
use crate::config::sheet::{Fields, Sheet};
use crate::kernel::input::InputValue;
use crate::kernel::workflow::{InputKind, Pattern};

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
        REQUIRED,
        InputSetting { name: "default", is_required: false, about: "Taken when nothing is said." },
        pattern::SETTINGS[0],
        pattern::SETTINGS[1],
    ],
    example: "{ type: text, label: Ticket and reason, max_length: 300 }",
    is_single: false,
    place: Place::Rest,
    rank: 2,
    is_of_workflow: false,
    write,
    read: |kind, given| {
        let (max_length, required) = limits(kind);
        let (pattern, default) = more(kind);
        match given.value.or(default) {
            Some(text) if text.chars().count() > max_length => {
                Read::Wrong(format!("{} characters; at most {max_length} fit", text.chars().count()))
            }
            Some(text) => match misfit(pattern, text) {
                Some(why) => Read::Wrong(why),
                None => Read::Value(InputValue::Text { text: text.to_owned() }),
            },
            None if required => Read::Missing,
            None => Read::Nothing,
        }
    },
    field: |kind, value| {
        let (max_length, required) = limits(kind);
        Field::Typed {
            max_length: u32::try_from(max_length).unwrap_or(LENGTH_MAX).clamp(1, LENGTH_MAX),
            value: value
                .or(more(kind).1)
                .map(|value| value.chars().take(max_length.clamp(1, LENGTH_MAX as usize)).collect()),
            is_optional: !required || more(kind).1.is_some(),
            hint: "Shown to those who decide, and kept in the audit log.",
        }
    },
    hint: |input| {
        let words = input.name.replace('_', " ");
        Some(if limits(&input.kind).1 { words } else { format!("[{words}]") })
    },
    example_word: |_| Some("why you need it".to_owned()),
    corrected: |kind, typed| Some(cut(typed, limits(kind).0)).filter(|text| misfit(more(kind).0, text).is_none()),
};

fn limits(kind: &InputKind) -> (usize, bool) {
    match kind {
        InputKind::Text { max_length, required, .. } => (usize::try_from(*max_length).unwrap_or(usize::MAX), *required),
        _ => (usize::MAX, false),
    }
}

fn more(kind: &InputKind) -> (Option<&Pattern>, Option<&str>) {
    match kind {
        InputKind::Text { pattern, default, .. } => (pattern.as_ref(), default.as_deref()),
        _ => (None, None),
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
    let pattern = pattern::pattern(sheet, fields);
    let default = match fields.get("default") {
        Some(node) => sheet.text(node, "`default`").map(|text| Some((node, text.trim().to_owned()))),
        None => Some(None),
    };
    let required = required(sheet, fields, default.as_ref().is_some_and(Option::is_some));
    let (max_length, pattern, default) = (max_length?, pattern?, default?);
    if let Some((node, text)) = &default {
        let is_long = text.chars().count() > usize::try_from(max_length).unwrap_or(usize::MAX);
        let why =
            if is_long { Some(format!("at most {max_length} characters fit")) } else { misfit(pattern.as_ref(), text) };
        if let Some(why) = why {
            sheet.mistake(node.place, "`default` is not what may be typed", Some(why));
            return None;
        }
    }
    Some(InputKind::Text { max_length, required: required?, pattern, default: default.map(|(_, text)| text) })
}
