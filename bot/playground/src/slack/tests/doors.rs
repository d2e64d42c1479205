//! The two doors: acks on sockets, signatures over HTTP.

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::json;
use tokio::sync::mpsc;

use super::*;
use crate::slack::doors::sign;
use crate::slack::{Door, Envelope};

#[test]
fn requests_are_signed_as_slack_documents() {
    // The published example of Slack's "Verifying requests" page.
    let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V\
        &channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=\
        &response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN\
        &trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    assert_eq!(
        sign("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", body.as_bytes()),
        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    );
}

/// A web server that sends every request on and answers 200 with `answer`, or `status`.
async fn web_app(status: StatusCode, answer: &'static str) -> (String, mpsc::UnboundedReceiver<(HeaderMap, Bytes)>) {
    let (sender, requests) = mpsc::unbounded_channel();
    let take = move |headers: HeaderMap, body: Bytes| async move {
        sender.send((headers, body)).expect("somebody listens");
        (status, answer)
    };
    let router = Router::new().route("/slack/{door}", post(take));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let base_url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (base_url, requests)
}

#[tokio::test]
async fn over_http_a_command_is_a_signed_form_and_its_answer_is_shown() {
    let world = world().await;
    let (base_url, mut requests) = web_app(StatusCode::OK, "plain words").await;
    world.use_door(Door::Http { base_url });
    let delivered = world.command("alice", "#access", "/access prod-db").await.expect("delivered");
    assert_eq!((delivered.acked, delivered.status), (true, Some(200)));
    let (headers, body) = requests.recv().await.expect("a request");
    assert_eq!(headers["x-slack-request-timestamp"], "1767261600");
    assert_eq!(headers["x-slack-signature"], sign(&world.app().signing_secret, "1767261600", &body));
    assert!(body.starts_with(b"token="), "{body:?}");
    assert_eq!(world.screen("alice", "#access"), "#access\nnightlatch (only you): plain words");
}

#[tokio::test]
async fn over_http_a_failing_app_shows_its_status_and_a_retried_event_says_so() {
    let world = world().await;
    let (base_url, mut requests) = web_app(StatusCode::BAD_GATEWAY, "").await;
    world.use_door(Door::Http { base_url });
    let delivered = world.command("alice", "#access", "/access").await.expect("delivered");
    assert!(!delivered.acked);
    assert!(world.screen("alice", "#access").contains("/access failed with the error \"http_service_error (502)\""));
    world.open_home("alice").await.expect("delivered");
    world.redeliver().await.expect("delivered");
    requests.recv().await.expect("the command");
    let (_, first) = requests.recv().await.expect("the event");
    let (headers, again) = requests.recv().await.expect("the event again");
    assert_eq!(headers["x-slack-retry-num"], "1");
    assert_eq!(first, again);
}

#[tokio::test]
async fn without_a_socket_a_command_fails_before_the_person() {
    let world = world().await;
    let delivered = world.command("alice", "#access", "/access").await.expect("tried");
    assert!(!delivered.acked);
    assert_eq!(
        world.screen("alice", "#access"),
        "#access\nSlackbot (only you): /access failed with the error \"dispatch_failed\""
    );
}

#[tokio::test]
async fn a_ticket_opens_one_socket() {
    let world = world().await;
    let url = open_socket(&world).await;
    let (_kept, _) = tokio_tungstenite::connect_async(&url).await.expect("a socket");
    assert!(tokio_tungstenite::connect_async(&url).await.is_err());
}

#[tokio::test]
async fn a_redelivered_click_has_the_same_envelope_and_trigger() {
    let world = world().await;
    let app = TinyApp::connect(&world, |_| None).await;
    world.shortcut("alice", "ask").await.expect("delivered");
    world.redeliver().await.expect("delivered");
    let frames = app.frames();
    assert_eq!(frames[1], frames[2]);
}

#[tokio::test]
async fn an_ack_after_three_seconds_is_late_and_does_nothing() {
    let world = world().await;
    let (mut socket, _) = tokio_tungstenite::connect_async(open_socket(&world).await).await.expect("a socket");
    assert!(world.until_connected(1).await);
    let delivered = world.command("alice", "#access", "/access").await.expect("tried");
    assert!(!delivered.acked);
    let id = world.deliveries()[0].envelope_id.clone();
    let ack = json!({ "envelope_id": id, "payload": { "text": "too late" } });
    socket.send(WsFrame::text(ack.to_string())).await.expect("sent");
    assert!(world.until(|world| world.deliveries()[0].was_late).await);
    assert_eq!(
        world.screen("alice", "#access"),
        "#access\nSlackbot (only you): /access failed with the error \"operation_timeout\""
    );
}

#[tokio::test]
async fn any_payload_can_be_delivered_as_it_is() {
    let world = world().await;
    let app = TinyApp::connect(&world, |_| None).await;
    let payload = json!({ "type": "block_actions", "team": null });
    assert!(world.deliver_raw(Envelope::Interactive, payload.clone()).await.acked);
    assert_eq!(app.last(), payload);
}
