//! What goes over the wire to golink, byte for byte, and what becomes of each answer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is not as it should be"
)]

use std::sync::{Arc, Mutex};

use nightlatch::outside::golink::{Golink, GolinkError, Resolved};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

/// A server that gives these answers one after the other and keeps what it was sent.
struct Wire {
    golink: Golink,
    sent: Arc<Mutex<Vec<String>>>,
}

async fn wire(path: &str, answers: Vec<String>) -> Wire {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = Url::parse(&format!("http://{}{path}", listener.local_addr().unwrap())).unwrap();
    let sent: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = sent.clone();
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            let mut part = [0; 4096];
            loop {
                let read = stream.read(&mut part).await.unwrap();
                request.extend_from_slice(&part[..read]);
                let text = String::from_utf8_lossy(&request).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                    break;
                }
            }
            let text = String::from_utf8(request).unwrap().replace("\r\n", "\n");
            // The port is another one every time.
            let shown = text.lines().filter(|line| !line.starts_with("host: ")).collect::<Vec<_>>().join("\n");
            kept.lock().unwrap().push(shown);
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    Wire { golink: Golink::new(base).unwrap(), sent }
}

impl Wire {
    fn sent(&self) -> String {
        self.sent
            .lock()
            .unwrap()
            .join("\n--\n")
            .replace(concat!("nightlatch/", env!("CARGO_PKG_VERSION")), "nightlatch/VERSION")
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

const LINK: &str = r#"{"Short":"prod-runbook","Long":"https://wiki.example.com/runbooks/{{.Path}}","Created":"2030-01-01T10:00:00Z","LastEdit":"2030-01-01T10:00:00Z","Owner":"ops1@example.com"}"#;

#[tokio::test]
async fn a_link_is_made_for_its_owner_with_the_header_that_says_a_program_calls() {
    let wire = wire("", vec![answer("200 OK", "content-type: application/json\r\n", LINK)]).await;
    let saved = wire
        .golink
        .save("prod-runbook", "https://wiki.example.com/runbooks/{{.Path}}", "ops1@example.com")
        .await
        .unwrap();
    assert_eq!((saved.short.as_str(), saved.owner.as_str()), ("prod-runbook", "ops1@example.com"));
    insta::assert_snapshot!(wire.sent(), @r"
    POST / HTTP/1.1
    sec-golink: 1
    content-type: application/x-www-form-urlencoded
    accept: application/json
    user-agent: nightlatch/VERSION
    content-length: 110

    short=prod-runbook&long=https%3A%2F%2Fwiki.example.com%2Frunbooks%2F%7B%7B.Path%7D%7D&owner=ops1%40example.com
    ");
}

#[tokio::test]
async fn details_are_asked_for_as_json_and_once_more_at_the_owners_spelling() {
    let elsewhere = answer("302 Found", "location: /.detail/prod-runbook\r\n", "");
    let wire = wire("", vec![elsewhere, answer("200 OK", "", LINK)]).await;
    let found = wire.golink.detail("PRODrunbook").await.unwrap().unwrap();
    assert_eq!(found.long, "https://wiki.example.com/runbooks/{{.Path}}");
    insta::assert_snapshot!(wire.sent(), @r"
    GET /.detail/PRODrunbook HTTP/1.1
    accept: application/json
    user-agent: nightlatch/VERSION

    --
    GET /.detail/prod-runbook HTTP/1.1
    accept: application/json
    user-agent: nightlatch/VERSION
    ");
}

#[tokio::test]
async fn a_golink_below_a_path_is_called_below_it() {
    let wire = wire("/links/", vec![answer("404 Not Found", "", "404 page not found\n")]).await;
    assert_eq!(wire.golink.detail("who").await.unwrap(), None);
    assert!(wire.sent().starts_with("GET /links/.detail/who HTTP/1.1"), "{}", wire.sent());
    assert!(wire.golink.detail_page("a b").ends_with("/links/.detail/a%20b"));
}

#[tokio::test]
async fn the_export_is_read_line_by_line_and_clicks_are_added_up() {
    let lines = format!("{LINK}\n\n{}\n", LINK.replace("prod-runbook", "other"));
    let wire = wire(
        "",
        vec![answer("200 OK", "", &lines), answer("200 OK", "", "who,1654131723,1\nwho,1654131903,2\nx,y\na,1,b\n")],
    )
    .await;
    let names: Vec<String> = wire.golink.export().await.unwrap().into_iter().map(|line| line.short).collect();
    assert_eq!(names, ["prod-runbook", "other"]);
    assert_eq!(wire.golink.clicks().await.unwrap().into_iter().collect::<Vec<_>>(), [("who".to_owned(), 3)]);
    insta::assert_snapshot!(wire.sent(), @r"
    GET /.export HTTP/1.1
    accept: application/json
    user-agent: nightlatch/VERSION

    --
    GET /.export-stats HTTP/1.1
    accept: application/json
    user-agent: nightlatch/VERSION
    ");
}

#[tokio::test]
async fn a_link_is_followed_no_further_than_golink_says() {
    let away = answer("302 Found", "location: https://wiki.example.com/a%20b?x=1\r\n", "");
    let wire = wire("", vec![away, answer("404 Not Found", "", "<html>")]).await;
    let to = wire.golink.resolve("who", "a b/c", &[("x", "1&2")]).await.unwrap();
    assert_eq!(to, Resolved::To("https://wiki.example.com/a%20b?x=1".to_owned()));
    assert_eq!(wire.golink.resolve("nobody", "", &[]).await.unwrap(), Resolved::Unknown);
    let first = wire.sent().lines().next().unwrap().to_owned();
    assert_eq!(first, "GET /who/a%20b/c?x=1%262 HTTP/1.1");
}

#[tokio::test]
async fn an_http_golink_that_moved_to_https_is_told_from_all_else() {
    let moved = || answer("302 Found", "location: https://go.example-tailnet.ts.net/\r\n", "");
    let wire = wire("", vec![moved(), moved(), moved()]).await;
    for error in [
        wire.golink.save("a", "https://x.test", "a@b.c").await.unwrap_err(),
        wire.golink.detail("a").await.unwrap_err(),
        wire.golink.export().await.unwrap_err(),
    ] {
        assert!(
            matches!(&error, GolinkError::MovedToHttps { to, .. } if to == "https://go.example-tailnet.ts.net"),
            "{error:?}"
        );
        assert!(!error.may_have_happened());
        assert_eq!(
            error.advice().unwrap(),
            "an admin writes `golink: { url: https://go.example-tailnet.ts.net }` in nightlatch.yaml"
        );
    }
}

#[tokio::test]
async fn every_no_of_golink_says_what_to_do() {
    let no = |status: &str, words: &str| answer(status, "", words);
    let answers = vec![
        no("403 Forbidden", "cannot update link owned by \"ops1@example.com\"\n"),
        no("400 Bad Request", "new owner not a valid user: a@b.c\n"),
        no("400 Bad Request", "invalid XSRF token\n"),
        no("405 Method Not Allowed", "golink is in read-only mode\n"),
        no("500 Internal Server Error", "\u{1b}[31mbroken\nsecond line"),
        no("200 OK", "<html>not golink</html>"),
    ];
    let count = answers.len();
    let wire = wire("", answers).await;
    let mut told = Vec::new();
    for _ in 0..count {
        let error = wire.golink.save("a", "https://x.test", "a@b.c").await.unwrap_err();
        told.push(format!("{error} | {} | {}", error.advice().unwrap_or_default(), error.may_have_happened()));
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
    golink refused (http status 403): cannot update link owned by "ops1@example.com" | an admin grants this bot `tailscale.com/cap/golink` with `{"admin": true}`, so that it can change links for their owners | false
    golink refused (http status 400): new owner not a valid user: a@b.c | golink does not know your login; open golink once in a browser, then try again | false
    golink refused (http status 400): invalid XSRF token |  | false
    golink refused (http status 405): golink is in read-only mode | whoever runs golink switched changes off; try again later, or ask them | false
    golink refused (http status 500): [31mbroken |  | true
    golink answered something unexpected: the answer is not a link | check that `golink.url` is the address of a golink | true
    "#);
}

#[tokio::test]
async fn nobody_there_is_told_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let error = Golink::new(base).unwrap().save("a", "https://x.test", "a@b.c").await.unwrap_err();
    assert!(matches!(error, GolinkError::Unreachable { .. }) && !error.may_have_happened());
}
