//! The audit log: one entry an event, chained by hash, so that an edit, a removal or an insertion shows.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{AuditLog, Store, StoreError, Tx};
use crate::kernel::{Actor, Subject, kept};

/// One entry as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct AuditEntry {
    /// Counts up from one without gaps.
    pub seq: i64,
    /// When, milliseconds since the Unix epoch.
    pub at: i64,
    /// Which request, or what else it is about.
    pub request_id: String,
    /// Who caused it, as JSON.
    pub actor: String,
    /// What happened, as JSON.
    pub event: String,
    /// The request's state after it.
    pub state: String,
    /// Hash of the entry before; empty for the first.
    pub previous: String,
    /// Hash of this one.
    pub hash: String,
}

/// The first entry that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("audit entry {seq} does not fit: {what}")]
pub struct Tampered {
    /// Its number.
    pub seq: i64,
    /// What is wrong with it.
    pub what: String,
}

impl AuditEntry {
    pub(super) fn hash_of(&self) -> String {
        let mut digest = Sha256::new();
        let (seq, at) = (self.seq.to_string(), self.at.to_string());
        let parts = [&self.previous, &seq, &at, &self.request_id, &self.actor, &self.event, &self.state];
        for part in parts {
            // Lengths between the parts: moving a character from one to the next must change the hash.
            digest.update(part.len().to_be_bytes());
            digest.update(part.as_bytes());
        }
        hex::encode(digest.finalize())
    }
}

impl Tx {
    /// Writes down what happened to something, where that is no event of a request.
    pub async fn note(
        &mut self,
        about: &Subject,
        actor: &Actor,
        event: &impl kept::Kept,
        state: &str,
        at: i64,
    ) -> Result<(), StoreError> {
        self.append_audit(AuditEntry {
            seq: 0,
            at,
            request_id: about.stored(),
            actor: kept::write(actor)?,
            event: kept::write(event)?,
            state: state.to_owned(),
            previous: String::new(),
            hash: String::new(),
        })
        .await
    }

    /// Adds an entry to the chain. `seq`, `previous` and `hash` are filled in here.
    pub(super) async fn append_audit(&mut self, mut entry: AuditEntry) -> Result<(), StoreError> {
        let head = self.head().await?;
        head.audit_seq = head.audit_seq.saturating_add(1);
        entry.seq = head.audit_seq;
        entry.previous = std::mem::take(&mut head.audit_hash);
        entry.hash = entry.hash_of();
        head.audit_hash.clone_from(&entry.hash);
        self.pending.audit.push(entry);
        Ok(())
    }
}

impl Store {
    /// The entries about one thing, oldest first.
    pub async fn audit_of(&self, subject: &Subject) -> Result<Vec<AuditEntry>, StoreError> {
        let rows = sqlx::query_as("select * from audit where request_id = $1 order by seq")
            .bind(subject.stored())
            .fetch_all(&self.read)
            .await?;
        Ok(rows)
    }

    /// Every entry, oldest first, at most `limit` after `seq`.
    pub async fn audit_after(&self, seq: i64, limit: i64) -> Result<Vec<AuditEntry>, StoreError> {
        self.audit_log().after(seq, limit).await
    }

    /// The whole log, for those who look after it.
    pub fn audit_log(&self) -> AuditLog {
        AuditLog::new(self.read.clone())
    }

    /// Walks the whole chain; the inner result names the first entry that does not fit.
    pub async fn verify_audit(&self) -> Result<Result<i64, Tampered>, StoreError> {
        self.audit_log().verify().await
    }
}
