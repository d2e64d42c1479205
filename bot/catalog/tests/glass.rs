//! `break_glass`: what is read, and what is told of what is not.

use super::{messages, read, with};

/// The good file with this under `break_glass`.
fn told(glass: &str) -> String {
    let text = with("steps:\n", &format!("break_glass: {glass}\nsteps:\n"));
    match read(&text) {
        Ok(workflow) => format!("{:?}", workflow.break_glass),
        Err(_) => messages(&text),
    }
}

#[test]
fn what_is_said_of_breaking_glass_is_read_and_what_is_none_is_told() {
    let lines = [
        "{ who: [group:sre], max_hold: 1h, review: { by: [group:security], within: 8h } }",
        "{ who: [group:sre], review: { by: [group:security] } }",
        "{ review: { by: [group:security] } }",
        "{ who: [group:sre] }",
        "{ who: [group:sre], review: {} }",
        "{ who: [group:sre], review: [group:security] }",
        "{ whom: [group:sre], max_holt: 1h, review: { buy: [group:security] } }",
        "{ who: [group:sre], max_hold: 9h, review: { by: [group:security] } }",
        "{ who: [alice@example.com], review: { by: [alice@example.com] } }",
        "{ who: [alice@example.com, bob@example.com], review: { by: [alice@example.com] } }",
        "[group:sre]",
    ];
    let lines: Vec<String> = lines.into_iter().map(|glass| format!("{glass}\n    {}", told(glass))).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    { who: [group:sre], max_hold: 1h, review: { by: [group:security], within: 8h } }
        Some(BreakGlass { who: [TailnetGroup("group:sre")], max_hold_ms: 3600000, review_by: [TailnetGroup("group:security")], review_within_ms: 28800000 })
    { who: [group:sre], review: { by: [group:security] } }
        Some(BreakGlass { who: [TailnetGroup("group:sre")], max_hold_ms: 28800000, review_by: [TailnetGroup("group:security")], review_within_ms: 86400000 })
    { review: { by: [group:security] } }
        10:16 `who` is missing | say who may: who: [group:sre]
    { who: [group:sre] }
        10:16 `review` is missing | say who looks at it afterwards: review: { by: [group:security], within: 24h }
    { who: [group:sre], review: {} }
        10:42 `by` is missing | say who says whether it was fine: by: [group:security]
    { who: [group:sre], review: [group:security] }
        10:42 `review` must be a map of `key: value` lines, not a list | -
    { whom: [group:sre], max_holt: 1h, review: { buy: [group:security] } }
        10:16 unknown key `whom` | did you mean `who`?
    10:35 unknown key `max_holt` | did you mean `max_hold`?
    10:59 unknown key `buy` | did you mean `by`?
    { who: [group:sre], max_hold: 9h, review: { by: [group:security] } }
        10:44 `max_hold` is longer than the `max` of `hold` (8h) | glass is broken for a shorter time than what is approved
    { who: [alice@example.com], review: { by: [alice@example.com] } }
        10:14 `review` names nobody but alice@example.com, who may break glass | nobody reviews what they did themselves; name somebody else under `by`, or a group
    { who: [alice@example.com, bob@example.com], review: { by: [alice@example.com] } }
        10:14 `review` names nobody but alice@example.com, who may break glass | nobody reviews what they did themselves; name somebody else under `by`, or a group
    [group:sre]
        10:14 `break_glass` must be a map of `key: value` lines, not a list | -
    "#);
}

#[test]
fn glass_is_not_broken_where_nobody_is_asked_why() {
    let glass = "break_glass: { who: [group:sre], review: { by: [group:security] } }\nsteps:\n";
    let text = with("  reason: { type: text }\n", "").replace("steps:\n", glass);
    insta::assert_snapshot!(messages(&text), @"9:14 `break_glass` takes a reason, and no input asks for one | add reason: { type: text } to `inputs`");
}
