//! What the watchdog asks: cheap questions, each answered by one index or one row.

use super::{Store, StoreError, Tx};

impl Tx {
    /// Writes one row as it is, so that a commit has something to save.
    pub async fn touch(&mut self) -> Result<(), StoreError> {
        sqlx::query("update head set outbox_seq = outbox_seq where one = 1").execute(self.connection()).await?;
        Ok(())
    }
}

impl Store {
    /// Whether anything waits for its time.
    pub async fn is_anything_waiting(&self) -> Result<bool, StoreError> {
        let waiting: i64 = sqlx::query_scalar("select exists (select 1 from outbox where set_aside_at is null)")
            .fetch_one(&self.read)
            .await?;
        Ok(waiting != 0)
    }

    /// When something was last written into the log, milliseconds since the Unix epoch; none in a new file.
    pub async fn last_saved_at(&self) -> Result<Option<i64>, StoreError> {
        let at = sqlx::query_scalar("select at from audit order by seq desc limit 1");
        Ok(at.fetch_optional(&self.read).await?)
    }

    /// The earliest end of whatever is held or being taken back, whether its time has come or not.
    pub async fn earliest_end(&self) -> Result<Option<i64>, StoreError> {
        let mut oldest: Option<i64> = None;
        for phase in ["begun", "held", "releasing"] {
            let end: Option<i64> = sqlx::query_scalar("select min(until) from hold where phase = $1 and until > 0")
                .bind(phase)
                .fetch_one(&self.read)
                .await?;
            oldest = oldest.into_iter().chain(end).min();
        }
        Ok(oldest)
    }
}
