//! Addresses in the configuration: where we listen, and whom we call.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use url::{Host, Url};

/// Where we answer HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// An address of this machine; port 0 lets the system choose.
    Tcp(SocketAddr),
    /// A unix socket.
    Unix(PathBuf),
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// What is wrong with an address, and what to write instead.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct AddressError {
    pub message: String,
    pub help: String,
}

fn wrong<T>(message: impl Into<String>, help: impl Into<String>) -> Result<T, AddressError> {
    Err(AddressError { message: message.into(), help: help.into() })
}

/// Reads `127.0.0.1:7465`, `[::1]:7465`, `localhost:7465` or `unix:/path`.
///
/// Whoever reaches the port could try the doors we have, so it is on loopback or the tailnet unless the file insists.
pub(super) fn listen(key: &str, text: &str, folder: &Path, anywhere: bool) -> Result<Listen, AddressError> {
    const HELP: &str = "write 127.0.0.1:7465, this machine's tailnet address with a port, or unix:/path";
    if let Some(path) = text.strip_prefix("unix:") {
        // `sun_path` holds 107 bytes and a zero, see unix(7).
        return match folder.join(path) {
            _ if path.is_empty() => wrong(format!("`{key}` has no path after unix:"), HELP),
            path if path.as_os_str().len() > 107 => wrong(
                "the path of the unix socket is longer than 107 bytes",
                "choose a shorter one, like unix:/run/nightlatch.sock",
            ),
            path => Ok(Listen::Unix(path)),
        };
    }
    let named = text.replacen("localhost:", "127.0.0.1:", 1);
    let Ok(address) = named.parse::<SocketAddr>() else {
        return wrong(format!("`{key}` is not an address with a port"), HELP);
    };
    if anywhere || is_loopback(address.ip()) || is_tailnet(address.ip()) {
        return Ok(Listen::Tcp(address));
    }
    wrong(
        format!("`{key}` must be a loopback or tailnet address, {} is neither", address.ip()),
        "listen on 127.0.0.1 and let `tailscale serve` or a proxy forward; or insist with listen_anywhere: true",
    )
}

fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

/// 100.64.0.0/10 and fd7a:115c:a1e0::/48, the addresses Tailscale gives to devices.
fn is_tailnet(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => matches!(ip.octets(), [100, second, ..] if second & 0b1100_0000 == 64),
        IpAddr::V6(ip) => is_tailnet_v6(ip),
    }
}

fn is_tailnet_v6(ip: Ipv6Addr) -> bool {
    matches!(ip.segments(), [0xfd7a, 0x115c, 0xa1e0, ..])
}

/// Whether a URL names this machine, so that plain http to it crosses no network.
pub(super) fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => is_loopback(ip.into()),
        Some(Host::Ipv6(ip)) => is_loopback(ip.into()),
        None => false,
    }
}

/// Reads an http or https URL without user, query or fragment; a trailing slash is dropped where there is a path.
pub(super) fn web(key: &str, text: &str) -> Result<Url, AddressError> {
    let help = format!("write it like {}", example(key));
    let Ok(mut url) = Url::parse(text) else {
        return wrong(format!("`{key}` is not a URL"), help);
    };
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return wrong(format!("`{key}` must start with https://"), help);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return wrong(format!("`{key}` must not hold a user or password"), help);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong(format!("`{key}` must end with its path: no ? and no #"), help);
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// Like `web`, for a service that is sent secrets: https, or http to this machine.
pub(super) fn api(key: &str, text: &str) -> Result<Url, AddressError> {
    let url = web(key, text)?;
    if url.scheme() == "https" || is_here(&url) {
        return Ok(url);
    }
    wrong(
        format!("`{key}` must be https: tokens are sent there"),
        format!("write it like {}; plain http is for localhost only", example(key)),
    )
}

fn example(key: &str) -> &'static str {
    match key {
        "slack.api_url" => "https://slack.com/api",
        "tailscale.api_url" => "https://api.tailscale.com",
        "golink.url" => "http://go",
        "tclip.url" => "http://paste",
        _ => "https://nightlatch.example.ts.net",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_and_the_tailnet_are_listened_on() {
        for text in [
            "127.0.0.1:7465",
            "127.9.9.9:0",
            "localhost:7465",
            "[::1]:7465",
            "100.64.0.1:7465",
            "100.127.255.254:80",
            "[fd7a:115c:a1e0::1]:7465",
            "[::ffff:127.0.0.1]:1",
            "unix:/run/nightlatch.sock",
        ] {
            assert!(listen("listen", text, Path::new("/etc"), false).is_ok(), "{text}");
        }
        for text in [
            "0.0.0.0:7465",
            "[::]:7465",
            "100.128.0.1:1",
            "100.63.255.255:1",
            "192.168.1.4:80",
            "[fd7a:115c:a1e1::1]:1",
        ] {
            assert!(listen("listen", text, Path::new("/etc"), false).is_err(), "{text}");
            assert!(listen("listen", text, Path::new("/etc"), true).is_ok(), "{text}");
        }
        for text in ["", "7465", "127.0.0.1", "example.com:80", "unix:", "127.0.0.1:70000"] {
            assert!(listen("listen", text, Path::new("/etc"), true).is_err(), "{text}");
        }
        assert!(listen("listen", &format!("unix:/{}", "x".repeat(107)), Path::new("/"), false).is_err());
    }

    #[test]
    fn tokens_are_not_sent_in_the_clear() {
        for text in ["https://slack.com/api", "http://127.0.0.1:9/api", "http://localhost:9", "http://[::1]:9/"] {
            assert!(api("slack.api_url", text).is_ok(), "{text}");
        }
        for text in [
            "http://slack.com/api",
            "http://127.0.0.1.example.com/",
            "http://localhost.example.com",
            "https://user:pass@slack.com",
            "https://slack.com/api?x=1",
            "ftp://slack.com",
            "slack.com/api",
            "",
        ] {
            assert!(api("slack.api_url", text).is_err(), "{text}");
        }
        assert_eq!(
            api("slack.api_url", "https://slack.com/api/").map(String::from),
            Ok("https://slack.com/api".into())
        );
    }
}
