//! Opening the database: everything that can be wrong with a file is found before a byte of it is changed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, SqliteConnection};
use tokio::sync::watch;

use super::Store;
use super::bodies::Workflows;
use super::failing::has_no_room;
use super::file::{self, OpenFile};
use super::reserve::Reserve;
use super::shapes::{self, NewerShape};
use super::still;

/// All migrations, in order, from the folder `migrations`.
static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Marks the file as ours: `NLAT` in ASCII. SQLite keeps it in the header.
pub(super) const APPLICATION_ID: i64 = 0x4e4c_4154;

/// Files up to this size are checked page by page when opened; larger ones would delay the start.
const CHECKED_SIZE_MAX: u64 = 64 * 1024 * 1024;

/// The write-ahead log keeps this much room once it was emptied; SQLite empties it at a thousand pages.
const LOG_KEPT_BYTES: &str = "4194304";
/// What the one writer may keep of the file in memory; negative: in KiB.
const WRITER_CACHE_KIB: &str = "-16384";

/// Why the database could not be opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address names something else than a SQLite file.
    #[error("`{0}` is not a database this version can use; write sqlite://nightlatch.db")]
    Address(String),
    /// No right to write, no such folder, and the like.
    #[error("cannot write the database {path}: {source}; check that the folder exists and belongs to this user")]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another process has it.
    #[error("the database {0} is in use by another nightlatch; stop that one first")]
    InUse(PathBuf),
    /// Nothing to read.
    #[error("there is no database {0}")]
    Missing(PathBuf),
    /// The disk is full.
    #[error("there is no room for the database {0}; make room and start again, nothing was changed")]
    NoRoom(PathBuf),
    /// Hard links.
    #[error(
        "the database {path} has {names} names (hard links), and what was saved last belongs to only one of them; remove the other (find it with `find / -xdev -samefile {path}`) and start again"
    )]
    SecondName {
        /// One of them.
        path: PathBuf,
        /// How many.
        names: u64,
    },
    /// Not SQLite, or damaged.
    #[error("the database {path} is damaged or not a database ({said}); restore a backup, it was not changed")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        said: String,
    },
    /// SQLite, but somebody else's.
    #[error("the file {0} is a database of another program; it was not changed")]
    NotOurs(PathBuf),
    /// Written by a later version.
    #[error(
        "the database {path} was written by a newer nightlatch (migration {found}, this one knows {known}); it was not changed"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The newest migration in it.
        found: i64,
        /// The newest this program has.
        known: i64,
    },
    /// Written by a later version that knows the same tables and writes other JSON into them.
    #[error(
        "the database {path} was written by a newer nightlatch ({} of shape {}, this one knows {}); it was not changed",
        newer.kind, newer.found, newer.known
    )]
    NewerShape {
        /// The file.
        path: PathBuf,
        /// What is newer.
        newer: NewerShape,
    },
    /// Anything else.
    #[error("cannot open the database {path}: {source}")]
    Database {
        /// The file.
        path: PathBuf,
        /// What the library says.
        source: sqlx::Error,
    },
}

impl Store {
    /// Opens `sqlite://path`, creating and migrating it as needed. Errors leave the file as it was.
    pub async fn open(address: &str) -> Result<Self, OpenError> {
        let named = path_of(address)?;
        let path = file::resolve(&named).map_err(|source| OpenError::Unwritable { path: named, source })?;
        let lock = file::lock(&path)?;
        file::refuse_second_name(&path)?;
        // Opening needs a little room, and what waits in the file may be ends.
        let mut is_full = has_no_room(&path);
        if is_full && Reserve::beside(&path).give_up() {
            is_full = has_no_room(&path);
        }
        Self::open_locked(&path, lock).await.map_err(|error| match error {
            OpenError::Corrupt { .. } | OpenError::Database { .. } | OpenError::Unwritable { .. } if is_full => {
                OpenError::NoRoom(path)
            }
            error => error,
        })
    }

    async fn open_locked(path: &Path, lock: File) -> Result<Self, OpenError> {
        if std::fs::metadata(path).is_ok_and(|file| file.len() > 0) {
            inspect(path).await?;
        }
        file::probe_writable(path)?;
        file::make_private(path);
        let file = OpenFile::new(path, lock)?;
        Self::open_checked(path, file).await.map_err(|source| OpenError::Database { path: path.to_owned(), source })
    }

    async fn open_checked(path: &Path, file: OpenFile) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5))
            .foreign_keys(true)
            // A commit's worth of rows comes over from SQLite's thread in one go.
            .row_buffer_size(1_024)
            .pragma("trusted_schema", "OFF")
            // What was deleted is overwritten: texts that people threw away must not be in tomorrow's backup.
            .pragma("secure_delete", "ON")
            // After a burst the write-ahead log gives its room back.
            .pragma("journal_size_limit", LOG_KEPT_BYTES)
            .optimize_on_close(true, None);
        // What a large commit changes stays in memory until it commits, rather than being written twice.
        let writing = options.clone().pragma("cache_size", WRITER_CACHE_KIB);
        let write = SqlitePoolOptions::new().max_connections(1).connect_with(writing).await?;
        sqlx::query("pragma application_id = 1313620308").execute(&write).await?;
        MIGRATIONS.run(&write).await.map_err(|error| sqlx::Error::Migrate(Box::new(error)))?;
        shapes::note(&write).await?;
        // Who only reads cannot optimize, and a close that fails at it is not waited for.
        let options = options.read_only(true).optimize_on_close(false, None);
        // In a simulation no connection is lost without our knowing.
        let read = SqlitePoolOptions::new().max_connections(4).test_before_acquire(!cfg!(feature = "simulate"));
        let read = read.connect_with(options).await?;
        let (file, reserve) = (Arc::new(file), Reserve::beside(path));
        let (workflows, broken) = (Workflows::default(), watch::Sender::new(None));
        let store = Self { read: still::reader(read), write, file, reserve, workflows, broken };
        store.keep_reserve();
        Ok(store)
    }
}

