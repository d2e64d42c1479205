//! The client on bad days: what each failure is called, and that nothing is believed too early or waited for too long.

use insta::assert_snapshot;

use super::*;
use crate::outside::tailscale::TailscaleError;

const NODE: &str = "nALICE1CNTRL";

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Fault {
    let headers = headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    Fault::Answer { status, headers, body: body.to_owned() }
}

async fn set(client: &Tailscale) -> Result<(), TailscaleError> {
    client.set_attribute(NODE, KEY, &true.into(), Some(START_AT + 60_000), "01request").await
}

#[tokio::test]
async fn a_lost_reply_may_have_happened_and_reading_back_tells() {
    let (world, clock) = world().await;
    let client = client(&world, &clock);
    world.fault(Endpoint::SetAttribute, Fault::LoseReply, Some(1));
    let error = set(&client).await.expect_err("500");
    assert!(error.may_have_happened() && error.is_retryable(), "{error}");
    let read = client.attributes(NODE).await.expect("read");
    assert_eq!(read.attributes.get(KEY), Some(&true.into()));
}

#[tokio::test]
async fn a_write_that_was_forgotten_is_seen_by_reading_back() {
    let (world, clock) = world().await;
    let client = client(&world, &clock);
    world.fault(Endpoint::SetAttribute, Fault::Forget, Some(1));
    set(&client).await.expect("200");
    assert!(!client.attributes(NODE).await.expect("read").attributes.contains_key(KEY));
}

#[tokio::test]
async fn a_server_that_hangs_is_left_after_the_limit() {
    let (world, clock) = world().await;
    let key = Credential::ApiKey(world.api_key());
    let hurried = client_with(&world, &clock, key, Duration::from_millis(50));
    world.fault(Endpoint::Any, Fault::Hang, None);
    let error = set(&hurried).await.expect_err("no answer");
    assert_snapshot!(error, @"tailscale is not available: setting an attribute, no answer for 0.05 s");
    assert!(error.may_have_happened() && error.is_retryable());
    let error = hurried.users().await.expect_err("no answer");
    assert!(!error.may_have_happened(), "reading changes nothing");
    world.clear_faults(Endpoint::Any);
    client(&world, &clock).users().await.expect("well again");
}

#[tokio::test]
async fn a_write_may_be_done_long_before_its_answer_comes() {
    let (world, clock) = world().await;
    let client = client(&world, &clock);
    world.fault(Endpoint::SetAttribute, Fault::HangAfterDoing, None);
    let mut changed = world.changed();
    let write = tokio::spawn(async move { set(&client).await });
    while world.attribute("alice-laptop", KEY).is_none() {
        changed.changed().await.expect("the world is there");
    }
    world.clear_faults(Endpoint::SetAttribute);
    let error = write.await.expect("no panic").expect_err("504");
    assert!(error.may_have_happened() && error.is_retryable(), "{error}");
}

#[tokio::test]
async fn a_closed_port_means_that_nothing_happened() {
    let (world, clock) = world().await;
    let client = client_with(&world, &clock, Credential::ApiKey(world.api_key()), Duration::from_secs(10));
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let mut url = world.url();
    url.set_port(Some(free.local_addr().expect("bound").port())).expect("a port");
    drop(free);
    let settings = TailscaleSettings::new(url, Credential::ApiKey(world.api_key()));
    let closed = Tailscale::new(settings, clock.clone()).expect("a client");
    let error = set(&closed).await.expect_err("nobody there");
    assert!(matches!(error, TailscaleError::Unavailable { may_have_happened: false, .. }), "{error}");
    set(&client).await.expect("the world itself is there");
}

