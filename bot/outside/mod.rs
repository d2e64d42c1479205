//! One file per service we call; base URLs inside, no traits.

pub mod slack;
pub mod tailscale;
