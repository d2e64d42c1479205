//! An example of everything that approval can hold: stages, and what passes by itself.

use nightlatch::kernel::automatic::{Automatic, DeviceFacts, Facts, Passing};
use nightlatch::kernel::drift::Drift;
use nightlatch::kernel::glass::{BreakGlass, Review, Reviewed};
use nightlatch::kernel::request::{Asked, Decider, Decision, Extending, Extension, Passed, Phase};
use nightlatch::kernel::window::{Day, Window};
use nightlatch::kernel::workflow::{Clause, Extend, ExtendApproval, OwnRequest, Stage, Tell, Tier};
use nightlatch::kernel::{Button, Found, Outcome, Press, Refusal, Request, Standing, State, Who};
use serde_json::json;

use crate::requests::{HOUR, NOON, Named, alice, bob, decision, group, named, person, request, whos};

/// Two stages, the second of two clauses; a yes in the first, and a no in the second that does not end it.
fn staged() -> Request {
    let mut request = request(State::Pending, None, [Phase::Waiting, Phase::Waiting], &[]);
    let role = Who::Role("autogroup:admin".to_owned());
    let known = vec![Who::Manager, Who::DeviceOwner, Who::Anyone];
    let clauses =
        vec![Clause { quorum: 2, by: vec![group(), role] }, Clause { quorum: 1, by: [whos(), known].concat() }];
    let own_request = OwnRequest::Confirm;
    request.ask.workflow.extend =
        Some(Extend { times: 2, max_ms: HOUR, approve: ExtendApproval::Automatic, stages: Vec::new() });
    request.extensions = vec![Extension { length_ms: HOUR, from: NOON, at: NOON }];
    request.extending =
        Some(Extending { length_ms: HOUR, until: NOON + HOUR, at: Some(NOON), is_told: true, waits_in: None });
    let escalate = vec![Tier { after_ms: HOUR, by: vec![group()] }];
    let name = Some("security".to_owned());
    let remind_ms = Some(HOUR / 4);
    request.ask.workflow.approve.push(Stage { name, clauses, own_request, denials: 2, remind_ms, escalate });
    let no = decision(person("U0DAVE001", "Dave", Standing::Member), false, 1);
    let two = [decision(bob(), true, 0), decision(person("U0CAROL01", "Carol", Standing::Member), true, 0)];
    request.decisions = two.into_iter().chain([Decision { reason: "not today".to_owned(), ..no }]).collect();
    let asked = Asked::of(1, vec!["U0DAVE001".to_owned()], NOON);
    let passed = Passed { from: "U0BOB0001".to_owned(), to: "U0DAVE001".to_owned(), rule: group(), at: NOON };
    request.asked.push(Asked { reminded: 1, tiers: 1, passed: vec![passed], ..asked });
    request.decisions[0].hold_ms = Some(HOUR);
    request.ask.workflow.tell = Tell::People;
    request.ask.asker = Some(Box::new(bob()));
    request.ask.judged_asker = crate::judged::judgements().pop().map(Box::new);
    request.ask.workflow.ask_for = vec![group()];
    request
}

/// People are to decide on an extension: those of the request, or others.
fn extending(approve: ExtendApproval, stages: Vec<Stage>) -> Request {
    let on = Found::On { until: Some(NOON + 2 * HOUR) };
    let mut request = request(State::Active, None, [Phase::Held, Phase::Held], &[on.clone(), on]);
    request.ask.workflow.extend = Some(Extend { times: 2, max_ms: HOUR, approve, stages });
    request.rounds = 1;
    request.extending =
        Some(Extending { length_ms: HOUR, until: NOON + 3 * HOUR, at: None, is_told: false, waits_in: Some(1) });
    request.decisions = vec![decision(bob(), true, 0), Decision { round: 1, ..decision(bob(), true, 0) }];
    let asked = Asked::of(0, vec!["U0DAVE001".to_owned()], NOON);
    request.asked = vec![asked.clone(), Asked { round: 1, ..asked }];
    request
}

/// Somebody else changed what is held.
pub fn drift() -> Drift {
    Drift {
        found: "custom:jit_prod_db is true, without an end".to_owned(),
        by: Some("bob@example.com".to_owned()),
        at: NOON,
        is_gone: false,
        put_back_by: Some("U0BOB0001".to_owned()),
        is_adopted: false,
    }
}

/// It was taken away once and put back, and then somebody changed it.
fn drifted() -> Request {
    let on = Found::On { until: Some(NOON + 2 * HOUR) };
    let mut request = request(State::Active, None, [Phase::Held, Phase::Held], &[on.clone(), on]);
    request.ends_by = Some(NOON + 2 * HOUR);
    for step in &mut request.steps {
        step.drift = Some(drift());
    }
    request
}

/// What was found out to tell whether something passes by itself.
pub fn facts() -> Facts {
    let device = DeviceFacts {
        node_id: "nALICE1CNTRL".to_owned(),
        attributes: [("node:os".to_owned(), json!("macos"))].into_iter().collect(),
        postures: [("posture:healthy".to_owned(), vec!["node:os IS SET".to_owned()])].into_iter().collect(),
        unread: Some("Tailscale cannot do it just now".to_owned()),
    };
    Facts {
        person: alice(),
        unread: vec![group()],
        device: Some(device),
        passed_today: vec![2, 0],
        asker: Some(bob()),
        judged: crate::judged::judgements().pop().map(Box::new),
    }
}

