//! Names of links: which are allowed, and when two spellings mean the same link.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::go_url::path_escape;

/// Longest name in bytes. golink has no limit; a longer one could not be typed in Slack beside an address.
pub const NAME_MAX: usize = 200;

/// The one spelling behind all spellings: lower case, without dashes, escaped for a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LinkId(String);

impl LinkId {
    /// Of any spelling, also of one that is not allowed as a new name.
    pub fn of(short: &str) -> Self {
        Self(path_escape(&short.to_lowercase()).replace('-', ""))
    }

    /// An id that was stored before.
    pub fn from_stored(id: &str) -> Self {
        Self(id.to_owned())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a name is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum NameError {
    /// Nothing there.
    #[error("a name is missing")]
    Empty,
    /// Something else than letters, digits, `_`, `-` and `.`, or a `-` or `.` in front.
    #[error("a name starts with a letter or digit; letters, digits, dashes, periods and underscores may follow")]
    Characters,
    /// Longer than `NAME_MAX`.
    #[error("a name has at most {NAME_MAX} characters")]
    TooLong,
}

/// Whether a new link may have this name: golink's `^\w[\w\-\.]*$`, where letters are ASCII.
pub fn check_name(short: &str) -> Result<(), NameError> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match short.chars().next() {
        None => Err(NameError::Empty),
        Some(first) if !word(first) => Err(NameError::Characters),
        Some(_) if !short.chars().all(|c| word(c) || matches!(c, '-' | '.')) => Err(NameError::Characters),
        Some(_) if short.len() > NAME_MAX => Err(NameError::TooLong),
        Some(_) => Ok(()),
    }
}

/// Without the punctuation that chat programs and people leave at the end of a link. golink tries this when the name as
/// it stands is unknown.
pub fn without_punctuation(short: &str) -> &str {
    short.trim_end_matches(['.', ',', '(', ')', '[', ']', '{', '}'])
}

/// As `without_punctuation`, and without whatever else is copied along with a link and can be in no name: spaces, quotes, `:`.
pub fn without_signs(short: &str) -> &str {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    without_punctuation(short.trim_end_matches(|c: char| !is_part(c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_allowed_as_golink_allows_them() {
        for good in ["who", "Prod-Runbook", "a.b", "_x", "9", "a-", "a."] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        for bad in ["-a", ".new", "a b", "a/b", "a+", "prоd", "é", "a,", "<a>", "a\n"] {
            assert_eq!(check_name(bad), Err(NameError::Characters), "{bad}");
        }
        assert_eq!(check_name(""), Err(NameError::Empty));
        assert_eq!(check_name(&"a".repeat(201)), Err(NameError::TooLong));
    }

    #[test]
    fn case_and_dashes_make_no_other_link_but_periods_and_underscores_do() {
        assert_eq!(LinkId::of("Prod-Run-Book"), LinkId::of("prodrunbook"));
        assert_eq!(LinkId::of("-prod-"), LinkId::of("prod"));
        assert_ne!(LinkId::of("prod.db"), LinkId::of("proddb"));
        assert_ne!(LinkId::of("prod_db"), LinkId::of("prod-db"));
        assert_eq!(without_punctuation("who),"), "who");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic_and_every_spelling_has_one_id(text in ".{0,40}") {
            let _ = check_name(&text);
            if check_name(&text).is_ok() {
                assert_eq!(LinkId::of(&text), LinkId::of(&text.to_uppercase()));
                assert_eq!(LinkId::of(&text), LinkId::of(&text.replace('-', "")));
            }
        }
    }
}
