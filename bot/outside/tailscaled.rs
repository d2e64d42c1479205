//! The tailscaled of this machine, over its unix socket: who is behind an address of the tailnet.
//!
//! Facts: Tailscale's `ipn/localapi` and `client/local`. Any `Origin` or `Referer` header would be answered with 403.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::net::UnixStream;

use super::contacts::Contacts;

/// It is on this machine and answers from memory.
const CALL_LIMIT: Duration = Duration::from_secs(1);
/// Connections that nobody uses are closed soon and kept in small number: files may be scarce.
const IDLE_LIMIT: Duration = Duration::from_secs(15);
const IDLE_MAX: usize = 8;
/// A node with all its capabilities is a few kilobytes.
const ANSWER_LIMIT_BYTES: usize = 1 << 20;

/// The local tailscaled. Clones share the connections.
#[derive(Clone, Debug)]
pub struct Tailscaled {
    http: reqwest::Client,
    socket: Arc<Path>,
    contacts: Contacts,
}

/// Who is behind an address. What the tailnet says, never what they say themselves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Peer {
    /// `alice@example.com`; `tagged-devices` for a device with tags.
    pub login: String,
    /// For people; decides nothing.
    pub name: String,
    /// The device's short name.
    pub device: String,
    /// The device belongs to its tags and to nobody.
    pub is_tagged: bool,
    /// The device is of another tailnet; its user looks like one of ours and is not.
    pub is_shared_in: bool,
    /// What the tailnet policy file grants them on this machine, by the name of the capability.
    pub capabilities: Map<String, Value>,
}

