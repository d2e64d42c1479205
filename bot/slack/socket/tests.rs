//! Against a small Slack on loopback that hangs up, falls silent and repeats itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::routing::{get, post};
use futures_util::FutureExt;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::{SocketSettings, Sockets};
use crate::clock::{Clock, Ids};
use crate::outside::slack::{Slack, SlackSettings};
use crate::slack::answer::Answer;
use crate::slack::edge::{Edge, Handler};
use crate::slack::envelope::What;

/// Nothing here takes this long; a test that does is stuck.
const PATIENCE: Duration = Duration::from_secs(20);

/// A Slack that hands every new socket to the test.
struct Fake {
    address: String,
    sockets: mpsc::UnboundedReceiver<WebSocket>,
    refusal: Arc<Mutex<Option<Value>>>,
    asked: mpsc::UnboundedReceiver<String>,
}

#[derive(Clone)]
struct Desk {
    address: String,
    sockets: mpsc::UnboundedSender<WebSocket>,
    refusal: Arc<Mutex<Option<Value>>>,
    asked: mpsc::UnboundedSender<String>,
}

impl Fake {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (sockets_in, sockets) = mpsc::unbounded_channel();
        let (asked_in, asked) = mpsc::unbounded_channel();
        let refusal: Arc<Mutex<Option<Value>>> = Arc::default();
        let desk = Desk { address: address.clone(), sockets: sockets_in, refusal: refusal.clone(), asked: asked_in };
        let app = Router::new()
            .route("/api/apps.connections.open", post(open))
            .route("/link", get(link))
            .route(
                "/respond",
                post(|State(desk): State<Desk>, body: String| async move { drop(desk.asked.send(body)) }),
            )
            .with_state(desk);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, sockets, refusal, asked }
    }

    fn slack(&self) -> Slack {
        let token = |text: &str| SecretString::from(text);
        let url = format!("http://{}/api", self.address);
        let settings = SlackSettings::new(url, token("xoxb-test"), Some(token("xapp-test")));
        Slack::new(settings, Clock::manual(0)).expect("a client")
    }

    async fn next_socket(&mut self) -> Line {
        Line(soon(self.sockets.recv()).await.expect("a socket"))
    }
}

async fn open(State(desk): State<Desk>, headers: axum::http::HeaderMap) -> axum::Json<Value> {
    assert_eq!(headers.get("authorization").and_then(|value| value.to_str().ok()), Some("Bearer xapp-test"));
    let refusal = desk.refusal.lock().expect("a lock").clone();
    drop(desk.asked.send("open".to_owned()));
    axum::Json(
        refusal.unwrap_or_else(|| json!({ "ok": true, "url": format!("ws://{}/link?ticket=s3cret", desk.address) })),
    )
}

async fn link(State(desk): State<Desk>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(move |socket| async move { drop(desk.sockets.send(socket)) })
}

/// One socket, seen from Slack.
struct Line(WebSocket);

impl Line {
    async fn say(&mut self, frame: &str) {
        self.0.send(Message::Text(frame.into())).await.expect("the bot listens");
    }

    async fn hello(&mut self) {
        self.say(include_str!("../../../tests/fixtures/slack/socket_hello.json")).await;
    }

    async fn command(&mut self, envelope_id: &str, text: &str) {
        let payload = json!({ "command": "/access", "text": text, "user_id": "U0ANN0001", "trigger_id": envelope_id });
        let envelope = json!({ "envelope_id": envelope_id, "type": "slash_commands", "accepts_response_payload": true, "payload": payload });
        self.say(&envelope.to_string()).await;
    }

    /// The next text the bot writes; `None` when it has closed.
    async fn hear(&mut self) -> Option<Value> {
        loop {
            match soon(self.0.recv()).await {
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).expect("JSON")),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it happens soon")
}

/// Answers with the text it got; `wait` waits for the gate, `panic` panics.
fn handler(gate: Arc<Notify>) -> Handler {
    Arc::new(move |delivery| {
        let gate = gate.clone();
        async move {
            let What::Command(command) = &delivery.what else { return Answer::Nothing };
            match command.text.plain.as_str() {
                "wait" => gate.notified().await,
                "panic" => panic!("on purpose"),
                _ => {}
            }
            Answer::ephemeral(command.text.plain.clone())
        }
        .boxed()
    })
}

fn quick(connections: usize) -> SocketSettings {
    SocketSettings {
        connections,
        stagger: Duration::ZERO,
        backoff_first: Duration::from_millis(1),
        drain_quiet: Duration::from_millis(1),
        good_life: Duration::ZERO,
        ..SocketSettings::default()
    }
}

struct Running {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
    health: tokio::sync::watch::Receiver<super::SocketHealth>,
    gate: Arc<Notify>,
}

fn start(fake: &Fake, settings: SocketSettings) -> Running {
    let gate = Arc::new(Notify::new());
    let slack = fake.slack();
    let sockets = Sockets::new(slack.clone(), Edge::new(handler(gate.clone()), slack), Ids::counted(), settings);
    let (health, stop) = (sockets.health(), CancellationToken::new());
    let task = tokio::spawn(sockets.run(stop.clone()));
    Running { stop, task, health, gate }
}

impl Running {
    async fn connected(&mut self, count: usize) {
        soon(self.health.wait_for(|health| health.connected == count)).await.expect("the sockets run");
    }

