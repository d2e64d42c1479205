//! How often somebody asked, for rules that hang on it.

use super::{Store, StoreError, Tx};
use crate::kernel::Ask;
use crate::kernel::guardrail::Counts;

const ASKED_BEFORE: &str = "select coalesce(sum(case when asked_at >= $3 then 1 else 0 end), 0), count(*) from request
     where requester = $1 and workflow = $2 and asked_at >= $4 and (id < $5 or ($6 and id <> $5))";

/// Which of somebody's requests are counted beside this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// All that are saved: this one is not yet.
    All,
    /// Those that were made before it: of two that wait, one is the first.
    Earlier,
}

impl Store {
    /// How often its requester asked for the workflow since the day and the week began (milliseconds since the Unix epoch), this
    /// time not counted.
    pub async fn asked_before(&self, ask: &Ask, (day, week): (i64, i64), beside: Beside) -> Result<Counts, StoreError> {
        let (today, this_week) = sqlx::query_as(ASKED_BEFORE)
            .bind(&ask.requester.slack_id)
            .bind(&ask.workflow.name)
            .bind(day)
            .bind(week)
            .bind(ask.id.as_str())
            .bind(beside == Beside::All)
            .fetch_one(&self.read)
            .await?;
        Ok(Counts { today, this_week })
    }
}

impl Tx {
    /// The same as the transaction sees it.
    pub async fn asked_before(
        &mut self,
        ask: &Ask,
        (day, week): (i64, i64),
        beside: Beside,
    ) -> Result<Counts, StoreError> {
        self.flush().await?;
        let (today, this_week) = sqlx::query_as(ASKED_BEFORE)
            .bind(&ask.requester.slack_id)
            .bind(&ask.workflow.name)
            .bind(day)
            .bind(week)
            .bind(ask.id.as_str())
            .bind(beside == Beside::All)
            .fetch_one(self.connection())
            .await?;
        Ok(Counts { today, this_week })
    }
}
