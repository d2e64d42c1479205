//! What it costs when very many grants end: the real engine over a real database file, with a far side in memory that answers
//! at once. Prints how long it took until each end was saved with its proof. Nothing here asserts a time; read the numbers.
//!
//! `cargo bench --bench endings -- --ends 100000` (all due at once), `-- --active 50000 --ends 5000` (after a restart),
//! `-- --active 1000000 --ends 0` (idle), `-- --ends 10000 --keys 1` (many holders of one thing).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark stops at the first thing that is not as it should be, measures real time, and prints"
)]

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nightlatch::catalog::Catalog;
use nightlatch::clock::{Clock, Ids};
use nightlatch::engine::links::LinkPlace;
use nightlatch::engine::logbook::Logbook;
use nightlatch::engine::pastes::PasteSettings;
use nightlatch::engine::{Engine, Parts, Running};
use nightlatch::kernel::effect::{Due, Effect};
use nightlatch::kernel::input::InputValue;
use nightlatch::kernel::request::DeviceShown;
use nightlatch::kernel::workflow::{Input, InputKind, OwnRequest, Stage, StepUse};
use nightlatch::kernel::{
    Actor, Applied, Ask, Button, Event, Found, Moment, Person, Proof, Purpose, Request, RequestId, Standing, State,
    Wake, Who, Workflow,
};
use nightlatch::notices::Notices;
use nightlatch::outside::net::Net;
use nightlatch::outside::slack::{Slack, SlackSettings};
use nightlatch::outside::tailscale::{Credential, Tailscale, TailscaleSettings};
use nightlatch::store::{AnchorFile, Saving, Store};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

const HOUR_MS: i64 = 3_600_000;

struct Plan {
    /// Grants whose time is up.
    ends: usize,
    /// All grants, those with an end far ahead too.
    active: usize,
    /// Things the ends are holders of; as many as ends if none is said.
    keys: Option<usize>,
}

impl Plan {
    fn read() -> Self {
        let args: Vec<String> = std::env::args().collect();
        let number = |name: &str| {
            let at = args.iter().position(|arg| arg == name)?;
            args.get(at + 1)?.parse::<usize>().ok()
        };
        let ends = number("--ends").unwrap_or(10_000);
        let active = number("--active").unwrap_or(ends).max(ends);
        Self { ends, active, keys: number("--keys") }
    }
}

/// Attributes by path; counts calls.
#[derive(Default)]
struct FarSide {
    on: Mutex<HashMap<String, Value>>,
    calls: AtomicU64,
    writes: AtomicU64,
}

impl FarSide {
    fn answer(&self, method: &str, path: &str) -> (u16, Value) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if path.ends_with("/oauth/token") {
            return (200, json!({ "access_token": "t", "token_type": "Bearer", "expires_in": 3600 }));
        }
        let Some((device, rest)) = path.split_once("/device/").and_then(|(_, rest)| rest.split_once("/attributes"))
        else {
            return (200, json!({ "ok": true }));
        };
        let mut on = self.on.lock().unwrap();
        match method {
            "DELETE" => {
                self.writes.fetch_add(1, Ordering::Relaxed);
                let gone = on.remove(device);
                if gone.is_some() { (200, json!({})) } else { (404, json!({ "message": format!("no {rest}") })) }
            }
            _ => {
                let expiry = on.get(device).cloned();
                let (mut attributes, mut expiries) = (Map::new(), Map::new());
                if let Some(expiry) = expiry {
                    attributes.insert("custom:jit".to_owned(), true.into());
                    expiries.insert("custom:jit".to_owned(), expiry);
                }
                (200, json!({ "attributes": attributes, "expiries": expiries }))
            }
        }
    }
}

fn person(name: &str, group: &str) -> Person {
    Person {
        slack_id: format!("U{}", name.to_uppercase()),
        name: name.to_owned(),
        email: Some(format!("{name}@example.com")),
        login: Some(format!("{name}@example.com")),
        standing: Standing::Member,
        belongs: vec![Who::parse(group).unwrap()],
    }
}