pub(super) fn path_of(address: &str) -> Result<PathBuf, OpenError> {
    let wrong = || OpenError::Address(address.chars().take(120).collect());
    let path = address.strip_prefix("sqlite:").ok_or_else(wrong)?;
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.contains('?') || path.starts_with(":memory:") {
        return Err(wrong());
    }
    PathBuf::from_str(path).map_err(|_| wrong())
}

/// Looks at an existing file without changing it.
async fn inspect(path: &Path) -> Result<(), OpenError> {
    let corrupt = |error: sqlx::Error| OpenError::Corrupt { path: path.to_owned(), said: error.to_string() };
    // Not read-only: a database that was killed needs its write-ahead log replayed before it can be read.
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(false);
    let mut connection = SqliteConnection::connect_with(&options).await.map_err(corrupt)?;
    let id: i64 = sqlx::query_scalar("pragma application_id").fetch_one(&mut connection).await.map_err(corrupt)?;
    let tables: i64 =
        sqlx::query_scalar("select count(*) from sqlite_master").fetch_one(&mut connection).await.map_err(corrupt)?;
    if tables > 0 && id != APPLICATION_ID {
        return Err(OpenError::NotOurs(path.to_owned()));
    }
    if std::fs::metadata(path).is_ok_and(|file| file.len() <= CHECKED_SIZE_MAX) {
        let said: String =
            sqlx::query_scalar("pragma quick_check(1)").fetch_one(&mut connection).await.map_err(corrupt)?;
        if said != "ok" {
            return Err(OpenError::Corrupt { path: path.to_owned(), said });
        }
    }
    let known = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0);
    let found: Option<i64> = if tables == 0 {
        None
    } else {
        sqlx::query_scalar("select max(version) from _sqlx_migrations")
            .fetch_one(&mut connection)
            .await
            .map_err(corrupt)?
    };
    let newer = shapes::newer(&mut connection).await.map_err(corrupt)?;
    connection.close().await.map_err(corrupt)?;
    match (found, newer) {
        (Some(found), _) if found > known => Err(OpenError::Newer { path: path.to_owned(), found, known }),
        (_, Some(newer)) => Err(OpenError::NewerShape { path: path.to_owned(), newer }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(folder: &tempfile::TempDir) -> (PathBuf, String) {
        let path = folder.path().join("nightlatch.db");
        let address = format!("sqlite://{}", path.display());
        (path, address)
    }

    #[tokio::test]
    async fn a_database_is_made_opened_again_and_kept_from_a_second_process() {
        let folder = tempfile::tempdir().unwrap();
        let (_, address) = address(&folder);
        let first = Store::open(&address).await.unwrap();
        assert!(matches!(Store::open(&address).await, Err(OpenError::InUse(_))));
        first.close().await;
        drop(first);
        Store::open(&address).await.unwrap();
    }

    #[tokio::test]
    async fn a_foreign_a_damaged_and_a_newer_file_are_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (path, address) = address(&folder);
        std::fs::write(&path, "not a database, but somebody's notes".repeat(40)).unwrap();
        let before = std::fs::read(&path).unwrap();
        assert!(matches!(Store::open(&address).await, Err(OpenError::Corrupt { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), before);

        std::fs::remove_file(&path).unwrap();
        let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
        let mut other = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::query("create table theirs (id bigint)").execute(&mut other).await.unwrap();
        other.close().await.unwrap();
        let before = std::fs::read(&path).unwrap();
        assert!(matches!(Store::open(&address).await, Err(OpenError::NotOurs(_))));
        assert_eq!(std::fs::read(&path).unwrap(), before);

        std::fs::remove_file(&path).unwrap();
        let ours = Store::open(&address).await.unwrap();
        let newer = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
                     values (99990101, 'from the future', true, x'00', 0)";
        sqlx::query(newer).execute(&ours.write).await.unwrap();
        ours.close().await;
        drop(ours);
        assert!(matches!(Store::open(&address).await, Err(OpenError::Newer { found: 99_990_101, .. })));
    }

    #[tokio::test]
    async fn a_folder_that_is_not_there_and_a_wrong_address_are_said_clearly() {
        let missing = Store::open("sqlite:///nowhere/at/all/nightlatch.db").await;
        assert!(matches!(missing, Err(OpenError::Unwritable { .. })));
        for wrong in ["", "nightlatch.db", "mysql://x", "sqlite::memory:", "sqlite://"] {
            assert!(matches!(Store::open(wrong).await, Err(OpenError::Address(_))), "{wrong}");
        }
    }
}
