//! The outbox: effects that wait, which of them may be performed now, and what becomes due next.

use super::{Store, StoreError, Tx};
use crate::kernel::effect::{Due, Effect, Notice, Recipient};
use crate::kernel::event::Purpose;
use crate::kernel::{Key, RequestId, Wake, kept};

/// Which places in the worker an effect competes for, so that an end never waits behind a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Keys to be settled: what was begun or let go comes before what comes due.
    Settle,
    /// Ends and alarms that come due.
    End,
    /// Presses, look-ups, and the other times a request waits for.
    Decide,
    /// That somebody must look at the far side themselves.
    Alarm,
    /// Other messages.
    Say,
    /// What people typed, until they are answered.
    Ask,
}

impl Class {
    /// All, the most urgent first.
    pub const ALL: [Self; 6] = [Self::Settle, Self::End, Self::Decide, Self::Alarm, Self::Ask, Self::Say];

    fn number(self) -> i64 {
        match self {
            Self::Settle => 0,
            Self::End => 3,
            Self::Decide => 1,
            Self::Say => 2,
            Self::Alarm => 4,
            Self::Ask => 5,
        }
    }
}

/// The class of rows that this version cannot read. They stay until one that can is started.
const SET_ASIDE: i64 = 9;

/// One effect that waits to be performed.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// Its number; counts up.
    pub seq: i64,
    /// Whose; of a key, `key:` and the key.
    pub request_id: RequestId,
    /// Effects of one lane are performed one at a time, in order.
    pub lane: String,
    /// When it is (or was) due, milliseconds since the Unix epoch.
    pub due_at: i64,
    /// Attempts so far.
    pub attempts: i64,
    /// What to do.
    pub effect: Effect,
}

/// A row as it is: one that cannot be read keeps nobody else waiting.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// To be performed.
    Read(Box<Waiting>),
    /// Of another version, or damaged.
    Unreadable {
        /// Its number.
        seq: i64,
        /// Whose.
        request_id: RequestId,
        /// Why.
        why: String,
    },
}

#[derive(sqlx::FromRow)]
struct Stored {
    seq: i64,
    request_id: String,
    lane: String,
    due_at: i64,
    attempts: i64,
    effect: String,
}

impl Stored {
    fn read(self) -> Row {
        let Self { seq, request_id, lane, due_at, attempts, effect } = self;
        let request_id = RequestId(request_id);
        match kept::read(&effect) {
            Ok(effect) => Row::Read(Box::new(Waiting { seq, request_id, lane, due_at, attempts, effect })),
            Err(error) => Row::Unreadable { seq, request_id, why: error.to_string() },
        }
    }
}

/// Where an effect queues. See the table's comments.
struct Place {
    class: Class,
    subject: String,
    /// A newer effect replaces a waiting one in the same slot; empty: never.
    slot: String,
    lane: String,
    /// Whether a lane can have several rows.
    is_shared: bool,
}

fn place(request_id: &RequestId, effect: &Effect) -> Place {
    let alone = |class: Class, slot: String, lane: String| Place {
        class,
        subject: request_id.to_string(),
        slot,
        lane,
        is_shared: false,
    };
    let queue = |class: Class, slot: String, lane: String| Place { is_shared: true, ..alone(class, slot, lane) };
    match effect {
        Effect::FindApprovers { .. } => alone(Class::Decide, "find".to_owned(), format!("find {request_id}")),
        Effect::Identify { purpose: Purpose::Press { number }, .. } => {
            queue(Class::Decide, format!("press {number}"), format!("press {request_id}"))
        }
        Effect::Identify { purpose: Purpose::Start, .. } => {
            alone(Class::Decide, "start".to_owned(), format!("start {request_id}"))
        }
        // A key has one writer, and one row whoever waits for it.
        Effect::Settle { key } => {
            Place { subject: format!("key:{key}"), ..alone(Class::Settle, "settle".to_owned(), format!("key {key}")) }
        }
        Effect::Show { place } => {
            let place = place.target();
            alone(Class::Say, format!("show {place}"), format!("card {request_id} {place}"))
        }
        Effect::Tell { to, notice } => {
            let lane = match to {
                Recipient::Person { slack_id } | Recipient::Private { slack_id, .. } => format!("person {slack_id}"),
                Recipient::Thread | Recipient::Channel => format!("thread {request_id}"),
            };
            // An alarm does not wait until everything else was said to the same person.
            match notice {
                Notice::Stuck | Notice::LeftOn => queue(Class::Alarm, String::new(), format!("alarm {lane}")),
                _ => queue(Class::Say, String::new(), lane),
            }
        }
        Effect::Rewrite { message, .. } => {
            let message = format!("{} {}", message.channel, message.ts);
            queue(Class::Say, format!("rewrite {message}"), format!("message {message}"))
        }
        Effect::Wake { wake } => {
            let (class, name) = match wake {
                Wake::Lapse => (Class::Decide, "lapse"),
                Wake::Warn => (Class::Decide, "warn"),
                Wake::Expire => (Class::End, "expire"),
                Wake::Alarm => (Class::End, "alarm"),
            };
            alone(class, format!("wake {name}"), format!("wake {request_id} {name}"))
        }
        Effect::Say { channel, .. } => queue(Class::Say, String::new(), format!("say {channel}")),
        Effect::Complete { .. } => alone(Class::Ask, "complete".to_owned(), format!("complete {request_id}")),
        Effect::Answer { .. } => alone(Class::Ask, "answer".to_owned(), format!("answer {request_id}")),
        Effect::ExpirePaste { id } => alone(Class::Decide, "expire".to_owned(), format!("paste {id}")),
    }
}

