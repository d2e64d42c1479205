//! The ledger as a transaction changes it: what becomes of holds is collected, and written in a few statements.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::bulk::Many;
use super::ledger::HoldPhase;
use super::{StoreError, Tx};
use crate::kernel::holding::Settings;
use crate::kernel::{Holding, Key, Ledger, RequestId, kept};
use crate::planted::{Fault, is_planted};

/// Ends that passed this long ago stand nowhere any more: the far side removes them by itself within minutes.
const ENDS_KEPT_MS: i64 = 86_400_000;

type Hold = (Key, RequestId);

/// What is to become of the ledger. A hold is in it once: before something else becomes of it, what is here is written.
#[derive(Default)]
pub(super) struct Changes {
    begun: Vec<(Hold, Holding, String)>,
    confirmed: Vec<(Hold, Option<i64>)>,
    released: Vec<Hold>,
    left: Vec<Hold>,
    remembered: Vec<(Key, String)>,
    /// The same, written over what was remembered before.
    remembered_again: Vec<(Key, String)>,
    forgotten: HashSet<Key>,
    /// Keys of which ends that passed long ago are forgotten, and before when.
    ends: Vec<Key>,
    ends_before: i64,
    touched: HashMap<Hold, Becomes>,
}

/// What becomes of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Becomes {
    Begun,
    Confirmed,
    Released,
    Left,
}

const BEGIN: Many = Many {
    before: "insert into hold (key, request_id, until, phase, waits, login, settings, comment) values ",
    values: 8,
    after: " on conflict (key, request_id) do update set until = excluded.until, waits = 1, login = excluded.login,
                 settings = excluded.settings, comment = excluded.comment,
                 phase = case hold.phase when 'held' then 'held' else 'begun' end",
};
const TELL_END: Many =
    Many { before: "insert into told_end (key, until) values ", values: 2, after: " on conflict do nothing" };
const CONFIRM: Many = Many {
    before: "update hold set phase = 'held', waits = 0, confirmed_until = wanted.column3 from (values ",
    values: 3,
    after: ") as wanted where hold.key = wanted.column1 and hold.request_id = wanted.column2 and hold.phase <> 'releasing'",
};
const RELEASE: Many = Many {
    before: "insert into hold (key, request_id, until, phase, waits, confirmed_until) values ",
    values: 6,
    after: " on conflict (key, request_id) do update set phase = 'releasing', waits = 1",
};
const LEAVE: Many = Many {
    // Joined to something, the phase is compared and not searched by: one of a million holds is found by its key.
    before: "delete from hold where phase || '' = 'releasing' and (key, request_id) in (values ",
    values: 2,
    after: ")",
};
const REMEMBER: Many = Many {
    before: "insert into held_key (key, before, confirmed) values ",
    values: 3,
    after: " on conflict do nothing",
};
const REMEMBER_AGAIN: Many = Many {
    before: "insert into held_key (key, before, confirmed) values ",
    values: 3,
    after: " on conflict (key) do update set before = excluded.before",
};
const PHASES: Many = Many {
    before: "select hold.key, hold.request_id, hold.phase from (values ",
    values: 2,
    after: ") as wanted cross join hold on hold.key = wanted.column1 and hold.request_id = wanted.column2",
};

fn keys<'k>(keys: impl IntoIterator<Item = &'k Key>) -> String {
    Value::from(keys.into_iter().map(Key::as_str).collect::<Vec<_>>()).to_string()
}

impl Tx {
    pub(super) async fn write_ledger(&mut self, id: &RequestId, entry: &Ledger) -> Result<(), StoreError> {
        match entry {
            Ledger::Hold { key, holding } => self.hold(key, id, holding).await,
            Ledger::Confirm { key, until } => self.confirm(key, id, *until).await,
            Ledger::Release { .. } if is_planted(Fault::LetsNothingGo) => Ok(()),
            Ledger::Release { key } => self.release(key, id).await,
            Ledger::Remember { key, before, again } => {
                self.not_forgotten(key).await?;
                let confirmed = &self.pending.ledger.confirmed;
                if confirmed.iter().any(|((confirmed, _), until)| confirmed == key && until.is_some()) {
                    self.flush_ledger().await?;
                }
                let remembered = (key.clone(), before.to_string());
                match again {
                    false => self.pending.ledger.remembered.push(remembered),
                    true => self.pending.ledger.remembered_again.push(remembered),
                }
                Ok(())
            }
            Ledger::Leave { key } => self.leave(key, id).await,
        }
    }

