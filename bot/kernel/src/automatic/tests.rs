//! What passes by itself, as tables: one thing after the other that is not so.

use serde_json::json;

use super::*;
use crate::person::Standing;
use crate::request::{Decision, DeviceShown};
use crate::workflow::{Input, InputKind, OwnRequest, Stage, StepUse};
use crate::{Moment, RequestId, StepType};

const HOUR: i64 = 3_600_000;
/// Friday 2026-03-27, 09:00 in Berlin.
const FRIDAY: i64 = 1_774_598_400_000;
const TYPES: &[StepType] = &[StepType::plain("test.thing", |_| Ok("a".to_owned()))];

fn oncall() -> Who {
    Who::SlackGroup("db-oncall".to_owned())
}

fn alice() -> Person {
    Person {
        slack_id: "UALICE".to_owned(),
        name: "Alice".to_owned(),
        email: Some("alice@example.com".to_owned()),
        login: Some("alice@example.com".to_owned()),
        standing: Standing::Member,
        belongs: vec![Who::TailnetGroup("group:engineering".to_owned()), oncall()],
    }
}

fn rule() -> Automatic {
    Automatic {
        who: vec![oncall()],
        during: vec![Window::parse("mon-fri 08:00-18:00 Europe/Berlin").unwrap()],
        device: vec!["posture:healthy".to_owned(), "node:os IN ['macos', 'linux']".to_owned()],
        max_hold_ms: Some(2 * HOUR),
        at_most: Some(3),
    }
}

fn ask(rules: Vec<Automatic>) -> Ask {
    let hold = InputKind::Duration { default_ms: HOUR, max_ms: 8 * HOUR };
    Ask {
        id: RequestId("r1".to_owned()),
        workflow: Workflow {
            name: "prod-db".to_owned(),
            inputs: vec![Input::plain("hold", "Hold", hold)],
            ask: vec![Who::TailnetGroup("group:engineering".to_owned())],
            approve: vec![Stage::of(1, vec![Who::TailnetGroup("group:dba".to_owned())], OwnRequest::Never)],
            approve_automatically: rules,
            lapse_after_ms: 8 * HOUR,
            steps: vec![StepUse { uses: "test.thing".to_owned(), ..StepUse::default() }],
            ..Workflow::default()
        }
        .into(),
        requester: alice(),
        inputs: BTreeMap::new(),
        hold_ms: HOUR,
        reason: String::new(),
        device: Some(DeviceShown {
            node_id: "n1".to_owned(),
            name: "laptop".to_owned(),
            os: "macOS".to_owned(),
            addresses: Vec::new(),
        }),
        seal: String::new(),
        channel: None,
        origin: crate::origin::Origin::Typed,
        may_be_permitted: false,
        judged: None,
        breaks_glass: false,
        active: None,
        asker: None,
        judged_asker: None,
    }
}

fn facts() -> Facts {
    let attributes = json!({ "node:os": "macos", "custom:managed": true });
    let healthy = vec!["custom:managed == true".to_owned(), "node:os IS SET".to_owned()];
    Facts {
        asker: None,
        person: alice(),
        unread: Vec::new(),
        device: Some(DeviceFacts {
            node_id: "n1".to_owned(),
            attributes: attributes.as_object().cloned().unwrap_or_default().into_iter().collect(),
            postures: [(POSTURE.to_owned() + "healthy", healthy)].into_iter().collect(),
            unread: None,
        }),
        passed_today: vec![2],
        judged: None,
    }
}

fn told(ask: &Ask, facts: &Facts, now: i64) -> String {
    let judged = judge(ask, facts, now);
    match judged.passes {
        Some((_, words)) => format!("passes: {words}"),
        None if judged.against.is_empty() => "no, it is about others".to_owned(),
        None => format!("no: {}", judged.against.join("; ")),
    }
}

