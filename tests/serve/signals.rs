//! What an operator does to a running bot: look at it, make it read its workflows again, stop it.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::killed::promised;
use crate::scene::{Process, Scene};

pub fn signal(bot: &Process, name: &str) {
    let sent = Command::new("kill").args([name, &bot.0.id().to_string()]).status().expect("kill(1)");
    assert!(sent.success());
}

/// Waits for the child's end, at most `limit`.
pub async fn exit_code(mut bot: Process, limit: Duration) -> Option<i32> {
    let waiting = tokio::task::spawn_blocking(move || bot.0.wait());
    let ended = tokio::time::timeout(limit, waiting).await.expect("it exits in time");
    ended.expect("no panic").expect("an exit status").code()
}

pub async fn get(scene: &Scene, path: &str) -> (u16, String) {
    let socket = scene.folder.path().join("http.sock");
    let client = reqwest::Client::builder().unix_socket(socket).build().expect("a client");
    let answer = client.get(format!("http://nightlatch{path}")).send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("a body"))
}

pub fn edit_config(scene: &Scene, from: &str, to: &str) {
    let path = scene.folder.path().join("nightlatch.yaml");
    let text = std::fs::read_to_string(&path).expect("the configuration");
    assert!(text.contains(from), "{text}");
    std::fs::write(path, text.replace(from, to)).expect("the configuration");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_how_it_is_and_stops_within_seconds() {
    let scene = Scene::set().await;
    edit_config(&scene, "listen: 127.0.0.1:0", "listen: unix:http.sock");
    let child = scene.start().await;
    assert_eq!(get(&scene, "/healthz").await, (200, "ok\n".to_owned()));
    let (status, said) = get(&scene, "/readyz").await;
    assert_eq!((status, said.lines().next()), (200, Some("ready")), "{said}");
    // There is no tailscaled here, and pages need one to know who visits.
    assert!(said.contains("nobody who opens a page can be recognised"), "{said}");
    scene.slack.command("alice", "#general", "/access prod-db 1h looking").await.expect("a command");
    let (status, metrics) = get(&scene, "/metrics").await;
    assert_eq!(status, 200);
    assert!(metrics.contains("nightlatch_requests{state=\"pending\"} 1"), "{metrics}");
    assert!(metrics.contains("nightlatch_events_total{event=\"asked\"} 1"), "{metrics}");
    signal(&child, "-TERM");
    assert_eq!(exit_code(child, Duration::from_secs(10)).await, Some(0), "{}", scene.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_reads_the_workflows_again_all_or_nothing() {
    let scene = Scene::set().await;
    let child = scene.start().await;
    let workflows = scene.folder.path().join("workflows");
    let good = std::fs::read_to_string(workflows.join("prod-db.yaml")).expect("a workflow");

    std::fs::write(workflows.join("staging.yaml"), good.replace("jit_prod_db", "jit_staging")).expect("a file");
    signal(&child, "-HUP");
    scene.until_log("workflows read again").await;
    std::fs::write(workflows.join("broken.yaml"), "nightlatch: 1\ntitel: x\n").expect("a file");
    std::fs::remove_file(workflows.join("staging.yaml")).expect("a file");
    signal(&child, "-HUP");
    scene.until_log("those in use stay in use").await;
    assert!(scene.log().contains("titel"), "{}", scene.log());

    // The second reading changed nothing: staging can still be asked for.
    let asked = scene.slack.command("alice", "#general", "/access staging 1h looking").await.expect("a command");
    let answer = asked.body.clone().unwrap_or_default().to_string();
    // Right after a start it may have to be looked up who asks; a workflow that is not there is told at once.
    let is_taken = promised(&asked).is_some() || answer.contains("Saved.");
    assert!(asked.acked && is_taken, "{asked:?} {answer}");
    signal(&child, "-TERM");
    assert_eq!(exit_code(child, Duration::from_secs(10)).await, Some(0), "{}", scene.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_it_from_starting_is_said() {
    let scene = Scene::set().await;
    let run = |folder: &std::path::Path| {
        let command = Command::new(env!("CARGO_BIN_EXE_nightlatch"))
            .args(["serve", "--config", "nightlatch.yaml"])
            .current_dir(folder)
            .env_remove("SLACK_BOT_TOKEN")
            .stdin(Stdio::null())
            .output()
            .expect("the binary starts");
        (command.status.code(), String::from_utf8_lossy(&command.stderr).into_owned())
    };
    let (code, said) = run(scene.folder.path());
    assert_eq!(code, Some(1));
    assert!(said.contains("SLACK_BOT_TOKEN"), "{said}");
    edit_config(&scene, "listen: 127.0.0.1:0", "listen: 0.0.0.0:7465");
    let (code, said) = run(scene.folder.path());
    assert_eq!(code, Some(1));
    assert!(said.contains("listen"), "{said}");
}
