//! The functions a link can call: golink's own and those of Go's templates that make sense in an address.

use std::cmp::Ordering;

use jiff::Span;
use regex::RegexBuilder;

use super::value::{Ran, Value, show, type_name, wrong};
use crate::go_time;
use crate::go_url::{path_escape, query_escape};

/// Everybody waits while a pattern is compiled and looks at a text, so the larger it is compiled (bytes), the shorter is the
/// text it may look at (bytes) and the more it costs, as `Runner::worked` counts. What people write is of the first kind; a
/// whole alphabet (`\pL`) is of the last.
const PATTERNS: [(usize, usize, usize); 3] =
    [(4 << 10, 8 << 10, 8 << 10), (32 << 10, 1 << 10, 64 << 10), (256 << 10, 128, 128 << 10)];

const KNOWN: &[&str] = &[
    "PathEscape",
    "QueryEscape",
    "TrimPrefix",
    "TrimSuffix",
    "ToLower",
    "ToUpper",
    "Match",
    "and",
    "or",
    "not",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "len",
    "print",
    "println",
    "printf",
    "urlquery",
    "html",
    "slice",
];
const ONLY_GO: &[&str] = &["call", "index", "js"];

pub(super) fn is_known(name: &str) -> bool {
    KNOWN.contains(&name)
}

/// Go has it, and no link needs it.
pub(super) fn is_only_known_to_go(name: &str) -> bool {
    ONLY_GO.contains(&name)
}

/// What `if` thinks of it: everything but empty texts, zero and false.
pub(super) fn is_true(value: &Value) -> bool {
    match value {
        Value::Text(text) => !text.is_empty(),
        Value::Whole(number) | Value::Month(number) | Value::Weekday(number) => *number != 0,
        Value::Fraction(number) => *number != 0.0,
        Value::Flag(flag) => *flag,
        Value::Time(_) | Value::Everything => true,
    }
}

pub(super) fn call(name: &str, values: &[Value]) -> Ran<Value> {
    let text = |text: String| Ok(Value::Text(text));
    match name {
        "PathEscape" => one(name, values).and_then(|value| text(path_escape(value))),
        "QueryEscape" => one(name, values).and_then(|value| text(query_escape(value))),
        "ToLower" => one(name, values).and_then(|value| text(value.to_lowercase())),
        "ToUpper" => one(name, values).and_then(|value| text(value.to_uppercase())),
        "TrimPrefix" => two(name, values).and_then(|(of, part)| text(of.strip_prefix(part).unwrap_or(of).to_owned())),
        "TrimSuffix" => two(name, values).and_then(|(of, part)| text(of.strip_suffix(part).unwrap_or(of).to_owned())),
        "Match" => matches(values).map(|(is_match, _)| is_match),
        "not" => match values {
            [value] => Ok(Value::Flag(!is_true(value))),
            _ => count(name, 1),
        },
        "eq" => match values {
            [first, others @ ..] if !others.is_empty() => {
                let same = others.iter().map(|other| compare(first, other).map(|order| order == Ordering::Equal));
                same.collect::<Ran<Vec<bool>>>().map(|same| Value::Flag(same.contains(&true)))
            }
            _ => count(name, 2),
        },
        "ne" | "lt" | "le" | "gt" | "ge" => match values {
            [one, other] => ordered(name, one, other),
            _ => count(name, 2),
        },
        "len" => one(name, values).map(|value| Value::Whole(i64::try_from(value.len()).unwrap_or(i64::MAX))),
        "slice" => slice(values),
        "print" => text(printed(values)?),
        "println" => text(shown(values)?.join(" ") + "\n"),
        "printf" => text(printf(values)?),
        "urlquery" => text(query_escape(&printed(values)?)),
        "html" => text(html(&printed(values)?)),
        _ => wrong(format!("`{name}` is called where it cannot be")),
    }
}

fn count<T>(name: &str, wanted: usize) -> Ran<T> {
    wrong(format!("`{name}` takes {wanted} value{}", if wanted == 1 { "" } else { "s" }))
}

fn is_text<'v>(name: &str, value: &'v Value) -> Ran<&'v str> {
    match value {
        Value::Text(text) => Ok(text),
        other => wrong(format!("`{name}` takes a text and got a {}", type_name(other))),
    }
}

fn one<'v>(name: &str, values: &'v [Value]) -> Ran<&'v str> {
    match values {
        [value] => is_text(name, value),
        _ => count(name, 1),
    }
}

fn two<'v>(name: &str, values: &'v [Value]) -> Ran<(&'v str, &'v str)> {
    match values {
        [first, second] => Ok((is_text(name, first)?, is_text(name, second)?)),
        _ => count(name, 2),
    }
}

