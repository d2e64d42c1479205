//! What guardrails say, and which texts are none.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "these are tests")]

use std::collections::BTreeMap;

use nightlatch_kernel::guardrail::{Action, Counts, DeviceFacts, Facts, Local, Ruling};
use nightlatch_kernel::{Person, Standing, Who};

use super::*;

fn source(stem: &str, text: &str) -> SourceFile {
    SourceFile { path: format!("policies/{stem}.cedar"), stem: stem.to_owned(), text: text.to_owned() }
}

fn guardrails(text: &str) -> Guardrails {
    read(vec![source("rules", text)], Known { workflows: Some(&["prod-db", "prod-shell"]) }).unwrap()
}

/// Each mistake as people see it: where, what and what would be right.
fn mistakes(text: &str) -> Vec<String> {
    let read = read(vec![source("rules", text)], Known { workflows: Some(&["prod-db", "prod-shell"]) });
    let shown = |one: Mistake| {
        let at = one.at.map(|(at, length)| text.get(at..at + length).unwrap_or_default().to_owned());
        format!("{} / {} / {}", at.unwrap_or_default(), one.message, one.help.unwrap_or_default())
    };
    read.err().into_iter().flatten().map(shown).collect()
}

fn person(name: &str, groups: &[&str]) -> Person {
    Person {
        slack_id: format!("U{}", name.to_uppercase()),
        name: name.to_owned(),
        email: Some(format!("{name}@example.com")),
        login: Some(format!("{name}@example.com")),
        standing: Standing::Member,
        belongs: groups.iter().map(|group| Who::parse(group).unwrap()).collect(),
    }
}

fn facts(action: Action, who: Person) -> Facts {
    Facts {
        action,
        who,
        zone: "Europe/Berlin".to_owned(),
        requester: None,
        requester_zone: None,
        workflow: "prod-db".to_owned(),
        labels: vec!["production".to_owned()],
        reason: "INC-1204".to_owned(),
        hold_ms: 7_200_000,
        local: Local { hour: 14, weekday: "wed".to_owned() },
        counts: Counts { today: 1, this_week: 4 },
        device: None,
        stage: None,
    }
}

fn laptop() -> DeviceFacts {
    DeviceFacts {
        node_id: "n1CNTRL".to_owned(),
        name: "laptop".to_owned(),
        os: "macOS".to_owned(),
        online: true,
        tags: Vec::new(),
        attributes: BTreeMap::from([("custom:healthy".to_owned(), "true".to_owned())]),
    }
}

#[test]
fn what_is_built_in_is_sound_and_says_nothing_to_members() {
    let none = Guardrails::none().unwrap();
    assert_eq!(none.count(), 0);
    assert!(!Action::ALL.into_iter().any(|action| none.has_a_say(action)));
    for action in Action::ALL {
        let mut facts = facts(action, person("alice", &[]));
        facts.requester = Some(person("bob", &[]));
        assert_eq!(none.judge(&facts).ruling, Ruling::Silent, "{action:?}");
        facts.who.standing = Standing::Guest;
        assert_eq!(none.judge(&facts).by[0].id, "nightlatch-members-only");
    }
}

#[test]
fn four_eyes_are_built_in_where_the_workflow_says_so() {
    let none = Guardrails::none().unwrap();
    let mut own = facts(Action::Approve, person("alice", &[]));
    for (own_request, ruling) in [("never", Ruling::Forbidden), ("confirm", Ruling::Silent), ("allow", Ruling::Silent)]
    {
        own.stage = Some((1, own_request.to_owned()));
        assert_eq!(none.judge(&own).ruling, ruling, "{own_request}");
    }
    // Another account of the same human is the same human.
    own.stage = Some((1, "never".to_owned()));
    own.requester = Some(Person { slack_id: "UOTHER".to_owned(), ..person("alice", &[]) });
    assert_eq!(none.judge(&own).ruling, Ruling::Forbidden);
}

