//! `approve: []` and `approve_automatically`: what is read, and what is told of what is not.

use super::{messages, read, with};

/// The good file with this under `approve_automatically`.
fn told(rules: &str) -> String {
    let text = with("steps:\n", &format!("approve_automatically: {rules}\nsteps:\n"));
    match read(&text) {
        Ok(workflow) => {
            let rules: Vec<String> = workflow.approve_automatically.iter().map(ToString::to_string).collect();
            format!("accepted: {}", rules.join(" / "))
        }
        Err(_) => messages(&text),
    }
}

#[test]
fn rules_are_read_and_what_is_none_is_told() {
    let lines = [
        "\n  - who: [\"@db-oncall\", bob@example.com]\n    during: [mon-fri 08:00-18:00 Europe/Berlin, sat 8:00-9:00 europe/berlin]\n    device: posture:healthy\n    max_hold: 2h\n    at_most: 3 per day",
        "\n  - device: [\"node:os == 'macos'\", custom:managed == true]\n  - max_hold: 30m",
        "\n  who: [group:dba]",
        "[]",
        "\"@db-oncall\"",
        "\n  - {}",
        "\n  - whom: [group:dba]",
        "\n  - who: []",
        "\n  - during: mon-fri 8-18 Europe/Berlin",
        "\n  - during: mon-fri Europe/Berln",
        "\n  - during: mon-fry",
        "\n  - during: Europe/Berlin",
        "\n  - device: healthy",
        "\n  - device: \"node:os = 'macos'\"",
        "\n  - max_hold: 2",
        "\n  - at_most: 3",
        "\n  - at_most: 3 a day",
        "\n  - at_most: 0 per day",
        "\n  - at_most: 1001 per day",
        "\n  - during: [mon Europe/Berlin, tue UTC]\n    at_most: 1 per day",
    ];
    let lines: Vec<String> = lines.into_iter().map(|rules| format!("{}\n    {}", rules.trim(), told(rules))).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    - who: ["@db-oncall", bob@example.com]
        during: [mon-fri 08:00-18:00 Europe/Berlin, sat 8:00-9:00 europe/berlin]
        device: posture:healthy
        max_hold: 2h
        at_most: 3 per day
        accepted: @db-oncall or bob@example.com, mon-fri 08:00-18:00 Europe/Berlin or sat 08:00-09:00 Europe/Berlin, on a device with posture:healthy, for at most 2h, 3 a day
    - device: ["node:os == 'macos'", custom:managed == true]
      - max_hold: 30m
        accepted: on a device with node:os == 'macos' and custom:managed == true / for at most 30m
    who: [group:dba]
        11:3 `approve_automatically` must be a list of rules | put a - before its first line
    []
        10:24 `approve_automatically` is empty | leave it out, and nothing passes by itself; for everything to pass, write approve: []
    "@db-oncall"
        10:24 `approve_automatically` must be a list, not a text | write a list: [one, two]
    - {}
        11:5 this rule says nothing, so that everything would pass by it | say for whom: who: ["@db-oncall"]; for everything to pass, write approve: []
    - whom: [group:dba]
        11:5 unknown key `whom` | did you mean `who`?
    - who: []
        11:10 `who` names nobody | name somebody: [group:dba, "@db-oncall", bob@example.com]
    - during: mon-fri 8-18 Europe/Berlin
        11:13 `during` cannot be `mon-fri 8-18 Europe/Berlin`: `8-18` is neither days (mon-fri), nor times (08:00-18:00), nor a time zone (Europe/Berlin) | like mon-fri 08:00-18:00 Europe/Berlin
    - during: mon-fri Europe/Berln
        11:13 `during` cannot be `mon-fri Europe/Berln`: `Europe/Berln` is neither days (mon-fri), nor times (08:00-18:00), nor a time zone (Europe/Berlin) | did you mean Europe/Berlin?
    - during: mon-fry
        11:13 `during` cannot be `mon-fry`: `mon-fry` is neither days (mon-fri), nor times (08:00-18:00), nor a time zone (Europe/Berlin) | like mon-fri 08:00-18:00 Europe/Berlin
    - during: Europe/Berlin
        11:13 `during` cannot be `Europe/Berlin`: it says only a time zone; say days, times or both | like mon-fri 08:00-18:00 Europe/Berlin
    - device: healthy
        11:13 `device` cannot be `healthy` | write the name of a posture of the policy file, like posture:healthy, or a condition, like "node:os == 'macos'"
    - device: "node:os = 'macos'"
        11:13 `device` cannot be `node:os = 'macos'` | write the name of a posture of the policy file, like posture:healthy, or a condition, like "node:os == 'macos'"
    - max_hold: 2
        11:15 `max_hold` needs a unit | write the unit: 2s, 2m or 2h
    - at_most: 3
        11:14 `at_most` does not say in which time | write at_most: 3 per day
    - at_most: 3 a day
        11:14 `at_most` cannot be `3 a day` | write at_most: 3 per day
    - at_most: 0 per day
        11:14 `at_most` is 0, so that nothing would pass | leave the rule out, and nothing passes by it
    - at_most: 1001 per day
        11:14 `at_most` is more than 1000 | write at_most: 3 per day
    - during: [mon Europe/Berlin, tue UTC]
        at_most: 1 per day
        12:14 `at_most` counts days, and `during` names several time zones | make a rule for each zone
    "#);
}

#[test]
fn nobody_has_to_decide_only_where_that_is_written_out() {
    let approve = "approve:\n  - by: [group:dba, \"@db-oncall\"]\n";
    let nobody = read(&with(approve, "approve: []\n")).unwrap();
    assert!(nobody.approve.is_empty() && nobody.may_pass_by_itself());
    let in_vain = with(approve, "approve: []\napprove_automatically:\n  - max_hold: 1h\n");
    let no_device = with("  device: { type: device }\n", "")
        .replace("steps:\n", "approve_automatically:\n  - device: posture:healthy\nsteps:\n")
        .replace("\"{{ inputs.device }}\"", "n123CNTRL");
    let lines = [
        ("missing", messages(&with(approve, ""))),
        ("nothing", messages(&with(approve, "approve:\n"))),
        ("a word", messages(&with(approve, "approve: nobody\n"))),
        ("with rules beside it", messages(&in_vain)),
        ("a rule about a device that nobody is asked for", messages(&no_device)),
    ];
    let lines: Vec<String> = lines.into_iter().map(|(label, told)| format!("{label}: {told}")).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    missing: 1:1 `approve` is missing | say who decides: approve: with - by: [group:dba]
    nothing: 8:8 `approve` has no value | say who decides: approve: with - by: [group:dba]
    a word: 8:10 `approve` must be a list of stages | write - by: [group:dba], and own_request: allow to let those people approve for themselves; approve: [] if nobody has to decide
    with rules beside it: 10:3 `approve_automatically` says nothing beside `approve: []` | with `approve: []` everything passes; name in `approve` who decides what does not pass by itself
    a rule about a device that nobody is asked for: 10:13 `device` is about a device, and no input asks for one | add an input of type device, or take `device` out here
    13:21 `device` must be an input of type device | write device: "{{ inputs.device }}" with an input device: { type: device }
    "#);
}
