//! How what people do reaches the app: over a connected socket, or as a signed HTTP POST; and what the app answered.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::oneshot;
use tokio::time::Instant;
use url::form_urlencoded;

use super::SlackWorld;
use super::answers::Cause;
use super::socket::Frame;
use super::state::{State, Waiting};

/// Slack waits three seconds of real time for an ack.
const ACK_WITHIN: Duration = Duration::from_secs(3);
/// Longer answers are cut off.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// The way in that the app has chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Door {
    /// Any one connected Socket Mode socket.
    Socket,
    /// Signed POSTs to `<base>/slack/commands`, `/slack/interactions` and `/slack/events`.
    Http {
        /// E.g. `http://127.0.0.1:7465`, without a trailing slash.
        base_url: String,
    },
}

/// The three kinds of envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Envelope {
    /// A slash command.
    SlashCommands,
    /// Buttons, modals, shortcuts and option lists.
    Interactive,
    /// Events.
    EventsApi,
}

/// What became of one delivery.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivered {
    /// The app answered in time, and over HTTP with a 2xx status.
    pub acked: bool,
    /// How long it took, in milliseconds of real time.
    pub ack_ms: u64,
    /// The HTTP status, through the HTTP door.
    pub status: Option<u16>,
    /// What the ack carried; plain text of a slash command's answer is a JSON string.
    pub body: Option<Value>,
}

/// One delivery, kept for tests to read and to repeat.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Unique, also over HTTP, where Slack does not send it.
    pub envelope_id: String,
    /// What it was.
    pub envelope: Envelope,
    /// The payload as sent.
    pub payload: Value,
    /// How often it was sent before this time.
    pub retry: u32,
    /// What the app answered; `None` while it is on its way.
    pub delivered: Option<Delivered>,
    /// An ack came after the three seconds.
    pub was_late: bool,
}

impl Envelope {
    fn word(self) -> &'static str {
        match self {
            Self::SlashCommands => "slash_commands",
            Self::Interactive => "interactive",
            Self::EventsApi => "events_api",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::SlashCommands => "/slack/commands",
            Self::Interactive => "/slack/interactions",
            Self::EventsApi => "/slack/events",
        }
    }

    /// Only these answers are read (slack.md section 3.1).
    fn accepts_payload(self, payload: &Value) -> bool {
        let kind = super::json::text(payload, "/type");
        self == Self::SlashCommands || matches!(kind, "view_submission" | "block_suggestion")
    }
}

impl SlackWorld {
    /// Chooses the way in; a socket until told otherwise.
    pub fn use_door(&self, door: Door) {
        self.state().door = door;
    }

    /// The way in that was chosen.
    pub fn door(&self) -> Door {
        self.state().door.clone()
    }

    /// Every delivery so far, oldest first.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.state().deliveries.clone()
    }

    /// Delivers any payload as it is; nothing in the world changes by its ack. For fixtures and hostile input.
    pub async fn deliver_raw(&self, envelope: Envelope, payload: Value) -> Delivered {
        self.deliver(envelope, payload, None).await
    }

    /// Sends the last delivery again: same envelope, same trigger_id; an event says that it is a retry. Nothing in the
    /// world changes by the ack. `None` when nothing was delivered yet.
    pub async fn redeliver(&self) -> Option<Delivered> {
        let last = self.deliveries().pop()?;
        let again = Delivery { retry: last.retry.saturating_add(1), delivered: None, was_late: false, ..last };
        Some(self.send(again, None).await)
    }

    pub(super) async fn deliver(&self, envelope: Envelope, payload: Value, cause: Option<Cause>) -> Delivered {
        let (id, copies) = {
            let mut state = self.state();
            let copies = usize::from(state.faults.duplicates > 0);
            state.faults.duplicates = state.faults.duplicates.saturating_sub(1);
            let secret = state.next_secret();
            let part = |from: usize, to: usize| secret.get(from..to).unwrap_or_default();
            (format!("{}-{}-5000-8000-{}", part(0, 8), part(8, 12), part(12, 24)), copies)
        };
        let delivery = Delivery { envelope_id: id, envelope, payload, retry: 0, delivered: None, was_late: false };
        let first = self.send(delivery.clone(), cause).await;
        for _ in 0..copies {
            self.send(delivery.clone(), None).await;
        }
        first
    }

    async fn send(&self, delivery: Delivery, cause: Option<Cause>) -> Delivered {
        let (door, slot) = {
            let mut state = self.state();
            let slot = state.deliveries.len();
            state.deliveries.push(delivery.clone());
            (state.door.clone(), slot)
        };
        let began = Instant::now();
        let mut delivered = match door {
            Door::Socket => self.send_on_socket(&delivery, cause).await,
            Door::Http { base_url } => {
                let delivered = self.send_over_http(&base_url, &delivery).await;
                if let Some(cause) = cause {
                    self.state().apply(cause, &delivered);
                }
                delivered
            }
        };
        delivered.ack_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.change(|state| {
            if let Some(kept) = state.deliveries.get_mut(slot) {
                kept.delivered = Some(delivered.clone());
            }
        });
        delivered
    }

    async fn send_on_socket(&self, delivery: &Delivery, cause: Option<Cause>) -> Delivered {
        let lost = Delivered { acked: false, ack_ms: 0, status: None, body: None };
        let handed = self.state().hand_to_a_socket(delivery, cause);
        let answer = match handed {
            Ok(answer) => answer,
            Err(cause) => {
                if let Some(cause) = cause {
                    self.state().apply(cause, &lost);
                }
                return lost;
            }
        };
        match tokio::time::timeout(ACK_WITHIN, answer).await {
            Ok(Ok(body)) => Delivered { acked: true, body, ..lost },
            Ok(Err(_)) | Err(_) => {
                let mut state = self.state();
                let cause = state.waiting.remove(&delivery.envelope_id).and_then(|waiting| waiting.cause);
                if let Some(cause) = cause {
                    state.apply(cause, &lost);
                }
                state.timed_out.insert(delivery.envelope_id.clone());
                lost
            }
        }
    }

    async fn send_over_http(&self, base_url: &str, delivery: &Delivery) -> Delivered {
        let lost = Delivered { acked: false, ack_ms: 0, status: None, body: None };
        let (body, content_type) = http_body(delivery);
        let (timestamp, signature) = {
            let state = self.state();
            let timestamp = state.clock.now_ms().div_euclid(1000).to_string();
            let signature = sign(&state.app.signing_secret, &timestamp, body.as_bytes());
            (timestamp, signature)
        };
        let mut request = self
            .http
            .post(format!("{base_url}{}", delivery.envelope.path()))
            .timeout(ACK_WITHIN)
            .header("content-type", content_type)
            .header("user-agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
            .header("x-slack-request-timestamp", timestamp)
            .header("x-slack-signature", signature);
        if delivery.envelope == Envelope::EventsApi && delivery.retry > 0 {
            request = request
                .header("x-slack-retry-num", delivery.retry.to_string())
                .header("x-slack-retry-reason", "http_timeout");
        }
        let Ok(answer) = request.body(body).send().await else { return lost };
        let status = answer.status();
        let Some(text) = read_capped(answer).await else { return lost };
        let body = match serde_json::from_str(&text) {
            Ok(value) => Some(value),
            Err(_) if text.is_empty() => None,
            Err(_) => Some(Value::String(text)),
        };
        if let (Some(body), true) = (&body, status.is_success()) {
            self.state().heard(body);
        }
        Delivered { acked: status.is_success(), ack_ms: 0, status: Some(status.as_u16()), body }
    }
}

