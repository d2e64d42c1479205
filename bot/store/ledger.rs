//! The ledger: who holds which key until when, what was there before, and every end the far side was ever told. It is enough
//! to take back what is held by a request that cannot be read.

use std::collections::HashMap;

use serde_json::Value;

use super::{Store, StoreError};
use crate::kernel::holding::Settings;
use crate::kernel::{Holding, Key, RequestId, kept};

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
    pub(super) fn read(word: &str) -> Self {
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
    key: String,
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

fn named(keys: &[&Key]) -> String {
    Value::from_iter(keys.iter().map(|key| key.as_str())).to_string()
}

impl Store {
    /// Who holds a key as far as it matters to whoever settles it, and what it was before.
    pub async fn held(&self, key: &Key) -> Result<Held, StoreError> {
        Ok(self.held_many(&[key]).await?.pop().unwrap_or_default())
    }

    /// The same for several keys, in their order.
    pub async fn held_many(&self, keys: &[&Key]) -> Result<Vec<Held>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "select hold.key, request_id, until, phase, waits, confirmed_until, login, settings, comment
             from json_each($1) as wanted cross join hold on hold.key = wanted.value and hold.waits = 1
             union all
             select hold.key, request_id, until, phase, waits, confirmed_until, login, settings, comment
             from json_each($1) as wanted cross join hold on hold.key = wanted.value and hold.request_id = (
                 select request_id from hold as longest where longest.key = wanted.value and longest.waits = 0
                 order by longest.until desc limit 1)",
        )
        .bind(named(keys))
        .fetch_all(&self.read)
        .await?;
        self.held_by(keys, rows).await
    }

    /// The same with everybody who holds it.
    pub async fn held_by_all(&self, key: &Key) -> Result<Held, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "select key, request_id, until, phase, waits, confirmed_until, login, settings, comment from hold where key = $1",
        )
        .bind(key.as_str())
        .fetch_all(&self.read)
        .await?;
        Ok(self.held_by(&[key], rows).await?.pop().unwrap_or_default())
    }

    async fn held_by(&self, keys: &[&Key], rows: Vec<Row>) -> Result<Vec<Held>, StoreError> {
        let mut held: HashMap<String, Held> =
            keys.iter().map(|key| (key.as_str().to_owned(), Held::default())).collect();
        for row in rows {
            if let Some(held) = held.get_mut(&row.key) {
                held.holders.push(row.read());
            }
        }
        let ends: Vec<(String, i64)> = sqlx::query_as(
            "select key, until from told_end where key in (select value from json_each($1)) order by key, until",
        )
        .bind(named(keys))
        .fetch_all(&self.read)
        .await?;
        for (key, end) in ends {
            held.entry(key).or_default().ends.push(end);
        }
        let before: Vec<(String, String, i64)> = sqlx::query_as(
            "select key, before, confirmed from held_key where key in (select value from json_each($1))",
        )
        .bind(named(keys))
        .fetch_all(&self.read)
        .await?;
        for (key, text, confirmed) in before {
            let held = held.entry(key.clone()).or_default();
            held.confirmed = confirmed != 0;
            // What cannot be read must not keep the key on: the step type takes it for "not set" and looks at our own ends.
            held.before = Some(serde_json::from_str(&text).unwrap_or_else(|error| {
                tracing::error!(step.key = key, %error, "what was there before cannot be read");
                Value::Null
            }));
        }
        let mut all = Vec::with_capacity(keys.len());
        for key in keys {
            let mut held = held.get(key.as_str()).cloned().unwrap_or_default();
            held.holders.sort_by(|one, other| one.request_id.cmp(&other.request_id));
            all.push(held);
        }
        Ok(all)
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
                 select 1 from outbox where request_id = 'key:' || hold.key and slot = 'settle' and slot <> ''
                     and class <> 9) limit $1",
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

    /// Keys that begin so and are held or being let go, each with what was there before the first touch, if that is known.
    pub async fn held_beginning(&self, words: &str) -> Result<Vec<(Key, Option<Value>)>, StoreError> {
        let rows: Vec<(String, Option<String>)> = sqlx::query_as(
            "select distinct hold.key, held_key.before from hold left join held_key on held_key.key = hold.key
             where hold.key >= $1 and hold.key < $2",
        )
        .bind(words)
        .bind(format!("{words}\u{10ffff}"))
        .fetch_all(&self.read)
        .await?;
        let read = |before: Option<String>| before.and_then(|text| serde_json::from_str(&text).ok());
        Ok(rows.into_iter().map(|(key, before)| (Key::from_stored(key), read(before))).collect())
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
