//! Slack's date tokens, written out in a reader's time zone (slack.md section 14). Times are on the 24-hour clock.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

fn zoned(seconds: i64, tz: &str) -> Option<Zoned> {
    let zone = TimeZone::get(tz).unwrap_or(TimeZone::UTC);
    Some(Timestamp::from_second(seconds).ok()?.to_zoned(zone))
}

/// A time zone's distance from UTC in seconds at a time.
pub(crate) fn offset_seconds(tz: &str, at_ms: i64) -> i32 {
    zoned(at_ms.div_euclid(1000), tz).map(|zoned| zoned.offset().seconds()).unwrap_or_default()
}

/// Writes `tokens`, e.g. `{date_short_pretty} {time}`, for a time. `None` when the time is out of range.
pub(super) fn write(tokens: &str, seconds: i64, now_ms: i64, tz: &str) -> Option<String> {
    let at = zoned(seconds, tz)?;
    let today = zoned(now_ms.div_euclid(1000), tz)?.date();
    let mut text = tokens.to_owned();
    // Longer names first: `{date_long_pretty}` begins like `{date_long}`, but the braces keep them apart anyway.
    for (token, pattern) in PATTERNS {
        let plain = day(&at, pattern);
        let pretty = near(at.date(), today).map_or_else(|| plain.clone(), str::to_owned);
        text = text.replace(&format!("{{{token}_pretty}}"), &pretty).replace(&format!("{{{token}}}"), &plain);
    }
    let ago = ago(seconds, now_ms.div_euclid(1000));
    text = text.replace("{time_secs}", &at.strftime("%H:%M:%S").to_string());
    text = text.replace("{time}", &at.strftime("%H:%M").to_string());
    Some(text.replace("{ago}", &ago))
}

const PATTERNS: &[(&str, &str)] = &[
    ("date_long", "%A, %B {day}, %Y"),
    ("date_short", "%b %-d, %Y"),
    ("date_num", "%Y-%m-%d"),
    ("date", "%B {day}, %Y"),
];

fn day(at: &Zoned, pattern: &str) -> String {
    let number = at.day();
    let ending = match (number, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    at.strftime(&pattern.replace("{day}", &format!("{number}{ending}"))).to_string()
}

fn near(date: Date, today: Date) -> Option<&'static str> {
    if date == today {
        Some("today")
    } else if Some(date) == today.tomorrow().ok() {
        Some("tomorrow")
    } else if Some(date) == today.yesterday().ok() {
        Some("yesterday")
    } else {
        None
    }
}

fn ago(seconds: i64, now_seconds: i64) -> String {
    let away = now_seconds.saturating_sub(seconds);
    let size = away.abs();
    let (count, unit) = match size {
        0..60 => return "just now".to_owned(),
        60..3_600 => (size / 60, "minute"),
        3_600..86_400 => (size / 3_600, "hour"),
        _ => (size / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    if away > 0 { format!("{count} {unit}{plural} ago") } else { format!("in {count} {unit}{plural}") }
}
