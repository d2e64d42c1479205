//! The rules of pastes: what may be pasted, who may delete, when one is gone, and what should be asked about first.

mod event;
mod life;
mod name;
mod suspects;

use serde::{Deserialize, Serialize};

pub use event::PasteEvent;
pub use life::{Decided, Known, Row, Wish, decide};
pub use name::{named_with_language, tidy_filename};
pub use suspects::{Suspect, suspects, suspects_in_name};

/// Go reads forms of at most 10 MiB (`net/http` `maxFormSize`), and tclip gets its text as one. A byte takes at most
/// three in a form, so this fits whatever it holds.
pub const CONTENT_MAX_BYTES: usize = 3 * 1024 * 1024;
/// Longer names are cut; a page and a download show them whole.
pub const FILENAME_MAX_CHARACTERS: usize = 120;
/// What tclip calls a paste without a name.
pub const UNTITLED: &str = "untitled";
/// How long a text waits for the second click.
pub const DRAFT_KEPT_MS: i64 = 15 * 60 * 1000;

/// Names one paste: a UUID, because knowing it is what lets one read it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasteId(String);

impl PasteId {
    /// The id, if the text is one: a UUID, in lower case.
    pub fn read(text: &str) -> Option<Self> {
        let lengths = text.split('-').map(str::len);
        let is_id = lengths.eq([8, 4, 4, 4, 12])
            && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase());
        is_id.then(|| Self(text.to_owned()))
    }

    /// The id in what a person gives: the id itself, or the address of a paste's page (or of its raw text and the like).
    pub fn find(text: &str) -> Option<Self> {
        let text = text.trim();
        let path = match text.split_once("://") {
            Some((_, rest)) => rest.split_once('/').map(|(_, path)| path)?,
            None => text,
        };
        let path = path.split(['?', '#']).next().unwrap_or(path);
        path.split('/').find_map(|part| Self::read(&part.to_ascii_lowercase()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for PasteId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whose a paste is. The name is for people to read and proves nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// `U...` or `W...`, if Slack said it.
    pub slack_id: Option<String>,
    /// The tailnet login, if the tailnet said it.
    pub login: Option<String>,
    /// For people to read; never compared.
    pub name: String,
}

impl Author {
    /// Whether both are the same person. Where Slack knows both, its accounts decide: the login of an account follows its
    /// e-mail, and that can be changed to somebody else's. Else the logins decide. Two without an id in common are not.
    pub fn is_same(&self, other: &Self) -> bool {
        if let (Some(one), Some(two)) = (&self.slack_id, &other.slack_id) {
            return one == two;
        }
        match (&self.login, &other.login) {
            (Some(one), Some(two)) => !one.is_empty() && one.eq_ignore_ascii_case(two),
            _ => false,
        }
    }

    /// The login, else the name.
    pub fn shown(&self) -> &str {
        self.login.as_deref().unwrap_or(&self.name)
    }
}

/// A text somebody wants pasted. Made by `Text::new`, so that what exists is valid.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// What to call it; never empty.
    pub filename: String,
    /// Which language it is in, as people or Slack call it, if they said.
    pub language: Option<String>,
    /// The text, byte for byte.
    pub content: String,
}

/// What people paste belongs into no log.
impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Text").field("filename", &self.filename).field("bytes", &self.content.len()).finish()
    }
}

/// Why something is not pasted or not deleted. The words are for whoever asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "refusal", rename_all = "snake_case")]
pub enum PasteRefusal {
    /// Nothing in it.
    #[error("there is nothing in it")]
    Empty,
    /// More than a paste can hold.
    #[error("it has {bytes} bytes, and a paste can have at most {max}")]
    TooLarge {
        /// How much it is.
        bytes: usize,
        /// How much it may be.
        max: usize,
    },
    /// One person has as many as they may.
    #[error("you have {most} pastes here, and nobody may have more; delete some first, `/paste list` shows them")]
    TooMany {
        /// How many that is.
        most: u32,
    },
    /// What one person has takes as much room as it may.
    #[error(
        "your pastes here would have more than {most_mib} MiB together, and nobody may have more; delete some first, `/paste list` shows them"
    )]
    TooMuch {
        /// How much that is.
        most_mib: u64,
    },
    /// Too many texts of one person wait for their second click.
    #[error("nobody may have more texts waiting for a click than {most}; press a button on one of yours first")]
    TooManyDrafts {
        /// How many that is.
        most: u32,
    },
    /// Not a text.
    #[error("it is not a text (it must be UTF-8 without zero bytes)")]
    NotText,
    /// Not there, or not any more.
    #[error("there is no such paste, or its time was up")]
    Gone,
    /// Somebody else's.
    #[error("it is {owner}'s paste, and only they can delete it")]
    NotYours {
        /// Whose.
        owner: String,
    },
    /// It lives as long as a grant.
    #[error("it lives as long as access is held, and goes when that ends; `/access list` shows it")]
    Held,
}

