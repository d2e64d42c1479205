//! What it costs when very many grants end: the real engine over a real database file, with a far side in this process that answers
//! at once, on two threads. Prints how long it took until each end was saved with its proof. Nothing here asserts a time; read the numbers.
//!
//! `cargo bench --bench endings -- --ends 100000` (all due at once), `--ends 100000 --kill` (by a process that is killed when half of them are
//! over, and taken up again), `--active 50000 --ends 5000` (after a restart), `--active 1000000 --ends 0` (idle), `--ends 10000 --keys 1` (many
//! holders of one thing), `--ends 100 --messages 5000 --in 5` (due in five seconds, while a Slack that hangs has thousands to take).

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
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nightlatch::catalog::Catalog;
use nightlatch::clock::{Clock, Ids};
use nightlatch::engine::links::LinkPlace;
use nightlatch::engine::logbook::Logbook;
use nightlatch::engine::pastes::PasteSettings;
use nightlatch::engine::{Engine, Parts, Running};
use nightlatch::kernel::condition::Condition;
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
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const HOUR_MS: i64 = 3_600_000;

struct Plan {
    /// Grants whose time is up.
    ends: usize,
    /// All grants, those with an end far ahead too.
    active: usize,
    /// Things the ends are holders of; as many as ends if none is said.
    keys: Option<usize>,
    /// Messages that wait for a Slack that hangs.
    messages: usize,
    /// When the ends are due, from now.
    due_in: Duration,
    /// Whether the first process that ends them is killed.
    is_killed: bool,
    /// Of the process that is killed: where everything is.
    take_up: Option<PathBuf>,
}

impl Plan {
    fn read() -> Self {
        let args: Vec<String> = std::env::args().collect();
        let after = |name: &str| args.get(args.iter().position(|arg| arg == name)? + 1).cloned();
        let number = |name: &str| after(name)?.parse::<usize>().ok();
        let ends = number("--ends").unwrap_or(10_000);
        Self {
            ends,
            active: number("--active").unwrap_or(ends).max(ends),
            keys: number("--keys"),
            messages: number("--messages").unwrap_or(0),
            due_in: Duration::from_secs(number("--in").unwrap_or(0) as u64),
            is_killed: args.iter().any(|arg| arg == "--kill"),
            take_up: after("--take-up").map(PathBuf::from),
        }
    }
}

/// One attribute a device, by the device's number: when it ends, 0: not set. Stands in a file too, so that it outlives the process.
struct FarSide {
    ends: Vec<AtomicI64>,
    file: File,
    calls: AtomicU64,
    writes: AtomicU64,
}

