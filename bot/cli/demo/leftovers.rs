//! What demos that were killed left behind, told from what is of living ones and removed: a folder has a lock that dies with
//! its process, and on a socket somebody listens.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// What the folders' names begin with.
pub(super) const PREFIX: &str = "nightlatch-demo-";
/// The same of the stand-ins for tailscaled.
const SOCKET_PREFIX: &str = "nightlatch-tailscaled-";
/// A socket younger than this, in seconds, may not be listened on yet.
const SOCKET_AGE_MIN: i64 = 60;
/// In the folder; locked for as long as its process lives.
const LOCK: &str = "lock";
/// A machine with more of them has other troubles.
const LOOKED_AT_MAX: usize = 10_000;

/// Marks a folder as lived in. Dropping the file, or dying, gives it up.
///
/// # Errors
/// The folder cannot be written.
pub(super) fn live_in(folder: &Path) -> io::Result<File> {
    // Under its name only once it is locked: nobody can find it unlocked while we live.
    let unlocked = folder.join("lock.new");
    let lock = File::create_new(&unlocked)?;
    lock.lock()?;
    std::fs::rename(&unlocked, folder.join(LOCK))?;
    Ok(lock)
}

/// Removes what is beside `own`, belongs to us and is nobody's any more; returns how much. What cannot be told or removed is
/// left.
pub(super) fn remove(own: &Path) -> usize {
    let (Some(place), Ok(ours)) = (own.parent(), std::fs::symlink_metadata(own)) else { return 0 };
    let Ok(entries) = std::fs::read_dir(place) else { return 0 };
    let mut removed = 0;
    for entry in entries.take(LOOKED_AT_MAX).filter_map(Result::ok) {
        let (name, path) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
        // Not through links: only what is itself there, made by the same user.
        let Ok(found) = std::fs::symlink_metadata(&path) else { continue };
        if found.uid() != ours.uid() {
            continue;
        }
        let is_old = ours.mtime().saturating_sub(found.mtime()) >= SOCKET_AGE_MIN;
        let is_gone = if name.starts_with(PREFIX) && found.is_dir() {
            remove_folder(&path)
        } else if name.starts_with(SOCKET_PREFIX) && found.file_type().is_socket() && is_old {
            remove_socket(&path)
        } else {
            false
        };
        removed += usize::from(is_gone);
    }
    removed
}

fn remove_socket(path: &Path) -> bool {
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    UnixStream::connect(path).is_err_and(refused) && std::fs::remove_file(path).is_ok()
}

fn remove_folder(folder: &Path) -> bool {
    // One without a lock is just being furnished, or is of another version: left.
    let Ok(lock) = File::open(folder.join(LOCK)) else { return false };
    match lock.try_lock() {
        Ok(()) => std::fs::remove_dir_all(folder).is_ok(),
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_the_dead_are_removed_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let path = place.path().join(name);
            std::fs::create_dir(&path).unwrap();
            std::fs::write(path.join("nightlatch.db"), "x").unwrap();
            path
        };
        let own = folder("nightlatch-demo-own");
        let _own = live_in(&own).unwrap();
        let living = folder("nightlatch-demo-living");
        let _living = live_in(&living).unwrap();
        let dead = folder("nightlatch-demo-dead");
        drop(live_in(&dead).unwrap());
        let new = folder("nightlatch-demo-new");
        let foreign = folder("something-else");
        drop(live_in(&foreign).unwrap());
        let linked = place.path().join("nightlatch-demo-link");
        std::os::unix::fs::symlink(&foreign, &linked).unwrap();
        std::fs::write(place.path().join("nightlatch-demo-file"), "x").unwrap();
        assert_eq!(remove(&own), 1);
        assert!(!dead.exists());
        assert!([&own, &living, &new, &foreign, &linked].iter().all(|path| path.join("nightlatch.db").exists()));
        assert_eq!(remove(&own), 0);
    }

    #[test]
    fn sockets_nobody_listens_on_are_removed_when_they_are_old() {
        use std::os::unix::net::UnixListener;
        let place = tempfile::tempdir().unwrap();
        let socket = |name: &str| {
            let path = place.path().join(format!("{SOCKET_PREFIX}{name}.sock"));
            (UnixListener::bind(&path).unwrap(), path)
        };
        let (living, living_path) = socket("living");
        let (dead, dead_path) = socket("dead");
        drop(dead);
        let own = place.path().join("nightlatch-demo-own");
        std::fs::create_dir(&own).unwrap();
        assert_eq!(remove(&own), 0, "too young to tell");
        let minute = std::time::Duration::from_secs(61);
        let later = std::fs::metadata(&own).unwrap().modified().unwrap() + minute;
        File::open(&own).unwrap().set_modified(later).unwrap();
        assert_eq!(remove(&own), 1);
        assert!(living_path.exists() && !dead_path.exists());
        drop(living);
    }
}
