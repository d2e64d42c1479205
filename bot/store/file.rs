//! The database as a file: where it really is, that one process has it, that nobody else can read it, and how much room is left.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tracing::warn;

use super::OpenError;

/// Only its owner reads and writes it.
const PRIVATE: u32 = 0o600;
/// What anybody else could do.
const OTHERS: u32 = 0o077;
/// As many symbolic links the system itself follows.
const LINKS_MAX: usize = 40;
/// Below this there is little room left: saving goes on, but somebody should look.
const ROOM_MIN_BYTES: u64 = 64 * 1024 * 1024;
/// What stands beside the database and holds parts of it.
const COMPANIONS: [&str; 4] = ["-wal", "-shm", "-journal", ".lock"];

/// The path with something at the end of its name.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Where the file really is, whatever links lead to it; it need not exist yet. SQLite names its companions after this
/// path too, so that two names of one file have one write-ahead log, and one lock.
pub(super) fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        let Ok(target) = std::fs::read_link(&path) else {
            let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            return Ok(folder.unwrap_or_else(|| Path::new(".")).canonicalize()?.join(name));
        };
        path = path.parent().unwrap_or_else(|| Path::new("")).join(target);
    }
    Err(io::Error::other("too many symbolic links"))
}

/// A file with two names has two write-ahead logs and two locks: whoever opens it by the other name misses what was
/// saved last.
pub(super) fn refuse_second_name(path: &Path) -> Result<(), OpenError> {
    match std::fs::metadata(path) {
        Ok(file) if file.nlink() > 1 => Err(OpenError::SecondName { path: path.to_owned(), names: file.nlink() }),
        _ => Ok(()),
    }
}

/// One process at a time: two workers would both believe to be the only writer of a key. `path` is resolved.
pub(super) fn lock(path: &Path) -> Result<File, OpenError> {
    let unwritable = |source| OpenError::Unwritable { path: path.to_owned(), source };
    let file = private().truncate(false).open(beside(path, ".lock")).map_err(unwritable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(unwritable(source)),
    }
}

/// Makes the file if it is not there, and finds out whether it can be written.
pub(super) fn probe_writable(path: &Path) -> Result<(), OpenError> {
    let tried = private().append(true).open(path);
    tried.map(drop).map_err(|source| OpenError::Unwritable { path: path.to_owned(), source })
}

/// What is made with this only its owner can read, whatever the process's umask is.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).write(true).mode(PRIVATE);
    options
}

/// Nobody but the owner may read who asked for what and why. Files from before, or copied here, are put right and that
/// is told; what SQLite makes beside the database takes the database's own mode.
pub(super) fn make_private(path: &Path) {
    let companions = COMPANIONS.iter().map(|ending| beside(path, ending));
    for path in std::iter::once(path.to_owned()).chain(companions) {
        let Ok(file) = std::fs::metadata(&path) else { continue };
        let mode = file.permissions().mode() & 0o777;
        if mode & OTHERS == 0 {
            continue;
        }
        let file = path.display();
        match std::fs::set_permissions(&path, Permissions::from_mode(PRIVATE)) {
            Ok(()) => warn!(%file, was = format!("{mode:04o}"), "others could read this file; it is 0600 now"),
            Err(error) => {
                warn!(%file, mode = format!("{mode:04o}"), %error, "others can read this file; set it to 0600")
            }
        }
    }
}

/// Which file stands at a path: a copy put in its place is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    number: u64,
}

impl Identity {
    fn of(path: &Path) -> io::Result<Self> {
        let file = std::fs::metadata(path)?;
        Ok(Self { device: file.dev(), number: file.ino() })
    }
}

/// The file we have, for as long as the store lives.
#[derive(Debug)]
pub(super) struct OpenFile {
    path: PathBuf,
    identity: Identity,
    /// So that no second process writes the same file.
    _lock: File,
}

impl OpenFile {
    /// `path` is resolved and there.
    pub(super) fn new(path: &Path, lock: File) -> Result<Self, OpenError> {
        let identity = Identity::of(path).map_err(|source| OpenError::Unwritable { path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), identity, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Lets go of the file, as a process does that is killed.
    #[cfg(feature = "simulate")]
    pub(super) fn unlock(&self) {
        drop(self._lock.unlock());
    }

    /// Looks at the file system; cheap enough for every probe.
    pub(super) fn trouble(&self) -> Option<FileTrouble> {
        let path = self.path.clone();
        if Identity::of(&path).ok() != Some(self.identity) {
            return Some(FileTrouble::Replaced(path));
        }
        // A file system that does not say how much is left is not counted as full.
        let left = free_bytes(&path)?;
        (left < ROOM_MIN_BYTES).then_some(FileTrouble::LittleRoom { path, left_mib: left / (1024 * 1024) })
    }
}

/// What is wrong with the place where the database is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileTrouble {
    /// Somebody moved or replaced it while we have it: what we save goes to a file without a name.
    #[error(
        "the database {0} was moved or replaced while nightlatch runs; stop nightlatch and put the right file there"
    )]
    Replaced(PathBuf),
    /// It can still be written, but not for long.
    #[error("only {left_mib} MiB are left for the database {path}; make room")]
    LittleRoom {
        /// The database.
        path: PathBuf,
        /// What an unprivileged process may still use.
        left_mib: u64,
    },
}

