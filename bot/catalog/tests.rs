//! Broken workflow files and what people are told about them.

mod anything;
mod approval;
mod automatic;
mod folder;
mod glass;
mod settings;
mod staff;
mod triggers;

use super::*;
use crate::kernel::workflow::{InputKind, OwnRequest};
use crate::steps::TYPES;

const GOOD: &str = "\
nightlatch: 1
title: Production database
inputs:
  hold: { type: duration, default: 1h, max: 8h }
  reason: { type: text }
  device: { type: device }
ask: [group:engineering]
approve:
  - by: [group:dba, \"@db-oncall\"]
steps:
  - uses: tailscale.attribute
    with: { device: \"{{ inputs.device }}\", key: custom:jit_prod_db, value: true }
";

fn read(text: &str) -> Result<Workflow, Report> {
    read_with(text, TYPES)
}

fn read_with(text: &str, types: &[StepType]) -> Result<Workflow, Report> {
    workflow::read("workflows/prod-db.yaml", "prod-db", text, types)
}

fn mistakes(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

/// The good file with one part replaced.
fn with(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    GOOD.replace(from, to)
}

/// Messages only, one a line.
fn messages(text: &str) -> String {
    messages_of(&read(text).unwrap_err())
}

fn messages_of(report: &Report) -> String {
    let line = |mistake: &crate::config::Mistake| {
        let help = mistake.help.as_deref().unwrap_or("-");
        format!("{}:{} {} | {help}", mistake.line, mistake.column, mistake.message)
    };
    report.mistakes.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_left_out_has_a_default() {
    let workflow = read(&with("default: 1h, max: 8h", "max: 30m")).unwrap();
    assert_eq!(workflow.hold().map(|(_, default_ms, max_ms)| (default_ms, max_ms)), Some((1_800_000, 1_800_000)));
    assert_eq!(workflow.lapse_after_ms, 28_800_000);
    let stage = &workflow.approve[0];
    assert_eq!((stage.clauses[0].quorum, stage.own_request, stage.denials), (1, OwnRequest::Never, 1));
    assert_eq!((workflow.description.as_str(), workflow.command, workflow.announce), ("", None, None));
    let labels: Vec<&str> = workflow.inputs.iter().map(|input| input.label.as_str()).collect();
    assert_eq!(labels, ["Hold", "Reason", "Device"]);
    assert_eq!(workflow.inputs[1].kind, InputKind::text(500));
    assert_eq!(workflow.digest.len(), 64);
}

#[test]
fn every_mistake_is_told_at_once() {
    insta::assert_snapshot!(mistakes(
        "nightlatch: 1
titel: Production database
description: [a, list]
inputs:
  hold: { type: duration, default: 9h, max: 8h }
  reason: { type: txt, max_lenght: 5 }
  device: { type: device }
ask: [group:engineering, bob]
approve:
  - quorum: 3
    by: [bob@example.com, carol@example.com]
    own_request: sometimes
lapse_after: 8
steps:
  - uses: tailscale.atribute
    with: { device: \"{{ inputs.device }}\" }
announce: access
"
    ), @r##"
      × unknown key `titel`
       ╭─[workflows/prod-db.yaml:2:1]
     2 │ titel: Production database
       · ─────
       ╰────
      help: did you mean `title`?

      × `description` must be a text, not a list
       ╭─[workflows/prod-db.yaml:3:14]
     3 │ description: [a, list]
       ·              ─
       ╰────
      help: brackets make a list: put the text in quotes

      × `default` is longer than `max` (8h)
       ╭─[workflows/prod-db.yaml:5:36]
     5 │   hold: { type: duration, default: 9h, max: 8h }
       ·                                    ──
       ╰────
      help: write at most 8h, or a larger `max`

      × `type` cannot be `txt`
       ╭─[workflows/prod-db.yaml:6:19]
     6 │   reason: { type: txt, max_lenght: 5 }
       ·                   ───
       ╰────
      help: did you mean `text`?

      × unknown key `max_lenght`
       ╭─[workflows/prod-db.yaml:6:24]
     6 │   reason: { type: txt, max_lenght: 5 }
       ·                        ──────────
       ╰────
      help: did you mean `max_length`?

      × `bob` names nobody
       ╭─[workflows/prod-db.yaml:8:26]
     8 │ ask: [group:engineering, bob]
       ·                          ───
       ╰────
      help: write group:NAME, autogroup:member or autogroup:admin (tailnet), "@handle" (Slack user group),
            requester.manager or an e-mail address

      × `quorum` is 3, but `by` names 2 people
        ╭─[workflows/prod-db.yaml:10:13]
     10 │   - quorum: 3
        ·             ─
        ╰────
      help: nobody could ever be given this

      × `own_request` cannot be `sometimes`
        ╭─[workflows/prod-db.yaml:12:18]
     12 │     own_request: sometimes
        ·                  ─────────
        ╰────
      help: one of: never, confirm, allow

      × `lapse_after` needs a unit
        ╭─[workflows/prod-db.yaml:13:14]
     13 │ lapse_after: 8
        ·              ─
        ╰────
      help: write the unit: 8s, 8m or 8h

      × `tailscale.atribute` is not a step type
        ╭─[workflows/prod-db.yaml:15:11]
     15 │   - uses: tailscale.atribute
        ·           ──────────────────
        ╰────
      help: did you mean `tailscale.attribute`?

      × `access` is neither the name nor the id of a channel
        ╭─[workflows/prod-db.yaml:17:11]
     17 │ announce: access
        ·           ──────
        ╰────
      help: write "#access" in quotes (# starts a comment), or the channel's id

    11 mistakes in 1 file
    "##);
}

#[test]
fn a_column_counts_characters_also_after_others_than_ascii() {
    let report = read(&with("title: Production database", "title: Datenbank für Größe\ntïtle: 😀")).unwrap_err();
    insta::assert_snapshot!(report, @"
      × unknown key `tïtle`
       ╭─[workflows/prod-db.yaml:3:1]
     3 │ tïtle: 😀
       · ─────
       ╰────
      help: did you mean `title`?

    1 mistake in 1 file
    ");
    let report = read(&with("{ type: text }", "{ label: \"Gründe 😀\", type: txt }")).unwrap_err();
    insta::assert_snapshot!(report, @r#"
      × `type` cannot be `txt`
       ╭─[workflows/prod-db.yaml:5:38]
     5 │   reason: { label: "Gründe 😀", type: txt }
       ·                                       ───
       ╰────
      help: did you mean `text`?

    1 mistake in 1 file
    "#);
}

#[test]
fn what_is_no_yaml_is_told_with_its_place() {
    let told: Vec<String> = [
        "",
        "# a comment\n",
        "title: [\n",
        "title: a: b\n",
        "ask: [@db-oncall]\n",
        "x: {{ inputs.device }}\n",
        "a: 1\n---\nb: 2\n",
        "a: *b\n",
        "<<: { a: 1 }\n",
        "x: !!python/object 1\n",
        "- a\n",
        "text",
        "title: \"\u{7}\"\n",
    ]
    .iter()
    .map(|text| format!("{text:?}\n{}", messages(text)))
    .collect();
    insta::assert_snapshot!(told.join("\n\n"), @r##"
    ""
    0:0 is empty | begin with `nightlatch: 1` and a `title:`, as workflows/prod-db.yaml does

    "# a comment\n"
    0:0 is empty | begin with `nightlatch: 1` and a `title:`, as workflows/prod-db.yaml does

    "title: [\n"
    1:8 unclosed bracket '[' | -

    "title: a: b\n"
    1:9 a second `: ` on one line | put a text that holds `: ` in quotes, and check the indentation

    "ask: [@db-oncall]\n"
    1:7 a text that begins like this needs quotes | like "@db-oncall"

    "x: {{ inputs.device }}\n"
    1:5 this is a map where a word must be | put {{ }} in quotes: "{{ inputs.device }}"

    "a: 1\n---\nb: 2\n"
    2:1 a second document begins here | a file holds one document: take the `---` out

    "a: *b\n"
    1:4 there is nothing to refer to with * | put the text in quotes if it begins with *

    "<<: { a: 1 }\n"
    1:1 `<<` is not read here | write the keys out

    "x: !!python/object 1\n"
    1:20 unsupported tag `!!python/object` | -

    "- a\n"
    1:1 a workflow must be a map of `key: value` lines, not a list | -

    "text"
    1:1 a workflow must be a map of `key: value` lines, not a text | -

    "title: \"\u{7}\"\n"
    1:9 unexpected character: `\u{7}' | -
    "##);
}

#[test]
fn hostile_files_are_refused() {
    let bomb: String = std::iter::once("a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned())
        .chain((1..10).map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(", "))))
        .collect();
    let deep = format!("title: {}", "[".repeat(10_000));
    let deep_map = format!("title: {}", "{a: ".repeat(5_000));
    let many: String = (0..20_000).map(|n| format!("k{n}: 1\n")).collect();
    let wide = format!("title: [{}]", "a,".repeat(100_000));
    let unknown: String = (0..3_000).map(|n| format!("k{n}: 1\n")).collect();
    for text in [&bomb, &deep, &deep_map, &many, &wide, &unknown] {
        let report = read(text).unwrap_err();
        assert!(report.mistakes.len() <= 101, "{}", report.mistakes.len());
        assert!(report.to_string().len() < 50_000, "{}", report.to_string().len());
    }
    assert!(read(&unknown).unwrap_err().to_string().contains("not listed"));
    insta::assert_snapshot!(messages(&bomb), @"5:10 is larger or deeper than a file like this can be | write it out without anchors (&) and aliases (*)");
    insta::assert_snapshot!(messages(&deep), @"1:263 is deeper than a file like this can be | take out brackets");
}

#[test]
fn a_key_that_stands_twice_is_told_with_all_other_mistakes() {
    insta::assert_snapshot!(messages(&with("title: Production database", "title: A\ntitle: B\ntitel: C")), @"
    3:1 `title` stands twice | keep one
    4:1 unknown key `titel` | did you mean `title`?
    ");
}

#[test]
fn another_version_is_not_read_on() {
    insta::assert_snapshot!(messages("nightlatch: 2\nwhatever: 1\n"), @"1:13 version 2 of the format is not known here | this program reads `nightlatch: 1`");
}

#[test]
fn each_part_says_what_it_takes() {
    let long = "x".repeat(80);
    let told: Vec<String> = [
        with("title: Production database", &format!("title: {long}")),
        with("title: Production database", "title: 12"),
        with("title: Production database", "title: \"a\\nb\""),
        with("title: Production database", "title:"),
        with("title: Production database", "title: x\ncommand: deploy freeze"),
        with("title: Production database", "title: x\ncommand: /access"),
        with("title: Production database", "title: x\ncommand: /Deploy"),
        with("title: Production database", "title: x\nannounce: #access"),
        with("title: Production database", "title: x\nannounce: \"#Big Channel\""),
        with("max: 8h", "max: 60"),
        with("max: 8h", "max: 0s"),
        with("max: 8h", "max: 2y"),
        with("default: 1h, max: 8h", "default: 1h"),
        with("hold: {", "Hold: {"),
        with("  hold: { type: duration, default: 1h, max: 8h }\n", ""),
        with("reason: { type: text }", "other: { type: device }"),
        with("reason: { type: text }", "reason: { type: text, max_length: 5000, required: yes }"),
        with("reason: { type: text }", "reason: { max_length: 5 }"),
        with("ask: [group:engineering]", "ask: group:engineering"),
        with("ask: [group:engineering]", "ask: []"),
        with("ask: [group:engineering]", "ask: [{ group: engineering }, alice@example.com, Alice@example.com]"),
        with("  - by: [group:dba, \"@db-oncall\"]", "  by: [group:dba]"),
        with("  - by: [group:dba, \"@db-oncall\"]", "  - by: [group:dba]\n    all_of:\n      - { by: [group:cto] }"),
        with(
            "  - by: [group:dba, \"@db-oncall\"]",
            "  - all_of:\n      - { quorum: 2 }\n      - by: [group:cto]\n        denials: 2",
        ),
        with("  - by: [group:dba, \"@db-oncall\"]", "  - all_of: []\n  - { name: x }\n  - all_of: { by: [group:cto] }"),
        with("  - by: [group:dba, \"@db-oncall\"]", "  - by: [group:dba]\n    denials: 0\n    name: [a]"),
        with(
            "  - by: [group:dba, \"@db-oncall\"]",
            "  - { quorum: 20, by: [group:a] }\n  - { quorum: 20, by: [group:a] }\n  - { quorum: 20, by: [group:a] }",
        ),
        with("  - by: [group:dba, \"@db-oncall\"]", &"  - by: [group:dba]\n".repeat(11)),
        with("  - by: [group:dba, \"@db-oncall\"]", "  - quorum: 0\n    by: [group:dba]\n    own_request: nevr"),
    ]
    .iter()
    .map(|text| messages(text))
    .collect();
    insta::assert_snapshot!(told.join("\n"), @r##"
    2:8 `title` has 80 characters | Slack shows at most 75
    2:8 `title` must be a text, not a number | put it in quotes
    2:8 `title` must be one line | -
    2:6 `title` has no value | write title: Production database
    3:10 `command` must start with /, not `deploy freeze` | write command: /deploy-freeze
    3:10 `/access` is Nightlatch's own | choose another name, or leave `command` out
    3:10 `/Deploy` cannot be a slash command | lower-case letters, digits, - and _, like /deploy-freeze
    3:9 `announce` has no value | write "#access" in quotes (# starts a comment), or the channel's id
    3:11 `#Big Channel` is neither the name nor the id of a channel | write "#access" in quotes (# starts a comment), or the channel's id
    4:45 `max` needs a unit | write the unit: 60s, 60m or 60h
    4:45 `max` must be longer than zero | write it like 45s, 90m, 2h, 1h30m or 3d
    4:45 `max`: months and years have no fixed length; write days, like 30d | write it like 45s, 90m, 2h, 1h30m or 3d
    4:11 `max` is missing | write the most that can be asked for, like max: 8h
    4:3 `Hold` cannot be the name of an input | lower-case letters, digits and _, at most 32, like hold or ticket_id
    4:3 no input says for how long | add hold: { type: duration, default: 1h, max: 8h } to `inputs`
    6:3 a second input of type device | a workflow has one of this type
    5:37 `max_length` must be from 1 to 3000 | -
    5:53 `required` must be true or false, not a text | write true (without quotes)
    5:13 `type` is missing | write reason: { type: text }; types are duration, text, device, choice, person, number, flag, link
    7:6 `ask` must be a list | write a list: [group:engineering]
    7:6 `ask` names nobody | name somebody: [group:dba, "@db-oncall", bob@example.com]
    7:7 a group is written without a space | like group:dba
    7:50 `alice@example.com` stands twice in `ask` | -
    9:3 `approve` must be a list of stages | put a - before its first line
    9:9 `by` stands beside `all_of` | make it a clause of the list: all_of: with - { quorum: 2, by: [group:security] }
    10:11 `by` is missing | say who decides: by: [group:dba, "@db-oncall", bob@example.com]
    12:9 unknown key `denials` | a clause of `all_of` knows: quorum, by
    9:13 `all_of` is empty | -
    10:7 `by` is missing | say who decides: by: [group:dba, "@db-oncall", bob@example.com]
    11:13 `all_of` must be a list, not a map | write a list: [one, two]
    10:14 `denials` is 0, and nobody would have to say no | write 1, and one no ends the request, or leave it out
    11:11 `name` must be a text, not a list | brackets make a list: put the text in quotes
    9:3 `approve` takes 60 different people | at most 50, in all stages together
    19:5 `approve` has more than 10 stages | people have to get through all of them; put clauses into one stage with `all_of`
    9:13 `quorum` is 0, and nothing is lent that nobody approved | write 1; to let people approve for themselves, write own_request: allow
    11:18 `own_request` cannot be `nevr` | did you mean `never`?
    "##);
}

#[test]
fn the_files_text_decides_the_digest() {
    let digest = |text: &str| read(text).unwrap().digest;
    assert_eq!(digest(GOOD), digest(GOOD));
    assert_ne!(digest(GOOD), digest(&format!("{GOOD}# more\n")));
}
