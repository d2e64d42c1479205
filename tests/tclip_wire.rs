//! What goes over the wire to tclip, byte for byte, and what becomes of each answer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is not as it should be"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use nightlatch::outside::tclip::{Deleted, Tclip, TclipError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

const ID: &str = "0b9b23d8-5b1c-4a1e-9c43-7d6d2c1f0e5a";

/// A server that gives these answers one after the other and keeps what it was sent.
struct Wire {
    tclip: Tclip,
    sent: Arc<Mutex<Vec<String>>>,
}

/// An answer without a text is none: the connection stays open.
async fn wire(path: &str, answers: Vec<String>) -> Wire {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = Url::parse(&format!("http://{}{path}", listener.local_addr().unwrap())).unwrap();
    let sent: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = sent.clone();
    tokio::spawn(async move {
        let mut open = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let request = received(&mut stream).await;
            // The port is another one every time.
            let shown = request.lines().filter(|line| !line.starts_with("host: ")).collect::<Vec<_>>().join("\n");
            kept.lock().unwrap().push(shown);
            stream.write_all(answer.as_bytes()).await.unwrap();
            if answer.is_empty() {
                open.push(stream);
            }
        }
        std::future::pending::<()>().await;
    });
    Wire { tclip: Tclip::new(base).unwrap(), sent }
}

/// One whole request.
async fn received(stream: &mut TcpStream) -> String {
    let (mut request, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut part).await.unwrap();
        request.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            return text.replace("\r\n", "\n");
        }
    }
}

impl Wire {
    fn sent(&self) -> String {
        let sent = self.sent.lock().unwrap().join("\n--\n");
        sent.replace(concat!("nightlatch/", env!("CARGO_PKG_VERSION")), "nightlatch/VERSION")
    }

