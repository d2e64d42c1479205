//! Who may and why, and what a change does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "these are tests")]

use std::collections::BTreeMap;
use std::sync::Arc;

use insta::assert_snapshot;
use nightlatch_guardrails::SourceFile;

use super::impact::{Rules, impact};
use super::snapshot::{Snapshot, VERSION};
use super::*;
use crate::kernel::automatic::Automatic;
use crate::kernel::guardrail::DeviceFacts;
use crate::kernel::staff::Employed;
use crate::kernel::workflow::{Clause, Input, InputKind, StepUse};

/// Wednesday 2026-03-04 20:00 UTC.
const AT: i64 = 1_772_654_400_000;
const HOUR: i64 = 3_600_000;

fn whos(names: &[&str]) -> Vec<Who> {
    names.iter().map(|name| Who::parse(name).unwrap()).collect()
}

fn workflow() -> Workflow {
    let second = Stage {
        clauses: vec![
            Clause { quorum: 2, by: whos(&["group:security"]) },
            Clause { quorum: 1, by: whos(&["carol@example.com"]) },
        ],
        ..Stage::of(1, whos(&["group:security"]), OwnRequest::Never)
    };
    Workflow {
        name: "prod-db".to_owned(),
        title: "Production database".to_owned(),
        inputs: vec![Input::plain("hold", "Hold", InputKind::Duration { default_ms: HOUR, max_ms: 8 * HOUR })],
        ask: whos(&["group:engineering"]),
        approve: vec![Stage::of(1, whos(&["group:dba", "@db-oncall"]), OwnRequest::Never), second],
        approve_automatically: vec![Automatic {
            who: whos(&["@db-oncall"]),
            max_hold_ms: Some(2 * HOUR),
            ..Automatic::default()
        }],
        steps: vec![StepUse { uses: "tailscale.attribute".to_owned(), ..StepUse::default() }],
        labels: vec!["production".to_owned()],
        ..Workflow::default()
    }
}

/// Carol is the manager of two.
fn staff() -> Staff {
    let employed = || Employed { manager: Some("carol@example.com".to_owned()), zone: None };
    let people = ["alice@example.com", "bob@example.com"].map(|name| (name.to_owned(), employed()));
    Staff::new(people.into_iter().collect())
}

fn known(name: &str, groups: &[&str]) -> Known {
    Known {
        person: Person {
            slack_id: format!("U{}", name.to_uppercase()),
            name: name.to_owned(),
            email: Some(format!("{name}@example.com")),
            login: Some(format!("{name}@example.com")),
            standing: Standing::Member,
            belongs: whos(groups),
        },
        zone: Some("Europe/Berlin".to_owned()),
        device: None,
        unread: Vec::new(),
    }
}

fn guardrails(text: &str) -> Guardrails {
    let file = SourceFile { path: "g.cedar".to_owned(), stem: "g".to_owned(), text: text.to_owned() };
    nightlatch_guardrails::read(vec![file], nightlatch_guardrails::Known::default()).unwrap()
}

const NIGHT: &str = r#"
    @id("office-hours") @reason("production is lent in office hours")
    forbid (principal, action == Action::"ask", resource) when { context.local.hour >= 20 };
    @id("contractors") @reason("contractors do not approve")
    forbid (principal in Group::"group:contractors", action == Action::"approve", resource);
"#;

fn told(known: &Known, guardrails: Option<&Guardrails>, hold_ms: Option<i64>) -> String {
    explain(Under { workflow: &workflow(), guardrails, staff: &staff() }, known, When { hold_ms, at: AT }).to_string()
}

