//! The client against the playground's tailnet.

use super::*;

#[test]
fn calls_can_be_made_from_any_task() {
    fn is_send(_: impl Send) {}
    fn every_call(client: &Tailscale) {
        is_send(client.devices());
        is_send(client.devices_cached(0));
        is_send(client.users_cached(0));
        is_send(client.policy_cached(0));
        is_send(client.delete_attribute("n1CNTRL", "custom:a"));
    }
    let _ = every_call;
}
