//! What can be made to go wrong goes wrong as asked, and only then.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::slack::{Disconnect, Fault, Limit};

#[tokio::test]
async fn calls_fail_as_planned_and_then_work_again() {
    let world = world().await;
    let text = json!({ "channel": "C0ACCESS01", "text": "x" });
    world.fail("chat.postMessage", Fault::Error("internal_error".to_owned()), 1);
    world.fail("chat.postMessage", Fault::RateLimited(7), 1);
    world.fail("chat.postMessage", Fault::Unavailable, 1);
    assert_eq!(call(&world, "chat.postMessage", text.clone()).await["error"], "internal_error");
    let url = format!("{}/chat.postMessage", world.api_url());
    let again = async || {
        let request = http().post(&url).bearer_auth(world.app().bot_token).json(&text);
        request.send().await.expect("an answer")
    };
    let limited = again().await;
    assert_eq!((limited.status().as_u16(), &limited.headers()["retry-after"]), (429, &"7".parse().expect("a value")));
    assert_eq!(again().await.status().as_u16(), 503);
    assert!(world.messages("#access").is_empty());
    assert_eq!(call(&world, "chat.postMessage", text).await["ok"], true);
    let outcomes: Vec<_> = world.calls().into_iter().map(|call| call.outcome).collect();
    assert_eq!(outcomes, ["internal_error", "ratelimited", "unavailable", "ok"]);
}

#[tokio::test]
async fn a_lost_reply_has_had_its_effect() {
    let world = world().await;
    world.fail("chat.postMessage", Fault::LostReply, 1);
    let url = format!("{}/chat.postMessage", world.api_url());
    let request = http().post(url).bearer_auth(world.app().bot_token);
    let answer = request.json(&json!({ "channel": "C0ACCESS01", "text": "x" })).send().await;
    let body = match answer {
        Ok(answer) => answer.bytes().await.map(drop),
        Err(error) => Err(error),
    };
    assert!(body.is_err());
    assert_eq!(world.messages("#access").len(), 1);
}

#[tokio::test]
async fn a_hanging_call_never_answers_and_has_no_effect() {
    let world = world().await;
    world.fail("*", Fault::Hang, u32::MAX);
    let url = format!("{}/chat.postMessage", world.api_url());
    let request = http().post(url).bearer_auth(world.app().bot_token).timeout(Duration::from_millis(50));
    let answer = request.json(&json!({ "channel": "C0ACCESS01", "text": "x" })).send().await;
    assert!(answer.is_err_and(|error| error.is_timeout()));
    world.heal();
    assert!(world.messages("#access").is_empty());
}

#[tokio::test]
async fn posts_are_limited_per_channel_when_asked() {
    let clock = Clock::manual(NEW_YEAR_MS);
    let world = SlackWorld::start(clock.clone(), Seed::acme()).await.expect("a free port");
    world.limit("chat.postMessage", Limit { burst: 2, per_minute: 60 });
    let post = async |channel: &str| {
        call(&world, "chat.postMessage", json!({ "channel": channel, "text": "x" })).await["error"].clone()
    };
    assert!(post("C0ACCESS01").await.is_null());
    assert!(post("C0ACCESS01").await.is_null());
    assert_eq!(post("C0ACCESS01").await, "ratelimited");
    assert!(post("C0GENERAL1").await.is_null());
    clock.advance(Duration::from_secs(1));
    assert!(post("C0ACCESS01").await.is_null());
}

#[tokio::test]
async fn slack_says_why_it_closes_a_socket() {
    let world = world().await;
    let app = TinyApp::connect(&world, |_| None).await;
    world.disconnect(Disconnect::Warning);
    assert_eq!(world.sockets(), 1);
    world.disconnect(Disconnect::LinkDisabled);
    assert_eq!(world.sockets(), 0);
    let refused = format!("{}/apps.connections.open", world.api_url());
    let refused = http().post(refused).bearer_auth(world.app().app_token).send().await.expect("an answer");
    assert_eq!(refused.json::<Value>().await.expect("JSON")["ok"], false);
    world.refuse_connections(0);
    TinyApp::connect(&world, |_| None).await;
    let reasons: Vec<_> = app.frames().iter().filter_map(|frame| frame["reason"].as_str().map(str::to_owned)).collect();
    assert_eq!(reasons, ["warning", "link_disabled"]);
}

#[tokio::test]
async fn a_silent_socket_swallows_what_it_is_sent() {
    let world = world().await;
    let app = TinyApp::connect(&world, |_| None).await;
    world.silence_sockets();
    let delivered = world.shortcut("alice", "ask").await.expect("tried");
    assert!(!delivered.acked);
    assert_eq!(app.frames().len(), 1, "only hello arrived");
    world.drop_sockets();
    assert_eq!(world.sockets(), 0);
}

#[tokio::test]
async fn envelopes_can_arrive_twice() {
    let world = world().await;
    let app = TinyApp::connect(&world, |_| None).await;
    world.duplicate_deliveries(1);
    world.shortcut("alice", "ask").await.expect("delivered");
    world.shortcut("alice", "ask").await.expect("delivered");
    assert_eq!(app.frames().len(), 4, "hello, twice the first, once the second");
}