fn workflow() -> Workflow {
    let with = json!({ "device": "{{ device.node_id }}", "key": "custom:jit", "value": true });
    Workflow {
        name: "prod-db".to_owned(),
        title: "Production database".to_owned(),
        description: "Reach tag:prod-db from one of your devices.".to_owned(),
        command: None,
        inputs: vec![Input::plain("hold", "Hold", InputKind::Duration { default_ms: HOUR_MS, max_ms: 8 * HOUR_MS })],
        ask: vec![Who::parse("group:engineering").unwrap()],
        approve: vec![Stage::of(1, vec![Who::parse("group:dba").unwrap()], OwnRequest::Never)],
        lapse_after_ms: 8 * HOUR_MS,
        steps: vec![StepUse {
            uses: "tailscale.attribute".to_owned(),
            name: None,
            with: with.as_object().unwrap().clone(),
        }],
        announce: Some("#access".to_owned()),
        digest: "d".repeat(64),
    }
}

/// A grant as it is when it is active, with everything that was saved on its way there.
fn active(number: usize, device: &str, asked_at: i64) -> (Applied, i64) {
    let (alice, bob) = (person("alice", "group:engineering"), person("bob", "group:dba"));
    let ask = Ask {
        id: RequestId(format!("r{number:09}")),
        workflow: workflow(),
        requester: alice.clone(),
        inputs: BTreeMap::from([("hold".to_owned(), InputValue::Duration { length_ms: HOUR_MS })]),
        hold_ms: HOUR_MS,
        reason: "invoice 1204 is stuck".to_owned(),
        device: Some(DeviceShown { node_id: device.to_owned(), name: "laptop".to_owned(), os: "linux".to_owned() }),
        seal: "s".repeat(64),
        channel: None,
    };
    let moment = Moment { now: asked_at, jitter: 0.5, types: nightlatch::steps::TYPES };
    let mut applied = Request::ask(ask, moment).unwrap();
    let mut ledger = applied.ledger.clone();
    let button = Button::Approve { confirmed: false };
    let told_until = asked_at + HOUR_MS + nightlatch::kernel::GRACE_MS;
    let found = Found::On { until: Some(told_until) };
    for event in [
        Event::ApproversFound { stage: 0, people: vec![bob.slack_id.clone()] },
        Event::Pressed { by: bob.slack_id.clone(), button, channel: None, seal: "s".repeat(64), on: None },
        Event::Identified { purpose: Purpose::Press { number: 1 }, person: bob.clone() },
        Event::Identified { purpose: Purpose::Start, person: alice.clone() },
        Event::Observed { step: 0, before: json!({ "value": null, "expires_at": null }), again: false },
        Event::settled(0, Proof { at: asked_at, found }),
    ] {
        applied = applied.request.apply(event, moment);
        ledger.extend(applied.ledger.iter().cloned());
    }
    assert_eq!(applied.request.state, State::Active);
    let wakes = |due: &Due| matches!(due.effect, Effect::Wake { wake: Wake::Expire });
    applied.effects.retain(wakes);
    applied.ledger = ledger;
    (applied, told_until)
}

async fn fill(store: &Store, far: &FarSide, plan: &Plan, now: i64) {
    let actor = Actor::Worker;
    let keys = plan.keys.unwrap_or(plan.active).max(1);
    let mut number = 0;
    while number < plan.active {
        let mut tx = store.begin().await.unwrap();
        for _ in 0..5_000.min(plan.active - number) {
            // Those that end ended a moment ago; the others go on for most of an hour.
            let asked_at = if number < plan.ends { now - HOUR_MS - 100 } else { now - 60_000 };
            let device = if number < plan.ends { number % keys } else { number };
            let device = format!("n{device}CNTRL");
            let (applied, until) = active(number, &device, asked_at);
            let expiry = jiff::Timestamp::from_second((until + 999).div_euclid(1000)).unwrap().to_string();
            far.on.lock().unwrap().insert(device, expiry.into());
            let event = Event::Asked;
            tx.save(Saving { applied: &applied, actor: &actor, event: &event, at: asked_at }).await.unwrap();
            number += 1;
        }
        tx.commit().await.unwrap();
    }
}