    async fn hold(&mut self, key: &Key, id: &RequestId, holding: &Holding) -> Result<(), StoreError> {
        let settings = kept::write(&Settings { with: holding.with.clone(), used_by: holding.used_by.clone() })?;
        if let Some(hold) = self.touch_hold(key, id, Becomes::Begun).await? {
            self.pending.ledger.begun.push((hold, holding.clone(), settings));
        }
        Ok(())
    }

    async fn confirm(&mut self, key: &Key, id: &RequestId, until: Option<i64>) -> Result<(), StoreError> {
        if let Some(hold) = self.touch_hold(key, id, Becomes::Confirmed).await? {
            self.pending.ledger.confirmed.push((hold, until));
        }
        Ok(())
    }

    /// This request lets go of the key, and waits until that is settled. One that the ledger no longer knows (it was taken
    /// back while its request could not be read) is only over when it was read again.
    pub async fn release(&mut self, key: &Key, id: &RequestId) -> Result<(), StoreError> {
        if let Some(hold) = self.touch_hold(key, id, Becomes::Released).await? {
            self.pending.ledger.released.push(hold);
        }
        Ok(())
    }

    /// That it let go was settled: the ledger no longer knows it.
    pub async fn leave(&mut self, key: &Key, id: &RequestId) -> Result<(), StoreError> {
        if let Some(hold) = self.touch_hold(key, id, Becomes::Left).await? {
            self.pending.ledger.left.push(hold);
        }
        Ok(())
    }

    /// Notes what becomes of a hold, after what became of it before is written. None: just that is noted already.
    async fn touch_hold(&mut self, key: &Key, id: &RequestId, becomes: Becomes) -> Result<Option<Hold>, StoreError> {
        self.not_forgotten(key).await?;
        let hold = (key.clone(), id.clone());
        if let Some(before) = self.pending.ledger.touched.get(&hold) {
            if *before == becomes && matches!(becomes, Becomes::Released | Becomes::Left) {
                return Ok(None);
            }
            self.flush_ledger().await?;
        }
        if let Some(phase) = self.phases.get_mut(&hold) {
            *phase = after(*phase, becomes);
        }
        self.pending.ledger.touched.insert(hold.clone(), becomes);
        Ok(Some(hold))
    }

    /// What is to be forgotten of a key is forgotten before anything new is known of it.
    async fn not_forgotten(&mut self, key: &Key) -> Result<(), StoreError> {
        if self.pending.ledger.forgotten.contains(key) { self.flush_ledger().await } else { Ok(()) }
    }

    /// Looks up how far these holds are, all at once, for those who ask for one after the other.
    pub async fn know_phases(&mut self, holds: &[(&Key, &RequestId)]) -> Result<(), StoreError> {
        self.flush_ledger().await?;
        let found: Vec<(String, String, String)> =
            self.read_many(&PHASES, holds, |query, (key, id)| query.bind(key.as_str()).bind(id.as_str())).await?;
        for (key, id) in holds {
            self.phases.insert(((*key).clone(), (*id).clone()), None);
        }
        for (key, id, phase) in found {
            self.phases.insert((Key::from_stored(key), RequestId(id)), Some(HoldPhase::read(&phase)));
        }
        Ok(())
    }

    /// How far this request is with a key, as the transaction sees it; none: the ledger does not know it.
    pub async fn phase(&mut self, key: &Key, id: &RequestId) -> Result<Option<HoldPhase>, StoreError> {
        let hold = (key.clone(), id.clone());
        if !self.phases.contains_key(&hold) {
            self.know_phases(&[(key, id)]).await?;
        }
        Ok(self.phases.get(&hold).copied().flatten())
    }

    /// After a reading that says off: what was there before is forgotten, unless somebody still holds the key or waits to
    /// hear that letting go of it was settled.
    pub async fn forget(&mut self, key: &Key) -> Result<(), StoreError> {
        if is_planted(Fault::ForgetsHeld) {
            self.flush_ledger().await?;
            for forgotten in ["delete from held_key where key = $1", "delete from told_end where key = $1"] {
                sqlx::query(forgotten).bind(key.as_str()).execute(self.connection()).await?;
            }
        }
        self.pending.ledger.forgotten.insert(key.clone());
        Ok(())
    }

