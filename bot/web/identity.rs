//! Who is at the other end of a connection, known by the tailnet and never by what they say.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap, header};
use serde_json::Value;

use crate::outside::tailscaled::{Peer, Tailscaled, TailscaledError};

/// Set by `tailscale serve` for a person of the tailnet, and by it alone.
const LOGIN: &str = "tailscale-user-login";
/// Set by `tailscale funnel` for everybody on the internet.
const FUNNEL: &str = "tailscale-funnel-request";
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Who calls.
#[derive(Clone, Debug, PartialEq)]
pub enum Caller {
    /// A person of this tailnet, on a device of their own.
    Person(Peer),
    /// A device that belongs to its tags: reads, and changes nothing.
    Tagged,
    /// A device of another tailnet that was shared in.
    Outsider,
    /// Somebody on the internet, through Funnel.
    Internet,
    /// A browser that was led here under a name that is not ours: a site can let its own name lead to our address, and
    /// its page would then act and read here as whoever looks at it.
    Misled,
    /// Nobody the tailnet knows: a process of this machine, for example.
    Unknown,
}

impl Caller {
    /// Why they may not look at what belongs to everybody in the tailnet; nothing if they may.
    pub fn refusal(&self) -> Option<&'static str> {
        match self {
            Self::Outsider | Self::Internet => Some("this is for the people of this tailnet"),
            Self::Misled => Some(
                "this server is not known by the name in your address line; come by its own, or let `url:` in its \
                 configuration say this one",
            ),
            Self::Person(_) | Self::Tagged | Self::Unknown => None,
        }
    }

    /// The person, if it is one of ours.
    pub fn person(&self) -> Option<&Peer> {
        match self {
            Self::Person(peer) => Some(peer),
            _ => None,
        }
    }
}

impl Peer {
    /// Whether one of the values the capability has is an object with `"admin": true`.
    pub fn is_admin(&self, capability: &str) -> bool {
        let values = self.capabilities.get(capability).and_then(Value::as_array);
        values.is_some_and(|values| values.iter().any(|value| value.get("admin") == Some(&Value::Bool(true))))
    }
}

/// Finds out who calls. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Identity {
    tailscaled: Tailscaled,
    /// Only when nobody but this machine reaches us: anybody who reaches the port could send headers.
    reads_headers: bool,
    /// The host people reach us by, in lower case, if the configuration says it.
    host: Option<Arc<str>>,
}

impl Identity {
    /// `is_local`: we listen on loopback or a unix socket. `host`: the name people reach us by, where it is known.
    pub fn new(tailscaled: Tailscaled, is_local: bool, host: Option<&str>) -> Self {
        Self { tailscaled, reads_headers: is_local, host: host.map(|host| host.to_lowercase().into()) }
    }

    /// Who sent a request with these headers and extensions.
    ///
    /// # Errors
    /// tailscaled did not say; nobody may be taken for anybody then.
    pub async fn of(&self, headers: &HeaderMap, extensions: &Extensions) -> Result<Caller, TailscaledError> {
        if is_from_internet(headers) {
            return Ok(Caller::Internet);
        }
        if !is_ours(headers, self.host.as_deref()) {
            return Ok(Caller::Misled);
        }
        let address = extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| *address);
        if let Some(address) = address
            && let Some(peer) = self.tailscaled.whois(&address.to_string()).await?
        {
            return Ok(caller(peer));
        }
        let is_local = address.is_none_or(|address| address.ip().is_loopback());
        match forwarded(headers).filter(|_| is_local && self.reads_headers) {
            Some((login, ip)) => match self.tailscaled.whois(&ip.to_string()).await? {
                // The one whose device it is must be the one the header names: else one of the two is made up.
                Some(peer) if peer.login.to_lowercase() == login => Ok(caller(peer)),
                _ => Ok(Caller::Unknown),
            },
            None => Ok(Caller::Unknown),
        }
    }
}

/// Whether Funnel let it in; known without asking anybody.
pub fn is_from_internet(headers: &HeaderMap) -> bool {
    headers.contains_key(FUNNEL)
}

/// Whether the name a browser came by can be ours. An address in digits, a name without a dot (`go`, `localhost`) and
/// MagicDNS names can belong to no other site; programs may name none at all.
fn is_ours(headers: &HeaderMap, known: Option<&str>) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let Some(host) = hosts.next() else { return true };
    let Some(host) = host.to_str().ok().filter(|_| hosts.next().is_none()) else { return false };
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|digit| digit.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name).trim_end_matches('.').to_ascii_lowercase();
    let is_address = name.parse::<IpAddr>().is_ok() || name.starts_with('[');
    is_address || !name.contains('.') || name.ends_with(".ts.net") || known == Some(name.as_str())
}