/// Why it is not known who is behind an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TailscaledError {
    /// The client could not be made.
    #[error("cannot make a client for tailscaled: {0}")]
    Setup(String),
    /// Nobody answers on the socket, or not in time.
    #[error("tailscaled does not answer; is it running, and may this user open tailscale.socket?")]
    Unreachable,
    /// We may not ask.
    #[error("tailscaled does not tell us who is behind an address (http status {0}); see `tailscale set --operator`")]
    Denied(u16),
    /// Something we do not understand.
    #[error("tailscaled answered something we do not understand")]
    Malformed,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Whois {
    node: Node,
    user_profile: Profile,
    #[serde(default)]
    cap_map: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Node {
    #[serde(default)]
    name: String,
    #[serde(default)]
    computed_name: String,
    #[serde(default)]
    sharer: i64,
    #[serde(default)]
    tags: Option<Vec<String>>,
    #[serde(default)]
    expired: bool,
    #[serde(default)]
    hostinfo: Option<Hostinfo>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Hostinfo {
    #[serde(default)]
    sharee_node: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Profile {
    #[serde(default)]
    login_name: String,
    #[serde(default)]
    display_name: String,
}

impl Tailscaled {
    /// Over the socket at this path. Calls nobody.
    ///
    /// # Errors
    /// Only if no HTTP client can be made.
    pub fn new(socket: &Path) -> Result<Self, TailscaledError> {
        super::tls();
        let http = reqwest::Client::builder()
            .unix_socket(socket)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(CALL_LIMIT)
            .pool_idle_timeout(IDLE_LIMIT)
            .pool_max_idle_per_host(IDLE_MAX)
            .tls_certs_only([])
            .build();
        let http = http.map_err(|error| TailscaledError::Setup(error.to_string()))?;
        Ok(Self { http, socket: socket.into(), contacts: Contacts::default() })
    }

    /// The same, and what comes of its calls is told to `contacts`.
    #[must_use]
    pub fn telling(self, contacts: Contacts) -> Self {
        Self { contacts, ..self }
    }

    /// Why nobody who opens a page can be recognised just now.
    pub async fn trouble(&self) -> Option<TailscaledError> {
        let connected = tokio::time::timeout(CALL_LIMIT, UnixStream::connect(&self.socket)).await;
        if matches!(connected, Ok(Ok(_))) { None } else { Some(TailscaledError::Unreachable) }
    }

    /// The user that tailscaled runs as, by its socket; nothing while it does not run.
    pub async fn user(&self) -> Option<u32> {
        let connected = tokio::time::timeout(CALL_LIMIT, UnixStream::connect(&self.socket)).await;
        Some(connected.ok()?.ok()?.peer_cred().ok()?.uid())
    }

    /// Who is behind `address` (with port 0: behind its IP); nothing if the tailnet knows nobody there. For an address of
    /// this machine nobody is asked: tailscaled would look for it five times over, with pauses, and let everybody else wait.
    ///
    /// # Errors
    /// tailscaled did not say, within a second.
    pub async fn whois(&self, address: SocketAddr) -> Result<Option<Peer>, TailscaledError> {
        let ip = address.ip().to_canonical();
        if ip.is_loopback() || ip.is_unspecified() {
            return Ok(None);
        }
        let address = match address.port() {
            0 => ip.to_string(),
            port => SocketAddr::new(ip, port).to_string(),
        };
        let call = self.http.get("http://local-tailscaled.sock/localapi/v0/whois").query(&[("addr", &address)]);
        let one = self.contacts.call("tailscaled");
        let sent = call.send().await;
        one.came_of(&sent);
        let mut answer = sent.map_err(|_| TailscaledError::Unreachable)?;
        match answer.status().as_u16() {
            200 => {}
            404 => return Ok(None),
            status => return Err(TailscaledError::Denied(status)),
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|_| TailscaledError::Unreachable)? {
            body.extend_from_slice(&chunk);
            if body.len() > ANSWER_LIMIT_BYTES {
                return Err(TailscaledError::Malformed);
            }
        }
        let whois: Whois = serde_json::from_slice(&body).map_err(|_| TailscaledError::Malformed)?;
        Ok(whois.into_peer())
    }
}

impl Whois {
    /// A node whose key ran out is nobody.
    fn into_peer(self) -> Option<Peer> {
        let Self { node, user_profile, cap_map } = self;
        let device = if node.computed_name.is_empty() { node.name } else { node.computed_name };
        (!node.expired).then(|| Peer {
            login: user_profile.login_name,
            name: user_profile.display_name,
            device: device.split('.').next().unwrap_or_default().to_owned(),
            is_tagged: node.tags.is_some_and(|tags| !tags.is_empty()),
            is_shared_in: node.sharer != 0 || node.hostinfo.is_some_and(|host| host.sharee_node),
            capabilities: cap_map.unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> Option<Peer> {
        serde_json::from_str::<Whois>(text).expect("an answer").into_peer()
    }

    #[test]
    fn people_tagged_devices_and_strangers_are_told_apart() {
        let alice = peer(
            r#"{"Node":{"Name":"laptop.example.ts.net.","ComputedName":"laptop"},"CapMap":{"a/cap":[{"admin":true}]},
                "UserProfile":{"LoginName":"alice@example.com","DisplayName":"Alice"}}"#,
        );
        let alice = alice.expect("somebody");
        assert_eq!((alice.login.as_str(), alice.device.as_str()), ("alice@example.com", "laptop"));
        assert!(!alice.is_tagged && !alice.is_shared_in && alice.capabilities.contains_key("a/cap"));
        let tagged = r#"{"Node":{"Tags":["tag:ci"]},"UserProfile":{"LoginName":"tagged-devices"},"CapMap":null}"#;
        assert!(peer(tagged).expect("a device").is_tagged);
        for shared in [r#"{"Sharer":7}"#, r#"{"Hostinfo":{"ShareeNode":true}}"#] {
            let text = format!(r#"{{"Node":{shared},"UserProfile":{{"LoginName":"x@partner.example"}}}}"#);
            assert!(peer(&text).expect("somebody").is_shared_in, "{shared}");
        }
        assert_eq!(peer(r#"{"Node":{"Expired":true},"UserProfile":{"LoginName":"a@b.c"}}"#), None);
    }
}
