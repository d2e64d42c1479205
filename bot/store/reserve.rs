//! Room that is kept for ends: a file beside the database with real blocks, given up when the disk is full and made again when there is room.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::{info, warn};

use super::Store;
use super::file::{beside, free_bytes, private};

/// Enough for thousands of ends.
const WANTED_BYTES: u64 = 8 * 1024 * 1024;
/// On a small disk no more than this part of what is free.
const PART_OF_FREE: u64 = 8;
/// Less than this is not worth a file.
const LEAST_BYTES: u64 = 64 * 1024;
const BLOCK: u64 = 64 * 1024;
/// A write-ahead log is emptied at four MiB; one of this size was not, for a long time.
const LOG_LARGE_BYTES: u64 = 64 * 1024 * 1024;

/// Room beside one database.
#[derive(Clone, Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    /// How large it was when it was given up: what is left of it is not taken for room.
    given: Arc<AtomicU64>,
}

impl Reserve {
    pub(super) fn beside(database: &Path) -> Self {
        Self { path: beside(database, ".reserve"), given: Arc::default() }
    }

    fn len(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |file| file.len())
    }

    /// Makes it, or makes it larger, as far as there is room.
    fn keep(&self) -> io::Result<()> {
        let has = self.len();
        if has >= WANTED_BYTES {
            return Ok(());
        }
        let Some(free) = free_bytes(&self.path) else { return Ok(()) };
        let wanted = ((free + has) / PART_OF_FREE).min(WANTED_BYTES) / BLOCK * BLOCK;
        if wanted < LEAST_BYTES.max(has.saturating_mul(2)).max(self.given.load(Ordering::SeqCst) / 2) {
            return Ok(());
        }
        let file = private().truncate(false).open(&self.path)?;
        let made = take_blocks(&file, wanted).and_then(|()| file.sync_all());
        if made.is_err() {
            // A file without blocks would be no room at all.
            drop(std::fs::remove_file(&self.path));
        } else {
            self.given.store(0, Ordering::SeqCst);
            info!(file = %self.path.display(), kib = wanted / 1024, "room is kept for ends");
        }
        made
    }

    /// True if there was room to give.
    pub(super) fn give_up(&self) -> bool {
        let had = self.len();
        if had == 0 || std::fs::remove_file(&self.path).is_err() {
            return false;
        }
        self.given.store(had, Ordering::SeqCst);
        warn!(kib = had / 1024, "the disk is full: the room kept for ends is given up");
        true
    }
}

/// Real blocks, not a hole.
fn take_blocks(file: &File, bytes: u64) -> io::Result<()> {
    match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
        Ok(()) => Ok(()),
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => write_blocks(file, bytes),
        Err(error) => Err(error.into()),
    }
}

/// For file systems that cannot promise blocks. Not zeros: some file systems store those as nothing.
fn write_blocks(mut file: &File, bytes: u64) -> io::Result<()> {
    let mut number = 1_u64;
    let block: Vec<u8> = (0..BLOCK)
        .map(|_| {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            number.to_be_bytes()[0]
        })
        .collect();
    for _ in 0..bytes / BLOCK {
        file.write_all(&block)?;
    }
    Ok(())
}

impl Store {
    /// Makes the room that is kept for ends, or makes it larger, as far as the disk has any.
    pub fn keep_reserve(&self) {
        if let Err(error) = self.reserve.keep() {
            warn!(%error, "no room could be kept for ends");
        }
    }

    /// Gives up the room that is kept for ends; true if there was any, so that saving is worth another try.
    pub fn give_up_reserve(&self) -> bool {
        self.reserve.give_up()
    }

    /// Whether the room for ends was given up and could not be made again yet.
    pub fn is_without_reserve(&self) -> bool {
        self.reserve.len() == 0
    }

    /// Makes a write-ahead log that grew while it could not be emptied small again; waits for nobody.
    pub async fn shrink_log(&self) -> Result<(), super::StoreError> {
        let log = beside(self.file.path(), "-wal");
        if std::fs::metadata(log).map_or(0, |file| file.len()) < LOG_LARGE_BYTES {
            return Ok(());
        }
        let mut connection = self.write.acquire().await?;
        connection.close_on_drop();
        // Whoever reads goes on; the next try empties the rest.
        sqlx::query("pragma busy_timeout = 100").execute(&mut *connection).await?;
        sqlx::query("pragma wal_checkpoint(truncate)").execute(&mut *connection).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_made_of_real_blocks_given_up_once_and_made_again() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt};
        let folder = tempfile::tempdir().unwrap();
        let reserve = Reserve::beside(&folder.path().join("nightlatch.db"));
        assert!(!reserve.give_up());
        reserve.keep().unwrap();
        let file = std::fs::metadata(&reserve.path).unwrap();
        assert_eq!((file.len(), file.permissions().mode() & 0o777), (WANTED_BYTES, 0o600));
        assert!(file.blocks() * 512 >= WANTED_BYTES, "{} blocks", file.blocks());
        assert!(reserve.give_up());
        assert!(!reserve.give_up());
        reserve.keep().unwrap();
        assert_eq!(reserve.len(), WANTED_BYTES);
    }

    #[test]
    fn blocks_that_cannot_be_promised_are_written() {
        let file = tempfile::tempfile().unwrap();
        write_blocks(&file, 3 * BLOCK).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 3 * BLOCK);
    }
}
