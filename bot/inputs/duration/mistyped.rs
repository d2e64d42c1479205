//! Lengths of time that were mistyped, written out or put where they are not looked for: found among the words somebody typed,
//! and what was meant by them.

pub(super) mod said;

use std::ops::Range;

use crate::kernel::hold;

/// Longer words are no length of time, right or wrong.
const LENGTH_MAX: usize = 24;
/// More words than these in front of a length of time are a sentence.
const BEFORE_MAX: usize = 6;

/// Which of the words are meant as a length of time, right or wrong, wherever they stand; with what leads up to them if that
/// begins the line. One word at the front is one that is clearly meant so; anything else may be part of the reason, which only
/// its author can tell.
pub fn find(words: &[&str]) -> Option<Range<usize>> {
    let lead = words.iter().take(BEFORE_MAX).take_while(|word| leads_up(&lower(word))).count();
    // The longest lead with a length of time behind it: `for the 2h job` has none, `for 2h please` has one.
    for at in (0..=lead).rev() {
        let rest = words.get(at..).unwrap_or_default();
        let count = [count(rest), until(rest), plain(rest)].into_iter().max().unwrap_or_default();
        if count > 0 {
            return Some(0..at + count);
        }
    }
    (1..words.len()).find_map(|at| {
        let rest = words.get(at..)?;
        let count = spoken(rest).max(usize::from(is_length_of_time(rest)));
        let is_counted = rest.first().is_some_and(|word| word.contains(char::is_numeric))
            || words.get(at - 1).is_some_and(|word| matches!(lower(word).as_str(), "for" | "about" | "only"));
        let is_told_of = rest.get(count).is_some_and(|word| said::is_in_a_sentence(&lower(word)));
        (count > 0 && is_counted && !is_told_of).then_some(at..at + count)
    })
}

/// Whether a word is meant as a length of time, right or wrong: `2h`, `2hh`, `2x`, `1h30`, `90mn`, `2hors`, `-1h`, `1e9h`,
/// `1month`, `1-2h`, `--hold=2h`. Not `2`, `3rd`, `5xx` or `2fa`: those begin a sentence.
pub fn is_meant(word: &str) -> bool {
    let word = value_of(word);
    if hold::parse(word).is_ok() {
        return true;
    }
    let (number, unit) = split(word);
    if number.is_empty() || unit.is_empty() || word.len() > LENGTH_MAX {
        return false;
    }
    // `1-2h`
    if let Some(upper) =
        unit.strip_prefix(['-', '\u{2013}']).filter(|upper| upper.starts_with(|c: char| c.is_numeric()))
    {
        return is_meant(upper);
    }
    let is_letter = unit.chars().count() == 1 && unit.chars().all(char::is_alphabetic);
    let is_units = unit.chars().all(|c| "smhdwySMHDWY".contains(c) || c.is_ascii_digit());
    is_letter || is_units || written_out(unit).is_some()
}

/// How many of the first words are meant as a length of time, right or wrong: one of `2h why`, two of `2 hours why`,
/// three of `half an hour`; none of `2 servers`. Whatever is more than one word may begin a sentence all the same.
fn count(words: &[&str]) -> usize {
    let mut taken = spoken(words);
    if taken == 0 {
        let is_length = words.first().is_some_and(|word| is_meant(&clean(word)) || is_meant(word));
        if !is_length || !is_length_of_time(words) {
            return usize::from(is_length);
        }
        taken = 1;
    }
    loop {
        let rest = words.get(taken..).unwrap_or_default();
        let joint = usize::from(rest.first().is_some_and(|word| word.eq_ignore_ascii_case("and")));
        let rest = rest.get(joint..).unwrap_or_default();
        let is_half = joint == 1 && matches!(rest, [a, half, ..] if lower(a) == "a" && lower(half) == "half");
        // `1h 30 minutes` is one length of time; `1h a second time` is one, and a reason.
        let goes_on = joint == 1 || rest.first().is_some_and(|word| word.contains(char::is_numeric));
        let more = match (is_half, goes_on) {
            (true, _) => 2,
            // `2h 30` may be two and a half hours.
            (false, true) => spoken(rest)
                .max(usize::from(is_length_of_time(rest)))
                .max(plain(rest).min(usize::from(is_minutes(rest)))),
            (false, false) => 0,
        };
        if more == 0 {
            return taken;
        }
        taken += joint + more;
    }
}

