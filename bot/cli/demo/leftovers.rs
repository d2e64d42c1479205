//! Folders of demos that were killed: told from those of living ones by a lock that dies with its process, and removed.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What the folders' names begin with.
pub(super) const PREFIX: &str = "nightlatch-demo-";
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

/// Removes the folders beside `own` that belong to us and that nobody lives in any more; returns how many. What cannot be
/// told or removed is left.
pub(super) fn remove(own: &Path) -> usize {
    let (Some(place), Ok(ours)) = (own.parent(), std::fs::symlink_metadata(own)) else { return 0 };
    let Ok(entries) = std::fs::read_dir(place) else { return 0 };
    let is_left = |path: &Path| {
        // Not through links: only folders themselves, made by the same user.
        std::fs::symlink_metadata(path).is_ok_and(|found| found.is_dir() && found.uid() == ours.uid())
    };
    let is_named_so = |entry: &std::fs::DirEntry| entry.file_name().to_string_lossy().starts_with(PREFIX);
    let entries = entries.take(LOOKED_AT_MAX).filter_map(Result::ok).filter(is_named_so);
    entries.map(|entry| entry.path()).filter(|path| is_left(path) && remove_one(path)).count()
}

fn remove_one(folder: &Path) -> bool {
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
}
