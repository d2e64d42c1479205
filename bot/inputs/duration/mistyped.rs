//! Lengths of time that were mistyped or written out: told from the first words of a sentence, and what was meant by them.

use crate::kernel::hold;

/// Longer words are no length of time, right or wrong.
const LENGTH_MAX: usize = 16;
/// As people write them out; those without a fixed length too, so that they can be told so.
const UNITS: [&str; 25] = [
    "sec", "secs", "second", "seconds", "min", "mins", "minute", "minutes", "hr", "hrs", "hour", "hours", "day",
    "days", "wk", "wks", "week", "weeks", "mo", "mos", "month", "months", "yr", "year", "years",
];
/// How many, in words.
const AMOUNTS: [(&str, f64); 17] = [
    ("a", 1.0),
    ("an", 1.0),
    ("one", 1.0),
    ("two", 2.0),
    ("three", 3.0),
    ("four", 4.0),
    ("five", 5.0),
    ("six", 6.0),
    ("seven", 7.0),
    ("eight", 8.0),
    ("nine", 9.0),
    ("ten", 10.0),
    ("twelve", 12.0),
    ("half", 0.5),
    ("quarter", 0.25),
    ("couple", 2.0),
    ("few", 3.0),
];

/// Whether a word is meant as a length of time, right or wrong: `2h`, `2hh`, `2x`, `1h30`, `90mn`, `2hors`, `-1h`, `1e9h`,
/// `1month`. Not `2`, `3rd`, `5xx` or `2fa`: those begin a sentence.
pub fn is_meant(word: &str) -> bool {
    if hold::parse(word).is_ok() {
        return true;
    }
    let (number, unit) = split(word);
    if number.is_empty() || unit.is_empty() || word.len() > LENGTH_MAX {
        return false;
    }
    let is_letter = unit.chars().count() == 1 && unit.chars().all(char::is_alphabetic);
    let is_units = unit.chars().all(|c| "smhdwySMHDWY".contains(c) || c.is_ascii_digit());
    is_letter || is_units || written_out(unit).is_some()
}

/// How many of the first words are meant as a length of time, right or wrong: one of `2h why`, two of `2 hours why`,
/// three of `half an hour`; none of `2 servers`. Whatever is more than one word may begin a sentence all the same.
pub fn count(words: &[&str]) -> usize {
    let mut taken = spoken(words);
    if taken == 0 {
        let is_length = words.first().is_some_and(|word| is_meant(bare(word)) || is_meant(word));
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
            (false, true) => spoken(rest).max(usize::from(is_length_of_time(rest))),
            (false, false) => 0,
        };
        if more == 0 {
            return taken;
        }
        taken += joint + more;
    }
}

/// The length of time, in milliseconds, most likely meant by words that are none.
pub fn meant(text: &str) -> Option<i64> {
    if text.contains(char::is_whitespace) {
        return meant_by(&text.split_whitespace().collect::<Vec<_>>());
    }
    let (number, unit) = split(text);
    let unit = unit.to_lowercase();
    // `1h30`: what follows hours are minutes.
    if unit.len() > 1 && unit.starts_with('h') && unit.chars().skip(1).all(|c| c.is_ascii_digit()) {
        return hold::parse(&format!("{number}{unit}m")).ok();
    }
    // Months and years have no fixed length.
    if written_out(&unit).is_some_and(|unit| unit_ms(unit).is_none()) {
        return None;
    }
    let first = written_out(&unit).or(Some(unit.as_str())).and_then(|unit| unit.chars().find(|c| "smhd".contains(*c)));
    hold::parse(&format!("{number}{}", first.unwrap_or('h'))).ok()
}

/// The sum of `one hour and 30 minutes`, as far as its parts have a fixed length.
fn meant_by(words: &[&str]) -> Option<i64> {
    let (mut sum_ms, mut amount, mut last_ms) = (0.0, None, None);
    for word in words {
        let word = lower(word);
        if let Ok(length_ms) = hold::parse(&word) {
            sum_ms += length_ms as f64;
        } else if let Some(found) = number(&word) {
            // `half an hour` is half of one; `a couple of hours` are two.
            let article = matches!(word.as_str(), "a" | "an");
            amount = if article { amount.or(Some(found)) } else { Some(found) };
        } else if let Some(unit_ms) = unit_ms(&word) {
            sum_ms += amount.take()? * unit_ms;
            last_ms = Some(unit_ms);
        }
    }
    // `an hour and a half`
    sum_ms += amount.unwrap_or(0.0) * last_ms.unwrap_or(0.0);
    let is_good = sum_ms >= 1_000.0 && sum_ms <= hold::HOLD_MAX_MS as f64;
    is_good.then_some(sum_ms as i64)
}

/// How many of the first words are an amount and a unit.
fn spoken(words: &[&str]) -> usize {
    let mut at = 0;
    while at < 4 && words.get(at).is_some_and(|word| number(&lower(word)).is_some() || (at > 0 && lower(word) == "of"))
    {
        at += 1;
    }
    let Some(unit) = words.get(at).map(|word| lower(word)).filter(|_| at > 0) else { return 0 };
    let has_digits = words.first().is_some_and(|word| word.contains(char::is_numeric));
    // Short words are too near to others: `a set of tables` is no second, and nobody lends for one: `a second look`.
    let unit_said = exactly(&unit).or_else(|| near(&unit, 5));
    let is_letter = has_digits && matches!(unit.as_str(), "s" | "m" | "h" | "d" | "w");
    let is_unit = is_letter || unit_said.is_some_and(|unit| has_digits || !unit.starts_with("sec"));
    if is_unit { at + 1 } else { 0 }
}

fn is_length_of_time(words: &[&str]) -> bool {
    words.first().is_some_and(|word| hold::parse(bare(word)).is_ok())
}

