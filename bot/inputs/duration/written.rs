//! Lengths of time as people write them in several words (`15 minutes`, `1h 30m`, `half an hour`), where they can mean nothing else.

use super::mistyped::{clean, said};
use crate::kernel::hold;

/// Words for an amount that leave open how much it is.
const VAGUE: [&str; 9] = ["couple", "few", "several", "some", "another", "whole", "full", "entire", "all"];

/// The length of time that the first words are, in milliseconds, and how many words it takes: at least two. None where they could begin
/// a sentence, or where what follows leaves a doubt: `2 days of downtime`, `3 hours ago`, `2h 30`.
pub fn first(words: &[&str]) -> Option<(usize, i64)> {
    let words: Vec<String> = words.iter().take(12).map(|word| clean(word).to_lowercase()).collect();
    let (mut taken, mut sum_ms) = (0, 0.0);
    loop {
        let rest = words.get(taken..).unwrap_or_default();
        let joint = usize::from(taken > 0 && rest.first().is_some_and(|word| word == "and"));
        let Some((count, part_ms)) = part(rest.get(joint..).unwrap_or_default()) else { break };
        taken += joint + count;
        sum_ms += part_ms;
    }
    let next = words.get(taken).map(String::as_str).unwrap_or_default();
    let is_open = next == "of" || said::is_in_a_sentence(next) || next.starts_with(char::is_numeric) || next == "and";
    let is_good = sum_ms >= 1_000.0 && sum_ms <= hold::HOLD_MAX_MS as f64;
    (taken > 1 && is_good && !is_open).then_some((taken, sum_ms as i64))
}

/// One amount with its unit.
fn part(words: &[String]) -> Option<(usize, f64)> {
    let word = |at: usize| words.get(at).map(String::as_str).unwrap_or_default();
    let has_digits = word(0).starts_with(|first: char| first.is_ascii_digit());
    if has_digits && let Ok(length_ms) = hold::parse(word(0)) {
        return Some((1, length_ms as f64));
    }
    if has_digits {
        let number: f64 = word(0).replace(',', ".").parse().ok()?;
        let unit = match word(1) {
            "s" => "second",
            "m" => "minute",
            "h" => "hour",
            "d" => "day",
            unit => unit,
        };
        return Some((2, number * unit_ms(unit)?));
    }
    let is_article = |word: &str| matches!(word, "a" | "an");
    let (count, amount) = match (word(0), word(1)) {
        ("half", article) if is_article(article) => (2, 0.5),
        // `an hour` may begin a sentence: only with its half.
        (article, _) if is_article(article) => {
            let is_half = word(2) == "and" && is_article(word(3)) && word(4) == "half";
            return is_half.then(|| Some((5, unit_ms(word(1))? * 1.5))).flatten();
        }
        (word, _) if !VAGUE.contains(&word) => (1, said::amount(word)?),
        _ => return None,
    };
    // Nobody lends for a second: `one second thought`.
    let unit = Some(word(count)).filter(|unit| said::unit(unit).is_some_and(|unit| !unit.starts_with("sec")))?;
    Some((count + 1, amount * unit_ms(unit)?))
}

/// Of units that are written exactly so, and always last as long.
fn unit_ms(unit: &str) -> Option<f64> {
    said::unit(unit).and_then(super::mistyped::unit_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_only_be_a_length_of_time_is_one() {
        for (line, expected) in [
            ("15 minutes fix", "15m in 2"),
            ("2 h other", "2h in 2"),
            ("10 m, other", "10m in 2"),
            ("1 day x", "1d in 2"),
            ("two hours x", "2h in 2"),
            ("2 Stunden x", "2h in 2"),
            ("half an hour x", "30m in 3"),
            ("1h 30m split", "1h30m in 2"),
            ("1.5 hours x", "1h30m in 2"),
            ("1,5 hours x", "1h30m in 2"),
            ("one hour and 30 minutes", "1h30m in 5"),
            ("an hour and a half x", "1h30m in 5"),
            ("1 week 2 days", "9d in 4"),
            ("2 hours", "2h in 2"),
            ("“2 hours” x", "2h in 2"),
            // One word is read elsewhere.
            ("2h x", "?"),
            ("2h and why", "?"),
            ("2h 30 x", "?"),
            ("90 x", "?"),
            ("2 servers are down", "?"),
            ("2 days of downtime", "?"),
            ("3 hours ago it broke", "?"),
            ("an hour of work", "?"),
            ("a second look", "?"),
            ("one second thought", "?"),
            ("a couple of hours", "?"),
            ("1 month x", "?"),
            ("2 hors x", "?"),
            ("400 days x", "?"),
            ("0 hours x", "?"),
            ("-2 hours x", "?"),
            ("for 2 hours", "?"),
            ("999999999999999999999999 h", "?"),
            ("", "?"),
        ] {
            let line = line.replace(['“', '”'], "\"");
            let words: Vec<&str> = line.split_whitespace().collect();
            let found = first(&words).map(|(count, length_ms)| format!("{} in {count}", hold::show(length_ms)));
            assert_eq!(found.as_deref().unwrap_or("?"), expected, "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_words_make_it_panic(line in ".{0,80}") {
            let words: Vec<&str> = line.split_whitespace().collect();
            proptest::prop_assert!(first(&words).is_none_or(|(count, _)| count <= words.len()));
        }
    }
}
