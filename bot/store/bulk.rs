//! Many rows in one statement: what a commit saves is written with a handful of them, however much it is.

use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{AssertSqlSafe, FromRow, Sqlite};

use super::{StoreError, Tx};

/// Rows in one statement; more are written with several.
const ROWS_MAX: usize = 64;
/// A statement about so few rows, or about as many as go into one, is met again and kept prepared.
const FEW: usize = 3;

/// A statement while values are bound to it.
pub(super) type Binding<'q> = Query<'q, Sqlite, SqliteArguments>;

/// A statement about many rows: what stands before and behind their values, and how many values a row has.
pub(super) struct Many {
    pub(super) before: &'static str,
    pub(super) values: usize,
    pub(super) after: &'static str,
}

impl Many {
    fn text(&self, rows: usize) -> String {
        let row = format!("({})", vec!["?"; self.values].join(", "));
        format!("{}{}{}", self.before, vec![row.as_str(); rows].join(", "), self.after)
    }

    fn bound<'q, T>(&self, rows: &[T], bind: impl Fn(Binding<'q>, &T) -> Binding<'q>) -> Binding<'q> {
        let is_met_again = rows.len() <= FEW || rows.len() == ROWS_MAX;
        let query = sqlx::query(AssertSqlSafe(self.text(rows.len()))).persistent(is_met_again);
        rows.iter().fold(query, bind)
    }
}

impl Tx {
    /// Writes rows, in as few statements as make sense.
    pub(super) async fn write_many<T>(
        &mut self,
        many: &Many,
        rows: &[T],
        bind: impl for<'q> Fn(Binding<'q>, &T) -> Binding<'q>,
    ) -> Result<(), StoreError> {
        for rows in rows.chunks(ROWS_MAX) {
            many.bound(rows, &bind).execute(self.connection()).await?;
        }
        Ok(())
    }

    /// What is found for rows of values.
    pub(super) async fn read_many<T, R>(
        &mut self,
        many: &Many,
        rows: &[T],
        bind: impl for<'q> Fn(Binding<'q>, &T) -> Binding<'q>,
    ) -> Result<Vec<R>, StoreError>
    where
        R: for<'r> FromRow<'r, SqliteRow>,
    {
        let mut found = Vec::new();
        for rows in rows.chunks(ROWS_MAX) {
            for row in many.bound(rows, &bind).fetch_all(self.connection()).await? {
                found.push(R::from_row(&row)?);
            }
        }
        Ok(found)
    }
}
