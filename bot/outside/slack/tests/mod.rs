//! The client against a small Slack on loopback that answers what a test puts there.

mod people;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response};
use axum::routing::any;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::*;

/// One call as it arrived.
#[derive(Clone, Debug)]
struct Call {
    method: String,
    /// JSON body of a write, form of a read.
    arguments: Value,
    authorization: String,
}

/// What to answer: status, headers, body; `None` never answers.
type Reply = Option<(u16, Vec<(&'static str, String)>, String)>;

#[derive(Clone, Default)]
struct Desk {
    replies: Arc<Mutex<HashMap<String, Reply>>>,
    calls: Arc<Mutex<Vec<Call>>>,
    gate: Arc<Notify>,
    is_gated: Arc<Mutex<bool>>,
}

struct Fake {
    desk: Desk,
    slack: Slack,
    clock: Clock,
    address: String,
}

impl Fake {
    async fn start() -> Self {
        let desk = Desk::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let app = Router::new().route("/api/{method}", any(receive)).with_state(desk.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let clock = Clock::manual(1_767_225_600_000);
        let bot = SecretString::from("xoxb-s3cret");
        let mut settings = SlackSettings::new(format!("{address}/api/"), bot, Some(SecretString::from("xapp-s3cret")));
        settings.call_limit = Duration::from_millis(300);
        let slack = Slack::new(settings, clock.clone()).expect("a client");
        Self { desk, slack, clock, address }
    }

    fn on(&self, method: &str, reply: Reply) {
        self.desk.replies.lock().expect("a lock").insert(method.to_owned(), reply);
    }

    fn fixture(&self, method: &str, name: &str) {
        let path = format!("{}/tests/fixtures/slack/{name}", env!("CARGO_MANIFEST_DIR"));
        self.json(method, 200, &std::fs::read_to_string(path).expect("the fixture"));
    }

    fn json(&self, method: &str, status: u16, body: &str) {
        self.on(method, Some((status, vec![("content-type", "application/json".to_owned())], body.to_owned())));
    }

    fn calls(&self) -> Vec<Call> {
        self.desk.calls.lock().expect("a lock").clone()
    }

    fn last(&self) -> Call {
        self.calls().pop().expect("a call")
    }
}

async fn receive(
    State(desk): State<Desk>,
    Path(method): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Response<Body> {
    let authorization = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let arguments = serde_json::from_str(&body).unwrap_or_else(|_| Value::String(body.clone()));
    let call = Call { method: method.clone(), arguments, authorization: authorization.to_owned() };
    desk.calls.lock().expect("a lock").push(call);
    if *desk.is_gated.lock().expect("a lock") {
        desk.gate.notified().await;
    }
    let reply = desk.replies.lock().expect("a lock").get(&method).cloned().expect("the test says what to answer");
    let Some((status, headers, body)) = reply else { return std::future::pending().await };
    let response = headers
        .into_iter()
        .fold(Response::builder().status(status), |response, (name, value)| response.header(name, value));
    response.body(Body::from(body)).expect("a response")
}

fn post(channel: &str) -> Post {
    Post { channel: channel.to_owned(), text: "hi".to_owned(), ..Post::default() }
}

#[tokio::test]
async fn a_message_is_posted_without_unfurling_and_its_place_is_returned() {
    let fake = Fake::start().await;
    fake.fixture("chat.postMessage", "web_chat_postMessage.json");
    let posted = fake.slack.post_message(&post("C0DEVOPS1")).await.expect("posted");
    assert_eq!((posted.channel.as_str(), posted.ts.as_str()), ("C0DEVOPS1", "1767225600.000200"));
    let call = fake.last();
    assert_eq!(call.authorization, "Bearer xoxb-s3cret");
    assert_eq!(
        call.arguments,
        json!({ "channel": "C0DEVOPS1", "text": "hi", "unfurl_links": false, "unfurl_media": false })
    );
    fake.fixture("chat.update", "web_chat_update.json");
    fake.slack.update_message(&posted, "Approved", None).await.expect("updated");
    let update = json!({ "channel": "C0DEVOPS1", "ts": "1767225600.000200", "text": "Approved", "blocks": [] });
    assert_eq!(fake.last().arguments, update);
}

#[tokio::test]
async fn views_and_channels_are_read() {
    let fake = Fake::start().await;
    for method in ["views.open", "views.push", "views.update"] {
        fake.fixture(method, "web_views_open.json");
    }
    fake.fixture("views.publish", "web_views_publish.json");
    fake.fixture("conversations.info", "web_conversations_info_ext_shared.json");
    fake.fixture("chat.postEphemeral", "web_chat_postEphemeral.json");
    let (trigger, view) = (SecretString::from("t"), json!({ "type": "modal" }));
    let opened = fake.slack.views_open(&trigger, &view).await.expect("opened");
    let expected = ViewHandle { id: "V0MODAL01".to_owned(), hash: Some("1767225610.aB3dE5fG".to_owned()) };
    assert_eq!(opened, expected);
    assert_eq!(fake.last().arguments, json!({ "trigger_id": "t", "view": { "type": "modal" } }));
    assert_eq!(fake.slack.views_push(&trigger, &view).await.expect("pushed"), expected);
    assert_eq!(fake.slack.views_update("V0MODAL01", Some("h"), &view).await.expect("updated"), expected);
    assert_eq!(fake.last().arguments["hash"], "h");
    assert_eq!(fake.slack.views_publish("U1", None, &view).await.expect("published").id, "V0HOME001");
    fake.slack.post_ephemeral("C1", "U1", "hi", None, None).await.expect("said");
    let channel = fake.slack.conversations_info("C0SHARED1").await.expect("a channel");
    assert!(channel.is_shared_outside && channel.is_member && !channel.is_private);
    assert_eq!(fake.last().arguments, "channel=C0SHARED1", "reads are forms");
}

#[tokio::test]
async fn slacks_refusals_keep_their_code_scope_and_pointers() {
    let fake = Fake::start().await;
    let mut lines = Vec::new();
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/slack")).expect("fixtures") {
        let name = entry.expect("a file").file_name().to_string_lossy().into_owned();
        if !name.starts_with("web_error_") {
            continue;
        }
        fake.fixture("auth.test", &name);
        let error = fake.slack.auth_test().await.expect_err("refused");
        let kind = if error.is_fatal_auth() {
            "fatal"
        } else if error.is_retryable() {
            "retry"
        } else {
            "no"
        };
        lines.push(format!("[{kind}] {error} -> {}", error.advice().unwrap_or_default()).trim_end().to_owned());
        fake.clock.advance(Duration::from_secs(31));
    }
    lines.sort();
    insta::assert_snapshot!(lines.join("\n"), @r"
    [fatal] slack refused auth.test: account_inactive -> reinstall the Slack app and copy the new token
    [fatal] slack refused auth.test: invalid_auth -> check slack.bot_token and slack.app_token, and the app's allowed addresses
    [fatal] slack refused auth.test: token_expired -> token rotation is on for this app and cannot be switched off: make an app without it
    [fatal] slack refused auth.test: token_revoked -> reinstall the Slack app and copy the new token
    [no] slack refused auth.test: cant_update_message ->
    [no] slack refused auth.test: channel_not_found -> check the channel; a private one must have the bot as a member (/invite)
    [no] slack refused auth.test: exchanged_trigger_id -> the click is too old (3 seconds) or was used already: ask the person to try again
    [no] slack refused auth.test: expired_trigger_id -> the click is too old (3 seconds) or was used already: ask the person to try again
    [no] slack refused auth.test: hash_conflict ->
    [no] slack refused auth.test: invalid_arguments: [ERROR] must be less than 25 characters [json-pointer:/view/title/text] ->
    [no] slack refused auth.test: invalid_blocks: [ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text] ->
    [no] slack refused auth.test: is_archived -> the channel is archived: name another one in `announce`
    [no] slack refused auth.test: message_not_found ->
    [no] slack refused auth.test: messages_tab_disabled -> switch the messages tab of the app's home on (`nightlatch manifest` has it)
    [no] slack refused auth.test: missing_scope (needs users:read.email) -> add the bot scope users:read.email to the Slack app and reinstall it
    [no] slack refused auth.test: msg_too_long ->
    [no] slack refused auth.test: not_enabled -> switch the home tab of the app on (`nightlatch manifest` has it)
    [no] slack refused auth.test: not_in_channel -> invite the bot to the channel, or give it chat:write.public
    [no] slack refused auth.test: user_not_found -> no such active person in this workspace
    [no] slack refused auth.test: user_not_in_channel ->
    [no] slack refused auth.test: users_not_found -> no such active person in this workspace
    [retry] slack wants auth.test slower, again in 30000 ms ->
    ");
}

#[tokio::test]
async fn a_429_is_obeyed_without_asking_again_until_its_time() {
    let fake = Fake::start().await;
    let slow_down = |content_type: &str, body: &str| {
        let headers = vec![("content-type", content_type.to_owned()), ("retry-after", "7".to_owned())];
        Some((429, headers, body.to_owned()))
    };
    for (channel, reply) in [
        ("C1", slow_down("application/json", r#"{"ok":false,"error":"ratelimited"}"#)),
        ("C2", slow_down("text/html", "<h1>slow</h1>")),
    ] {
        fake.on("chat.postMessage", reply);
        let error = fake.slack.post_message(&post(channel)).await.expect_err("limited");
        assert_eq!(error.retry_after_ms(), Some(7_000));
    }
    fake.fixture("chat.postMessage", "web_chat_postMessage.json");
    let sent = fake.calls().len();
    let error = fake.slack.post_message(&post("C1")).await.expect_err("still limited");
    assert_eq!((error.retry_after_ms(), fake.calls().len()), (Some(7_000), sent), "nothing was sent");
    fake.slack.post_message(&post("C3")).await.expect("another channel is not held up");
    fake.clock.advance(Duration::from_secs(7));
    fake.slack.post_message(&post("C1")).await.expect("now it may");
}

#[tokio::test]
async fn what_may_have_happened_is_told_from_what_did_not() {
    let fake = Fake::start().await;
    let html = vec![("content-type", "text/html".to_owned())];
    for (reply, expected) in [
        (None, "slack did not answer chat.postMessage: no answer in time"),
        (
            Some((503, html.clone(), "<h1>xoxb-s3cret</h1>".to_owned())),
            "slack did not answer chat.postMessage: http status 503",
        ),
        (
            Some((200, html.clone(), "<h1>hi</h1>".to_owned())),
            "slack answered chat.postMessage with something unreadable: neither ok nor an error code",
        ),
        (
            Some((200, vec![], "{}".to_owned())),
            "slack answered chat.postMessage with something unreadable: not the JSON we know",
        ),
        (
            Some((200, vec![], r#"{"ok":true}"#.to_owned())),
            "slack answered chat.postMessage with something unreadable: no ts",
        ),
        (
            Some((404, html, "xoxb-s3cret".to_owned())),
            "slack answered chat.postMessage with something unreadable: http status 404",
        ),
    ] {
        fake.on("chat.postMessage", reply);
        fake.clock.advance(Duration::from_secs(10));
        let error = fake.slack.post_message(&post("C1")).await.expect_err("no message");
        assert_eq!(error.to_string(), expected);
        assert!(error.may_have_happened() && error.is_retryable(), "{error}");
    }
    let nobody = SlackSettings::new("http://127.0.0.1:9/api", SecretString::from("xoxb-s3cret"), None);
    let error = Slack::new(nobody, Clock::manual(0)).expect("a client").auth_test().await.expect_err("nobody there");
    assert!(error.is_retryable() && !error.may_have_happened(), "{error}");
}

#[tokio::test]
async fn a_socket_address_is_asked_for_with_the_app_token_and_stays_secret() {
    let fake = Fake::start().await;
    fake.fixture("apps.connections.open", "web_apps_connections_open.json");
    let address = fake.slack.connections_open().await.expect("an address");
    assert!(!format!("{address:?}").contains("ticket"));
    assert_eq!(
        (fake.last().method.as_str(), fake.last().authorization.as_str()),
        ("apps.connections.open", "Bearer xapp-s3cret")
    );
    fake.json("apps.connections.open", 200, r#"{"ok":true,"url":"http://evil.test/?ticket=s3cret"}"#);
    let error = fake.slack.connections_open().await.expect_err("not a socket");
    assert!(!error.to_string().contains("ticket"), "{error}");
}

#[tokio::test]
async fn an_answer_through_a_response_url_follows_no_redirect_and_quotes_no_address() {
    let fake = Fake::start().await;
    let url = |name: &str| SecretString::from(format!("{}/api/{name}?s3cret", fake.address));
    fake.on("good", Some((200, vec![], "ok".to_owned())));
    fake.on("used", Some((404, vec![], "used_url".to_owned())));
    fake.on("moved", Some((302, vec![("location", format!("{}/api/good", fake.address))], String::new())));
    fake.on("slow", None);
    let body = json!({ "text": "hi" });
    fake.slack.respond(&url("good"), &body).await.expect("said");
    assert_eq!((fake.last().arguments, fake.last().authorization.as_str()), (body.clone(), ""));
    for (name, expected) in [
        ("used", "slack refused response_url: http_404"),
        ("moved", "slack refused response_url: http_302"),
        ("slow", "slack did not answer response_url: no answer in time"),
    ] {
        let error = fake.slack.respond(&url(name), &body).await.expect_err("refused");
        assert_eq!(error.to_string(), expected);
    }
    let foreign = SecretString::from("https://evil.test/s3cret");
    let error = fake.slack.respond(&foreign, &body).await.expect_err("not sent");
    assert_eq!(error.to_string(), "slack answered response_url with something unreadable: not an address of Slack");
}

#[test]
fn an_address_that_is_none_is_refused_at_the_start() {
    for address in ["", "slack.com/api", "ftp://slack.com/api", "https://"] {
        let settings = SlackSettings::new(address, SecretString::from("x"), None);
        assert!(Slack::new(settings, Clock::manual(0)).is_err(), "{address}");
    }
}
