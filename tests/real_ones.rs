//! Our clients against real programs, where somebody has them running: `NIGHTLATCH_TEST_TCLIP` and `NIGHTLATCH_TEST_TAILSCALED`.
//! (`NIGHTLATCH_TEST_GOLINK` is read by `--test golink` and `--test stories go_real`.)

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is not as it should be"
)]

use std::net::SocketAddr;
use std::path::Path;

use nightlatch::outside::tailscaled::Tailscaled;
use nightlatch::outside::tclip::{Deleted, Tclip};

/// Said where nobody overlooks it: `./test` repeats it in its last lines.
fn not_run(words: &str) {
    use std::io::Write;
    drop(writeln!(std::io::stderr().lock(), "\n{words}"));
    if let Some(list) = std::env::var_os("NIGHTLATCH_NOT_RUN") {
        let list = std::fs::OpenOptions::new().append(true).open(list);
        drop(list.and_then(|mut list| writeln!(list, "{words}")));
    }
}

#[tokio::test]
async fn a_real_tclip_answers_as_we_think_it_does() {
    let Ok(base) = std::env::var("NIGHTLATCH_TEST_TCLIP") else {
        not_run(
            "NOT RUN against a real tclip: set NIGHTLATCH_TEST_TCLIP=http://paste to a tclip whose tailnet this machine is in",
        );
        return;
    };
    let tclip = Tclip::new(base.parse().expect("an address")).expect("a client");
    let name = format!("a@b.c - it's <a> \"b\" + {}.md", std::process::id());
    let url = tclip.post(&name, "# made by a test\n").await.expect("a paste");
    let id = url.path().rsplit('/').next().expect("an id").to_owned();
    assert_eq!(tclip.is_there(&id).await, Ok(true));
    assert_eq!(tclip.name_of(&id).await.expect("a name").as_deref(), Some(name.as_str()));
    assert_eq!(tclip.find(&name).await.expect("a list").map(|url| url.path().to_owned()), Some(url.path().to_owned()));
    assert_eq!(tclip.delete(&id).await, Ok(Deleted::Now));
    assert_eq!(tclip.delete(&id).await, Ok(Deleted::Before));
    assert_eq!(tclip.is_there(&id).await, Ok(false));
    assert_eq!(tclip.name_of(&id).await, Ok(None));
}

#[tokio::test]
async fn a_real_tailscaled_knows_who_is_behind_an_address() {
    let Ok(socket) = std::env::var("NIGHTLATCH_TEST_TAILSCALED") else {
        not_run(
            "NOT RUN against a real tailscaled: set NIGHTLATCH_TEST_TAILSCALED=/var/run/tailscale/tailscaled.sock, and \
             NIGHTLATCH_TEST_PEER=100.64.0.2=alice@example.com to somebody of its tailnet",
        );
        return;
    };
    let tailscaled = Tailscaled::new(Path::new(&socket)).expect("a client");
    assert_eq!(tailscaled.trouble().await, None);
    assert!(tailscaled.user().await.is_some());
    let nobody: SocketAddr = "192.0.2.1:1".parse().expect("an address of nobody");
    assert_eq!(tailscaled.whois(nobody).await, Ok(None));
    if let Ok(peer) = std::env::var("NIGHTLATCH_TEST_PEER") {
        let (address, login) = peer.split_once('=').expect("ADDRESS=LOGIN");
        let address = SocketAddr::new(address.parse().expect("an address"), 0);
        let found = tailscaled.whois(address).await.expect("an answer").expect("somebody");
        assert_eq!((found.login.as_str(), found.is_shared_in), (login, false));
        assert!(!found.device.is_empty());
    }
}