#[test]
fn everything_that_a_rule_says_has_to_be_so() {
    let with = |change: fn(&mut Ask, &mut Facts)| {
        let (mut ask, mut facts) = (ask(vec![rule()]), facts());
        change(&mut ask, &mut facts);
        told(&ask, &facts, FRIDAY)
    };
    let lines = [
        ("as it says", with(|_, _| {})),
        ("on Saturday", told(&ask(vec![rule()]), &facts(), FRIDAY + 24 * HOUR)),
        ("not on call", with(|_, facts| facts.person.belongs.retain(|who| *who != oncall()))),
        (
            "on call, as far as can be read",
            with(|_, facts| {
                facts.person.belongs.retain(|who| *who != oncall());
                facts.unread.push(oncall());
            }),
        ),
        ("for longer", with(|ask, _| ask.hold_ms = 2 * HOUR + 1)),
        ("for as long as may be", with(|ask, _| ask.hold_ms = 2 * HOUR)),
        ("as the last of the day", with(|_, facts| facts.passed_today = vec![2])),
        ("as one too many", with(|_, facts| facts.passed_today = vec![3])),
        ("not counted", with(|_, facts| facts.passed_today.clear())),
        ("no device", with(|_, facts| facts.device = None)),
        ("another device", with(|_, facts| facts.device.iter_mut().for_each(|one| one.node_id = "n2".to_owned()))),
        (
            "a device that could not be read",
            with(|_, facts| facts.device.iter_mut().for_each(|one| one.unread = Some("503".to_owned()))),
        ),
        ("no such posture", with(|_, facts| facts.device.iter_mut().for_each(|one| one.postures.clear()))),
        (
            "a posture without conditions",
            with(|_, facts| facts.device.iter_mut().flat_map(|one| one.postures.values_mut()).for_each(Vec::clear)),
        ),
        (
            "a condition that nobody can read",
            with(|_, facts| {
                let all = facts.device.iter_mut().flat_map(|one| one.postures.values_mut());
                all.for_each(|conditions| conditions.push("node:mood ~ 'fine'".to_owned()));
            }),
        ),
        (
            "a device that is not managed",
            with(|_, facts| {
                facts
                    .device
                    .iter_mut()
                    .for_each(|one| drop(one.attributes.insert("custom:managed".to_owned(), false.into())));
            }),
        ),
        (
            "another system",
            with(|_, facts| {
                facts
                    .device
                    .iter_mut()
                    .for_each(|one| drop(one.attributes.insert("node:os".to_owned(), "windows".into())));
            }),
        ),
    ];
    let lines: Vec<String> = lines.into_iter().map(|(label, told)| format!("{label}: {told}")).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    as it says: passes: @db-oncall, mon-fri 08:00-18:00 Europe/Berlin, on a device with posture:healthy and node:os IN ['macos', 'linux'], for at most 2h, 3 a day
    on Saturday: no: it is not mon-fri 08:00-18:00 Europe/Berlin now
    not on call: no, it is about others
    on call, as far as can be read: no: who belongs to @db-oncall could not be read
    for longer: no: 2h is longer than 2h
    for as long as may be: passes: @db-oncall, mon-fri 08:00-18:00 Europe/Berlin, on a device with posture:healthy and node:os IN ['macos', 'linux'], for at most 2h, 3 a day
    as the last of the day: passes: @db-oncall, mon-fri 08:00-18:00 Europe/Berlin, on a device with posture:healthy and node:os IN ['macos', 'linux'], for at most 2h, 3 a day
    as one too many: no: 3 of theirs passed today already, and no more may
    not counted: no: how many of theirs passed today could not be counted
    no device: no: it is not known what is so of the device
    another device: no: it is not known what is so of the device
    a device that could not be read: no: what is so of the device could not be read: 503
    no such posture: no: the policy file has no posture:healthy
    a posture without conditions: no: the policy file has no posture:healthy
    a condition that nobody can read: no: laptop does not meet posture:healthy (node:mood ~ 'fine')
    a device that is not managed: no: laptop does not meet posture:healthy (custom:managed == true)
    another system: no: laptop does not meet node:os IN ['macos', 'linux']
    ");
}

#[test]
fn whoever_asked_has_to_be_who_they_were_and_among_those_who_may_ask() {
    let with = |change: fn(&mut Ask, &mut Facts)| {
        let (mut ask, mut facts) = (ask(vec![rule()]), facts());
        change(&mut ask, &mut facts);
        told(&ask, &facts, FRIDAY)
    };
    let lines = [
        ("a guest by now", with(|_, facts| facts.person.standing = Standing::Guest)),
        ("not among those who may ask by now", with(|_, facts| facts.person.belongs = vec![oncall()])),
        (
            "not known to be among those who may ask",
            with(|_, facts| {
                facts.person.belongs = vec![oncall()];
                facts.unread.push(Who::TailnetGroup("group:engineering".to_owned()));
            }),
        ),
        ("another login by now", with(|_, facts| facts.person.login = Some("alice@github".to_owned()))),
        (
            "somebody else",
            with(|_, facts| {
                let other = || "bob@example.com".to_owned();
                facts.person.slack_id = "UBOB".to_owned();
                (facts.person.email, facts.person.login) = (Some(other()), Some(other()));
            }),
        ),
    ];
    let lines: Vec<String> = lines.into_iter().map(|(label, told)| format!("{label}: {told}")).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    a guest by now: no: whoever asked may not ask for it any more
    not among those who may ask by now: no: whoever asked may not ask for it any more
    not known to be among those who may ask: no: who belongs to group:engineering could not be read
    another login by now: no: whoever asked may not ask for it any more
    somebody else: no: whoever asked may not ask for it any more
    ");
}

