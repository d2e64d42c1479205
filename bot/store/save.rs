//! Saving: state, ledger, outbox, audit and the delivery's fingerprint, all in the caller's transaction.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde_json::{Value, json};
use sqlx::Sqlite;
use sqlx::pool::PoolConnection;

use super::bodies::{Stored, select_request};
use super::ledger::HoldPhase;
use super::pending::Pending;
use super::still::{self, Gate, StoreCall, Writing};
use super::{AuditEntry, Store, StoreError};
use crate::kernel::kept::{self, Unreadable};
use crate::kernel::{Actor, Applied, Event, Key, Request, RequestId, State, Subject};
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
    /// What is to be written, before the commit at the latest.
    pub(super) pending: Pending,
    /// How far holds are that were asked about; none: the ledger does not know them.
    pub(super) phases: HashMap<(Key, RequestId), Option<HoldPhase>>,
    /// What deliveries led to that were asked about; none: they are new.
    delivered: HashMap<String, Option<Subject>>,
    /// How many requests of a person (a Slack id) wait for a decision, as far as it was asked for.
    waiting: HashMap<String, i64>,
    /// By person (a Slack id) and workflow.
    open: HashMap<(String, String), Vec<Arc<Request>>>,
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
        let mut tx = Self {
            _before,
            store,
            connection,
            head: None,
            pending: Pending::default(),
            phases: HashMap::new(),
            delivered: HashMap::new(),
            waiting: HashMap::new(),
            open: HashMap::new(),
            is_committed: false,
            _behind,
        };
        tx.perform("begin immediate", StoreCall::Begin).await?;
        still::limit_room(&mut tx.connection).await;
        Ok(tx)
    }

    /// For statements; what is pending is not seen by them.
    pub(super) fn connection(&mut self) -> Writing<'_> {
        still::writing(&mut self.connection)
    }

    /// Makes everything durable.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        self.flush().await?;
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
                // A row that nobody counted keeps no other from being put beside it.
                "select max(cast(outbox_seq as bigint), coalesce((select max(seq) from outbox where seq < 1000000000000000000), 0))
                     as outbox_seq, cast(audit_seq as bigint) as audit_seq, audit_hash from head where one = 1",
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
        if self.pending.requests.contain(id) {
            self.flush().await?;
        }
        let stored: Option<Stored> = sqlx::query_as(select_request!("where request.id = $1"))
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await?;
        Ok(stored.ok_or_else(|| StoreError::NoSuchRequest(id.to_string()))?.read(&self.store.workflows)?)
    }

    /// Those of these requests that there are, as they are before the transaction changes them.
    pub async fn load_many(&mut self, ids: &[&RequestId]) -> Result<Vec<Result<Request, Unreadable>>, StoreError> {
        let ids: Vec<&str> = ids.iter().map(|id| id.as_str()).collect();
        let stored: Vec<Stored> =
            sqlx::query_as(select_request!("where request.id in (select value from json_each($1))"))
                .bind(Value::from(ids).to_string())
                .fetch_all(self.connection())
                .await?;
        Ok(stored.iter().map(|stored| stored.read(&self.store.workflows)).collect())
    }

    /// Requests under the workflow of this name that were asked at that time or later, as the transaction sees them.
    pub async fn asked_since(&mut self, workflow: &str, since: i64) -> Result<Vec<Request>, StoreError> {
        self.flush().await?;
        let stored: Vec<Stored> =
            sqlx::query_as(select_request!("where request.workflow = $1 and request.asked_at >= $2"))
                .bind(workflow)
                .bind(since)
                .fetch_all(self.connection())
                .await?;
        stored.iter().map(|stored| Ok(stored.read(&self.store.workflows)?)).collect()
    }

    /// What somebody (a Slack id) asked for at that time or later, as the transaction sees it, oldest first. What cannot be read is left out.
    pub async fn asked_by_since(&mut self, slack_id: &str, since: i64) -> Result<Vec<Request>, StoreError> {
        self.flush().await?;
        let stored: Vec<Stored> = sqlx::query_as(select_request!(
            "where request.requester = $1 and request.asked_at >= $2 order by request.asked_at"
        ))
        .bind(slack_id)
        .bind(since)
        .fetch_all(self.connection())
        .await?;
        Ok(stored.iter().filter_map(|stored| stored.read(&self.store.workflows).ok()).collect())
    }

    /// What somebody (a Slack id) has asked for under the workflow of this name and is not over, as this transaction sees it, oldest
    /// first. What cannot be read keeps nobody from asking.
    pub async fn open_of(&mut self, slack_id: &str, workflow: &str) -> Result<Vec<Arc<Request>>, StoreError> {
        let of = (slack_id.to_owned(), workflow.to_owned());
        if !self.open.contains_key(&of) {
            self.flush().await?;
            self.know_open(&[(slack_id, workflow)]).await?;
        }
        Ok(self.open.get(&of).cloned().unwrap_or_default())
    }

    /// Looks up what these people (Slack ids) have asked for under the workflows of these names and is not over, all at once, before the
    /// transaction changes any.
    pub async fn know_open(&mut self, asked: &[(&str, &str)]) -> Result<(), StoreError> {
        let (people, names): (BTreeSet<&str>, BTreeSet<&str>) = asked.iter().copied().unzip();
        let stored: Vec<Stored> = sqlx::query_as(select_request!(
            "where request.state <> 'ended' and request.requester in (select value from json_each($1))
             and request.workflow in (select value from json_each($2)) order by request.id"
        ))
        .bind(json!(people).to_string())
        .bind(json!(names).to_string())
        .fetch_all(self.connection())
        .await?;
        for (person, name) in asked {
            self.open.insert(((*person).to_owned(), (*name).to_owned()), Vec::new());
        }
        for request in stored.iter().filter_map(|stored| stored.read(&self.store.workflows).ok()) {
            let of = (request.requester.slack_id.clone(), request.workflow.name.clone());
            if let Some(open) = self.open.get_mut(&of) {
                open.push(Arc::new(request));
            }
        }
        Ok(())
    }

    /// What was looked up follows what this transaction changes.
    fn now_open(&mut self, request: &Request) {
        if self.open.is_empty() {
            return;
        }
        let of = (request.requester.slack_id.clone(), request.workflow.name.clone());
        if let Some(open) = self.open.get_mut(&of) {
            open.retain(|one| one.id != request.id);
            if request.state != State::Ended {
                open.push(Arc::new(request.clone()));
            }
        }
    }

    /// The workflow and the requester (a Slack id) of a request, from the columns beside its body.
    pub async fn known_of(&mut self, id: &RequestId) -> Result<Option<(String, String)>, StoreError> {
        let row = sqlx::query_as("select workflow, requester from request where id = $1")
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await?;
        Ok(row)
    }

    /// Looks up what these deliveries led to, all at once, for those who ask for one after the other.
    pub async fn know_deliveries(&mut self, keys: &[&str]) -> Result<(), StoreError> {
        let before: Vec<(String, String)> =
            sqlx::query_as("select key, request_id from delivery where key in (select value from json_each($1))")
                .bind(Value::from(keys).to_string())
                .fetch_all(self.connection())
                .await?;
        self.delivered.extend(keys.iter().map(|key| ((*key).to_owned(), None)));
        self.delivered.extend(before.into_iter().map(|(key, id)| (key, Some(Subject::from_stored(&id)))));
        Ok(())
    }

    /// Whether Slack delivered this before; nothing is remembered.
    pub async fn was_delivered(&mut self, key: &str) -> Result<bool, StoreError> {
        if !self.delivered.contains_key(key) {
            self.know_deliveries(&[key]).await?;
        }
        Ok(self.delivered.get(key).is_some_and(Option::is_some))
    }

    /// Looks up how many requests of these people (Slack ids) wait for a decision, all at once, before the transaction changes any.
    pub async fn know_waiting(&mut self, people: &[&str]) -> Result<(), StoreError> {
        // By person: with the `+` not by state, since that would be everything that waits. The second condition is the index's own.
        let counts: Vec<(String, i64)> = sqlx::query_as(
            "select requester, count(*) from request
             where +state = 'pending' and state <> 'ended' and requester in (select value from json_each($1)) group by requester",
        )
        .bind(Value::from(people).to_string())
        .fetch_all(self.connection())
        .await?;
        self.waiting.extend(people.iter().map(|person| ((*person).to_owned(), 0)));
        self.waiting.extend(counts);
        Ok(())
    }

    /// How many of theirs wait, with those that were counted in this transaction.
    pub async fn waiting_of(&mut self, slack_id: &str) -> Result<i64, StoreError> {
        if !self.waiting.contains_key(slack_id) {
            self.flush().await?;
            self.know_waiting(&[slack_id]).await?;
        }
        Ok(self.waiting.get(slack_id).copied().unwrap_or(0))
    }

    /// One more of theirs waits.
    pub fn one_more_waits(&mut self, slack_id: &str) {
        if let Some(count) = self.waiting.get_mut(slack_id) {
            *count = count.saturating_add(1);
        }
    }

    /// Remembers a delivery; if it was seen before, what it led to then.
    pub async fn first_delivery(
        &mut self,
        key: &str,
        subject: &Subject,
        at: i64,
    ) -> Result<Option<Subject>, StoreError> {
        if !self.delivered.contains_key(key) {
            self.know_deliveries(&[key]).await?;
        }
        if let Some(Some(before)) = self.delivered.get(key) {
            return Ok(Some(before.clone()));
        }
        self.delivered.insert(key.to_owned(), Some(subject.clone()));
        self.pending.deliveries.push((key.to_owned(), subject.clone(), at));
        Ok(None)
    }

    /// What a delivery led to is known under another name now.
    pub async fn delivery_led_to(&mut self, key: &str, subject: &Subject) -> Result<(), StoreError> {
        self.delivered.insert(key.to_owned(), Some(subject.clone()));
        sqlx::query("update delivery set request_id = $2 where key = $1")
            .bind(key)
            .bind(subject.stored())
            .execute(self.connection())
            .await?;
        Ok(())
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
        self.pending.requests.put(request)?;
        self.now_open(request);
        for entry in &applied.ledger {
            self.write_ledger(&request.id, entry).await?;
        }
        if request.state == State::Ended {
            self.end_waits(&request.id);
        }
        if !applied.effects.is_empty() {
            self.enqueue(&Subject::from(&request.id), &applied.effects).await?;
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
}
