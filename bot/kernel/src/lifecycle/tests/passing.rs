//! What passes by itself: nobody is asked, those who would have been are told, and whatever is not known lets nothing pass.

use super::people::{alice, ask, bob, workflow};
use super::story::{START, Story, approve, failure, started};
use super::words::words;
use crate::automatic::{Automatic, Facts, PASSES_WITHIN_MS};
use crate::event::Purpose;
use crate::{Ask, Effect, Event, Place, State, Workflow};

fn facts() -> Facts {
    Facts { person: alice(), unread: Vec::new(), device: None, passed_today: Vec::new(), judged: None, asker: None }
}

fn looked() -> Event {
    Event::Looked { facts: Box::new(facts()) }
}

fn judged(change: impl FnOnce(&mut Workflow)) -> Story {
    let rule = Automatic { max_hold_ms: Some(super::people::HOLD_MS), ..Automatic::default() };
    let mut workflow = Workflow { approve_automatically: vec![rule], ..workflow() };
    change(&mut workflow);
    Story::of(ask(workflow))
}

/// What each event leads to, one line each.
fn lines(mut story: Story, events: Vec<(&str, Event)>) -> String {
    let mut lines = Vec::new();
    for (label, event) in events {
        let before = story.request.clone();
        story.tell(event);
        lines.push(format!("{label}: {}", words(&before, &story)));
    }
    lines.join("\n")
}

fn found() -> Event {
    Event::ApproversFound { stage: 0, people: vec![bob().slack_id] }
}

#[test]
fn what_passes_is_carded_and_told_and_nobody_is_asked() {
    let story = judged(|_| {});
    let asked: Vec<&Effect> = story.last.effects.iter().map(|due| &due.effect).collect();
    assert!(asked.iter().all(|effect| !matches!(effect, Effect::FindApprovers { .. })), "{asked:?}");
    let events = || {
        vec![
            ("looked", looked()),
            ("found", found()),
            ("found again", found()),
            ("looked again", looked()),
            ("started", started()),
        ]
    };
    let in_channel = lines(story, events());
    let directly = lines(judged(|workflow| workflow.announce = None), events());
    let nobody = lines(judged(|workflow| workflow.approve.clear()), vec![("looked", looked()), ("started", started())]);
    insta::assert_snapshot!(format!("{in_channel}\n\n{directly}\n\n{nobody}"), @"
    looked: APPROVED, find approvers, identify UALICE to start, show #access
    found: noted, tell thread passedbyitself
    found again: -
    looked again: -
    started: ACTIVATING, steps begun+waiting, hold a, settle a, show #access

    looked: APPROVED, find approvers, identify UALICE to start
    found: cards [UBOB], show UBOB
    found again: -
    looked again: -
    started: ACTIVATING, steps begun+waiting, hold a, settle a, show UBOB

    looked: APPROVED, tell thread passedbyitself, identify UALICE to start, show #access
    started: ACTIVATING, steps begun+waiting, hold a, settle a, show #access
    ");
}

#[test]
fn what_does_not_pass_is_for_people_to_decide() {
    let long = || judged(|workflow| workflow.approve_automatically[0].max_hold_ms = Some(1));
    let unknown = || Event::NotIdentified { purpose: Purpose::Passing, failure: failure(false) };
    let late = {
        let mut story = judged(|_| {});
        story.now = START + PASSES_WITHIN_MS + 1;
        story
    };
    let nobody = || judged(|workflow| workflow.approve.clear());
    let other = Event::Looked { facts: Box::new(Facts { person: bob(), ..facts() }) };
    let all = [
        lines(long(), vec![("too long", looked()), ("looked again", looked()), ("found", found())]),
        lines(judged(|_| {}), vec![("not found out", unknown()), ("looked after all", looked())]),
        lines(late, vec![("too late", looked())]),
        lines(judged(|_| {}), vec![("somebody else", other.clone())]),
        lines(nobody(), vec![("nobody decides, not found out", unknown())]),
        lines(nobody(), vec![("nobody decides, somebody else", other)]),
        lines(Story::pending(), vec![("not being found out", looked())]),
    ];
    insta::assert_snapshot!(all.join("\n\n"), @"
    too long: noted, find approvers
    looked again: -
    found: noted, show #access

    not found out: noted, find approvers
    looked after all: -

    too late: noted, find approvers

    somebody else: noted, find approvers

    nobody decides, not found out: ENDED failed, show #access, tell UALICE failed, tell thread failed

    nobody decides, somebody else: ENDED failed, show #access, tell UALICE failed, tell thread failed

    not being found out: -
    ");
    let mut story = long();
    story.tell(looked());
    assert_eq!(story.request.not_by_itself, ["2h is longer than 0s"]);
    // Meanwhile somebody who found it in a list has decided.
    let mut story = judged(|_| {});
    story.press(&bob(), approve());
    assert_eq!(story.request.state, State::Approved);
    assert!(story.tell(looked()).effects.is_empty());
    assert!(!story.request.passed_by_itself());
}

#[test]
fn a_card_that_no_channel_takes_is_shown_to_those_who_would_have_been_asked() {
    let channel = Place::Channel("#access".to_owned());
    let not_shown = || Event::NotShown { place: channel.clone(), failure: failure(false) };
    let before = lines(judged(|_| {}), vec![("looked", looked()), ("not shown", not_shown()), ("found", found())]);
    let after = lines(judged(|_| {}), vec![("looked", looked()), ("found", found()), ("not shown", not_shown())]);
    insta::assert_snapshot!(format!("{before}\n\n{after}"), @"
    looked: APPROVED, find approvers, identify UALICE to start, show #access
    not shown: cards []
    found: cards [UBOB], show UBOB

    looked: APPROVED, find approvers, identify UALICE to start, show #access
    found: noted, tell thread passedbyitself
    not shown: cards [UBOB], show UBOB
    ");
}

#[test]
fn a_request_that_passed_reads_back_from_storage_as_it_was() {
    let mut story = judged(|_| {});
    story.tell(looked());
    let text = serde_json::to_string(&story.request).unwrap();
    assert_eq!(serde_json::from_str::<crate::Request>(&text).unwrap(), story.request);
    let Ask { seal, .. } = &story.request.ask;
    assert_eq!(seal, "seal");
    assert!(story.request.approval().is_given() && story.request.approval().open().is_none());
}
