//! What is kept: requests, holders, outbox and audit in one SQLite file. Knows rows and kernel types, no service.

mod anchor;
mod audit;
mod backup;
mod bodies;
mod bulk;
mod chain;
mod counting;
mod directory;
mod failing;
mod file;
mod holds;
mod ledger;
mod links;
mod load;
mod open;
mod outbox;
mod pastes;
mod pending;
mod queueing;
mod read;
mod reserve;
mod save;
mod shapes;
#[cfg(feature = "simulate")]
pub mod still;
#[cfg(not(feature = "simulate"))]
mod straight;
mod tclip;
mod watched;

pub use anchor::{AnchorError, AnchorFile, Mismatch};
pub use audit::{AuditEntry, Tampered};
pub use backup::BackupError;
pub use chain::{AuditLog, Head, Walk, Walked};
pub use counting::Beside;
pub use directory::{DeviceRow, DevicesOf, GroupKind, ListRow, ListedRows, PersonRow, ROWS_MAX, UserRow};
pub use file::FileTrouble;
pub use ledger::{Held, HoldPhase, HolderRow};
pub use load::Load;
pub use open::OpenError;
pub use outbox::{Class, Row, Waiting};
pub use save::{Saving, Tx};
pub use shapes::NewerShape;
pub use tclip::{PostedFor, TclipRow, posted_for, tclip_pastes};

use std::sync::Arc;

use sqlx::SqlitePool;
#[cfg(not(feature = "simulate"))]
use straight as still;
use tokio::sync::watch;

/// Why the database did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database said no.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// A row holds what this version cannot read, or something cannot be written as a row.
    #[error(transparent)]
    Unreadable(#[from] crate::kernel::kept::Unreadable),
    /// There is no room; nothing was saved and nothing is lost.
    #[error("the disk is full: {0}")]
    Full(String),
    /// Nobody knows what was saved last; this process saves nothing more.
    #[error("the database cannot be relied on until nightlatch starts anew: {0}")]
    Broken(String),
    /// There is no request of that id.
    #[error("there is no request {0}")]
    NoSuchRequest(String),
}

/// The database. Cloning shares it. Reads go to a pool; every write goes through `begin`, one at a time.
#[derive(Clone, Debug)]
pub struct Store {
    read: still::Reader,
    write: SqlitePool,
    /// Held for as long as the store lives, so that no second process writes the same file.
    file: Arc<file::OpenFile>,
    reserve: reserve::Reserve,
    workflows: bodies::Workflows,
    /// Why nothing is saved any more.
    broken: watch::Sender<Option<String>>,
}

impl Store {
    /// Starts the one write transaction; waits for the one before it.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        if let Some(why) = &*self.broken.borrow() {
            return Err(StoreError::Broken(why.clone()));
        }
        let acquired = still::still(still::StoreCall::Begin, self.write.acquire()).await;
        let connection = acquired.map_err(|error| self.judge(error.into()))?;
        Tx::begin(self.clone(), connection).await
    }

    /// What is wrong with the place where the database is, if anything is; looked up now.
    pub fn file_trouble(&self) -> Option<FileTrouble> {
        self.file.trouble()
    }

    /// Closes the file; waits for what is in hand.
    pub async fn close(&self) {
        still::pool(&self.read).close().await;
        self.write.close().await;
    }
}
