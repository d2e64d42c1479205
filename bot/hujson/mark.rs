//! The comment in front of everything of ours: which requests it is there for, and a few words for people.

use std::collections::BTreeSet;

/// What every such comment begins with.
const WORD: &str = "nightlatch";
/// What stands before a section or a list that was not there.
const ADDED: &str = "nightlatch: added, and removed with its last entry";
/// The longest words, in characters.
const WORDS_MAX: usize = 120;

/// Which requests an entry is there for, as the comment in front of it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Their ids; none where the entry itself says what it is for.
    pub requests: BTreeSet<String>,
    /// For people: who holds it. Anything; what a comment cannot hold is left out when it is written.
    pub words: String,
}

impl Mark {
    /// For one request.
    pub fn of(request: &str, words: &str) -> Self {
        Self { requests: [request.to_owned()].into(), words: words.to_owned() }
    }

    /// The comment without what begins and ends it: one line, and nothing in it that would end it.
    pub(super) fn comment(&self) -> String {
        let ids: Vec<String> = self.requests.iter().map(|id| id.chars().filter(is_of_an_id).collect()).collect();
        let ids = ids.join(", ");
        let space = if ids.is_empty() { "" } else { " " };
        format!("{WORD}{space}{ids}: {}", tame(&self.words)).trim_end().to_owned()
    }

    /// Reads a comment; nothing if it is none of ours.
    pub(super) fn read(comment: &str) -> Option<Self> {
        let rest = comment.strip_prefix(WORD).filter(|_| !is_added(comment))?;
        let (ids, words) = rest.split_once(':')?;
        let ids = ids.strip_prefix(' ').unwrap_or(ids);
        let requests: BTreeSet<String> = ids.split(", ").filter(|id| !id.is_empty()).map(str::to_owned).collect();
        let is_ours = requests.iter().all(|id| id.chars().all(|character| is_of_an_id(&character)));
        is_ours.then(|| Self { requests, words: words.trim().to_owned() })
    }
}

/// The comment before a section or a list that was not there.
pub(super) fn added() -> &'static str {
    ADDED
}

/// Whether a comment says that what follows was not there.
pub(super) fn is_added(comment: &str) -> bool {
    comment == ADDED
}

fn is_of_an_id(character: &char) -> bool {
    character.is_ascii_alphanumeric() || *character == '-' || *character == '_'
}

/// One line of words that end no comment.
fn tame(words: &str) -> String {
    let is_odd = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') || is_turning(c);
    let plain: String = words.chars().map(|c| if is_odd(c) { ' ' } else { c }).collect();
    let mut words = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    while words.contains("*/") || words.contains("/*") {
        words = words.replace("*/", "* /").replace("/*", "/ *");
    }
    words.chars().take(WORDS_MAX).collect::<String>().trim_end_matches(['*', '/', ' ']).to_owned()
}

/// Characters that show text in another order than it has.
fn is_turning(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
