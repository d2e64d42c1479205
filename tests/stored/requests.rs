//! An example of everything that a request can hold, as values of today's build.

mod inputs;

use std::collections::BTreeMap;

use nightlatch::kernel::condition::Condition;
use nightlatch::kernel::input::InputValue;
use nightlatch::kernel::origin::{Origin, Schedule, Start, Trigger};
use nightlatch::kernel::request::{Asked, Card, Decider, Decision, DeviceShown, Message, Notification, Phase, Step};
use nightlatch::kernel::workflow::{Input, InputKind, OwnRequest, Stage, StepUse};
use nightlatch::kernel::{
    Ask, Button, By, Failure, Found, Key, Operator, Outcome, Person, Place, Press, Proof, Recipient, Request,
    RequestId, Shows, Standing, State, Who, Workflow,
};
use serde_json::{Value, json};

use crate::approving;
pub use crate::approving::standings;

/// When everything in the examples happens: Sunday 2026-03-01 12:00:00 UTC.
pub const NOON: i64 = 1_772_366_400_000;
pub const HOUR: i64 = 3_600_000;

/// Values with the name that their example has in its file.
pub type Named<T> = Vec<(String, T)>;

pub fn named<T>(list: Vec<(&str, T)>) -> Named<T> {
    list.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

pub fn group() -> Who {
    Who::TailnetGroup("group:dba".to_owned())
}

pub fn whos() -> Vec<Who> {
    vec![
        group(),
        Who::TailnetGroup("autogroup:member".to_owned()),
        Who::SlackGroup("db-oncall".to_owned()),
        Who::Email("bob@example.com".to_owned()),
    ]
}

pub fn person(slack_id: &str, name: &str, standing: Standing) -> Person {
    let email = format!("{}@example.com", name.to_lowercase());
    Person {
        slack_id: slack_id.to_owned(),
        name: name.to_owned(),
        email: Some(email.clone()),
        login: (standing == Standing::Member).then_some(email),
        standing,
        belongs: if standing == Standing::Member { whos() } else { Vec::new() },
    }
}

pub fn alice() -> Person {
    person("U0ALICE01", "Alice", Standing::Member)
}

pub fn root() -> Operator {
    Operator { user: "root".to_owned(), host: "lock1".to_owned() }
}

pub fn bob() -> Person {
    person("U0BOB0001", "Bob", Standing::Member)
}

fn keys() -> Vec<Key> {
    vec![
        Key::new("tailscale.attribute", "nALICE1CNTRL custom:jit_prod_db"),
        Key::new("tclip.paste", "6f1ed002ab5595859014ebf0951522d9"),
    ]
}

fn input(name: &str, label: &str, kind: InputKind) -> Input {
    Input::plain(name, label, kind)
}

fn settings(value: Value) -> serde_json::Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn workflow(own_request: OwnRequest, is_bare: bool) -> Workflow {
    let attribute = json!({ "device": "{{ inputs.device }}", "key": "custom:jit_prod_db", "value": true });
    let paste = json!({ "filename": "two.md", "content": "# For {{ requester.email }}\n\n{{ inputs.reason }}" });
    let uses = |uses: &str, with: Value| StepUse {
        uses: uses.to_owned(),
        name: None,
        when: Condition::default(),
        with: settings(with),
    };
    Workflow {
        name: "prod-db".to_owned(),
        title: "Production database".to_owned(),
        description: if is_bare { String::new() } else { "Reach tag:prod-db from one of your devices.".to_owned() },
        command: (!is_bare).then(|| "/prod-db".to_owned()),
        inputs: vec![
            input("hold", "Hold", InputKind::Duration { default_ms: HOUR, max_ms: 8 * HOUR }),
            input("reason", "Reason", InputKind::text(500)),
            input("device", "Device", InputKind::own_device()),
        ],
        ask: vec![Who::TailnetGroup("group:engineering".to_owned())],
        approve: vec![Stage::of(2, whos(), own_request)],
        lapse_after_ms: 8 * HOUR,
        steps: vec![uses("tailscale.attribute", attribute), uses("tclip.paste", paste)],
        announce: (!is_bare).then(|| "#access".to_owned()),
        triggers: Vec::new(),
        digest: "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef".to_owned(),
        ..Workflow::default()
    }
}

pub fn ask(own_request: OwnRequest, is_bare: bool) -> Ask {
    let reason = "invoice \"1204\" & <more>\nüñí".to_owned();
    let device = DeviceShown {
        node_id: "nALICE1CNTRL".to_owned(),
        name: "alice-laptop".to_owned(),
        os: "macOS".to_owned(),
        addresses: Vec::new(),
    };
    // The examples of the first release name a device where there is none.
    let on = if is_bare { InputValue::Text { text: device.name.clone() } } else { InputValue::Device(device) };
    let inputs = [
        ("device", on),
        ("hold", InputValue::Duration { length_ms: 2 * HOUR }),
        ("reason", InputValue::Text { text: reason }),
    ];
    Ask {
        id: RequestId("01kjmma2g000000001".to_owned()),
        workflow: workflow(own_request, is_bare).into(),
        requester: alice(),
        inputs: inputs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<BTreeMap<_, _>>(),
        hold_ms: 2 * HOUR,
        reason: "invoice \"1204\" & <more>\nüñí".to_owned(),
        device: (!is_bare).then(|| DeviceShown {
            node_id: "nALICE1CNTRL".to_owned(),
            name: "alice-laptop".to_owned(),
            os: "macOS".to_owned(),
            ..DeviceShown::default()
        }),
        seal: "c2f1a4d9e8b7".to_owned(),
        channel: (!is_bare).then(|| "C0GENERAL1".to_owned()),
        origin: Origin::Typed,
        may_be_permitted: false,
        judged: None,
        judged_asker: None,
        asker: None,
        breaks_glass: false,
        active: None,
    }
}

pub fn message() -> Message {
    Message { channel: "C0ACCESS01".to_owned(), ts: "1772366400.000100".to_owned() }
}

pub fn places() -> Vec<Place> {
    vec![Place::Channel("#access".to_owned()), Place::Approver("U0BOB0001".to_owned())]
}

pub fn failure() -> Failure {
    Failure {
        what: "tailscale is not available: setting an attribute, 500".to_owned(),
        advice: "ask a tailnet admin".to_owned(),
        retryable: true,
        retry_after_ms: Some(30_000),
    }
}

pub fn plain_failure() -> Failure {
    Failure { what: "no".to_owned(), advice: String::new(), retryable: false, retry_after_ms: None }
}

pub fn founds() -> Vec<Found> {
    let what = || "custom:jit_prod_db is true, without an end".to_owned();
    vec![
        Found::On { until: Some(NOON + 2 * HOUR) },
        Found::On { until: None },
        Found::OnBefore,
        Found::Told { is_on: true },
        Found::Told { is_on: false },
        Found::Gone,
        Found::GoneBut { what: what() },
        Found::Untouched,
        Found::PutBack { what: what(), is_on: false },
        Found::LeftAlone { what: what(), is_on: false },
        Found::TakenAway,
        Found::HeldByOthers { until: NOON + 3 * HOUR },
    ]
}

fn step(index: usize, phase: Phase, found: Option<Found>) -> Step {
    let key = keys().into_iter().nth(index);
    let until = (phase != Phase::Waiting).then_some(NOON + 2 * HOUR + 2_000);
    let proof = found.map(|found| Proof { at: NOON + 5_000, found });
    Step {
        key,
        phase,
        failures: u32::from(phase == Phase::Releasing),
        proof,
        until,
        results: serde_json::Map::new(),
        drift: None,
    }
}

pub fn buttons() -> Vec<Button> {
    vec![
        Button::Approve { confirmed: false, hold_ms: None },
        Button::Approve { confirmed: true, hold_ms: None },
        Button::Deny { reason: "not today".to_owned() },
        Button::Withdraw,
        Button::Return,
        Button::Revoke { reason: String::new() },
        Button::Retry,
    ]
}

pub fn recipients() -> Vec<Recipient> {
    let slack_id = || "U0ALICE01".to_owned();
    vec![
        Recipient::Person { slack_id: slack_id() },
        Recipient::Private { slack_id: slack_id(), channel: Some("C0ACCESS01".to_owned()) },
        Recipient::Private { slack_id: slack_id(), channel: None },
        Recipient::Thread,
        Recipient::Channel,
    ]
}

pub fn decision(person: Person, approved: bool, stage: usize) -> Decision {
    let by = Decider::Person { person, rule: Some(group()) };
    Decision { by, approved, stage, round: 0, reason: String::new(), hold_ms: None, at: NOON + 1_000 }
}

pub fn request(state: State, outcome: Option<Outcome>, phases: [Phase; 2], found: &[Found]) -> Request {
    let is_begun = state >= State::Activating;
    let is_over = state == State::Ended;
    let mut finds = found.iter().cloned();
    Request {
        ask: ask(OwnRequest::Never, false),
        asked_at: NOON,
        state,
        outcome,
        stuck: false,
        steps: phases.into_iter().enumerate().map(|(index, phase)| step(index, phase, finds.next())).collect(),
        decisions: if is_begun { vec![decision(bob(), true, 0)] } else { Vec::new() },
        presses: Vec::new(),
        presses_count: 1,
        asked: vec![Asked::of(0, vec!["U0BOB0001".to_owned(), "U0CAROL01".to_owned()], 0)],
        judging: false,
        not_by_itself: Vec::new(),
        review: None,
        approved_at: is_begun.then_some(NOON + 1_000),
        active_at: is_begun.then_some(NOON + 2_000),
        expires_at: is_begun.then_some(NOON + 2_000 + 2 * HOUR),
        extensions: Vec::new(),
        extending: None,
        rounds: 0,
        ending_at: (state >= State::Ending).then_some(NOON + HOUR),
        ended_by: None,
        ended_reason: String::new(),
        ended_at: is_over.then_some(NOON + HOUR + 1_000),
        trouble: None,
        warned_at: None,
        alarm_at: None,
        ends_by: None,
        alarms_count: 0,
        notifications: Vec::new(),
        pushed_by: None,
        cards: places().into_iter().map(|place| Card { place, message: Some(message()) }).collect(),
        not_announced: None,
    }
}

fn filled() -> Request {
    let mut filled = request(State::Pending, None, [Phase::Waiting, Phase::Waiting], &[]);
    inputs::fill_in(&mut filled.ask);
    filled
}

/// Its second step waits for something that was not filled in.
fn shorter() -> Request {
    let on = Found::On { until: Some(NOON + 2 * HOUR) };
    let mut shorter = request(State::Active, None, [Phase::Held, Phase::LeftOut], &[on]);
    shorter.ask.workflow.steps[1].when = Condition(settings(json!({ "reason": "writing" })));
    shorter.steps[1].key = None;
    shorter.steps[1].until = None;
    shorter
}

/// A time at which a workflow starts by itself.
pub fn start() -> Start {
    let with = [("reason".to_owned(), "Weekly review".to_owned())].into_iter().collect();
    let (cron, zone, run_as) = ("0 9 * * mon", "Europe/Berlin", "alice@example.com");
    let schedule = Schedule { cron: cron.to_owned(), zone: zone.to_owned(), run_as: run_as.to_owned(), with };
    Start { workflow: "prod-db".to_owned(), number: 0, schedule, due_at: NOON }
}

fn by_schedule() -> Request {
    let mut request = request(State::Pending, None, [Phase::Waiting, Phase::Waiting], &[]);
    request.ask.workflow.triggers = vec![Trigger::Schedule(start().schedule)];
    request.ask.origin = start().origin();
    request
}

fn revoked() -> Request {
    let found = [Found::Gone, Found::Gone];
    let mut revoked = request(State::Ended, Some(Outcome::Revoked), [Phase::Gone, Phase::Gone], &found);
    revoked.ended_by = Some(By::Operator(root()));
    revoked
}

fn press((number, button): (usize, Button)) -> Press {
    Press {
        number: u32::try_from(number).unwrap(),
        by: "U0BOB0001".to_owned(),
        button,
        channel: (number > 0).then(|| "C0ACCESS01".to_owned()),
        seal: String::new(),
    }
}

/// A request in every state, with every outcome, and with everything in it that a request can hold.
pub fn requests() -> Named<Request> {
    use Phase::{Begun, Gone, Held, Releasing, Waiting};
    let on = Found::On { until: Some(NOON + 2 * HOUR) };
    let gone = [Found::Gone, Found::Gone];
    let mut pending = request(State::Pending, None, [Waiting, Waiting], &[]);
    pending.presses = buttons().into_iter().enumerate().map(press).collect();
    let mut unshown = request(State::Pending, None, [Waiting, Waiting], &[]);
    unshown.ask = ask(OwnRequest::Confirm, true);
    unshown.cards = places().into_iter().map(|place| Card { place, message: None }).collect();
    unshown.not_announced = Some("#access is archived".to_owned());
    let mut activating = request(State::Activating, None, [Held, Begun], std::slice::from_ref(&on));
    activating.ask = ask(OwnRequest::Allow, false);
    activating.trouble = Some(failure());
    let mut active = request(State::Active, None, [Held, Held], &[on.clone(), Found::On { until: None }]);
    active.warned_at = Some(NOON + 2 * HOUR - 60_000);
    let mut stuck = request(State::Ending, Some(Outcome::Expired), [Releasing, Gone], &[on.clone(), Found::Gone]);
    stuck.stuck = true;
    stuck.alarm_at = Some(NOON + 4 * HOUR);
    stuck.alarms_count = 2;
    let alarm = |to| Notification { shows: Shows::Stuck, to, message: message() };
    stuck.notifications = recipients().into_iter().map(alarm).collect();
    stuck.pushed_by = Some("U0BOB0001".to_owned());
    stuck.trouble = Some(plain_failure());
    let mut denied = request(State::Ended, Some(Outcome::Denied), [Waiting, Waiting], &[]);
    denied.ended_by = Some(By::Person("U0BOB0001".to_owned()));
    denied.ended_reason = "not today".to_owned();
    denied.decisions =
        vec![Decision { by: Decider::Person { person: bob(), rule: None }, ..decision(bob(), false, 0) }];
    let mut chained = request(State::Activating, None, [Held, Waiting], std::slice::from_ref(&on));
    chained.ask.workflow.steps[0].name = Some("first".to_owned());
    chained.steps[0].results = settings(json!({ "id": 7, "link": "https://example.com/7" }));
    chained.steps[1].key = None;
    let mut list = named(vec![
        ("activating, with what a step came to", chained),
        ("active, without a step that was not asked for", shorter()),
        ("ended, revoked by an operator", revoked()),
        ("pending", pending),
        ("pending, with every kind of input", filled()),
        ("pending, shown nowhere", unshown),
        ("approved", request(State::Approved, None, [Waiting, Waiting], &[])),
        ("activating", activating),
        ("active", active),
        ("ending", request(State::Ending, Some(Outcome::Returned), [Releasing, Held], &[on.clone(), on])),
        ("ending and stuck", stuck),
        ("denied", denied),
        ("lapsed", request(State::Ended, Some(Outcome::Lapsed), [Waiting, Waiting], &[])),
        ("withdrawn", request(State::Ended, Some(Outcome::Withdrawn), [Waiting, Waiting], &[])),
        ("failed", request(State::Ended, Some(Outcome::Failed), [Gone, Gone], &[Found::Untouched, Found::Untouched])),
        ("returned", request(State::Ended, Some(Outcome::Returned), [Gone, Gone], &gone)),
        ("revoked", request(State::Ended, Some(Outcome::Revoked), [Gone, Gone], &gone)),
        ("expired", request(State::Ended, Some(Outcome::Expired), [Gone, Gone], &gone)),
    ]);
    list.extend(approving::passing());
    for found in founds() {
        let name = format!("found {}", crate::variants::found(&found));
        list.push((name, request(State::Active, None, [Held, Held], &[found.clone(), found])));
    }
    for standing in standings() {
        let mut one = request(State::Pending, None, [Waiting, Waiting], &[]);
        one.ask.requester = person("U0EVE0001", "Eve", standing);
        list.push((format!("requester {}", crate::variants::standing(&standing)), one));
    }
    once(list.into_iter().chain(named(vec![("pending, by schedule", by_schedule())])).collect())
}

/// The second of a name gets a number.
pub fn once<T>(list: Named<T>) -> Named<T> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut number = |name: String| {
        let count = seen.entry(name.clone()).or_default();
        *count += 1;
        if *count == 1 { name } else { format!("{name} {count}") }
    };
    list.into_iter().map(|(name, value)| (number(name), value)).collect()
}