#[tokio::test]
async fn retry_after_is_read_as_seconds_and_as_a_date_and_never_believed_for_long() {
    for (text, expected) in [
        ("11", Some(11_000)),
        ("Thu, 01 Jan 2026 00:02:00 GMT", Some(120_000)),
        ("86400", Some(900_000)),
        // These are waited for and the call is made again.
        ("Wed, 31 Dec 2025 00:00:00 GMT", None),
        ("-5", None),
        ("soon", None),
        ("", None),
    ] {
        let (world, clock) = world().await;
        let client = client(&world, &clock);
        world.fault(Endpoint::SetAttribute, Fault::RateLimited(text.to_owned()), Some(1));
        let told = set(&client).await;
        let Some(expected) = expected else {
            told.expect(text);
            assert_eq!(world.calls_of(Endpoint::SetAttribute), 2, "{text}");
            continue;
        };
        let error = told.expect_err(text);
        assert!(matches!(error, TailscaleError::RateLimited { .. }), "{error}");
        assert!(error.is_retryable() && !error.may_have_happened());
        assert_eq!(error.retry_after_ms(), Some(expected), "{text}");
    }
    let (world, clock) = world().await;
    let client = client(&world, &clock);
    world.fault(Endpoint::Users, answer(503, &[("retry-after", "3")], ""), Some(1));
    assert_eq!(client.users().await.expect_err("503").retry_after_ms(), Some(3_000));
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_read_to_its_end() {
    let (world, clock) = world().await;
    let client = client(&world, &clock);
    let large = "x".repeat(3 << 20);
    world.fault(Endpoint::Device, answer(200, &[], &large), Some(1));
    let error = client.device(NODE).await.expect_err("3 MiB are no device");
    assert_snapshot!(error, @"the answer is not one of tailscale's: reading a device, larger than 1048576 bytes (request play1)");
    world.fault(Endpoint::Device, answer(500, &[], &large), Some(1));
    let error = client.device(NODE).await.expect_err("500");
    assert!(matches!(error, TailscaleError::Unavailable { .. }), "{error}");
    assert!(error.to_string().len() < 500, "{error}");
    // A list may be as large as that.
    let mut list = r#"{"devices":[]"#.to_owned();
    list.push_str(&" ".repeat(3 << 20));
    list.push('}');
    world.fault(Endpoint::Devices, answer(200, &[], &list), Some(1));
    assert_eq!(client.devices().await, Ok(Vec::new()));
}

#[tokio::test]
async fn pages_of_a_proxy_are_not_taken_for_answers() {
    let (world, clock) = world().await;
    let client = client(&world, &clock);
    let page = "<html>\r\n<h1>404</h1> nothing of that name";
    world.fault(Endpoint::DeleteAttribute, answer(404, &[("content-type", "text/html")], page), Some(1));
    let error = client.delete_attribute(NODE, KEY).await.expect_err("not a word of Tailscale's");
    assert_snapshot!(error, @"the answer is not one of tailscale's: deleting an attribute, 404, not in json: <html> <h1>404</h1> nothing of that name (request play1)");
    world.fault(Endpoint::Users, answer(502, &[], "<html>bad gateway</html>"), Some(1));
    let error = client.users().await.expect_err("502");
    assert!(matches!(error, TailscaleError::Unavailable { .. }), "{error}");
    for body in ["<html>welcome</html>", "", "null", "[]", r#"{"users":3}"#, r#"{"message":"ok"}"#] {
        world.fault(Endpoint::Users, answer(200, &[], body), Some(1));
        let error = client.users().await.expect_err(body);
        assert!(matches!(error, TailscaleError::Malformed(_)), "{error}");
        assert!(error.is_retryable() && error.advice().is_some());
    }
}

#[tokio::test]
async fn what_writing_answers_is_not_looked_at() {
    let (world, clock) = world().await;
    let client = client(&world, &clock);
    for body in ["{}", "", "null"] {
        world.fault(Endpoint::SetAttribute, answer(200, &[], body), Some(1));
        set(&client).await.expect(body);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (world, clock) = world().await;
    let (elsewhere, _) = super::world().await;
    let client = client(&world, &clock);
    let to = elsewhere.url().join("/api/v2/tailnet/-/users").expect("a url");
    for status in [301, 307, 308] {
        world.fault(Endpoint::Users, answer(status, &[("location", to.as_str())], ""), Some(1));
        let error = client.users().await.expect_err("redirected");
        assert!(matches!(error, TailscaleError::Rejected(_)), "{error}");
        assert!(error.advice().is_some_and(|advice| advice.contains("api_url")));
    }
    world.revoke_tokens();
    world.fault(Endpoint::Token, answer(307, &[("location", to.as_str())], ""), Some(1));
    assert!(client.users().await.is_err());
    assert_eq!(elsewhere.calls(), [], "no credential went there");
}

#[tokio::test]
async fn a_missing_scope_and_a_missing_plan_are_told_with_the_next_step() {
    let (world, clock) = world().await;
    world.set_scopes(&["devices:core:read"]);
    let client = client(&world, &clock);
    let error = set(&client).await.expect_err("403");
    assert_snapshot!(error.advice().expect("advice"), @"give the OAuth client the scope `devices:posture_attributes`; tokens already issued keep their scopes");
    assert!(!error.is_retryable());
    world.set_scopes(&["devices:posture_attributes"]);
    world.revoke_tokens();
    world.set_plan_has_custom_attributes(false);
    let error = set(&client).await.expect_err("403");
    assert_snapshot!(error, @"tailscale does not allow this: setting an attribute, 403, feature not available on current billing plan (request play3)");
    assert!(error.advice().is_some_and(|advice| advice.contains("Premium")));
}

#[tokio::test]
async fn a_token_endpoint_that_talks_nonsense_gives_no_token_and_no_leak() {
    let (world, clock) = world().await;
    let client = client(&world, &clock);
    for (status, body) in [
        (200, r#"{"access_token":"tskey-api-leak"}"#),
        (200, "tskey-api-leak"),
        (400, r#"{"message":"no such client tskey-client-leak"}"#),
        (404, r#"{"message":"tskey-client-leak"}"#),
        (500, "tskey-client-leak"),
    ] {
        world.fault(Endpoint::Token, answer(status, &[("content-type", "application/json")], body), Some(1));
        let error = client.users().await.expect_err(body);
        assert!(!format!("{error:?} {error}").contains("leak"), "{error:?}");
        let is_refused = matches!(error, TailscaleError::Unauthorized(_));
        assert_eq!(is_refused, (400..500).contains(&status), "{error}");
    }
    client.users().await.expect("well again");
}

#[tokio::test]
async fn an_answer_that_repeats_the_token_does_not_get_it_into_an_error() {
    let (world, clock) = world().await;
    let client = client(&world, &clock);
    client.users().await.expect("a token is there");
    let token = world.secrets().pop().expect("a token");
    world.fault(Endpoint::Users, answer(400, &[], &format!("{{\"message\":\"bad: ({token})\"}}")), Some(1));
    let error = client.users().await.expect_err("400");
    assert_snapshot!(error, @"tailscale will not do it: listing users, 400, bad: ([secret]) (request list3)");
}