async fn start(store: &Store, folder: &Path, far: &Arc<FarSide>, stop: &CancellationToken) -> (Engine, Running) {
    let world = far.clone();
    let net = Net::memory(Arc::new(move |request: http::Request<Vec<u8>>| {
        let (status, body) = world.answer(request.method().as_str(), request.uri().path());
        Box::pin(
            async move { Ok(http::Response::builder().status(status).body(body.to_string().into_bytes()).unwrap()) },
        )
    }));
    let clock = Clock::system();
    let api_url = "http://127.0.0.1:1".parse().unwrap();
    let mut settings = TailscaleSettings::new(api_url, Credential::ApiKey("tskey-api-none".into()));
    settings.net = net;
    let tailscale = Tailscale::new(settings, clock.clone()).unwrap();
    // Slack takes no message for the whole run: messages are not what is measured.
    let mut settings = SlackSettings::new("http://127.0.0.1:1/api", "xoxb-none".into(), None);
    settings.net = Net::memory(Arc::new(|_| Box::pin(std::future::pending())));
    let anchor = AnchorFile::new(&folder.join("bench.anchor"));
    let parts = Parts {
        logbook: Logbook::open(store, (anchor, None), clock.clone()).await.unwrap(),
        store: store.clone(),
        clock: clock.clone(),
        ids: Ids::random(),
        slack: Slack::new(settings, clock).unwrap(),
        tailscale,
        notices: Notices::built_in().unwrap(),
        catalog: Catalog::default(),
        steps: nightlatch::steps::LIST,
        people: BTreeMap::new(),
        services: nightlatch::steps::Services::new(Net::wire(), BTreeMap::new()),
        links: LinkPlace::here(store, "http://localhost").await.unwrap(),
        pastes: PasteSettings { here: "http://localhost".to_owned(), tclip: None },
    };
    Engine::start(parts, stop.clone())
}

/// How much the process took so far: seconds of processor time and the most memory in MiB.
fn cost() -> (f64, f64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let rss =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<f64>().ok());
    ((ticks(11) + ticks(12)) / 100.0, rss.unwrap_or(0.0) / 1024.0)
}

async fn not_ended(store: &Store) -> i64 {
    let (states, _) = store.counts().await.unwrap();
    states.into_iter().filter(|(state, _)| state != "ended").map(|(_, count)| count).sum()
}

#[tokio::main(flavor = "multi_thread")]
async fn main() {
    let plan = Plan::read();
    let folder = tempfile::tempdir().unwrap();
    let address = format!("sqlite://{}", folder.path().join("bench.db").display());
    let far = Arc::new(FarSide::default());
    {
        let store = Store::open(&address).await.unwrap();
        let filling = Instant::now();
        fill(&store, &far, &plan, Clock::system().now_ms()).await;
        println!("{} active grants written in {:.1} s", plan.active, filling.elapsed().as_secs_f64());
        store.close().await;
    }
    let begun = Instant::now();
    let store = Store::open(&address).await.unwrap();
    let stop = CancellationToken::new();
    let (engine, running) = start(&store, folder.path(), &far, &stop).await;
    println!("ready after {:.3} s", begun.elapsed().as_secs_f64());
    let left_at_the_end = i64::try_from(plan.active - plan.ends).unwrap();
    let mut first = None;
    loop {
        if plan.ends == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        let left = not_ended(&store).await - left_at_the_end;
        let ended = plan.ends - usize::try_from(left).unwrap();
        if ended > 0 && first.is_none() {
            first = Some(begun.elapsed());
        }
        if left == 0 {
            break;
        }
    }
    if plan.ends > 0 {
        let last = begun.elapsed().as_secs_f64();
        println!(
            "{} ends: first saved with its proof after {:.3} s, last after {last:.2} s; {} calls, {} of them deletions; {} left on",
            plan.ends,
            first.unwrap_or_default().as_secs_f64(),
            far.calls.load(Ordering::Relaxed),
            far.writes.load(Ordering::Relaxed),
            far.on.lock().unwrap().len() - usize::try_from(left_at_the_end).unwrap(),
        );
    }
    if plan.ends == 0 {
        // The log is verified first.
        tokio::time::sleep(Duration::from_secs(20)).await;
    }
    let (before, _) = cost();
    let idle = Instant::now();
    if plan.ends == 0 {
        tokio::time::sleep(Duration::from_secs(20)).await;
    }
    let (after, memory) = cost();
    if plan.ends == 0 {
        let share = (after - before) / idle.elapsed().as_secs_f64() * 100.0;
        println!("idle: {share:.3} % of a core, {memory:.0} MiB");
    }
    println!("{after:.1} s of processor time in all, {memory:.0} MiB");
    stop.cancel();
    drop((engine, running));
    let ids: Vec<Request> = store.requests_in(State::Ended, 3).await.unwrap();
    assert!(ids.iter().all(|request| {
        request.steps[0].proof.as_ref().is_some_and(|proof| proof.found == Found::Gone || plan.keys.is_some())
    }));
}
