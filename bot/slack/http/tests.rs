//! The door with signed, unsigned, stale, oversized and hostile requests, over a real socket.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use reqwest::StatusCode;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{BODY_MAX, SigningSecrets, router, sign};
use crate::clock::Clock;
use crate::outside::slack::{Slack, SlackSettings};
use crate::slack::answer::Answer;
use crate::slack::edge::{Edge, Handler};
use crate::slack::envelope::{Delivery, What};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt};

const NOW_SECONDS: i64 = 1_767_225_600;
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

struct Door {
    address: String,
    client: reqwest::Client,
    secret: SecretString,
    seen: Arc<Mutex<Vec<Delivery>>>,
}

impl Door {
    async fn open(answer: Answer) -> Self {
        Self::with(Arc::new(move |_| futures_util::future::ready(answer.clone()).boxed()), None).await
    }

    async fn with(handler: Handler, ack_limit: Option<Duration>) -> Self {
        let seen: Arc<Mutex<Vec<Delivery>>> = Arc::default();
        let noted = seen.clone();
        let handler: Handler = Arc::new(move |delivery| {
            noted.lock().expect("a lock").push(delivery.clone());
            handler(delivery)
        });
        let clock = Clock::manual(NOW_SECONDS * 1_000);
        let nowhere = SlackSettings::new("http://127.0.0.1:9/api", SecretString::from("xoxb-test"), None);
        let edge = Edge::new(handler, Slack::new(nowhere, clock.clone()).expect("a client"));
        let edge = ack_limit.map_or(edge.clone(), |limit| edge.with_ack_limit(limit));
        let secret = SecretString::from("e3b0c44298fc1c149afbf4c8996fb924");
        let secrets = SigningSecrets::new(vec![secret.clone()]).expect("a secret");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, router(edge, secrets, clock)).await });
        Self { address, client: reqwest::Client::new(), secret, seen }
    }

    fn post(&self, path: &str, content_type: &str, body: impl Into<Vec<u8>>) -> reqwest::RequestBuilder {
        let post = self.client.post(format!("{}{path}", self.address));
        post.header("content-type", content_type).body(body.into())
    }

    async fn signed(&self, path: &str, content_type: &str, body: &str) -> (StatusCode, String) {
        let timestamp = NOW_SECONDS.to_string();
        let signature = sign(&self.secret, &timestamp, body.as_bytes());
        let request = self.post(path, content_type, body);
        let request = request.header("X-Slack-Request-Timestamp", timestamp).header("X-Slack-Signature", signature);
        answer(request).await
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("a lock").iter().map(|delivery| delivery.what.name().to_owned()).collect()
    }
}

async fn answer(request: reqwest::RequestBuilder) -> (StatusCode, String) {
    let response = request.send().await.expect("an answer");
    (response.status(), response.text().await.expect("text"))
}

fn fixture(name: &str) -> String {
    let path = format!("{}/tests/fixtures/slack/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("the fixture").trim_end().to_owned()
}

#[tokio::test]
async fn every_fixture_gets_in_at_its_address() {
    let door = Door::open(Answer::Nothing).await;
    let mut count = 0;
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/slack")).expect("fixtures") {
        let name = entry.expect("a file").file_name().to_string_lossy().into_owned();
        let is_event = name.starts_with("event_") && name != "event_retry_headers.json";
        let (path, content_type, body) = match name.as_str() {
            "slash_command_ssl_check.form.txt" | "event_url_verification.json" | "event_app_rate_limited.json" => {
                continue;
            }
            name if name.starts_with("slash_command") && name.ends_with(".txt") => {
                ("/slack/commands", FORM, fixture(name))
            }
            name if name.ends_with(".form.txt") => ("/slack/interactions", FORM, fixture(name)),
            name if is_event => ("/slack/events", JSON, fixture(name)),
            name if ["block_", "view_"].iter().any(|start| name.starts_with(start)) => {
                let mut form = url::form_urlencoded::Serializer::new(String::new());
                ("/slack/interactions", FORM, form.append_pair("payload", &fixture(name)).finish())
            }
            _ => continue,
        };
        count += 1;
        let (status, _) = door.signed(path, content_type, &body).await;
        assert_eq!((status, door.seen().len()), (StatusCode::OK, count), "{name}");
    }
    assert!(count > 35, "{count}");
    assert!(!door.seen().contains(&"unknown".to_owned()));
}