impl FarSide {
    fn open(path: &Path, devices: usize) -> Self {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path).unwrap();
        let mut bytes = vec![0; devices * 8];
        let known = usize::try_from(file.metadata().unwrap().len()).unwrap().min(bytes.len());
        file.read_exact_at(&mut bytes[..known], 0).unwrap();
        let ends = bytes.chunks(8).map(|end| AtomicI64::new(i64::from_le_bytes(end.try_into().unwrap()))).collect();
        Self { ends, file, calls: AtomicU64::new(0), writes: AtomicU64::new(0) }
    }

    fn set(&self, device: usize, end: i64) -> i64 {
        self.file.write_all_at(&end.to_le_bytes(), device as u64 * 8).unwrap();
        self.ends[device].swap(end, Ordering::SeqCst)
    }

    fn left_on(&self) -> usize {
        self.ends.iter().filter(|end| end.load(Ordering::SeqCst) != 0).count()
    }

    fn answer(&self, method: &str, path: &str) -> (u16, String) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if path.ends_with("/oauth/token") {
            let token = json!({ "access_token": "t", "token_type": "Bearer", "expires_in": 3600 });
            return (200, token.to_string());
        }
        let device = path.split_once("/device/n").and_then(|(_, rest)| rest.split_once("CNTRL/attributes"));
        let Some(device) = device.and_then(|(number, _)| number.parse::<usize>().ok()) else {
            return (200, json!({ "ok": true }).to_string());
        };
        if method == "DELETE" {
            self.writes.fetch_add(1, Ordering::Relaxed);
            let was_on = self.set(device, 0) != 0;
            return if was_on { (200, "{}".to_owned()) } else { (404, r#"{"message":"not set"}"#.to_owned()) };
        }
        match self.ends[device].load(Ordering::SeqCst) {
            0 => (200, r#"{"attributes":{},"expiries":{}}"#.to_owned()),
            end => {
                let end = jiff::Timestamp::from_second(end).unwrap();
                (200, format!(r#"{{"attributes":{{"custom:jit":true}},"expiries":{{"custom:jit":"{end}"}}}}"#))
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
            when: Condition::default(),
            with: with.as_object().unwrap().clone(),
        }],
        announce: Some("#access".to_owned()),
        triggers: Vec::new(),
        digest: "d".repeat(64),
        ..Workflow::default()
    }
}

/// A grant as it is when it is active, with everything that was saved on its way there.
fn active(number: usize, device: &str, asked_at: i64) -> (Applied, i64) {
    let (alice, bob) = (person("alice", "group:engineering"), person("bob", "group:dba"));
    let ask = Ask {
        id: RequestId(format!("r{number:09}")),
        workflow: workflow().into(),
        requester: alice.clone(),
        inputs: BTreeMap::from([("hold".to_owned(), InputValue::Duration { length_ms: HOUR_MS })]),
        hold_ms: HOUR_MS,
        reason: "invoice 1204 is stuck".to_owned(),
        device: Some(DeviceShown {
            node_id: device.to_owned(),
            name: "laptop".to_owned(),
            os: "linux".to_owned(),
            ..DeviceShown::default()
        }),
        seal: "s".repeat(64),
        channel: None,
        breaks_glass: false,
        active: None,
        asker: None,
        judged_asker: None,
        origin: nightlatch::kernel::origin::Origin::Typed,
        may_be_permitted: false,
        judged: None,
    };
    let moment = Moment { now: asked_at, jitter: 0.5, types: nightlatch::steps::TYPES };
    let mut applied = Request::ask(ask, moment).unwrap();
    let mut ledger = applied.ledger.clone();
    let button = Button::Approve { confirmed: false, hold_ms: None };
    let told_until = asked_at + HOUR_MS + nightlatch::kernel::GRACE_MS;
    let found = Found::On { until: Some(told_until) };
    for event in [
        Event::ApproversFound { stage: 0, people: vec![bob.slack_id.clone()] },
        Event::Pressed { by: bob.slack_id.clone(), button, channel: None, seal: "s".repeat(64), on: None },
        Event::identified(Purpose::Press { number: 1 }, bob.clone()),
        Event::identified(Purpose::Start, alice.clone()),
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
    let due_in = i64::try_from(plan.due_in.as_millis()).unwrap();
    let keys = plan.keys.unwrap_or(plan.active).max(1);
    let mut number = 0;
    while number < plan.active {
        let mut tx = store.begin().await.unwrap();
        for _ in 0..2_000.min(plan.active - number) {
            // Those that end ended a moment ago, or will soon; the others go on for most of an hour.
            let asked_at = if number < plan.ends { now - HOUR_MS - 100 + due_in } else { now - 60_000 };
            let device = if number < plan.ends { number % keys } else { number };
            let (applied, until) = active(number, &format!("n{device}CNTRL"), asked_at);
            far.set(device, (until + 999).div_euclid(1000));
            let event = Event::Asked;
            tx.save(Saving { applied: &applied, actor: &actor, event: &event, at: asked_at }).await.unwrap();
            number += 1;
        }
        tx.commit().await.unwrap();
    }
    let mut tx = store.begin().await.unwrap();
    for number in 0..plan.messages {
        let by = format!("U{number}");
        let (channel, text) = (by.clone(), "hello".to_owned());
        let said = Effect::Say { channel, thread: None, by, text, blocks: Value::Array(Vec::new()) };
        tx.enqueue_for(&(&RequestId(format!("say{number}"))).into(), said, now).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn start(store: &Store, folder: &Path, far: &Arc<FarSide>, stop: &CancellationToken) -> (Engine, Running) {
    let world = far.clone();
    let net = Net::memory(Arc::new(move |request: http::Request<Vec<u8>>| {
        let (status, body) = world.answer(request.method().as_str(), request.uri().path());
        Box::pin(async move { Ok(http::Response::builder().status(status).body(body.into_bytes()).unwrap()) })
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
        // One person asks for everything here.
        ceilings: nightlatch::config::Ceilings { pending: u32::MAX, ..Default::default() },
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

/// How many ends are saved: each is two entries in the log, its begin and what was read back.
async fn ended(store: &Store, before: i64) -> usize {
    let head = store.audit_log().head().await.unwrap();
    usize::try_from(head.seq - before).unwrap() / 2
}

async fn not_ended(store: &Store) -> usize {
    let (states, _) = store.counts().await.unwrap();
    states.into_iter().filter(|(state, _)| state != "ended").map(|(_, count)| usize::try_from(count).unwrap()).sum()
}

/// Another process does it, and is killed when half of it is done.
async fn killed_half_way(folder: &Path) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(std::env::args().skip(1).filter(|arg| arg != "--kill"))
        .arg("--take-up")
        .arg(folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stdout.take().unwrap()).lines();
    let half = said.map(Result::unwrap).find(|line| line == "half").expect("it comes that far");
    child.kill().unwrap();
    child.wait().unwrap();
    println!("killed with kill -9 when {half} were saved");
}

async fn run(plan: &Plan, folder: &Path) {
    let address = format!("sqlite://{}", folder.join("bench.db").display());
    let far = Arc::new(FarSide::open(&folder.join("far"), plan.active));
    if plan.take_up.is_none() {
        let store = Store::open(&address).await.unwrap();
        let filling = Instant::now();
        fill(&store, &far, plan, Clock::system().now_ms()).await;
        println!("{} active grants written in {:.1} s", plan.active, filling.elapsed().as_secs_f64());
        store.close().await;
    }
    let mut far = far;
    if plan.is_killed {
        killed_half_way(folder).await;
        far = Arc::new(FarSide::open(&folder.join("far"), plan.active));
    }
    let (filled, memory) = cost();
    println!("{filled:.1} s of processor time until here, {memory:.0} MiB");
    let begun = Instant::now();
    let store = Store::open(&address).await.unwrap();
    // With `--kill` some of them are in the log already.
    let before = store.audit_log().head().await.unwrap().seq;
    let left = not_ended(&store).await - (plan.active - plan.ends);
    let stop = CancellationToken::new();
    let (engine, running) = start(&store, folder, &far, &stop).await;
    println!("ready after {:.3} s; {left} ends are left", begun.elapsed().as_secs_f64());
    if plan.ends == 0 {
        idle().await;
    } else {
        let first = first_and_last(plan, &store, (before, left), begun).await;
        println!(
            "{left} ends: first saved with its proof after {:.3} s, last after {:.2} s; {} calls, {} of them deletions",
            first.as_secs_f64(),
            begun.elapsed().as_secs_f64(),
            far.calls.load(Ordering::Relaxed),
            far.writes.load(Ordering::Relaxed),
        );
    }
    let (took, memory) = cost();
    println!("{:.1} s of processor time since then, {memory:.0} MiB", took - filled);
    if plan.ends > 0 {
        checked(plan, &store, &far).await;
    }
    stop.cancel();
    drop((engine, running));
}

/// Waits until all are over; returns when the first one was.
async fn first_and_last(plan: &Plan, store: &Store, (before, left): (i64, usize), begun: Instant) -> Duration {
    let mut first = None;
    let mut half = plan.take_up.is_some();
    loop {
        let ended = if first.is_none() || plan.is_killed {
            left - not_ended(store).await.min(left)
        } else {
            ended(store, before).await
        };
        if ended > 0 && first.is_none() {
            first = Some(begun.elapsed());
        }
        if half && ended > left / 2 {
            half = false;
            println!("half");
        }
        if ended >= left && not_ended(store).await == plan.active - plan.ends {
            return first.unwrap_or_default();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn idle() {
    // The log is verified first.
    tokio::time::sleep(Duration::from_secs(20)).await;
    let (before, _) = cost();
    let idle = Instant::now();
    tokio::time::sleep(Duration::from_secs(20)).await;
    let (after, memory) = cost();
    let share = (after - before) / idle.elapsed().as_secs_f64() * 100.0;
    println!("idle: {share:.3} % of a core, {memory:.0} MiB");
}

/// Nothing is lost: everything that was to end is off, known to be off, and forgotten.
async fn checked(plan: &Plan, store: &Store, far: &FarSide) {
    let on = far.left_on();
    let keys = store.keys().await.unwrap().len();
    let lost = on - (plan.active - plan.ends);
    println!("{lost} left on; {} keys of them in the ledger", keys - (plan.active - plan.ends));
    let ended: Vec<Request> = store.requests_in(State::Ended, i64::try_from(plan.ends).unwrap()).await.unwrap();
    assert_eq!(ended.len(), plan.ends);
    let is_gone = |request: &Request| {
        let proof = request.steps[0].proof.as_ref().map(|proof| &proof.found);
        proof == Some(&Found::Gone) || (plan.keys.is_some() && proof.is_some())
    };
    assert!(ended.iter().all(is_gone), "each has a proof");
    let mut late: Vec<i64> =
        ended.iter().map(|request| request.ended_at.unwrap() - request.expires_at.unwrap()).collect();
    late.sort_unstable();
    println!("late: median {} ms, last {} ms", late[late.len() / 2], late[late.len() - 1]);
}

fn main() {
    let plan = Plan::read();
    let own = tempfile::tempdir().unwrap();
    let folder = plan.take_up.clone().unwrap_or_else(|| own.path().to_owned());
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(run(&plan, &folder));
}
