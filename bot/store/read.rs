//! Reading: requests by what people ask for, and who holds a key.

use super::{Store, StoreError};
use crate::kernel::{Key, Request, RequestId, kept};

/// What the ledger knows of one key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Held {
    /// Requests that hold it now, each with its latest end, milliseconds since the Unix epoch.
    pub live: Vec<(RequestId, i64)>,
    /// Every end the far side may ever have been told by us since the first touch.
    pub untils: Vec<i64>,
    /// What was there before the first touch, once that was read.
    pub before: Option<serde_json::Value>,
}

fn read(body: &str) -> Result<Request, StoreError> {
    Ok(kept::read(body)?)
}

impl Store {
    /// The request of that id, if there is one.
    pub async fn find(&self, id: &RequestId) -> Result<Option<Request>, StoreError> {
        let body: Option<String> = sqlx::query_scalar("select body from request where id = $1")
            .bind(id.as_str())
            .fetch_optional(&self.read)
            .await?;
        body.as_deref().map(read).transpose()
    }

    /// The request of that id.
    pub async fn load(&self, id: &RequestId) -> Result<Request, StoreError> {
        self.find(id).await?.ok_or_else(|| StoreError::NoSuchRequest(id.to_string()))
    }

    /// Requests of one person, newest first, at most `limit`.
    pub async fn requests_of(&self, slack_id: &str, limit: i64) -> Result<Vec<Request>, StoreError> {
        let bodies: Vec<String> = sqlx::query_scalar(
            "select body from request where requester = $1 order by asked_at desc, id desc limit $2",
        )
        .bind(slack_id)
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        bodies.iter().map(|body| read(body)).collect()
    }

    /// Requests in one state, oldest first, at most `limit`.
    pub async fn requests_in(&self, state: crate::kernel::State, limit: i64) -> Result<Vec<Request>, StoreError> {
        let bodies: Vec<String> =
            sqlx::query_scalar("select body from request where state = $1 order by asked_at, id limit $2")
                .bind(state.word())
                .bind(limit)
                .fetch_all(&self.read)
                .await?;
        bodies.iter().map(|body| read(body)).collect()
    }

    /// How many requests are in each state, and how many are stuck; for metrics.
    pub async fn counts(&self) -> Result<(Vec<(String, i64)>, i64), StoreError> {
        let states = sqlx::query_as("select state, count(*) from request where state <> 'ended' group by state")
            .fetch_all(&self.read)
            .await?;
        let stuck = sqlx::query_scalar("select count(*) from request where state = 'ending' and stuck = 1")
            .fetch_one(&self.read)
            .await?;
        Ok((states, stuck))
    }

    /// Who holds a key, and what it was before.
    pub async fn held(&self, key: &Key) -> Result<Held, StoreError> {
        let rows: Vec<(String, i64, i64)> =
            sqlx::query_as("select request_id, until, live from holder where key = $1 order by request_id, until")
                .bind(key.as_str())
                .fetch_all(&self.read)
                .await?;
        let before: Option<String> = sqlx::query_scalar("select before from held_key where key = $1")
            .bind(key.as_str())
            .fetch_optional(&self.read)
            .await?;
        let before = before
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(|error| kept::Unreadable::broken("reading of a key", error))?;
        let mut held = Held { live: Vec::new(), untils: rows.iter().map(|(_, until, _)| *until).collect(), before };
        for (request_id, until, live) in rows {
            if live == 0 {
                continue;
            }
            // Rows come in order of time, so the last one of a request is its latest end.
            match held.live.last_mut() {
                Some((last, latest)) if last.as_str() == request_id => *latest = until,
                _ => held.live.push((RequestId(request_id), until)),
            }
        }
        Ok(held)
    }

    /// Every key with somebody on it or something remembered; for the checkers.
    pub async fn keys(&self) -> Result<Vec<Key>, StoreError> {
        let keys: Vec<String> = sqlx::query_scalar("select key from holder union select key from held_key order by 1")
            .fetch_all(&self.read)
            .await?;
        Ok(keys.into_iter().map(Key::from_stored).collect())
    }
}
