//! The outbox: effects that wait, which of them may be performed now, and what becomes due next.

use super::{Store, StoreError, Tx};
use crate::kernel::effect::{Due, Effect, Recipient};
use crate::kernel::event::Purpose;
use crate::kernel::{RequestId, Wake, kept};

/// One effect that waits to be performed.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// Its number; counts up.
    pub seq: i64,
    /// Whose.
    pub request_id: RequestId,
    /// Effects of one lane are performed one at a time.
    pub lane: String,
    /// When it is (or was) due, milliseconds since the Unix epoch.
    pub due_at: i64,
    /// Attempts so far.
    pub attempts: i64,
    /// What to do.
    pub effect: Effect,
}

#[derive(sqlx::FromRow)]
struct Row {
    seq: i64,
    request_id: String,
    lane: String,
    due_at: i64,
    attempts: i64,
    effect: String,
}

impl Row {
    fn read(self) -> Result<Waiting, StoreError> {
        let effect = kept::read(&self.effect)?;
        let Self { seq, request_id, lane, due_at, attempts, .. } = self;
        Ok(Waiting { seq, request_id: RequestId(request_id), lane, due_at, attempts, effect })
    }
}

/// Where an effect queues: `(slot, lane, ordered)`. See the table's comments.
fn queue(request_id: &RequestId, effect: &Effect, keys: &[crate::kernel::Key]) -> (String, String, bool) {
    match effect {
        Effect::FindApprovers => ("find".to_owned(), format!("find {request_id}"), false),
        Effect::Identify { purpose: Purpose::Press { number }, .. } => {
            (format!("press {number}"), format!("press {request_id}"), true)
        }
        Effect::Identify { purpose: Purpose::Start, .. } => ("start".to_owned(), format!("start {request_id}"), false),
        // Two requests with one key share a lane: a key has one writer.
        Effect::Settle { step } => {
            let key = keys.get(*step).map_or("", crate::kernel::Key::as_str);
            (format!("settle {step}"), format!("key {key}"), false)
        }
        Effect::Show { place } => {
            let place = place.target();
            (format!("show {place}"), format!("card {request_id} {place}"), false)
        }
        Effect::Tell { to, .. } => {
            let lane = match to {
                Recipient::Person { slack_id } | Recipient::Private { slack_id, .. } => format!("person {slack_id}"),
                Recipient::Thread | Recipient::Channel => format!("thread {request_id}"),
            };
            (String::new(), lane, true)
        }
        Effect::Rewrite { message, .. } => (
            format!("rewrite {} {}", message.channel, message.ts),
            format!("message {} {}", message.channel, message.ts),
            false,
        ),
        Effect::Wake { wake } => {
            let name = match wake {
                Wake::Lapse => "lapse",
                Wake::Warn => "warn",
                Wake::Expire => "expire",
                Wake::Alarm => "alarm",
            };
            (format!("wake {name}"), format!("wake {request_id} {name}"), false)
        }
        Effect::Say { channel, .. } => (String::new(), format!("say {channel}"), true),
        Effect::ExpirePaste { id } => ("expire".to_owned(), format!("paste {id}"), false),
    }
}

impl Tx {
    /// Puts effects into the outbox; one that waits in the same slot is replaced.
    pub(super) async fn enqueue(
        &mut self,
        request_id: &RequestId,
        keys: &[crate::kernel::Key],
        effects: &[Due],
    ) -> Result<(), StoreError> {
        let Ok(count) = i64::try_from(effects.len()) else { return Ok(()) };
        let last: i64 =
            sqlx::query_scalar("update head set outbox_seq = outbox_seq + $1 where one = 1 returning outbox_seq")
                .bind(count)
                .fetch_one(self.connection())
                .await?;
        let mut seq = last - count;
        for due in effects {
            seq += 1;
            let (slot, lane, ordered) = queue(request_id, &due.effect, keys);
            if !slot.is_empty() {
                sqlx::query("delete from outbox where request_id = $1 and slot = $2")
                    .bind(request_id.as_str())
                    .bind(&slot)
                    .execute(self.connection())
                    .await?;
            }
            let effect = kept::write(&due.effect)?;
            sqlx::query(
                "insert into outbox (seq, request_id, slot, lane, ordered, due_at, attempts, effect)
                 values ($1, $2, $3, $4, $5, $6, 0, $7)",
            )
            .bind(seq)
            .bind(request_id.as_str())
            .bind(&slot)
            .bind(&lane)
            .bind(i64::from(ordered))
            .bind(due.at)
            .bind(effect)
            .execute(self.connection())
            .await?;
        }
        Ok(())
    }

    /// Puts one effect of something that is no request into the outbox.
    pub async fn enqueue_for(&mut self, subject: &RequestId, effect: Effect, at: i64) -> Result<(), StoreError> {
        self.enqueue(subject, &[], &[Due { at, effect }]).await
    }

    /// Takes a performed effect out.
    pub async fn done(&mut self, seq: i64) -> Result<(), StoreError> {
        sqlx::query("delete from outbox where seq = $1").bind(seq).execute(self.connection()).await?;
        Ok(())
    }

    /// Puts an effect off that did not work out.
    pub async fn postpone(&mut self, seq: i64, due_at: i64, error: &str) -> Result<(), StoreError> {
        sqlx::query("update outbox set due_at = $2, attempts = attempts + 1, error = $3 where seq = $1")
            .bind(seq)
            .bind(due_at)
            .bind(error)
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

impl Store {
    /// What may be performed now, oldest first: due, and in an ordered lane only the first. `limit` rows at most.
    pub async fn due(&self, now: i64, limit: i64) -> Result<Vec<Waiting>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "select seq, request_id, lane, due_at, attempts, effect from outbox
             where due_at <= $1 and (ordered = 0 or not exists (
                 select 1 from outbox earlier where earlier.lane = outbox.lane and earlier.seq < outbox.seq))
             order by due_at, seq limit $2",
        )
        .bind(now)
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        rows.into_iter().map(Row::read).collect()
    }

    /// The newest number given to an effect so far.
    pub async fn newest_seq(&self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar("select outbox_seq from head where one = 1").fetch_one(&self.read).await?)
    }

    /// When the next effect after `now` becomes due.
    pub async fn next_due_after(&self, now: i64) -> Result<Option<i64>, StoreError> {
        let next = sqlx::query_scalar("select min(due_at) from outbox where due_at > $1")
            .bind(now)
            .fetch_one(&self.read)
            .await?;
        Ok(next)
    }

    /// Everything that waits, in order; for people who look and for tests.
    pub async fn waiting(&self) -> Result<Vec<Waiting>, StoreError> {
        let rows: Vec<Row> =
            sqlx::query_as("select seq, request_id, lane, due_at, attempts, effect from outbox order by seq")
                .fetch_all(&self.read)
                .await?;
        rows.into_iter().map(Row::read).collect()
    }
}
