//! Worlds that speak the wire protocols of Slack and Tailscale: the demo and the tests live in them.

#![cfg_attr(not(test), deny(clippy::string_slice, reason = "people type characters of several bytes"))]

pub mod demo;
pub mod golink;
pub mod service;
pub mod slack;
pub mod tailnet;
pub mod tclip;

use axum::http::HeaderValue;
use axum::http::header::DATE;
use axum::middleware::map_response;
use axum::response::Response;

use nightlatch_clock::Clock;

/// The process's TLS provider, which every HTTP client needs. Somebody else's choice stays.
fn tls() {
    // An error only says that there is one already.
    drop(rustls::crypto::ring::default_provider().install_default());
}

/// The same world, whose answers tell the time as those of real services do: that of `clock`, which somebody may have moved.
fn dated(router: axum::Router, clock: Clock) -> axum::Router {
    router.layer(map_response(move |mut response: Response| {
        let now = jiff::Timestamp::from_millisecond(clock.now_ms()).unwrap_or_default();
        async move {
            let text = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now);
            if let Some(date) = text.ok().and_then(|text| HeaderValue::from_str(&text).ok()) {
                response.headers_mut().entry(DATE).or_insert(date);
            }
            response
        }
    }))
}
