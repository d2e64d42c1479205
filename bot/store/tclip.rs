//! Reading the database of a tclip that is to be left: it has no interface that gives out its pastes.
//!
//! Facts: tclip's `schema.sql` and `openDB` at commit c460fa2: `data.db` in its data folder, times without a zone.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};

/// One paste as tclip keeps it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct TclipRow {
    /// UUID.
    pub id: String,
    /// `2006-01-02 15:04`, in the zone of its machine.
    pub created_at: String,
    /// Its file name.
    pub filename: String,
    /// Its text.
    pub data: String,
    /// Login of its author, or the name of a tagged device.
    pub login_name: String,
    /// Name of its author.
    pub display_name: String,
}

/// Every paste in tclip's file, oldest first. The file is opened for reading only.
///
/// # Errors
/// It cannot be read, or is not tclip's.
pub async fn tclip_pastes(path: &Path) -> Result<Vec<TclipRow>, sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(false).read_only(true);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let rows = sqlx::query_as(
        "select pastes.id, pastes.created_at, filename, data, login_name, display_name
         from pastes join users on pastes.user_id = users.id order by pastes.rowid",
    )
    .fetch_all(&mut connection)
    .await?;
    connection.close().await?;
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_tclips_file_is_read_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.db");
        let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
        let mut theirs = SqliteConnection::connect_with(&options).await.unwrap();
        for sql in [
            "create table pastes (id text primary key not null, created_at text not null, user_id text not null, \
             filename text not null, data text not null)",
            "create table users (id text primary key not null, login_name text not null, display_name text not null, \
             profile_pic_url text not null)",
            "insert into users values ('7', 'alice@example.com', 'Alice', '')",
            "insert into pastes values ('0b9b23d8-5b1c-4a1e-9c43-7d6d2c1f0e5a', '2026-01-02 03:04', 7, 'a.md', 'x')",
        ] {
            sqlx::query(sql).execute(&mut theirs).await.unwrap();
        }
        theirs.close().await.unwrap();
        let rows = tclip_pastes(&path).await.unwrap();
        assert_eq!((rows.len(), rows[0].login_name.as_str(), rows[0].data.as_str()), (1, "alice@example.com", "x"));
        assert!(tclip_pastes(&folder.path().join("none.db")).await.is_err());
    }
}
