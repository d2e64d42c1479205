//! What a transaction is to write: collected while events are put through the rules, written together before it commits.

use super::bodies::Bodies;
use super::bulk::Many;
use super::{AuditEntry, StoreError, Tx, holds, queueing};
use crate::kernel::Subject;

/// Everything that is collected.
#[derive(Default)]
pub(super) struct Pending {
    pub(super) requests: Bodies,
    pub(super) outbox: queueing::Changes,
    pub(super) ledger: holds::Changes,
    pub(super) audit: Vec<AuditEntry>,
    /// Fingerprints of deliveries, what they led to, and when.
    pub(super) deliveries: Vec<(String, Subject, i64)>,
}

const AUDIT: Many = Many {
    before: "insert into audit (seq, at, request_id, actor, event, state, previous, hash) values ",
    values: 8,
    after: "",
};
const DELIVERIES: Many =
    Many { before: "insert into delivery (key, request_id, at) values ", values: 3, after: " on conflict do nothing" };

impl Tx {
    /// Writes what was collected. Whoever reads what it may change does this first.
    pub(super) async fn flush(&mut self) -> Result<(), StoreError> {
        self.flush_requests().await?;
        self.flush_ledger().await?;
        self.flush_outbox().await?;
        let audit = std::mem::take(&mut self.pending.audit);
        self.write_many(&AUDIT, &audit, |query, entry| {
            query
                .bind(entry.seq)
                .bind(entry.at)
                .bind(entry.request_id.as_str())
                .bind(entry.actor.as_str())
                .bind(entry.event.as_str())
                .bind(entry.state.as_str())
                .bind(entry.previous.as_str())
                .bind(entry.hash.as_str())
        })
        .await?;
        let deliveries = std::mem::take(&mut self.pending.deliveries);
        self.write_many(&DELIVERIES, &deliveries, |query, (key, subject, at)| {
            query.bind(key.as_str()).bind(subject.stored()).bind(*at)
        })
        .await
    }
}
