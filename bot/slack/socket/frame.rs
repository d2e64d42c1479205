//! What travels over a socket: frames of text, read leniently (`apis/slack.md` section 6).

use serde_json::{Value, json};

use crate::slack::answer::Answer;
use crate::slack::envelope::{self, Delivery};

/// A text frame from Slack.
pub(super) enum Frame {
    /// The connection is good.
    Hello {
        /// How many sockets the app has now, ours and anybody else's.
        connections: u64,
        /// Seconds until Slack will ask us to renew this one.
        lifetime_seconds: u64,
        /// Whose socket this is, `A...`.
        app_id: Option<String>,
    },
    /// This connection is about to end.
    Disconnect {
        /// `warning`, `refresh_requested`, `link_disabled`, ...
        reason: String,
    },
    /// Something for us, to be acknowledged by its id.
    Envelope {
        /// Goes back in the ack.
        envelope_id: String,
        /// Whether Slack reads a payload in the ack.
        takes_payload: bool,
        /// What it is; boxed, for it is far larger than the others.
        delivery: Box<Delivery>,
    },
    /// Nothing we know, and nothing to acknowledge.
    Other {
        /// Its type, for the log.
        kind: String,
    },
}

impl Frame {
    pub(super) fn read(text: &str) -> Self {
        let Ok(frame) = serde_json::from_str::<Value>(text) else {
            return Self::Other { kind: "not JSON".to_owned() };
        };
        let field = |name: &str| frame.get(name).and_then(Value::as_str).unwrap_or_default();
        let number = |pointer: &str| frame.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
        let kind = field("type");
        match kind {
            "hello" => {
                let lifetime_seconds = number("/debug_info/approximate_connection_time");
                let app_id = frame.pointer("/connection_info/app_id").and_then(Value::as_str).map(str::to_owned);
                return Self::Hello { connections: number("/num_connections"), lifetime_seconds, app_id };
            }
            "disconnect" => return Self::Disconnect { reason: short(field("reason")) },
            _ => {}
        }
        let envelope_id = field("envelope_id").to_owned();
        if envelope_id.is_empty() {
            return Self::Other { kind: short(kind) };
        }
        let retry = u32::try_from(number("/retry_attempt")).ok().filter(|attempt| *attempt > 0);
        let payload = frame.get("payload").unwrap_or(&Value::Null);
        let delivery = match kind {
            "slash_commands" => envelope::from_command(payload),
            "interactive" => envelope::from_interaction(payload),
            "events_api" => envelope::from_event(payload, retry),
            other => envelope::unknown(other, payload),
        };
        let takes_payload = frame.get("accepts_response_payload") == Some(&Value::Bool(true));
        Self::Envelope { envelope_id, takes_payload, delivery: Box::new(delivery) }
    }
}

/// The text that acknowledges an envelope; nothing for one that was not taken.
pub(super) fn ack(envelope_id: &str, answer: &Answer, takes_payload: bool) -> Option<String> {
    if *answer == Answer::NotTaken {
        return None;
    }
    Some(match answer.to_socket_payload().filter(|_| takes_payload) {
        Some(payload) => json!({ "envelope_id": envelope_id, "payload": payload }).to_string(),
        None => json!({ "envelope_id": envelope_id }).to_string(),
    })
}

/// For log lines: a name's worth of it.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}
