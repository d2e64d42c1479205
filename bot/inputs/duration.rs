//! `type: duration`: for how long. The first one of a workflow is the hold.

pub mod mistyped;
pub mod written;

use super::length::length;
use super::{Field, Given, InputSetting, InputType, Place, Read};
use crate::config::sheet::{Fields, Sheet};
use crate::kernel::hold::{self, HoldError};
use crate::kernel::input::InputValue;
use crate::kernel::workflow::InputKind;

/// The entry in the list of kinds.
pub const TYPE: InputType = InputType {
    name: "duration",
    about: "A length of time, like `45s`, `90m`, `2h`, `1h30m` or `3d`: how long access is lent, counted from when it is on. On the command \
            line it comes first, in words too (`15 minutes`, `half an hour`), and may be left out.",
    settings: &[
        InputSetting { name: "max", is_required: true, about: "The most that can be asked for; at most 366 days." },
        InputSetting {
            name: "default",
            is_required: false,
            about: "Taken when nothing is said; an hour, or `max` if that is less, if it is left out.",
        },
    ],
    example: "{ type: duration, default: 1h, max: 8h }",
    is_single: true,
    place: Place::First,
    rank: 1,
    is_of_workflow: true,
    write,
    read,
    field: |kind, value| {
        let (usual_ms, max_ms) = limits(kind);
        let chosen_ms = value.and_then(|value| hold::parse(value).ok()).filter(|ms| *ms <= max_ms);
        Field::Lengths {
            offered_ms: offered(usual_ms, max_ms, chosen_ms),
            chosen_ms: chosen_ms.unwrap_or(usual_ms),
            usual_ms,
        }
    },
    hint: |input| Some(format!("[{}]", hold::show(limits(&input.kind).0))),
    example_word: |kind| Some(hold::show(limits(kind).0)),
    corrected: |kind, typed| {
        let (usual_ms, max_ms) = limits(kind);
        let meant = match hold::parse(typed) {
            Err(HoldError::Unreadable(_)) => mistyped::meant(typed),
            parsed => parsed.ok(),
        };
        Some(hold::show(meant.map_or(usual_ms, |meant| meant.min(max_ms))))
    },
};

/// A hold without a `default:` starts at this, or at the maximum if that is less.
const DEFAULT_MS: i64 = HOUR_MS;
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Lengths people think in.
const LADDER_MS: &[i64] = &[
    5 * MINUTE_MS,
    15 * MINUTE_MS,
    30 * MINUTE_MS,
    HOUR_MS,
    2 * HOUR_MS,
    4 * HOUR_MS,
    8 * HOUR_MS,
    12 * HOUR_MS,
    DAY_MS,
    2 * DAY_MS,
    3 * DAY_MS,
    7 * DAY_MS,
    14 * DAY_MS,
    30 * DAY_MS,
    90 * DAY_MS,
];

/// The usual length and the most.
fn limits(kind: &InputKind) -> (i64, i64) {
    match kind {
        InputKind::Duration { default_ms, max_ms } => (*default_ms, *max_ms),
        _ => (0, 0),
    }
}

fn write(sheet: &mut Sheet, fields: &Fields) -> Option<InputKind> {
    let max = sheet.required(fields, "max", "write the most that can be asked for, like max: 8h");
    let max_ms = max.and_then(|node| length(sheet, node, "`max`"));
    let Some(node) = fields.get("default") else {
        return max_ms.map(|max_ms| InputKind::Duration { default_ms: DEFAULT_MS.min(max_ms), max_ms });
    };
    let default_ms = length(sheet, node, "`default`")?;
    let max_ms = max_ms?;
    if default_ms > max_ms {
        let message = format!("`default` is longer than `max` ({})", hold::show(max_ms));
        let help = format!("write at most {}, or a larger `max`", hold::show(max_ms));
        sheet.mistake(node.place, message, Some(help));
        return None;
    }
    Some(InputKind::Duration { default_ms, max_ms })
}

