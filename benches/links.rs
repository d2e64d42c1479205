//! How long a click on a go link takes, and what reading links that stand at a golink costs. Prints numbers, decides nothing.
//!
//! `cargo bench --bench links`. The real bot serves 10,000 links on loopback; one connection is kept open, as browsers and
//! `tailscale serve` do. `/.opensearch` is the same way through the same listener with no link behind it: the difference to it is
//! what the click adds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "it measures, and stops at the first thing that is not as it should be"
)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use nightlatch::app::Bot;
use nightlatch::clock::{Clock, Ids};
use nightlatch::config::{Config, Secrets, SlackSecrets, TailscaleSecrets};
use nightlatch::engine::links::moving;
use nightlatch::kernel::link::Typed;
use nightlatch::playground::golink::GolinkWorld;
use nightlatch::playground::slack::{Seed, SlackWorld};
use nightlatch::playground::tailnet::TailnetWorld;
use nightlatch::store::Store;
use secrecy::SecretString;

const LINKS: usize = 10_000;
const CLICKS: usize = 20_000;
const NOW_MS: i64 = 1_772_366_400_000;

/// The worlds the bot lives in, and its folder.
struct House {
    slack: SlackWorld,
    tailnet: TailnetWorld,
    clock: Clock,
    folder: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        let clock = Clock::system();
        let slack = SlackWorld::start(clock.clone(), Seed::acme()).await.expect("a workspace");
        let tailnet = TailnetWorld::start(clock.clone()).await.expect("a tailnet");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("workflows")).expect("a folder for workflows");
        Self { slack, tailnet, clock, folder }
    }

    async fn fill(&self) {
        let path = self.folder.path().join("nightlatch.db");
        let store = Store::open(&format!("sqlite://{}", path.display())).await.expect("a database");
        let imported = moving::import(&store, &snapshot(), NOW_MS).await.expect("it is imported");
        assert_eq!(imported.new, LINKS + 2);
        store.close().await;
    }

    async fn bot(&self, more: &str) -> Bot {
        let text = format!(
            "database: sqlite://nightlatch.db\nlisten: 127.0.0.1:0\nurl: https://nightlatch.example.ts.net\nslack:\n  mode: socket\n  \
             api_url: {}\n  bot_token: env:A\n  app_token: env:B\ntailscale:\n  api_url: {}\n  client_id: env:C\n  client_secret: \
             env:D\n  socket: {}\n{more}\n",
            self.slack.api_url(),
            self.tailnet.url(),
            self.tailnet.socket().display(),
        );
        let config = Config::from_text("nightlatch.yaml", self.folder.path(), &text).expect("a good configuration");
        let app = self.slack.app();
        let secrets = Secrets {
            slack: SlackSecrets {
                bot_token: SecretString::from(app.bot_token),
                app_token: Some(SecretString::from(app.app_token)),
                signing_secret: None,
            },
            tailscale: TailscaleSecrets::Client { id: self.tailnet.client_id(), secret: self.tailnet.client_secret() },
            named: std::collections::BTreeMap::new(),
        };
        Bot::start(&config, secrets, self.clock.clone(), Ids::random()).await.expect("the bot starts")
    }
}

fn snapshot() -> String {
    let line = |short: &str, long: &str| {
        format!("{{\"Short\":\"{short}\",\"Long\":\"{long}\",\"Owner\":\"alice@example.com\"}}\n")
    };
    let mut all: String =
        (0..LINKS).map(|n| line(&format!("link-{n}"), &format!("https://wiki.example.com/{n}"))).collect();
    all.push_str(&line(
        "template",
        "https://wiki.example.com/{{if Match `^[A-Z]+-[0-9]+$` .Path}}{{ToLower .Path}}{{end}}",
    ));
    // As much work as a destination may make: patterns until it would be cut off.
    all.push_str(&line("costly", &"{{if Match `([0-9A-Za-z_]{9}){20}` .Path}}{{end}}".repeat(7)));
    all
}

/// Asks for one path after the other over one connection; the times, sorted.
fn ask(address: SocketAddr, times: usize, path: impl Fn(usize) -> String, status: &str) -> Vec<Duration> {
    let mut connection = TcpStream::connect(address).expect("a connection");
    connection.set_nodelay(true).expect("a connection");
    let mut answer = [0; 8_192];
    let mut took = Vec::with_capacity(times);
    for number in 0..times {
        let request = format!("GET {} HTTP/1.1\r\nhost: go\r\naccept: */*\r\n\r\n", path(number));
        let began = Instant::now();
        connection.write_all(request.as_bytes()).expect("sent");
        let read = connection.read(&mut answer).expect("an answer");
        took.push(began.elapsed());
        assert!(answer[..read].starts_with(status.as_bytes()), "{}", String::from_utf8_lossy(&answer[..read]));
    }
    took.sort();
    took
}

