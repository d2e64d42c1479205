//! The command line acts through the running bot, over its control socket.

use std::process::Command;
use std::time::Duration;

use nightlatch::playground::slack::SlackWorld;
use nightlatch::store::AuditLog;

use crate::killed::promised;
use crate::scene::Scene;
use crate::signals::{edit_config, exit_code, signal};

/// Runs a verb; its exit code, and what it printed to stdout and stderr.
pub async fn run(scene: &Scene, args: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nightlatch"));
    command.args(args).current_dir(scene.folder.path()).envs(scene.secrets());
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("it starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), format!("{}{}", text(&output.stdout), text(&output.stderr)))
}

fn user() -> String {
    let output = Command::new("id").arg("-un").output().expect("id(1)");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

pub async fn asked(scene: &Scene) -> String {
    loop {
        let asked = scene.slack.command("alice", "#general", "/access prod-db 1h looking").await.expect("a command");
        // Right after a start it may have to be looked up who asks.
        if let Some(id) = promised(&asked) {
            return id;
        }
        let listed = async {
            loop {
                let (_, listed) = run(scene, &["requests", "--json"]).await;
                let listed: serde_json::Value = serde_json::from_str(&listed).unwrap_or_default();
                if let Some(id) = listed[0]["id"].as_str() {
                    return id.to_owned();
                }
            }
        };
        if let Ok(id) = tokio::time::timeout(Duration::from_secs(20), listed).await {
            return id;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_listed_approved_and_revoked_while_it_runs() {
    let scene = Scene::set().await;
    edit_config(&scene, "slack:\n", &format!("operators:\n  {}: bob@example.com\nslack:\n", user()));
    let (code, said) = run(&scene, &["requests"]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("control.sock; does it run, with this configuration?"), "{said}");
    let child = scene.start().await;
    scene.until_log("started").await;
    let id = asked(&scene).await;

    let (code, said) = run(&scene, &["requests"]).await;
    assert_eq!(code, Some(0));
    assert!(said.contains(&id) && said.contains("pending") && said.contains("alice@example.com"), "{said}");
    let (code, said) = run(&scene, &["approve", &id[..17]]).await;
    assert_eq!((code, said.contains(&format!("did you mean {id}?"))), (Some(1), true), "{said}");
    let (code, said) = run(&scene, &["approve", &id]).await;
    assert_eq!(code, Some(0), "{said}\n{}", scene.log());
    assert!(said.starts_with("approved, as bob@example.com: "), "{said}");
    let is_active = |slack: &SlackWorld| slack.screen("alice", "#access").contains("Active");
    assert!(scene.slack.until(is_active).await, "{}", scene.log());

    let (code, said) = run(&scene, &["revoke", &id, "the", "incident", "is", "over"]).await;
    assert_eq!((code, said.starts_with("revoked: ")), (Some(0), true), "{said}");
    let words = format!("revoked by {} on ", user());
    assert!(scene.slack.until(|slack| slack.screen("alice", "#access").contains(&words)).await, "{}", scene.log());

    let copy = scene.folder.path().join("copy.db");
    let (code, said) = run(&scene, &["backup", "copy.db"]).await;
    assert_eq!(code, Some(0), "{said}");
    let log = AuditLog::open(&format!("sqlite://{}", copy.display())).await.expect("a database");
    assert!(log.verify().await.expect("it can be read").expect("it fits") > 5);
    log.close().await;
    let (code, said) = run(&scene, &["backup", "copy.db"]).await;
    assert_eq!((code, said.contains("exists already")), (Some(1), true), "{said}");
    signal(&child, "-TERM");
    assert_eq!(exit_code(child, Duration::from_secs(10)).await, Some(0), "{}", scene.log());
    assert!(!scene.folder.path().join("control.sock").exists());
    let (code, said) = run(&scene, &["backup", "alone.db"]).await;
    assert_eq!(code, Some(0), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_where_the_socket_should_be_is_told_and_left_alone() {
    let scene = Scene::set().await;
    let path = scene.folder.path().join("control.sock");
    std::fs::write(&path, "somebody's notes").expect("a file");
    let (code, said) = run(&scene, &["serve"]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("control.sock is there and is no socket, so it was left alone"), "{said}");
    assert_eq!(std::fs::read_to_string(&path).expect("it is there"), "somebody's notes");
    std::fs::remove_file(&path).expect("a file");
    let live = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    let (code, said) = run(&scene, &["serve"]).await;
    assert_eq!((code, said.contains("somebody answers on")), (Some(1), true), "{said}");
    drop(live);
}
