//! A database that a later version wrote is refused as a whole, also when only some JSON in it is newer.

use nightlatch::kernel::kept::KINDS;
use nightlatch::store::{OpenError, Store};
use sqlx::{Connection, SqliteConnection};

async fn change(path: &std::path::Path, statement: &'static str) {
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    sqlx::query(statement).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_file_with_a_newer_shape_or_a_kind_nobody_knows_is_refused_and_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nightlatch.db");
    let address = format!("sqlite://{}", path.display());
    Store::open(&address).await.unwrap().close().await;
    let statements = [
        "update stored_shape set shape = shape + 1 where kind = 'effect'",
        "update stored_shape set shape = shape - 1 where kind = 'effect'",
        "insert into stored_shape (kind, shape) values ('lease', 1)",
        "delete from stored_shape where kind = 'lease'",
        "delete from stored_shape",
    ];
    let mut said = Vec::new();
    for statement in statements {
        change(&path, statement).await;
        let before = std::fs::read(&path).unwrap();
        match Store::open(&address).await {
            Ok(store) => store.close().await,
            Err(error) => {
                assert_eq!(std::fs::read(&path).unwrap(), before);
                let OpenError::NewerShape { newer, .. } = &error else { panic!("{error}") };
                let numbers = format!("of shape {}, this one knows {}", newer.found, newer.known);
                let said_plainly = error.to_string().replace(&numbers, "of shape NEWER, this one knows NEWEST");
                said.push(said_plainly.replace(&path.display().to_string(), "PATH"));
            }
        }
    }
    insta::assert_snapshot!(said.join("\n"), @r"
    the database PATH was written by a newer nightlatch (effect of shape NEWER, this one knows NEWEST); it was not changed
    the database PATH was written by a newer nightlatch (lease of shape NEWER, this one knows NEWEST); it was not changed
    ");
    let mut connection = SqliteConnection::connect(&address).await.unwrap();
    let shapes: Vec<(String, i64)> =
        sqlx::query_as("select kind, shape from stored_shape order by kind").fetch_all(&mut connection).await.unwrap();
    let mut known: Vec<(String, i64)> = KINDS.iter().map(|(kind, shape)| ((*kind).to_owned(), *shape)).collect();
    known.sort();
    assert_eq!(shapes, known, "noted again when it was opened");
}
