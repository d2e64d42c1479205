//! Granting that takes as long as the hold itself.

use super::super::{GRACE_MS, room_ms};
use super::people::HOLD_MS;
use super::races::{settles, told};
use super::story::{Story, failure, settled};
use crate::{Event, Found, Outcome, State};

#[test]
fn a_hold_as_short_as_granting_takes_begins_only_when_an_end_is_on_that_covers_it() {
    let mut story = Story::activating();
    let first_end = story.step(0).until.unwrap();
    story.pass(HOLD_MS - 1_000);
    story.tell(settled(0, Found::On { until: Some(first_end) }));
    story.tell(settled(1, Found::On { until: story.step(1).until }));
    assert_eq!(story.request.state, State::Activating, "its end may pass before a later one is told");
    assert_eq!(settles(&story), [(0, 0)]);
    assert!(told(&story).is_empty(), "nobody has it yet");
    let longer = story.step(0).until.unwrap();
    assert_eq!(longer, story.now + HOLD_MS + GRACE_MS + room_ms(HOLD_MS), "the room that it is left has a bound");
    // A little less slow, it is on for longer than the hold.
    story.pass(HOLD_MS / 4);
    story.tell(settled(0, Found::On { until: Some(longer) }));
    assert_eq!(story.request.state, State::Active);
    let expires_at = story.request.expires_at.unwrap();
    assert!(longer >= expires_at);
    // Whatever was told to leave room is told anew, so that it ends with the hold if nothing of ours runs then.
    assert!(story.step(0).until.unwrap() <= expires_at + GRACE_MS && story.step(0).until.unwrap() >= expires_at);
    assert!(story.step(1).until.unwrap() <= expires_at + GRACE_MS && story.step(1).until.unwrap() >= expires_at);
}

#[test]
fn a_far_side_slower_than_the_hold_is_never_told_an_end_far_behind_it_and_is_given_up() {
    let mut story = Story::activating();
    let room = HOLD_MS + GRACE_MS + room_ms(HOLD_MS);
    let mut rounds = 0;
    while story.request.state == State::Activating {
        let (first, second) = (story.step(0).until, story.step(1).until);
        story.pass(HOLD_MS - 1_000);
        story.tell(settled(0, Found::On { until: first }));
        story.tell(settled(1, Found::On { until: second }));
        let latest = story.request.steps.iter().filter_map(|step| step.until).max().unwrap();
        assert!(latest <= story.now + room, "{latest} at {}", story.now);
        rounds += 1;
        assert!(rounds < 1_000, "it is told for ever");
    }
    assert_eq!(story.fate(), (State::Ending, Some(Outcome::Failed)));
    assert!(!story.request.trouble.as_ref().unwrap().retryable);
}

#[test]
fn a_later_end_that_cannot_be_told_before_the_hold_begins_is_a_failure_to_grant() {
    let mut story = Story::activating();
    story.pass(HOLD_MS - 1_000);
    story.tell(settled(0, Found::On { until: story.step(0).until }));
    story.tell(settled(1, Found::On { until: story.step(1).until }));
    story.tell(Event::SettleFailed { step: 0, failure: failure(false) });
    assert_eq!(story.fate(), (State::Ending, Some(Outcome::Failed)));
}
