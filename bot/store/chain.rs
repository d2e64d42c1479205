//! The audit log as it is read: where it ends, what it says, and the first entry that does not fit. Also beside a running bot.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteRow};
use sqlx::{FromRow, Row};

use super::audit::{AuditEntry, Tampered};
use super::open::{APPLICATION_ID, path_of};
use super::still;
use super::{OpenError, StoreError, file};

/// So many entries are looked at in one go: a millisecond or two, so that nothing due waits for it.
const CHUNK_ROWS: i64 = 256;

/// Entries in the order of their numbers. The columns are those of the row itself and not of the index beside it, so that
/// neither can say something else than the other.
const CHUNK: &str =
    "select found.seq as place, audit.* from audit as found cross join audit on audit.rowid = found.rowid
     where found.seq > $1 order by found.seq limit $2";

/// The last entry of a log, or of what was known of it at some time: everything up to it hangs on this hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Its number; 0: there is no entry.
    pub seq: i64,
    /// Its hash; empty if there is no entry.
    pub hash: String,
}

/// The log of one database, for reading.
#[derive(Clone, Debug)]
pub struct AuditLog {
    read: still::Reader,
}

/// How far the log was looked at, and what must come next.
#[derive(Clone, Debug)]
pub struct Walk {
    /// Where the log ended when the walk began: what is added meanwhile is the next walk's.
    end: Head,
    /// Where the next entry is looked for.
    place: i64,
    /// The last entry that fitted.
    last: Head,
}

/// What a look at the next entries brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Walked {
    /// All of them fit, and there are more.
    On,
    /// Every entry fits; so many there are.
    Fits(i64),
    /// This is the first that does not.
    Broken(Tampered),
}

impl AuditLog {
    pub(super) fn new(read: still::Reader) -> Self {
        Self { read }
    }

    /// Opens the log of `sqlite://path` without changing the database and without keeping it from a running nightlatch.
    ///
    /// # Errors
    /// There is no such database, it is not ours, or it cannot be read.
    pub async fn open(address: &str) -> Result<Self, OpenError> {
        let named = path_of(address)?;
        let path = match file::resolve(&named) {
            Ok(path) if path.is_file() => path,
            _ => return Err(OpenError::Missing(named)),
        };
        let failed = |source: sqlx::Error| match is_damaged(&source) {
            true => OpenError::Corrupt { path: path.clone(), said: source.to_string() },
            false => OpenError::Database { path: path.clone(), source },
        };
        let options = SqliteConnectOptions::new().filename(&path).read_only(true).busy_timeout(Duration::from_secs(5));
        let read = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.map_err(failed)?;
        let id: i64 = sqlx::query_scalar("pragma application_id").fetch_one(&read).await.map_err(failed)?;
        if id != APPLICATION_ID {
            return Err(OpenError::NotOurs(path));
        }
        Ok(Self { read: still::reader(read) })
    }

    /// Lets go of the file.
    pub async fn close(&self) {
        still::pool(&self.read).close().await;
    }

    /// The last entry that was saved.
    pub async fn head(&self) -> Result<Head, StoreError> {
        let (seq, hash) =
            sqlx::query_as("select audit_seq, audit_hash from head where one = 1").fetch_one(&self.read).await?;
        Ok(Head { seq, hash })
    }

    /// The entry of that number.
    pub async fn entry(&self, seq: i64) -> Result<Option<AuditEntry>, StoreError> {
        Ok(sqlx::query_as("select * from audit where seq = $1").bind(seq).fetch_optional(&self.read).await?)
    }

    /// Entries after `seq`, oldest first, at most `limit`.
    pub async fn after(&self, seq: i64, limit: i64) -> Result<Vec<AuditEntry>, StoreError> {
        let rows = sqlx::query_as("select * from audit where seq > $1 order by seq limit $2")
            .bind(seq)
            .bind(limit)
            .fetch_all(&self.read)
            .await?;
        Ok(rows)
    }

    /// Begins a walk over the whole log.
    pub async fn walk(&self) -> Result<Walk, StoreError> {
        let end = match self.head().await {
            Ok(end) => end,
            // Where it ends is not known: that is told when the last entry was found.
            Err(StoreError::Database(error)) if is_damaged(&error) => Head { seq: i64::MAX, hash: String::new() },
            Err(error) => return Err(error),
        };
        Ok(Walk { end, place: i64::MIN, last: Head { seq: 0, hash: String::new() } })
    }

