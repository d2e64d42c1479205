//! What happens when very many people type at once: slash commands of as many different people into the real binary, signed over HTTP or
//! over Socket Mode, with the playground's worlds around it: a large tailnet, and a Slack and a Tailscale that take their time. Prints how
//! long the answers took, what they said, and what it cost.
//!
//! `cargo bench --bench commands -- --rate 500 --seconds 10 --kind ask --door http` (kinds: `ask`, `list`, `help`, `mix`; doors: `http`,
//! `socket`). The load does not wait for answers: a slow bot gets no fewer commands. `--kind engine` asks in this process as fast as it goes,
//! without any door. Nothing here asserts a time; read the numbers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark stops at the first thing that is not as it should be, measures real time, and prints"
)]

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::extract::State;
use hmac::{Hmac, KeyInit, Mac};
use nightlatch::app::Bot as App;
use nightlatch::clock::Clock;
use nightlatch::clock::Ids;
use nightlatch::config::{Config, Secrets, SlackSecrets, TailscaleSecrets};
use nightlatch::engine::Engine;
use nightlatch::engine::asking::{Form, Prepared};
use nightlatch::playground::slack::{Fault as SlackFault, Seed, SlackWorld};
use nightlatch::playground::tailnet::TailnetWorld;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::Sha256;

/// Slack shows an error after this.
const SLACK_WAITS: Duration = Duration::from_secs(3);
/// Numbers of the commands that come before those that are measured.
const WARMING: u64 = 1_000_000_000;
/// Lists of a large company take a while.
const WARM_WITHIN: Duration = Duration::from_secs(120);
/// Longer than any answer takes that still matters.
const GIVEN_UP: Duration = Duration::from_secs(30);

const WORKFLOW: &str = r##"nightlatch: 1
title: Production database
inputs:
  hold: { type: duration, default: 1h, max: 8h }
  reason: { type: text, max_length: 500 }
  device: { type: device }
ask: [autogroup:member]
approve:
  - by: [group:dba, "@crowd"]
steps:
  - uses: tailscale.attribute
    with: { device: "{{ inputs.device }}", key: custom:jit_prod_db, value: true }
announce: "#access"
"##;

struct Plan {
    rate: u64,
    seconds: u64,
    kind: String,
    door: String,
    people: usize,
    devices: usize,
    /// Real time that a call to Slack and one to Tailscale take.
    slack_ms: u64,
    tailscale_ms: u64,
}

impl Plan {
    fn read() -> Self {
        let args: Vec<String> = std::env::args().collect();
        let after = |name: &str| args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1)).cloned();
        let number = |name: &str, or: u64| after(name).map_or(or, |text| text.parse().expect("a number"));
        Self {
            rate: number("--rate", 500),
            seconds: number("--seconds", 10),
            kind: after("--kind").unwrap_or_else(|| "ask".to_owned()),
            door: after("--door").unwrap_or_else(|| "http".to_owned()),
            people: usize::try_from(number("--people", 2_000)).expect("a number"),
            devices: usize::try_from(number("--devices", 20_000)).expect("a number"),
            slack_ms: number("--slack-ms", 300),
            tailscale_ms: number("--tailscale-ms", 500),
        }
    }

    fn text(&self, number: u64) -> String {
        match (self.kind.as_str(), number % 10) {
            ("list", _) | ("mix", 0..=5) => "list".to_owned(),
            ("help", _) | ("mix", 6..=8) => "help".to_owned(),
            _ => format!("prod-db 1h device=crowd-{:05} load {number}", self.one(number)),
        }
    }

    /// Which of the people this is.
    fn one(&self, number: u64) -> usize {
        usize::try_from(number).unwrap_or(0) % self.people.max(1)
    }
}

struct Answer {
    took: Duration,
    said: String,
}

/// What was said later, through the answer address of a command.
type Later = Arc<Mutex<BTreeMap<String, usize>>>;

struct Bot {
    process: Child,
    address: String,
    secret: String,
    _folder: tempfile::TempDir,
}

