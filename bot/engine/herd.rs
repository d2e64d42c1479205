//! Questions to the ledger that come at the same time are one question: thousands of keys that are settled at once cost few reads.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::kernel::Key;
use crate::store::{Held, Store, StoreError};

/// Whoever waits for an answer, and who asks for all of them.
#[derive(Default)]
pub(super) struct Herd {
    waiting: Mutex<Vec<Waiting>>,
    asking: tokio::sync::Mutex<()>,
}

struct Waiting {
    key: Key,
    answer: oneshot::Sender<Held>,
}

impl Herd {
    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who holds a key as far as it matters to whoever settles it, read after this was called.
    pub(super) async fn held(&self, store: &Store, key: &Key) -> Result<Held, StoreError> {
        let (answer, mut answered) = oneshot::channel();
        self.waiting().push(Waiting { key: key.clone(), answer });
        // While one asks, the others gather; the next one asks for all of them.
        let _asking = self.asking.lock().await;
        if let Ok(held) = answered.try_recv() {
            return Ok(held);
        }
        let together = std::mem::take(&mut *self.waiting());
        ask(store, together).await;
        match answered.try_recv() {
            Ok(held) => Ok(held),
            // It could not be read for all, or whoever asked for this one, too, was stopped.
            Err(_) => store.held(key).await,
        }
    }
}

async fn ask(store: &Store, together: Vec<Waiting>) {
    let keys: Vec<&Key> = together.iter().map(|one| &one.key).collect();
    match store.held_many(&keys).await {
        Ok(held) => {
            for (Waiting { answer, .. }, held) in together.into_iter().zip(held) {
                // Whoever was stopped meanwhile waits no more.
                let _ = answer.send(held);
            }
        }
        Err(failure) => tracing::warn!(error = %failure, "the ledger cannot be read for several keys at once"),
    }
}
