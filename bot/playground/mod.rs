//! Worlds that speak the wire protocols of Slack and Tailscale: the demo and the tests live in them.

pub mod demo;
pub mod golink;
pub mod slack;
pub mod tailnet;
pub mod tclip;
