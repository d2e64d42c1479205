//! Who visits the pages: through `tailscale serve`, over a port of the machine, and from another tailnet.

use nightlatch::playground::slack::Door;
use reqwest::{Client, StatusCode};

use crate::harness::*;

const TAGGED_AND_SHARED: &str = "partner-ci";

fn client(from: Option<u8>) -> Client {
    nightlatch::outside::tls();
    let from = from.map(|last| std::net::IpAddr::from([127, 0, 0, last]));
    let client = Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().tls_certs_only([]);
    client.local_address(from).build().unwrap()
}

/// A device of another tailnet, with tags, that was shared in.
fn share_a_tagged_device(stage: &Stage) -> String {
    stage.tailnet.add_device(TAGGED_AND_SHARED, "linux", "otto@partner.example");
    stage.tailnet.share(TAGGED_AND_SHARED).unwrap();
    stage.tailnet.tag(TAGGED_AND_SHARED, &["tag:ci"]).unwrap();
    stage.tailnet.address(TAGGED_AND_SHARED).unwrap()
}

/// What tailscaled would look for in vain, and let everybody wait meanwhile.
fn no_loopback_was_asked_about(stage: &Stage) {
    let asked = stage.tailnet.asked_about();
    let is_loopback =
        |address: &&String| address.starts_with("127.") || address.starts_with("[::1]") || *address == "::1";
    assert_eq!(asked.iter().find(is_loopback), None, "{asked:?}");
}

async fn get(client: &Client, url: &str, sent: &[(&str, &str)]) -> StatusCode {
    sent.iter().fold(client.get(url), |get, (name, value)| get.header(*name, *value)).send().await.unwrap().status()
}

async fn make(client: &Client, base: &str, sent: &[(&str, &str)]) -> (StatusCode, String) {
    let form = [("short", "wiki"), ("long", "https://evil.example")];
    let post = client.post(format!("{base}/go/")).header("sec-golink", "1").form(&form);
    let answer = sent.iter().fold(post, |post, (name, value)| post.header(*name, *value)).send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_visitors_at_once_are_all_let_in_and_known() {
    story(async |stage| {
        stage.alice.command("/go wiki https://wiki.example.com").await;
        stage.tailnet.sits_at("127.0.0.81", "alice-laptop");
        let (alice, base) = (client(Some(81)), stage.bot.address());
        let list = format!("{base}/go/.all");
        let visits = (0..30).map(|_| get(&alice, &list, &[]));
        for status in futures_util::future::join_all(visits.collect::<Vec<_>>()).await {
            assert_eq!(status, StatusCode::OK);
        }
        let (status, said) = make(&alice, &base, &[]).await;
        assert_eq!(status, StatusCode::OK, "{said}");
        no_loopback_was_asked_about(stage);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tagged_device_of_another_tailnet_is_refused_as_a_person_of_it_is() {
    story(async |stage| {
        share_a_tagged_device(stage);
        stage.tailnet.sits_at("127.0.0.82", TAGGED_AND_SHARED);
        stage.tailnet.sits_at("127.0.0.83", "otto-laptop");
        let base = stage.bot.address();
        for visitor in [82, 83] {
            let visitor = client(Some(visitor));
            for page in ["/go/", "/go/.all", "/go/.export", "/paste/list"] {
                assert_eq!(get(&visitor, &format!("{base}{page}"), &[]).await, StatusCode::FORBIDDEN, "{page}");
            }
            assert_eq!(make(&visitor, &base, &[]).await.0, StatusCode::FORBIDDEN);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_a_port_nobody_is_anybody_whatever_their_headers_say() {
    let setting = Setting { is_on_a_port: true, ..Setting::default() };
    story_with(setting, async |stage| {
        stage.alice.command("/go wiki https://wiki.example.com").await;
        let shared = share_a_tagged_device(stage);
        let alice = stage.tailnet.address("alice-laptop").unwrap();
        let (local, base) = (client(None), stage.bot.port().await);
        let as_alice = [("tailscale-user-login", "alice@example.com"), ("x-forwarded-for", alice.as_str())];
        let (status, said) = make(&local, &base, &as_alice).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert!(said.contains("unix:"), "it is said what to do: {said}");
        assert_eq!(make(&local, &base, &[]).await.0, StatusCode::FORBIDDEN);
        // Who is in the tailnet may look; the address can only take away.
        let list = format!("{base}/go/.export");
        assert_eq!(get(&local, &list, &as_alice).await, StatusCode::OK);
        assert_eq!(get(&local, &list, &[]).await, StatusCode::OK);
        for forwarded in [shared.as_str(), "203.0.113.9", "127.0.0.1", "100.64.250.250", "100.64.0.2, 203.0.113.9", ""]
        {
            assert_eq!(
                get(&local, &list, &[("x-forwarded-for", forwarded)]).await,
                StatusCode::FORBIDDEN,
                "{forwarded}"
            );
        }
        for forwarder in ["via", "forwarded", "x-real-ip", "x-forwarded-host"] {
            assert_eq!(get(&local, &list, &[(forwarder, "x")]).await, StatusCode::FORBIDDEN, "{forwarder}");
        }
        // A click asks nobody.
        assert_eq!(get(&local, &format!("{base}/go/wiki"), &[]).await, StatusCode::FOUND);
        no_loopback_was_asked_about(stage);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_slacks_calls_come_in_from_the_internet_an_unknown_caller_sees_no_list() {
    let setting = Setting { is_on_a_port: true, mode: Mode::Http, ..Setting::default() };
    story_with(setting, async |stage| {
        stage.alice.command("/go wiki https://wiki.example.com").await;
        let (local, base) = (client(None), stage.bot.port().await);
        assert_eq!(get(&local, &format!("{base}/go/.export"), &[]).await, StatusCode::FORBIDDEN);
        assert_eq!(get(&local, &format!("{base}/healthz"), &[]).await, StatusCode::OK);
        stage.everybody_reads();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slacks_own_address_has_what_slack_calls_and_nothing_else() {
    let setting = Setting { mode: Mode::Http, ..Setting::default() };
    story_with(setting, async |stage| {
        stage.alice.command("/access prod-db 2h invoice 1204").await;
        assert_eq!(stage.requests().await.len(), 1);
        let Door::Http { base_url } = stage.slack.door() else { panic!("Slack calls by HTTP") };
        let local = client(None);
        for page in ["/", "/go/", "/go/.export", "/paste/", "/healthz", "/readyz", "/metrics"] {
            assert_eq!(get(&local, &format!("{base_url}{page}"), &[]).await, StatusCode::NOT_FOUND, "{page}");
        }
        let unsigned = local.post(format!("{base_url}/slack/commands")).send().await.unwrap().status();
        assert_eq!(unsigned, StatusCode::UNAUTHORIZED);
        let pages = stage.bot.address();
        let elsewhere = local.post(format!("{pages}/slack/commands")).send().await.unwrap().status();
        assert_eq!(elsewhere, StatusCode::NOT_FOUND);
        stage.alice.command("/access withdraw prod-db").await;
        stage.everybody_reads();
    })
    .await;
}