/// Without the comma after it.
pub fn bare(word: &str) -> &str {
    word.trim_end_matches([',', ';', ':', '.'])
}

fn lower(word: &str) -> String {
    bare(word).to_lowercase()
}

fn number(word: &str) -> Option<f64> {
    let said = AMOUNTS.iter().find(|(name, _)| *name == word).map(|(_, amount)| *amount);
    let typed = || {
        let (number, rest) = split(word);
        (rest.is_empty() && !number.is_empty()).then(|| number.replace(',', ".").parse().unwrap_or(f64::NAN))
    };
    said.or_else(typed)
}

fn unit_ms(unit: &str) -> Option<f64> {
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
    exactly(&unit).or_else(|| near(&unit, 3))
}

fn exactly(unit: &str) -> Option<&'static str> {
    UNITS.into_iter().find(|known| *known == unit)
}

/// The unit of at least so many letters that is at most one letter away.
fn near(unit: &str, least: usize) -> Option<&'static str> {
    let is_near = |known: &&str| known.len() >= least && strsim::damerau_levenshtein(unit, known) <= 1;
    UNITS.into_iter().filter(|_| unit.len() > 1).find(is_near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_length_of_time_is_told_from_the_first_word_of_a_sentence() {
        let words = [
            "2h",
            "2x",
            "2hh",
            "2hm",
            "1h30",
            "1H30",
            "90mn",
            "90mins",
            "2hors",
            "3dyas",
            "2hrss",
            "1.5x",
            "2y",
            "2",
            "3rd",
            "2nd",
            "5xx",
            "2fa",
            "1st",
            "404",
            "10-20",
            "2pm",
            "1204",
            "x2",
            "",
            "3é",
            "99999999999999999x",
            "-1h",
            "\u{2212}1h",
            "1e9h",
            "1,5h",
            "½h",
            "1month",
            "2weeks",
            "1mo",
            "100mb",
            "-",
            "-v",
            "24/7",
            "1-2",
        ];
        let told = |word: &&str| match (is_meant(word), hold::parse(word).ok().or_else(|| meant(word))) {
            (false, _) => format!("{word}: a word"),
            (true, Some(length_ms)) => format!("{word}: {}", hold::show(length_ms)),
            (true, None) => format!("{word}: ?"),
        };
        insta::assert_snapshot!(words.iter().map(told).collect::<Vec<_>>().join("\n"), @"
        2h: 2h
        2x: 2h
        2hh: 2h
        2hm: 2h
        1h30: 1h30m
        1H30: 1h30m
        90mn: 1h30m
        90mins: 1h30m
        2hors: 2h
        3dyas: 3d
        2hrss: 2h
        1.5x: 1h30m
        2y: 2h
        2: a word
        3rd: a word
        2nd: a word
        5xx: a word
        2fa: a word
        1st: a word
        404: a word
        10-20: a word
        2pm: a word
        1204: a word
        x2: a word
        : a word
        3é: 3h
        99999999999999999x: a word
        -1h: ?
        −1h: ?
        1e9h: ?
        1,5h: 1h30m
        ½h: ?
        1month: ?
        2weeks: 14d
        1mo: ?
        100mb: a word
        -: a word
        -v: a word
        24/7: a word
        1-2: a word
        ");
    }

    #[test]
    fn a_length_of_time_that_is_written_out_is_told_from_a_sentence() {
        let lines = [
            "1 hour why",
            "2 hours, why",
            "half an hour why",
            "an hour why",
            "a couple of hours why",
            "one hour and 30 minutes why",
            "an hour and a half why",
            "2h 30m why",
            "2h and 30m why",
            "1h 2x the load",
            "1h a second time",
            "2h and why",
            "2h an hour of work",
            "a second look",
            "30 min why",
            "2 h why",
            "-1 h why",
            "1 month why",
            "2 servers are down",
            "two people left",
            "a friend asked",
            "a set of tables",
            "a way out",
            "half the disk is full",
            "5 errors a second",
            "2",
            "a",
            "",
        ];
        let told = |line: &&str| {
            let words: Vec<_> = line.split_whitespace().collect();
            let taken = words.get(..count(&words)).unwrap_or_default().join(" ");
            let length_ms = hold::parse(&taken).ok().or_else(|| meant(&taken)).filter(|_| !taken.is_empty());
            format!("{line}: {taken:?} {}", length_ms.map(hold::show).unwrap_or_default()).trim_end().to_owned()
        };
        insta::assert_snapshot!(lines.iter().map(told).collect::<Vec<_>>().join("\n"), @r#"
        1 hour why: "1 hour" 1h
        2 hours, why: "2 hours," 2h
        half an hour why: "half an hour" 30m
        an hour why: "an hour" 1h
        a couple of hours why: "a couple of hours" 2h
        one hour and 30 minutes why: "one hour and 30 minutes" 1h30m
        an hour and a half why: "an hour and a half" 1h30m
        2h 30m why: "2h 30m" 2h30m
        2h and 30m why: "2h and 30m" 2h30m
        1h 2x the load: "1h" 1h
        1h a second time: "1h" 1h
        2h and why: "2h" 2h
        2h an hour of work: "2h" 2h
        a second look: ""
        30 min why: "30 min" 30m
        2 h why: "2 h" 2h
        -1 h why: "-1 h"
        1 month why: "1 month"
        2 servers are down: ""
        two people left: ""
        a friend asked: ""
        a set of tables: ""
        a way out: ""
        half the disk is full: ""
        5 errors a second: ""
        2: ""
        a: ""
        : ""
        "#);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}") {
            let _ = (is_meant(&text), meant(&text), count(&text.split_whitespace().collect::<Vec<_>>()));
        }
    }
}