#[test]
fn a_forbid_says_no_by_group_hour_hold_workflow_label_and_count() {
    for (when, says_no) in [
        ("principal in Group::\"group:contractors\"", true),
        ("principal in Group::\"group:dba\"", false),
        ("principal == Person::\"alice@example.com\"", true),
        ("principal.zone == \"Europe/Berlin\"", true),
        ("context.local.hour < 8 || context.local.hour >= 18", false),
        ("[\"sat\", \"sun\"].contains(context.local.weekday)", false),
        ("context.hold > 3600", true),
        ("context.hold > 7200", false),
        ("resource == Workflow::\"prod-db\"", true),
        ("resource == Workflow::\"prod-shell\"", false),
        ("resource.labels.contains(\"production\")", true),
        ("context.counts.today >= 1 && context.counts.this_week < 5", true),
        ("!(context.reason like \"INC-*\")", false),
        ("context has device", false),
        ("context.requester == principal", true),
    ] {
        let set = guardrails(&format!(
            "@id(\"it\") @reason(\"so it is\") forbid (principal, action == Action::\"ask\", resource) when {{ {when} }};"
        ));
        let verdict = set.judge(&facts(Action::Ask, person("alice", &["group:contractors"])));
        assert_eq!(verdict.ruling == Ruling::Forbidden, says_no, "{when}: {verdict:?}");
        assert_eq!(verdict.no().map(|rule| (rule.id, rule.reason)), says_no.then(|| ("it".into(), "so it is".into())));
        let other = set.judge(&facts(Action::Revoke, person("alice", &["group:contractors"])));
        assert_eq!(other.ruling, Ruling::Silent, "another action is not its business");
    }
}

#[test]
fn posture_is_read_from_the_device() {
    let set = guardrails(
        "forbid (principal, action, resource) unless { context has device && context.device.hasTag(\"custom:healthy\") \
         && context.device.getTag(\"custom:healthy\") == \"true\" };",
    );
    assert!(set.looks_at_device(Action::Ask));
    let mut facts = facts(Action::Ask, person("alice", &[]));
    assert_eq!(set.judge(&facts).by[0].id, "rules", "called after its file");
    facts.device = Some(laptop());
    assert_eq!(set.judge(&facts).ruling, Ruling::Silent);
    facts.device = Some(DeviceFacts { attributes: BTreeMap::new(), ..laptop() });
    assert_eq!(set.judge(&facts).ruling, Ruling::Forbidden);
}

#[test]
fn a_permit_lets_pass_and_a_forbid_wins_over_it() {
    let permit = "@id(\"on-call\") permit (principal in Group::\"@db-oncall\", action == Action::\"approve_automatically\", \
                  resource);";
    let forbid = "@id(\"twice\") forbid (principal, action == Action::\"approve_automatically\", resource) when { \
                  context.counts.today >= 1 };";
    let on_call = || facts(Action::ApproveAutomatically, person("alice", &["@db-oncall"]));
    assert_eq!(guardrails(permit).judge(&on_call()).ruling, Ruling::Permitted);
    assert_eq!(guardrails(permit).judge(&on_call()).by[0].id, "on-call");
    let nobody = facts(Action::ApproveAutomatically, person("bob", &[]));
    assert_eq!(guardrails(permit).judge(&nobody).ruling, Ruling::Silent);
    let both = guardrails(&format!("{permit}\n{forbid}")).judge(&on_call());
    assert_eq!((both.ruling, both.by[0].id.as_str(), both.by.len()), (Ruling::Forbidden, "twice", 1));
}

