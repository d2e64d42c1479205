//! Reading: requests by what people ask for.

use super::bodies::{Stored, Workflows, select_request};
use super::{Store, StoreError};
use crate::kernel::{Request, RequestId};

/// One record that cannot be read hides itself from a list, and no other.
fn readable(stored: &[Stored], workflows: &Workflows) -> Vec<Request> {
    let told = |stored: &Stored| match stored.read(workflows) {
        Ok(request) => Some(request),
        Err(error) => {
            tracing::warn!(%error, "a request is left out of a list");
            None
        }
    };
    stored.iter().filter_map(told).collect()
}

impl Store {
    /// The request of that id, if there is one.
    pub async fn find(&self, id: &RequestId) -> Result<Option<Request>, StoreError> {
        let stored: Option<Stored> = sqlx::query_as(select_request!("where request.id = $1"))
            .bind(id.as_str())
            .fetch_optional(&self.read)
            .await?;
        Ok(stored.as_ref().map(|stored| stored.read(&self.workflows)).transpose()?)
    }

    /// The request of that id.
    pub async fn load(&self, id: &RequestId) -> Result<Request, StoreError> {
        self.find(id).await?.ok_or_else(|| StoreError::NoSuchRequest(id.to_string()))
    }

    /// Requests of one person, newest first, at most `limit`.
    pub async fn requests_of(&self, slack_id: &str, limit: i64) -> Result<Vec<Request>, StoreError> {
        let stored: Vec<Stored> = sqlx::query_as(select_request!(
            "where request.requester = $1 order by request.asked_at desc, request.id desc limit $2"
        ))
        .bind(slack_id)
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        Ok(readable(&stored, &self.workflows))
    }

    /// Requests in one state, oldest first, at most `limit`.
    pub async fn requests_in(&self, state: crate::kernel::State, limit: i64) -> Result<Vec<Request>, StoreError> {
        let stored: Vec<Stored> =
            sqlx::query_as(select_request!("where request.state = $1 order by request.asked_at, request.id limit $2"))
                .bind(state.word())
                .bind(limit)
                .fetch_all(&self.read)
                .await?;
        Ok(readable(&stored, &self.workflows))
    }

    /// Requests of which something is on or may be, of one workflow or of all, newest first, at most `limit`.
    pub async fn lent(&self, workflow: Option<&str>, limit: i64) -> Result<Vec<Request>, StoreError> {
        let stored: Vec<Stored> = sqlx::query_as(select_request!(
            "where request.state in ('approved', 'activating', 'active', 'ending')
                 and ($1 is null or request.workflow = $1) order by request.asked_at desc, request.id desc limit $2"
        ))
        .bind(workflow)
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        Ok(readable(&stored, &self.workflows))
    }

    /// Deliveries whose key begins with this, the newest first; at most `limit`.
    pub async fn deliveries_beginning(&self, begins: &str, limit: i64) -> Result<Vec<String>, StoreError> {
        // Behind every key that begins so.
        let end = format!("{begins}\u{10FFFF}");
        let sql = "select key from delivery where key >= $1 and key < $2 order by at desc, key limit $3";
        Ok(sqlx::query_scalar(sql).bind(begins).bind(end).bind(limit).fetch_all(&self.read).await?)
    }

    /// The newest requests, those that are over too if `all`; at most `limit`.
    pub async fn listed(&self, all: bool, limit: i64) -> Result<Vec<Request>, StoreError> {
        let stored: Vec<Stored> = sqlx::query_as(select_request!(
            "where $1 or request.state <> 'ended' order by request.asked_at desc, request.id desc limit $2"
        ))
        .bind(all)
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        Ok(readable(&stored, &self.workflows))
    }

    /// Requests under the workflow of this name that were asked at that time or later.
    pub async fn asked_since(&self, workflow: &str, since: i64) -> Result<Vec<Request>, StoreError> {
        let stored: Vec<Stored> =
            sqlx::query_as(select_request!("where request.workflow = $1 and request.asked_at >= $2"))
                .bind(workflow)
                .bind(since)
                .fetch_all(&self.read)
                .await?;
        Ok(readable(&stored, &self.workflows))
    }

    /// The ids of the newest requests, at most `limit`.
    pub async fn newest_ids(&self, limit: i64) -> Result<Vec<String>, StoreError> {
        let ids = sqlx::query_scalar("select id from request order by asked_at desc, id desc limit $1");
        Ok(ids.bind(limit).fetch_all(&self.read).await?)
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
}
