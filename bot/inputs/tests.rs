//! What the listed kinds say about themselves holds together, and each reads what is typed.

use std::collections::BTreeSet;

use super::*;
use crate::kernel::hold::HOLD_MAX_MS;

fn device(node_id: &str, name: &str) -> Device {
    serde_json::from_value(
        serde_json::json!({ "nodeId": node_id, "name": format!("{name}.tail1.ts.net"), "os": "linux" }),
    )
    .unwrap()
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
        InputKind::Text { max_length: 5, required: true },
        InputKind::Device,
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
    let note = |required| InputKind::Text { max_length: 5, required };
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
        (&InputKind::Device, None, false, &two),
        (&InputKind::Device, None, false, &two[1..]),
        (&InputKind::Device, Some("LAPTOP"), false, &two),
        (&InputKind::Device, Some("n2CNTRL"), false, &two),
        (&InputKind::Device, Some("bob-pad"), false, &two),
    ];
    let told: Vec<String> = cases
        .iter()
        .map(|(kind, value, is_doubtful, devices)| {
            let given = Given { value: *value, is_doubtful: *is_doubtful, devices };
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
