//! The audit log as an operator sees it: verified while the bot runs, exported, meddled with, and put back from yesterday.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use nightlatch::clock::Clock;
use nightlatch::playground::tailnet::{Endpoint, Fault};
use sqlx::{Connection, SqliteConnection};
use tokio::io::AsyncBufReadExt;

use crate::scene::{Process, Scene};
use crate::signals::{edit_config, exit_code, get, signal};

fn audit(scene: &Scene, arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_nightlatch"))
        .arg("audit")
        .args(arguments)
        .current_dir(scene.folder.path())
        .stdin(Stdio::null())
        .output()
        .expect("the binary starts");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (status.code(), text(&stdout), text(&stderr))
}

async fn start(scene: &Scene) -> Process {
    scene.start().await
}

async fn stop(scene: &Scene, bot: Process) {
    signal(&bot, "-TERM");
    assert_eq!(exit_code(bot, Duration::from_secs(10)).await, Some(0), "{}", scene.log());
}

async fn ask(scene: &Scene) {
    let asked = scene.slack.command("alice", "#general", "/access prod-db 1h looking").await.expect("a command");
    assert!(asked.acked, "{asked:?}");
}

async fn meddle(scene: &Scene, statement: &'static str) {
    let path = scene.folder.path().join("nightlatch.db");
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.expect("the file");
    sqlx::raw_sql(statement).execute(&mut connection).await.expect("the statement");
    connection.close().await.expect("closing");
}

/// Asks `/readyz` until it says this; the log is verified beside the start.
async fn until_ready_says(scene: &Scene, status: u16, words: &str) -> String {
    let looking = async {
        loop {
            let (found, text) = get(scene, "/readyz").await;
            if found == status && text.contains(words) {
                return text;
            }
            tokio::task::yield_now().await;
        }
    };
    let seen = tokio::time::timeout(Duration::from_secs(20), looking).await;
    assert!(seen.is_ok(), "/readyz never says `{words}`: {:?}; log:\n{}", get(scene, "/readyz").await, scene.log());
    seen.unwrap_or_default()
}

