//! The bot with its links at a real golink, if there is one: `NIGHTLATCH_TEST_GOLINK=http://127.0.0.1:8080`, started with
//! `-dev-listen`. There everybody is `foo@example.com` and no admin. Names of links begin with `nls`.

use std::io::Write;

use nightlatch::outside::golink::Golink;

use crate::go::{go, press};
use crate::harness::{Setting, Stage, story_with};

/// Who golink takes everybody for.
const FOO: &str = "foo@example.com";

/// Where `path` leads, asked of golink itself.
async fn led(base: &str, path: &str) -> String {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().tls_certs_only([]);
    let answer = client.build().expect("a client").get(format!("{base}/{path}")).send().await.expect("an answer");
    answer.headers().get("location").map_or_else(String::new, |to| to.to_str().expect("text").to_owned())
}

async fn alice_uses_it(stage: &Stage, base: &str, name: &str) {
    let seen = go(stage, "alice", &format!("/go {name} https://wiki.example.com/{{{{.Path}}}}?by=x")).await;
    assert!(seen.contains("is made and leads to"), "{seen}");
    let seen = go(stage, "alice", &format!("/go {name}/a%20b/c?q=1")).await;
    let to = led(base, &format!("{name}/a%20b/c?q=1")).await;
    assert_eq!(to, "https://wiki.example.com/a%20b/c?by=x&q=1");
    assert!(seen.contains(&format!("leads to {to} ({to})")), "{seen}");
    let seen = go(stage, "alice", &format!("/go {} https://wiki.example.com/new", name.to_uppercase())).await;
    assert!(seen.contains("is yours and leads to"), "{seen}");
    let seen = press(stage, "alice", "Replace").await;
    assert!(seen.contains("now leads to"), "{seen}");
    stage.alice.press_in("#general", "Edit").await;
    stage.alice.fill("Leads to", "https://wiki.example.com/edited").await;
    stage.alice.submit().await;
    assert!(stage.alice.modal().contains("now leads to"), "{}", stage.alice.modal());
    assert_eq!(led(base, name).await, "https://wiki.example.com/edited");
    for line in ["/go mine".to_owned(), format!("/go search {name}")] {
        let seen = go(stage, "alice", &line).await;
        assert!(seen.contains(&name.to_uppercase()), "{line}: {seen}");
    }
    let seen = go(stage, "alice", &format!("/go delete {name}")).await;
    let page = format!("{base}/.detail/{}", name.to_uppercase());
    assert!(seen.contains("golink lets no program delete links") && seen.contains(&page), "{seen}");
    assert!(seen.contains("Followed* 2 times"), "{seen}");
    let seen = go(stage, "alice", &format!("/go {name}x")).await;
    assert!(seen.contains("Did you mean") && seen.contains(&format!("[Create go/{name}x]")), "{seen}");
}

#[tokio::test]
async fn links_at_a_real_golink_are_made_followed_changed_and_found() {
    let Ok(base) = std::env::var("NIGHTLATCH_TEST_GOLINK") else {
        return not_run(
            "NOT RUN against a real golink: /go with its links there; set NIGHTLATCH_TEST_GOLINK as tests/golink says",
        );
    };
    let base = base.trim_end_matches('/').to_owned();
    let name = format!("nls-{}", std::process::id());
    let setting = Setting { more: format!("golink: {{ url: {base} }}"), ..Setting::default() }.knows("U0ALICE01", FOO);
    story_with(setting, async |stage| {
        stage.tailnet.add_user(FOO, "Foo");
        alice_uses_it(stage, &base, &name).await;
        let seen = go(stage, "bob", &format!("/go {name} https://evil.example.com")).await;
        assert!(seen.contains("belongs to `foo@example.com`"), "{seen}");
        // Made for bob, and then golink would let nobody but bob and its admins change it, which the bot is not here.
        let bobs = format!("{name}-bob");
        go(stage, "bob", &format!("/go {bobs} https://wiki.example.com/bob")).await;
        let golink = Golink::new(base.parse().expect("an address")).expect("a client");
        let kept = golink.detail(&bobs).await.expect("an answer").expect("a link");
        assert_eq!((kept.owner.as_str(), kept.long.as_str()), ("bob@example.com", "https://wiki.example.com/bob"));
        go(stage, "bob", &format!("/go {bobs} https://wiki.example.com/new")).await;
        let seen = press(stage, "bob", "Replace").await;
        assert!(seen.contains("http status 403") && seen.contains("tailscale.com/cap/golink"), "{seen}");
    })
    .await;
}

/// `./test` repeats it in its last lines.
fn not_run(words: &str) {
    drop(writeln!(std::io::stderr().lock(), "\n{words}"));
    if let Some(list) = std::env::var_os("NIGHTLATCH_NOT_RUN") {
        let list = std::fs::OpenOptions::new().append(true).open(list);
        drop(list.and_then(|mut list| writeln!(list, "{words}")));
    }
}
