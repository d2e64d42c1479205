//! The anchor: the head of the audit log in a second place, so that an older copy of the database, or a log written anew, is noticed.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{AuditLog, Head, StoreError, Tx, file};
use crate::kernel::kept::{self, Kept, Raise};

/// More than an anchor can be: something else stands there.
const SIZE_MAX: u64 = 4_096;

/// The file that holds the anchor.
#[derive(Clone, Debug)]
pub struct AnchorFile {
    path: PathBuf,
}

/// As it stands in the file.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    seq: i64,
    hash: String,
    /// When it was written, milliseconds since the Unix epoch; for people.
    at: i64,
}

impl Kept for Line {
    const KIND: &'static str = "anchor";
    const RAISES: &'static [Raise] = &[];
}

/// Why there is no telling what the anchor says.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    /// The system says no.
    #[error("the anchor {path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is there, and it is no anchor.
    #[error("the anchor {0} is damaged, or another file")]
    Damaged(PathBuf),
}

/// The log does not go on from where the anchor says that it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// It ends before: an older copy of the database was put back, or the end was cut off.
    Older {
        /// What was known to be saved.
        anchor: Head,
        /// Where the log ends.
        end: Head,
    },
    /// It has another entry there: an older copy was put back and went on, or the log was written anew.
    Other {
        /// What was known to be saved.
        anchor: Head,
        /// Where the log ends.
        end: Head,
    },
    /// Nobody can tell.
    Unknown(String),
}

impl Mismatch {
    /// What was known to be saved, if that is known.
    pub fn anchor(&self) -> Option<&Head> {
        match self {
            Self::Older { anchor, .. } | Self::Other { anchor, .. } => Some(anchor),
            Self::Unknown(_) => None,
        }
    }
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Older { anchor, end } => write!(
                f,
                "the database is older than its anchor: its log ends with entry {}, and entry {} was written",
                end.seq, anchor.seq
            ),
            Self::Other { anchor, .. } => write!(
                f,
                "the database is not the one that was anchored: entry {} of its log is another one",
                anchor.seq
            ),
            Self::Unknown(why) => f.write_str(why),
        }
    }
}

