//! One at a time a key: settling and taking back unsaved never touch the same thing at once. Per process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

use crate::kernel::Key;

/// So many keys may be known before those whose turn is over are forgotten.
const KNOWN_MIN: usize = 64;

/// Whose turn it is, by key.
#[derive(Default)]
pub(super) struct Turns {
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    turns: HashMap<Key, Arc<tokio::sync::Mutex<()>>>,
    /// As many as were in use when it was last looked at.
    in_use: usize,
}

impl Turns {
    /// Waits for the key's turn; it is over when what this returns is dropped.
    pub(super) async fn take(&self, key: &Key) -> OwnedMutexGuard<()> {
        let turn = {
            let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
            if taken.turns.len() >= KNOWN_MIN.max(taken.in_use.saturating_mul(2)) {
                // Nobody waits for what only this map knows.
                taken.turns.retain(|_, turn| Arc::strong_count(turn) > 1);
                taken.in_use = taken.turns.len();
            }
            taken.turns.entry(key.clone()).or_default().clone()
        };
        turn.lock_owned().await
    }
}