/// How many of the first words are a bare number or a time of day: one of `90 why`, two of `6 pm why`. None of `1204 why`,
/// which is no length anybody types, and of `2 servers`, which counts something.
fn plain(words: &[&str]) -> usize {
    let word = words.first().map(|word| clean(word).to_lowercase()).unwrap_or_default();
    let next = words.get(1).map(|word| lower(word)).unwrap_or_default();
    let (number, rest) = split(&word);
    let is_short = !number.is_empty() && number.chars().filter(|c| c.is_numeric()).count() <= 3;
    let is_clock = !number.is_empty() && (is_day_half(rest) || is_time_of_day(&word));
    let counts = next == "people" || next.len() > 3 && next.ends_with('s') && next.chars().all(char::is_alphabetic);
    if is_clock {
        1
    } else if is_short && is_day_half(&next) {
        2
    } else {
        usize::from(is_short && rest.is_empty() && !number.contains('/') && !counts)
    }
}

fn is_day_half(word: &str) -> bool {
    matches!(word, "am" | "pm" | "a.m" | "p.m" | "uhr" | "o'clock")
}

/// `18:00`, `1:30`, `1:30pm`, `0:30:00`.
fn is_time_of_day(word: &str) -> bool {
    let word = word.trim_end_matches(|c: char| c.is_alphabetic() || c == '.');
    let is_number = |part: &str| (1..=2).contains(&part.len()) && part.chars().all(|c| c.is_ascii_digit());
    word.contains(':') && word.split(':').count() <= 3 && word.split(':').all(is_number)
}

/// How many of the first words say until when: two of `until 18:00`, three of `till 6 pm`.
fn until(words: &[&str]) -> usize {
    if !words.first().is_some_and(|word| said::is_until(&lower(word))) {
        return 0;
    }
    let rest = words.get(1..).unwrap_or_default();
    let is_moment = rest.first().is_some_and(|word| said::is_moment(&lower(word)) || word.contains(char::is_numeric));
    if is_moment { 1 + plain(rest).max(1) } else { 0 }
}

/// Whether it stands for the minutes of `2h 30`.
fn is_minutes(words: &[&str]) -> bool {
    words.first().and_then(|word| clean(word).parse::<u8>().ok()).is_some_and(|minutes| minutes < 60)
}

/// The length of time, in milliseconds, most likely meant by words that are none.
pub fn meant(text: &str) -> Option<i64> {
    if text.contains(char::is_whitespace) {
        let cleaned: Vec<_> = text.split_whitespace().map(|word| value_of(&clean(word)).to_owned()).collect();
        return meant_by(&cleaned);
    }
    let text = clean(text);
    let text = value_of(&text);
    if let Ok(length_ms) = hold::parse(text) {
        return Some(length_ms);
    }
    if is_time_of_day(text) {
        // As a length `1:30` is an hour and a half; `18:00` is more likely a time of day.
        let (hours, minutes) = text.split_once(':')?;
        return hours
            .parse::<u8>()
            .ok()
            .filter(|hours| *hours < 6)
            .and(hold::parse(&format!("{hours}h{minutes}m")).ok());
    }
    let (number, unit) = split(text);
    let unit = unit.to_lowercase();
    if unit.is_empty() {
        // Nobody asks for ninety hours, or for two minutes.
        let unit = if number.parse::<f64>().is_ok_and(|number| number >= 10.0) { 'm' } else { 'h' };
        return hold::parse(&format!("{number}{unit}")).ok();
    }
    // `1-2h`: the shorter.
    if let Some(upper) = unit.strip_prefix(['-', '\u{2013}']) {
        let (_, unit) = split(upper);
        return if unit.is_empty() { None } else { meant(&format!("{number}{unit}")) };
    }
    // `1h30`: what follows hours are minutes.
    if unit.len() > 1 && unit.starts_with('h') && unit.chars().skip(1).all(|c| c.is_ascii_digit()) {
        return hold::parse(&format!("{number}{unit}m")).ok();
    }
    // A time of day is no length, and months and years have no fixed one.
    if is_day_half(&unit) || written_out(&unit).is_some_and(|unit| unit_ms(unit).is_none()) {
        return None;
    }
    let first = written_out(&unit).or(Some(unit.as_str())).and_then(|unit| unit.chars().find(|c| "smhd".contains(*c)));
    hold::parse(&format!("{number}{}", first.unwrap_or('h'))).ok()
}

