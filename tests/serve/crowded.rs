//! More connections than files: people are answered, and access ends.

use std::time::Duration;

use nightlatch::playground::tailnet::Endpoint;
use tokio::net::UnixStream;

use crate::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_keep_nobody_waiting_and_no_access_on() {
    let scene = Scene::set().await;
    let path = scene.folder.path().join("nightlatch.yaml");
    let text = std::fs::read_to_string(&path).expect("the configuration");
    std::fs::write(&path, text.replace("listen: 127.0.0.1:0", "listen: unix:http.sock")).expect("the configuration");
    let _child = scene.start_with_files(128).await;
    scene.slack.command("alice", "#general", "/access prod-db 1s looking").await.expect("a command");
    let socket = scene.folder.path().join("http.sock");
    let mut idle = Vec::new();
    for _ in 0..300 {
        idle.push(UnixStream::connect(&socket).await.expect("a connection"));
    }
    let client = reqwest::Client::builder().unix_socket(socket).build().expect("a client");
    let answer = client.get("http://nightlatch/healthz").send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 200);
    let is_shown = scene.slack.until(|slack| slack.screen("bob", "#access").contains("Approve")).await;
    assert!(is_shown, "no card:\n{}", scene.log());
    // Whatever the bot kept open to Tailscale is gone: it has to connect anew.
    let pressed = scene.slack.press("bob", "#access", "Approve").await.expect("a button");
    assert!(pressed.acked, "{pressed:?}\n{}", scene.log());
    let is_on = || scene.tailnet.attribute("alice-laptop", "custom:jit_prod_db").is_some();
    let deleted = || scene.tailnet.calls_of(Endpoint::DeleteAttribute);
    let mut changed = scene.tailnet.changed();
    let ended = async {
        while is_on() || deleted() == 0 {
            changed.changed().await.expect("the tailnet lives");
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(20), ended).await;
    assert!(ended.is_ok(), "{}", scene.log());
    drop(idle);
}
