//! Rows of go links and their clicks. What may be done with them is decided in the kernel.

use std::collections::HashMap;

use super::{Store, StoreError, Tx};
use crate::kernel::link::{Link, LinkId};

/// Clicks are added up by the hour.
const HOUR_MS: i64 = 3_600_000;

#[derive(sqlx::FromRow)]
struct Row {
    short: String,
    long: String,
    owner: String,
    created_at: i64,
    edited_at: i64,
}

impl From<Row> for Link {
    fn from(row: Row) -> Self {
        let Row { short, long, owner, created_at, edited_at } = row;
        Self { short, long, owner, created_at, edited_at }
    }
}

impl Tx {
    /// The link as the transaction sees it.
    pub async fn link(&mut self, id: &LinkId) -> Result<Option<Link>, StoreError> {
        let row: Option<Row> =
            sqlx::query_as("select short, long, owner, created_at, edited_at from link where id = $1")
                .bind(id.as_str())
                .fetch_optional(self.connection())
                .await?;
        Ok(row.map(Link::from))
    }

    /// Keeps a link; one of the same name is replaced.
    pub async fn put_link(&mut self, link: &Link) -> Result<(), StoreError> {
        sqlx::query(
            "insert into link (id, short, long, owner, created_at, edited_at) values ($1, $2, $3, $4, $5, $6)
             on conflict (id) do update set short = excluded.short, long = excluded.long, owner = excluded.owner,
                 created_at = excluded.created_at, edited_at = excluded.edited_at",
        )
        .bind(link.id().as_str())
        .bind(&link.short)
        .bind(&link.long)
        .bind(&link.owner)
        .bind(link.created_at)
        .bind(link.edited_at)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Removes a link and its clicks.
    pub async fn delete_link(&mut self, id: &LinkId) -> Result<(), StoreError> {
        sqlx::query("delete from link where id = $1").bind(id.as_str()).execute(self.connection()).await?;
        sqlx::query("delete from link_click where link_id = $1").bind(id.as_str()).execute(self.connection()).await?;
        Ok(())
    }

    /// Adds clicks to the hour that `at` (milliseconds since the Unix epoch) is in. Those of links that are gone are not
    /// kept.
    pub async fn add_clicks(&mut self, clicks: &[(LinkId, i64)], at: i64) -> Result<(), StoreError> {
        for (id, count) in clicks {
            sqlx::query(
                "insert into link_click (link_id, hour_at, clicks)
                 select id, $2, $3 from link where id = $1
                 on conflict (link_id, hour_at) do update set clicks = link_click.clicks + excluded.clicks",
            )
            .bind(id.as_str())
            .bind(at - at.rem_euclid(HOUR_MS))
            .bind(count)
            .execute(self.connection())
            .await?;
        }
        Ok(())
    }
}

impl Store {
    /// Every link, by name.
    pub async fn links(&self) -> Result<Vec<Link>, StoreError> {
        let rows: Vec<Row> =
            sqlx::query_as("select short, long, owner, created_at, edited_at from link order by short")
                .fetch_all(&self.read)
                .await?;
        Ok(rows.into_iter().map(Link::from).collect())
    }

    /// How often each link was followed, ever.
    pub async fn link_clicks(&self) -> Result<HashMap<String, i64>, StoreError> {
        let rows: Vec<(String, i64)> =
            sqlx::query_as("select link_id, cast(sum(clicks) as bigint) from link_click group by link_id")
                .fetch_all(&self.read)
                .await?;
        Ok(rows.into_iter().collect())
    }

    /// `(link, start of the hour, clicks)`, oldest first.
    pub async fn link_click_hours(&self) -> Result<Vec<(String, i64, i64)>, StoreError> {
        let rows = sqlx::query_as("select link_id, hour_at, clicks from link_click order by hour_at, link_id")
            .fetch_all(&self.read)
            .await?;
        Ok(rows)
    }
}