#[tokio::test]
async fn what_slack_did_not_sign_learns_nothing_and_reaches_nobody() {
    let door = Door::open(Answer::ephemeral("hi")).await;
    let body = fixture("slash_command.form.txt");
    let now = NOW_SECONDS.to_string();
    let good = sign(&door.secret, &now, body.as_bytes());
    let wrong = sign(&SecretString::from("guess"), &now, body.as_bytes());
    let stale = (NOW_SECONDS - 301).to_string();
    let stale_signature = sign(&door.secret, &stale, body.as_bytes());
    let cases: [(&str, &str, &str); 6] = [
        (&now, &wrong, &body),
        (&now, "", &body),
        ("", &good, &body),
        (&stale, &stale_signature, &body),
        (&now, &good, "command=%2Faccess&user_id=U0EVE&text=prod-db"),
        (&now, "v0=zz", &body),
    ];
    for (timestamp, signature, body) in cases {
        let request = door.post("/slack/commands", FORM, body.to_owned());
        let request = request.header("x-slack-request-timestamp", timestamp).header("x-slack-signature", signature);
        assert_eq!(answer(request).await, (StatusCode::UNAUTHORIZED, String::new()));
    }
    let unsigned = answer(door.post("/slack/commands", FORM, body)).await;
    assert_eq!(unsigned, (StatusCode::UNAUTHORIZED, String::new()));
    assert_eq!(door.seen(), Vec::<String>::new());
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_it_is_read() {
    let door = Door::open(Answer::Nothing).await;
    let large = "a".repeat(BODY_MAX + 1);
    let (status, _) = door.signed("/slack/events", JSON, &large).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let unsigned = answer(door.post("/slack/events", JSON, "a".repeat(64 * 1024))).await;
    assert_eq!(unsigned.0, StatusCode::UNAUTHORIZED);
    assert_eq!(unannounced(&door).await, "HTTP/1.1 413 Payload Too Large");
    assert_eq!(door.seen(), Vec::<String>::new());
}

/// Sends a body in pieces, without saying how long it will be; returns the status line.
async fn unannounced(door: &Door) -> String {
    let address = door.address.trim_start_matches("http://");
    let mut wire = tokio::net::TcpStream::connect(address).await.expect("a connection");
    let head = format!(
        "POST /slack/events HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\
         x-slack-request-timestamp: {NOW_SECONDS}\r\nx-slack-signature: v0=00\r\n\r\n"
    );
    wire.write_all(head.as_bytes()).await.expect("the head is taken");
    let chunk = format!("4000\r\n{}\r\n", "a".repeat(0x4000));
    for _ in 0..=(BODY_MAX / 0x4000) {
        wire.write_all(chunk.as_bytes()).await.expect("up to the limit it is read");
    }
    let mut status = String::new();
    tokio::io::BufReader::new(wire).read_line(&mut status).await.expect("an answer");
    status.trim_end().to_owned()
}

#[tokio::test]
async fn slacks_own_checks_are_answered_without_the_bot() {
    let door = Door::open(Answer::Nothing).await;
    let check = fixture("slash_command_ssl_check.form.txt");
    assert_eq!(door.signed("/slack/commands", FORM, &check).await, (StatusCode::OK, String::new()));
    assert_eq!(answer(door.post("/slack/commands", FORM, check)).await, (StatusCode::OK, String::new()));
    let challenge = "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P".to_owned();
    let body = fixture("event_url_verification.json");
    assert_eq!(door.signed("/slack/events", JSON, &body).await, (StatusCode::OK, challenge));
    let (status, _) = door.signed("/slack/events", JSON, &fixture("event_app_rate_limited.json")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(door.seen(), Vec::<String>::new());
}

#[tokio::test]
async fn answers_have_the_shape_slack_documents() {
    let view = |name: &str| -> Value { serde_json::from_str::<Value>(&fixture(name)).expect("JSON")["view"].clone() };
    let errors = vec![
        ("reason".to_owned(), "Give a reason of at least 10 characters".to_owned()),
        ("dur".to_owned(), "Longest allowed is 4 hours".to_owned()),
    ];
    let field = |name: &str, field: &str| -> Vec<Value> {
        let body: Value = serde_json::from_str(&fixture(name)).expect("JSON");
        body[field].as_array().expect("a list").clone()
    };
    for (asked, answer, expected) in [
        ("view_submission.form.txt", Answer::Errors(errors), "ack_view_errors.json"),
        ("view_submission.form.txt", Answer::UpdateView(view("ack_view_update.json")), "ack_view_update.json"),
        ("view_submission.form.txt", Answer::PushView(view("ack_view_push.json")), "ack_view_push.json"),
        ("view_submission.form.txt", Answer::Clear, "ack_view_clear.json"),
        (
            "block_suggestion.form.txt",
            Answer::Options(field("ack_block_suggestion_options.json", "options")),
            "ack_block_suggestion_options.json",
        ),
        (
            "block_suggestion.form.txt",
            Answer::OptionGroups(field("ack_block_suggestion_option_groups.json", "option_groups")),
            "ack_block_suggestion_option_groups.json",
        ),
        (
            "slash_command.form.txt",
            Answer::ephemeral("Request 01JGT0REQ sent to the approvers."),
            "ack_slash_ephemeral.json",
        ),
    ] {
        let door = Door::open(answer).await;
        let (status, body) = door.signed("/slack/interactions", FORM, &fixture(asked)).await;
        let body: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!((status, body), (StatusCode::OK, serde_json::from_str(&fixture(expected)).expect("JSON")));
    }
}

#[tokio::test]
async fn an_answer_slack_would_not_take_is_not_sent() {
    for (asked, answer, expected) in [
        ("block_actions_message_button.form.txt", Answer::Clear, ""),
        ("slash_command.form.txt", Answer::Errors(vec![("a".to_owned(), "b".to_owned())]), ""),
        ("block_suggestion.form.txt", Answer::Nothing, r#"{"options":[]}"#),
        ("view_closed.form.txt", Answer::Nothing, ""),
    ] {
        let door = Door::open(answer).await;
        let got = door.signed("/slack/interactions", FORM, &fixture(asked)).await;
        assert_eq!(got, (StatusCode::OK, expected.to_owned()), "{asked}");
    }
}

#[tokio::test]
async fn a_panic_is_a_sentence_for_the_person() {
    let door = Door::with(Arc::new(|_| async { panic!("on purpose") }.boxed()), None).await;
    let (status, body) = door.signed("/slack/commands", FORM, &fixture("slash_command.form.txt")).await;
    let sorry: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!((status, &sorry["response_type"]), (StatusCode::OK, &json!("ephemeral")));
    let (_, form) = door.signed("/slack/interactions", FORM, &fixture("view_submission.form.txt")).await;
    let form: Value = serde_json::from_str(&form).expect("JSON");
    assert_eq!(form["response_action"], "errors", "the modal stays open, nothing typed is lost");
    let click = door.signed("/slack/interactions", FORM, &fixture("block_actions_message_button.form.txt")).await;
    assert_eq!(click.0, StatusCode::SERVICE_UNAVAILABLE, "nobody knows whether it was saved");
    assert_eq!(door.seen(), ["command", "view_submission", "block_actions"]);
}

#[tokio::test]
async fn a_slow_handler_is_not_taken_for_a_save() {
    let handler: Handler = Arc::new(|_| futures_util::future::pending().boxed());
    let door = Door::with(handler, Some(Duration::from_millis(1))).await;
    let (_, body) = door.signed("/slack/commands", FORM, &fixture("slash_command.form.txt")).await;
    let body: Value = serde_json::from_str(&body).expect("JSON");
    insta::assert_snapshot!(body["text"].as_str().expect("a text"), @"This takes longer than usual. Nothing is promised yet; I will write here when it is done.");
    let (_, form) = door.signed("/slack/interactions", FORM, &fixture("view_submission.form.txt")).await;
    assert!(form.contains("response_action"), "the modal is not closed as if it were sent: {form}");
    let (_, options) = door.signed("/slack/interactions", FORM, &fixture("block_suggestion.form.txt")).await;
    assert_eq!(options, r#"{"options":[]}"#);
    let not_taken = (StatusCode::SERVICE_UNAVAILABLE, String::new());
    for click in ["block_actions_message_button.form.txt", "shortcut_global.form.txt", "message_action.form.txt"] {
        assert_eq!(door.signed("/slack/interactions", FORM, &fixture(click)).await, not_taken, "{click}");
    }
    let event = door.signed("/slack/events", JSON, &fixture("event_app_mention.json")).await;
    assert_eq!(event, not_taken, "Slack sends it again");
}

#[tokio::test]
async fn repeated_events_say_so() {
    let door = Door::open(Answer::Nothing).await;
    let body = fixture("event_app_mention.json");
    let timestamp = NOW_SECONDS.to_string();
    let signature = sign(&door.secret, &timestamp, body.as_bytes());
    let request = door.post("/slack/events", "application/json; charset=utf-8", body);
    let request = request.header("x-slack-request-timestamp", timestamp).header("x-slack-signature", signature);
    let request = request.header("x-slack-retry-num", "2").header("x-slack-retry-reason", "http_timeout");
    assert_eq!(answer(request).await, (StatusCode::OK, String::new()));
    let seen = door.seen.lock().expect("a lock").clone();
    assert!(matches!(seen.as_slice(), [Delivery { retry: Some(2), what: What::Event(_), .. }]), "{seen:?}");
}

#[tokio::test]
async fn signed_nonsense_is_a_bad_request() {
    let door = Door::open(Answer::Nothing).await;
    for (content_type, body) in [(JSON, "{"), (FORM, "payload=%7B")] {
        assert_eq!(door.signed("/slack/events", content_type, body).await.0, StatusCode::BAD_REQUEST);
    }
    let (status, body) = door.signed("/slack/commands", FORM, "a=%FF%FE&&&=").await;
    assert_eq!((status, body), (StatusCode::OK, String::new()), "a command without a command is unknown, not an error");
}
