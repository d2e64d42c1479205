//! One file per service we call; base URLs inside, no traits.

use std::sync::Once;

pub mod contacts;
pub mod git;
pub mod golink;
pub mod guarded;
pub mod net;
pub mod programs;
pub mod slack;
pub mod tailscale;
pub mod tailscaled;
pub mod tclip;

/// What somebody is told who asked for something that only an admin can set right. What exactly is wrong stands in the log and at `/readyz`.
pub const ADMIN: &str = "tell an admin; it is not your fault, and the bot's log and /readyz say what is wrong";
/// The same for what stands in the log only.
pub const ADMIN_IN_LOG: &str = "tell an admin; it is not your fault, and the bot's log says what to do";

/// Whether an address is on this machine: no proxy can reach it. Everywhere else golink and tclip are called as every program
/// calls anybody, through the proxy that `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` name, if they do.
fn is_loopback(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Makes ring the process's TLS provider; call it before building any HTTP client. Safe to call again, and when somebody
/// else chose a provider first, theirs stays.
pub fn tls() {
    static CHOSEN: Once = Once::new();
    CHOSEN.call_once(|| {
        // An error only says that a provider is there already, which is all we want.
        drop(rustls::crypto::ring::default_provider().install_default());
    });
}