#[test]
fn what_fails_to_evaluate_is_a_no() {
    let overflow = "@id(\"sum\") @reason(\"too much at once\") forbid (principal, action, resource) when { context.hold * \
                    9223372036854775807 > 5 };";
    let verdict = guardrails(overflow).judge(&facts(Action::Ask, person("alice", &[])));
    assert_eq!((verdict.ruling, verdict.by[0].id.as_str()), (Ruling::Broken, "sum"));
    let permit = "permit (principal, action == Action::\"approve_automatically\", resource);";
    let with_permit = guardrails(&format!("{overflow}{permit}"));
    let verdict = with_permit.judge(&facts(Action::ApproveAutomatically, person("alice", &[])));
    assert_eq!(verdict.ruling, Ruling::Broken, "no permit passes what could not be worked out");
}

#[test]
fn hostile_names_stay_names() {
    let set = guardrails("forbid (principal == Person::\"alice@example.com\", action, resource);");
    let mut facts = facts(Action::Ask, person("mallory", &[]));
    facts.who.login = Some("x\" || true || \"@example.com".to_owned());
    facts.reason = "\" } permit (principal, action, resource); //".to_owned();
    facts.workflow = "a\\\"b".to_owned();
    assert_eq!(set.judge(&facts).ruling, Ruling::Silent);
    facts.who.login = Some("ALICE@example.com".to_owned());
    assert_eq!(set.judge(&facts).ruling, Ruling::Forbidden, "capital letters make nobody somebody else");
}

#[test]
fn the_groups_that_must_be_known_are_named() {
    let set = guardrails(
        "forbid (principal in Group::\"@db-oncall\", action, resource) when { context.requester in \
         [Group::\"group:dba\", Group::\"autogroup:admin\", Group::\"@db-oncall\"] };",
    );
    let names: Vec<String> = set.groups().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["group:dba", "autogroup:admin", "@db-oncall"]);
}

#[test]
fn the_same_text_decides_the_same_again() {
    let set = guardrails("@id(\"a\") forbid (principal, action, resource) when { context.hold > 1 };");
    let again = Guardrails::again(set.text()).unwrap();
    let facts = facts(Action::Ask, person("alice", &[]));
    assert_eq!(again.judge(&facts), set.judge(&facts));
    assert_eq!(again.text(), set.text());
    assert!(Guardrails::again("[[\"a\", \"forbid\"]]").is_err());
}

