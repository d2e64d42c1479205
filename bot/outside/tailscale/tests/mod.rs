//! The client in the playground's tailnet, on good and bad days.

use std::time::Duration;

use super::{Credential, Tailscale, TailscaleSettings};
use crate::clock::Clock;
pub(crate) use crate::playground::tailnet::{Endpoint, Fault, TailnetWorld};

mod client;
mod client_broken;
mod pace;

/// 2026-01-01T00:00:00Z.
pub(crate) const START_AT: i64 = 1_767_225_600_000;
pub(crate) const KEY: &str = "custom:jit_prod_db";

pub(crate) async fn world() -> (TailnetWorld, Clock) {
    let clock = Clock::manual(START_AT);
    (TailnetWorld::start(clock.clone()).await.expect("a free port"), clock)
}

fn oauth(world: &TailnetWorld) -> Credential {
    Credential::ClientCredentials { client_id: world.client_id(), secret: world.client_secret() }
}

pub(crate) fn client(world: &TailnetWorld, clock: &Clock) -> Tailscale {
    client_with(world, clock, oauth(world), Duration::from_secs(10))
}

fn client_with(world: &TailnetWorld, clock: &Clock, credential: Credential, call_limit: Duration) -> Tailscale {
    let settings = TailscaleSettings { call_limit, ..TailscaleSettings::new(world.url(), credential) };
    Tailscale::new(settings, clock.clone()).expect("a client")
}

fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

#[test]
fn calls_can_be_made_from_any_task() {
    fn is_send(_: impl Send) {}
    fn every_kind_of_call(client: &Tailscale) {
        is_send(client.devices());
        is_send(client.devices_cached(0));
        is_send(client.users_cached(0));
        is_send(client.policy_cached(0));
        is_send(client.delete_attribute("n1CNTRL", "custom:a"));
    }
    let _ = every_kind_of_call;
}
