//! Socket Mode: the websocket on which the app receives envelopes and sends acks (slack.md section 6).

use std::collections::HashMap;
use std::time::Duration;

use axum::extract::ws::{Message as WsFrame, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, State as Extract};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::SlackWorld;
use super::doors::Delivered;
use super::json;

/// Slack allows ten sockets per app.
const SOCKETS_MAX: usize = 10;
/// How often we ping; clients take 30 s without a ping as a dead line.
const PING_EVERY: Duration = Duration::from_secs(5);

/// What a socket is told to do.
pub(super) enum Frame {
    /// Send this text.
    Text(String),
    /// Close in good order.
    Close,
    /// Break the TCP connection.
    Drop,
    /// Neither read nor write any more.
    Silence,
}

/// The sending side of one connected socket.
pub(super) struct SocketHandle {
    pub(super) id: u64,
    sender: mpsc::UnboundedSender<Frame>,
}

impl SocketHandle {
    /// A socket that is gone simply does not hear it: what is sent to it is lost, as with Slack.
    pub(super) fn send(&self, frame: Frame) {
        drop(self.sender.send(frame));
    }
}

/// `GET /link/?ticket=...`: a ticket opens one socket.
pub(super) async fn serve(
    Extract(world): Extract<SlackWorld>,
    Query(query): Query<HashMap<String, String>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let ticket = query.get("ticket").map(String::as_str).unwrap_or_default();
    let refusal = world.change(|state| {
        if state.faults.refused_connections > 0 {
            if state.faults.refused_connections != u32::MAX {
                state.faults.refused_connections -= 1;
            }
            return Some(StatusCode::SERVICE_UNAVAILABLE);
        }
        if !state.tickets.remove(ticket) {
            state.violations.push("socket: a ticket that is unknown or was used before".to_owned());
            return Some(StatusCode::FORBIDDEN);
        }
        if state.sockets.len() >= SOCKETS_MAX {
            state.violations.push(format!("socket: more than {SOCKETS_MAX} connections"));
            return Some(StatusCode::TOO_MANY_REQUESTS);
        }
        None
    });
    match refusal {
        Some(status) => status.into_response(),
        None => upgrade.on_upgrade(move |socket| run(world, socket)),
    }
}

async fn run(world: SlackWorld, mut socket: WebSocket) {
    let (sender, mut orders) = mpsc::unbounded_channel();
    let (id, hello) = world.change(|state| {
        let id = state.next();
        state.sockets.push(SocketHandle { id, sender });
        let hello = json!({
            "type": "hello", "num_connections": state.sockets.len(),
            "debug_info": { "host": "applink-playground", "build_number": 118, "approximate_connection_time": 18060 },
            "connection_info": { "app_id": state.app.id },
        });
        (id, hello)
    });
    let mut ending = Ending::Close;
    if socket.send(WsFrame::text(hello.to_string())).await.is_ok() {
        ending = serve_frames(&world, &mut socket, &mut orders, id).await;
    }
    world.change(|state| state.sockets.retain(|other| other.id != id));
    if ending == Ending::Close {
        drop(tokio::time::timeout(PING_EVERY, socket.send(WsFrame::Close(None))).await);
    }
}

#[derive(PartialEq, Eq)]
enum Ending {
    Close,
    Drop,
}

async fn serve_frames(
    world: &SlackWorld,
    socket: &mut WebSocket,
    orders: &mut mpsc::UnboundedReceiver<Frame>,
    id: u64,
) -> Ending {
    let mut ping = tokio::time::interval(PING_EVERY);
    loop {
        tokio::select! {
            () = world.stopped.cancelled() => return Ending::Close,
            order = orders.recv() => match order {
                Some(Frame::Text(text)) => {
                    if socket.send(WsFrame::text(text)).await.is_err() {
                        return Ending::Drop;
                    }
                }
                Some(Frame::Silence) => return be_silent(world, orders).await,
                Some(Frame::Drop) => return Ending::Drop,
                Some(Frame::Close) | None => return Ending::Close,
            },
            _ = ping.tick() => {
                if socket.send(WsFrame::Ping("Ping from applink-playground".into())).await.is_err() {
                    return Ending::Drop;
                }
            }
            frame = socket.recv() => match frame {
                Some(Ok(WsFrame::Text(text))) => take_ack(world, id, text.as_str()),
                Some(Ok(WsFrame::Close(_)) | Err(_)) | None => return Ending::Drop,
                Some(Ok(_)) => {}
            },
        }
    }
}

/// Half-open: the connection stays, nothing is read, no pong is sent, and what we send is lost.
async fn be_silent(world: &SlackWorld, orders: &mut mpsc::UnboundedReceiver<Frame>) -> Ending {
    loop {
        tokio::select! {
            () = world.stopped.cancelled() => return Ending::Drop,
            order = orders.recv() => match order {
                Some(Frame::Text(_) | Frame::Silence) => {}
                Some(Frame::Drop | Frame::Close) | None => return Ending::Drop,
            },
        }
    }
}

fn take_ack(world: &SlackWorld, socket: u64, text: &str) {
    world.change(|state| {
        let Ok(ack) = serde_json::from_str::<Value>(text) else {
            state.violations.push("socket: an ack that is not JSON".to_owned());
            return;
        };
        let id = json::text(&ack, "/envelope_id");
        let payload = ack.get("payload").filter(|payload| !is_empty(payload)).cloned();
        if let Some(payload) = &payload {
            state.heard(payload);
        }
        let Some(waiting) = state.waiting.remove(id) else {
            if !state.late(id) {
                state.violations.push("socket: an ack for an envelope that was never sent".to_owned());
            }
            return;
        };
        if waiting.socket != socket {
            state.violations.push("socket: an ack on another socket than the envelope's".to_owned());
        }
        if payload.is_some() && !waiting.accepts_payload {
            state.violations.push("socket: an ack with a payload that nobody reads".to_owned());
        }
        if let Some(cause) = waiting.cause {
            // At once, so that the answer stands before whatever the app does next.
            state.apply(cause, &Delivered { acked: true, ack_ms: 0, status: None, body: payload.clone() });
        }
        drop(waiting.answer.send(payload));
    });
}

/// Bolt for JavaScript sends `"payload": {}` with every ack, and Slack takes it (slack.md section 6).
fn is_empty(payload: &Value) -> bool {
    payload.is_null() || payload.as_object().is_some_and(serde_json::Map::is_empty) || payload == ""
}

impl SlackWorld {
    /// How many sockets the app holds.
    pub fn sockets(&self) -> usize {
        self.state().sockets.len()
    }
}