impl AnchorFile {
    /// The anchor in this file, which need not exist yet.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it says; nothing if there is none.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub fn read(&self) -> Result<Option<Head>, AnchorError> {
        let unreadable = |source| AnchorError::Unreadable { path: self.path.clone(), source };
        let damaged = || AnchorError::Damaged(self.path.clone());
        match std::fs::metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
            Ok(file) if !file.is_file() || file.len() > SIZE_MAX => return Err(damaged()),
            Ok(_) => {}
        }
        let text = std::fs::read(&self.path).map_err(unreadable)?;
        let text = std::str::from_utf8(&text).map_err(|_| damaged())?;
        let Line { seq, hash, .. } = kept::read(text.trim()).map_err(|_| damaged())?;
        if seq < 0 || hash.is_empty() != (seq == 0) {
            return Err(damaged());
        }
        Ok(Some(Head { seq, hash }))
    }

    /// Writes it down, so that a crash leaves the old one or the new one and never half of it. Blocks.
    ///
    /// # Errors
    /// As the system says.
    pub fn write(&self, head: &Head, at: i64) -> io::Result<()> {
        let path = file::resolve(&self.path)?;
        let new = file::beside(&path, ".new");
        let line = Line { seq: head.seq, hash: head.hash.clone(), at };
        let mut text = kept::write(&line).map_err(io::Error::other)?;
        text.push('\n');
        let mut made = file::private().truncate(true).open(&new)?;
        made.write_all(text.as_bytes())?;
        made.sync_all()?;
        std::fs::rename(&new, &path)?;
        // The new name is saved with its folder.
        path.parent().map_or(Ok(()), |folder| std::fs::File::open(folder)?.sync_all())
    }

    /// Puts what stands there out of the way and keeps it; says where it is now. Nothing if there was nothing.
    ///
    /// # Errors
    /// As the system says.
    pub fn set_aside(&self) -> io::Result<Option<PathBuf>> {
        let path = file::resolve(&self.path)?;
        let old = file::beside(&path, ".old");
        match std::fs::rename(&path, &old) {
            Ok(()) => Ok(Some(old)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the log goes on from where the anchor says that it was. No anchor: nothing can be said against it.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn compare(&self, log: &AuditLog) -> Result<Option<Mismatch>, StoreError> {
        // The anchor first: what is saved meanwhile makes the log longer, never shorter.
        match self.read() {
            Ok(None) => Ok(None),
            Ok(Some(anchor)) => log.goes_on_from(anchor).await,
            Err(error) => Ok(Some(Mismatch::Unknown(error.to_string()))),
        }
    }
}

impl Tx {
    /// Of what was set before this database was put back, nothing is taken for ours but what has an end that it says was told: what
    /// else is there may have been renewed since, and only a person takes that away.
    pub async fn know_only_told_ends(&mut self) -> Result<(), StoreError> {
        self.flush().await?;
        sqlx::query("update held_key set confirmed = 1 where confirmed = 0").execute(self.connection()).await?;
        Ok(())
    }
}

impl AuditLog {
    /// Whether this was its head once, or is now.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn goes_on_from(&self, anchor: Head) -> Result<Option<Mismatch>, StoreError> {
        if anchor.seq == 0 {
            return Ok(None);
        }
        let end = self.head().await?;
        Ok(match self.entry(anchor.seq).await? {
            Some(entry) if entry.hash == anchor.hash => None,
            None if end.seq < anchor.seq => Some(Mismatch::Older { anchor, end }),
            _ => Some(Mismatch::Other { anchor, end }),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::kernel::kept::Note;
    use crate::kernel::{Actor, House};
    use crate::store::Store;

    #[test]
    fn what_any_release_wrote_down_is_read_and_todays_is_as_the_examples_say() {
        let folder = tempfile::tempdir().unwrap();
        let text = include_str!("../../tests/stored/next/anchor.json");
        let examples: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).unwrap();
        for (name, stored) in examples {
            let head = match name.as_str() {
                "of a log" => Head { seq: 213, hash: "ab12".to_owned() },
                "of an empty log" => Head { seq: 0, hash: String::new() },
                other => panic!("what does `{other}` mean today?"),
            };
            let anchor = AnchorFile::new(&folder.path().join("anchor"));
            anchor.write(&head, 1_772_366_400_000).unwrap();
            assert_eq!(std::fs::read_to_string(&anchor.path).unwrap(), format!("{stored}\n"));
            std::fs::write(&anchor.path, stored.to_string()).unwrap();
            assert_eq!(anchor.read().unwrap(), Some(head));
        }
        assert!(kept::KINDS.contains(&(Line::KIND, kept::shape_of::<Line>())));
    }

    async fn note(store: &Store, count: i64) {
        for at in 0..count {
            let mut tx = store.begin().await.unwrap();
            let event = Note(serde_json::json!({ "event": "tested", "at": at }));
            tx.note(&House::Log.into(), &Actor::Clock, &event, "tested", at).await.unwrap();
            tx.commit().await.unwrap();
        }
    }

    #[tokio::test]
    async fn an_older_copy_and_one_that_went_on_are_told_apart_from_the_database_itself() {
        let folder = tempfile::tempdir().unwrap();
        let (path, copy) = (folder.path().join("nightlatch.db"), folder.path().join("copy.db"));
        let address = format!("sqlite://{}", path.display());
        let anchor = AnchorFile::new(&folder.path().join("anchor"));
        let store = Store::open(&address).await.unwrap();
        let log = store.audit_log();
        assert_eq!(anchor.compare(&log).await.unwrap(), None, "no anchor yet");
        anchor.write(&log.head().await.unwrap(), 0).unwrap();
        assert_eq!(anchor.compare(&log).await.unwrap(), None, "an anchor of an empty log");
        note(&store, 3).await;
        store.close().await;
        drop(store);
        std::fs::copy(&path, &copy).unwrap();

        let store = Store::open(&address).await.unwrap();
        note(&store, 2).await;
        let log = store.audit_log();
        let head = log.head().await.unwrap();
        anchor.write(&head, 7).unwrap();
        assert_eq!(anchor.read().unwrap(), Some(head.clone()));
        note(&store, 1).await;
        assert_eq!(anchor.compare(&log).await.unwrap(), None, "the log went on");
        store.close().await;
        drop(store);

        std::fs::copy(&copy, &path).unwrap();
        let store = Store::open(&address).await.unwrap();
        let log = store.audit_log();
        let end = log.head().await.unwrap();
        assert_eq!(anchor.compare(&log).await.unwrap(), Some(Mismatch::Older { anchor: head.clone(), end }));
        note(&store, 2).await;
        let end = log.head().await.unwrap();
        assert_eq!(end.seq, head.seq);
        // The same events at the same times, and still not the same log would be a hash that means nothing.
        let compared = anchor.compare(&log).await.unwrap();
        assert_eq!(compared, None, "the very same entries are the very same log");
        note(&store, 9).await;
        anchor.write(&Head { seq: 6, hash: "0".repeat(64) }, 7).unwrap();
        assert!(matches!(anchor.compare(&log).await.unwrap(), Some(Mismatch::Other { .. })));
    }

    #[tokio::test]
    async fn what_is_no_anchor_is_never_taken_for_one_that_fits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("anchor");
        let store = Store::open(&format!("sqlite://{}", folder.path().join("a.db").display())).await.unwrap();
        let anchor = AnchorFile::new(&path);
        for text in [
            "",
            "{",
            "null",
            "{\"seq\":-1,\"hash\":\"a\",\"at\":0}",
            "{\"seq\":0,\"hash\":\"a\",\"at\":0}",
            "{\"seq\":1,\"hash\":\"\",\"at\":0}",
        ] {
            std::fs::write(&path, text).unwrap();
            let compared = anchor.compare(&store.audit_log()).await.unwrap();
            assert!(matches!(compared, Some(Mismatch::Unknown(_))), "{text}");
        }
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(anchor.compare(&store.audit_log()).await.unwrap().is_some());
    }

    #[test]
    fn only_its_owner_reads_it_and_a_link_to_it_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("anchor"), folder.path().join("link"));
        std::fs::write(&path, "old").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        AnchorFile::new(&link).write(&Head { seq: 1, hash: "a".to_owned() }, 0).unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let aside = AnchorFile::new(&path).set_aside().unwrap().unwrap();
        assert!(aside.is_file() && !path.exists());
        assert_eq!(AnchorFile::new(&path).set_aside().unwrap(), None);
    }
}