/// One that passed by itself; and one that did not, or not yet.
fn passed(by: Passing) -> Request {
    let mut passed = request(State::Approved, None, [Phase::Waiting, Phase::Waiting], &[]);
    let during = Window { days: Day::ALL.to_vec(), from: 480, to: 1_080, zone: "Europe/Berlin".to_owned() };
    passed.ask.workflow.approve_automatically = vec![
        Automatic {
            who: whos(),
            during: vec![during],
            device: vec!["posture:healthy".to_owned(), "node:os == 'macos'".to_owned()],
            max_hold_ms: Some(HOUR),
            at_most: Some(3),
        },
        Automatic::default(),
    ];
    let by = Decider::Itself { by, words: "@db-oncall, 3 a day".to_owned(), facts: Box::new(facts()) };
    passed.decisions =
        vec![Decision { by, approved: true, stage: 0, round: 0, reason: String::new(), hold_ms: None, at: NOON }];
    passed
}

/// Buttons that came with broken glass, and later.
pub fn glass_buttons() -> Vec<Button> {
    vec![
        Button::BreakGlass,
        Button::PutBack,
        Button::Adopt,
        Button::Extend { length_ms: HOUR },
        Button::Review { is_fine: false, word: "rotate the key".to_owned() },
        Button::Approve { confirmed: false, hold_ms: Some(HOUR) },
        Button::Pass { to: "U0CAROL01".to_owned() },
    ]
}

/// Refusals that came with broken glass.
pub fn glass_refusals() -> Vec<Refusal> {
    vec![
        Refusal::MayNotBreakGlass { who: whos() },
        Refusal::NoReason,
        Refusal::NotAReviewer { by: whos() },
        Refusal::OwnReview,
        Refusal::NoOpenReview { by: Some("U0BOB0001".to_owned()) },
        Refusal::NotExtended,
        Refusal::ExtendedEnough { times: 2 },
        Refusal::ExtendedAlready { until: NOON },
        Refusal::BeingExtended { until: NOON },
        Refusal::ExtensionDecided { until: NOON },
        Refusal::NoWord,
    ]
}

fn judged() -> Request {
    let mut judged = request(State::Pending, None, [Phase::Waiting, Phase::Waiting], &[]);
    judged.judging = true;
    let press =
        |button| Press { number: 1, by: "U0ALICE01".to_owned(), button, channel: None, seal: "5ea1@1".to_owned() };
    judged.presses = glass_buttons().into_iter().map(press).collect();
    judged.not_by_itself = vec!["it is not sat-sun UTC now".to_owned()];
    judged
}

/// Glass was broken; the review is open, or closed.
fn broken(is_closed: bool) -> Request {
    let mut broken =
        request(State::Ended, Some(Outcome::Expired), [Phase::Gone, Phase::Gone], &[Found::Gone, Found::Gone]);
    broken.ask.breaks_glass = true;
    broken.ask.workflow.break_glass =
        Some(BreakGlass { who: whos(), max_hold_ms: HOUR, review_by: vec![group()], review_within_ms: 24 * HOUR });
    let by = Decider::Glass { person: alice(), rule: group() };
    broken.decisions =
        vec![Decision { by, approved: true, stage: 0, round: 0, reason: String::new(), hold_ms: None, at: NOON }];
    let reviewed = Reviewed {
        person: bob(),
        rule: group(),
        is_fine: false,
        word: "rotate the key".to_owned(),
        at: NOON + 3 * HOUR,
    };
    broken.review = Some(Review {
        due_at: NOON + 25 * HOUR,
        remind_at: NOON + 13 * HOUR,
        told_late: u32::from(is_closed),
        asked: vec!["U0BOB0001".to_owned()],
        closed: is_closed.then_some(reviewed),
    });
    broken
}

/// Requests that wait for several people, and that were, or are, judged by rules alone.
pub fn passing() -> Named<Request> {
    named(vec![
        ("pending, in its second stage", staged()),
        ("active, to be extended by those who approved it", extending(ExtendApproval::Again, Vec::new())),
        (
            "active, to be extended by others",
            extending(ExtendApproval::Stages, vec![Stage::of(1, vec![group()], OwnRequest::Never)]),
        ),
        ("active, changed by somebody else", drifted()),
        ("done", request(State::Ended, Some(Outcome::Done), [Phase::Gone, Phase::Gone], &[Found::Gone, Found::Gone])),
        ("approved by a rule", passed(Passing::Rule { place: 0 })),
        ("approved by a guardrail", passed(Passing::Guardrail { id: "on-call".to_owned() })),
        ("approved, nobody decides", passed(Passing::NobodyDecides)),
        ("pending, being judged", judged()),
        ("ended, glass was broken and is to be reviewed", broken(false)),
        ("ended, glass was broken and that was not fine", broken(true)),
    ])
}

pub fn standings() -> [Standing; 6] {
    use Standing::{Bot, Deactivated, Guest, Member, Outsider, Unknown};
    [Member, Guest, Outsider, Bot, Deactivated, Unknown]
}