/// `Match`, and what it cost beside handling the texts. A pattern that cannot be read matches nothing, as in golink.
pub(super) fn matches(values: &[Value]) -> Ran<(Value, usize)> {
    let (pattern, text) = two("Match", values)?;
    let pattern = ascii_classes(pattern);
    for (size, text_max, work) in PATTERNS {
        match RegexBuilder::new(&pattern).size_limit(size).nest_limit(100).build() {
            Ok(_) if text.len() > text_max => return wrong("a pattern has too much to look at"),
            Ok(pattern) => return Ok((Value::Flag(pattern.is_match(text)), work)),
            Err(regex::Error::CompiledTooBig(_)) => {}
            Err(_) => return Ok((Value::Flag(false), 1)),
        }
    }
    wrong("a pattern is too large")
}

/// Go's `\d`, `\w`, `\s` and `\b` know ASCII alone; the classes are written out, which is allowed within brackets too.
fn ascii_classes(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        match characters.next() {
            Some('d') => out.push_str("[0-9]"),
            Some('D') => out.push_str("[^0-9]"),
            Some('w') => out.push_str("[0-9A-Za-z_]"),
            Some('W') => out.push_str("[^0-9A-Za-z_]"),
            Some('s') => out.push_str(r"[\t\n\f\r ]"),
            Some('S') => out.push_str(r"[^\t\n\f\r ]"),
            Some('b') => out.push_str(r"(?-u:\b)"),
            next => {
                out.push('\\');
                out.extend(next);
            }
        }
    }
    out
}

fn compare(one: &Value, other: &Value) -> Ran<Ordering> {
    let number = |value: &Value| match value {
        Value::Whole(number) | Value::Month(number) | Value::Weekday(number) => Some(*number),
        _ => None,
    };
    match (one, other) {
        (Value::Text(one), Value::Text(other)) => Ok(one.cmp(other)),
        (Value::Flag(one), Value::Flag(other)) => Ok(one.cmp(other)),
        (Value::Fraction(one), Value::Fraction(other)) => Ok(one.total_cmp(other)),
        (one, other) => match (number(one), number(other)) {
            (Some(one), Some(other)) => Ok(one.cmp(&other)),
            _ => wrong(format!("a {} cannot be compared with a {}", type_name(one), type_name(other))),
        },
    }
}

fn ordered(name: &str, one: &Value, other: &Value) -> Ran<Value> {
    let order = compare(one, other)?;
    if name != "ne" && matches!(one, Value::Flag(_)) {
        return wrong("truth values have no order");
    }
    Ok(Value::Flag(match name {
        "ne" => order.is_ne(),
        "lt" => order.is_lt(),
        "le" => order.is_le(),
        "gt" => order.is_gt(),
        _ => order.is_ge(),
    }))
}

/// Part of a text, counted in bytes as Go does.
fn slice(values: &[Value]) -> Ran<Value> {
    let (text, from, to) = match values {
        [Value::Text(text)] => (text, 0, None),
        [Value::Text(text), Value::Whole(from)] => (text, *from, None),
        [Value::Text(text), Value::Whole(from), Value::Whole(to)] => (text, *from, Some(*to)),
        _ => return wrong("`slice` takes a text and one or two whole numbers"),
    };
    let at = |number: i64| usize::try_from(number).ok();
    let end = to.map_or(Some(text.len()), at);
    let part = at(from).zip(end).and_then(|(from, end)| text.get(from..end));
    part.map_or_else(|| wrong("`slice` reaches beyond the text"), |part| Ok(Value::Text(part.to_owned())))
}

fn shown(values: &[Value]) -> Ran<Vec<String>> {
    values.iter().map(show).collect()
}

/// Go's `Sprint`: a space between two values of which neither is a text.
fn printed(values: &[Value]) -> Ran<String> {
    let mut text = String::new();
    let mut after_text = true;
    for value in values {
        let is_text = matches!(value, Value::Text(_));
        if !is_text && !after_text {
            text.push(' ');
        }
        text.push_str(&show(value)?);
        after_text = is_text;
    }
    Ok(text)
}

fn html(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    escaped.replace('"', "&#34;").replace('\'', "&#39;").replace('\0', "\u{fffd}")
}