impl Drop for Bot {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Bot {
    async fn start(slack: &SlackWorld, tailnet: &TailnetWorld, plan: &Plan) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("workflows")).expect("a folder");
        std::fs::write(folder.path().join("workflows/prod-db.yaml"), WORKFLOW).expect("a workflow");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
        let config = config(slack, tailnet, &plan.door, port);
        std::fs::write(folder.path().join("nightlatch.yaml"), config).expect("a configuration");
        let app = slack.app();
        let process = Command::new(env!("CARGO_BIN_EXE_nightlatch"))
            .args(["serve", "--config", "nightlatch.yaml"])
            .current_dir(folder.path())
            .env("SLACK_BOT_TOKEN", app.bot_token)
            .env("SLACK_APP_TOKEN", app.app_token)
            .env("SLACK_SIGNING_SECRET", &app.signing_secret)
            .env("TAILSCALE_CLIENT_SECRET", tailnet.client_secret().expose_secret())
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("log")).expect("a log"))
            .spawn()
            .expect("the binary starts");
        let address = format!("http://127.0.0.1:{port}");
        let bot = Self { process, address, secret: app.signing_secret, _folder: folder };
        while reqwest::get(format!("{}/readyz", bot.address))
            .await
            .is_ok_and(|answer| answer.status().is_success())
            .eq(&false)
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        bot
    }

    /// Resident memory now and at most, in MiB.
    fn memory(&self) -> (u64, u64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or(0) / 1024
        };
        (field("VmRSS:"), field("VmHWM:"))
    }

    /// CPU time used so far.
    fn worked(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap_or_default();
        let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let ticks: u64 =
            after_name.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
        Duration::from_millis(ticks * 10)
    }

    fn log(&self) -> BTreeMap<String, usize> {
        let log = std::fs::read_to_string(self._folder.path().join("log")).unwrap_or_default();
        let mut kinds = BTreeMap::new();
        for line in log.lines() {
            let words: Vec<&str> = line.split_whitespace().skip(1).filter(|word| !word.contains('=')).take(9).collect();
            *kinds.entry(words.join(" ")).or_default() += 1;
        }
        kinds
    }

    /// The bytes Slack would send, with its signature.
    fn command(&self, client: &reqwest::Client, plan: &Plan, number: u64, hook: &str) -> reqwest::RequestBuilder {
        let (user, text) = (format!("U0P{:05}", plan.one(number)), plan.text(number));
        let trigger = format!("{number}.1.bench");
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("command", "/access"),
                ("text", text.as_str()),
                ("user_id", user.as_str()),
                ("user_name", "somebody"),
                ("team_id", "T0ACME001"),
                ("team_domain", "acme"),
                ("channel_id", "C0GENERAL1"),
                ("channel_name", "general"),
                ("api_app_id", "A0NIGHTLATCH"),
                ("is_enterprise_install", "false"),
                ("trigger_id", &trigger),
                ("response_url", hook),
            ])
            .finish();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).expect("any length");
        mac.update(format!("v0:{now}:{body}").as_bytes());
        let signature = format!("v0={}", hex::encode(mac.finalize().into_bytes()));
        client
            .post(format!("{}/slack/commands", self.address))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-slack-request-timestamp", now.to_string())
            .header("x-slack-signature", signature)
            .body(body)
    }
}

/// The first words of what a person reads; numbers and ids left out, so that alike answers count as one.
fn gist(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().filter(|word| !word.contains(char::is_numeric)).take(9).collect();
    words.join(" ")
}

fn said(body: &[u8]) -> String {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    match json["text"].as_str() {
        Some(text) => gist(text),
        None => format!("({} bytes)", body.len()),
    }
}

async fn hook(State(later): State<Later>, body: axum::body::Bytes) -> &'static str {
    *later.lock().expect("a lock").entry(said(&body)).or_default() += 1;
    "ok"
}

async fn one(request: reqwest::RequestBuilder) -> Answer {
    let begun = Instant::now();
    let said = match request.timeout(GIVEN_UP).send().await {
        Ok(answer) => {
            let status = answer.status();
            match answer.bytes().await {
                Ok(body) if status.is_success() => said(&body),
                Ok(_) => format!("HTTP {status}"),
                Err(error) => format!("no body: {}", gist(&error.to_string())),
            }
        }
        Err(error) if error.is_timeout() => "no answer at all".to_owned(),
        Err(error) => format!("no connection: {}", gist(&error.to_string())),
    };
    Answer { took: begun.elapsed(), said }
}

