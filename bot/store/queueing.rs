//! The outbox as a transaction changes it: what is put in and taken out is collected, and written in a few statements.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use super::bulk::Many;
use super::outbox::{Place, SET_ASIDE, Stored, place};
use super::{Row, StoreError, Tx};
use crate::kernel::effect::{Due, Effect};
use crate::kernel::{Key, RequestId, Subject, kept};

/// The times that a request waits for.
const WAITS: [&str; 4] = ["wake expire", "wake warn", "wake alarm", "wake lapse"];

/// What is to become of the outbox.
#[derive(Default)]
pub(super) struct Changes {
    new: Vec<New>,
    /// Which of the new ones has a slot, by subject and slot.
    by_slot: HashMap<(String, String), usize>,
    /// Slots that are to be empty.
    emptied: Vec<(String, String)>,
    /// Numbers of rows that were performed.
    done: Vec<i64>,
    /// Requests that wait for no time any more.
    over: Vec<RequestId>,
    /// By number, the rows that did not work out.
    postponed: BTreeMap<i64, Postponed>,
    /// Step types whose keys are settled now if they wait to be settled anew, and when that is.
    hurried: HashMap<String, i64>,
}

/// What is to become of a row that did not work out.
struct Postponed {
    due_at: i64,
    /// How often it was tried since the last commit.
    times: i64,
    error: String,
}

struct New {
    seq: i64,
    place: Place,
    due_at: i64,
    effect: String,
    is_replaced: bool,
    is_first: bool,
}

#[derive(sqlx::FromRow)]
struct Replaced {
    seq: i64,
    due_at: i64,
    request_id: String,
    slot: String,
}

