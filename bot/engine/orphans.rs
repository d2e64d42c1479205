//! Holds of requests that cannot be read: the ledger alone is enough to take them back, and people are told.

use serde_json::{Value, json};

use super::Engine;
use crate::kernel::effect::Effect;
use crate::kernel::kept::Note;
use crate::kernel::{Actor, Failure, Key, Proof, RequestId};
use crate::notices::unreadable;
use crate::store::{StoreError, Tx};

/// Between two attempts to take back what no request can be asked about.
const PAUSE_MS: i64 = 10_000;

/// The end of a hold has passed, and its request cannot be read: the ledger lets go for it.
pub(super) async fn released(
    tx: &mut Tx,
    (key, id): (&Key, &RequestId),
    why: &StoreError,
    now: i64,
) -> Result<(), StoreError> {
    tracing::error!(request.id = %id, step.key = %key, error = %why, "a request cannot be read; what it holds is taken back");
    let event = Note(json!({ "event": "released_unread", "key": key.as_str(), "why": why.to_string() }));
    tx.note(&id.into(), &Actor::Clock, &event, "unreadable", now).await?;
    tx.release(key, id).await
}

/// What such a request held was settled, or could not be.
pub(super) async fn settled(
    engine: &Engine,
    tx: &mut Tx,
    (key, id): (&Key, &RequestId),
    outcome: &Result<Proof, Failure>,
    why: &StoreError,
    now: i64,
) -> Result<(), StoreError> {
    let proof = match outcome {
        Ok(proof) => proof,
        Err(failure) => {
            tracing::error!(request.id = %id, step.key = %key, failure = failure.what, error = %why,
                "a request cannot be read, and what it holds could not be settled; it is tried again");
            let again = Effect::Settle { key: key.clone() };
            return tx.enqueue_for(&key.into(), again, now.saturating_add(PAUSE_MS)).await;
        }
    };
    if proof.found.is_on() {
        return Ok(());
    }
    let event = Note(json!({ "event": "settled_unread", "key": key.as_str(), "proof": proof }));
    tx.note(&id.into(), &Actor::Worker, &event, "unreadable", now).await?;
    tx.leave(key, id).await?;
    let Some((workflow, requester)) = tx.known_of(id).await? else { return Ok(()) };
    let catalog = engine.catalog();
    let channel = catalog.find(&workflow).and_then(|workflow| workflow.announce.clone());
    let said = Effect::Say {
        channel: channel.unwrap_or_else(|| requester.clone()),
        thread: None,
        text: unreadable::taken_back(&workflow, &requester, id, proof, now),
        by: requester,
        blocks: Value::Array(Vec::new()),
    };
    tx.enqueue_for(&id.into(), said, now).await
}
