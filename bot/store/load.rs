//! How much there is to do, for whoever measures.

use super::{Class, Store, StoreError};

/// What waits now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Effects whose time has come: how many of each class, and since when the oldest waits.
    pub due: Vec<(Class, i64, Option<i64>)>,
    /// Effects that this version cannot read.
    pub set_aside: i64,
    /// When the oldest undecided request was asked.
    pub oldest_pending: Option<i64>,
    /// Size of the database.
    pub bytes: i64,
}

impl Store {
    /// Looks only at what is due, whatever else there is.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn load_now(&self, now: i64) -> Result<Load, StoreError> {
        let mut due = Vec::new();
        for class in Class::ALL {
            let (mut count, mut oldest) = (0, None);
            for first in [0_i64, 1] {
                let (more, at): (i64, Option<i64>) = sqlx::query_as(
                    "select count(*), min(due_at) from outbox where class = $1 and first = $2 and due_at <= $3",
                )
                .bind(class.number())
                .bind(first)
                .bind(now)
                .fetch_one(&self.read)
                .await?;
                count += more;
                oldest = oldest.into_iter().chain(at).min();
            }
            due.push((class, count, oldest));
        }
        let set_aside = self.set_aside_count().await?;
        let oldest_pending = sqlx::query_scalar("select min(asked_at) from request where state = 'pending'")
            .fetch_one(&self.read)
            .await?;
        let pages: i64 = sqlx::query_scalar("pragma page_count").fetch_one(&self.read).await?;
        let page: i64 = sqlx::query_scalar("pragma page_size").fetch_one(&self.read).await?;
        Ok(Load { due, set_aside, oldest_pending, bytes: pages.saturating_mul(page) })
    }
}