#[test]
fn mistakes_have_a_place_and_say_what_would_be_right() {
    let told: Vec<String> = [
        "forbid (principal, action == Action::\"approv\", resource) when { context.hold > 1 };",
        "forbid (principal, action == Action::\"ask\", resource) when { context.hols > 1 };",
        "forbid (principal, action == Action::\"ask\", resource) when { context.stage > 1 };",
        "forbid (principal, action == Action::\"ask\", resource) when { context.device.os == \"macOS\" };",
        "forbid (principal in Group::\"dba\", action, resource);",
        "forbid (principal == Person::\"Alice@example.com\", action, resource);",
        "forbid (principal, action, resource == Workflow::\"prod-bd\");",
        "permit (principal, action == Action::\"approve\", resource);",
        "permit (principal, action, resource);",
        "forbid (principal, action, resource);",
        "forbid (principal == ?principal, action, resource);",
        "forbid (principal, action, resource) when { principal.zone > 1 };",
        "forbid (principal, action, resource) when { false };",
        "forbid (principal, action, resource) when { context.hold > }",
    ]
    .iter()
    .map(|text| format!("{text}\n   {}", mistakes(text).join("\n   ")))
    .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    forbid (principal, action == Action::"approv", resource) when { context.hold > 1 };
       Action::"approv" / unrecognized action `Action::"approv"` / did you mean `Action::"approve"`?
    forbid (principal, action == Action::"ask", resource) when { context.hols > 1 };
       context.hols / attribute `hols` in context for Action::"ask" not found / did you mean `hold`?
    forbid (principal, action == Action::"ask", resource) when { context.stage > 1 };
       context.stage / attribute `stage` in context for Action::"ask" not found / did you mean `device`?
    forbid (principal, action == Action::"ask", resource) when { context.device.os == "macOS" };
       context.device.os / unable to guarantee safety of access to optional attribute `device` in context for Action::"ask" / try testing for the attribute's presence with `context has device && ..`
    forbid (principal in Group::"dba", action, resource);
       Group::"dba" / `dba` is no group / write `Group::"group:dba"` of the tailnet or `Group::"@dba"` of Slack
    forbid (principal == Person::"Alice@example.com", action, resource);
       Person::"Alice@example.com" / `Alice@example.com` is nobody: people are known in lower case / write `Person::"alice@example.com"`
    forbid (principal, action, resource == Workflow::"prod-bd");
       Workflow::"prod-bd" / there is no workflow `prod-bd` / did you mean `Workflow::"prod-db"`?
    permit (principal, action == Action::"approve", resource);
       permit (principal, action == Action::"approve", resource); / `rules` permits more than that something passes without anybody / who may ask and approve stands in workflows; a `permit` is for `action == Action::"approve_automatically"` alone, and everything else is a `forbid`
    permit (principal, action, resource);
       permit (principal, action, resource); / `rules` permits more than that something passes without anybody / who may ask and approve stands in workflows; a `permit` is for `action == Action::"approve_automatically"` alone, and everything else is a `forbid`
    forbid (principal, action, resource);
       forbid (principal, action, resource); / `rules` forbids everything to everybody / name an action, a workflow or a condition
    forbid (principal == ?principal, action, resource);
       forbid (principal == ?principal, action, resource); / is a template: `?principal` and `?resource` are filled by nobody / write `principal` and `resource`
    forbid (principal, action, resource) when { principal.zone > 1 };
       principal.zone / unexpected type: expected Long but saw String / 
    forbid (principal, action, resource) when { false };
       forbid (principal, action, resource) when { false }; / `rules` can never apply / what it asks for is never so: look at its action and its conditions
    forbid (principal, action, resource) when { context.hold > }
        / unexpected end of input / expected `;` or identifier
       } / unexpected token `}` / expected `!`, `(`, `-`, `[`, `{`, `false`, identifier, `if`, number, `?principal`, `?resource`, string literal, or `true`
    "#);
}

#[test]
fn two_of_one_name_are_none() {
    let one = "@id(\"x\") forbid (principal, action, resource) when { context.hold > 1 };";
    let read = read(vec![source("a", one), source("b", one)], Known::default());
    let mistakes = read.err().unwrap();
    assert_eq!(mistakes.len(), 1);
    assert_eq!(mistakes[0].message, "there is another guardrail with the id `x`, in policies/a.cedar");
    assert_eq!(mistakes[0].path, "policies/b.cedar");
}

#[test]
fn what_is_too_large_or_too_deep_is_refused_and_ends_nothing() {
    let large = format!("// {}", "x".repeat(FILE_MAX_BYTES));
    assert_eq!(mistakes(&large), [" / is larger than 64 kB / split it into several files"]);
    let deep = format!("forbid (principal, action, resource) when {{ {}true{} }};", "(".repeat(200), ")".repeat(200));
    assert_eq!(mistakes(&deep), ["( / has too many brackets within brackets / write it as several guardrails"]);
    // What is long and not too long is judged.
    let chain = vec!["context.hold > 1"; 249].join(" || ");
    let set = guardrails(&format!("forbid (principal, action, resource) when {{ {chain} }};"));
    assert!(set.judge(&facts(Action::Ask, person("alice", &[]))).no().is_some());
}

#[test]
fn a_chain_of_operators_as_long_as_a_file_ends_nothing() {
    for (one, by) in [("true", "||"), ("true", "&&"), ("1", "+"), ("if true then 1", " else ")] {
        let count = (FILE_MAX_BYTES - 200) / (one.len() + by.len());
        let chain = vec![one; count].join(by);
        let end = if one == "true" { "" } else { " > 1" };
        let text = format!("forbid (principal, action, resource) when {{ context.hold > 1 && ({chain}{end}) }};");
        let told = mistakes(&text);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("operators"), "{told:?}");
    }
}