const FIND_IN_SLOTS: Many = Many {
    before: "select outbox.seq, outbox.due_at, outbox.request_id, outbox.slot from (values ",
    values: 2,
    after: ") as wanted cross join outbox on outbox.request_id = wanted.column1 and outbox.slot = wanted.column2
         and outbox.slot <> ''",
};
const INSERT: Many = Many {
    before: "insert into outbox (seq, request_id, slot, lane, ordered, due_at, attempts, effect, class, first) values ",
    values: 10,
    after: "",
};
const POSTPONE: Many = Many {
    before: "update outbox set due_at = wanted.column2, attempts = attempts + wanted.column3,
         error = wanted.column4 from (values ",
    values: 4,
    after: ") as wanted where outbox.seq = wanted.column1",
};

impl Changes {
    fn put(&mut self, mut new: New) {
        if !new.place.slot.is_empty() {
            let slot = (new.place.subject.clone(), new.place.slot.clone());
            if let Some(before) = self.by_slot.insert(slot, self.new.len()).and_then(|at| self.new.get_mut(at)) {
                before.is_replaced = true;
                if new.place.is_settling() {
                    new.due_at = new.due_at.min(before.due_at);
                }
            }
        }
        self.new.push(new);
    }

    fn empty(&mut self, subject: &str, slot: &str) {
        let slot = (subject.to_owned(), slot.to_owned());
        if let Some(before) = self.by_slot.remove(&slot).and_then(|at| self.new.get_mut(at)) {
            before.is_replaced = true;
        }
        self.emptied.push(slot);
    }

    fn slots(&self) -> Vec<(&str, &str)> {
        let emptied = self.emptied.iter().map(|(subject, slot)| (subject.as_str(), slot.as_str()));
        let new = self.new.iter().filter(|new| !new.place.slot.is_empty());
        new.map(|new| (new.place.subject.as_str(), new.place.slot.as_str())).chain(emptied).collect()
    }
}

fn numbers(numbers: &[i64]) -> String {
    Value::from(numbers).to_string()
}

impl Tx {
    /// Puts effects into the outbox; one that waits in the same slot is replaced.
    pub(super) async fn enqueue(&mut self, subject: &Subject, effects: &[Due]) -> Result<(), StoreError> {
        for due in effects {
            let head = self.head().await?;
            head.outbox_seq = head.outbox_seq.saturating_add(1);
            let (seq, place, effect) = (head.outbox_seq, place(subject, &due.effect), kept::write(&due.effect)?);
            let new = New { seq, place, due_at: due.at, effect, is_replaced: false, is_first: true };
            self.pending.outbox.put(new);
        }
        Ok(())
    }

    /// Puts one effect into the outbox.
    pub async fn enqueue_for(&mut self, subject: &Subject, effect: Effect, at: i64) -> Result<(), StoreError> {
        self.enqueue(subject, &[Due { at, effect }]).await
    }

    /// Nothing waits in this slot any more.
    pub(super) fn empty_slot(&mut self, subject: &Subject, slot: &str) {
        self.pending.outbox.empty(&subject.stored(), slot);
    }

    /// Takes a performed effect out.
    pub fn done(&mut self, seq: i64) {
        self.pending.outbox.done.push(seq);
    }

    /// Puts an effect off that did not work out.
    pub fn postpone(&mut self, seq: i64, due_at: i64, error: &str) {
        let postponed = &mut self.pending.outbox.postponed;
        let times = postponed.get(&seq).map_or(0, |before| before.times).saturating_add(1);
        postponed.insert(seq, Postponed { due_at, times, error: error.to_owned() });
    }

    /// What is over waits for no time any more.
    pub(super) fn end_waits(&mut self, request_id: &RequestId) {
        let outbox = &mut self.pending.outbox;
        for slot in WAITS {
            let slot = (request_id.to_string(), slot.to_owned());
            if let Some(before) = outbox.by_slot.remove(&slot).and_then(|at| outbox.new.get_mut(at)) {
                before.is_replaced = true;
            }
        }
        outbox.over.push(request_id.clone());
    }

    /// The far side answers again: whatever waits to be settled anew does so now.
    pub fn hurry_settling(&mut self, uses: &str, now: i64) {
        self.pending.outbox.hurried.insert(uses.to_owned(), now);
    }

    /// Writes what was collected.
    pub(super) async fn flush_outbox(&mut self) -> Result<(), StoreError> {
        let mut changes = std::mem::take(&mut self.pending.outbox);
        changes.new.retain(|new| !new.is_replaced);
        let gone = self.leaving(&mut changes).await?;
        let mut lanes: Vec<String> = Vec::new();
        if !gone.is_empty() {
            let gone = numbers(&gone);
            lanes = sqlx::query_scalar(
                "select distinct lane from outbox where ordered = 1 and seq in (select value from json_each($1))",
            )
            .bind(&gone)
            .fetch_all(self.connection())
            .await?;
            sqlx::query("delete from outbox where seq in (select value from json_each($1))")
                .bind(gone)
                .execute(self.connection())
                .await?;
        }
        self.insert(&mut changes.new).await?;
        if !lanes.is_empty() {
            self.promote(&lanes).await?;
        }
        let postponed: Vec<(i64, Postponed)> = changes.postponed.into_iter().collect();
        self.write_many(&POSTPONE, &postponed, |query, (seq, row)| {
            query.bind(*seq).bind(row.due_at).bind(row.times).bind(row.error.as_str())
        })
        .await?;
        for (uses, now) in changes.hurried {
            sqlx::query("update outbox set due_at = $1 where class = 0 and first = 1 and due_at > $1 and lane like $2")
                .bind(now)
                .bind(format!("key {uses} %"))
                .execute(self.connection())
                .await?;
        }
        Ok(())
    }

    /// The numbers of all rows that go: performed, replaced, or of what is over.
    async fn leaving(&mut self, changes: &mut Changes) -> Result<Vec<i64>, StoreError> {
        let mut gone = std::mem::take(&mut changes.done);
        let slots = changes.slots();
        let replaced: Vec<Replaced> =
            self.read_many(&FIND_IN_SLOTS, &slots, |query, (subject, slot)| query.bind(*subject).bind(*slot)).await?;
        let done: HashSet<i64> = gone.iter().copied().collect();
        // What was performed says nothing about when it is to be done again.
        let settling: HashMap<&str, i64> = replaced
            .iter()
            .filter(|row| row.slot == Place::SETTLE && !done.contains(&row.seq))
            .map(|row| (row.request_id.as_str(), row.due_at))
            .collect();
        // Whoever waits longer for a key does not make others wait: it is settled for all when the first one is due.
        for new in changes.new.iter_mut().filter(|new| new.place.is_settling()) {
            if let Some(due_at) = settling.get(new.place.subject.as_str()) {
                new.due_at = new.due_at.min(*due_at);
            }
        }
        gone.extend(replaced.iter().map(|row| row.seq));
        if !changes.over.is_empty() {
            let over: Vec<&str> = changes.over.iter().map(RequestId::as_str).collect();
            let waits: Vec<i64> = sqlx::query_scalar(
                "select outbox.seq from json_each($1) as over
                 cross join outbox on outbox.request_id = over.value
                     and outbox.slot <> '' and outbox.slot in ('wake expire', 'wake warn', 'wake alarm', 'wake lapse')",
            )
            .bind(Value::from(over).to_string())
            .fetch_all(self.connection())
            .await?;
            gone.extend(waits);
        }
        Ok(gone)
    }

    async fn insert(&mut self, new: &mut [New]) -> Result<(), StoreError> {
        let lanes: HashSet<&str> =
            new.iter().filter(|new| new.place.is_shared).map(|new| new.place.lane.as_str()).collect();
        if !lanes.is_empty() {
            let lanes = Value::from(lanes.into_iter().collect::<Vec<_>>()).to_string();
            let taken: Vec<String> = sqlx::query_scalar(
                "select distinct lane from outbox where ordered = 1 and lane in (select value from json_each($1))",
            )
            .bind(lanes)
            .fetch_all(self.connection())
            .await?;
            let mut taken: HashSet<String> = taken.into_iter().collect();
            for new in new.iter_mut().filter(|new| new.place.is_shared) {
                new.is_first = taken.insert(new.place.lane.clone());
            }
        }
        self.write_many(&INSERT, new, |query, new| {
            query
                .bind(new.seq)
                .bind(new.place.subject.as_str())
                .bind(new.place.slot.as_str())
                .bind(new.place.lane.as_str())
                .bind(i64::from(new.place.is_shared))
                .bind(new.due_at)
                .bind(0_i64)
                .bind(new.effect.as_str())
                .bind(new.place.class.number())
                .bind(i64::from(new.is_first))
        })
        .await
    }

    /// The next one in each of these lanes is looked at from now on.
    async fn promote(&mut self, lanes: &[String]) -> Result<(), StoreError> {
        sqlx::query(
            "update outbox set first = 1 where first = 0 and seq in (
                 select min(seq) from outbox where ordered = 1 and lane in (select value from json_each($1))
                 group by lane)",
        )
        .bind(Value::from(lanes).to_string())
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Keeps a row that this version cannot perform for one that can; whatever stood behind it goes on.
    /// Returns the key it should have settled, if it was such a row.
    pub async fn set_aside(&mut self, seq: i64, at: i64, why: &str) -> Result<Option<Key>, StoreError> {
        self.flush().await?;
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
        let key = lane.strip_prefix("key ").map(|key| Key::from_stored(key.to_owned()));
        self.promote(&[lane]).await?;
        Ok(key)
    }

    /// Rows an earlier version set aside and this one can read queue again, as they would have. Returns how many.
    pub async fn readmit(&mut self) -> Result<usize, StoreError> {
        self.flush().await?;
        let rows: Vec<Stored> =
            sqlx::query_as("select seq, request_id, lane, due_at, attempts, effect from outbox where class = 9")
                .fetch_all(self.connection())
                .await?;
        let mut count = 0;
        for row in rows {
            let Row::Read(waiting) = row.read() else { continue };
            self.done(waiting.seq);
            self.enqueue(&waiting.subject, &[Due { at: waiting.due_at, effect: waiting.effect }]).await?;
            count += 1;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