/// The sum of `one hour and 30 minutes`, as far as its parts have a fixed length.
fn meant_by(words: &[String]) -> Option<i64> {
    let (mut sum_ms, mut amount, mut last_ms) = (0.0, None, None);
    for word in words.iter().map(|word| word.to_lowercase()) {
        let has_no_length = said::unit(&word).is_some_and(|unit| unit_ms(unit).is_none());
        if has_no_length || said::is_until(&word) || is_day_half(&word) || is_time_of_day(&word) {
            return None;
        }
        if let Ok(length_ms) = hold::parse(&word) {
            sum_ms += length_ms as f64;
            last_ms = Some(length_ms as f64);
        } else if let Some(found) = number(&word) {
            // `half an hour` is half of one, `three quarters` are three of them; `a couple of hours` are two.
            amount = match (word.as_str(), amount) {
                ("a" | "an" | "all" | "whole" | "full", Some(known)) => Some(known),
                ("quarters", Some(known)) => Some(found * known),
                _ => Some(found),
            };
        } else if let Some(unit_ms) = unit_ms(&word).filter(|_| word.len() == 1 || written_out(&word).is_some()) {
            sum_ms += amount.take()? * unit_ms;
            last_ms = Some(unit_ms);
        }
    }
    // `an hour and a half`; of `2h 30` the rest are minutes, and of a bare number nobody knows what.
    sum_ms += match (amount, last_ms) {
        (Some(rest), Some(_)) if rest >= 1.0 => rest * 60_000.0,
        (Some(rest), Some(last_ms)) => rest * last_ms,
        (Some(number), None) if number >= 10.0 => number * 60_000.0,
        (Some(number), None) => number * 3_600_000.0,
        (None, _) => 0.0,
    };
    let is_good = sum_ms >= 1_000.0 && sum_ms <= hold::HOLD_MAX_MS as f64;
    is_good.then_some(sum_ms as i64)
}

/// How many of the first words are an amount and a unit.
fn spoken(words: &[&str]) -> usize {
    let mut at = 0;
    while at < 5
        && words
            .get(at)
            .is_some_and(|word| number(&lower(word)).is_some() || (at > 0 && said::is_between(&lower(word))))
    {
        at += 1;
    }
    let Some(unit) = words.get(at).map(|word| lower(word)).filter(|_| at > 0) else { return 0 };
    let has_digits = words.first().is_some_and(|word| word.contains(char::is_numeric));
    // Short words are too near to others: `a set of tables` is no second, and nobody lends for one: `a second look`.
    let unit_said = said::unit(&unit).or_else(|| said::near_unit(&unit, 5));
    let is_letter = has_digits && matches!(unit.as_str(), "s" | "m" | "h" | "d" | "w");
    let is_unit = is_letter || unit_said.is_some_and(|unit| has_digits || !unit.starts_with("sec"));
    if is_unit { at + 1 } else { 0 }
}

fn is_length_of_time(words: &[&str]) -> bool {
    words.first().is_some_and(|word| hold::parse(value_of(&clean(word))).is_ok())
}

