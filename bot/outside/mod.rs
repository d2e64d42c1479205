//! One file per service we call; base URLs inside, no traits.

use std::sync::Once;

pub mod golink;
pub mod net;
pub mod slack;
pub mod tailscale;
pub mod tailscaled;
pub mod tclip;

/// Makes ring the process's TLS provider; call it before building any HTTP client. Safe to call again, and when somebody
/// else chose a provider first, theirs stays.
pub fn tls() {
    static CHOSEN: Once = Once::new();
    CHOSEN.call_once(|| {
        // An error only says that a provider is there already, which is all we want.
        drop(rustls::crypto::ring::default_provider().install_default());
    });
}
