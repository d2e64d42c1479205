//! Why saving fails: a full disk passes and nothing is lost; after an I/O error nobody knows what was saved, and the process must end.

use std::io::{self, Write};
use std::path::Path;

use sqlx::error::DatabaseError;

use super::file::{beside, private};
use super::{Store, StoreError};

/// A file system on which this much cannot be written is full, whatever SQLite made of it.
const PROBE_BYTES: usize = 256 * 1024;

// SQLite's result codes; the low byte is the kind, the rest says where.
const ERROR: i32 = 1;
const IO: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANNOT_OPEN: i32 = 14;
const TOO_BIG: i32 = 18;
const CONSTRAINT: i32 = 19;
const MISMATCH: i32 = 20;
const MISUSE: i32 = 21;
const NOT_A_DATABASE: i32 = 26;
const IO_WRITE: i32 = IO | 3 << 8;
const IO_TRUNCATE: i32 = IO | 6 << 8;
const IO_NO_MEMORY: i32 = IO | 12 << 8;
const IO_SHARED_SIZE: i32 = IO | 19 << 8;

/// What an error of the library says about the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Full,
    Broken,
    /// A write failed; SQLite does not say whether for want of room.
    Write,
    /// A file could not be opened; also for want of room.
    Open,
    /// The statement or the row, not the place.
    Statement,
    /// Anything else: busy, out of memory, no connection.
    Other,
}

fn kind(error: &sqlx::Error) -> Kind {
    let code = error.as_database_error().and_then(DatabaseError::code).and_then(|code| code.parse::<i32>().ok());
    match code {
        Some(IO_WRITE | IO_TRUNCATE | IO_SHARED_SIZE) => Kind::Write,
        Some(IO_NO_MEMORY) => Kind::Other,
        Some(code) => match code & 0xff {
            FULL => Kind::Full,
            IO | CORRUPT | NOT_A_DATABASE => Kind::Broken,
            CANNOT_OPEN => Kind::Open,
            ERROR | TOO_BIG | CONSTRAINT | MISMATCH | MISUSE => Kind::Statement,
            _ => Kind::Other,
        },
        None => match error {
            sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } | sqlx::Error::RowNotFound => Kind::Statement,
            _ => Kind::Other,
        },
    }
}

impl StoreError {
    /// No room: nothing was saved and nothing is lost; saving goes on when there is room again.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Full(_) => true,
            Self::Database(error) => kind(error) == Kind::Full,
            _ => false,
        }
    }

    /// An I/O error or a damaged file: what was saved last may not be there. The process must end and start anew.
    pub fn is_broken(&self) -> bool {
        match self {
            Self::Broken(_) => true,
            Self::Database(error) => kind(error) == Kind::Broken,
            _ => false,
        }
    }

    /// It is not about one row or one statement: nothing else would be saved now either.
    pub fn stops_saving(&self) -> bool {
        match self {
            Self::Full(_) | Self::Broken(_) => true,
            Self::Database(error) => kind(error) != Kind::Statement,
            _ => false,
        }
    }
}

impl Store {
    /// The same failure with what the file system says about it. After one that breaks the database nothing more is saved by this
    /// process, and `broken` tells.
    pub fn judge(&self, failure: StoreError) -> StoreError {
        let StoreError::Database(error) = &failure else { return failure };
        let is_full = || has_no_room(self.file.path());
        let judged = match kind(error) {
            Kind::Full => StoreError::Full(error.to_string()),
            Kind::Write | Kind::Open if is_full() => StoreError::Full(error.to_string()),
            Kind::Broken | Kind::Write => StoreError::Broken(error.to_string()),
            Kind::Open | Kind::Statement | Kind::Other => return failure,
        };
        if let StoreError::Broken(why) = &judged {
            self.break_down(why);
        }
        judged
    }

    /// Fails while there is no room for more than a row or two.
    pub fn needs_room(&self) -> Result<(), StoreError> {
        let path = self.file.path();
        if has_no_room(path) { Err(StoreError::Full(format!("no room beside {}", path.display()))) } else { Ok(()) }
    }

    /// Nothing more is saved by this process, for this reason.
    pub fn break_down(&self, why: &str) {
        self.broken.send_if_modified(|broken| {
            let is_first = broken.is_none();
            broken.get_or_insert_with(|| why.to_owned());
            is_first
        });
    }

    /// Why nothing can be saved until the process starts anew; `None` while all is well.
    pub fn broken(&self) -> tokio::sync::watch::Receiver<Option<String>> {
        self.broken.subscribe()
    }
}

/// Tries to write a little beside the database.
pub(super) fn has_no_room(path: &Path) -> bool {
    let probe = beside(path, ".probe");
    let written = private().truncate(true).open(&probe).and_then(|mut file| file.write_all(&[1; PROBE_BYTES]));
    // What could not be removed is written over the next time.
    drop(std::fs::remove_file(&probe));
    written.is_err_and(|error| {
        matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fills the database as a disk would: SQLite itself says that there is no room, within the transaction.
    async fn save(store: &Store, has_room: bool) -> Result<(), StoreError> {
        let mut tx = store.begin().await?;
        if !has_room {
            sqlx::query("pragma max_page_count = 1").execute(tx.connection()).await?;
        }
        let name = if has_room { "small".to_owned() } else { "x".repeat(1_000_000) };
        sqlx::query("insert into delivery (key, request_id, at) values ($1, '', 0)")
            .bind(name)
            .execute(tx.connection())
            .await?;
        tx.commit().await
    }

    async fn opened() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nightlatch.db");
        (folder, Store::open(&format!("sqlite://{}", path.display())).await.unwrap())
    }

    #[tokio::test]
    async fn after_a_save_that_found_no_room_the_next_one_is_saved() {
        let (_folder, store) = opened().await;
        for _ in 0..3 {
            let failure = store.judge(save(&store, false).await.unwrap_err());
            assert!(failure.is_full() && failure.stops_saving() && !failure.is_broken(), "{failure}");
        }
        save(&store, true).await.unwrap();
        assert_eq!(*store.broken().borrow(), None);
    }

    #[tokio::test]
    async fn a_transaction_that_is_dropped_is_undone_and_the_next_one_begins() {
        let (_folder, store) = opened().await;
        for _ in 0..3 {
            let mut tx = store.begin().await.unwrap();
            tx.touch().await.unwrap();
            drop(tx);
        }
        save(&store, true).await.unwrap();
        // A statement that is refused says nothing about the disk.
        let failure = store.judge(save(&store, true).await.unwrap_err());
        assert!(!failure.stops_saving(), "{failure}");
    }

    #[tokio::test]
    async fn once_it_is_broken_nothing_more_is_saved() {
        let (_folder, store) = opened().await;
        store.break_down("the disk said so");
        assert!(matches!(store.begin().await.map(drop), Err(StoreError::Broken(_))));
        assert_eq!(store.broken().borrow().as_deref(), Some("the disk said so"));
        store.break_down("and again");
        assert_eq!(store.broken().borrow().as_deref(), Some("the disk said so"));
    }
}