fn tell(what: &str, took: &[Duration]) {
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1_000.0;
    println!("{what:<58} p50 {:.3} ms   p99 {:.3} ms   slowest {:.3} ms", at(0.5), at(0.99), at(1.0));
}

/// Here: over HTTP, as browsers do.
async fn clicks() {
    let house = House::new().await;
    house.fill().await;
    let bot = house.bot("").await;
    let address = bot.address().expect("an address");
    let spread = |number: usize| format!("/link-{}", number.wrapping_mul(7_919) % LINKS);
    let work = move || {
        ask(address, 2_000, spread, "HTTP/1.1 302");
        tell(
            "nothing behind it (/go/.opensearch)",
            &ask(address, CLICKS, |_| "/.opensearch".to_owned(), "HTTP/1.1 200"),
        );
        tell("a click on one of 10,000 links", &ask(address, CLICKS, spread, "HTTP/1.1 302"));
        tell(
            "a click with a path and a query",
            &ask(address, CLICKS, |n| format!("{}/a/b?x=1", spread(n)), "HTTP/1.1 302"),
        );
        tell(
            "a click on a template with a pattern",
            &ask(address, CLICKS, |_| "/template/AB-12".to_owned(), "HTTP/1.1 302"),
        );
        let costly = format!("/costly/{}", "b".repeat(1_000));
        tell("the costliest click there can be", &ask(address, 200, |_| costly.clone(), "HTTP/1.1 302"));
        let at_once: Vec<_> =
            (0..8).map(|_| std::thread::spawn(move || ask(address, CLICKS / 8, spread, "HTTP/1.1 302"))).collect();
        let mut took: Vec<_> = at_once.into_iter().flat_map(|thread| thread.join().expect("clicks")).collect();
        took.sort();
        tell("a click while seven others click too", &took);
    };
    tokio::task::spawn_blocking(work).await.expect("it is measured");
    let links = bot.engine().links();
    let began = Instant::now();
    for number in 0..CLICKS {
        let typed = Typed::read(&spread(number)).expect("a name");
        assert!(links.follow(&typed, None).await.expect("our own links").is_some());
    }
    println!("the same without HTTP: {:.4} ms each", began.elapsed().as_secs_f64() * 1_000.0 / CLICKS as f64);
    bot.stop().await;
}

/// At a golink: what `/go NAME` reads.
async fn reads() {
    let house = House::new().await;
    let golink = GolinkWorld::start(house.clock.clone(), &["alice@example.com"]).await.expect("a golink");
    for number in 0..LINKS {
        golink.put(&format!("link-{number}"), &format!("https://wiki.example.com/{number}"), "alice@example.com");
    }
    let bot = house.bot(&format!("golink: {{ url: {} }}", golink.url())).await;
    let links = bot.engine().links();
    let (mut asked, mut remembered) = (Vec::new(), Vec::new());
    for number in 0..2_000 {
        for took in [&mut asked, &mut remembered] {
            let began = Instant::now();
            assert!(links.find(&format!("link-{number}")).await.expect("an answer").is_some());
            took.push(began.elapsed());
        }
    }
    let calls = golink.calls().len();
    let began = Instant::now();
    let list = links.all().await.expect("an answer").len();
    let first = began.elapsed();
    let again: Vec<_> = (0..200)
        .map(|_| async {
            let began = Instant::now();
            assert_eq!(links.all().await.expect("an answer").len(), list);
            began.elapsed()
        })
        .collect();
    let mut listed = futures_util::future::join_all(again).await;
    for took in [&mut asked, &mut remembered, &mut listed] {
        took.sort();
    }
    tell("golink: one link, asked", &asked);
    tell("golink: one link, remembered (2 s)", &remembered);
    println!("golink: {calls} calls for 4,000 reads of 2,000 links");
    println!("golink: all {list} links, asked: {:.1} ms", first.as_secs_f64() * 1_000.0);
    tell("golink: all links, remembered (5 s)", &listed);
    println!("golink: {} calls for 201 lists", golink.calls().len() - calls);
    bot.stop().await;
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        clicks().await;
        reads().await;
    });
}
