//! What can be asked for at all.

use super::people::{HOLD_MS, alice, ask, bob, guest, workflow};
use super::story::{START, Story, moment};
use super::words::refusal_word;
use crate::{Ask, Person, Request, State, Workflow};

fn refused(ask: Ask) -> String {
    match Request::ask(ask, moment(START)) {
        Ok(_) => "accepted".to_owned(),
        Err(why) => refusal_word(&why),
    }
}

fn asked_by(person: Person) -> Ask {
    Ask { requester: person, ..ask(workflow()) }
}

fn held_for(hold_ms: i64) -> Ask {
    Ask { hold_ms, ..ask(workflow()) }
}

#[test]
fn what_cannot_be_granted_cannot_be_asked_for() {
    let nobody_decides = |change: fn(&mut Workflow)| {
        let mut workflow = workflow();
        change(&mut workflow);
        ask(workflow)
    };
    let table = [
        ("as it should be", ask(workflow())),
        ("by somebody who may not ask", asked_by(bob())),
        ("by a guest", asked_by(guest(alice()))),
        ("for the most there is", held_for(4 * HOLD_MS)),
        ("for more", held_for(4 * HOLD_MS + 1)),
        ("for no time", held_for(0)),
        ("for less than no time", held_for(i64::MIN)),
        ("under a workflow without a duration", nobody_decides(|workflow| workflow.inputs.clear())),
        ("for nothing", nobody_decides(|workflow| workflow.steps.clear())),
        ("with no stage of approval", nobody_decides(|workflow| workflow.approve.clear())),
        (
            "with nobody to approve",
            nobody_decides(|workflow| workflow.approve.iter_mut().for_each(|one| one.clauses[0].by.clear())),
        ),
        ("with a stage of no clause", nobody_decides(|workflow| workflow.approve[0].clauses.clear())),
        ("with two stages", nobody_decides(|workflow| workflow.approve.extend_from_within(..))),
        (
            "with a second stage of nobody",
            nobody_decides(|workflow| {
                workflow.approve.extend_from_within(..);
                workflow.approve[1].clauses[0].by.clear();
            }),
        ),
    ];
    let lines: Vec<String> = table.into_iter().map(|(label, ask)| format!("{label}: {}", refused(ask))).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    as it should be: accepted
    by somebody who may not ask: not among those who may ask
    by a guest: standing is Guest
    for the most there is: accepted
    for more: hold is over the maximum
    for no time: hold is over the maximum
    for less than no time: hold is over the maximum
    under a workflow without a duration: hold is over the maximum
    for nothing: workflow has no step
    with no stage of approval: accepted
    with nobody to approve: workflow has no approver
    with a stage of no clause: workflow has no approver
    with two stages: accepted
    with a second stage of nobody: workflow has no approver
    ");
}

#[test]
fn a_quorum_of_zero_still_needs_one_approval() {
    let mut workflow = workflow();
    workflow.approve.iter_mut().for_each(|stage| stage.clauses[0].quorum = 0);
    let story = Story::pending_under(workflow);
    assert_eq!(story.request.approval().open().map(|stage| stage.missing()), Some(1));
    assert_eq!(story.request.state, State::Pending);
}

#[test]
fn a_request_reads_back_from_storage_as_it_was() {
    for story in [Story::pending(), Story::active(), Story::stuck(), Story::expired(), Story::failed()] {
        let text = serde_json::to_string(&story.request).unwrap();
        assert_eq!(serde_json::from_str::<Request>(&text).unwrap(), story.request);
    }
}
