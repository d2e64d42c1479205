//! Moving pastes: one JSON object a line, out of the database and into it, while nobody else has it open.

use serde::{Deserialize, Serialize};

use crate::clock::Ids;
use crate::kernel::Actor;
use crate::kernel::paste::{Author, Paste, PasteEvent, PasteId, PastePlace, PasteRefusal, Text};
use crate::store::{Store, StoreError};

/// Pastes read from the database at once.
const BATCH: i64 = 100;

/// One paste as it is moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its name in the address; a new one where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What it is called.
    #[serde(default)]
    pub filename: String,
    /// Which language it is in, if somebody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Tailnet login of its author; empty if it is not known.
    #[serde(default)]
    pub owner: String,
    /// Its author's name, for people to read.
    #[serde(default)]
    pub author: String,
    /// Its author's Slack id, if Slack said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slack_id: Option<String>,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<jiff::Timestamp>,
    /// When it is gone; none: it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<jiff::Timestamp>,
    /// The text.
    pub content: String,
}

/// What came of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// It is new here.
    New,
    /// There was a paste of this id; that one stays.
    Kept,
    /// Its time was up.
    Expired,
}

/// Why one line is not moved.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// It is no paste.
    #[error("{0}")]
    NotOne(String),
    /// A paste cannot be like this.
    #[error("{0}")]
    Refused(#[from] PasteRefusal),
    /// The database did not do it.
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl Line {
    /// Out of one line of text.
    ///
    /// # Errors
    /// It is not one.
    pub fn read(text: &str) -> Result<Self, MoveError> {
        serde_json::from_str(text).map_err(|error| MoveError::NotOne(format!("not a paste: {error}")))
    }

    /// Whose it is.
    pub fn author(&self) -> Author {
        let login = Some(self.owner.to_lowercase()).filter(|login| !login.is_empty());
        let name = if self.author.is_empty() { self.owner.clone() } else { self.author.clone() };
        Author { slack_id: self.slack_id.clone(), login, name }
    }

    /// The text, checked.
    ///
    /// # Errors
    /// A paste cannot be like this.
    pub fn text(&self) -> Result<Text, MoveError> {
        Ok(Text::new(&self.filename, self.language.as_deref(), self.content.clone())?)
    }

    fn of(paste: Paste, content: String) -> Self {
        let time = |at: i64| jiff::Timestamp::from_millisecond(at).ok();
        Self {
            id: Some(paste.id.to_string()),
            filename: paste.filename,
            language: paste.language,
            owner: paste.author.login.unwrap_or_default(),
            author: paste.author.name,
            slack_id: paste.author.slack_id,
            created_at: time(paste.created_at),
            expires_at: paste.expires_at.and_then(time),
            content,
        }
    }
}

/// Gives every paste that stands here to `line`, oldest first. What lives for a grant is left out: it goes with it.
///
/// # Errors
/// The database did not answer.
pub async fn export(store: &Store, now: i64, mut line: impl FnMut(Line)) -> Result<(), StoreError> {
    let mut after = (i64::MIN, String::new());
    loop {
        let pastes = store.pastes_after((after.0, &after.1), now, BATCH).await?;
        let Some(last) = pastes.last() else { return Ok(()) };
        after = (last.created_at, last.id.to_string());
        for paste in pastes.into_iter().filter(|paste| paste.key.is_none()) {
            let content = store.paste_content(&paste.id).await?.unwrap_or_default();
            line(Line::of(paste, content));
        }
    }
}

/// Keeps one paste in the database, with its audit entry.
///
/// # Errors
/// It is none, or was not saved.
pub async fn import(store: &Store, line: &Line, ids: &Ids, now: i64) -> Result<Moved, MoveError> {
    let id = match &line.id {
        Some(id) => PasteId::read(&id.to_lowercase()),
        None => PasteId::read(&ids.uuid()),
    };
    let id = id.ok_or_else(|| MoveError::NotOne("its id is no UUID".to_owned()))?;
    let expires_at = line.expires_at.map(jiff::Timestamp::as_millisecond);
    if expires_at.is_some_and(|at| at <= now) {
        return Ok(Moved::Expired);
    }
    let text = line.text()?;
    let mut tx = store.begin().await?;
    if tx.paste(&id).await?.is_some() {
        return Ok(Moved::Kept);
    }
    let paste = Paste {
        id,
        filename: text.filename,
        language: text.language,
        author: line.author(),
        size_bytes: text.content.len(),
        created_at: line.created_at.map_or(now, jiff::Timestamp::as_millisecond),
        expires_at,
        place: PastePlace::Here,
        key: None,
    };
    tx.insert_paste(&paste, &text.content).await?;
    let event = PasteEvent::PasteImported { filename: paste.filename.clone(), author: paste.author.clone() };
    tx.note(&(&paste.id).into(), &Actor::Operator { by: None }, &event, "kept", now).await?;
    tx.commit().await?;
    Ok(Moved::New)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn store(folder: &tempfile::TempDir, name: &str) -> Store {
        Store::open(&format!("sqlite://{}", folder.path().join(name).display())).await.unwrap()
    }

    const LINE: &str = r#"{"id":"0b9b23d8-5b1c-4a1e-9c43-7d6d2c1f0e5a","filename":"a.md","owner":"Alice@example.com","author":"Alice","created_at":"2026-01-02T03:04:05Z","content":"x\ny"}"#;

    #[tokio::test]
    async fn what_was_exported_can_be_imported_elsewhere_once() {
        let folder = tempfile::tempdir().unwrap();
        let (here, there, ids) = (store(&folder, "a.db").await, store(&folder, "b.db").await, Ids::counted());
        let line = Line::read(LINE).unwrap();
        assert_eq!(import(&here, &line, &ids, 0).await.unwrap(), Moved::New);
        assert_eq!(import(&here, &line, &ids, 0).await.unwrap(), Moved::Kept);
        let mut lines = Vec::new();
        export(&here, 0, |line| lines.push(line)).await.unwrap();
        assert_eq!(lines.len(), 1);
        assert_eq!((lines[0].owner.as_str(), lines[0].content.as_str()), ("alice@example.com", "x\ny"));
        assert_eq!(import(&there, &lines[0], &ids, 0).await.unwrap(), Moved::New);
        let mut again = Vec::new();
        export(&there, 0, |line| again.push(line)).await.unwrap();
        assert_eq!(lines, again);
        assert!(there.verify_audit().await.unwrap().is_ok());
    }

    #[tokio::test]
    async fn many_pastes_of_one_moment_are_all_exported() {
        let folder = tempfile::tempdir().unwrap();
        let (store, ids) = (store(&folder, "a.db").await, Ids::counted());
        for _ in 0..BATCH + 5 {
            let line = Line { id: None, ..Line::read(LINE).unwrap() };
            import(&store, &line, &ids, 0).await.unwrap();
        }
        let mut count = 0;
        export(&store, 0, |_| count += 1).await.unwrap();
        assert_eq!(count, BATCH + 5);
    }

    #[tokio::test]
    async fn what_is_no_paste_or_over_is_told_so() {
        let folder = tempfile::tempdir().unwrap();
        let (store, ids) = (store(&folder, "a.db").await, Ids::counted());
        assert!(Line::read("{}").is_err());
        let line = Line::read(LINE).unwrap();
        let wrong_id = Line { id: Some("../x".to_owned()), ..line.clone() };
        assert!(import(&store, &wrong_id, &ids, 10).await.is_err());
        let empty = Line { content: " ".to_owned(), ..line.clone() };
        assert!(import(&store, &empty, &ids, 10).await.is_err());
        let over = Line { expires_at: jiff::Timestamp::from_millisecond(9).ok(), ..line };
        assert_eq!(import(&store, &over, &ids, 10).await.unwrap(), Moved::Expired);
    }
}
