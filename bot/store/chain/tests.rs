//! Whatever is done to the rows or the bytes of a log, the walk finds it and names the first entry that does not fit.

use std::path::Path;

use proptest::prelude::*;
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;

use super::*;
use crate::kernel::kept::Note;
use crate::kernel::{Actor, Subject};
use crate::store::Store;

const COLUMNS: [&str; 7] = ["at", "request_id", "actor", "event", "state", "previous", "hash"];

fn address(path: &Path) -> String {
    format!("sqlite://{}", path.display())
}

async fn note(store: &Store, from: i64, count: i64) {
    let mut tx = store.begin().await.unwrap();
    for at in from..from + count {
        let event =
            Note(serde_json::json!({ "event": "tested", "word": "x".repeat(usize::try_from(at % 7).unwrap()) }));
        tx.note(&Subject::from_stored(&format!("test:{at}")), &Actor::Clock, &event, "tested", at).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// A database with so many entries, closed.
async fn log_of(count: i64) -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nightlatch.db");
    let store = Store::open(&address(&path)).await.unwrap();
    note(&store, 0, count).await;
    store.close().await;
    (folder, path)
}

async fn verify(path: &Path) -> Result<i64, i64> {
    let log = AuditLog::open(&address(path)).await.unwrap();
    let verified = log.verify().await.unwrap();
    log.close().await;
    verified.map_err(|tampered| tampered.seq)
}

/// Does this to the database as somebody with another program would.
async fn meddle(path: &Path, statements: &[String]) {
    let mut connection = SqliteConnection::connect(&address(path)).await.unwrap();
    for statement in statements {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement.clone())).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_log_of_any_length_fits_also_while_it_grows() {
    for count in [0, 1, CHUNK_ROWS - 1, CHUNK_ROWS, CHUNK_ROWS + 1, 2 * CHUNK_ROWS] {
        let (_folder, path) = log_of(count).await;
        assert_eq!(verify(&path).await, Ok(count));
        let store = Store::open(&address(&path)).await.unwrap();
        let log = AuditLog::open(&address(&path)).await.unwrap();
        let mut walk = log.walk().await.unwrap();
        note(&store, count, 3).await;
        let walked = loop {
            match log.step(&mut walk).await.unwrap() {
                Walked::On => note(&store, 0, 1).await,
                walked => break walked,
            }
        };
        assert_eq!(walked, Walked::Fits(count), "what was added meanwhile is the next walk's");
    }
}

#[tokio::test]
async fn rows_that_are_gone_swapped_added_or_cut_off_are_found() {
    let cases: [(&str, i64); 12] = [
        ("delete from audit where seq = 1", 2),
        ("delete from audit where seq = 5", 6),
        ("delete from audit where seq = 20", 20),
        ("delete from audit where seq > 12", 13),
        ("delete from audit", 1),
        ("drop table audit", 1),
        (
            "update audit set seq = 99 where seq = 4; update audit set seq = 4 where seq = 7; update audit set seq = 7 where seq = 99",
            4,
        ),
        (
            "insert into audit select 21, at, request_id, actor, event, state, previous, hash from audit where seq = 20",
            21,
        ),
        (
            "insert into audit select 0, at, request_id, actor, event, state, previous, hash from audit where seq = 20",
            0,
        ),
        (
            "insert into audit select -3, at, request_id, actor, event, state, previous, hash from audit where seq = 20",
            -3,
        ),
        ("update head set audit_hash = (select hash from audit where seq = 19)", 20),
        ("update head set audit_seq = 'twenty'", 21),
    ];
    for (statement, first) in cases {
        let (_folder, path) = log_of(20).await;
        meddle(&path, &[statement.to_owned()]).await;
        assert_eq!(verify(&path).await, Err(first), "{statement}");
    }
    // A cut that also turns the head back leaves a log that fits: only an anchor tells.
    let (_folder, path) = log_of(20).await;
    let cut = "delete from audit where seq > 12; update head set audit_seq = 12, audit_hash = (select hash from audit where seq = 12)";
    meddle(&path, &[cut.to_owned()]).await;
    assert_eq!(verify(&path).await, Ok(12));
}

/// What stands there, and of which kind it is.
async fn quoted(path: &Path, column: &str, seq: i64) -> String {
    let mut connection = SqliteConnection::connect(&address(path)).await.unwrap();
    let query = format!("select typeof({column}) || hex(cast({column} as blob)) from audit where seq = {seq}");
    let quoted = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    quoted
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn one_changed_character_anywhere_is_found_and_its_entry_named(
        seq in 1_i64..=12, column in 0_usize..7, place in any::<prop::sample::Index>(), by in 1_u8..=255, kind in 0_u8..4,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (_folder, path) = log_of(12).await;
            let column = COLUMNS[column];
            let mut connection = SqliteConnection::connect(&address(&path)).await.unwrap();
            let query = format!("select cast({column} as blob) from audit where seq = {seq}");
            let mut bytes: Vec<u8> = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            match kind {
                0 if !bytes.is_empty() => { let at = place.index(bytes.len()); bytes[at] = bytes[at].wrapping_add(by); }
                1 if !bytes.is_empty() => { bytes.remove(place.index(bytes.len())); }
                2 => bytes.insert(place.index(bytes.len() + 1), by),
                // The same bytes as a value of another kind.
                _ => {}
            }
            let as_kind = if kind == 3 || bytes.is_empty() { "" } else { " as text" };
            let value = format!("x'{}'", hex::encode(&bytes));
            let value = if as_kind.is_empty() { value } else { format!("cast({value}{as_kind})") };
            let before = quoted(&path, column, seq).await;
            meddle(&path, &[format!("update audit set {column} = {value} where seq = {seq}")]).await;
            // SQLite takes a text like "\t0" for the number 0 in a column of numbers: then nothing was changed.
            let expected = if quoted(&path, column, seq).await == before { Ok(12) } else { Err(seq) };
            assert_eq!(verify(&path).await, expected, "{column} of {seq} became {value}");
        });
    }
}

