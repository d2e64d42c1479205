//! The ledger: who holds which key until when, what was there before, and every end the far side was ever told. It is enough
//! to take back what is held by a request that cannot be read.

use std::collections::HashMap;

use serde_json::Value;

use super::{Store, StoreError, Tx};
use crate::kernel::holding::Settings;
use crate::kernel::{Holding, Key, Ledger, RequestId, kept};
use crate::planted::{Fault, is_planted};

/// Ends that passed this long ago stand nowhere any more: the far side removes them by itself within minutes.
const ENDS_KEPT_MS: i64 = 86_400_000;

/// What the ledger knows of one key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Held {
    /// Whoever came or let go and waits to hear that it was settled, and of those who hold it and wait for nothing the one who
    /// holds it for longest: that is all there is to know of them, however many they are.
    pub holders: Vec<HolderRow>,
    /// Every end the far side may have been told by us since the first touch.
    pub ends: Vec<i64>,
    /// What was there before the first touch, once that was read.
    pub before: Option<Value>,
    /// Whether one of our ends was read back since.
    pub confirmed: bool,
}

/// One request's hold on a key.
#[derive(Clone, Debug, PartialEq)]
pub struct HolderRow {
    /// Whose.
    pub request_id: RequestId,
    /// What the far side is to be told, milliseconds since the Unix epoch.
    pub until: i64,
    /// How far it is.
    pub phase: HoldPhase,
    /// Whether something about it is to be settled and told.
    pub waits: bool,
    /// Until when it was last read back as on; none: not yet.
    pub confirmed_until: Option<i64>,
    /// What the step type needs of it; none in rows from before this stood in the ledger.
    pub holding: Option<Holding>,
}

/// How far a hold is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldPhase {
    /// Not confirmed yet; may be on.
    Begun,
    /// Read back as on.
    Held,
    /// Let go, and that is not settled yet.
    Releasing,
}

impl HoldPhase {
    fn read(word: &str) -> Self {
        match word {
            "begun" => Self::Begun,
            "held" => Self::Held,
            // Whatever it is, it is to be taken back.
            _ => Self::Releasing,
        }
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    request_id: String,
    until: i64,
    phase: String,
    waits: i64,
    confirmed_until: Option<i64>,
    login: Option<String>,
    settings: Option<String>,
    comment: Option<String>,
}

impl Row {
    fn read(self) -> HolderRow {
        // Settings that cannot be read are told from the request, as if they did not stand here.
        let settings = self.settings.as_deref().and_then(|text| kept::read::<Settings>(text).ok());
        let holding = settings.map(|settings| Holding {
            until: self.until,
            login: self.login.unwrap_or_default(),
            with: settings.with,
            used_by: settings.used_by,
            comment: self.comment.unwrap_or_default(),
        });
        HolderRow {
            request_id: RequestId(self.request_id),
            until: self.until,
            phase: HoldPhase::read(&self.phase),
            waits: self.waits != 0,
            confirmed_until: self.confirmed_until,
            holding,
        }
    }
}

impl Tx {
    pub(super) async fn write_ledger(&mut self, id: &RequestId, entry: &Ledger) -> Result<(), StoreError> {
        match entry {
            Ledger::Hold { key, holding } => self.hold(key, id, holding).await,
            Ledger::Confirm { key, until } => self.confirm(key, id, *until).await,
            Ledger::Release { .. } if is_planted(Fault::LetsNothingGo) => Ok(()),
            Ledger::Release { key } => self.release(key, id).await,
            Ledger::Remember { key, before, again } => {
                let sql = match again {
                    false => "insert into held_key (key, before, confirmed) values ($1, $2, 0) on conflict do nothing",
                    true => {
                        "insert into held_key (key, before, confirmed) values ($1, $2, 0)
                         on conflict (key) do update set before = excluded.before"
                    }
                };
                sqlx::query(sql).bind(key.as_str()).bind(before.to_string()).execute(self.connection()).await?;
                Ok(())
            }
            Ledger::Leave { key } => self.leave(key, id).await,
        }
    }