/// Words before a length of time, and options such as `--hold`.
fn leads_up(word: &str) -> bool {
    said::is_before(word) || word.strip_prefix("--").is_some_and(|name| name.chars().all(char::is_alphabetic))
}

/// As a length of time is written: without quotes and brackets around it and the comma after it, in plain digits and letters.
pub fn clean(word: &str) -> String {
    let around = |c: char| matches!(c, '"' | '\'' | '`' | '(' | ')' | '[' | ']' | '{' | '}' | '*' | '_');
    let trimmed = word.trim_matches(around).trim_end_matches([',', ';', ':', '.', '!', '?']).trim_matches(around);
    let narrow = |c: char| match c {
        // Wide forms of ASCII, as keyboards for Chinese and Japanese have them.
        '\u{ff01}'..='\u{ff5e}' => u32::from(c).checked_sub(0xfee0).and_then(char::from_u32).unwrap_or(c),
        c => c,
    };
    trimmed.chars().map(narrow).collect()
}

/// What stands behind a name or a sign: `2h` of `--hold=2h`, `hold:2h` and `~2h`.
fn value_of(word: &str) -> &str {
    let word = word.trim_start_matches(['~', '\u{2248}', '<', '>', '\u{2264}', '\u{2265}', '=']);
    let named = word.rsplit_once(['=', ':']).filter(|(name, value)| {
        let name = name.trim_start_matches('-');
        !name.is_empty() && name.chars().all(char::is_alphabetic) && value.starts_with(|c: char| c.is_numeric())
    });
    named.map_or(word, |(_, value)| value)
}

fn lower(word: &str) -> String {
    clean(word).to_lowercase()
}

fn number(word: &str) -> Option<f64> {
    let typed = || {
        let (number, rest) = split(word);
        // `1-2 hours`: the first.
        let is_range =
            rest.strip_prefix(['-', '\u{2013}']).is_some_and(|upper| upper.chars().all(|c| c.is_ascii_digit()));
        let is_number = !number.is_empty() && (rest.is_empty() || is_range);
        is_number.then(|| number.replace(',', ".").parse().unwrap_or(f64::NAN))
    };
    said::amount(word).or_else(typed)
}

/// How long it always lasts, if it does.
pub(super) fn unit_ms(unit: &str) -> Option<f64> {
    let unit = written_out(unit).unwrap_or(unit);
    Some(match unit.chars().next()? {
        's' => 1_000.0,
        'm' if !unit.starts_with("mo") => 60_000.0,
        'h' => 3_600_000.0,
        'd' => 86_400_000.0,
        'w' => 7.0 * 86_400_000.0,
        _ => return None,
    })
}

/// The number a word starts with, however it is written (`1.5`, `-1`, `1e9`, `½`), and the rest.
fn split(word: &str) -> (&str, &str) {
    let is_sign = |c: char| matches!(c, '-' | '+' | '\u{2212}' | '\u{2013}' | '\u{2014}');
    let unsigned = word.trim_start_matches(is_sign);
    let mut rest = unsigned.trim_start_matches(|c: char| c.is_numeric() || matches!(c, '.' | ',' | '/'));
    let digits = |text: &str| !text.is_empty() && text.starts_with(|c: char| c.is_ascii_digit());
    if let Some(power) =
        rest.strip_prefix(['e', 'E']).map(|power| power.trim_start_matches(is_sign)).filter(|p| digits(p))
    {
        rest = power.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    let parts = word.split_at_checked(word.len().saturating_sub(rest.len()));
    parts.filter(|(number, _)| number.contains(char::is_numeric)).unwrap_or(("", word))
}

/// The unit, written out; of longer ones also what is one letter away.
fn written_out(unit: &str) -> Option<&'static str> {
    let unit = unit.to_lowercase();
    said::unit(&unit).or_else(|| said::near_unit(&unit, 3))
}

#[cfg(test)]
mod tests;
