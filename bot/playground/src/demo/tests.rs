//! The demo's server over HTTP, with a lodger that does nothing.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use serde_json::{Value, json};

use super::*;

/// Lives and dies, and that is all.
#[derive(Default)]
struct Nobody(AtomicBool);

impl Lodger for Nobody {
    fn is_running(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    fn start(&self) -> BoxFuture<'_, Result<(), String>> {
        self.0.store(true, Ordering::SeqCst);
        async { Ok(()) }.boxed()
    }

    fn kill(&self) {
        self.0.store(false, Ordering::SeqCst);
    }

    fn rest(&self) -> BoxFuture<'_, Result<Option<i64>, String>> {
        async { Ok(None) }.boxed()
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        async {}.boxed()
    }
}

struct Served {
    worlds: Worlds,
    url: String,
    http: reqwest::Client,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<io::Result<()>>,
}

async fn served() -> Served {
    crate::tls();
    let worlds = Worlds::start(Clock::manual(script::BEGINS_AT_MS), &Hints::default()).await.expect("the worlds");
    let page = Page::bind(worlds.clone(), Arc::new(Nobody::default()), Hints::default(), 0).await.expect("a port");
    let (url, stop) = (page.url(), CancellationToken::new());
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let task = tokio::spawn(page.serve(stop.clone().cancelled_owned()));
    Served { worlds, url, http, stop, task }
}

impl Served {
    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        let sent = self.http.post(format!("{}api/{path}", self.url)).json(&body).send().await.expect("an answer");
        (sent.status().as_u16(), sent.json().await.unwrap_or_default())
    }

    async fn state(&self) -> Value {
        let sent = self.http.get(format!("{}api/state?as=U0BOB0001", self.url)).send().await.expect("an answer");
        sent.json().await.expect("JSON")
    }
}

#[tokio::test]
async fn the_page_is_shown_to_this_machine_only_and_fetches_only_from_here() {
    let served = served().await;
    let get = |host: &'static str| served.http.get(&served.url).header("host", host).send();
    assert_eq!(get("evil.example").await.expect("an answer").status(), 403);
    let page = get("localhost:1234").await.expect("an answer");
    assert_eq!(page.status(), 200);
    let policy = page.headers()["content-security-policy"].to_str().expect("text").to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let script = served.http.get(format!("{}page/main.js", served.url)).send().await.expect("an answer");
    assert_eq!(script.headers()["content-type"], "text/javascript; charset=utf-8");
    let none = served.http.get(format!("{}page/..%2fmod.rs", served.url)).send().await.expect("an answer");
    assert_eq!(none.status(), 404);
}

#[tokio::test]
async fn what_is_done_on_the_page_is_seen_in_its_state() {
    let served = served().await;
    let message = json!({ "as": "alice", "channel": "#general", "text": "hello" });
    assert_eq!(served.post("message", message).await.0, 200);
    assert_eq!(served.post("fault", json!({ "tailscale": "hangs", "slack": "slow" })).await.0, 200);
    assert_eq!(served.post("clock", json!({ "seconds": 600 })).await.1["moved_seconds"], 600);
    assert_eq!(served.post("bot/start", json!({})).await.1["running"], true);
    let state = served.state().await;
    assert_eq!(state["slack"]["user"], "U0BOB0001");
    assert_eq!(state["unread"]["U0BOB0001"], 1);
    assert_eq!(state["switches"], json!({ "tailscale": "hangs", "slack": "slow" }));
    assert_eq!(state["now_ms"], script::BEGINS_AT_MS + 600_000);
    assert_eq!(state["bot"]["running"], true);
    assert_eq!(served.post("bot/kill", json!({})).await.1["running"], false);
    assert_eq!(served.worlds.tailnet.faults().len(), 1);
    served.post("fault", json!({ "tailscale": "works" })).await;
    assert!(served.worlds.tailnet.faults().is_empty());
}

#[tokio::test]
async fn what_cannot_be_done_is_told_in_words() {
    let served = served().await;
    let told = |answer: (u16, Value)| format!("{} {}", answer.0, answer.1["error"].as_str().unwrap_or_default());
    let press =
        json!({ "as": "alice", "on": { "message": { "channel": "C0ACCESS01", "ts": "1.1" } }, "what": "approve" });
    insta::assert_snapshot!(told(served.post("press", press).await), @r#"409 alice sees nothing called "approve" there; there is: nothing"#);
    let command = json!({ "as": "alice", "channel": "#access", "line": "/nonsense" });
    insta::assert_snapshot!(told(served.post("command", command).await), @"409 /nonsense is not a valid command here");
    assert_eq!(served.post("nonsense", json!({})).await.0, 400);
    assert_eq!(served.post("clock", json!({ "seconds": 60, "hours": 1 })).await.0, 400);
    assert_eq!(served.post("bot/nonsense", json!({})).await.0, 404);
}

#[tokio::test]
async fn a_page_hears_of_changes_and_does_not_keep_the_demo_open() {
    let served = served().await;
    let mut changes = served.http.get(format!("{}api/changes", served.url)).send().await.expect("an answer");
    // Browsers drop events without data.
    let event = "event: changed\ndata: look\n\n";
    assert_eq!(changes.chunk().await.expect("open").as_deref(), Some(event.as_bytes()));
    served.worlds.tailnet.rename("bob-laptop", "bob-notebook").expect("there is one");
    assert_eq!(changes.chunk().await.expect("open").as_deref(), Some(event.as_bytes()));
    served.stop.cancel();
    assert_eq!(changes.chunk().await.expect("closed in order"), None);
    served.task.await.expect("it ends").expect("without an error");
}

#[tokio::test]
async fn a_port_that_is_taken_is_left_to_who_has_it() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let port = taken.local_addr().expect("its address").port();
    let found = bind(port).await.expect("another one").local_addr().expect("its address").port();
    assert!(found > port && found <= port + PORTS_TRIED);
}