/// `%s`, `%v`, `%d`, `%q`, `%t`, `%x` and `%%`, with a width and `0` or `-` before it.
fn printf(values: &[Value]) -> Ran<String> {
    let Some((first, values)) = values.split_first() else { return count("printf", 1) };
    let mut rest = is_text("printf", first)?;
    let mut values = values.iter();
    let mut text = String::new();
    while let Some((before, after)) = rest.split_once('%') {
        text.push_str(before);
        let end = after.find(|c: char| !matches!(c, '-' | '0'..='9')).unwrap_or(after.len());
        let (flags, verb_on) = after.split_at(end);
        let Some(verb) = verb_on.chars().next() else { return wrong("`printf` ends in a `%`") };
        rest = verb_on.get(verb.len_utf8()..).unwrap_or_default();
        if verb == '%' {
            text.push('%');
            continue;
        }
        let Some(value) = values.next() else { return wrong("`printf` has more `%` than values") };
        let word = match (verb, value) {
            ('v', value) | ('s', value @ (Value::Text(_) | Value::Month(_) | Value::Weekday(_))) => show(value)?,
            ('d', Value::Whole(number) | Value::Month(number) | Value::Weekday(number)) => number.to_string(),
            ('x', Value::Whole(number)) => format!("{number:x}"),
            ('q', Value::Text(text)) => format!("{text:?}"),
            ('t', Value::Flag(flag)) => flag.to_string(),
            (verb, value) => return wrong(format!("`printf` cannot write a {} as `%{verb}`", type_name(value))),
        };
        text.push_str(&padded(&word, flags)?);
    }
    text.push_str(rest);
    if values.next().is_some() { wrong("`printf` has more values than `%`") } else { Ok(text) }
}

fn padded(word: &str, flags: &str) -> Ran<String> {
    let left = flags.starts_with('-');
    let digits = flags.trim_start_matches('-');
    let zero = digits.starts_with('0') && !left;
    let width: usize = if digits.is_empty() { 0 } else { digits.parse().unwrap_or(usize::MAX) };
    if width > 200 {
        return wrong("`printf` makes it too wide");
    }
    Ok(match (left, zero, word.strip_prefix('-')) {
        (true, ..) => format!("{word:<width$}"),
        (false, true, Some(digits)) => format!("-{digits:0>width$}", width = width.saturating_sub(1)),
        (false, true, None) => format!("{word:0>width$}"),
        (false, false, _) => format!("{word:>width$}"),
    })
}

/// Methods of Go's `time.Time`, in UTC.
pub(super) fn time_method(at: i64, name: &str, values: &[Value]) -> Ran<Value> {
    let time = go_time::civil(at);
    let whole = |number: i64| Ok(Value::Whole(number));
    match (name, values) {
        ("Format", [Value::Text(layout)]) => Ok(Value::Text(go_time::format(at, layout))),
        ("Format", _) => wrong("`.Format` takes a layout, like `\"2006-01-02\"`"),
        ("AddDate", [Value::Whole(years), Value::Whole(months), Value::Whole(days)]) => {
            add_date(at, *years, *months, *days)
        }
        ("AddDate", _) => wrong("`.AddDate` takes years, months and days"),
        (name, [_, ..]) => wrong(format!("`.{name}` takes no arguments")),
        ("UTC" | "Local", _) => Ok(Value::Time(at)),
        ("Year", _) => whole(i64::from(time.year())),
        ("Month", _) => Ok(Value::Month(i64::from(time.month()))),
        ("Day", _) => whole(i64::from(time.day())),
        ("Weekday", _) => Ok(Value::Weekday(i64::from(time.weekday().to_sunday_zero_offset()))),
        ("YearDay", _) => whole(i64::from(time.date().day_of_year())),
        ("Hour", _) => whole(i64::from(time.hour())),
        ("Minute", _) => whole(i64::from(time.minute())),
        ("Second", _) => whole(i64::from(time.second())),
        ("Unix", _) => whole(at.div_euclid(1000)),
        ("UnixMilli", _) => whole(at),
        (name, _) => wrong(format!("`.Now.{name}` is not supported here; `.Now.Format` is")),
    }
}

/// Days that a month does not have run into the next one, as in Go.
fn add_date(at: i64, years: i64, months: i64, days: i64) -> Ran<Value> {
    let time = go_time::civil(at);
    let months = years.saturating_mul(12).saturating_add(months).saturating_add(i64::from(time.month()) - 1);
    let far = || wrong("`.AddDate` goes too far");
    let year = months.div_euclid(12).saturating_add(i64::from(time.year()));
    let month = i8::try_from(months.rem_euclid(12) + 1).unwrap_or(1);
    let Some(first) = i16::try_from(year).ok().and_then(|year| jiff::civil::Date::new(year, month, 1).ok()) else {
        return far();
    };
    let moved = Span::new().try_days(days.saturating_add(i64::from(time.day()) - 1));
    let Some(date) = moved.ok().and_then(|days| first.checked_add(days).ok()) else { return far() };
    let zoned = date.to_datetime(time.time()).to_zoned(jiff::tz::TimeZone::UTC);
    zoned.map_or_else(|_| far(), |zoned| Ok(Value::Time(zoned.timestamp().as_millisecond())))
}
