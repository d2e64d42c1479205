//! Approving for less time than was asked: how long it is lent then, whoever else approves and in whatever order.

use super::people::{HOLD_MS, alice, bob, carol, workflow, workflow_with};
use super::story::{Story, approve, on, settled, started};
use crate::workflow::{Extend, ExtendApproval, OwnRequest};
use crate::{Button, Effect, Found, GRACE_MS, Ledger, Notice, Person, Refusal, State};

const HOUR: i64 = 3_600_000;

fn for_at_most(hold_ms: i64) -> Button {
    Button::Approve { confirmed: false, hold_ms: Some(hold_ms) }
}

fn refused(story: &Story) -> Option<Refusal> {
    story.last.effects.iter().find_map(|due| match &due.effect {
        Effect::Tell { notice: Notice::Refused { why }, .. } => Some(why.clone()),
        _ => None,
    })
}

/// Told to the far side with the newest event.
fn told(story: &Story) -> Vec<i64> {
    let until = |change: &Ledger| match change {
        Ledger::Hold { holding, .. } => Some(holding.until),
        _ => None,
    };
    story.last.ledger.iter().filter_map(until).collect()
}

#[test]
fn the_shortest_that_anybody_approved_it_for_counts_in_whatever_order() {
    let (whole, hour, half) = (approve(), for_at_most(HOUR), for_at_most(HOUR / 2));
    for (first, second, lent_ms, by) in [
        (&whole, &whole, HOLD_MS, None),
        (&hour, &whole, HOUR, Some(bob())),
        (&whole, &hour, HOUR, Some(carol())),
        (&hour, &half, HOUR / 2, Some(carol())),
        (&half, &hour, HOUR / 2, Some(bob())),
        (&hour, &hour, HOUR, Some(bob())),
        (&for_at_most(HOLD_MS), &whole, HOLD_MS, None),
    ] {
        let mut story = Story::pending_under(workflow_with(2, OwnRequest::Never));
        story.press(&bob(), first.clone());
        assert_eq!(story.request.state, State::Pending);
        story.press(&carol(), second.clone());
        let shortened = story.request.shortened().and_then(|(_, decision)| decision.person().cloned());
        assert_eq!((story.request.lent_ms(), shortened), (lent_ms, by), "{first:?}, then {second:?}");
        story.tell(started());
        assert_eq!(told(&story), [story.now + lent_ms + GRACE_MS], "the far side is told no later end");
        story.tell(settled(0, on(&story)));
        story.tell(settled(1, on(&story)));
        assert_eq!(story.request.state, State::Active);
        assert_eq!(story.request.expires_at, Some(story.now + lent_ms));
        assert_eq!(story.request.hold_ms, HOLD_MS, "what was asked stays as it was asked");
    }
}

#[test]
fn it_is_never_approved_for_longer_than_was_asked_nor_for_no_time() {
    for hold_ms in [HOLD_MS + 1, i64::MAX, 0, -1, i64::MIN] {
        let mut story = Story::pending();
        story.press(&bob(), for_at_most(hold_ms));
        assert_eq!(refused(&story), Some(Refusal::LongerThanAsked { asked_ms: HOLD_MS }), "{hold_ms}");
        assert!(story.request.decisions.is_empty() && story.request.state == State::Pending);
    }
}

#[test]
fn a_no_an_outsider_and_a_late_press_shorten_nothing() {
    let mut story = Story::pending_under(workflow_with(2, OwnRequest::Never));
    let stranger = Person { belongs: Vec::new(), ..carol() };
    story.press(&stranger, for_at_most(HOUR));
    assert!(matches!(refused(&story), Some(Refusal::NotAnApprover { .. })));
    story.press(&bob(), approve());
    story.press(&bob(), for_at_most(HOUR));
    assert_eq!(refused(&story), Some(Refusal::DecidedBefore));
    story.press(&carol(), approve());
    story.press(&carol(), for_at_most(HOUR));
    assert!(matches!(refused(&story), Some(Refusal::TooLate { .. })));
    assert_eq!(story.request.lent_ms(), HOLD_MS);
}

#[test]
fn who_confirms_their_own_request_for_less_time_confirms_that() {
    let mut story = Story::pending_under(workflow_with(1, OwnRequest::Confirm));
    story.press(&alice(), for_at_most(HOUR));
    assert_eq!(refused(&story), Some(Refusal::ConfirmOwnRequest { hold_ms: Some(HOUR) }));
    story.press(&alice(), Button::Approve { confirmed: true, hold_ms: Some(HOUR) });
    assert_eq!((story.request.state, story.request.lent_ms()), (State::Approved, HOUR));
}

#[test]
fn a_grant_that_failed_is_tried_again_for_the_shorter_time() {
    let mut story = Story::pending();
    story.press(&bob(), for_at_most(HOUR));
    story.tell(started());
    story.tell(crate::Event::SettleFailed { step: 0, failure: super::story::failure(false) });
    story.tell(settled(0, Found::Gone));
    story.press(&alice(), Button::Retry);
    story.tell(started());
    assert_eq!(told(&story), [story.now + HOUR + GRACE_MS]);
}

#[test]
fn the_extend_button_offers_as_long_as_it_was_lent_and_an_extension_is_approved_as_asked() {
    let mut workflow = workflow();
    workflow.extend = Some(Extend { times: 2, max_ms: 4 * HOUR, approve: ExtendApproval::Again, stages: Vec::new() });
    let mut story = Story::pending_under(workflow);
    story.press(&bob(), for_at_most(HOUR));
    story.tell(started());
    story.tell(settled(0, on(&story)));
    story.tell(settled(1, on(&story)));
    assert_eq!(story.request.extends_by(), Some(HOUR));
    let extend = Button::Extend { length_ms: 2 * HOUR };
    let pressed = |story: &Story, by: &Person, button: Button| crate::Event::Pressed {
        by: by.slack_id.clone(),
        seal: story.request.seal_for(&button),
        button,
        channel: None,
        on: None,
    };
    story.tell(pressed(&story, &alice(), extend));
    story.end_press(story.request.presses_count, alice());
    assert!(story.request.is_extension_asked());
    story.tell(pressed(&story, &carol(), for_at_most(HOUR)));
    story.end_press(story.request.presses_count, carol());
    assert_eq!(refused(&story), Some(Refusal::ExtensionAsAsked));
    assert_eq!(story.request.lent_ms(), HOUR);
}