    async fn finish(self) {
        self.stop.cancel();
        soon(self.task).await.expect("the sockets stop in order");
        assert_eq!(self.health.borrow().connected, 0);
    }
}

fn ack(envelope_id: &str, text: &str) -> Value {
    json!({ "envelope_id": envelope_id, "payload": { "response_type": "ephemeral", "text": text } })
}

#[tokio::test]
async fn a_slow_command_does_not_hold_up_the_next_one() {
    let mut fake = Fake::start().await;
    let running = start(&fake, quick(1));
    let mut line = fake.next_socket().await;
    line.hello().await;
    line.command("e1", "wait").await;
    line.command("e2", "quick").await;
    assert_eq!(line.hear().await, Some(ack("e2", "quick")));
    running.gate.notify_one();
    assert_eq!(line.hear().await, Some(ack("e1", "wait")), "acknowledged once its handler returned");
    running.finish().await;
}

#[tokio::test]
async fn a_panic_is_answered_and_the_socket_goes_on() {
    let mut fake = Fake::start().await;
    let running = start(&fake, quick(1));
    let mut line = fake.next_socket().await;
    line.command("e1", "panic").await;
    let sorry = line.hear().await.expect("an ack");
    insta::assert_snapshot!(sorry["payload"]["text"].as_str().expect("a text"), @"Something went wrong on my side, and it is in my log. `/access list` shows what was saved.");
    line.command("e2", "next").await;
    assert_eq!(line.hear().await, Some(ack("e2", "next")));
    running.finish().await;
}

#[tokio::test]
async fn a_renewed_socket_is_closed_only_when_its_successor_is_up_and_its_acks_are_written() {
    let mut fake = Fake::start().await;
    let mut running = start(&fake, quick(1));
    let mut old = fake.next_socket().await;
    old.hello().await;
    old.command("e1", "wait").await;
    old.say(include_str!("../../../tests/fixtures/slack/socket_disconnect_warning.json")).await;
    let mut new = fake.next_socket().await;
    old.command("e2", "still here").await;
    assert_eq!(old.hear().await, Some(ack("e2", "still here")), "the old one serves until the new one is up");
    new.hello().await;
    new.command("e3", "new").await;
    assert_eq!(new.hear().await, Some(ack("e3", "new")));
    running.gate.notify_one();
    assert_eq!(old.hear().await, Some(ack("e1", "wait")));
    assert_eq!(old.hear().await, None, "and then it is closed");
    running.connected(1).await;
    running.finish().await;
}

#[tokio::test]
async fn a_silent_socket_is_replaced() {
    let mut fake = Fake::start().await;
    let silent = Duration::from_millis(60);
    let settings = SocketSettings { ping_every: Duration::from_millis(20), silent_after: silent, ..quick(1) };
    let running = start(&fake, settings);
    // Held without reading: no pong comes back.
    let mut deaf = fake.next_socket().await;
    deaf.hello().await;
    let _second = fake.next_socket().await;
    running.finish().await;
}

#[test]
fn a_half_open_socket_is_noticed_within_a_quarter_of_a_minute() {
    let settings = SocketSettings::default();
    // Silence is looked for at each ping.
    assert!(settings.silent_after + settings.ping_every < Duration::from_secs(15));
    assert!(settings.silent_after > settings.ping_every * 2, "one pong may get lost");
}

#[tokio::test]
async fn a_socket_that_breaks_is_replaced_and_every_envelope_is_acknowledged_on_its_own_socket() {
    let mut fake = Fake::start().await;
    let mut running = start(&fake, quick(2));
    let (mut one, mut two) = (fake.next_socket().await, fake.next_socket().await);
    one.hello().await;
    two.hello().await;
    running.connected(2).await;
    two.command("e2", "two").await;
    one.command("e1", "one").await;
    assert_eq!(one.hear().await, Some(ack("e1", "one")));
    assert_eq!(two.hear().await, Some(ack("e2", "two")));
    drop(one);
    let mut three = fake.next_socket().await;
    three.hello().await;
    three.command("e3", "three").await;
    assert_eq!(three.hear().await, Some(ack("e3", "three")));
    running.connected(2).await;
    running.finish().await;
}

#[tokio::test]
async fn what_nobody_knows_is_acknowledged_barely() {
    let mut fake = Fake::start().await;
    let running = start(&fake, quick(1));
    let mut line = fake.next_socket().await;
    line.say("not json").await;
    line.say(r#"{"type":"something_new"}"#).await;
    line.say(r#"{"type":"something_new","envelope_id":"e1","accepts_response_payload":true}"#).await;
    assert_eq!(line.hear().await, Some(json!({ "envelope_id": "e1" })));
    running.finish().await;
}

#[tokio::test]
async fn an_answer_the_ack_cannot_carry_goes_through_the_response_url() {
    let mut fake = Fake::start().await;
    let running = start(&fake, quick(1));
    let mut line = fake.next_socket().await;
    let response_url = format!("http://{}/respond", fake.address);
    let payload = json!({ "command": "/access", "text": "hi", "user_id": "U1", "response_url": response_url });
    let envelope =
        json!({ "envelope_id": "e1", "type": "slash_commands", "accepts_response_payload": false, "payload": payload });
    line.say(&envelope.to_string()).await;
    assert_eq!(line.hear().await, Some(json!({ "envelope_id": "e1" })));
    assert_eq!(soon(fake.asked.recv()).await.as_deref(), Some("open"));
    let said: Value = serde_json::from_str(&soon(fake.asked.recv()).await.expect("an answer")).expect("JSON");
    assert_eq!(said, json!({ "response_type": "ephemeral", "text": "hi", "replace_original": false }));
    running.finish().await;
}

#[tokio::test]
async fn a_bad_token_is_reported_as_trouble_and_tried_again() {
    let mut fake = Fake::start().await;
    *fake.refusal.lock().expect("a lock") = Some(json!({ "ok": false, "error": "invalid_auth" }));
    let settings = SocketSettings { slow_retry: Duration::from_millis(5), ..quick(1) };
    let mut running = start(&fake, settings);
    let troubled = soon(running.health.wait_for(|health| health.trouble.is_some())).await.expect("runs").clone();
    insta::assert_snapshot!(troubled.trouble.unwrap_or_default(), @"slack refused apps.connections.open: invalid_auth: check slack.bot_token and slack.app_token, and the app's allowed addresses");
    assert!(!running.health.borrow().is_ready());
    *fake.refusal.lock().expect("a lock") = None;
    fake.next_socket().await.hello().await;
    soon(running.health.wait_for(|health| health.trouble.is_none())).await.expect("runs");
    running.finish().await;
}

#[tokio::test]
async fn socket_mode_switched_off_is_trouble_and_slow() {
    let mut fake = Fake::start().await;
    let settings = SocketSettings { slow_retry: Duration::from_millis(5), ..quick(1) };
    let mut running = start(&fake, settings);
    let mut line = fake.next_socket().await;
    line.hello().await;
    line.say(include_str!("../../../tests/fixtures/slack/socket_disconnect_link_disabled.json")).await;
    soon(running.health.wait_for(|health| health.trouble.is_some())).await.expect("runs");
    fake.next_socket().await.hello().await;
    running.connected(1).await;
    running.finish().await;
}

#[tokio::test]
async fn stopping_finishes_the_acks_in_hand() {
    let mut fake = Fake::start().await;
    let mut running = start(&fake, quick(1));
    let mut line = fake.next_socket().await;
    line.hello().await;
    line.command("e1", "wait").await;
    line.command("e2", "seen").await;
    assert_eq!(line.hear().await, Some(ack("e2", "seen")));
    running.connected(1).await;
    running.stop.cancel();
    running.connected(0).await;
    running.gate.notify_one();
    assert_eq!(line.hear().await, Some(ack("e1", "wait")));
    assert_eq!(line.hear().await, None);
    running.finish().await;
}

#[test]
fn frames_of_the_fixtures_are_understood() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/slack");
    let mut seen: HashMap<String, String> = HashMap::new();
    for entry in std::fs::read_dir(folder).expect("the fixtures") {
        let path = entry.expect("a file").path();
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
        if !name.starts_with("socket_") || name.starts_with("socket_ack") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("text");
        let what = match super::frame::Frame::read(&text) {
            super::frame::Frame::Hello { connections, lifetime_seconds, .. } => {
                format!("hello {connections} {lifetime_seconds}")
            }
            super::frame::Frame::Disconnect { reason } => format!("disconnect {reason}"),
            super::frame::Frame::Envelope { takes_payload, delivery, .. } => {
                format!("{} takes_payload={takes_payload} retry={:?}", delivery.what.name(), delivery.retry)
            }
            super::frame::Frame::Other { kind } => format!("other {kind}"),
        };
        seen.insert(name, what);
    }
    let mut lines: Vec<String> = seen.into_iter().map(|(name, what)| format!("{name}: {what}")).collect();
    lines.sort();
    insta::assert_snapshot!(lines.join("\n"), @r"
    socket_disconnect_link_disabled: disconnect link_disabled
    socket_disconnect_refresh_requested: disconnect refresh_requested
    socket_disconnect_warning: disconnect warning
    socket_events_api_app_home_opened: app_home_opened takes_payload=false retry=None
    socket_events_api_retry: app_mention takes_payload=false retry=Some(1)
    socket_hello: hello 1 18060
    socket_interactive_block_actions: block_actions takes_payload=false retry=None
    socket_interactive_block_suggestion: block_suggestion takes_payload=true retry=None
    socket_interactive_message_action: message_action takes_payload=false retry=None
    socket_interactive_shortcut: shortcut takes_payload=false retry=None
    socket_interactive_view_closed: view_closed takes_payload=false retry=None
    socket_interactive_view_submission: view_submission takes_payload=true retry=None
    socket_slash_commands: command takes_payload=true retry=None
    ");
}
