//! The HTTP door: signed requests from Slack at `/slack/commands`, `/slack/interactions` and `/slack/events`.
//!
//! Order matters: age of the request, size of its body, signature over the raw bytes, and only then its content. A
//! refused request learns nothing but its status. What Slack signed is answered 200 once it is saved, and what we think
//! of it is said in the body; 503 says that it was not taken, and Slack shows the person an error.

mod signature;
#[cfg(test)]
mod tests;

use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Map, Value};

pub use self::signature::{EmptySecret, SigningSecrets, is_fresh, sign};
use super::answer::Answer;
use super::edge::Edge;
use super::envelope::{self, Delivery};
use crate::clock::Clock;

/// Largest body that is read. Slack's views end at 250 kB, ours are far smaller.
pub const BODY_MAX: usize = 256 * 1024;
/// Slack sends a body at once; whoever takes longer holds a connection for nothing.
const READ_LIMIT: Duration = Duration::from_secs(3);
/// A certificate check is this small; unsigned it is answered, whatever is larger is not even read.
const SSL_CHECK_MAX: usize = 1_024;

#[derive(Clone)]
struct Door {
    edge: Edge,
    secrets: SigningSecrets,
    clock: Clock,
}

/// The three addresses. Any of them takes any kind, as Slack lets people configure one for all.
pub fn router(edge: Edge, secrets: SigningSecrets, clock: Clock) -> Router {
    Router::new()
        .route("/slack/commands", post(receive))
        .route("/slack/interactions", post(receive))
        .route("/slack/events", post(receive))
        .with_state(Door { edge, secrets, clock })
}

async fn receive(State(door): State<Door>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = match authentic_body(&door, &parts.headers, body).await {
        Ok(body) => body,
        Err(status) => return status.into_response(),
    };
    let Some(delivery) = read(&parts.headers, &body) else { return StatusCode::BAD_REQUEST.into_response() };
    if door.edge.is_for_another_app(&delivery, None) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if let Some(retry) = delivery.retry {
        let reason = header_text(&parts.headers, "x-slack-retry-reason");
        let reason: String = reason.chars().filter(char::is_ascii_graphic).take(40).collect();
        tracing::info!(slack.kind = delivery.what.name(), retry, %reason, "slack repeats a delivery");
    }
    respond(&door.edge.deliver(delivery, true).await)
}

/// The raw body, if it is Slack's.
async fn authentic_body(door: &Door, headers: &HeaderMap, body: Body) -> Result<Bytes, StatusCode> {
    let timestamp = header_text(headers, "x-slack-request-timestamp");
    let signature = header_text(headers, "x-slack-signature");
    if signature.is_empty() && timestamp.is_empty() {
        // Whether Slack signs its certificate checks is not documented; answering one changes nothing.
        let body = read_body(headers, body, SSL_CHECK_MAX).await.map_err(|_| StatusCode::UNAUTHORIZED)?;
        return if is_ssl_check(&body) { Ok(body) } else { Err(StatusCode::UNAUTHORIZED) };
    }
    // Slack's clock is right: after ours was set back, either what we count or what the machine says is near it.
    let now = door.clock.now_ms();
    if ![now, door.clock.shown_ms(now)].iter().any(|now| is_fresh(timestamp, *now)) {
        return Err(StatusCode::UNAUTHORIZED);
    }
    let body = read_body(headers, body, BODY_MAX).await?;
    if door.secrets.verify(timestamp, &body, signature) { Ok(body) } else { Err(StatusCode::UNAUTHORIZED) }
}

async fn read_body(headers: &HeaderMap, body: Body, size_max: usize) -> Result<Bytes, StatusCode> {
    let announced = header_text(headers, header::CONTENT_LENGTH.as_str()).parse::<usize>().unwrap_or(0);
    if announced > size_max {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    match tokio::time::timeout(READ_LIMIT, axum::body::to_bytes(body, size_max)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

fn is_ssl_check(body: &[u8]) -> bool {
    let fields = form(body);
    fields.get("ssl_check").is_some() && fields.get("command").is_none() && fields.get("payload").is_none()
}

/// Dispatches on the content type, then on what is inside (`apis/slack.md` section 1.3). `None`: not understood at all.
fn read(headers: &HeaderMap, body: &[u8]) -> Option<Delivery> {
    let content_type = header_text(headers, header::CONTENT_TYPE.as_str()).to_ascii_lowercase();
    if content_type.starts_with("application/json") {
        let retry = header_text(headers, "x-slack-retry-num").parse::<u32>().ok();
        return serde_json::from_slice(body).ok().map(|body: Value| envelope::from_event(&body, retry));
    }
    let fields = form(body);
    match fields.get("payload").and_then(Value::as_str) {
        Some(payload) => serde_json::from_str(payload).ok().map(|payload: Value| envelope::from_interaction(&payload)),
        None => Some(envelope::from_command(&Value::Object(fields))),
    }
}

fn form(body: &[u8]) -> Map<String, Value> {
    let pairs = url::form_urlencoded::parse(body);
    pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect()
}

fn respond(answer: &Answer) -> Response {
    if *answer == Answer::NotTaken {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    match answer.to_http_body() {
        None => StatusCode::OK.into_response(),
        Some((content_type, body)) => {
            ([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))], body).into_response()
        }
    }
}

fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