impl State {
    /// Any one connected socket, in turn. Gives the cause back when there is none.
    fn hand_to_a_socket(
        &mut self,
        delivery: &Delivery,
        cause: Option<Cause>,
    ) -> Result<oneshot::Receiver<Option<Value>>, Option<Cause>> {
        let accepts_payload = delivery.envelope.accepts_payload(&delivery.payload);
        let mut envelope = json!({
            "envelope_id": delivery.envelope_id, "payload": delivery.payload,
            "type": delivery.envelope.word(), "accepts_response_payload": accepts_payload,
        });
        if let (Envelope::EventsApi, Some(map)) = (delivery.envelope, envelope.as_object_mut()) {
            map.insert("retry_attempt".to_owned(), json!(delivery.retry));
            map.insert("retry_reason".to_owned(), json!(if delivery.retry > 0 { "timeout" } else { "" }));
        }
        let turn = usize::try_from(self.next()).unwrap_or(0);
        let place = turn.checked_rem(self.sockets.len()).unwrap_or(0);
        let Some(socket) = self.sockets.get(place) else { return Err(cause) };
        let (answer, answered) = oneshot::channel();
        socket.send(Frame::Text(envelope.to_string()));
        let waiting = Waiting { socket: socket.id, accepts_payload, cause, answer };
        self.waiting.insert(delivery.envelope_id.clone(), waiting);
        Ok(answered)
    }

    /// Notes an ack that came after its three seconds. False when there was no such envelope.
    pub(super) fn late(&mut self, envelope_id: &str) -> bool {
        if let Some(delivery) = self.deliveries.iter_mut().rev().find(|one| one.envelope_id == envelope_id) {
            delivery.was_late = self.timed_out.contains(envelope_id);
            return true;
        }
        false
    }
}

async fn read_capped(mut answer: reqwest::Response) -> Option<String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.ok()? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > ANSWER_BYTES_MAX {
            return None;
        }
    }
    String::from_utf8(bytes).ok()
}

/// Events are JSON, slash commands flat form fields, interactions a form with one JSON field (slack.md section 1.3).
fn http_body(delivery: &Delivery) -> (String, &'static str) {
    let mut form = form_urlencoded::Serializer::new(String::new());
    match delivery.envelope {
        Envelope::EventsApi => return (delivery.payload.to_string(), "application/json"),
        Envelope::Interactive => {
            form.append_pair("payload", &delivery.payload.to_string());
        }
        Envelope::SlashCommands => {
            for (name, value) in delivery.payload.as_object().into_iter().flatten() {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                form.append_pair(name, &text);
            }
        }
    }
    (form.finish(), "application/x-www-form-urlencoded")
}

/// Slack's request signature, version 0 (slack.md section 1.1).
pub(super) fn sign(secret: &str, timestamp: &str, body: &[u8]) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(format!("v0:{timestamp}:").as_bytes());
    mac.update(body);
    format!("v0={}", hex::encode(mac.finalize().into_bytes()))
}