fn read(kind: &InputKind, given: &Given<'_>) -> Read {
    let (usual_ms, max_ms) = limits(kind);
    if given.is_doubtful {
        let typed = given.value.unwrap_or_default();
        let is_one = !typed.contains(char::is_whitespace) && hold::parse(typed).is_ok();
        return Read::Wrong(if is_one {
            format!("`{typed}` does not stand first; say how long before everything else")
        } else {
            HoldError::Unreadable(typed.to_owned()).to_string()
        });
    }
    match given.value.map(hold::parse).transpose() {
        Ok(Some(ms)) if ms > max_ms => {
            Read::Wrong(format!("{} is more than the {} this lends", hold::show(ms), hold::show(max_ms)))
        }
        Ok(ms) => Read::Value(InputValue::Duration { length_ms: ms.unwrap_or(usual_ms) }),
        Err(error) => Read::Wrong(error.to_string()),
    }
}

/// The lengths of time offered, shortest first: the ladder up to `max_ms`, the default, the most, and what was chosen
/// before if it still can be. Five minutes only where an hour would be much.
fn offered(default_ms: i64, max_ms: i64, chosen_ms: Option<i64>) -> Vec<i64> {
    let least = if max_ms <= 4 * HOUR_MS { 0 } else { 15 * MINUTE_MS };
    let steps = LADDER_MS.iter().copied().filter(|step| (least..=max_ms).contains(step));
    let named = [Some(default_ms), Some(max_ms), chosen_ms].into_iter().flatten().filter(|ms| *ms <= max_ms);
    let mut all: Vec<i64> = steps.chain(named).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// A length of time as somebody typed it, in milliseconds.
///
/// # Errors
/// It is none; the sentence says how to write one.
pub fn typed(text: &str) -> Result<i64, String> {
    let read = hold::parse(&mistyped::clean(text)).ok().filter(|length_ms| *length_ms > 0);
    read.ok_or_else(|| "this is no length of time; write it like 30m or 1h30m".to_owned())
}

/// The usual lengths that are shorter than this one, the longest first.
pub fn shorter_than(length_ms: i64) -> Vec<i64> {
    LADDER_MS.iter().rev().copied().filter(|step| *step < length_ms).collect()
}

/// A length of time in words: `2 hours`, `1 day`, `1h30m`.
pub fn spelled(length_ms: i64) -> String {
    let units = [(DAY_MS, "day"), (HOUR_MS, "hour"), (MINUTE_MS, "minute"), (1_000, "second")];
    let whole = units.into_iter().find(|(unit, _)| length_ms >= *unit && length_ms % unit == 0);
    match whole {
        Some((unit, name)) if length_ms / unit == 1 => format!("1 {name}"),
        Some((unit, name)) if length_ms / unit < 100 => format!("{} {name}s", length_ms / unit),
        _ => hold::show(length_ms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(default_ms: i64, max_ms: i64, chosen_ms: Option<i64>) -> String {
        offered(default_ms, max_ms, chosen_ms).into_iter().map(hold::show).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn lengths_of_time_go_up_to_the_most_and_no_further() {
        insta::assert_snapshot!(told(HOUR_MS, 8 * HOUR_MS, None), @"15m 30m 1h 2h 4h 8h");
        insta::assert_snapshot!(told(90 * MINUTE_MS, 10 * HOUR_MS, Some(3 * HOUR_MS)), @"15m 30m 1h 1h30m 2h 3h 4h 8h 10h");
        insta::assert_snapshot!(told(2_000, 3_000, Some(9_000)), @"2s 3s");
        insta::assert_snapshot!(told(DAY_MS, 30 * DAY_MS, None), @"15m 30m 1h 2h 4h 8h 12h 1d 2d 3d 7d 14d 30d");
        // As many as a menu of Slack's holds.
        assert!(offered(DAY_MS, hold::HOLD_MAX_MS, None).len() <= 100);
    }

    #[test]
    fn lengths_of_time_are_spelled_as_people_say_them() {
        let all = [1_000, 45_000, MINUTE_MS, 90 * MINUTE_MS, HOUR_MS, 8 * HOUR_MS, DAY_MS, 36 * HOUR_MS].map(spelled);
        insta::assert_snapshot!(all.join(", "), @"1 second, 45 seconds, 1 minute, 90 minutes, 1 hour, 8 hours, 1 day, 36 hours");
    }
}
