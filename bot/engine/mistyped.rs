//! Lengths of time that were mistyped: told from the first word of a sentence, and what was meant by them.

use crate::kernel::hold;

/// Longer words are no length of time, right or wrong.
const LENGTH_MAX: usize = 16;
/// As people write them out.
const UNITS: [&str; 12] =
    ["sec", "secs", "seconds", "min", "mins", "minute", "minutes", "hour", "hours", "hrs", "day", "days"];

/// Whether a word is meant as a length of time, right or wrong: `2h`, `2hh`, `2x`, `1h30`, `90mn`, `2hors`. Not `2`, `3rd`, `5xx`
/// or `2fa`: those begin a sentence.
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

/// The length of time, in milliseconds, most likely meant by a word that is none.
pub fn meant(word: &str) -> Option<i64> {
    let (number, unit) = split(word);
    let unit = unit.to_lowercase();
    // `1h30`: what follows hours are minutes.
    if unit.len() > 1 && unit.starts_with('h') && unit.chars().skip(1).all(|c| c.is_ascii_digit()) {
        return hold::parse(&format!("{number}{unit}m")).ok();
    }
    let first = written_out(&unit).or(Some(unit.as_str())).and_then(|unit| unit.chars().find(|c| "smhd".contains(*c)));
    hold::parse(&format!("{number}{}", first.unwrap_or('h'))).ok()
}

/// The number a word starts with, and the rest.
fn split(word: &str) -> (&str, &str) {
    let rest = word.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    word.split_at_checked(word.len().saturating_sub(rest.len())).unwrap_or(("", word))
}

/// The unit, written out, that is at most one letter away.
fn written_out(unit: &str) -> Option<&'static str> {
    let unit = unit.to_lowercase();
    UNITS.into_iter().find(|known| unit.len() > 1 && strsim::damerau_levenshtein(&unit, known) <= 1)
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
        ");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}") {
            let _ = (is_meant(&text), meant(&text));
        }
    }
}