impl Tx {
    /// Puts effects into the outbox; one that waits in the same slot is replaced.
    pub(super) async fn enqueue(&mut self, request_id: &RequestId, effects: &[Due]) -> Result<(), StoreError> {
        for due in effects {
            let head = self.head().await?;
            head.outbox_seq = head.outbox_seq.saturating_add(1);
            let seq = head.outbox_seq;
            self.put(seq, place(request_id, &due.effect), due).await?;
        }
        Ok(())
    }

    async fn put(&mut self, seq: i64, place: Place, due: &Due) -> Result<(), StoreError> {
        let mut at = due.at;
        if !place.slot.is_empty() {
            let replaced: Vec<i64> =
                sqlx::query_scalar("delete from outbox where request_id = $1 and slot = $2 returning due_at")
                    .bind(&place.subject)
                    .bind(&place.slot)
                    .fetch_all(self.connection())
                    .await?;
            // Whoever waits longer for a key does not make others wait: it is settled for all when the first one is due.
            if matches!(due.effect, Effect::Settle { .. }) {
                at = replaced.into_iter().fold(at, i64::min);
            } else if place.is_shared && !replaced.is_empty() {
                self.promote(&place.lane).await?;
            }
        }
        let effect = kept::write(&due.effect)?;
        sqlx::query(
            "insert into outbox (seq, request_id, slot, lane, ordered, due_at, attempts, effect, class, first)
             values ($1, $2, $3, $4, $5, $6, 0, $7, $8,
                     case when $5 = 1 and exists (select 1 from outbox where lane = $4) then 0 else 1 end)",
        )
        .bind(seq)
        .bind(&place.subject)
        .bind(&place.slot)
        .bind(&place.lane)
        .bind(i64::from(place.is_shared))
        .bind(at)
        .bind(effect)
        .bind(place.class.number())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Puts one effect of something that is no request into the outbox.
    pub async fn enqueue_for(&mut self, subject: &RequestId, effect: Effect, at: i64) -> Result<(), StoreError> {
        self.enqueue(subject, &[Due { at, effect }]).await
    }

    /// The next one in a lane is looked at from now on.
    async fn promote(&mut self, lane: &str) -> Result<(), StoreError> {
        sqlx::query("update outbox set first = 1 where seq = (select min(seq) from outbox where lane = $1)")
            .bind(lane)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Takes a performed effect out.
    pub async fn done(&mut self, seq: i64) -> Result<(), StoreError> {
        let gone: Option<(String, i64)> = sqlx::query_as("delete from outbox where seq = $1 returning lane, ordered")
            .bind(seq)
            .fetch_optional(self.connection())
            .await?;
        match gone {
            Some((lane, 1)) => self.promote(&lane).await,
            _ => Ok(()),
        }
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

    /// What is over waits for no time any more.
    pub(super) async fn end_waits(&mut self, request_id: &RequestId) -> Result<(), StoreError> {
        sqlx::query("delete from outbox where request_id = $1 and slot in ('wake expire', 'wake warn', 'wake alarm', 'wake lapse')")
            .bind(request_id.as_str())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// Keeps a row that this version cannot perform for one that can; whatever stood behind it goes on.
    /// Returns the key it should have settled, if it was such a row.
    pub async fn set_aside(&mut self, seq: i64, at: i64, why: &str) -> Result<Option<Key>, StoreError> {
        let lane: Option<String> = sqlx::query_scalar("select lane from outbox where seq = $1 and class <> $2")
            .bind(seq)
            .bind(SET_ASIDE)
            .fetch_optional(self.connection())
            .await?;
        let Some(lane) = lane else { return Ok(None) };
        sqlx::query("update outbox set class = $2, lane = $3, first = 0, set_aside_at = $4, error = $5 where seq = $1")
            .bind(seq)
            .bind(SET_ASIDE)
            .bind(format!("aside {seq}"))
            .bind(at)
            .bind(why)
            .execute(self.connection())
            .await?;
        self.promote(&lane).await?;
        Ok(lane.strip_prefix("key ").map(|key| Key::from_stored(key.to_owned())))
    }

    /// Rows an earlier version set aside and this one can read queue again, as they would have. Returns how many.
    pub async fn readmit(&mut self) -> Result<usize, StoreError> {
        let rows: Vec<Stored> =
            sqlx::query_as("select seq, request_id, lane, due_at, attempts, effect from outbox where class = $1")
                .bind(SET_ASIDE)
                .fetch_all(self.connection())
                .await?;
        let mut count = 0;
        for row in rows {
            let Row::Read(waiting) = row.read() else { continue };
            self.done(waiting.seq).await?;
            self.enqueue(&waiting.request_id, &[Due { at: waiting.due_at, effect: waiting.effect }]).await?;
            count += 1;
        }
        Ok(count)
    }

    /// The far side answers again: whatever waits to be settled anew does so now.
    pub async fn hurry_settling(&mut self, uses: &str, now: i64) -> Result<(), StoreError> {
        sqlx::query("update outbox set due_at = $1 where class = 0 and first = 1 and due_at > $1 and lane like $2")
            .bind(now)
            .bind(format!("key {uses} %"))
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

impl Store {
    /// What may be performed now of one class, oldest first: due, and the first of its lane. `limit` rows at most.
    pub async fn due(&self, class: Class, now: i64, limit: i64) -> Result<Vec<Row>, StoreError> {
        let rows: Vec<Stored> = sqlx::query_as(
            "select seq, request_id, lane, due_at, attempts, effect from outbox
             where class = $1 and first = 1 and due_at <= $2 order by due_at, seq limit $3",
        )
        .bind(class.number())
        .bind(now)
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        Ok(rows.into_iter().map(Stored::read).collect())
    }

    /// The newest number given to an effect so far.
    pub async fn newest_seq(&self) -> Result<i64, StoreError> {
        Ok(sqlx::query_scalar("select outbox_seq from head where one = 1").fetch_one(&self.read).await?)
    }

    /// When the next effect of this class after `now` becomes due.
    pub async fn next_due_after(&self, class: Class, now: i64) -> Result<Option<i64>, StoreError> {
        let next = sqlx::query_scalar("select min(due_at) from outbox where class = $1 and first = 1 and due_at > $2")
            .bind(class.number())
            .bind(now)
            .fetch_one(&self.read)
            .await?;
        Ok(next)
    }

    /// When the next effect of any class after `now` becomes due.
    pub async fn next_due(&self, now: i64) -> Result<Option<i64>, StoreError> {
        let mut next = None;
        for class in Class::ALL {
            next = next.into_iter().chain(self.next_due_after(class, now).await?).min();
        }
        Ok(next)
    }

    /// When the oldest end that is due was due; for the watchdog.
    pub async fn oldest_end(&self) -> Result<Option<i64>, StoreError> {
        let mut oldest = None;
        for class in [Class::Settle, Class::End] {
            let due_at: Option<i64> =
                sqlx::query_scalar("select min(due_at) from outbox where class = $1 and first = 1")
                    .bind(class.number())
                    .fetch_one(&self.read)
                    .await?;
            oldest = oldest.into_iter().chain(due_at).min();
        }
        Ok(oldest)
    }

    /// How many rows were set aside because this version cannot read them.
    pub async fn set_aside_count(&self) -> Result<i64, StoreError> {
        let count = sqlx::query_scalar("select count(*) from outbox where class = $1")
            .bind(SET_ASIDE)
            .fetch_one(&self.read)
            .await?;
        Ok(count)
    }

    /// Everything that waits and can be read, in order; for people who look and for tests.
    pub async fn waiting(&self) -> Result<Vec<Waiting>, StoreError> {
        let rows: Vec<Stored> =
            sqlx::query_as("select seq, request_id, lane, due_at, attempts, effect from outbox order by seq")
                .fetch_all(&self.read)
                .await?;
        let read = rows.into_iter().map(Stored::read);
        Ok(read.filter_map(|row| if let Row::Read(waiting) = row { Some(*waiting) } else { None }).collect())
    }
}
