//! A copy of the database while it is in use: whole, of one moment, and readable by its owner only.

use std::fs::File;
use std::path::Path;

use super::file;
use super::{Store, StoreError};

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is something already.
    #[error("{0} exists already; nothing was written over it")]
    Exists(String),
    /// The file cannot be written.
    #[error("{path} cannot be written: {source}")]
    Unwritable {
        /// Where it was to be.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The database did not give it.
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl Store {
    /// Copies the database into a file that must not be there yet, and returns its size in bytes. Nobody waits for it: it reads what was
    /// saved when it began. What is deleted is not in it.
    ///
    /// # Errors
    /// There is a file, or it cannot be written; what was begun is taken away again.
    pub async fn backup(&self, to: &Path) -> Result<u64, BackupError> {
        let name = || to.display().to_string();
        let unwritable = |source| BackupError::Unwritable { path: name(), source };
        // An empty file is taken for none, and was made by us with nobody else's rights.
        match file::private().create_new(true).open(to) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Err(BackupError::Exists(name())),
            made => drop(made.map_err(unwritable)?),
        }
        let written = self.copy_into(to).await.map_err(BackupError::from).and_then(|()| {
            let file = File::open(to).map_err(unwritable)?;
            file.sync_all().map_err(unwritable)?;
            Ok(file.metadata().map_err(unwritable)?.len())
        });
        if written.is_err() {
            drop(std::fs::remove_file(to));
        }
        written
    }

    async fn copy_into(&self, to: &Path) -> Result<(), StoreError> {
        sqlx::query("vacuum into $1").bind(to.display().to_string()).execute(&self.read).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[tokio::test]
    async fn a_copy_is_whole_private_and_never_written_over_anything() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let store = Store::open(&format!("sqlite://{}", at("nightlatch.db").display())).await.unwrap();
        let size = store.backup(&at("copy.db")).await.unwrap();
        let file = std::fs::metadata(at("copy.db")).unwrap();
        assert_eq!((file.len(), file.permissions().mode() & 0o777), (size, 0o600));
        // It opens as a database of ours, beside the one that is in use.
        let copy = Store::open(&format!("sqlite://{}", at("copy.db").display())).await.unwrap();
        assert_eq!(copy.counts().await.unwrap(), (Vec::new(), 0));
        copy.close().await;

        std::fs::write(at("notes"), "somebody's notes").unwrap();
        let refused = store.backup(&at("notes")).await.unwrap_err();
        assert!(refused.to_string().ends_with("notes exists already; nothing was written over it"), "{refused}");
        assert_eq!(std::fs::read_to_string(at("notes")).unwrap(), "somebody's notes");
        let nowhere = store.backup(&at("nowhere/copy.db")).await.unwrap_err();
        assert!(nowhere.to_string().contains("cannot be written"), "{nowhere}");
    }
}
