//! Broken settings of steps.

use super::{GOOD, messages, messages_of, read, read_with, with};
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
    12:21 there is no step `first` | there is: inputs.hold, inputs.reason, inputs.device, requester.email, requester.login, requester.name, requester.slack_id, device.name, device.node_id, device.addresses, device.os, house.active, request.id, request.ends_at
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

#[test]
fn a_step_waits_only_for_what_can_be_filled_in() {
    let inputs = "inputs:
  hold: { type: duration, max: 8h }
  level: { type: choice, options: [read, { value: write, label: Read and write }, 3] }
  regions: { type: choice, many: true, options: [eu, us] }
  urgent: { type: flag }
  count: { type: number, min: 1, max: 9 }
  ticket: { type: text, max_length: 8, pattern: \"^INC\" }
  device: { type: device }
";
    let (_, rest) = GOOD.split_once("ask:").unwrap();
    let told: Vec<String> = [
        "{ level: write, regions: eu, urgent: true, count: 3, ticket: INC-7 }",
        "{ level: 3 }",
        "{ lavel: write }",
        "{ level: wriet }",
        "{ level: Read and write }",
        "{ level: owner, urgent: yes }",
        "{ level: [read, write] }",
        "{ regions: [eu] }",
        "{ count: 10 }",
        "{ count: \"3\" }",
        "{ ticket: CHG-7 }",
        "{ ticket: INC-12345 }",
        "{ ticket: \"INC-1 \" }",
        "{ hold: 1h }",
        "{ device: alice-laptop }",
        "{}",
        "write",
        "{ level: read, level: write }",
    ]
    .iter()
    .map(|when| {
        let step = "{ device: \"{{ inputs.device }}\", key: custom:a, value: true }";
        let (head, _) = rest.split_once("steps:").unwrap();
        let text = format!(
            "nightlatch: 1\ntitle: T\n{inputs}ask:{head}steps:\n  - uses: tailscale.attribute\n    with: {step}\n    when: {when}\n"
        );
        match read(&text) {
            Ok(workflow) => serde_json::to_string(&workflow.steps[0].when).unwrap(),
            Err(report) => messages_of(&report),
        }
    })
    .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    {"level":"write","regions":"eu","urgent":true,"count":3,"ticket":"INC-7"}
    {"level":"3"}
    17:13 there is no input `lavel` | did you mean `level`?
    17:20 `when` of `level` is never `wriet` | did you mean `write`?
    17:20 `when` of `level` is never `Read and write` | did you mean `write`?
    17:20 `when` of `level` is never `owner` | one of: read, write, 3
    17:35 `when` of `urgent` must be true or false, not a text | write true (without quotes)
    17:20 `when` of `level` must be a text, not a list | brackets make a list: put the text in quotes
    17:22 `when` of `regions` must be a text, not a list | brackets make a list: put the text in quotes
    17:20 `when` of `count` must be from 1 to 9 | -
    17:20 `when` of `count` must be a whole number, not a text | take the quotes off: 3
    17:21 `when` of `ticket` does not fit the input's `pattern` | nobody can type that
    17:21 `when` of `ticket` is longer than may be typed | at most 8 characters
    17:21 `when` of `ticket` has blanks around it | what people type is taken without them
    17:13 `when` of `hold`: an input of type duration has no value to wait for | name one of type choice, flag, number or text
    17:13 `when` of `device`: an input of type device has no value to wait for | name one of type choice, flag, number or text
    17:11 `when` is empty | write when: { input: value }, or leave it out
    17:11 `when` must be a map of `key: value` lines, not a text | -
    17:26 `level` stands twice | keep one
    "#);
}

#[test]
fn what_hangs_on_a_step_that_may_be_left_out_hangs_on_the_same() {
    let (head, _) = GOOD.split_once("steps:\n").unwrap();
    let head = head
        .replace("  reason:", "  level: { type: choice, options: [read, write] }\n  urgent: { type: flag }\n  reason:");
    let told: Vec<String> = [
        "{ uses: test.key, when: { level: write }, with: { at: x } }, { uses: test.thing, with: { at: \"{{ steps.key.id }}\" } }",
        "{ uses: test.key, when: { level: write }, with: { at: x } }, { uses: test.thing, when: { level: read }, with: { at: \"{{ steps.key.id }}\" } }",
        "{ uses: test.key, when: { level: write }, with: { at: x } }, { uses: test.thing, when: { urgent: true, level: write }, with: { at: \"{{ steps.key.id }}\" } }",
        "{ uses: test.key, with: { at: x } }, { uses: test.thing, when: { level: write }, with: { at: \"{{ steps.key.id }}\" } }",
        "{ uses: test.key, name: one, when: { level: read }, with: { at: x } }, { uses: test.key, when: { level: write }, with: { at: x } }",
        "{ uses: test.key, name: one, when: { level: read }, with: { at: x } }, { uses: test.key, when: { urgent: true }, with: { at: x } }",
    ]
    .iter()
    .map(|steps| match read_with(&format!("{head}steps:\n  [{steps}]\n"), TYPES) {
        Ok(workflow) => format!("accepted, {} steps", workflow.steps.len()),
        Err(report) => messages_of(&report),
    })
    .collect();
    insta::assert_snapshot!(told.join("\n"), @"
    13:97 the step `key` is not part of every request | write the same `when` here: what is left out comes to nothing
    13:120 the step `key` is not part of every request | write the same `when` here: what is left out comes to nothing
    accepted, 2 steps
    accepted, 2 steps
    accepted, 2 steps
    13:75 touches the same thing as step 1 | take it out, or give it another key
    ");
}

#[test]
fn an_input_waits_for_earlier_ones_and_what_uses_it_waits_too() {
    let inputs = |more: &str| {
        GOOD.replace(
            "  device: { type: device }\n",
            &format!("  level: {{ type: choice, options: [read, write] }}\n{more}  device: {{ type: device }}\n"),
        )
    };
    let asked = "  ticket: { type: number, when: { level: write } }\n";
    let second = "  urgent: { type: flag, when: { ticket: 3 } }\n";
    let uses = |when: &str, value: &str| {
        format!(
            "  - uses: tailscale.attribute\n    name: two\n{when}    with: {{ device: \"{{{{ inputs.device }}}}\", key: custom:b, value: \"{{{{ inputs.{value} }}}}\" }}\n"
        )
    };
    let files = [
        inputs(asked) + &uses("    when: { level: write }\n", "ticket"),
        inputs(&format!("{asked}{second}")) + &uses("    when: { ticket: 3 }\n", "urgent"),
        inputs("  ticket: { type: number, when: { levle: write } }\n"),
        inputs("  ticket: { type: number, when: { level: writ } }\n"),
        inputs("  ticket: { type: number, when: {} }\n"),
        inputs("  ticket: { type: number, when: { ticket: 3 } }\n"),
        inputs(&format!("{second}{asked}")),
        inputs("  page: { type: link, when: { device: laptop } }\n"),
        inputs("").replace("hold: { type: duration,", "hold: { type: duration, when: { level: write },"),
        inputs(asked) + &uses("", "ticket"),
        inputs(asked) + &uses("    when: { level: read }\n", "ticket"),
        inputs(&format!("{asked}{second}")) + &uses("    when: { level: write }\n", "urgent"),
        inputs("").replace("device: { type: device }", "device: { type: device, when: { level: write } }"),
    ];
    let told: Vec<String> = files
        .iter()
        .map(|file| match read(file) {
            Ok(workflow) => format!("accepted, {} steps", workflow.steps.len()),
            Err(report) => messages_of(&report),
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @"
    accepted, 2 steps
    accepted, 2 steps
    7:35 there is no input `levle` | did you mean `level`?
    7:42 `when` of `level` is never `writ` | did you mean `write`?
    7:33 `when` is empty | write when: { input: value }, or leave it out
    7:35 the input `ticket` comes later, or is this one | an input can wait for earlier ones only; put that one before it, and mend it if it has a mistake
    7:33 the input `ticket` comes later, or is this one | an input can wait for earlier ones only; put that one before it, and mend it if it has a mistake
    7:31 the input `device` comes later, or is this one | an input can wait for earlier ones only; put that one before it, and mend it if it has a mistake
    4:33 how long something is held is always asked | take `when` out
    17:66 the input `ticket` is asked only when level is write | write the same `when` for this step: what is not asked has no value
    18:66 the input `ticket` is asked only when level is write | write the same `when` for this step: what is not asked has no value
    19:66 the input `urgent` is asked only when ticket is 3 | write the same `when` for this step: what is not asked has no value
    13:21 the input `device` is asked only when level is write | write the same `when` for this step: what is not asked has no value
    ");
}

#[test]
fn tags_of_devices_are_checked() {
    let told: Vec<String> =
        ["[tag:ci]", "[tag:ci, tag:ci, tag:b-2]", "[]", "[ci]", "[tag:]", "[\"tag:a b\"]", "tag:ci", "[3]", "[tag:9]"]
            .iter()
            .map(|of| match read(&GOOD.replace("{ type: device }", &format!("{{ type: device, of: {of} }}"))) {
                Ok(workflow) => format!("accepted: {}", workflow.device().unwrap().kind.tags().join(" ")),
                Err(report) => messages_of(&report),
            })
            .collect();
    insta::assert_snapshot!(told.join("\n"), @"
    accepted: tag:ci
    accepted: tag:ci tag:b-2
    6:31 `of` is empty | -
    6:32 `ci` is not a tag | write of: [tag:ci], or leave it out for the requester's own devices
    6:32 a tag must be a text, not a map | put the text in quotes
    6:32 `tag:a b` is not a tag | write of: [tag:ci], or leave it out for the requester's own devices
    6:31 `of` must be a list, not a text | write a list: [one, two]
    6:32 a tag must be a text, not a number | put it in quotes
    6:32 `tag:9` is not a tag | write of: [tag:ci], or leave it out for the requester's own devices
    ");
}
