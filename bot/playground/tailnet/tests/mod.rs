//! The real client in the world, and the world as somebody else's client would find it.

use std::time::Duration;

use super::*;
use crate::outside::tailscale::{Credential, Tailscale, TailscaleSettings};

mod client;
mod client_broken;
mod pace;
mod policy;
mod step;
mod strict;
mod whois;

/// 2026-01-01T00:00:00Z.
const START_AT: i64 = 1_767_225_600_000;
const KEY: &str = "custom:jit_prod_db";

async fn world() -> (TailnetWorld, Clock) {
    let clock = Clock::manual(START_AT);
    (TailnetWorld::start(clock.clone()).await.expect("a free port"), clock)
}

fn oauth(world: &TailnetWorld) -> Credential {
    Credential::ClientCredentials { client_id: world.client_id(), secret: world.client_secret() }
}

fn client(world: &TailnetWorld, clock: &Clock) -> Tailscale {
    client_with(world, clock, oauth(world), Duration::from_secs(10))
}

fn client_with(world: &TailnetWorld, clock: &Clock, credential: Credential, call_limit: Duration) -> Tailscale {
    let settings = TailscaleSettings { call_limit, ..TailscaleSettings::new(world.url(), credential) };
    Tailscale::new(settings, clock.clone()).expect("a client")
}

fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}
