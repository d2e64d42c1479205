//! Which shapes of stored JSON a file may hold: a file with a newer one than this version knows is refused as a whole.

use sqlx::{Connection, SqliteConnection, SqlitePool};

use crate::kernel::kept::KINDS;

/// A kind of stored JSON that a later version wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewerShape {
    /// For example `request`.
    pub kind: String,
    /// The newest shape in the file.
    pub found: i64,
    /// The newest this program knows; 0 if it does not know the kind.
    pub known: i64,
}

/// The first kind in the file that this version cannot read. Files from before there was the table have none.
pub(super) async fn newer(connection: &mut SqliteConnection) -> Result<Option<NewerShape>, sqlx::Error> {
    let is_there: i64 =
        sqlx::query_scalar("select count(*) from sqlite_master where type = 'table' and name = 'stored_shape'")
            .fetch_one(&mut *connection)
            .await?;
    if is_there == 0 {
        return Ok(None);
    }
    let rows: Vec<(String, i64)> =
        sqlx::query_as("select kind, shape from stored_shape order by kind").fetch_all(connection).await?;
    let newer = rows.into_iter().find_map(|(kind, found)| {
        let known = KINDS.iter().find(|(name, _)| *name == kind).map_or(0, |(_, shape)| *shape);
        (found > known).then_some(NewerShape { kind, found, known })
    });
    Ok(newer)
}

/// Notes what this version writes, before it writes anything.
pub(super) async fn note(write: &SqlitePool) -> Result<(), sqlx::Error> {
    let mut connection = write.acquire().await?;
    let mut tx = connection.begin().await?;
    for (kind, shape) in KINDS {
        sqlx::query(
            "insert into stored_shape (kind, shape) values ($1, $2)
             on conflict (kind) do update set shape = excluded.shape where excluded.shape > stored_shape.shape",
        )
        .bind(kind)
        .bind(shape)
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await
}
