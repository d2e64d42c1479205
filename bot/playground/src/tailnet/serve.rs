//! `tailscale serve` on the bot's machine: takes what visitors of the tailnet ask, says in headers who they are, and hands
//! it to the bot's unix socket.
//!
//! Visitors come from addresses of this machine; which device sits there is said with `sits_at`.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use super::TailnetWorld;
use super::door::Shared;

/// The largest paste is 3 MiB, and a form makes three bytes of one.
const BODY_LIMIT_BYTES: usize = 16 << 20;
/// Only it says these; what a visitor sends under such a name is taken away.
const ITS_OWN: [&str; 7] = [
    "tailscale-user-login",
    "tailscale-user-name",
    "tailscale-user-profile-pic",
    "tailscale-funnel-request",
    "tailscale-headers-info",
    "x-forwarded-for",
    "x-forwarded-host",
];
/// Of one connection and not of what is said on it.
const OF_THE_CONNECTION: [HeaderName; 4] =
    [header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH, header::HOST];
/// A longer text that is not ASCII comes in several words.
const WORD_BYTES_MAX: usize = 20;

/// Runs until it is dropped.
#[derive(Debug)]
pub struct Serving {
    /// Where visitors go.
    pub address: SocketAddr,
    _task: AbortOnDropHandle<()>,
}

#[derive(Clone)]
struct Front {
    shared: Arc<Shared>,
    http: reqwest::Client,
}

impl TailnetWorld {
    /// What `tailscale serve unix:SOCKET` does, on this port of 127.0.0.1 (0: any).
    ///
    /// # Errors
    /// If the port cannot be had.
    pub async fn serve(&self, socket: &Path, port: u16) -> io::Result<Serving> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        crate::tls();
        let http = reqwest::Client::builder()
            .unix_socket(socket)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tls_certs_only([])
            .build()
            .map_err(io::Error::other)?;
        let router = Router::new().fallback(forward).with_state(Front { shared: self.shared.clone(), http });
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, service).await {
                tracing::error!(%error, "the playground's tailscale serve closed");
            }
        });
        Ok(Serving { address, _task: AbortOnDropHandle::new(task) })
    }
}

async fn forward(
    State(front): State<Front>,
    ConnectInfo(visitor): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let mut headers = parts.headers;
    let host = headers.get(header::HOST).cloned();
    ITS_OWN.iter().for_each(|name| drop(headers.remove(*name)));
    OF_THE_CONNECTION.iter().for_each(|name| drop(headers.remove(name)));
    if let Some(host) = host {
        headers.insert("x-forwarded-host", host);
    }
    introduce(&front.shared, visitor, &mut headers).await;
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let call = front.http.request(parts.method, format!("http://localhost{path}")).headers(headers).body(body);
    let Ok(answer) = call.send().await else { return StatusCode::BAD_GATEWAY.into_response() };
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    OF_THE_CONNECTION.iter().for_each(|name| drop(headers.remove(name)));
    match answer.bytes().await {
        Ok(body) => (status, headers, Body::from(body)).into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

/// Who the visitor is. A device with tags has an address and nobody's name.
async fn introduce(shared: &Shared, visitor: SocketAddr, headers: &mut HeaderMap) {
    let _turn = shared.turn.lock().await;
    let inner = shared.lock();
    let machine = inner.at(&visitor.to_string(), visitor.ip());
    let address = machine.map_or_else(|| visitor.ip().to_string(), |machine| machine.ip());
    let mut say = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(&encoded(value)) {
            headers.insert(name, value);
        }
    };
    say("x-forwarded-for", &address);
    let Some(machine) = machine.filter(|machine| machine.tags.is_empty()) else { return };
    say("tailscale-user-login", &machine.user);
    if let Some(person) = inner.state.people.iter().find(|person| person.login == machine.user) {
        say("tailscale-user-name", &person.display_name);
    }
    say("tailscale-headers-info", "https://tailscale.com/s/serve-headers");
}

/// ASCII as it is; anything else in words of RFC 2047.
fn encoded(value: &str) -> String {
    if value.is_ascii() {
        return value.to_owned();
    }
    let mut words = vec![String::new()];
    for character in value.chars() {
        if words.last().is_some_and(|word| word.len() >= WORD_BYTES_MAX) {
            words.push(String::new());
        }
        let mut bytes = [0; 4];
        let coded = character.encode_utf8(&mut bytes).bytes().map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'@' | b'.' | b'-' => char::from(byte).to_string(),
            byte => format!("={byte:02X}"),
        });
        let coded: String = coded.collect();
        if let Some(word) = words.last_mut() {
            word.push_str(&coded);
        }
    }
    words.iter().map(|word| format!("=?utf-8?q?{word}?=")).collect::<Vec<_>>().join(" ")
}
