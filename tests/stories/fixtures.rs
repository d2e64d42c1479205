//! Every payload of Slack's that we know of, through both doors, as it is and aimed at a real request: each is acknowledged,
//! and only those count that should.

use nightlatch::kernel::State;
use nightlatch::playground::slack::{Envelope, Kind, Person};
use serde_json::{Value, json};

use crate::harness::*;

/// The payloads Slack sends to an app, by file name.
fn payloads() -> Vec<(String, Envelope, Value)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/slack");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the fixtures") {
        let path = entry.expect("a file").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix(".json") else { continue };
        let text = std::fs::read_to_string(&path).expect("a file");
        let mut payload: Value = serde_json::from_str(&text).expect("JSON");
        // The envelope of a socket frame, if it has one.
        if stem.starts_with("socket_") && payload.get("payload").is_some() {
            payload = payload["payload"].clone();
        }
        let kinds =
            ["block_actions", "block_suggestion", "view_submission", "view_closed", "shortcut", "message_action"];
        let envelope = match payload["type"].as_str() {
            Some(kind) if kinds.contains(&kind) => Envelope::Interactive,
            Some("event_callback" | "app_rate_limited") => Envelope::EventsApi,
            None if payload.get("command").is_some() => Envelope::SlashCommands,
            _ => continue,
        };
        // Answers go to our world and not to the real one.
        let text = payload.to_string().replace("https://hooks.slack.com", "https://hooks.slack.example");
        let mut payload: Value = serde_json::from_str(&text).expect("JSON");
        // What Slack sends to another app is not ours to acknowledge: here everything is for this one.
        if let Some(app) = payload.get_mut("api_app_id") {
            *app = "A0NIGHTLATCH".into();
        }
        found.push((stem.to_owned(), envelope, payload));
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    assert!(found.len() > 30, "{}", found.len());
    found
}

/// Everybody the payloads speak of.
fn setting(mode: Mode) -> Setting {
    let ann = Person::new("U0ANN0001", "ann", "Europe/Berlin");
    let grid = Person::new("W0GRID001", "grid", "Europe/Berlin");
    let stranger =
        Person::new("U0EVE0EXT", "stranger", "Europe/Paris").kind(Kind::Outsider { team: "T0PARTNER".to_owned() });
    let setting = Setting { mode, ..Setting::default() };
    setting.seed(|seed| seed.person(ann).person(grid).person(stranger)).knows("U0ANN0001", "dave@example.com")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_payload_is_acknowledged_and_changes_nothing_it_should_not() {
    for mode in [Mode::Socket, Mode::Http] {
        story_with(setting(mode), async |stage| {
            stage.alice.command("/access prod-db 2h invoice 1204").await;
            stage.bob.press("Approve").await;
            let before = stage.requests().await;
            let written = stage.tailnet.calls().iter().filter(|call| call.method != "GET").count();
            for (name, envelope, payload) in payloads() {
                let delivered = stage.slack.deliver_raw(envelope, payload).await;
                assert!(delivered.acked, "{name} was not acknowledged: {delivered:?}");
                stage.bot.settle().await;
                let after = stage.requests().await;
                assert_eq!(after, before, "{name}");
            }
            assert_eq!(stage.tailnet.calls().iter().filter(|call| call.method != "GET").count(), written);
            stage.alice.press("Return").await;
            stage.everybody_reads();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_all_clicks_aimed_at_a_real_request_only_an_approver_s_counts() {
    for mode in [Mode::Socket, Mode::Http] {
        story_with(setting(mode), async |stage| {
            let clicks = payloads().into_iter().filter(|(_, _, payload)| payload["type"] == "block_actions");
            let mut counted = Vec::new();
            for (name, envelope, mut payload) in clicks {
                stage.alice.command("/access prod-db 2h invoice 1204").await;
                let request = stage.request().await;
                payload["actions"][0] = json!({
                    "type": "button", "action_id": "approve", "block_id": "b", "action_ts": "1767225600.000300",
                    "value": format!("{} {}", request.ask.id, request.seal), "text": { "type": "plain_text", "text": "Approve" },
                });
                payload["trigger_id"] = format!("1.2.{name}").into();
                assert!(stage.slack.deliver_raw(envelope, payload).await.acked, "{name}");
                stage.bot.settle().await;
                let request = stage.bot.store().await.load(&request.ask.id).await.expect("the request");
                match request.state {
                    State::Pending => stage.alice.command("/access withdraw prod-db").await,
                    _ => {
                        counted.push(name);
                        stage.alice.command("/access return prod-db").await
                    }
                };
            }
            counted.sort();
            insta::allow_duplicates!(insta::assert_snapshot!(counted.join("\n"), @"
            block_actions_in_thread
            block_actions_message_button
            block_actions_overflow
            socket_interactive_block_actions
            "));
            stage.everybody_reads();
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_nobody_has_heard_of_is_acknowledged() {
    for mode in [Mode::Socket, Mode::Http] {
        story_with(setting(mode), async |stage| {
            let odd = [
                (Envelope::Interactive, json!({ "type": "workflow_step_edit", "user": { "id": "U0ALICE01" } })),
                (
                    Envelope::Interactive,
                    json!({ "type": "block_actions", "user": { "id": "U0ALICE01" }, "actions": [] }),
                ),
                (Envelope::Interactive, json!({ "type": "view_submission", "user": { "id": "U0ALICE01" } })),
                (Envelope::Interactive, json!({})),
                (Envelope::EventsApi, json!({ "type": "event_callback", "event": { "type": "emoji_changed" } })),
                (Envelope::EventsApi, json!({ "type": "something_new" })),
                (Envelope::SlashCommands, json!({ "command": "/unheard-of", "user_id": "U0ALICE01", "text": "" })),
            ];
            for (envelope, payload) in odd {
                let delivered = stage.slack.deliver_raw(envelope, payload.clone()).await;
                assert!(delivered.acked, "{payload}: {delivered:?}");
            }
            assert!(stage.requests().await.is_empty());
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bot_said_itself_comes_back_as_an_event_and_is_ignored() {
    story(async |stage| {
        stage.slack.say("alice", DM, "hello?", None).await.expect("a message");
        stage.slack.say("alice", "#access", "<@U0NIGHTLATCH> what can you do?", None).await.expect("a message");
        stage.bot.settle().await;
        assert!(stage.requests().await.is_empty());
        stage.everybody_reads();
    })
    .await;
}
