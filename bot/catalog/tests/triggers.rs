//! What starts a workflow, and what is wrong with it.

use super::{GOOD, messages_of, read};

#[test]
fn triggers_are_checked() {
    let told: Vec<String> = [
        "[{ schedule: { cron: \"0 9 * * mon\", zone: Europe/Berlin, as: alice@example.com, with: { reason: x } } }]",
        "[{ schedule: { cron: \"@weekly\", as: alice@example.com, with: { reason: x, hold: 2h } } }, { command: /review }]",
        "[{ schedule: { cron: \"0 9 * * mon\", as: alice@example.com } }]",
        "[{ schedule: { cron: \"0 9 * * mon\", as: alice@example.com, with: { raeson: x } } }]",
        "[{ schedule: { cron: \"0 9 * * mon\", as: alice@example.com, with: { reason: x, hold: 9h } } }]",
        "[{ schedule: { cron: \"0 9 * * mon\", as: alice@example.com, with: { reason: [1, { a: 2 }] } } }]",
        "[{ schedule: { cron: \"0 9 * * mon\", as: group:dba, zone: Europe/Belrin, with: { reason: x } } }]",
        "[{ schedule: { cron: \"0 9 * * mon\", as: alice@example.com, zone: europe/berlin, with: { reason: x } } }]",
        "[{ schedule: { cron: \"0 0 9 * * mon\", as: alice@example.com, with: { reason: x } } }]",
        "[{ schedule: { cron: \"* 9 * * mon\", as: alice@example.com, with: { reason: x } } }]",
        "[{ schedule: { cron: \"0 0 31 2 *\", as: alice@example.com, with: { reason: x } } }]",
        "[{ schedule: { cron: 5, with: { reason: x } } }]",
        "[{ schedule: { as: alice@example.com, evry: day, with: { reason: x } } }]",
        "[{ shedule: { cron: \"0 9 * * mon\", as: alice@example.com } }]",
        "[{ webhook: { path: x } }]",
        "[{}]",
        "[{ command: review }]",
        "[{ command: /a }, { command: /b }]",
        "[{ command: /a, schedule: { cron: \"0 9 * * mon\", as: alice@example.com, with: { reason: x } } }]",
        "[]",
        "weekly",
    ]
    .iter()
    .map(|triggers| match read(&format!("{GOOD}triggers: {triggers}\n")) {
        Ok(workflow) => format!("accepted, {:?}, starts by itself {} times", workflow.command, workflow.triggers.len()),
        Err(report) => messages_of(&report),
    })
    .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    accepted, None, starts by itself 1 times
    accepted, Some("/review"), starts by itself 1 times
    13:26 nobody fills in reason | write with: { reason: ... }, or give it a default
    13:76 nobody fills in reason | write with: { reason: ... }, or give it a default
    13:78 there is no input `raeson` | did you mean `reason`?
    13:95 `hold` cannot be filled in with this: 9h is more than the 8h this lends | -
    13:90 `reason` must be a value as it would be typed, not a map | -
    13:51 `group:dba` is not one person | an e-mail address or tailnet login, like alice@example.com
    13:68 there is no time zone `Europe/Belrin` | did you mean Europe/Berlin?
    13:76 there is no time zone `europe/berlin` | did you mean Europe/Berlin?
    13:32 `0 0 9 * * mon` is no cron line: Invalid pattern: Pattern must have 5 fields when seconds are disallowed. | minute, hour, day of the month, month, day of the week: cron: "0 9 * * mon"
    13:32 `* 9 * * mon` is due too often | at most once in 5 minutes; a * in front means every minute
    13:32 `0 0 31 2 *` is never due | there is no such day
    13:26 `as` is missing | say who asks then: as: alice@example.com
    13:32 `cron` must be a text, not a number | put it in quotes
    13:26 `cron` is missing | minute, hour, day of the month, month, day of the week: cron: "0 9 * * mon"
    13:49 unknown key `evry` | a schedule knows: cron, zone, as, with
    13:14 unknown key `shedule` | did you mean `schedule`?
    13:25 nobody fills in reason | write with: { reason: ... }, or give it a default
    13:14 unknown key `webhook` | a trigger knows: schedule, command
    13:12 a trigger says what starts the workflow | write - schedule: { cron: "0 9 * * mon", as: alice@example.com }
    13:23 `command` must start with /, not `review` | write command: /review
    13:40 a second command beside /a | a workflow has one
    13:23 a trigger says one thing | begin another one with -
    13:11 `triggers` is empty | -
    13:11 `triggers` must be a list, not a text | write a list: [one, two]
    "#);
    let twice = format!("{GOOD}command: /one\ntriggers: [{{ command: /two }}]\n");
    insta::assert_snapshot!(messages_of(&read(&twice).unwrap_err()), @"14:23 a second command beside /one | a workflow has one");
}