#[tokio::test]
async fn a_byte_of_the_file_that_changes_an_entry_is_found() {
    let (_folder, path) = log_of(6).await;
    let log = AuditLog::open(&address(&path)).await.unwrap();
    let (entries, last) = (log.after(0, 100).await.unwrap(), log.entry(6).await.unwrap().unwrap());
    log.close().await;
    let whole = std::fs::read(&path).unwrap();
    let at = |needle: &str| whole.windows(needle.len()).position(|part| part == needle.as_bytes()).unwrap();
    // The page with the rows: from its beginning to its end, every third byte; headers, numbers, texts and room between.
    let page = at(&last.request_id) / 4_096 * 4_096;
    let mut found = 0;
    for place in (page..page + 4_096).step_by(3) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x11;
        std::fs::write(&path, &bytes).unwrap();
        let Ok(log) = AuditLog::open(&address(&path)).await else { continue };
        match log.verify().await {
            Ok(Ok(_)) => assert_eq!(log.after(0, 100).await.unwrap(), entries, "byte {place}"),
            Ok(Err(_)) | Err(_) => found += 1,
        }
        log.close().await;
    }
    assert!(found > 300, "only {found} of them were in use");
}

#[tokio::test]
async fn what_is_no_database_of_ours_is_said_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nightlatch.db");
    assert!(matches!(AuditLog::open(&address(&path)).await, Err(OpenError::Missing(_))));
    assert!(!path.exists());
    std::fs::write(&path, "somebody's notes".repeat(500)).unwrap();
    assert!(matches!(AuditLog::open(&address(&path)).await, Err(OpenError::Corrupt { .. })));
    std::fs::remove_file(&path).unwrap();
    meddle_new(&path).await;
    assert!(matches!(AuditLog::open(&address(&path)).await, Err(OpenError::NotOurs(_))));
}

async fn meddle_new(path: &Path) {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::query("create table theirs (id bigint)").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
