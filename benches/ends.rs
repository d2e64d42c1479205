//! Many grants that end in the same second, at a Tailscale that takes fewer calls a second than that needs. Prints how late the ends
//! were, how many calls were made and refused, and who was alarmed.
//!
//! `cargo bench --bench ends -- --ends 300 --rate 50 --latency 20` (milliseconds a call; rate 0: no limit). The real bot in this
//! process, over HTTP on loopback. Nothing here asserts a time; read the numbers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "it measures, and stops at the first thing that is not as it should be"
)]

use std::time::{Duration, Instant};

use nightlatch::app::Bot;
use nightlatch::clock::{Clock, Ids};
use nightlatch::config::{Config, Secrets, SlackSecrets, TailscaleSecrets};
use nightlatch::engine::Engine;
use nightlatch::engine::asking::{Form, Prepared};
use nightlatch::kernel::{Actor, Button, Event, Request, RequestId, State};
use nightlatch::playground::slack::{Seed, SlackWorld};
use nightlatch::playground::tailnet::{Endpoint, TailnetWorld};
use secrecy::SecretString;

const WORKFLOW: &str = r##"nightlatch: 1
title: Production database
inputs:
  hold: { type: duration, default: 1h, max: 8h }
  reason: { type: text, max_length: 500 }
  device: { type: device }
ask: [group:engineering]
approve:
  - by: [group:dba]
steps:
  - uses: tailscale.attribute
    with: { device: "{{ inputs.device }}", key: custom:jit_prod_db, value: true }
announce: "#access"
"##;

struct Plan {
    ends: usize,
    rate: usize,
    latency: Duration,
}

impl Plan {
    fn read() -> Self {
        let args: Vec<String> = std::env::args().collect();
        let after = |name: &str| args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1)).cloned();
        let number = |name: &str, or: usize| after(name).map_or(or, |text| text.parse().expect("a number"));
        let latency = u64::try_from(number("--latency", 20)).expect("a number");
        Self { ends: number("--ends", 300), rate: number("--rate", 50), latency: Duration::from_millis(latency) }
    }
}

async fn bot(slack: &SlackWorld, tailnet: &TailnetWorld, clock: &Clock, folder: &tempfile::TempDir) -> Bot {
    std::fs::create_dir(folder.path().join("workflows")).expect("a folder for workflows");
    std::fs::write(folder.path().join("workflows/prod-db.yaml"), WORKFLOW).expect("a workflow");
    let text = format!(
        "database: sqlite://nightlatch.db\nlisten: 127.0.0.1:0\nurl: https://nightlatch.example.ts.net\nslack:\n  mode: socket\n  \
         api_url: {}\n  bot_token: env:A\n  app_token: env:B\ntailscale:\n  api_url: {}\n  client_id: env:C\n  client_secret: \
         env:D\n  socket: {}\n",
        slack.api_url(),
        tailnet.url(),
        tailnet.socket().display(),
    );
    let config = Config::from_text("nightlatch.yaml", folder.path(), &text).expect("a good configuration");
    let app = slack.app();
    let secrets = Secrets {
        slack: SlackSecrets {
            bot_token: SecretString::from(app.bot_token),
            app_token: Some(SecretString::from(app.app_token)),
            signing_secret: None,
        },
        tailscale: TailscaleSecrets::Client { id: tailnet.client_id(), secret: tailnet.client_secret() },
        named: std::collections::BTreeMap::new(),
    };
    Bot::start(&config, secrets, clock.clone(), Ids::random()).await.expect("the bot starts")
}

