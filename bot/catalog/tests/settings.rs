//! Broken settings of steps.

use super::{GOOD, messages, messages_of, read_with, with};
use crate::kernel::step_type::{Holds, Setting, SettingKind, StepResult, StepType};

const fn text(name: &'static str) -> Setting {
    Setting { name, kind: SettingKind::Lines, is_required: false, is_key: true, about: "", example: "" }
}

/// Step types that come to something.
const TYPES: &[StepType] = &[
    StepType {
        settings: &[text("at"), text("list")],
        results: &[StepResult { name: "id", about: "" }, StepResult { name: "address", about: "" }],
        ..StepType::plain("test.key", |_| Ok(String::new()))
    },
    StepType { settings: &[text("at")], holds: Holds::Once, ..StepType::plain("test.thing", |_| Ok(String::new())) },
];

/// The good file with these steps.
fn with_steps(steps: &str) -> String {
    let (head, _) = GOOD.split_once("steps:\n").unwrap();
    format!("{head}steps:\n{steps}")
}

#[test]
fn results_of_earlier_steps_can_be_named_and_no_others() {
    let told: Vec<String> = [
        "{ uses: test.key, with: { at: x } }, { uses: test.thing, with: { at: \"{{ steps.key.id }}\" } }",
        "{ uses: test.key, name: first, with: { at: x } }, { uses: test.key, with: { list: [{ a: \"<{{ steps.first.address }}>\" }] } }",
        "{ uses: test.key, with: { at: x } }, { uses: test.thing, with: { at: \"{{ steps.key.adress }}\" } }",
        "{ uses: test.key, with: { at: x } }, { uses: test.thing, with: { at: \"{{ steps.kay.id }}\" } }",
        "{ uses: test.thing, with: { at: \"{{ steps.key.id }}\" } }, { uses: test.key, with: { at: x } }",
        "{ uses: test.key, with: { at: \"{{ steps.key.id }}\" } }",
        "{ uses: test.thing, with: { at: x } }, { uses: test.key, with: { at: \"{{ steps.thing.id }}\" } }",
        "{ uses: test.key, with: { at: x } }, { uses: test.key, with: { at: y } }, { uses: test.thing, with: { at: \"{{ steps.key.id }}\" } }",
        "{ uses: test.kee, name: key, with: { at: x } }, { uses: test.thing, with: { at: \"{{ steps.key.any }}\" } }",
        "{ uses: test.key, name: First Key, with: { at: x } }",
        "{ uses: test.key, name: one, with: { at: x } }, { uses: test.thing, name: one, with: { at: x } }",
        "{ uses: test.thing, with: { at: x } }, { uses: test.thing, with: { at: x } }",
    ]
    .iter()
    .map(|steps| match read_with(&with_steps(&format!("  [{steps}]\n")), TYPES) {
        Ok(workflow) => format!("accepted, {} steps", workflow.steps.len()),
        Err(report) => messages_of(&report),
    })
    .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    accepted, 2 steps
    accepted, 2 steps
    11:73 the step `key` has no result `adress` | did you mean `steps.key.address`?
    11:73 there is no step `kay` | did you mean `steps.key.id`?
    11:36 the step `key` comes later, or is this one | only earlier steps have come to something; put it before this one
    11:34 the step `key` comes later, or is this one | only earlier steps have come to something; put it before this one
    11:73 the step `thing` has no result `id` | it has none
    11:110 more than one step is called `key` | give one of them another, with name:
    11:12 `test.kee` is not a step type | did you mean `test.key`?
    11:28 `First Key` cannot be the name of a step | lower-case letters, digits and _, at most 32, like rule or first_key
    11:78 a second step is called `one` | choose another name
    accepted, 2 steps
    ");
    let no_device =
        GOOD.replace("  device: { type: device }\n", "").replace("{{ inputs.device }}", "{{ device.name }}");
    insta::assert_snapshot!(messages(&no_device), @"11:21 `device.name` needs an input of type device | add device: { type: device } to `inputs`");
}

#[test]
fn settings_of_steps_are_checked() {
    let settings = "{ device: \"{{ inputs.device }}\", key: custom:jit_prod_db, value: true }";
    let second =
        format!("{settings}\n  - uses: tailscale.attribute\n    with: {}", settings.replace("prod_db", "PROD_db"));
    let told: Vec<String> = [
        "{ device: \"{{ inputs.devise }}\", key: custom:a, value: true }",
        "{ device: \"{{ inputs.reason }}\", key: custom:a, value: true }",
        "{ device: n123CNTRL, key: custom:a, value: true }",
        "{ device: \"{{ inputs.device | upper }}\", key: custom:a, value: true }",
        "{ device: \"{% if x %}\", key: custom:a, value: true }",
        "{ device: \"{{ inputs.device\", key: custom:a, value: true }",
        "{ device: \"{{ requester.mail }}\", key: custom:a, value: true }",
        "{ device: \"{{ steps.first.id }}\", key: custom:a, value: true }",
        "{ device: \"{{ inputs.device }}\", key: jit, value: \"true\" }",
        "{ device: \"{{ inputs.device }}\", key: \"custom:{{ requester.login }}\", value: 1, extra: 1 }",
        "{ key: \"custom:\" }",
        "[a]",
        &second,
    ]
    .iter()
    .map(|to| messages(&with(settings, to)))
    .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    12:21 there is no input `devise` | did you mean `inputs.device`?
    12:21 `device` must be an input of type device | write device: "{{ inputs.device }}" with an input device: { type: device }
    12:21 `device` must be an input of type device | write device: "{{ inputs.device }}" with an input device: { type: device }
    12:21 `inputs.device | upper` is not just a name: {{ }} holds no logic | write {{ inputs.NAME }} or {{ requester.email }}
    12:21 `{%` is not allowed: settings hold no logic | write {{ inputs.NAME }} or {{ requester.email }}
    12:21 `{{` is not closed with `}}` | write {{ inputs.NAME }} or {{ requester.email }}
    12:21 nothing is called `requester.mail` | did you mean `requester.email`?
    12:21 there is no step `first` | there is: inputs.hold, inputs.reason, inputs.device, requester.email, requester.login, requester.name, requester.slack_id, device.name, device.node_id, device.os
    12:49 `key` must start with custom: | write key: custom:jit_prod_db
    12:49 `key` may hold letters, digits, `_` and `:` after custom: | write key: custom:jit_prod_db
    12:91 unknown key `extra` | `tailscale.attribute` knows: device, key, value
    12:13 `device` is missing | write device: "{{ inputs.device }}" with an input device: { type: device }
    12:13 `value` is missing | write value: true, value: 3 or value: read_only
    12:18 `key` may hold letters, digits, `_` and `:` after custom: | write key: custom:jit_prod_db
    12:11 `tailscale.attribute` must be a map of `key: value` lines, not a list | -
    13:5 touches the same thing as step 1 | take it out, or give it another key
    "#);
}
