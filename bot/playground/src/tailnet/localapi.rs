//! The tailscaled of the machine the bot runs on: its `whois`, on a unix socket, as strict and as slow as the real one.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{RawQuery, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Map, Value, json};
use tokio::net::UnixListener;
use url::form_urlencoded;

use super::TailnetWorld;
use super::door::{Inner, Shared};
use super::state::{Machine, State};

/// What the real one waits for an address of its own machine, once for each protocol, before it says that nobody is there.
/// It looks five times in case a connection is only being made (its `proxymap`), and holds everybody else up meanwhile.
const LOOKING_FOR_ITSELF: Duration = Duration::from_millis(180);

/// A socket file that goes when the world goes.
#[derive(Debug)]
pub(super) struct Socket {
    path: PathBuf,
}

impl Drop for Socket {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.path));
    }
}

/// Binds a socket whose name nobody else of this machine uses: the world's port is in it.
pub(super) fn bind(port: u16) -> io::Result<(Socket, UnixListener)> {
    let path = std::env::temp_dir().join(format!("nightlatch-tailscaled-{port}.sock"));
    drop(std::fs::remove_file(&path));
    let listener = UnixListener::bind(&path)?;
    Ok((Socket { path }, listener))
}

impl Socket {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl TailnetWorld {
    /// What `tailscale.socket` is to be.
    pub fn socket(&self) -> &Path {
        self.socket.path()
    }

    /// From now on connections from this address (an IP, or an IP with a port) are this device's.
    pub fn sits_at(&self, address: &str, device: &str) {
        self.shared.lock().play.seats.insert(address.to_owned(), device.to_owned());
    }

    /// The tailnet address of a device.
    pub fn address(&self, device: &str) -> Option<String> {
        self.shared.lock().state.machine(device).map(Machine::ip)
    }

    /// Every address the machine's tailscaled was asked about, oldest first.
    pub fn asked_about(&self) -> Vec<String> {
        self.shared.lock().play.asked.clone()
    }

    /// Gives a device a capability on the machine the bot runs on, as an app grant in the tailnet policy file would.
    pub fn grant_capability(&self, device: &str, capability: &str, value: Value) {
        let mut inner = self.shared.lock();
        let granted = inner.play.capabilities.entry(device.to_owned()).or_default();
        let values = granted.entry(capability.to_owned()).or_insert_with(|| Value::Array(Vec::new()));
        if let Some(values) = values.as_array_mut() {
            values.push(value);
        }
    }
}

pub(super) fn router(shared: Arc<Shared>) -> Router {
    let whois = move |RawQuery(query): RawQuery| {
        let shared = shared.clone();
        async move { whois(&shared, &query.unwrap_or_default()).await }
    };
    Router::new().route("/localapi/v0/whois", get(whois)).layer(from_fn(guard))
}

/// No page in a browser may ask.
async fn guard(request: Request, next: Next) -> Response {
    let headers: &HeaderMap = request.headers();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if headers.contains_key(header::ORIGIN) || headers.contains_key(header::REFERER) {
        return (StatusCode::FORBIDDEN, "invalid localapi request\n").into_response();
    }
    if !matches!(host, "" | "local-tailscaled.sock") {
        return (StatusCode::FORBIDDEN, "invalid localapi request\n").into_response();
    }
    next.run(request).await
}

async fn whois(shared: &Shared, query: &str) -> Response {
    let refuse = |text: &'static str| (StatusCode::BAD_REQUEST, text).into_response();
    let field = |wanted: &str| form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == wanted);
    let Some((_, address)) = field("addr").filter(|(_, address)| !address.is_empty()) else {
        return refuse("missing 'addr' parameter\n");
    };
    let ip = match (address.parse::<std::net::SocketAddr>(), address.parse::<IpAddr>()) {
        (Ok(address), _) => address.ip(),
        (_, Ok(ip)) => ip,
        _ => return refuse("invalid 'addr' parameter\n"),
    };
    let _turn = shared.turn.lock().await;
    let found = {
        let mut inner = shared.lock();
        inner.play.asked.push(address.to_string());
        let machine = inner.at(&address, ip);
        machine.map(|machine| {
            let capabilities = inner.play.capabilities.get(machine.short_name());
            axum::Json(answer(&inner.state, machine, capabilities)).into_response()
        })
    };
    if found.is_none() && ip.is_loopback() {
        let protocols = if field("proto").is_some() { 1 } else { 2 };
        tokio::time::sleep(LOOKING_FOR_ITSELF * protocols).await;
    }
    found.unwrap_or_else(|| (StatusCode::NOT_FOUND, "no match for IP:port\n").into_response())
}

impl Inner {
    /// The device that sits at an address, an IP with or without a port.
    pub(super) fn at(&self, address: &str, ip: IpAddr) -> Option<&Machine> {
        let (seats, ip) = (&self.play.seats, ip.to_string());
        match seats.get(address).or_else(|| seats.get(&ip)) {
            Some(device) => self.state.machine(device),
            None => self.state.machines.iter().find(|machine| machine.ip() == ip),
        }
    }
}

fn answer(state: &State, machine: &Machine, capabilities: Option<&Map<String, Value>>) -> Value {
    let is_tagged = !machine.tags.is_empty();
    let person = state.people.iter().find(|person| person.login == machine.user).filter(|_| !is_tagged);
    let mut node = json!({
        "ID": machine.number,
        "StableID": machine.node_id,
        "Name": format!("{}.", machine.name),
        "User": 5001,
        "Addresses": [format!("{}/32", machine.ip())],
        "Hostinfo": { "OS": machine.os, "Hostname": machine.hostname },
        "Online": machine.is_connected,
        "ComputedName": machine.short_name(),
    });
    if let Some(node) = node.as_object_mut() {
        if is_tagged {
            node.insert("Tags".to_owned(), machine.tags.clone().into());
        }
        if machine.is_external {
            node.insert("Sharer".to_owned(), 5001.into());
            node.insert("Hostinfo".to_owned(), json!({ "OS": machine.os, "ShareeNode": true }));
        }
    }
    json!({
        "Node": node,
        "UserProfile": {
            "ID": 5001,
            "LoginName": person.map_or("tagged-devices", |person| &person.login),
            "DisplayName": person.map_or("Tagged Devices", |person| &person.display_name),
        },
        "CapMap": capabilities,
    })
}
