//! Who is at the other end of a connection, known by the tailnet and never by what they say.
//!
//! A peer that connects to our tailnet address is asked about at tailscaled. `tailscale serve` tells in headers whom it
//! forwards for; they are believed only on our unix socket, from a process of root, of tailscaled's user or of our own:
//! whoever reaches a TCP port, through a plain TCP forward too, can send any header. A loopback address is never asked
//! about: tailscaled knows nobody there, and everything else waits while it looks.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::http::{Extensions, HeaderMap, header};
use serde_json::Value;

use crate::outside::tailscaled::{Peer, Tailscaled, TailscaledError};

/// Set by `tailscale serve` for a person of the tailnet, and by it alone.
const LOGIN: &str = "tailscale-user-login";
/// Set by `tailscale funnel` for everybody on the internet.
const FUNNEL: &str = "tailscale-funnel-request";
const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_HOST: &str = "x-forwarded-host";
/// What forwarders add. Whoever sends one of them is no browser or program of this machine.
const FORWARDED: &[&str] =
    &[FORWARDED_FOR, FORWARDED_HOST, "x-forwarded-proto", "forwarded", "x-real-ip", "via", LOGIN];

/// How a request reached us; the listener puts it into its extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// Over TCP, from this address.
    Tcp(SocketAddr),
    /// Over our unix socket, from a process of this user; nothing if the system did not say.
    Unix(Option<u32>),
}

/// Who calls.
#[derive(Clone, Debug, PartialEq)]
pub enum Caller {
    /// A person of this tailnet, on a device of their own.
    Person(Peer),
    /// A device that belongs to its tags: reads, and changes nothing.
    Tagged,
    /// A device of another tailnet that was shared in, or somebody whom something forwards for and the tailnet does not know.
    Outsider,
    /// Somebody on the internet, through Funnel.
    Internet,
    /// A browser that was led here under a name that is not ours: a site can let its own name lead to our address, and
    /// its page would then act and read here as whoever looks at it.
    Misled,
    /// Said to be a person of this tailnet by something that reached us where anybody could say so: reads, and changes nothing.
    Unproven,
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
            Self::Person(_) | Self::Tagged | Self::Unproven | Self::Unknown => None,
        }
    }

    /// Why they change nothing, for those who may look.
    pub fn why_nobody(&self) -> &'static str {
        match self {
            Self::Tagged => "a device with tags belongs to nobody",
            Self::Unproven => {
                "who you are cannot be proved where this server listens; whoever runs it can let it listen on \
                 unix:/path behind `tailscale serve`"
            }
            _ => "the tailnet does not know you here",
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
    /// The host people reach us by, in lower case, if the configuration says it.
    host: Option<Arc<str>>,
    /// Something forwards Slack's calls from the internet to where our pages are: an unknown caller may be anybody.
    faces_internet: bool,
}

/// What is known of who sent the headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sender {
    /// Something that may speak for others: `tailscale serve`, or whoever could read our database anyway.
    Trusted,
    /// Some process of this machine, or whatever it forwards.
    Local,
    /// This address of the tailnet, or of another network if we listen there.
    Peer(SocketAddr),
}

impl Identity {
    /// `host`: the name people reach us by, where it is known. `faces_internet`: Slack's calls arrive where the pages are.
    pub fn new(tailscaled: Tailscaled, host: Option<&str>, faces_internet: bool) -> Self {
        Self { tailscaled, host: host.map(|host| host.to_lowercase().into()), faces_internet }
    }

    /// Who sent a request with these headers and extensions.
    ///
    /// # Errors
    /// tailscaled did not say; nobody may be taken for anybody then.
    pub async fn of(&self, headers: &HeaderMap, extensions: &Extensions) -> Result<Caller, TailscaledError> {
        if is_from_internet(headers) {
            return Ok(Caller::Internet);
        }
        if !is_ours(name_they_came_by(headers, extensions), self.host.as_deref()) {
            return Ok(Caller::Misled);
        }
        match self.sender(extensions).await {
            Sender::Peer(address) => Ok(match self.tailscaled.whois(address).await? {
                Some(peer) => caller(peer),
                None if is_tailnet(address.ip()) => Caller::Unknown,
                None => Caller::Outsider,
            }),
            sender => self.forwarded(headers, sender).await,
        }
    }