    async fn hold(&mut self, key: &Key, id: &RequestId, holding: &Holding) -> Result<(), StoreError> {
        let settings = kept::write(&Settings { with: holding.with.clone(), used_by: holding.used_by.clone() })?;
        sqlx::query(
            "insert into hold (key, request_id, until, phase, waits, login, settings, comment)
             values ($1, $2, $3, 'begun', 1, $4, $5, $6)
             on conflict (key, request_id) do update set until = excluded.until, waits = 1, login = excluded.login,
                 settings = excluded.settings, comment = excluded.comment,
                 phase = case hold.phase when 'held' then 'held' else 'begun' end",
        )
        .bind(key.as_str())
        .bind(id.as_str())
        .bind(holding.until)
        .bind(&holding.login)
        .bind(settings)
        .bind(&holding.comment)
        .execute(self.connection())
        .await?;
        if is_planted(Fault::TellsUnsaved) {
            return Ok(());
        }
        sqlx::query("insert into told_end (key, until) values ($1, $2) on conflict do nothing")
            .bind(key.as_str())
            .bind(holding.until)
            .execute(self.connection())
            .await?;
        Ok(())
    }

    async fn confirm(&mut self, key: &Key, id: &RequestId, until: Option<i64>) -> Result<(), StoreError> {
        sqlx::query(
            "update hold set phase = 'held', waits = 0, confirmed_until = $3
             where key = $1 and request_id = $2 and phase <> 'releasing'",
        )
        .bind(key.as_str())
        .bind(id.as_str())
        .bind(until.unwrap_or(i64::MAX))
        .execute(self.connection())
        .await?;
        if until.is_some() {
            sqlx::query("update held_key set confirmed = 1 where key = $1 and confirmed = 0")
                .bind(key.as_str())
                .execute(self.connection())
                .await?;
        }
        Ok(())
    }

    /// This request lets go of the key, and waits until that is settled. One that the ledger no longer knows (it was taken
    /// back while its request could not be read) is only over when it was read again.
    pub async fn release(&mut self, key: &Key, id: &RequestId) -> Result<(), StoreError> {
        sqlx::query(
            "insert into hold (key, request_id, until, phase, waits, confirmed_until) values ($1, $2, 0, 'releasing', 1, 0)
             on conflict (key, request_id) do update set phase = 'releasing', waits = 1",
        )
            .bind(key.as_str())
            .bind(id.as_str())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// That it let go was settled: the ledger no longer knows it.
    pub async fn leave(&mut self, key: &Key, id: &RequestId) -> Result<(), StoreError> {
        sqlx::query("delete from hold where key = $1 and request_id = $2 and phase = 'releasing'")
            .bind(key.as_str())
            .bind(id.as_str())
            .execute(self.connection())
            .await?;
        Ok(())
    }

    /// How far these requests are with a key, as the transaction sees it; those that the ledger does not know are left out.
    pub async fn phases(
        &mut self,
        key: &Key,
        ids: impl Iterator<Item = &RequestId>,
    ) -> Result<HashMap<RequestId, HoldPhase>, StoreError> {
        let ids: Vec<&str> = ids.map(RequestId::as_str).collect();
        let rows: Vec<(String, String)> = sqlx::query_as(
            "select request_id, phase from hold where key = $1 and request_id in (select value from json_each($2))",
        )
        .bind(key.as_str())
        .bind(Value::from(ids).to_string())
        .fetch_all(self.connection())
        .await?;
        Ok(rows.into_iter().map(|(id, phase)| (RequestId(id), HoldPhase::read(&phase))).collect())
    }

    /// After a reading that says off: what was there before is forgotten, unless somebody still holds the key or waits to
    /// hear that letting go of it was settled.
    pub async fn forget(&mut self, key: &Key) -> Result<(), StoreError> {
        let held = ["delete from held_key where key = $1", "delete from told_end where key = $1"];
        let free = [
            "delete from held_key where key = $1 and not exists (select 1 from hold where key = $1)",
            "delete from told_end where key = $1 and not exists (select 1 from hold where key = $1)",
        ];
        for forgotten in if is_planted(Fault::ForgetsHeld) { held } else { free } {
            sqlx::query(forgotten).bind(key.as_str()).execute(self.connection()).await?;
        }
        Ok(())
    }

    /// Ends that passed long ago are no longer looked for at the far side.
    pub async fn forget_ends(&mut self, key: &Key, now: i64) -> Result<(), StoreError> {
        sqlx::query("delete from told_end where key = $1 and until < $2")
            .bind(key.as_str())
            .bind(now.saturating_sub(ENDS_KEPT_MS))
            .execute(self.connection())
            .await?;
        Ok(())
    }
}

impl Store {
    /// Who holds a key as far as it matters to whoever settles it, and what it was before.
    pub async fn held(&self, key: &Key) -> Result<Held, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "select request_id, until, phase, waits, confirmed_until, login, settings, comment
             from hold where key = $1 and waits = 1
             union all select * from (
                 select request_id, until, phase, waits, confirmed_until, login, settings, comment
                 from hold where key = $1 and waits = 0 order by until desc limit 1)",
        )
        .bind(key.as_str())
        .fetch_all(&self.read)
        .await?;
        self.held_by(key, rows).await
    }