async fn one_by_socket(slack: SlackWorld, who: String, text: String) -> Answer {
    let begun = Instant::now();
    let delivered = slack.command(&who, "@nightlatch", &format!("/access {text}")).await.expect("a command");
    let said = match delivered.body {
        Some(body) if delivered.acked => gist(body["text"].as_str().unwrap_or_default()),
        _ if delivered.acked => "(nothing)".to_owned(),
        _ => "not acknowledged".to_owned(),
    };
    Answer { took: begun.elapsed(), said }
}

/// Every command has a number of its own, from `from` on: Slack's repetition of one would be answered as the first was.
async fn load(bot: &Bot, slack: &SlackWorld, plan: &Plan, hook: &str, from: u64) -> (Vec<Answer>, Duration) {
    let client = reqwest::Client::builder().pool_max_idle_per_host(512).build().expect("a client");
    let begun = Instant::now();
    let pause = Duration::from_secs(1) / u32::try_from(plan.rate).expect("a rate");
    let mut running = tokio::task::JoinSet::new();
    for number in 0..plan.rate * plan.seconds {
        let at = begun + pause * u32::try_from(number).expect("not that many");
        tokio::time::sleep_until(at.into()).await;
        let number = from + number;
        if plan.door == "socket" {
            running.spawn(one_by_socket(slack.clone(), format!("p{:05}", plan.one(number)), plan.text(number)));
        } else {
            running.spawn(one(bot.command(&client, plan, number, hook)));
        }
    }
    let sending = begun.elapsed();
    (running.join_all().await, sending)
}

fn report(answers: &[Answer], sending: Duration) {
    let mut took: Vec<Duration> = answers.iter().map(|answer| answer.took).collect();
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    let late = took.iter().filter(|took| **took > SLACK_WAITS).count();
    let rate = answers.len() as f64 / sending.as_secs_f64();
    println!("sent       {} in {:.1} s ({rate:.0}/s)", answers.len(), sending.as_secs_f64());
    println!(
        "answered   p50 {:.1} ms   p90 {:.1} ms   p99 {:.1} ms   p99.9 {:.1} ms   max {:.1} ms",
        at(0.5),
        at(0.9),
        at(0.99),
        at(0.999),
        at(1.0)
    );
    println!("over 3 s   {late}");
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    answers.iter().for_each(|answer| *kinds.entry(&answer.said).or_default() += 1);
    counted("said", kinds.iter().map(|(said, count)| (*said, *count)));
}

fn counted<'k>(title: &str, kinds: impl Iterator<Item = (&'k str, usize)>) {
    let mut kinds: Vec<_> = kinds.collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for (kind, count) in kinds.into_iter().take(8) {
        println!("{title:<10} {count:>7} x {kind}");
    }
}

fn config(slack: &SlackWorld, tailnet: &TailnetWorld, door: &str, port: u16) -> String {
    format!(
        "database: sqlite://nightlatch.db\nlisten: 127.0.0.1:{port}\nurl: http://127.0.0.1:{port}\n\
         ceilings: {{ same: 1000000 }}\n\
         slack:\n  mode: {door}\n  api_url: {}\n  bot_token: env:SLACK_BOT_TOKEN\n  app_token: env:SLACK_APP_TOKEN\n  \
         signing_secret: env:SLACK_SIGNING_SECRET\n\
         tailscale:\n  api_url: {}\n  client_id: {}\n  client_secret: env:TAILSCALE_CLIENT_SECRET\n",
        slack.api_url(),
        tailnet.url(),
        tailnet.client_id(),
    )
}

/// How many asks a second are saved in this process, by so many who ask at once.
async fn engine(plan: &Plan, slack: &SlackWorld, tailnet: &TailnetWorld) {
    const AT_ONCE: u64 = 512;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("workflows")).expect("a folder");
    std::fs::write(folder.path().join("workflows/prod-db.yaml"), WORKFLOW).expect("a workflow");
    let app = slack.app();
    let text = config(slack, tailnet, "socket", 0);
    let config = Config::from_text("nightlatch.yaml", folder.path(), &text).expect("a configuration");
    let secrets = Secrets {
        slack: SlackSecrets {
            bot_token: SecretString::from(app.bot_token),
            app_token: Some(SecretString::from(app.app_token)),
            signing_secret: Some(SecretString::from(app.signing_secret)),
        },
        tailscale: TailscaleSecrets::Client { id: tailnet.client_id(), secret: tailnet.client_secret() },
        named: std::collections::BTreeMap::new(),
    };
    let bot = App::start(&config, secrets, Clock::system(), Ids::random()).await.expect("the bot starts");
    let engine = bot.engine().clone();
    engine.directory().tried().await;
    let begun = Instant::now();
    let mut asking = tokio::task::JoinSet::new();
    for first in 0..AT_ONCE {
        asking.spawn(ask_on(engine.clone(), plan.people, first, AT_ONCE, begun + Duration::from_secs(plan.seconds)));
    }
    let asked: u64 = asking.join_all().await.into_iter().sum();
    let took = begun.elapsed().as_secs_f64();
    println!("asked      {asked} in {took:.1} s: {:.0} a second, by {AT_ONCE} at once", asked as f64 / took);
    drop(engine);
    bot.stop().await;
}