impl Text {
    /// Checks a text. The name is cut to its last part and made one line; an empty one becomes `untitled`.
    ///
    /// # Errors
    /// Empty, too large, or not a text.
    pub fn new(filename: &str, language: Option<&str>, content: String) -> Result<Self, PasteRefusal> {
        if content.trim().is_empty() {
            return Err(PasteRefusal::Empty);
        }
        if content.len() > CONTENT_MAX_BYTES {
            return Err(PasteRefusal::TooLarge { bytes: content.len(), max: CONTENT_MAX_BYTES });
        }
        if content.contains('\0') {
            return Err(PasteRefusal::NotText);
        }
        let language = language.map(|language| language.trim().to_lowercase()).filter(|language| is_word(language));
        Ok(Self { filename: tidy_filename(filename), language, content })
    }

    /// The same from bytes.
    ///
    /// # Errors
    /// As `new`.
    pub fn from_bytes(filename: &str, language: Option<&str>, bytes: Vec<u8>) -> Result<Self, PasteRefusal> {
        if bytes.len() > CONTENT_MAX_BYTES {
            return Err(PasteRefusal::TooLarge { bytes: bytes.len(), max: CONTENT_MAX_BYTES });
        }
        let content = String::from_utf8(bytes).map_err(|_| PasteRefusal::NotText)?;
        Self::new(filename, language, content)
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.len() <= 40 && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-_#. ".contains(c))
}

/// Where a paste stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "place", rename_all = "snake_case")]
pub enum PastePlace {
    /// With us.
    Here,
    /// At a tclip; we only remember that.
    Tclip {
        /// Its page.
        url: String,
    },
}

/// A paste, without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paste {
    /// Its name in the address.
    pub id: PasteId,
    /// What it is called.
    pub filename: String,
    /// Which language it is in, if somebody said.
    pub language: Option<String>,
    /// Whose it is.
    pub author: Author,
    /// How long the text is, in bytes.
    pub size_bytes: usize,
    /// When it was made, milliseconds since the Unix epoch.
    pub created_at: i64,
    /// When it is gone, milliseconds since the Unix epoch; none: it stays. Of one that steps hold the ledger says it.
    pub expires_at: Option<i64>,
    /// Where it stands.
    pub place: PastePlace,
    /// The key of the step that holds it; none for what people pasted themselves.
    pub key: Option<String>,
}

impl Paste {
    /// Whether it is still there. What is expired is gone even if it was not yet removed.
    pub fn is_there(&self, now: i64) -> bool {
        self.expires_at.is_none_or(|at| now < at)
    }

    /// Whether `who` may delete it.
    ///
    /// # Errors
    /// Gone, somebody else's, or held by a grant.
    pub fn check_delete(&self, who: &Author, now: i64) -> Result<(), PasteRefusal> {
        if !self.is_there(now) {
            return Err(PasteRefusal::Gone);
        }
        if !self.author.is_same(who) {
            return Err(PasteRefusal::NotYours { owner: self.author.shown().to_owned() });
        }
        if self.key.is_some() {
            return Err(PasteRefusal::Held);
        }
        Ok(())
    }
}

/// A text that waits for a second click.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Its name in the button.
    pub id: PasteId,
    /// Who may send it: only who wrote it.
    pub slack_id: String,
    /// What.
    pub text: Text,
    /// When it is forgotten, milliseconds since the Unix epoch.
    pub expires_at: i64,
}

/// A text that is to be posted to a tclip; the text itself is in the draft of this id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    /// The draft's.
    pub id: PasteId,
    /// Whose it is.
    pub author: Author,
    /// What tclip is to call it, with its author in front.
    pub filename: String,
    /// Which language it is in, if somebody said.
    pub language: Option<String>,
    /// How long the text is, in bytes.
    pub size_bytes: usize,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
    /// It waited for a second click, and does so again if it cannot be posted.
    pub was_draft: bool,
    /// Its author has the text back, so it is not posted any more: it is only found out whether it was.
    pub is_returned: bool,
    /// Fingerprint of the delivery that brought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<String>,
}

