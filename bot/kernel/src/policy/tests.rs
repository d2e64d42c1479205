//! Who may do what, as tables: every standing, every button, every relation to the request.

use std::collections::BTreeMap;

use super::*;
use crate::condition::Condition;
use crate::workflow::{Input, InputKind, StepUse};
use crate::{Ask, Moment, RequestId, StepType};

const STANDINGS: [Standing; 6] =
    [Standing::Member, Standing::Guest, Standing::Outsider, Standing::Bot, Standing::Deactivated, Standing::Unknown];

const TYPES: &[StepType] = &[StepType::plain("test.thing", |_| Ok("a".to_owned()))];

fn group(name: &str) -> Who {
    Who::TailnetGroup(format!("group:{name}"))
}

fn person(name: &str, belongs: &[Who]) -> Person {
    Person {
        slack_id: format!("U{}", name.to_uppercase()),
        name: name.to_owned(),
        email: Some(format!("{name}@example.com")),
        login: None,
        standing: Standing::Member,
        belongs: belongs.to_vec(),
    }
}

fn workflow(own_request: OwnRequest) -> Workflow {
    let hold = InputKind::Duration { default_ms: 1, max_ms: 1_000 };
    Workflow {
        name: "w".to_owned(),
        title: "W".to_owned(),
        description: String::new(),
        command: None,
        inputs: vec![Input::plain("hold", "Hold", hold)],
        ask: vec![group("engineering"), Who::Email("eve@example.com".to_owned())],
        approve: vec![Stage::of(1, vec![group("dba"), Who::SlackGroup("oncall".to_owned())], own_request)],
        lapse_after_ms: 1_000,
        steps: vec![StepUse {
            uses: "test.thing".to_owned(),
            name: None,
            when: Condition::default(),
            with: serde_json::Map::new(),
        }],
        announce: None,
        triggers: Vec::new(),
        digest: String::new(),
        ..Workflow::default()
    }
}

fn request(own_request: OwnRequest, requester: Person) -> Request {
    let ask = Ask {
        id: RequestId("r".to_owned()),
        workflow: workflow(own_request).into(),
        requester,
        inputs: BTreeMap::new(),
        hold_ms: 1,
        reason: String::new(),
        device: None,
        seal: String::new(),
        channel: None,
        origin: crate::origin::Origin::Typed,
        may_be_permitted: false,
        judged: None,
        breaks_glass: false,
        active: None,
        asker: None,
        judged_asker: None,
    };
    Request::ask(ask, Moment { now: 0, jitter: 0.0, types: TYPES }).unwrap().request
}

fn said(answer: Result<Option<Who>, Refusal>) -> String {
    match answer {
        Ok(Some(rule)) => format!("yes, by {rule}"),
        Ok(None) => "yes".to_owned(),
        Err(why) => format!("no, {why}"),
    }
}

/// Lines of `label: answer`; labels with the same answer share one.
fn table(rows: Vec<(String, String)>) -> String {
    let mut lines: Vec<(String, Vec<String>)> = Vec::new();
    for (label, answer) in rows {
        match lines.iter_mut().find(|(known, _)| *known == answer) {
            Some((_, labels)) => labels.push(label),
            None => lines.push((answer, vec![label])),
        }
    }
    let lines: Vec<String> =
        lines.into_iter().map(|(answer, labels)| format!("{answer}: {}", labels.join("; "))).collect();
    lines.join("\n")
}