    fn first(&self) -> String {
        self.sent().split("\n--\n").next().unwrap_or_default().to_owned()
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
}

/// Its page for everything that goes wrong: the reason stands last, below a heading and kind words.
fn oh_noes(status: &str, why: &str) -> String {
    let page = format!(
        "<html><head><title>Oh noes!</title></head><body>\n<h1>tclip/</h1>\n<p>{}</p>\n<code>\n<pre class=\"p\">\n  {why}\n\
         </pre>\n</code>\n<a href=\"/\">Home</a></body></html>",
        "Sorry for that. ".repeat(20)
    );
    answer(status, "Content-Type: text/html\r\n", &page)
}

fn page() -> String {
    format!("https://paste.example-tailnet.ts.net/paste/{ID}")
}

#[tokio::test]
async fn a_post_is_a_form_with_exactly_the_two_headers_tclip_looks_for() {
    let wire = wire("", vec![answer("200 OK", "", &page())]).await;
    let posted = wire.tclip.post("alice@example.com - notes.md", "# ä & b=c\n\tx").await.unwrap();
    assert_eq!(posted.as_str(), page());
    insta::assert_snapshot!(wire.sent(), @"
    POST /api/post HTTP/1.1
    content-type: application/x-www-form-urlencoded
    accept: text/plain
    user-agent: nightlatch/VERSION
    content-length: 75

    filename=alice%40example.com+-+notes.md&content=%23+%C3%A4+%26+b%3Dc%0A%09x
    ");
}

#[tokio::test]
async fn a_post_whose_accept_was_lost_on_the_way_is_found_by_where_it_leads() {
    let wire = wire("", vec![answer("303 See Other", &format!("location: {}\r\n", page()), "")]).await;
    assert_eq!(wire.tclip.post("a", "b").await.unwrap().as_str(), page());
}

#[tokio::test]
async fn whether_a_paste_is_there_is_asked_for_its_text() {
    let missing =
        oh_noes("500 Internal Server Error", &format!("can&#39;t find paste {ID}: sql: no rows in result set"));
    let wire = wire("", vec![answer("200 OK", "", "text"), missing, answer("404 Not Found", "", "")]).await;
    assert!(wire.tclip.is_there(ID).await.unwrap());
    assert!(!wire.tclip.is_there(ID).await.unwrap());
    assert!(!wire.tclip.is_there(ID).await.unwrap());
    insta::assert_snapshot!(wire.first(), @"
    GET /paste/0b9b23d8-5b1c-4a1e-9c43-7d6d2c1f0e5a/raw HTTP/1.1
    accept: */*
    user-agent: nightlatch/VERSION
    ");
}

#[tokio::test]
async fn a_name_is_read_from_the_download() {
    let named = |name: &str| {
        let head =
            format!("Content-Type: text/plain; charset=utf-8\r\nContent-Disposition: attachment; filename={name}\r\n");
        answer("200 OK", &head, "text")
    };
    let missing =
        oh_noes("500 Internal Server Error", &format!("can&#39;t find paste {ID}: sql: no rows in result set"));
    let not_found = answer("200 OK", "", "<html>Not found</html>");
    let wire = wire("", vec![named(r#""alice - \"ä\\b\".md""#), missing, not_found]).await;
    assert_eq!(wire.tclip.name_of(ID).await.unwrap().as_deref(), Some("alice - \"ä\\b\".md"));
    assert_eq!(wire.tclip.name_of(ID).await.unwrap(), None);
    assert!(matches!(wire.tclip.name_of(ID).await, Err(TclipError::NotTclip { .. })));
    assert!(wire.sent().starts_with(&format!("GET /paste/{ID}/dl HTTP/1.1\n")), "{}", wire.sent());
}

#[tokio::test]
async fn a_paste_is_deleted_by_get_and_only_where_it_leads_home_it_is_gone() {
    let answers = vec![
        answer("307 Temporary Redirect", "location: /\r\n", ""),
        oh_noes("500 Internal Server Error", "sql: no rows in result set"),
        answer("404 Not Found", "", ""),
        oh_noes("403 Forbidden", "can only delete your pastes"),
        answer("302 Found", "location: https://paste.example-tailnet.ts.net/\r\n", ""),
        answer("200 OK", "", "<html>Not found</html>"),
    ];
    let wire = wire("/below/", answers).await;
    assert_eq!(wire.tclip.delete(ID).await, Ok(Deleted::Now));
    assert_eq!(wire.tclip.delete(ID).await, Ok(Deleted::Before));
    assert_eq!(wire.tclip.delete(ID).await, Ok(Deleted::Before));
    assert!(matches!(wire.tclip.delete(ID).await, Err(TclipError::NotOwner { .. })));
    assert!(matches!(wire.tclip.delete(ID).await, Err(TclipError::Redirects { .. })));
    assert!(wire.tclip.delete(ID).await.is_err(), "a page that says nothing is no proof");
    insta::assert_snapshot!(wire.first(), @"
    GET /below/api/delete/0b9b23d8-5b1c-4a1e-9c43-7d6d2c1f0e5a HTTP/1.1
    accept: */*
    user-agent: nightlatch/VERSION
    ");
}

#[tokio::test]
async fn a_post_whose_answer_was_lost_is_looked_for_in_the_list_page_by_page() {
    let row = |id: &str, name: &str| format!("<li><a class=\"x\"\n href=\"/paste/{id}\">{name}</a> - x</li>");
    let other = row("11111111-5b1c-4a1e-9c43-7d6d2c1f0e5a", "other");
    let wire = wire(
        "",
        vec![
            answer("200 OK", "", &other),
            answer("200 OK", "", &row(ID, "a&#43;b &lt;c&gt; &amp;amp; &#34;d&#34;")),
            answer("200 OK", "", "<html>No pastes</html>"),
            answer("200 OK", "", "<html>No pastes</html>"),
        ],
    )
    .await;
    let found = wire.tclip.find("a+b <c> &amp; \"d\"").await.unwrap().unwrap();
    assert!(found.as_str().ends_with(&format!("/paste/{ID}")), "{found}");
    assert_eq!(wire.tclip.find("nothing").await.unwrap(), None);
    let lines = wire.sent();
    let lines: Vec<&str> = lines.lines().filter(|line| line.starts_with("GET ")).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    GET /paste/list?page=0 HTTP/1.1
    GET /paste/list?page=1 HTTP/1.1
    GET /paste/list?page=2 HTTP/1.1
    GET /paste/list?page=0 HTTP/1.1
    ");
}

#[tokio::test]
async fn an_http_tclip_that_moved_to_https_is_told_from_all_else_and_gets_no_text() {
    let moved = || answer("302 Found", "location: https://paste.example-tailnet.ts.net/api/post\r\n", "");
    let wire =
        wire("", vec![moved(), answer("301 Moved Permanently", "location: //elsewhere.test/x\r\n", ""), moved()]).await;
    let mut told = Vec::new();
    for _ in 0..3 {
        let error = wire.tclip.post("a", "b").await.unwrap_err();
        assert!(!error.may_have_happened() && !error.is_retryable(), "{error:?}");
        told.push(format!("{} | {}", anywhere(&error.to_string()), anywhere(&error.advice().unwrap())));
    }
    insta::assert_snapshot!(told.join("\n"), @"
    tclip at http://127.0.0.1:PORT sends callers to https://paste.example-tailnet.ts.net | an admin writes `tclip: { url: https://paste.example-tailnet.ts.net }` in nightlatch.yaml, if that is the tclip
    tclip at http://127.0.0.1:PORT sends callers to http://elsewhere.test | an admin checks `tclip.url` in nightlatch.yaml
    tclip at http://127.0.0.1:PORT sends callers to https://paste.example-tailnet.ts.net | an admin writes `tclip: { url: https://paste.example-tailnet.ts.net }` in nightlatch.yaml, if that is the tclip
    ");
    assert_eq!(wire.sent().matches("POST /api/post").count(), 3, "nothing was followed");
}

/// Without the port, which is another one every time.
fn anywhere(text: &str) -> String {
    let mut parts = text.split("127.0.0.1:");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, rest| {
        format!("{text}127.0.0.1:PORT{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()))
    })
}

#[tokio::test]
async fn every_no_of_tclip_says_what_to_do_and_whether_it_may_have_been_done() {
    let answers = vec![
        answer("400 Bad Request", "", "bad content-type, should be a form\n"),
        answer("400 Bad Request", "", "http: request body too large\n"),
        // Asked once more.
        oh_noes("500 Internal Server Error", "database is locked (5) (SQLITE_BUSY)"),
        oh_noes("500 Internal Server Error", "database is locked (5) (SQLITE_BUSY)"),
        answer("502 Bad Gateway", "", ""),
        answer("405 Method Not Allowed", "", ""),
        answer("404 Not Found", "", "404 page not found\n"),
        answer("200 OK", "", "<html>some other page</html>"),
        answer("200 OK", "", "javascript:alert(1)//paste/x"),
        answer("302 Found", "", ""),
        answer("403 Forbidden", "", &format!("\u{1b}[31m{}", "no ".repeat(500))),
    ];
    let count = answers.len() - 1;
    let wire = wire("", answers).await;
    let mut told = Vec::new();
    for _ in 0..count {
        let error = wire.tclip.post("a", "precious words").await.unwrap_err();
        assert!(!error.to_string().contains("precious"), "{error}");
        told.push(format!(
            "{} | {} | {}",
            anywhere(&error.to_string()),
            error.advice().unwrap_or_default(),
            error.may_have_happened()
        ));
    }
    insta::assert_snapshot!(told.join("\n"), @"
    tclip at http://127.0.0.1:PORT refused: bad content-type, should be a form (status 400) |  | false
    tclip at http://127.0.0.1:PORT refused: http: request body too large (status 400) |  | false
    tclip at http://127.0.0.1:PORT is busy with other people's pastes | try again in a moment | false
    tclip at http://127.0.0.1:PORT failed: without words (status 502) | check that tclip runs and that this machine may reach it | true
    what answers at http://127.0.0.1:PORT is not a tclip: it has no such address (status 405) | an admin checks `tclip.url` in nightlatch.yaml | true
    what answers at http://127.0.0.1:PORT is not a tclip: it has no such address (status 404) | an admin checks `tclip.url` in nightlatch.yaml | true
    what answers at http://127.0.0.1:PORT is not a tclip: it named no paste after a post | an admin checks `tclip.url` in nightlatch.yaml | true
    what answers at http://127.0.0.1:PORT is not a tclip: it named no paste after a post | an admin checks `tclip.url` in nightlatch.yaml | true
    what answers at http://127.0.0.1:PORT is not a tclip: it redirects to nowhere | an admin checks `tclip.url` in nightlatch.yaml | true
    tclip at http://127.0.0.1:PORT refused: [31mno no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no no n (status 403) |  | false
    ");
}

#[tokio::test]
async fn one_that_does_not_answer_is_given_up_in_time() {
    let wire = wire("", vec![String::new(), String::new()]).await;
    let tclip = wire.tclip.clone().with_limit(Duration::from_millis(50));
    let posting = tclip.post("a", "b").await.unwrap_err();
    assert!(posting.to_string().ends_with("did not answer within 50 ms"), "{posting}");
    assert!(posting.may_have_happened() && posting.is_retryable());
    let reading = tclip.is_there(ID).await.unwrap_err();
    assert!(!reading.may_have_happened(), "reading changes nothing: {reading}");
}

#[tokio::test]
async fn one_that_breaks_off_may_have_done_it() {
    let wire =
        wire("", vec!["HTTP/1.1 200 OK\r\ncontent-length: 100\r\nconnection: close\r\n\r\nhttps".to_owned()]).await;
    let error = wire.tclip.post("a", "b").await.unwrap_err();
    assert!(error.may_have_happened(), "{error}");
}

#[tokio::test]
async fn nobody_there_is_told_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let error = Tclip::new(base).unwrap().post("a", "b").await.unwrap_err();
    assert!(error.to_string().ends_with("cannot be reached"), "{error}");
    assert!(!error.may_have_happened() && error.is_retryable());
    assert_eq!(error.advice().unwrap(), "check that tclip runs and that this machine may reach it");
}

#[tokio::test]
async fn a_page_without_end_is_read_no_further_than_needed() {
    let endless = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}", "x".repeat(2 << 20));
    let wire = wire("", vec![endless]).await;
    assert!(wire.tclip.is_there(ID).await.unwrap());
}

#[tokio::test]
async fn what_is_more_than_a_form_can_have_is_not_sent() {
    let wire = wire("", Vec::new()).await;
    let error = wire.tclip.post("a", &"ä".repeat(2 << 20)).await.unwrap_err();
    assert_eq!(error, TclipError::TooLarge);
    assert_eq!(wire.sent(), "");
}