    async fn sender(&self, extensions: &Extensions) -> Sender {
        match extensions.get::<Reached>() {
            Some(Reached::Tcp(address)) if !address.ip().to_canonical().is_loopback() => Sender::Peer(*address),
            Some(Reached::Unix(Some(user))) if self.may_speak_for_others(*user).await => Sender::Trusted,
            _ => Sender::Local,
        }
    }

    async fn may_speak_for_others(&self, user: u32) -> bool {
        user == 0 || user == rustix::process::geteuid().as_raw() || self.tailscaled.user().await == Some(user)
    }

    /// Whom a process of this machine speaks for.
    async fn forwarded(&self, headers: &HeaderMap, sender: Sender) -> Result<Caller, TailscaledError> {
        if !FORWARDED.iter().any(|name| headers.contains_key(*name)) {
            let may_be_anybody = sender == Sender::Local && self.faces_internet;
            return Ok(if may_be_anybody { Caller::Outsider } else { Caller::Unknown });
        }
        let Some(ip) = forwarded_for(headers) else { return Ok(Caller::Outsider) };
        let Some(peer) = self.tailscaled.whois((ip, 0).into()).await? else { return Ok(Caller::Outsider) };
        let login = peer.login.to_lowercase();
        Ok(match caller(peer) {
            // Who sends the headers may have made them up, so they can only take away.
            Caller::Person(_) if sender != Sender::Trusted => Caller::Unproven,
            // The one whose device it is must be the one the header names: else one of the two is made up.
            Caller::Person(_) if login_said(headers).as_ref() != Some(&login) => Caller::Unknown,
            caller => caller,
        })
    }
}

/// Whether Funnel let it in; known without asking anybody.
pub fn is_from_internet(headers: &HeaderMap) -> bool {
    headers.contains_key(FUNNEL)
}

/// The name in the browser's address line. `tailscale serve` in front of a unix socket says it in a header of its own,
/// which nobody else is heard with.
pub(super) fn name_they_came_by<'h>(headers: &'h HeaderMap, extensions: &Extensions) -> Option<&'h str> {
    let is_behind_serve = matches!(extensions.get::<Reached>(), Some(Reached::Unix(_)));
    let forwarded = is_behind_serve && headers.contains_key(FORWARDED_HOST);
    let mut names = headers.get_all(if forwarded { FORWARDED_HOST } else { header::HOST.as_str() }).iter();
    let name = names.next()?;
    // Two names, or one that is no text, are nobody's.
    Some(name.to_str().ok().filter(|_| names.next().is_none()).unwrap_or("."))
}

/// Whether the name a browser came by can be ours. An address in digits, a name without a dot (`go`, `localhost`) and
/// MagicDNS names can belong to no other site; programs may name none at all.
fn is_ours(host: Option<&str>, known: Option<&str>) -> bool {
    let Some(host) = host else { return true };
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|digit| digit.is_ascii_digit()));
    let name = name.map_or(host, |(name, _)| name);
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let is_address = name.parse::<IpAddr>().is_ok() || name.starts_with('[');
    let is_single = !name.contains('.') && (!name.is_empty() || host.is_empty());
    is_address || is_single || name.ends_with(".ts.net") || known == Some(name.as_str())
}

fn caller(peer: Peer) -> Caller {
    match peer {
        Peer { is_shared_in: true, .. } => Caller::Outsider,
        Peer { is_tagged: true, .. } => Caller::Tagged,
        peer if peer.login.is_empty() || peer.login == "tagged-devices" => Caller::Unknown,
        peer => Caller::Person(peer),
    }
}