#[test]
fn only_members_of_the_named_groups_may_ask_and_the_first_rule_that_fits_is_named() {
    let workflow = workflow(OwnRequest::Never);
    let eve = Who::Email("eve@example.com".to_owned());
    let mut rows = Vec::new();
    for belongs in
        [vec![], vec![group("dba")], vec![group("engineering")], vec![eve.clone()], vec![eve, group("engineering")]]
    {
        let names: Vec<String> = belongs.iter().map(ToString::to_string).collect();
        let answer = may_ask(&workflow, &person("eve", &belongs)).map(|rule| Some(rule.clone()));
        rows.push((format!("in [{}]", names.join(" ")), said(answer)));
    }
    for standing in STANDINGS {
        let person = Person { standing, ..person("eve", &[group("engineering")]) };
        rows.push((format!("{standing:?}"), said(may_ask(&workflow, &person).map(|rule| Some(rule.clone())))));
    }
    insta::assert_snapshot!(table(rows), @r"
    no, not among those who may ask: in []; in [group:dba]
    yes, by group:engineering: in [group:engineering]; in [eve@example.com group:engineering]; Member
    yes, by eve@example.com: in [eve@example.com]
    no, standing is Guest: Guest
    no, standing is Outsider: Outsider
    no, standing is Bot: Bot
    no, standing is Deactivated: Deactivated
    no, standing is Unknown: Unknown
    ");
}

#[test]
fn only_members_of_the_named_groups_may_decide() {
    let request = request(OwnRequest::Never, person("alice", &[group("engineering")]));
    let oncall = Who::SlackGroup("oncall".to_owned());
    let mut rows = Vec::new();
    for belongs in
        [vec![], vec![group("engineering")], vec![group("dba")], vec![oncall.clone()], vec![oncall, group("dba")]]
    {
        let names: Vec<String> = belongs.iter().map(ToString::to_string).collect();
        let answer = may_decide(&request, &person("eve", &belongs)).map(|rule| Some(rule.clone()));
        rows.push((format!("in [{}]", names.join(" ")), said(answer)));
    }
    for standing in STANDINGS {
        let person = Person { standing, ..person("eve", &[group("dba")]) };
        rows.push((format!("{standing:?}"), said(may_decide(&request, &person).map(|rule| Some(rule.clone())))));
    }
    insta::assert_snapshot!(table(rows), @r"
    no, not an approver: in []; in [group:engineering]
    yes, by group:dba: in [group:dba]; in [@oncall group:dba]; Member
    yes, by @oncall: in [@oncall]
    no, standing is Guest: Guest
    no, standing is Outsider: Outsider
    no, standing is Bot: Bot
    no, standing is Deactivated: Deactivated
    no, standing is Unknown: Unknown
    ");
}

fn buttons() -> [(&'static str, Button); 7] {
    [
        ("approve", Button::Approve { confirmed: false, hold_ms: None }),
        ("approve, confirmed", Button::Approve { confirmed: true, hold_ms: None }),
        ("deny", Button::Deny { reason: String::new() }),
        ("withdraw", Button::Withdraw),
        ("return", Button::Return),
        ("revoke", Button::Revoke { reason: String::new() }),
        ("retry", Button::Retry),
    ]
}

fn presses(own_request: OwnRequest, by: &Person, requester: Person) -> String {
    let request = request(own_request, requester);
    table(buttons().map(|(name, button)| (name.to_owned(), said(may_press(&request, by, &button)))).to_vec())
}

#[test]
fn somebody_elses_request_is_for_approvers() {
    let alice = person("alice", &[group("engineering")]);
    insta::assert_snapshot!(presses(OwnRequest::Never, &person("bob", &[group("dba")]), alice.clone()), @r"
    yes, by group:dba: approve; approve, confirmed; deny; revoke; retry
    no, not yours: withdraw; return
    ");
    insta::assert_snapshot!(presses(OwnRequest::Allow, &person("dave", &[group("engineering")]), alice), @r"
    no, not an approver: approve; approve, confirmed; deny; revoke; retry
    no, not yours: withdraw; return
    ");
}

#[test]
fn ones_own_request_is_decided_as_the_workflow_says() {
    let alice = person("alice", &[group("engineering"), group("dba")]);
    insta::assert_snapshot!(presses(OwnRequest::Never, &alice, alice.clone()), @"
    no, own request: approve; approve, confirmed
    no, own request, to be withdrawn: deny
    yes: withdraw; return; revoke; retry
    ");
    insta::assert_snapshot!(presses(OwnRequest::Confirm, &alice, alice.clone()), @r"
    no, own request, not confirmed: approve
    yes, by group:dba: approve, confirmed; deny
    yes: withdraw; return; revoke; retry
    ");
    insta::assert_snapshot!(presses(OwnRequest::Allow, &alice, alice.clone()), @r"
    yes, by group:dba: approve; approve, confirmed; deny
    yes: withdraw; return; revoke; retry
    ");
    let no_approver = person("alice", &[group("engineering")]);
    insta::assert_snapshot!(presses(OwnRequest::Allow, &no_approver, no_approver.clone()), @r"
    no, not an approver: approve; approve, confirmed; deny
    yes: withdraw; return; revoke; retry
    ");
}

#[test]
fn nobody_but_members_presses_anything_not_even_on_their_own_request() {
    let alice = person("alice", &[group("engineering"), group("dba")]);
    for standing in STANDINGS.into_iter().skip(1) {
        let now = Person { standing, ..alice.clone() };
        for (name, button) in buttons() {
            let answer = may_press(&request(OwnRequest::Allow, alice.clone()), &now, &button);
            assert_eq!(answer, Err(Refusal::Standing { standing }), "{name} by {standing:?}");
        }
    }
}

#[test]
fn a_workflow_without_a_stage_lets_nobody_decide() {
    let mut request = request(OwnRequest::Allow, person("alice", &[group("engineering")]));
    request.ask.workflow.approve.clear();
    let everywhere = person("bob", &[group("dba"), group("engineering")]);
    assert_eq!(may_decide(&request, &everywhere), Err(Refusal::NotAnApprover { by: vec![] }));
}