fn caller(peer: Peer) -> Caller {
    match peer {
        Peer { is_shared_in: true, .. } => Caller::Outsider,
        Peer { is_tagged: true, .. } => Caller::Tagged,
        peer if peer.login.is_empty() || peer.login == "tagged-devices" => Caller::Unknown,
        peer => Caller::Person(peer),
    }
}

/// The login in lower case and the tailnet address in what `tailscale serve` adds; nothing if it does not fit together.
fn forwarded(headers: &HeaderMap) -> Option<(String, IpAddr)> {
    let only = |name: &str| {
        let mut values = headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?.trim().to_owned();
        values.next().is_none().then_some(value).filter(|value| !value.is_empty())
    };
    let login = decoded(&only(LOGIN)?)?.to_lowercase();
    let ip: IpAddr = only(FORWARDED_FOR)?.parse().ok()?;
    is_tailnet(ip).then_some((login, ip))
}

/// 100.64.0.0/10 and fd7a:115c:a1e0::/48, the addresses Tailscale gives out.
fn is_tailnet(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => matches!(ip.octets(), [100, second, ..] if second & 0xc0 == 64),
        IpAddr::V6(ip) => matches!(ip.segments(), [0xfd7a, 0x115c, 0xa1e0, ..]),
    }
}

/// What is not ASCII comes as one RFC 2047 word: `=?utf-8?q?J=C3=BCrgen?=`.
fn decoded(value: &str) -> Option<String> {
    let Some(word) = value.strip_prefix("=?").and_then(|word| word.strip_suffix("?=")) else {
        return Some(value.to_owned());
    };
    let (start, text) = word.split_at_checked("utf-8?q?".len())?;
    if !start.eq_ignore_ascii_case("utf-8?q?") {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'_' => b' ',
            b'=' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn headers_count_only_when_they_fit_together() {
        let read = |pairs| forwarded(&headers(pairs)).map(|(login, ip)| format!("{login} {ip}"));
        let good = [(LOGIN, "Ops1@example.com"), (FORWARDED_FOR, "100.64.0.11")];
        assert_eq!(read(&good).as_deref(), Some("ops1@example.com 100.64.0.11"));
        let coded = [(LOGIN, "=?utf-8?q?J=C3=BCrgen@example.com?="), (FORWARDED_FOR, "fd7a:115c:a1e0::b")];
        assert_eq!(read(&coded).as_deref(), Some("jürgen@example.com fd7a:115c:a1e0::b"));
        for bad in [
            vec![(LOGIN, "ops1@example.com")],
            vec![(FORWARDED_FOR, "100.64.0.11")],
            vec![(LOGIN, "ops1@example.com"), (FORWARDED_FOR, "203.0.113.9")],
            vec![(LOGIN, "ops1@example.com"), (FORWARDED_FOR, "100.64.0.11, 127.0.0.1")],
            vec![(LOGIN, "a@x.com"), (LOGIN, "b@x.com"), (FORWARDED_FOR, "100.64.0.11")],
            vec![(LOGIN, "=?latin1?q?a?="), (FORWARDED_FOR, "100.64.0.11")],
        ] {
            // `collect` keeps one of several; they are appended here.
            let mut map = HeaderMap::new();
            for (name, value) in &bad {
                map.append(*name, value.parse().unwrap());
            }
            assert_eq!(forwarded(&map), None, "{bad:?}");
        }
    }

    #[test]
    fn a_site_that_lets_its_name_lead_here_is_not_taken_for_us() {
        let ours = |host: &str| is_ours(&headers(&[("host", host)]), Some("lock.acme.example"));
        for good in [
            "go",
            "localhost:8080",
            "127.0.0.1:8080",
            "[::1]:80",
            "100.64.0.9",
            "a.tail1.ts.net",
            "Lock.Acme.example:443",
        ] {
            assert!(ours(good), "{good}");
        }
        for bad in [
            "evil.example",
            "evil.example:8080",
            "ts.net.evil.example",
            "127.0.0.1.evil.example",
            "evilts.net",
            "lock.acme.example.evil",
        ] {
            assert!(!ours(bad), "{bad}");
        }
        assert!(is_ours(&HeaderMap::new(), None));
        let mut two = headers(&[("host", "go")]);
        two.append("host", "evil.example".parse().unwrap());
        assert!(!is_ours(&two, None));
    }

    #[test]
    fn an_admin_is_one_by_capability_alone() {
        let peer = |value: Value| Peer {
            capabilities: serde_json::Map::from_iter([("a/cap".to_owned(), value)]),
            ..Peer::default()
        };
        assert!(peer(serde_json::json!([{}, {"admin": true}])).is_admin("a/cap"));
        for not in [serde_json::json!([{"admin": "true"}]), serde_json::json!({"admin": true}), Value::Null] {
            assert!(!peer(not.clone()).is_admin("a/cap"), "{not}");
        }
    }
}