    /// The same with everybody who holds it.
    pub async fn held_by_all(&self, key: &Key) -> Result<Held, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "select request_id, until, phase, waits, confirmed_until, login, settings, comment from hold where key = $1",
        )
        .bind(key.as_str())
        .fetch_all(&self.read)
        .await?;
        self.held_by(key, rows).await
    }

    async fn held_by(&self, key: &Key, mut rows: Vec<Row>) -> Result<Held, StoreError> {
        rows.sort_by(|one, other| one.request_id.cmp(&other.request_id));
        let ends = sqlx::query_scalar("select until from told_end where key = $1 order by until")
            .bind(key.as_str())
            .fetch_all(&self.read)
            .await?;
        let before: Option<(String, i64)> = sqlx::query_as("select before, confirmed from held_key where key = $1")
            .bind(key.as_str())
            .fetch_optional(&self.read)
            .await?;
        let confirmed = before.as_ref().is_some_and(|(_, confirmed)| *confirmed != 0);
        // What cannot be read must not keep the key on: the step type takes it for "not set" and looks at our own ends.
        let before = before.map(|(text, _)| {
            serde_json::from_str(&text).unwrap_or_else(|error| {
                tracing::error!(step.key = %key, %error, "what was there before cannot be read");
                Value::Null
            })
        });
        Ok(Held { holders: rows.into_iter().map(Row::read).collect(), ends, before, confirmed })
    }

    /// Holds whose end passed before `at` and that were not let go, oldest first: something kept their end from being saved.
    pub async fn overdue(&self, at: i64, limit: i64) -> Result<Vec<(Key, RequestId)>, StoreError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "select key, request_id from hold where phase in ('begun', 'held') and until < $1 order by until limit $2",
        )
        .bind(at)
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        Ok(rows.into_iter().map(|(key, id)| (Key::from_stored(key), RequestId(id))).collect())
    }

    /// Keys that somebody let go of and that nothing in the outbox will settle: the row that should was lost, or is one that this
    /// version cannot read.
    pub async fn unsettled(&self, limit: i64) -> Result<Vec<Key>, StoreError> {
        let keys: Vec<String> = sqlx::query_scalar(
            "select distinct key from hold where phase = 'releasing' and not exists (
                 select 1 from outbox where outbox.lane = 'key ' || hold.key) limit $1",
        )
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        Ok(keys.into_iter().map(Key::from_stored).collect())
    }

    /// The keys this request holds or lets go of.
    pub async fn keys_of(&self, id: &RequestId) -> Result<Vec<Key>, StoreError> {
        let keys: Vec<String> = sqlx::query_scalar("select key from hold where request_id = $1 order by key")
            .bind(id.as_str())
            .fetch_all(&self.read)
            .await?;
        Ok(keys.into_iter().map(Key::from_stored).collect())
    }

    /// The earliest end in the ledger that was not let go.
    pub async fn next_end(&self) -> Result<Option<i64>, StoreError> {
        let mut ends = Vec::new();
        for phase in ["begun", "held"] {
            let end: Option<i64> = sqlx::query_scalar("select min(until) from hold where phase = $1")
                .bind(phase)
                .fetch_one(&self.read)
                .await?;
            ends.extend(end);
        }
        Ok(ends.into_iter().min())
    }

    /// Every key with somebody on it or something remembered; for the checkers.
    pub async fn keys(&self) -> Result<Vec<Key>, StoreError> {
        let keys: Vec<String> = sqlx::query_scalar("select key from hold union select key from held_key order by 1")
            .fetch_all(&self.read)
            .await?;
        Ok(keys.into_iter().map(Key::from_stored).collect())
    }
}