impl FileTrouble {
    /// Whether nothing that is saved now would be found again; otherwise it is a warning.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Replaced(_))
    }
}

pub(super) fn free_bytes(path: &Path) -> Option<u64> {
    let room = rustix::fs::statvfs(path.parent()?).ok()?;
    Some(room.f_bavail.saturating_mul(room.f_frsize))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn address(path: &Path) -> String {
        format!("sqlite://{}", path.display())
    }

    #[tokio::test]
    async fn one_database_is_not_served_twice_whatever_it_is_called() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nightlatch.db");
        let other = folder.path().join("other");
        std::fs::create_dir(&other).unwrap();
        std::os::unix::fs::symlink("../nightlatch.db", other.join("link.db")).unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("same")).unwrap();
        std::os::unix::fs::symlink("link.db", other.join("link of link.db")).unwrap();
        let names = [path.clone(), other.join("link.db"), other.join("link of link.db")];
        // Also before the file is there: the link leads to where it will be.
        for first in &names {
            let held = Store::open(&address(first)).await.unwrap();
            for second in names.iter().chain([&folder.path().join("same/nightlatch.db")]) {
                let opened = Store::open(&address(second)).await;
                assert!(matches!(opened, Err(OpenError::InUse(_))), "{} and {}", first.display(), second.display());
            }
            held.close().await;
        }
        assert!(path.is_file());
    }

    #[tokio::test]
    async fn a_database_with_two_names_is_refused_by_both() {
        let folder = tempfile::tempdir().unwrap();
        let (path, second) = (folder.path().join("nightlatch.db"), folder.path().join("second.db"));
        let held = Store::open(&address(&path)).await.unwrap();
        std::fs::hard_link(&path, &second).unwrap();
        assert!(matches!(Store::open(&address(&second)).await, Err(OpenError::SecondName { names: 2, .. })));
        held.close().await;
        drop(held);
        let before = std::fs::read(&path).unwrap();
        assert!(matches!(Store::open(&address(&path)).await, Err(OpenError::SecondName { .. })));
        assert!(std::fs::read(&path).unwrap() == before, "it was left alone");
        std::fs::remove_file(&second).unwrap();
        Store::open(&address(&path)).await.unwrap();
    }

    #[tokio::test]
    async fn links_in_a_circle_are_an_error_and_no_hang() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one.db"), folder.path().join("two.db"));
        std::os::unix::fs::symlink(&one, &two).unwrap();
        std::os::unix::fs::symlink(&two, &one).unwrap();
        assert!(matches!(Store::open(&address(&one)).await, Err(OpenError::Unwritable { .. })));
    }

    #[tokio::test]
    async fn only_its_owner_can_read_the_database_and_what_stands_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nightlatch.db");
        let store = Store::open(&address(&path)).await.unwrap();
        store.begin().await.unwrap().forget_deliveries_before(0).await.unwrap();
        for ending in ["", "-wal", "-shm", ".lock"] {
            assert_eq!(mode(&beside(&path, ending)), 0o600, "{ending}");
        }
        store.close().await;
        drop(store);
        for readable in [0o644, 0o640, 0o604, 0o666] {
            std::fs::set_permissions(&path, Permissions::from_mode(readable)).unwrap();
            std::fs::set_permissions(beside(&path, ".lock"), Permissions::from_mode(readable)).unwrap();
            let store = Store::open(&address(&path)).await.unwrap();
            for ending in ["", "-wal", "-shm", ".lock"] {
                assert_eq!(mode(&beside(&path, ending)), 0o600, "{ending} from {readable:o}");
            }
            store.close().await;
        }
    }

    #[tokio::test]
    async fn a_file_of_somebody_else_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes");
        std::fs::write(&path, "somebody's notes".repeat(100)).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        assert!(Store::open(&address(&path)).await.is_err());
        assert_eq!(mode(&path), 0o644);
    }

    #[tokio::test]
    async fn a_database_that_was_replaced_under_us_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nightlatch.db");
        let store = Store::open(&address(&path)).await.unwrap();
        let fatal = || store.file_trouble().filter(FileTrouble::is_fatal);
        assert_eq!(fatal(), None);
        std::fs::rename(&path, folder.path().join("moved.db")).unwrap();
        assert_eq!(fatal(), Some(FileTrouble::Replaced(path.canonicalize().unwrap_or(path.clone()))));
        std::fs::copy(folder.path().join("moved.db"), &path).unwrap();
        assert!(fatal().is_some());
    }

    #[test]
    fn how_much_room_is_left_is_known() {
        let folder = tempfile::tempdir().unwrap();
        assert!(free_bytes(&folder.path().join("nightlatch.db")).is_some_and(|left| left > 0));
    }
}
