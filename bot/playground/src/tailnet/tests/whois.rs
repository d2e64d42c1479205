//! The machine's tailscaled: slow where the real one is, and one question at a time.

use super::*;

#[tokio::test]
async fn loopback_addresses_are_looked_for_one_at_a_time_and_in_vain() {
    let (world, _) = world().await;
    crate::tls();
    let http = reqwest::Client::builder().unix_socket(world.socket()).tls_certs_only([]).build().expect("a client");
    let whois = |address: String| {
        let call = http.get("http://local-tailscaled.sock/localapi/v0/whois").query(&[("addr", &address)]);
        async move { call.send().await.expect("an answer").status().as_u16() }
    };
    let began = tokio::time::Instant::now();
    let both = tokio::join!(whois("127.0.0.1:5555".to_owned()), whois("127.0.0.1:5556".to_owned()));
    assert_eq!(both, (404, 404));
    // One after the other, five looks for either protocol: it cannot have been quicker.
    assert!(began.elapsed() >= Duration::from_millis(2 * 2 * 180));
    assert_eq!(whois(world.address("alice-laptop").expect("a device")).await, 200);
    assert_eq!(world.asked_about().len(), 3);
}
