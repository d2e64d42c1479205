//! Times written by Go's layouts (`01-02-2006`, `Jan _2 15:04`), in UTC as golink has them.

use std::fmt::Write as _;

use jiff::civil::DateTime;
use jiff::{Timestamp, tz::TimeZone};

/// Milliseconds since the Unix epoch as year, month, ... in UTC.
pub(super) fn civil(at: i64) -> DateTime {
    Timestamp::from_millisecond(at).unwrap_or_default().to_zoned(TimeZone::UTC).datetime()
}

/// What Go prints for a time by itself.
pub(super) const PLAIN: &str = "2006-01-02 15:04:05.999999999 -0700 MST";

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// `1` is January; anything else than `1..=12` is nothing.
pub(super) fn month(number: i64) -> &'static str {
    usize::try_from(number - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or_default()
}

/// `0` is Sunday; anything else than `0..=6` is nothing.
pub(super) fn weekday(number: i64) -> &'static str {
    usize::try_from(number).ok().and_then(|at| DAYS.get(at)).copied().unwrap_or_default()
}

/// Parts of a layout, longer ones before those they begin with.
const PARTS: &[&str] = &[
    "January",
    "Jan",
    "Monday",
    "Mon",
    "MST",
    "002",
    "01",
    "02",
    "03",
    "04",
    "05",
    "06",
    "2006",
    "2",
    "15",
    "1",
    "__2",
    "_2006",
    "_2",
    "3",
    "4",
    "5",
    "PM",
    "pm",
    "-07:00:00",
    "-070000",
    "-07:00",
    "-0700",
    "-07",
    "Z07:00:00",
    "Z070000",
    "Z07:00",
    "Z0700",
    "Z07",
];

/// The time in this layout.
pub(super) fn format(at: i64, layout: &str) -> String {
    let time = civil(at);
    let mut text = String::new();
    let mut rest = layout;
    while let Some(first) = rest.chars().next() {
        if let Some(length) = fraction(rest) {
            let (part, after) = rest.split_at(length);
            write_fraction(&mut text, part, time.subsec_nanosecond());
            rest = after;
            continue;
        }
        let part = PARTS.iter().find(|part| rest.starts_with(**part) && stands_alone(rest, part));
        let length = match part {
            Some(part) => {
                write_part(&mut text, part, time);
                part.len()
            }
            None => {
                text.push(first);
                first.len_utf8()
            }
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    text
}

/// `Jan` in `Janet` and `Mon` in `Monk` are no parts of a date.
fn stands_alone(rest: &str, part: &str) -> bool {
    let next = rest.get(part.len()..).and_then(|rest| rest.chars().next());
    !matches!(part, "Jan" | "Mon") || !next.is_some_and(|next| next.is_ascii_lowercase())
}

/// How long a fraction of a second is that stands here: `.000` or `.999`, with no digit behind it.
fn fraction(rest: &str) -> Option<usize> {
    let digits = rest.strip_prefix(['.', ','])?;
    let first = digits.chars().next().filter(|first| matches!(first, '0' | '9'))?;
    let after = digits.trim_start_matches(first);
    (!after.starts_with(|c: char| c.is_ascii_digit())).then(|| rest.len() - after.len())
}

fn write_fraction(text: &mut String, part: &str, nanosecond: i32) {
    let digits = part.len().saturating_sub(1).min(9);
    let all = format!("{nanosecond:09}");
    let kept = all.get(..digits).unwrap_or_default();
    let kept = if part.ends_with('9') { kept.trim_end_matches('0') } else { kept };
    if !kept.is_empty() {
        text.push_str(part.get(..1).unwrap_or_default());
        text.push_str(kept);
    }
}

fn write_part(text: &mut String, part: &str, time: DateTime) {
    let (year, day, hour) = (time.year(), time.day(), time.hour());
    let half = if hour % 12 == 0 { 12 } else { hour % 12 };
    let month_name = month(i64::from(time.month()));
    let day_name = weekday(i64::from(time.weekday().to_sunday_zero_offset()));
    let short = |name: &'static str| name.get(..3).unwrap_or_default();
    // Writing into a string cannot fail.
    let _ = match part {
        "January" => text.write_str(month_name),
        "Jan" => text.write_str(short(month_name)),
        "Monday" => text.write_str(day_name),
        "Mon" => text.write_str(short(day_name)),
        "MST" => text.write_str("UTC"),
        "01" => write!(text, "{:02}", time.month()),
        "1" => write!(text, "{}", time.month()),
        "002" => write!(text, "{:03}", time.date().day_of_year()),
        "__2" => write!(text, "{:3}", time.date().day_of_year()),
        "02" => write!(text, "{day:02}"),
        "_2" => write!(text, "{day:2}"),
        "2" => write!(text, "{day}"),
        "2006" => write!(text, "{year:04}"),
        "_2006" => write!(text, "_{year:04}"),
        "06" => write!(text, "{:02}", year.rem_euclid(100)),
        "15" => write!(text, "{hour:02}"),
        "03" => write!(text, "{half:02}"),
        "3" => write!(text, "{half}"),
        "04" => write!(text, "{:02}", time.minute()),
        "4" => write!(text, "{}", time.minute()),
        "05" => write!(text, "{:02}", time.second()),
        "5" => write!(text, "{}", time.second()),
        "PM" => text.write_str(if hour < 12 { "AM" } else { "PM" }),
        "pm" => text.write_str(if hour < 12 { "am" } else { "pm" }),
        "-07:00:00" => text.write_str("+00:00:00"),
        "-070000" => text.write_str("+000000"),
        "-07:00" => text.write_str("+00:00"),
        "-0700" => text.write_str("+0000"),
        "-07" => text.write_str("+00"),
        // `Z07:00` and its like: zero is written `Z`.
        _ => text.write_str("Z"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_go_writes_them() {
        // 2022-06-02 01:02:03.040 UTC, a Thursday, day 153.
        let at = 1_654_131_723_040;
        for (layout, expected) in [
            ("01-02-2006", "06-02-2022"),
            ("Jan _2, 2006 3:04pm MST", "Jun  2, 2022 1:02am UTC"),
            ("Monday, January 2", "Thursday, June 2"),
            ("Janet Monk", "Janet Monk"),
            ("2006-01-02T15:04:05Z07:00", "2022-06-02T01:02:03Z"),
            ("15:04:05.000", "01:02:03.040"),
            ("15:04:05.999", "01:02:03.04"),
            ("002 __2 06 -0700", "153 153 22 +0000"),
            ("2006/week", "2022/week"),
            ("20060102", "20220602"),
            ("_2006", "_2022"),
            (PLAIN, "2022-06-02 01:02:03.04 +0000 UTC"),
            ("é", "é"),
        ] {
            assert_eq!(format(at, layout), expected, "{layout}");
        }
        assert_eq!(format(1_654_131_723_000, PLAIN), "2022-06-02 01:02:03 +0000 UTC");
    }

    proptest::proptest! {
        #[test]
        fn no_layout_and_no_time_makes_it_panic(layout in ".{0,40}", at: i64) {
            let _ = format(at, &layout);
        }
    }
}
