//! Reading the database of a tclip that is to be left: it has no interface that gives out its pastes. And what we know of
//! pastes that the bot posted there for others.
//!
//! Facts: tclip's `schema.sql` and `openDB` at commit c460fa2: `data.db` in its data folder, times without a zone.

use std::collections::HashMap;
use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};

/// One paste as tclip keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// Who a paste is of that the bot posted to a tclip, as our own database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostedFor {
    /// Tailnet login, if it is known.
    pub login: Option<String>,
    /// Slack id, if it is known.
    pub slack_id: Option<String>,
    /// Name, for people.
    pub author: String,
    /// What it was called before the author's name was put in front.
    pub filename: String,
}

/// As it is read: nothing of it need be UTF-8, whatever its schema says.
type Raw = (Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>);

/// Address, login, Slack id, author and file name.
type Posted = (String, Option<String>, Option<String>, String, String);

async fn read_only(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(false).read_only(true);
    SqliteConnection::connect_with(&options).await
}

/// Every paste in tclip's file, oldest first; of those that are not UTF-8 the id. The file is opened for reading only.
///
/// # Errors
/// It cannot be read, or is not tclip's.
pub async fn tclip_pastes(path: &Path) -> Result<Vec<Result<TclipRow, String>>, sqlx::Error> {
    let mut connection = read_only(path).await?;
    let rows: Vec<Raw> = sqlx::query_as(
        "select cast(pastes.id as blob), cast(pastes.created_at as blob), cast(filename as blob), cast(data as blob),
                cast(login_name as blob), cast(display_name as blob)
         from pastes join users on pastes.user_id = users.id order by pastes.rowid",
    )
    .fetch_all(&mut connection)
    .await?;
    connection.close().await?;
    Ok(rows.into_iter().map(row).collect())
}

fn row(raw: Raw) -> Result<TclipRow, String> {
    let (id, created_at, filename, data, login_name, display_name) = raw;
    let shown = String::from_utf8_lossy(&id).into_owned();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).map_err(|_| shown.clone());
    // Of a name a sign that is none does no harm, of a text it would make another text.
    let name = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(TclipRow {
        id: text(id)?,
        created_at: text(created_at)?,
        filename: name(filename),
        data: text(data)?,
        login_name: text(login_name)?,
        display_name: name(display_name),
    })
}

/// Whom the bot posted for, by the id tclip gave. Reads our own database beside whoever has it open.
///
/// # Errors
/// It cannot be read.
pub async fn posted_for(path: &Path) -> Result<HashMap<String, PostedFor>, sqlx::Error> {
    let mut connection = read_only(path).await?;
    let rows: Vec<Posted> =
        sqlx::query_as("select url, login, slack_id, author, filename from paste where url is not null")
            .fetch_all(&mut connection)
            .await?;
    connection.close().await?;
    let known = rows.into_iter().filter_map(|(url, login, slack_id, author, filename)| {
        let id = url.trim_end_matches('/').rsplit('/').next()?.to_lowercase();
        Some((id, PostedFor { login, slack_id, author, filename }))
    });
    Ok(known.collect())
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
            // As tclip keeps what a program posted that is no text.
            "insert into pastes values ('1b9b23d8-5b1c-4a1e-9c43-7d6d2c1f0e5a', '2026-01-02 03:04', 7, 'latin.bin', \
             cast(x'fffe00626164' as text))",
            "insert into pastes values ('2b9b23d8-5b1c-4a1e-9c43-7d6d2c1f0e5a', '2026-01-02 03:05', 7, 'b.md', 'y')",
        ] {
            sqlx::query(sql).execute(&mut theirs).await.unwrap();
        }
        theirs.close().await.unwrap();
        let rows = tclip_pastes(&path).await.unwrap();
        let told: Vec<_> = rows
            .iter()
            .map(|row| match row {
                Ok(row) => format!("{} {} {}", row.login_name, row.filename, row.data),
                Err(id) => format!("no text: {id}"),
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"), @"
        alice@example.com a.md x
        no text: 1b9b23d8-5b1c-4a1e-9c43-7d6d2c1f0e5a
        alice@example.com b.md y
        ");
        assert!(tclip_pastes(&folder.path().join("none.db")).await.is_err());
    }
}
