//! One at a time a key: settling and taking back unsaved never touch the same thing at once. Per process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

use crate::kernel::Key;

/// Whose turn it is, by key.
#[derive(Default)]
pub(super) struct Turns {
    taken: Mutex<HashMap<Key, Arc<tokio::sync::Mutex<()>>>>,
}

impl Turns {
    /// Waits for the key's turn; it is over when what this returns is dropped.
    pub(super) async fn take(&self, key: &Key) -> OwnedMutexGuard<()> {
        let turn = {
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            // Nobody waits for what only this map knows.
            taken.retain(|_, turn| Arc::strong_count(turn) > 1);
            taken.entry(key.clone()).or_default().clone()
        };
        turn.lock_owned().await
    }
}