impl Posting {
    /// The draft that has its text.
    pub fn as_draft(&self, content: &str, expires_at: i64) -> Draft {
        let text =
            Text { filename: self.filename.clone(), language: self.language.clone(), content: content.to_owned() };
        Draft { id: self.id.clone(), slack_id: self.author.slack_id.clone().unwrap_or_default(), text, expires_at }
    }
}

/// A paste that is to be deleted at a tclip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    /// Which.
    pub paste: Paste,
    /// Who wants it.
    pub who: Author,
    /// It was written down here; else only tclip knew it.
    pub is_known: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0b9b23d8-5b1c-4a1e-9c43-7d6d2c1f0e5a";

    #[test]
    fn an_id_is_found_in_what_people_paste_back() {
        for text in [
            ID.to_owned(),
            format!("https://paste.example.ts.net/paste/{ID}"),
            format!("http://paste/paste/{ID}/raw?x=1#top"),
            format!(" paste/{} ", ID.to_uppercase()),
        ] {
            assert_eq!(PasteId::find(&text).as_ref().map(PasteId::as_str), Some(ID), "{text}");
        }
        for text in
            ["", "latest", "https://paste/paste/", "https://x", "0b9b23d8-5b1c-4a1e-9c43-7d6d2c1f0e5", "../../x"]
        {
            assert_eq!(PasteId::find(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_pasted_is_a_text_of_a_size() {
        let check = |content: &str| Text::new("a.txt", None, content.to_owned()).map(drop);
        assert_eq!(check("x"), Ok(()));
        assert_eq!(check(" \n\t"), Err(PasteRefusal::Empty));
        assert_eq!(check("a\0b"), Err(PasteRefusal::NotText));
        assert_eq!(check(&"x".repeat(CONTENT_MAX_BYTES)), Ok(()));
        let bytes = CONTENT_MAX_BYTES + 1;
        assert_eq!(check(&"x".repeat(bytes)), Err(PasteRefusal::TooLarge { bytes, max: CONTENT_MAX_BYTES }));
        assert_eq!(Text::from_bytes("a", None, vec![0xff, 0xfe]).map(drop), Err(PasteRefusal::NotText));
    }

    fn paste(author: Author, expires_at: Option<i64>, key: Option<&str>) -> Paste {
        Paste {
            id: PasteId::read(ID).unwrap(),
            filename: "a".to_owned(),
            language: None,
            author,
            size_bytes: 1,
            created_at: 0,
            expires_at,
            place: PastePlace::Here,
            key: key.map(str::to_owned),
        }
    }

    fn author(slack_id: Option<&str>, login: Option<&str>) -> Author {
        Author { slack_id: slack_id.map(str::to_owned), login: login.map(str::to_owned), name: "Alice".to_owned() }
    }

    #[test]
    fn only_its_author_deletes_a_paste_and_a_name_proves_nothing() {
        let hers = author(Some("U1"), Some("alice@example.com"));
        let check = |who: Author| paste(hers.clone(), None, None).check_delete(&who, 0);
        assert_eq!(check(author(Some("U1"), None)), Ok(()));
        assert_eq!(check(author(None, Some("Alice@example.com"))), Ok(()));
        assert_eq!(check(author(Some("U1"), Some("renamed@example.com"))), Ok(()));
        for other in [
            author(Some("U2"), None),
            author(None, Some("bob@example.com")),
            author(None, None),
            // Another account whose e-mail was changed to hers.
            author(Some("U2"), Some("alice@example.com")),
        ] {
            assert!(matches!(check(other), Err(PasteRefusal::NotYours { .. })));
        }
        let nobodys = paste(author(None, None), None, None);
        assert!(nobodys.check_delete(&author(None, None), 0).is_err());
        assert!(paste(author(None, Some("")), None, None).check_delete(&author(None, Some("")), 0).is_err());
    }

    #[test]
    fn what_is_expired_is_gone_and_what_a_grant_holds_stays() {
        let alice = author(Some("U1"), None);
        assert!(paste(alice.clone(), Some(10), None).is_there(9));
        assert!(!paste(alice.clone(), Some(10), None).is_there(10));
        assert_eq!(paste(alice.clone(), Some(10), None).check_delete(&alice, 10), Err(PasteRefusal::Gone));
        assert_eq!(paste(alice.clone(), None, Some("k")).check_delete(&alice, 0), Err(PasteRefusal::Held));
    }
}
