//! The workspace as an app and its people meet it: a tiny app of the tests' own talks to it over real sockets.

mod doors;
mod faults;
mod people;
mod web;

use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message as WsFrame;

use super::{Seed, SlackWorld};
use nightlatch_clock::Clock;

/// 2026-01-01 10:00 UTC, a Thursday.
const NEW_YEAR_MS: i64 = 1_767_261_600_000;

async fn world() -> SlackWorld {
    world_of(Seed::acme()).await
}

async fn world_of(seed: Seed) -> SlackWorld {
    SlackWorld::start(Clock::manual(NEW_YEAR_MS), seed).await.expect("a free port")
}

fn http() -> reqwest::Client {
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().no_proxy().build().expect("a client")
}

/// One call with the bot token and a JSON body.
async fn call(world: &SlackWorld, method: &str, args: Value) -> Value {
    let url = format!("{}/{method}", world.api_url());
    let request = http().post(url).bearer_auth(world.app().bot_token).json(&args);
    request.send().await.expect("an answer").json().await.expect("JSON")
}

/// One call the way read methods want it.
async fn get(world: &SlackWorld, method: &str, args: &[(&str, &str)]) -> Value {
    let url = format!("{}/{method}", world.api_url());
    let request = http().get(url).bearer_auth(world.app().bot_token).query(args);
    request.send().await.expect("an answer").json().await.expect("JSON")
}

/// Posts a JSON body to a response_url; the status.
async fn post_hook(url: &str, body: Value) -> u16 {
    http().post(url).json(&body).send().await.expect("an answer").status().as_u16()
}

/// An app on one socket that acks every envelope with what `answer` says, and remembers them.
struct TinyApp {
    seen: Arc<Mutex<Vec<Value>>>,
}

impl TinyApp {
    async fn connect(world: &SlackWorld, answer: impl Fn(&Value) -> Option<Value> + Send + 'static) -> Self {
        let before = world.sockets();
        let url = open_socket(world).await;
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.expect("a socket");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Some(Ok(frame)) = socket.next().await {
                let WsFrame::Text(text) = frame else { continue };
                let envelope: Value = serde_json::from_str(&text).expect("JSON");
                kept.lock().expect("unpoisoned").push(envelope.clone());
                let Some(id) = envelope.get("envelope_id") else { continue };
                let mut ack = json!({ "envelope_id": id });
                if let Some(payload) = answer(&envelope["payload"]) {
                    ack["payload"] = payload;
                }
                socket.send(WsFrame::text(ack.to_string())).await.expect("sent");
            }
        });
        assert!(world.until_connected(before + 1).await);
        Self { seen }
    }

    /// The payload of the newest envelope.
    fn last(&self) -> Value {
        self.seen.lock().expect("unpoisoned").last().expect("an envelope")["payload"].clone()
    }

    fn frames(&self) -> Vec<Value> {
        self.seen.lock().expect("unpoisoned").clone()
    }
}

async fn open_socket(world: &SlackWorld) -> String {
    let url = format!("{}/apps.connections.open", world.api_url());
    let answer = http().post(url).bearer_auth(world.app().app_token).send().await.expect("an answer");
    let answer: Value = answer.json().await.expect("JSON");
    answer["url"].as_str().unwrap_or_else(|| panic!("no url in {answer}")).to_owned()
}

/// A card as the bot would post it.
fn card() -> Value {
    json!([
        { "type": "section", "block_id": "head",
          "text": { "type": "mrkdwn", "text": "<@U0ALICE01> asks for *prod-db* &amp; a hug" },
          "fields": [{ "type": "mrkdwn", "text": "*Until* <!date^1767268800^{date_short_pretty} {time}|12:00 UTC>" },
                     { "type": "plain_text", "text": "laptop" }] },
        { "type": "actions", "block_id": "choice", "elements": [
            { "type": "button", "action_id": "approve", "value": "r1", "style": "primary",
              "text": { "type": "plain_text", "text": "Approve" } },
            { "type": "button", "action_id": "deny", "value": "r1", "text": { "type": "plain_text", "text": "Deny" },
              "confirm": { "title": { "type": "plain_text", "text": "Deny?" },
                           "text": { "type": "plain_text", "text": "The requester is told." },
                           "confirm": { "type": "plain_text", "text": "Deny" },
                           "deny": { "type": "plain_text", "text": "Back" } } },
        ] },
    ])
}

fn form() -> Value {
    json!({
        "type": "modal", "callback_id": "ask", "notify_on_close": true,
        "title": { "type": "plain_text", "text": "Ask for access" },
        "submit": { "type": "plain_text", "text": "Ask" },
        "blocks": [
            { "type": "input", "block_id": "hold", "label": { "type": "plain_text", "text": "How long" },
              "element": { "type": "static_select", "action_id": "hold",
                "initial_option": { "text": { "type": "plain_text", "text": "1 hour" }, "value": "1h" },
                "options": [
                  { "text": { "type": "plain_text", "text": "1 hour" }, "value": "1h" },
                  { "text": { "type": "plain_text", "text": "2 hours" }, "value": "2h" }] } },
            { "type": "input", "block_id": "device", "optional": true,
              "label": { "type": "plain_text", "text": "Device" },
              "element": { "type": "external_select", "action_id": "device", "min_query_length": 0 } },
            { "type": "input", "block_id": "reason", "label": { "type": "plain_text", "text": "Reason" },
              "element": { "type": "plain_text_input", "action_id": "reason", "max_length": 20 } },
        ],
    })
}