fn copy(from: &Path, to: &Path) {
    std::fs::copy(from, to).expect("a copy");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_verified_and_exported_while_the_bot_runs_and_meddling_is_found() {
    let scene = Scene::set().await;
    edit_config(&scene, "listen: 127.0.0.1:0", "listen: unix:http.sock");
    assert_eq!(audit(&scene, &["verify"]).0, Some(3), "there is no database yet");
    let bot = start(&scene).await;
    ask(&scene).await;
    let asked = async {
        while !audit(&scene, &["export"]).1.contains("\"event\":\"asked\"") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), asked).await.expect("it was asked for");
    let (code, said, aside) = audit(&scene, &["verify"]);
    assert_eq!((code, said.contains("all of them fit")), (Some(0), true), "{said}{aside}");
    let (code, lines, _) = audit(&scene, &["export"]);
    let lines: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert_eq!(code, Some(0));
    assert_eq!(lines[0]["seq"], 1);
    // Right after a start it may still have to be looked up who asks.
    assert!(lines.iter().take(2).any(|line| line["event"]["event"] == "asked"), "{lines:?}");
    assert!(lines[0]["at"].as_str().is_some_and(|at| at.ends_with('Z')), "{}", lines[0]);
    scene.until_log("the audit log fits").await;
    let (_, metrics) = get(&scene, "/metrics").await;
    assert!(metrics.contains("nightlatch_audit_verified 1\n"), "{metrics}");
    stop(&scene, bot).await;

    let count = i64::try_from(lines.len()).expect("few");
    let (_, rest, _) = audit(&scene, &["export", "--after", "1"]);
    assert!(rest.lines().count() >= lines.len() - 1, "{count} {rest}");
    meddle(&scene, "update audit set state = 'active' where seq = 2").await;
    let (code, said, _) = audit(&scene, &["verify"]);
    assert_eq!((code, said.contains("audit entry 2 does not fit")), (Some(1), true), "{said}");
    let (code, said, _) = audit(&scene, &["verify", "--format", "json"]);
    let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((code, &said["fits"], &said["entry"]), (Some(1), &false.into(), &2.into()));
    let bot = start(&scene).await;
    until_ready_says(&scene, 503, "audit entry 2 does not fit").await;
    let (_, metrics) = get(&scene, "/metrics").await;
    assert!(metrics.contains("nightlatch_audit_verified 0\n"), "{metrics}");
    stop(&scene, bot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_from_yesterday_is_noticed_until_somebody_accepts_it() {
    let scene = Scene::set().await;
    edit_config(
        &scene,
        "listen: 127.0.0.1:0",
        "listen: unix:http.sock\nanchor: elsewhere/nightlatch.anchor\nanchor_channel: \"#access\"",
    );
    let folder = scene.folder.path();
    std::fs::create_dir(folder.join("elsewhere")).expect("a folder");
    let (database, yesterday) = (folder.join("nightlatch.db"), folder.join("yesterday.db"));
    let bot = start(&scene).await;
    ask(&scene).await;
    stop(&scene, bot).await;
    copy(&database, &yesterday);
    let bot = start(&scene).await;
    let head = posted_head(&scene).await;
    ask(&scene).await;
    stop(&scene, bot).await;
    let (code, said, aside) = audit(&scene, &["verify", "--head", &head]);
    assert_eq!(code, Some(0), "{said}{aside}");
    let (seq, hash) = head.split_once(':').expect("a head");
    let other = format!("{seq}:{}{}", if hash.starts_with('0') { "1" } else { "0" }, &hash[1..]);
    let (code, said, _) = audit(&scene, &["verify", "--head", &other]);
    assert_eq!((code, said.contains("is another one")), (Some(1), true), "{said}");
    let anchor = std::fs::read(folder.join("elsewhere/nightlatch.anchor")).expect("an anchor");

    copy(&yesterday, &database);
    let (code, said, _) = audit(&scene, &["verify"]);
    assert_eq!((code, said.contains("the database is older than its anchor")), (Some(1), true), "{said}");
    let bot = start(&scene).await;
    until_ready_says(&scene, 503, "nightlatch audit accept").await;
    assert!(scene.log().contains("the database is older than its anchor"), "{}", scene.log());
    let (_, metrics) = get(&scene, "/metrics").await;
    assert!(metrics.contains("nightlatch_audit_anchored 0\n"), "{metrics}");
    ask(&scene).await;
    stop(&scene, bot).await;
    let now = std::fs::read(folder.join("elsewhere/nightlatch.anchor")).expect("an anchor");
    assert_eq!(String::from_utf8_lossy(&now), String::from_utf8_lossy(&anchor), "nobody accepted it");

    let bot = start(&scene).await;
    until_ready_says(&scene, 503, "nightlatch audit accept").await;
    let (code, said, aside) = audit(&scene, &["accept"]);
    assert_eq!((code, said.contains("accepted")), (Some(0), true), "{said}{aside}");
    until_ready_says(&scene, 200, "ready").await;
    scene.until_log("its log is anchored anew").await;
    stop(&scene, bot).await;
    let (code, said, _) = audit(&scene, &["verify"]);
    assert_eq!(code, Some(0), "{said}");
    let (_, lines, _) = audit(&scene, &["export"]);
    assert_eq!((lines.matches("log_is_older").count(), lines.matches("log_accepted").count()), (1, 1), "{lines}");
    assert!(folder.join("elsewhere/nightlatch.anchor.old").is_file());
    assert_eq!(audit(&scene, &["accept"]).0, Some(0));
}

/// What the message in the channel says to compare with.
async fn posted_head(scene: &Scene) -> String {
    const BEFORE: &str = "nightlatch audit verify --head ";
    let mut changed = scene.slack.changed();
    let looking = async {
        loop {
            let screen = scene.slack.screen("bob", "#access");
            if let Some((_, rest)) = screen.split_once(BEFORE) {
                let is_of_it = |character: char| character.is_ascii_hexdigit() || character == ':';
                return rest.chars().take_while(|character| is_of_it(*character)).collect();
            }
            changed.changed().await.expect("a workspace");
        }
    };
    let seen = tokio::time::timeout(Duration::from_secs(20), looking).await;
    seen.unwrap_or_else(|_| panic!("nothing posted: {}\nlog:\n{}", scene.slack.screen("bob", "#access"), scene.log()))
}

/// Waits until the tailnet has this on `device`, until more than `left_ms` from now.
async fn until_on(scene: &Scene, device: &str, left_ms: i64) {
    let mut changed = scene.tailnet.changed();
    let on = async {
        loop {
            let end = scene.tailnet.expiry(device, ATTRIBUTE);
            if end.is_some_and(|end| end > Clock::system().now_ms() + left_ms) {
                return;
            }
            changed.changed().await.expect("a tailnet");
        }
    };
    let seen = tokio::time::timeout(Duration::from_secs(20), on).await;
    assert!(seen.is_ok(), "it is not on; log:\n{}", scene.log());
}

async fn granted(scene: &Scene, line: &str, left_ms: i64) {
    let asked = scene.slack.command("alice", "#general", line).await.expect("a command");
    assert!(asked.acked, "{asked:?}");
    let mut changed = scene.slack.changed();
    let pressed = async {
        while scene.slack.press("bob", "#access", "Approve").await.is_err() {
            changed.changed().await.expect("a workspace");
        }
    };
    tokio::time::timeout(Duration::from_secs(20), pressed).await.expect("a card");
    until_on(scene, "alice-laptop", left_ms).await;
}

const ATTRIBUTE: &str = "custom:jit_prod_db";

#[tokio::test(flavor = "multi_thread")]
async fn what_only_an_older_copy_says_was_approved_is_not_switched_on_until_somebody_accepts_it() {
    let scene = Scene::set().await;
    edit_config(&scene, "listen: 127.0.0.1:0", "listen: unix:http.sock");
    let folder = scene.folder.path();
    let (database, yesterday) = (folder.join("nightlatch.db"), folder.join("yesterday.db"));
    let bot = start(&scene).await;
    scene.tailnet.fault(Endpoint::SetAttribute, Fault::Status(503), None);
    let asked = scene.slack.command("alice", "#general", "/access prod-db 1h first").await.expect("a command");
    assert!(asked.acked, "{asked:?}");
    let mut changed = scene.slack.changed();
    while scene.slack.press("bob", "#access", "Approve").await.is_err() {
        changed.changed().await.expect("a workspace");
    }
    scene.until_log("could not be settled").await;
    stop(&scene, bot).await;
    copy(&database, &yesterday);
    let bot = start(&scene).await;
    ask(&scene).await;
    stop(&scene, bot).await;

    copy(&yesterday, &database);
    scene.tailnet.clear_faults(Endpoint::SetAttribute);
    let bot = start(&scene).await;
    until_ready_says(&scene, 503, "nightlatch audit accept").await;
    let mut file = SqliteConnection::connect(&format!("sqlite://{}", database.display())).await.expect("the file");
    let put_off = async {
        let waits = "select count(*) from outbox where error like '%nobody accepted it yet%'";
        while sqlx::query_scalar::<_, i64>(waits).fetch_one(&mut file).await.expect("the outbox") == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), put_off).await.expect("it is put off");
    assert_eq!(scene.tailnet.attribute("alice-laptop", ATTRIBUTE), None, "it may have been given back since");
    assert_eq!(audit(&scene, &["accept"]).0, Some(0));
    until_on(&scene, "alice-laptop", 3_000_000).await;
    stop(&scene, bot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_renewed_since_yesterday_is_not_cut_and_what_is_not_known_is_alarmed() {
    let scene = Scene::set().await;
    edit_config(&scene, "listen: 127.0.0.1:0", "listen: unix:http.sock");
    let folder = scene.folder.path();
    let (database, yesterday) = (folder.join("nightlatch.db"), folder.join("yesterday.db"));
    let bot = start(&scene).await;
    granted(&scene, "/access prod-db 20s first", 5_000).await;
    scene.until_log("\"active\"").await;
    stop(&scene, bot).await;
    copy(&database, &yesterday);
    let bot = start(&scene).await;
    granted(&scene, "/access prod-db 1h renewed", 3_000_000).await;
    stop(&scene, bot).await;
    scene.tailnet.set_by_hand("bob-laptop", ATTRIBUTE, true.into(), None).expect("a device");

    // As if the copy was made while nobody knew yet whether the first grant is on.
    copy(&yesterday, &database);
    meddle(&scene, "update held_key set confirmed = 0").await;
    let bot = start(&scene).await;
    let alarm = |words: &str| scene.slack.screen("bob", "#access").contains(words);
    let mut changed = scene.slack.changed();
    let told = async {
        while !alarm("does not know it like this") {
            changed.changed().await.expect("a workspace");
        }
    };
    let seen = tokio::time::timeout(Duration::from_secs(20), told).await;
    assert!(seen.is_ok(), "{}\nlog:\n{}", scene.slack.screen("bob", "#access"), scene.log());
    for words in ["alice-laptop", "with another end", "bob-laptop", "without an end"] {
        assert!(alarm(words), "no `{words}`:\n{}", scene.slack.screen("bob", "#access"));
    }
    until_ready_says(&scene, 503, "2 on that it does not know").await;

    // The end that the copy knows comes, and takes nothing away that was renewed since.
    scene.until_log_for("\"ended\"", Duration::from_secs(40)).await;
    let left = scene.tailnet.expiry("alice-laptop", ATTRIBUTE);
    assert!(left.is_some_and(|end| end > Clock::system().now_ms() + 3_000_000), "it was cut: {left:?}");
    assert_eq!(scene.tailnet.attribute("bob-laptop", ATTRIBUTE), Some(true.into()));
    stop(&scene, bot).await;

    // It is told once, however often the bot starts.
    let bot = start(&scene).await;
    until_ready_says(&scene, 503, "2 on that it does not know").await;
    let alarms = scene.slack.screen("bob", "#access").matches("*Attention:*").count();
    assert!(alarms <= 1, "{}", scene.slack.screen("bob", "#access"));
    stop(&scene, bot).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_follows_the_log_gets_what_is_added() {
    let scene = Scene::set().await;
    let bot = start(&scene).await;
    ask(&scene).await;
    let mut following = tokio::process::Command::new(env!("CARGO_BIN_EXE_nightlatch"))
        .args(["audit", "export", "--follow"])
        .current_dir(scene.folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the binary starts");
    let mut lines = tokio::io::BufReader::new(following.stdout.take().expect("its output")).lines();
    let mut asked = Vec::new();
    let reading = async {
        while asked.len() < 2 {
            let line = lines.next_line().await.expect("a line").expect("it goes on");
            let entry: serde_json::Value = serde_json::from_str(&line).expect("JSON");
            if entry["event"]["event"] == "asked" {
                asked.push(entry["seq"].as_i64());
                if asked.len() == 1 {
                    ask(&scene).await;
                }
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reading).await.expect("both requests are told");
    assert!(asked[0] < asked[1], "{asked:?}");
    following.kill().await.expect("it is stopped");
    stop(&scene, bot).await;
}

const SHELL: &str = r##"nightlatch: 1
title: Shell
inputs:
  hold: { type: duration, default: 1h, max: 8h }
  reason: { type: text, max_length: 500 }
  device: { type: device }
ask: [group:engineering]
approve:
  - by: [group:dba]
steps:
  - uses: tailscale.policy
    with: { grants: [{ src: ["{{ requester.login }}"], dst: ["tag:prod-db"], ip: ["tcp:22"] }] }
announce: "#access"
"##;

#[tokio::test(flavor = "multi_thread")]
async fn entries_of_the_policy_file_and_guards_that_no_request_knows_are_alarmed() {
    let scene = Scene::set().await;
    edit_config(&scene, "listen: 127.0.0.1:0", "listen: unix:http.sock");
    let folder = scene.folder.path();
    std::fs::write(folder.join("workflows/shell.yaml"), SHELL).expect("a workflow");
    let (database, yesterday) = (folder.join("nightlatch.db"), folder.join("yesterday.db"));
    let bot = start(&scene).await;
    ask(&scene).await;
    stop(&scene, bot).await;
    copy(&database, &yesterday);
    let bot = start(&scene).await;
    let before = scene.tailnet.policy();
    let asked = scene.slack.command("alice", "#general", "/access shell 1h since").await.expect("a command");
    assert!(asked.acked, "{asked:?}");
    let (mut slack, mut tailnet) = (scene.slack.changed(), scene.tailnet.changed());
    let written = async {
        while !scene.slack.screen("bob", "#access").contains("*Active until") {
            // The newest card is that of the shell.
            drop(scene.slack.press("bob", "#access", "Approve").await);
            tokio::select! { _ = slack.changed() => {}, _ = tailnet.changed() => {} }
        }
    };
    let seen = tokio::time::timeout(Duration::from_secs(30), written).await;
    assert!(seen.is_ok(), "{}\nlog:\n{}", scene.slack.screen("bob", "#access"), scene.log());
    scene.until_log("\"active\"").await;
    stop(&scene, bot).await;
    let lent = scene.tailnet.policy();
    assert!(lent != before);

    copy(&yesterday, &database);
    let bot = start(&scene).await;
    let mut changed = scene.slack.changed();
    let alarm = |words: &str| scene.slack.screen("bob", "#access").contains(words);
    let told = async {
        while !alarm("does not know it like this") {
            changed.changed().await.expect("a workspace");
        }
    };
    let seen = tokio::time::timeout(Duration::from_secs(20), told).await;
    assert!(seen.is_ok(), "{}\nlog:\n{}", scene.slack.screen("bob", "#access"), scene.log());
    for words in ["custom:nl_", "policy file", "grants {", "which is not known"] {
        assert!(alarm(words), "no `{words}`:\n{}", scene.slack.screen("bob", "#access"));
    }
    assert_eq!(scene.tailnet.policy(), lent, "nothing is taken away by guess");
    stop(&scene, bot).await;
}
