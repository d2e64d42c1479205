//! `type: number`: a whole number.

use super::usual::{REQUIRED, required};
use super::{Field, InputSetting, InputType, Place, Read};
use crate::config::sheet::{Fields, Sheet};
use crate::kernel::input::InputValue;
use crate::kernel::workflow::InputKind;

/// The largest whole number that every JSON reader keeps exactly.
const NUMBER_MAX: i64 = 9_007_199_254_740_991;
/// In characters.
const LENGTH_MAX: u32 = 20;

/// The entry in the list of kinds.
pub const TYPE: InputType = InputType {
    name: "number",
    about: "A whole number. On the command line it is one word behind the length of time, or `NAME=3`.",
    settings: &[
        InputSetting { name: "min", is_required: false, about: "The least it may be; 0 if it is left out." },
        InputSetting {
            name: "max",
            is_required: false,
            about: "The most it may be; 9007199254740991 if it is left out.",
        },
        InputSetting { name: "default", is_required: false, about: "Taken when nothing is said." },
        REQUIRED,
    ],
    example: "{ type: number, min: 1, max: 10, default: 1 }",
    is_single: false,
    place: Place::Word(|_, word| word.parse::<i64>().is_ok()),
    rank: 1,
    is_of_workflow: true,
    write,
    read: |kind, given| {
        let InputKind::Number { min, max, default, required } = kind else { return Read::Nothing };
        let number = match given.value.map(str::parse::<i64>) {
            Some(Ok(number)) => Some(number),
            Some(Err(_)) => return Read::Wrong(format!("`{}` is not a whole number", given.value.unwrap_or_default())),
            None => *default,
        };
        match number {
            Some(number) if number < *min => Read::Wrong(format!("{number} is less than {min}")),
            Some(number) if number > *max => Read::Wrong(format!("{number} is more than {max}")),
            Some(number) => Read::Value(InputValue::Number { number }),
            None if *required => Read::Missing,
            None => Read::Nothing,
        }
    },
    field: |kind, value| {
        let (default, is_optional) = match kind {
            InputKind::Number { default, required, .. } => (*default, !required),
            _ => (None, true),
        };
        let value = value.map(str::to_owned).or_else(|| default.map(|number| number.to_string()));
        Field::Typed {
            max_length: LENGTH_MAX,
            value: value.map(|value| value.chars().take(LENGTH_MAX as usize).collect()),
            is_optional: is_optional || default.is_some(),
            hint: "A whole number.",
        }
    },
    hint: |input| Some(format!("[{}]", input.name.replace('_', " "))),
    example_word: |_| None,
    corrected: |kind, typed| {
        let InputKind::Number { min, max, default, .. } = kind else { return None };
        let near = typed.parse::<i64>().ok().or(*default)?;
        Some(near.clamp(*min, *max).to_string())
    },
};

fn write(sheet: &mut Sheet, fields: &Fields) -> Option<InputKind> {
    let mut number = |name: &str, usual: i64| match fields.get(name) {
        Some(node) => sheet.whole_number(node, &format!("`{name}`"), -NUMBER_MAX, NUMBER_MAX),
        None => Some(usual),
    };
    let (min, max) = (number("min", 0), number("max", NUMBER_MAX));
    let (min, max) = (min?, max?);
    if min > max {
        let place = fields.get("min").or_else(|| fields.get("max")).map_or_else(|| fields.place(), |node| node.place);
        sheet.mistake(place, "`min` is more than `max`", Some(format!("write at most {max}")));
        return None;
    }
    let default = match fields.get("default") {
        Some(node) => Some(sheet.whole_number(node, "`default`", min, max)?),
        None => None,
    };
    let required = required(sheet, fields, default.is_some())?;
    Some(InputKind::Number { min, max, default, required })
}
