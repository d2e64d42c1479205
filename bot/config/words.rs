//! Words people wrote, made safe to show, and the nearest right one.

/// The word people most likely meant: at most a third of its letters differ, or only case and dashes do.
pub fn nearest<'w>(wrong: &str, words: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    if wrong.chars().count() > 64 {
        return None;
    }
    let plain = |word: &str| word.to_lowercase().replace('-', "_");
    let wrong = plain(wrong);
    words
        .into_iter()
        .map(|word| (strsim::damerau_levenshtein(&wrong, &plain(word)), word))
        .filter(|(distance, word)| *distance <= (word.chars().count() / 3).clamp(1, 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// A word of a file inside a message: in backticks, without anything that commands a terminal, at most 60 characters.
pub fn quoted(word: &str) -> String {
    let mut shown: String = word.chars().take(60).collect();
    if word.chars().nth(60).is_some() {
        shown.push('…');
    }
    format!("`{}`", cleaned(&shown))
}

/// The text without anything that commands a terminal.
pub fn cleaned(text: &str) -> String {
    text.chars().map(clean).collect()
}

/// `�` for control characters and for those that turn the direction of writing.
pub fn clean(character: char) -> char {
    let turns = matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if turns || character.is_control() { '\u{fffd}' } else { character }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_and_a_far_one_is_not() {
        let words = ["title", "approve", "lapse_after", "own_request"];
        assert_eq!(nearest("titel", words), Some("title"));
        assert_eq!(nearest("Approve", words), Some("approve"));
        assert_eq!(nearest("lapse-after", words), Some("lapse_after"));
        assert_eq!(nearest("banana", words), None);
        assert_eq!(nearest("", words), None);
    }

    #[test]
    fn what_commands_a_terminal_is_not_shown() {
        assert_eq!(quoted("a\u{1b}[31mb\u{202e}c"), "`a�[31mb�c`");
    }
}