/// The tailnet address in what a forwarder adds; nothing if it is another, or several.
fn forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    let ip: IpAddr = only(headers, FORWARDED_FOR)?.parse().ok()?;
    is_tailnet(ip).then_some(ip)
}

/// The login in lower case that `tailscale serve` adds for a person.
fn login_said(headers: &HeaderMap) -> Option<String> {
    Some(decoded(&only(headers, LOGIN)?)?.to_lowercase())
}

fn only(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?.trim().to_owned();
    values.next().is_none().then_some(value).filter(|value| !value.is_empty())
}

/// 100.64.0.0/10 and fd7a:115c:a1e0::/48, the addresses Tailscale gives out.
fn is_tailnet(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => matches!(ip.octets(), [100, second, ..] if second & 0xc0 == 64),
        IpAddr::V6(ip) => matches!(ip.segments(), [0xfd7a, 0x115c, 0xa1e0, ..]),
    }
}

/// What is not ASCII comes in RFC 2047 words, a long one in several: `=?utf-8?q?J=C3=BC?= =?utf-8?q?rgen?=`.
fn decoded(value: &str) -> Option<String> {
    if !value.starts_with("=?") {
        return Some(value.to_owned());
    }
    let mut bytes = Vec::with_capacity(value.len());
    for word in value.split_ascii_whitespace() {
        let word = word.strip_prefix("=?")?.strip_suffix("?=")?;
        let (start, text) = word.split_at_checked("utf-8?q?".len())?;
        if !start.eq_ignore_ascii_case("utf-8?q?") {
            return None;
        }
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
        let read = |map: &HeaderMap| Some(format!("{} {}", login_said(map)?, forwarded_for(map)?));
        let good = [(LOGIN, "Ops1@example.com"), (FORWARDED_FOR, "100.64.0.11")];
        assert_eq!(read(&headers(&good)).as_deref(), Some("ops1@example.com 100.64.0.11"));
        let coded = [(LOGIN, "=?utf-8?q?J=C3=BCrgen@example.com?="), (FORWARDED_FOR, "fd7a:115c:a1e0::b")];
        assert_eq!(read(&headers(&coded)).as_deref(), Some("jürgen@example.com fd7a:115c:a1e0::b"));
        let long = [(LOGIN, "=?utf-8?q?J=C3=BC?= =?utf-8?q?rgen@example.com?="), (FORWARDED_FOR, "100.64.0.11")];
        assert_eq!(read(&headers(&long)).as_deref(), Some("jürgen@example.com 100.64.0.11"));
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
            assert_eq!(read(&map), None, "{bad:?}");
        }
    }

    #[test]
    fn a_site_that_lets_its_name_lead_here_is_not_taken_for_us() {
        let ours = |host: &str| is_ours(Some(host), Some("lock.acme.example"));
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
            ".",
        ] {
            assert!(!ours(bad), "{bad}");
        }
        let nowhere = Extensions::new();
        assert!(is_ours(name_they_came_by(&HeaderMap::new(), &nowhere), None));
        let mut two = headers(&[("host", "go")]);
        two.append("host", "evil.example".parse().unwrap());
        assert!(!is_ours(name_they_came_by(&two, &nowhere), None));
    }

    #[test]
    fn a_name_in_another_header_counts_where_only_serve_reaches_us() {
        let mut behind = Extensions::new();
        behind.insert(Reached::Unix(None));
        let mut open = Extensions::new();
        open.insert(Reached::Tcp(([127, 0, 0, 1], 9).into()));
        let both = headers(&[("host", "localhost"), (FORWARDED_HOST, "go")]);
        assert_eq!(name_they_came_by(&both, &behind), Some("go"));
        assert_eq!(name_they_came_by(&both, &open), Some("localhost"));
        assert_eq!(name_they_came_by(&headers(&[("host", "go")]), &behind), Some("go"));
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