/// Alice asks and bob approves, without a detour through Slack's limits.
async fn granted(engine: &Engine, device: &str) {
    let workflow = engine.catalog().find("prod-db").expect("the workflow").clone();
    let mut form = Form::from_words(workflow, "1h so that it ends", None);
    form.values.insert("device".to_owned(), device.to_owned());
    let ask = loop {
        match engine.prepare("U0ALICE01", &form).await {
            Ok(Prepared::Complete(ask)) => break ask,
            Ok(Prepared::Incomplete { .. }) => panic!("something is missing"),
            // The bot has not looked around since these devices came.
            Ok(Prepared::Unknown) | Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    };
    let told = engine.ask(*ask, None).await.expect("it is saved");
    let id = told.request.ask.id.clone();
    let button = Button::Approve { confirmed: false, hold_ms: None };
    let seal = told.request.ask.seal.clone();
    let event = Event::Pressed { by: "U0BOB0001".to_owned(), button, channel: None, seal, on: None };
    engine.tell(Actor::Person { slack_id: "U0BOB0001".to_owned() }, &id, event, None).await.expect("it is saved");
}

async fn all(engine: &Engine, ids: &[RequestId], is_there: impl Fn(&Request) -> bool) -> Vec<Request> {
    loop {
        let mut found = Vec::new();
        for id in ids {
            let request = engine.store().load(id).await.expect("a request");
            if !is_there(&request) {
                break;
            }
            found.push(request);
        }
        if found.len() == ids.len() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn measure(plan: &Plan) {
    let clock = Clock::system();
    let slack = SlackWorld::start(clock.clone(), Seed::acme()).await.expect("a workspace");
    let tailnet = TailnetWorld::start(clock.clone()).await.expect("a tailnet");
    // What ends things is to be the bot.
    tailnet.set_expiry_lag_ms(3_600_000);
    let folder = tempfile::tempdir().expect("a folder");
    let devices: Vec<String> = (0..plan.ends)
        .map(|number| tailnet.add_device(&format!("box-{number}"), "linux", "alice@example.com"))
        .collect();
    let bot = bot(&slack, &tailnet, &clock, &folder).await;
    let engine = bot.engine().clone();
    let began = Instant::now();
    for device in &devices {
        granted(&engine, device).await;
    }
    let mut ids = Vec::new();
    for state in State::ALL {
        let requests = engine.store().requests_in(state, 10_000).await.expect("requests");
        ids.extend(requests.into_iter().map(|request| request.ask.id));
    }
    all(&engine, &ids, |request| request.state == State::Active).await;
    println!("{} granted in {:.1} s", ids.len(), began.elapsed().as_secs_f64());

    tailnet.set_latency(plan.latency / 2, plan.latency / 2);
    tailnet.set_calls_per_second(Some(plan.rate).filter(|rate| *rate > 0));
    let (calls_before, deletes_before) = (tailnet.calls().len(), tailnet.calls_of(Endpoint::DeleteAttribute));
    clock.advance(Duration::from_secs(3_600));
    let due_at = clock.now_ms();
    let mut stuck = 0;
    let ended = loop {
        let counted = engine.store().counts().await.expect("counts").1;
        stuck = stuck.max(counted);
        let ended = engine.store().requests_in(State::Ended, 10_000).await.expect("requests");
        if ended.len() == ids.len() {
            break ended;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let mut late: Vec<f64> =
        ended.iter().map(|request| (request.ended_at.expect("an end") - due_at) as f64 / 1_000.0).collect();
    late.sort_by(f64::total_cmp);
    let calls = tailnet.calls().len() - calls_before;
    let refused = tailnet.calls_refused();
    let needed = calls as f64 - refused as f64;
    println!("late: median {:.2} s, last {:.2} s", late[late.len() / 2], late[late.len() - 1]);
    if plan.rate > 0 {
        let least = needed / plan.rate as f64;
        println!(
            "least time for {needed} calls at {} a second: {least:.2} s; the last took {:.3} of it",
            plan.rate,
            late[late.len() - 1] / least
        );
    }
    println!("calls: {calls}, refused {refused} ({:.2} %)", refused as f64 * 100.0 / calls as f64);
    println!("deletes: {}", tailnet.calls_of(Endpoint::DeleteAttribute) - deletes_before);
    println!("stuck at most: {stuck}; still on: {}", tailnet.leftovers().len());
    drop(engine);
    bot.stop().await;
}

fn main() {
    let plan = Plan::read();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(measure(&plan));
}