async fn ask_on(engine: Engine, people: usize, first: u64, step: u64, until: Instant) -> u64 {
    let (mut number, mut asked) = (first, 0);
    while Instant::now() < until {
        let one = usize::try_from(number).expect("a number") % people;
        let workflow = engine.catalog().find("prod-db").expect("the workflow").clone();
        let form = Form::from_words(workflow, &format!("1h device=crowd-{one:05} load {number}"), None);
        match engine.prepare(&format!("U0P{one:05}"), &form).await {
            Ok(Prepared::Complete(ask)) => drop(engine.ask(*ask, None).await.expect("it is saved")),
            other => panic!("not complete: {other:?}"),
        }
        (number, asked) = (number + step, asked + 1);
    }
    asked
}

#[tokio::main]
async fn main() {
    nightlatch::outside::tls();
    let plan = Plan::read();
    let clock = Clock::system();
    let slack = SlackWorld::start(clock.clone(), Seed::acme().crowd(plan.people, 1_000)).await.expect("a workspace");
    let tailnet = TailnetWorld::start(clock).await.expect("a tailnet");
    tailnet.crowd(plan.people, plan.devices);
    if plan.kind == "engine" {
        return engine(&plan, &slack, &tailnet).await;
    }
    let later = Later::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let router = axum::Router::new().route("/hook", axum::routing::post(hook)).with_state(later.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let bot = Bot::start(&slack, &tailnet, &plan).await;
    let half = Duration::from_millis(plan.tailscale_ms / 2);
    tailnet.set_latency(half, half);
    if plan.slack_ms > 0 {
        slack.fail("*", SlackFault::Slow(plan.slack_ms), u32::MAX);
    }
    // The bot has looked around once before the many come.
    let first = Plan { rate: 1, seconds: 1, kind: "ask".to_owned(), door: plan.door.clone(), ..plan };
    let began = Instant::now();
    for attempt in 0.. {
        let (answers, _) = load(&bot, &slack, &first, &address, WARMING + attempt).await;
        let said = answers.first().map_or("", |answer| answer.said.as_str());
        if said.contains("Asked") {
            break;
        }
        assert!(began.elapsed() < WARM_WITHIN, "the bot does not get to know its lists: {said} {:?}", bot.log());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    println!("warm       after {:.1} s", began.elapsed().as_secs_f64());
    let (idle, _) = bot.memory();
    let before = bot.worked();
    println!(
        "{} a second for {} s, kind {}, door {}, {} people, {} devices, Slack {} ms, Tailscale {} ms",
        plan.rate, plan.seconds, plan.kind, plan.door, plan.people, plan.devices, plan.slack_ms, plan.tailscale_ms
    );
    let (answers, sending) = load(&bot, &slack, &plan, &address, 0).await;
    report(&answers, sending);
    let worked = bot.worked().saturating_sub(before);
    let (now, most) = bot.memory();
    let each = worked.as_secs_f64() / answers.len() as f64;
    println!(
        "cpu        {:.1} s, {:.2} ms a command: one core takes {:.0} a second",
        worked.as_secs_f64(),
        each * 1000.0,
        1.0 / each
    );
    println!("memory     {idle} MiB idle, {now} MiB now, {most} MiB at most");
    tokio::time::sleep(Duration::from_secs(5)).await;
    let resting = bot.worked();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let share = bot.worked().saturating_sub(resting).as_secs_f64() / 5.0 * 100.0;
    println!("afterwards {share:.0} % of a core, {} MiB, while its messages wait for Slack's limits", bot.memory().0);
    counted("later", later.lock().expect("a lock").iter().map(|(said, count)| (said.as_str(), *count)));
    counted("log", bot.log().iter().map(|(line, count)| (line.as_str(), *count)));
}