#[test]
fn every_answer_names_the_rule_that_decides_and_those_against_it() {
    assert_snapshot!(told(&known("dave", &["group:engineering"]), None, None), @"
    asks: yes, in group:engineering (`ask`)
    passes by itself: no, nothing lets it pass, so people decide
    approval stage 1: takes 1 of group:dba or @db-oncall
    approves stage 1 for others: no, it takes group:dba or @db-oncall
    approval stage 2: takes 2 of group:security, and 1 of carol@example.com
    approves stage 2 for others: no, it takes group:security or carol@example.com
    ");
    assert_snapshot!(told(&known("erin", &["group:engineering", "@db-oncall"]), None, Some(3 * HOUR)), @"
    asks: yes, in group:engineering (`ask`)
    passes by itself: no, nothing lets it pass, so people decide
      against it: 3h is longer than 2h
    approval stage 1: takes 1 of group:dba or @db-oncall
    approves stage 1 for others: yes, in @db-oncall
    approval stage 2: takes 2 of group:security, and 1 of carol@example.com
    approves stage 2 for others: no, it takes group:security or carol@example.com
    ");
    assert_snapshot!(told(&known("erin", &["group:engineering", "@db-oncall"]), None, Some(HOUR)), @"
    asks: yes, in group:engineering (`ask`)
    passes by itself: yes, @db-oncall, for at most 2h
    approval stage 1: takes 1 of group:dba or @db-oncall
    approves stage 1 for others: yes, in @db-oncall
    approval stage 2: takes 2 of group:security, and 1 of carol@example.com
    approves stage 2 for others: no, it takes group:security or carol@example.com
    ");
    assert_snapshot!(told(&known("frank", &["group:security"]), None, None), @"
    asks: no, it takes group:engineering (`ask`)
    approval stage 1: takes 1 of group:dba or @db-oncall
    approves stage 1 for others: no, it takes group:dba or @db-oncall
    approval stage 2: takes 2 of group:security, and 1 of carol@example.com
    approves stage 2 for others: yes, in group:security
    ");
    let night = guardrails(NIGHT);
    assert_snapshot!(told(&known("bob", &["group:engineering", "group:dba", "group:contractors"]), Some(&night), None), @"
    asks: no, a guardrail does not allow it, office-hours: production is lent in office hours
    approval stage 1: takes 1 of group:dba or @db-oncall
    approves stage 1 for others: no, a guardrail does not allow it, contractors: contractors do not approve
    approval stage 2: takes 2 of group:security, and 1 of carol@example.com
    approves stage 2 for others: no, it takes group:security or carol@example.com
    ");
}

#[test]
fn what_could_not_be_read_is_said_and_lets_nobody_in() {
    let mut grace = known("grace", &[]);
    grace.unread = whos(&["group:engineering", "@db-oncall"]);
    assert_snapshot!(told(&grace, None, None), @"
    asks: no, it takes group:engineering (`ask`)
      against it: who belongs to group:engineering could not be read
    approval stage 1: takes 1 of group:dba or @db-oncall
    approves stage 1 for others: no, it takes group:dba or @db-oncall
      against it: who belongs to @db-oncall could not be read
    approval stage 2: takes 2 of group:security, and 1 of carol@example.com
    approves stage 2 for others: no, it takes group:security or carol@example.com
    ");
    grace.person.standing = Standing::Guest;
    assert!(told(&grace, None, None).starts_with("asks: no, guests neither ask nor decide"));
}

#[test]
fn the_zone_of_the_person_decides_what_night_is() {
    let night = guardrails(NIGHT);
    let mut dave = known("dave", &["group:engineering"]);
    assert!(told(&dave, Some(&night), None).starts_with("asks: no, a guardrail does not allow it, office-hours"));
    dave.zone = Some("America/New_York".to_owned());
    assert!(told(&dave, Some(&night), None).starts_with("asks: yes"));
}

#[test]
fn a_device_is_looked_at_as_it_was() {
    let healthy = guardrails(
        "forbid (principal, action == Action::\"ask\", resource) unless { context has device && context.device.hasTag(\"custom:ok\") };",
    );
    let mut dave = known("dave", &["group:engineering"]);
    assert!(told(&dave, Some(&healthy), None).starts_with("asks: no"));
    let facts = DeviceFacts {
        node_id: "n1".to_owned(),
        name: "laptop".to_owned(),
        os: "linux".to_owned(),
        online: true,
        tags: Vec::new(),
        attributes: BTreeMap::from([("custom:ok".to_owned(), "true".to_owned())]),
    };
    dave.device = Some(snapshot::KnownDevice { facts, postures: BTreeMap::new() });
    assert!(told(&dave, Some(&healthy), None).starts_with("asks: yes"));
}

fn rules(change: impl FnOnce(&mut Workflow), guardrails: Option<Guardrails>) -> Rules {
    let mut workflow = workflow();
    change(&mut workflow);
    Rules {
        workflows: BTreeMap::from([(workflow.name.clone(), Arc::new(workflow))]),
        guardrails,
        staff: Arc::default(),
    }
}

#[test]
fn a_change_tells_who_gains_and_who_loses_what_and_by_which_rule() {
    let people = (0..8).map(|number| known(&format!("dev{number}"), &["group:engineering"]));
    let people = people.chain([known("erin", &["group:engineering", "@db-oncall"]), known("bob", &["group:dba"])]);
    let snapshot = Snapshot { nightlatch_snapshot: VERSION, at: AT, rules: Vec::new(), people: people.collect() };
    let changes = |old: &Rules, new: &Rules| {
        impact(old, new, &snapshot, AT).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let old = rules(|_| {}, None);
    assert_eq!(changes(&old, &old), "");
    let narrower = rules(|workflow| workflow.ask = whos(&["group:dba"]), None);
    assert_snapshot!(changes(&old, &narrower), @"
    prod-db: 9 people (dev0@example.com, dev1@example.com, dev2@example.com, dev3@example.com, dev4@example.com, ...) can no longer ask for: it takes group:dba (`ask`)
    prod-db: bob@example.com can now ask for: in group:dba (`ask`)
    prod-db: erin@example.com can no longer have without approval: nothing passes by itself
    ");
    assert_snapshot!(changes(&old, &rules(|workflow| workflow.approve_automatically.clear(), None)), @"prod-db: erin@example.com can no longer have without approval: nothing passes by itself");
    assert_snapshot!(changes(&old, &rules(|_| {}, Some(guardrails(NIGHT)))), @"
    prod-db: 9 people (dev0@example.com, dev1@example.com, dev2@example.com, dev3@example.com, dev4@example.com, ...) can no longer ask for: a guardrail does not allow it, office-hours: production is lent in office hours
    prod-db: erin@example.com can no longer have without approval: nothing passes by itself
    ");
    assert_snapshot!(changes(&old, &Rules::default()), @"
    prod-db: 9 people (dev0@example.com, dev1@example.com, dev2@example.com, dev3@example.com, dev4@example.com, ...) can no longer ask for: there is no such workflow
    prod-db: erin@example.com can no longer have without approval: there is no such workflow
    prod-db: 2 people (erin@example.com, bob@example.com) can no longer approve: there is no such workflow
    ");
    let names = guardrails(
        "@id(\"dev3\") forbid (principal == Person::\"dev3@example.com\", action == Action::\"ask\", resource);",
    );
    assert_snapshot!(changes(&old, &rules(|_| {}, Some(names))), @"prod-db: dev3@example.com can no longer ask for: a guardrail does not allow it, dev3");
}

#[test]
fn a_manager_decides_for_their_own_people_and_a_new_manager_is_a_change() {
    let with_manager = |workflow: &mut Workflow| {
        workflow.approve = vec![Stage::of(1, whos(&["requester.manager"]), OwnRequest::Never)];
    };
    let people = vec![known("alice", &["group:engineering"]), known("carol", &[]), known("dave", &[])];
    let snapshot = Snapshot { nightlatch_snapshot: VERSION, at: AT, rules: Vec::new(), people };
    let managed_by = |manager: &str| {
        let employed = Employed { manager: Some(format!("{manager}@example.com")), zone: None };
        let staff = Staff::new(BTreeMap::from([("alice@example.com".to_owned(), employed)]));
        Rules { staff: Arc::new(staff), ..rules(with_manager, None) }
    };
    let changes: Vec<String> =
        impact(&managed_by("carol"), &managed_by("dave"), &snapshot, AT).iter().map(ToString::to_string).collect();
    assert_snapshot!(changes.join("\n"), @"
    prod-db: carol@example.com can no longer approve: it takes requester.manager
    prod-db: dave@example.com can now approve: requester.manager of alice@example.com
    ");
    let mut workflow = workflow();
    with_manager(&mut workflow);
    let told = |name| {
        let under = Under { workflow: &workflow, guardrails: None, staff: &staff() };
        explain(under, &known(name, &[]), When { hold_ms: None, at: AT }).to_string()
    };
    assert_snapshot!(told("carol"), @"
    asks: no, it takes group:engineering (`ask`)
    approval: takes 1 of requester.manager
    approves for others: yes, requester.manager of alice@example.com, bob@example.com
    ");
    assert_snapshot!(told("dave"), @"
    asks: no, it takes group:engineering (`ask`)
    approval: takes 1 of requester.manager
    approves for others: no, it takes requester.manager
    ");
}

#[test]
fn a_snapshot_reads_back_and_one_of_another_version_is_refused() {
    let snapshot = Snapshot {
        nightlatch_snapshot: VERSION,
        at: AT,
        rules: whos(&["group:dba"]),
        people: vec![known("bob", &["group:dba"])],
    };
    let text = serde_json::to_string(&snapshot).unwrap();
    assert_eq!(Snapshot::read(&text), Ok(snapshot.clone()));
    for name in ["BOB@example.com", "UBOB"] {
        assert!(snapshot.find(name).is_some(), "{name}");
    }
    assert!(snapshot.find("bo").is_none());
    let later = text.replace("\"nightlatch_snapshot\":1", "\"nightlatch_snapshot\":2");
    assert_eq!(Snapshot::read(&later).unwrap_err(), "it is a snapshot of version 2, and this program reads version 1");
}

#[test]
fn who_decides_on_extensions_and_who_asks_for_others_is_explained_and_a_change_of_it_told() {
    let with = |by: &str| {
        let stages = vec![Stage::of(1, whos(&[by]), OwnRequest::Never)];
        let extend = Extend { times: 2, max_ms: HOUR, approve: ExtendApproval::Stages, stages };
        Workflow { extend: Some(extend), ask_for: whos(&["group:dba"]), ..workflow() }
    };
    let (before, now) = (with("group:dba"), with("group:security"));
    let bob = known("bob", &["group:engineering", "group:dba"]);
    let staff = Staff::default();
    let under = Under { workflow: &before, guardrails: None, staff: &staff };
    assert_snapshot!(explain(under, &bob, When { hold_ms: None, at: AT }), @"
    asks: yes, in group:engineering (`ask`)
    passes by itself: no, nothing lets it pass, so people decide
    asks for others: yes, in group:dba (`ask_for`)
    approval stage 1: takes 1 of group:dba or @db-oncall
    approves stage 1 for others: yes, in group:dba
    approval stage 2: takes 2 of group:security, and 1 of carol@example.com
    approves stage 2 for others: no, it takes group:security or carol@example.com
    held for longer: 2 times, by 1h at most, approved by 1 of group:dba
    approves extensions: yes, in group:dba
    ");
    let again = Workflow {
        extend: Some(Extend { times: 1, max_ms: HOUR, approve: ExtendApproval::Again, stages: Vec::new() }),
        ..workflow()
    };
    let told = explain(Under { workflow: &again, ..under }, &bob, When { hold_ms: None, at: AT });
    assert_snapshot!(told.extending.unwrap(), @"once, by 1h at most, approved once more by those who approve it");
    let rules = |workflow: &Workflow| Rules {
        workflows: [("prod-db".to_owned(), Arc::new(workflow.clone()))].into_iter().collect(),
        ..Rules::default()
    };
    let people = vec![bob, known("erin", &["group:security"])];
    let snapshot = Snapshot { nightlatch_snapshot: VERSION, at: AT, rules: Vec::new(), people };
    let lines = |old: &Workflow, new: &Workflow| {
        impact(&rules(old), &rules(new), &snapshot, AT).iter().map(|one| format!("{one}\n")).collect::<String>()
    };
    assert_snapshot!(lines(&before, &now), @"
    prod-db: bob@example.com can no longer approve extensions: it takes group:security
    prod-db: erin@example.com can now approve extensions: in group:security
    ");
    assert_eq!(lines(&before, &before), "");
    assert_snapshot!(lines(&workflow(), &before), @"
    prod-db: bob@example.com can now approve extensions: in group:dba
    prod-db: bob@example.com can now ask for somebody else: in group:dba (`ask_for`)
    ");
}
