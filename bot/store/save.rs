//! Saving: state, ledger, outbox, audit and the delivery's fingerprint, all in the caller's transaction.

use sqlx::Sqlite;
use sqlx::pool::PoolConnection;

use super::still::{self, Gate, StoreCall, Writing};
use super::{AuditEntry, Store, StoreError};
use crate::kernel::{Actor, Applied, Event, Request, RequestId, State, kept};
use crate::planted::{Fault, is_planted};

/// The one write transaction. Dropping it without `commit` undoes it.
///
/// SQLite ends a transaction by itself when the disk is full or fails, and what a connection then believes of itself is of no use: only one
/// whose commit succeeded is used again, any other is closed and replaced.
pub struct Tx {
    _before: Gate,
    store: Store,
    connection: PoolConnection<Sqlite>,
    /// Read when it is first needed and written once, with the commit.
    head: Option<Head>,
    is_committed: bool,
    _behind: Gate,
}

/// Where counting stands.
#[derive(sqlx::FromRow)]
pub(super) struct Head {
    pub(super) outbox_seq: i64,
    pub(super) audit_seq: i64,
    pub(super) audit_hash: String,
}

impl Drop for Tx {
    fn drop(&mut self) {
        if !self.is_committed && !is_planted(Fault::KeepsBroken) {
            self.connection.close_on_drop();
        }
    }
}

/// Everything that one event changes.
pub struct Saving<'a> {
    /// What the kernel said.
    pub applied: &'a Applied,
    /// Who caused it.
    pub actor: &'a Actor,
    /// What happened.
    pub event: &'a Event,
    /// When, milliseconds since the Unix epoch.
    pub at: i64,
}

impl Tx {
    pub(super) async fn begin(store: Store, connection: PoolConnection<Sqlite>) -> Result<Self, StoreError> {
        let (_before, _behind) = (Gate::before(), Gate::behind());
        let mut tx = Self { _before, store, connection, head: None, is_committed: false, _behind };
        tx.perform("begin immediate", StoreCall::Begin).await?;
        still::limit_room(&mut tx.connection).await;
        Ok(tx)
    }

    pub(super) fn connection(&mut self) -> Writing<'_> {
        still::writing(&mut self.connection)
    }

    /// Makes everything durable.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        if let Some(head) = self.head.take() {
            sqlx::query("update head set outbox_seq = $1, audit_seq = $2, audit_hash = $3 where one = 1")
                .bind(head.outbox_seq)
                .bind(head.audit_seq)
                .bind(head.audit_hash)
                .execute(self.connection())
                .await?;
        }
        self.perform("commit", StoreCall::Commit).await?;
        self.is_committed = true;
        Ok(())
    }

    /// Where counting stands, as the transaction sees it; what is changed here is saved with the commit.
    pub(super) async fn head(&mut self) -> Result<&mut Head, StoreError> {
        let head = match self.head.take() {
            Some(head) => head,
            None => sqlx::query_as(
                "select cast(outbox_seq as bigint) as outbox_seq, cast(audit_seq as bigint) as audit_seq, audit_hash
                     from head where one = 1",
            )
            .fetch_one(self.connection())
            .await?,
        };
        Ok(self.head.insert(head))
    }

    async fn perform(&mut self, statement: &'static str, call: StoreCall) -> Result<(), StoreError> {
        let done = still::still(call, sqlx::query(statement).execute(&mut *self.connection)).await;
        done.map(drop).map_err(|error| self.store.judge(error.into()))
    }

    /// The request as the transaction sees it.
    pub async fn load(&mut self, id: &RequestId) -> Result<Request, StoreError> {
        let body: Option<String> = sqlx::query_scalar("select body from request where id = $1")
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await?;
        let body = body.ok_or_else(|| StoreError::NoSuchRequest(id.to_string()))?;
        Ok(kept::read(&body)?)
    }

    /// The workflow and the requester (a Slack id) of a request, from the columns beside its body.
    pub async fn known_of(&mut self, id: &RequestId) -> Result<Option<(String, String)>, StoreError> {
        let row = sqlx::query_as("select workflow, requester from request where id = $1")
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await?;
        Ok(row)
    }

    /// Remembers a delivery; if it was seen before, the request it led to then.
    pub async fn first_delivery(
        &mut self,
        key: &str,
        id: &RequestId,
        at: i64,
    ) -> Result<Option<RequestId>, StoreError> {
        let new = sqlx::query("insert into delivery (key, request_id, at) values ($1, $2, $3) on conflict do nothing")
            .bind(key)
            .bind(id.as_str())
            .bind(at)
            .execute(self.connection())
            .await?;
        if new.rows_affected() > 0 {
            return Ok(None);
        }
        let before: String = sqlx::query_scalar("select request_id from delivery where key = $1")
            .bind(key)
            .fetch_one(self.connection())
            .await?;
        Ok(Some(RequestId(before)))
    }

    /// Forgets deliveries from before `at`: Slack repeats nothing for that long.
    pub async fn forget_deliveries_before(&mut self, at: i64) -> Result<(), StoreError> {
        sqlx::query("delete from delivery where at < $1").bind(at).execute(self.connection()).await?;
        Ok(())
    }

    /// Writes one event's outcome.
    pub async fn save(&mut self, saving: Saving<'_>) -> Result<(), StoreError> {
        let Saving { applied, actor, event, at } = saving;
        let request = &applied.request;
        self.write_request(request).await?;
        for entry in &applied.ledger {
            self.write_ledger(&request.id, entry).await?;
        }
        if request.state == State::Ended {
            self.end_waits(&request.id).await?;
        }
        if !applied.effects.is_empty() {
            self.enqueue(&request.id, &applied.effects).await?;
        }
        if is_planted(Fault::LeavesOutAudit) && matches!(event, Event::Settled { .. }) {
            return Ok(());
        }
        let entry = AuditEntry {
            seq: 0,
            at,
            request_id: request.id.to_string(),
            actor: kept::write(actor)?,
            event: match event {
                // The ask itself is the event; the workflow's digest in it names the version.
                Event::Asked => kept::write(&kept::Asked::of(&request.ask))?,
                event => kept::write(event)?,
            },
            state: request.state.word().to_owned(),
            previous: String::new(),
            hash: String::new(),
        };
        self.append_audit(entry).await
    }

    async fn write_request(&mut self, request: &Request) -> Result<(), StoreError> {
        let body = kept::write(request)?;
        sqlx::query(
            "insert into request (id, workflow, requester, state, outcome, stuck, asked_at, expires_at, version, body)
             values ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9)
             on conflict (id) do update set state = excluded.state, outcome = excluded.outcome,
                 stuck = excluded.stuck, expires_at = excluded.expires_at, version = request.version + 1,
                 body = excluded.body",
        )
        .bind(request.id.as_str())
        .bind(&request.workflow.name)
        .bind(&request.requester.slack_id)
        .bind(request.state.word())
        .bind(request.outcome.map(crate::kernel::Outcome::word))
        .bind(i64::from(request.stuck))
        .bind(request.asked_at)
        .bind(request.expires_at)
        .bind(body)
        .execute(self.connection())
        .await?;
        Ok(())
    }
}
