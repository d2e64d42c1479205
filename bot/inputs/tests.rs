//! What the listed kinds say about themselves holds together, and each reads what is typed.

use std::collections::BTreeSet;

use super::*;
use crate::kernel::hold::HOLD_MAX_MS;
use crate::kernel::workflow::{Choosable, Pattern};

fn device(node_id: &str, name: &str) -> Device {
    serde_json::from_value(
        serde_json::json!({ "nodeId": node_id, "name": format!("{name}.tail1.ts.net"), "os": "linux" }),
    )
    .unwrap()
}

fn choice(many: bool) -> InputKind {
    let option = |(value, label): (&str, &str)| Choosable { value: value.to_owned(), label: label.to_owned() };
    let options = [("read", "Read only"), ("write", "Read and write")].map(option).to_vec();
    InputKind::Choice { options, many, default: Vec::new(), required: true, pattern: None }
}

#[test]
fn every_kind_says_all_that_people_need() {
    let mut seen = BTreeSet::new();
    for kind in TYPES {
        assert!(seen.insert(kind.name), "{} stands twice in the list", kind.name);
        assert!(kind.about.ends_with('.') && kind.example.contains(&format!("type: {}", kind.name)), "{}", kind.name);
        assert!(kind.settings.iter().all(|setting| setting.about.ends_with('.')), "{}", kind.name);
    }
}

#[test]
fn every_kind_that_is_stored_is_in_the_list() {
    let kinds = [
        InputKind::Duration { default_ms: 1, max_ms: HOLD_MAX_MS },
        InputKind::text(5),
        InputKind::own_device(),
        choice(false),
        InputKind::Person { required: true, pattern: None },
        InputKind::Number { min: 1, max: 9, default: None, required: true },
        InputKind::Flag { default: false },
        InputKind::Link { required: true, pattern: None },
    ];
    for kind in &kinds {
        assert_eq!(of(kind).map(|one| Some(one.name)), Some(kind.name()), "{kind:?}");
    }
    assert_eq!(kinds.len(), TYPES.len());
    assert!(of(&InputKind::Unknown).is_none());
}

#[test]
fn what_is_typed_becomes_a_value_or_a_reason() {
    let hour = InputKind::Duration { default_ms: 60_000, max_ms: 3_600_000 };
    let note = |required| InputKind::Text { max_length: 5, required, pattern: None, default: None };
    let own = InputKind::own_device();
    let two = [device("n1CNTRL", "laptop"), device("n2CNTRL", "pad")];
    let cases: &[(&InputKind, Option<&str>, bool, &[Device])] = &[
        (&hour, Some("30m"), false, &[]),
        (&hour, None, false, &[]),
        (&hour, Some("2h"), false, &[]),
        (&hour, Some("soon"), false, &[]),
        (&hour, Some("2 hours"), true, &[]),
        (&note(true), Some("abc"), false, &[]),
        (&note(true), Some("abcdef"), false, &[]),
        (&note(true), None, false, &[]),
        (&note(false), None, false, &[]),
        (&own, None, false, &two),
        (&own, None, false, &two[1..]),
        (&own, Some("LAPTOP"), false, &two),
        (&own, Some("n2CNTRL"), false, &two),
        (&own, Some("bob-pad"), false, &two),
    ];
    let told: Vec<String> = cases
        .iter()
        .map(|(kind, value, is_doubtful, devices)| {
            let given = Given { value: *value, is_doubtful: *is_doubtful, devices, people: &[] };
            match (of(kind).unwrap().read)(kind, &given) {
                Read::Value(value) => value.as_typed(),
                Read::Nothing => "nothing".to_owned(),
                Read::Missing => "missing".to_owned(),
                Read::Wrong(why) => format!("wrong: {why}"),
            }
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    30m
    1m
    wrong: 2h is more than the 1h this lends
    wrong: `soon` is not a length of time; write it like 45s, 90m, 2h, 1h30m or 3d
    wrong: `2 hours` is not a length of time; write it like 45s, 90m, 2h, 1h30m or 3d
    abc
    wrong: 6 characters; at most 5 fit
    missing
    nothing
    missing
    pad
    laptop
    pad
    wrong: `bob-pad` is not one of your devices (laptop, pad)
    ");
}

/// What each of these becomes, or why not.
fn told(cases: &[(InputKind, Option<&str>)]) -> String {
    let bob = PersonShown { slack_id: "U0BOB0001".to_owned(), name: "Bob".to_owned(), email: None, login: None };
    let people = [("bob@example.com".to_owned(), bob)];
    let lines = cases.iter().map(|(kind, value)| {
        let given = Given { value: *value, is_doubtful: false, devices: &[], people: &people };
        match (of(kind).unwrap().read)(kind, &given) {
            Read::Value(value) => format!("{} = {}", value.as_typed(), value.as_filled().unwrap_or_default()),
            Read::Nothing => "nothing".to_owned(),
            Read::Missing => "missing".to_owned(),
            Read::Wrong(why) => format!("wrong: {why}"),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn words_people_numbers_flags_and_links_are_read() {
    let number = InputKind::Number { min: 1, max: 9, default: None, required: true };
    let link = InputKind::Link { required: false, pattern: None };
    let cases = [
        (choice(false), Some("READ")),
        (choice(false), Some("read and write")),
        (choice(false), Some("own")),
        (choice(false), None),
        (choice(true), Some("write, read")),
        (InputKind::Person { required: true, pattern: None }, Some("bob@example.com")),
        (InputKind::Person { required: true, pattern: None }, Some("eve@example.com")),
        (InputKind::Person { required: false, pattern: None }, None),
        (number.clone(), Some("3")),
        (number.clone(), Some("10")),
        (number, Some("three")),
        (InputKind::Flag { default: false }, Some("Yes")),
        (InputKind::Flag { default: true }, None),
        (InputKind::Flag { default: true }, Some("maybe")),
        (link.clone(), Some("https://example.com/a?b")),
        (link.clone(), Some("https://alice:secret@example.com/")),
        (link.clone(), Some("javascript:alert(1)")),
        (link, None),
    ];
    insta::assert_snapshot!(told(&cases), @r#"
    read = "read"
    write = "write"
    wrong: `own` is not offered (read, write)
    missing
    read,write = ["read","write"]
    U0BOB0001 = "U0BOB0001"
    wrong: `eve@example.com` is not a member of this workspace
    nothing
    3 = 3
    wrong: 10 is more than 9
    wrong: `three` is not a whole number
    yes = true
    yes = true
    wrong: `maybe` is neither yes nor no
    https://example.com/a?b = "https://example.com/a?b"
    wrong: `https://alice:secret@example.com/` is not a web address; it begins with https://
    wrong: `javascript:alert(1)` is not a web address; it begins with https://
    nothing
    "#);
}

#[test]
fn a_pattern_is_found_or_its_help_is_told() {
    let pattern = |help: Option<&str>| Some(Pattern { regex: "^INC-[0-9]+".to_owned(), help: help.map(str::to_owned) });
    let text = |help| InputKind::Text { max_length: 20, required: true, pattern: pattern(help), default: None };
    let help = Some("start with the ticket, like INC-1204");
    insta::assert_snapshot!(told(&[(text(help), Some("INC-7 stuck")), (text(help), Some("stuck")), (text(None), Some("stuck"))]), @r#"
    INC-7 stuck = "INC-7 stuck"
    wrong: start with the ticket, like INC-1204
    wrong: it has to look like ^INC-[0-9]+
    "#);
}
