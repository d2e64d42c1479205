//! The outbox: effects that wait, which of them may be performed now, and what becomes due next.

use std::collections::HashSet;

use serde_json::Value;

use super::{Store, StoreError, Tx};
use crate::kernel::effect::{Effect, Notice, Recipient};
use crate::kernel::event::Purpose;
use crate::kernel::origin::Start;
use crate::kernel::{Key, RequestId, Subject, Wake, kept};

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

    /// Its number in the table.
    pub(super) const fn number(self) -> i64 {
        match self {
            Self::Settle => 0,
            Self::End => 3,
            Self::Decide => 1,
            Self::Say => 2,
            Self::Alarm => 4,
            Self::Ask => 5,
        }
    }

    /// What it is called in measures. Never changes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Settle => "settling",
            Self::End => "ends",
            Self::Decide => "decisions",
            Self::Say => "messages",
            Self::Alarm => "alarms",
            Self::Ask => "asked",
        }
    }
}

/// The class of rows that this version cannot read. They stay until one that can is started.
pub(super) const SET_ASIDE: i64 = 9;

/// One effect that waits to be performed.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiting {
    /// Its number; counts up.
    pub seq: i64,
    /// What it is about.
    pub subject: Subject,
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
        /// What it is about.
        subject: Subject,
        /// Why.
        why: String,
    },
}

#[derive(sqlx::FromRow)]
pub(super) struct Stored {
    seq: i64,
    request_id: String,
    lane: String,
    due_at: i64,
    attempts: i64,
    effect: String,
}

impl Stored {
    pub(super) fn read(self) -> Row {
        let Self { seq, request_id, lane, due_at, attempts, effect } = self;
        let subject = Subject::from_stored(&request_id);
        let unreadable = |subject: Subject, why: String| Row::Unreadable { seq, subject, why };
        match kept::read::<Effect>(&effect) {
            Ok(effect) if effect.is_of_a_request() && subject.request().is_none() => {
                unreadable(subject, format!("it is about a request, and {request_id} is none"))
            }
            Ok(effect) => Row::Read(Box::new(Waiting { seq, subject, lane, due_at, attempts, effect })),
            Err(error) => unreadable(subject, error.to_string()),
        }
    }
}

/// Where an effect queues. See the table's comments.
pub(super) struct Place {
    pub(super) class: Class,
    pub(super) subject: String,
    /// A newer effect replaces a waiting one in the same slot; empty: never.
    pub(super) slot: String,
    pub(super) lane: String,
    /// Whether a lane can have several rows.
    pub(super) is_shared: bool,
}

impl Place {
    /// The slot of settling, in which every key has one row.
    pub(super) const SETTLE: &'static str = "settle";

    pub(super) fn is_settling(&self) -> bool {
        self.slot == Self::SETTLE
    }
}

/// What the lane of a start begins with.
const STARTS: &str = "schedule ";
/// Every start that waits.
const FIND_STARTS: &str = "select seq, request_id, lane, due_at, attempts, effect from outbox where class <> 9 and lane like 'schedule workflow:%'";

/// Each schedule has one row.
fn slot_of(start: &Start) -> String {
    format!("schedule {}", start.number)
}

fn starts_in(rows: Vec<Stored>) -> Vec<Start> {
    let read = rows.into_iter().filter_map(|row| match row.read() {
        Row::Read(waiting) => Some(waiting.effect),
        Row::Unreadable { .. } => None,
    });
    read.filter_map(|effect| if let Effect::StartWorkflow { start } = effect { Some(*start) } else { None }).collect()
}

impl Tx {
    /// Every start of a workflow that waits for its time.
    pub async fn starts(&mut self) -> Result<Vec<Start>, StoreError> {
        self.flush().await?;
        Ok(starts_in(sqlx::query_as(FIND_STARTS).fetch_all(self.connection()).await?))
    }

    /// Nobody holds this key any more: nothing is left to look at.
    pub fn forget_look(&mut self, key: &Key) {
        self.empty_slot(&Subject::from(key), LOOK);
    }

    /// This start does not wait any more.
    pub fn forget_start(&mut self, start: &Start) {
        self.empty_slot(&Subject::Workflow(start.workflow.clone()), &slot_of(start));
    }
}

/// What a look at a key is called: there is one in the outbox for each that is held.
const LOOK: &str = "look";
/// What the time is called at which a review is looked at again: there is one in the outbox for each that is open.
const REVIEW: &str = "review";