    /// Ends that passed long ago are no longer looked for at the far side.
    pub fn forget_ends(&mut self, key: &Key, now: i64) {
        self.pending.ledger.ends.push(key.clone());
        self.pending.ledger.ends_before = now.saturating_sub(ENDS_KEPT_MS);
    }

    /// Writes what was collected.
    pub(super) async fn flush_ledger(&mut self) -> Result<(), StoreError> {
        let changes = std::mem::take(&mut self.pending.ledger);
        self.write_holds(&changes).await?;
        self.write_many(&REMEMBER, &changes.remembered, |query, (key, before)| {
            query.bind(key.as_str()).bind(before.as_str()).bind(0_i64)
        })
        .await?;
        self.write_many(&REMEMBER_AGAIN, &changes.remembered_again, |query, (key, before)| {
            query.bind(key.as_str()).bind(before.as_str()).bind(0_i64)
        })
        .await?;
        let confirmed = changes.confirmed.iter().filter(|(_, until)| until.is_some()).map(|((key, _), _)| key);
        let confirmed: HashSet<&Key> = confirmed.collect();
        if !confirmed.is_empty() {
            self.change_keys(
                "update held_key set confirmed = 1 where confirmed = 0 and key in (select value from json_each($1))",
                keys(confirmed),
            )
            .await?;
        }
        if !changes.forgotten.is_empty() {
            let forgotten = keys(&changes.forgotten);
            for statement in [
                "delete from held_key where key in (select value from json_each($1))
                     and not exists (select 1 from hold where hold.key = held_key.key)",
                "delete from told_end where key in (select value from json_each($1))
                     and not exists (select 1 from hold where hold.key = told_end.key)",
            ] {
                self.change_keys(statement, forgotten.clone()).await?;
            }
        }
        if !changes.ends.is_empty() {
            sqlx::query("delete from told_end where until < $2 and key in (select value from json_each($1))")
                .bind(keys(&changes.ends))
                .bind(changes.ends_before)
                .execute(self.connection())
                .await?;
        }
        Ok(())
    }

    async fn change_keys(&mut self, statement: &'static str, keys: String) -> Result<(), StoreError> {
        sqlx::query(statement).bind(keys).execute(self.connection()).await?;
        Ok(())
    }

    async fn write_holds(&mut self, changes: &Changes) -> Result<(), StoreError> {
        self.write_many(&BEGIN, &changes.begun, |query, ((key, id), holding, settings)| {
            query
                .bind(key.as_str())
                .bind(id.as_str())
                .bind(holding.until)
                .bind("begun")
                .bind(1_i64)
                .bind(holding.login.as_str())
                .bind(settings.as_str())
                .bind(holding.comment.as_str())
        })
        .await?;
        let told = if is_planted(Fault::TellsUnsaved) { &[] } else { changes.begun.as_slice() };
        self.write_many(&TELL_END, told, |query, ((key, _), holding, _)| query.bind(key.as_str()).bind(holding.until))
            .await?;
        self.write_many(&CONFIRM, &changes.confirmed, |query, ((key, id), until)| {
            query.bind(key.as_str()).bind(id.as_str()).bind(until.unwrap_or(i64::MAX))
        })
        .await?;
        self.write_many(&RELEASE, &changes.released, |query, (key, id)| {
            query.bind(key.as_str()).bind(id.as_str()).bind(0_i64).bind("releasing").bind(1_i64).bind(0_i64)
        })
        .await?;
        self.write_many(&LEAVE, &changes.left, |query, (key, id)| query.bind(key.as_str()).bind(id.as_str())).await
    }
}

/// How far a hold is after that.
fn after(phase: Option<HoldPhase>, becomes: Becomes) -> Option<HoldPhase> {
    match (becomes, phase) {
        (Becomes::Begun, Some(HoldPhase::Held)) => Some(HoldPhase::Held),
        (Becomes::Begun, _) => Some(HoldPhase::Begun),
        (Becomes::Confirmed, Some(HoldPhase::Begun | HoldPhase::Held)) => Some(HoldPhase::Held),
        (Becomes::Confirmed, other) => other,
        (Becomes::Released, _) => Some(HoldPhase::Releasing),
        (Becomes::Left, Some(HoldPhase::Releasing)) => None,
        (Becomes::Left, other) => other,
    }
}

#[cfg(test)]
mod tests;