#[test]
fn any_of_the_rules_is_enough_and_the_first_that_fits_is_named() {
    let night = Automatic {
        who: vec![oncall()],
        during: vec![Window::parse("22:00-06:00 Europe/Berlin").unwrap()],
        ..Automatic::default()
    };
    let short = Automatic { max_hold_ms: Some(HOUR), ..Automatic::default() };
    let others = Automatic { who: vec![Who::Email("bob@example.com".to_owned())], ..Automatic::default() };
    let lines = [
        ("at noon", told(&ask(vec![night.clone(), short.clone()]), &facts(), FRIDAY)),
        ("at night", told(&ask(vec![night.clone(), short.clone()]), &facts(), FRIDAY + 14 * HOUR)),
        (
            "for long, at noon",
            told(&Ask { hold_ms: 3 * HOUR, ..ask(vec![night.clone(), short, others.clone()]) }, &facts(), FRIDAY),
        ),
        ("none is about her", told(&ask(vec![others]), &facts(), FRIDAY)),
        ("there is none", told(&ask(Vec::new()), &facts(), FRIDAY)),
    ];
    let lines: Vec<String> = lines.into_iter().map(|(label, told)| format!("{label}: {told}")).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    at noon: passes: for at most 1h
    at night: passes: @db-oncall, 22:00-06:00 Europe/Berlin
    for long, at noon: no: it is not 22:00-06:00 Europe/Berlin now; 3h is longer than 1h
    none is about her: no, it is about others
    there is none: no, it is about others
    ");
}

#[test]
fn where_nobody_has_to_decide_everything_passes_that_may_be_asked() {
    let mut ask = ask(Vec::new());
    ask.workflow.approve.clear();
    assert!(ask.workflow.may_pass_by_itself());
    assert_eq!(told(&ask, &facts(), FRIDAY + 24 * HOUR), "passes: nobody has to decide");
    let guest = Facts { person: Person { standing: Standing::Guest, ..alice() }, ..facts() };
    assert_eq!(told(&ask, &guest, FRIDAY), "no: whoever asked may not ask for it any more");
}

/// Another request of the same workflow that passed by this rule at this time.
fn passed(id: &str, requester: Person, place: usize, at: i64) -> Request {
    let ask = Ask { id: RequestId(id.to_owned()), requester, ..ask(vec![rule(), rule()]) };
    let mut request = Request::ask(ask, Moment { now: at, jitter: 0.0, types: TYPES }).unwrap().request;
    let by = Decider::Itself { by: Passing::Rule { place }, words: String::new(), facts: Box::new(facts()) };
    request.decisions.push(Decision {
        by,
        approved: true,
        stage: 0,
        round: 0,
        reason: String::new(),
        hold_ms: None,
        at,
    });
    request
}

#[test]
fn those_of_the_same_human_rule_and_day_are_counted() {
    let second_account = Person { slack_id: "UALICE2".to_owned(), email: None, ..alice() };
    let bob = Person {
        slack_id: "UBOB".to_owned(),
        email: Some("bob@example.com".to_owned()),
        login: Some("bob@example.com".to_owned()),
        ..alice()
    };
    let midnight = FRIDAY - 9 * HOUR;
    let others = [
        passed("r2", alice(), 0, FRIDAY - HOUR),
        passed("r3", second_account, 0, midnight),
        passed("r4", bob, 0, FRIDAY - HOUR),
        passed("r5", alice(), 1, FRIDAY - HOUR),
        passed("r6", alice(), 0, midnight - 1),
        // The request itself, and one that people decided.
        passed("r1", alice(), 0, FRIDAY),
        Request { decisions: Vec::new(), ..passed("r7", alice(), 0, FRIDAY) },
    ];
    let ask = ask(vec![rule(), rule()]);
    assert_eq!(passed_today(&ask, &alice(), &others, FRIDAY), [2, 1]);
    assert_eq!(counted_since(&ask.workflow, FRIDAY), Some(midnight - PASSES_WITHIN_MS));
    let unlimited = Workflow { approve_automatically: vec![Automatic::default()], ..Workflow::default() };
    assert_eq!(counted_since(&unlimited, FRIDAY), None);
}

#[test]
fn rules_are_stored_under_names_that_stay() {
    let stored = serde_json::to_string(&rule()).unwrap();
    insta::assert_snapshot!(stored, @r#"{"who":["@db-oncall"],"during":[{"days":["mon","tue","wed","thu","fri"],"from":480,"to":1080,"zone":"Europe/Berlin"}],"device":["posture:healthy","node:os IN ['macos', 'linux']"],"max_hold_ms":7200000,"at_most":3}"#);
    assert_eq!(serde_json::from_str::<Automatic>(&stored).unwrap(), rule());
    assert_eq!(serde_json::from_str::<Automatic>("{}").unwrap(), Automatic::default());
}