    /// Looks at the next entries.
    pub async fn step(&self, walk: &mut Walk) -> Result<Walked, StoreError> {
        match self.look(walk).await {
            Err(StoreError::Database(error)) if is_damaged(&error) => {
                Ok(Walked::Broken(walk.next_is(unreadable(&error))))
            }
            looked => looked,
        }
    }

    async fn look(&self, walk: &mut Walk) -> Result<Walked, StoreError> {
        let mut rows = Vec::new();
        if walk.last.seq < walk.end.seq {
            rows = sqlx::query(CHUNK).bind(walk.place).bind(CHUNK_ROWS).fetch_all(&self.read).await?;
        }
        for row in &rows {
            if let Some(tampered) = walk.take(row) {
                return Ok(Walked::Broken(tampered));
            }
            if walk.last.seq == walk.end.seq {
                break;
            }
        }
        if rows.is_empty() || walk.last.seq == walk.end.seq { self.end(walk).await } else { Ok(Walked::On) }
    }

    async fn end(&self, walk: &Walk) -> Result<Walked, StoreError> {
        if walk.last.seq != walk.end.seq {
            return Ok(Walked::Broken(walk.next_is("it is missing, and everything after it".to_owned())));
        }
        if walk.last.hash != walk.end.hash {
            let what = "the head of the log names another one".to_owned();
            return Ok(Walked::Broken(Tampered { seq: walk.last.seq, what }));
        }
        // In one statement, so that what is being added just now is not taken for an entry too many.
        let beyond = "select count(*) from audit, head where one = 1 and (audit.seq > audit_seq or audit.seq < 1)";
        let beyond: i64 = sqlx::query_scalar(beyond).fetch_one(&self.read).await?;
        match beyond {
            0 => Ok(Walked::Fits(walk.last.seq)),
            _ => Ok(Walked::Broken(walk.next_is("it stands behind the head of the log".to_owned()))),
        }
    }

    /// Walks over the whole log in one go; the inner result names the first entry that does not fit.
    pub async fn verify(&self) -> Result<Result<i64, Tampered>, StoreError> {
        let mut walk = self.walk().await?;
        loop {
            match self.step(&mut walk).await? {
                Walked::On => {}
                Walked::Fits(count) => return Ok(Ok(count)),
                Walked::Broken(tampered) => return Ok(Err(tampered)),
            }
        }
    }
}

impl Walk {
    /// Takes the next entry; says what is wrong with it.
    fn take(&mut self, row: &SqliteRow) -> Option<Tampered> {
        let read = row.try_get::<i64, _>("place").and_then(|place| Ok((place, AuditEntry::from_row(row)?)));
        let (place, entry) = match read {
            Ok(read) => read,
            Err(error) => return Some(self.next_is(unreadable(&error))),
        };
        let next = self.last.seq + 1;
        let what = if entry.seq != place {
            Some("its number was changed".to_owned())
        } else if place < next {
            Some("it stands before the first one".to_owned())
        } else if place > next {
            Some(format!("entry {next} before it is missing"))
        } else if entry.previous != self.last.hash {
            Some("it does not follow the one before".to_owned())
        } else if entry.hash != entry.hash_of() {
            Some("it was changed".to_owned())
        } else {
            None
        };
        if what.is_none() {
            (self.place, self.last) = (place, Head { seq: entry.seq, hash: entry.hash });
        }
        what.map(|what| Tampered { seq: place, what })
    }

    fn next_is(&self, what: String) -> Tampered {
        Tampered { seq: self.last.seq.saturating_add(1), what }
    }
}

fn unreadable(error: &sqlx::Error) -> String {
    format!("it cannot be read ({error})")
}

/// Whether the file says something else than what was written, rather than that it could not be read just now: a broken
/// page, a value of another kind, a table that is gone.
fn is_damaged(error: &sqlx::Error) -> bool {
    const ERROR: u32 = 1;
    const CORRUPT: u32 = 11;
    const NOT_A_DATABASE: u32 = 26;
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code().and_then(|code| code.parse::<u32>().ok());
            code.is_some_and(|code| matches!(code & 0xff, ERROR | CORRUPT | NOT_A_DATABASE))
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_) => true,
        sqlx::Error::RowNotFound => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