pub(super) fn place(subject: &Subject, effect: &Effect) -> Place {
    let subject = subject.stored();
    let alone = |class: Class, slot: String, lane: String| Place {
        class,
        subject: subject.clone(),
        slot,
        lane,
        is_shared: false,
    };
    let queue = |class: Class, slot: String, lane: String| Place { is_shared: true, ..alone(class, slot, lane) };
    match effect {
        Effect::FindApprovers { .. } => alone(Class::Decide, "find".to_owned(), format!("find {subject}")),
        Effect::FindTier { tier, .. } => alone(Class::Decide, format!("tier {tier}"), format!("tier {tier} {subject}")),
        Effect::FindReviewers => alone(Class::Decide, "reviewers".to_owned(), format!("reviewers {subject}")),
        Effect::Identify { purpose: Purpose::Press { number }, .. } => {
            queue(Class::Decide, format!("press {number}"), format!("press {subject}"))
        }
        Effect::Identify { purpose: Purpose::Start, .. } => {
            alone(Class::Decide, "start".to_owned(), format!("start {subject}"))
        }
        Effect::Identify { purpose: Purpose::Extending, .. } => {
            alone(Class::Decide, "extending".to_owned(), format!("extending {subject}"))
        }
        Effect::Identify { slack_id, purpose: Purpose::TakingOver { from, .. } } => {
            let who = format!("turn of {from} to {slack_id}");
            alone(Class::Decide, who.clone(), format!("{who} {subject}"))
        }
        Effect::Identify { purpose: Purpose::Passing, .. } => {
            alone(Class::Decide, "passing".to_owned(), format!("passing {subject}"))
        }
        // A key has one writer, and one row whoever waits for it.
        Effect::Settle { key } => of_key(key, alone(Class::Settle, Place::SETTLE.to_owned(), format!("key {key}"))),
        // Whatever else is to be done goes first; a key has one writer all the same (`turns`).
        Effect::Look { key } => of_key(key, alone(Class::Say, LOOK.to_owned(), format!("look {key}"))),
        Effect::Show { place } => {
            let place = place.target();
            alone(Class::Say, format!("show {place}"), format!("card {subject} {place}"))
        }
        Effect::Tell { to, notice } => {
            let lane = match to {
                Recipient::Person { slack_id } | Recipient::Private { slack_id, .. } => format!("person {slack_id}"),
                Recipient::Thread | Recipient::Channel => format!("thread {subject}"),
            };
            // An alarm does not wait until everything else was said to the same person.
            match notice {
                Notice::Stuck | Notice::LeftOn | Notice::GlassBroken | Notice::Drifted => {
                    queue(Class::Alarm, String::new(), format!("alarm {lane}"))
                }
                _ => queue(Class::Say, String::new(), lane),
            }
        }
        Effect::Rewrite { message, .. } => {
            let message = format!("{} {}", message.channel, message.ts);
            queue(Class::Say, format!("rewrite {message}"), format!("message {message}"))
        }
        Effect::Wake { wake } => {
            let (class, name) = time_of(*wake);
            alone(class, format!("wake {name}"), format!("wake {subject} {name}"))
        }
        Effect::Say { channel, .. } => queue(Class::Say, String::new(), format!("say {channel}")),
        Effect::Complete { .. } => alone(Class::Ask, "complete".to_owned(), format!("complete {subject}")),
        Effect::Answer { .. } => alone(Class::Ask, "answer".to_owned(), format!("answer {subject}")),
        // Changes of one link come one after the other.
        Effect::SaveLink { .. } => queue(Class::Ask, String::new(), format!("golink {subject}")),
        Effect::PostPaste { .. } => alone(Class::Ask, "post".to_owned(), format!("post {subject}")),
        Effect::DeletePaste { .. } => alone(Class::Ask, "delete".to_owned(), format!("delete {subject}")),
        Effect::StartWorkflow { start } => {
            let slot = slot_of(start);
            let lane = format!("{STARTS}{subject} {}", start.number);
            alone(Class::Decide, slot, lane)
        }
        Effect::ExpirePaste { id } => alone(Class::Decide, "expire".to_owned(), format!("paste {id}")),
    }
}

/// How urgent a time that a request waits for is, and what it is called.
fn time_of(wake: Wake) -> (Class, &'static str) {
    match wake {
        Wake::Lapse => (Class::Decide, "lapse"),
        Wake::Warn => (Class::Decide, "warn"),
        Wake::Expire => (Class::End, "expire"),
        Wake::Alarm => (Class::End, "alarm"),
        Wake::Review => (Class::Decide, REVIEW),
        Wake::Remind => (Class::Decide, "remind"),
        Wake::Escalate => (Class::Decide, "escalate"),
    }
}

/// It belongs to a key, whoever holds it.
fn of_key(key: &Key, place: Place) -> Place {
    Place { subject: Subject::from(key).stored(), ..place }
}

impl Store {
    /// Every start of a workflow that waits for its time.
    pub async fn starts(&self) -> Result<Vec<Start>, StoreError> {
        Ok(starts_in(sqlx::query_as(FIND_STARTS).fetch_all(&self.read).await?))
    }

    /// What may be performed now of one class, oldest first: due, and the first of its lane. `limit` rows at most.
    pub async fn due(&self, class: Class, now: i64, limit: i64) -> Result<Vec<Row>, StoreError> {
        self.due_beside(class, now, &HashSet::new(), limit).await
    }

    /// The requests whose review is open, at most `limit`.
    pub async fn to_review(&self, limit: i64) -> Result<Vec<RequestId>, StoreError> {
        let ids: Vec<String> =
            // Spelled out, so that the index of that name serves it (migration 0011).
            sqlx::query_scalar("select request_id from outbox where slot = 'wake review' order by due_at limit $1")
                .bind(limit)
                .fetch_all(&self.read)
                .await?;
        Ok(ids.into_iter().map(RequestId).collect())
    }

    /// The same without what is in hand already.
    pub async fn due_beside(
        &self,
        class: Class,
        now: i64,
        in_hand: &HashSet<i64>,
        limit: i64,
    ) -> Result<Vec<Row>, StoreError> {
        let rows: Vec<Stored> = sqlx::query_as(
            "select seq, request_id, lane, due_at, attempts, effect from outbox
             where class = $1 and first = 1 and due_at <= $2 and seq not in (select value from json_each($4))
             order by due_at, seq limit $3",
        )
        .bind(class.number())
        .bind(now)
        .bind(limit)
        .bind(Value::from_iter(in_hand.iter().copied()).to_string())
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
        Ok(sqlx::query_scalar("select count(*) from outbox where class = 9").fetch_one(&self.read).await?)
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
