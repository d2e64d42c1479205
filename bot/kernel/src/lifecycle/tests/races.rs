//! Things that happen at the same time, late, early, twice or in the wrong order.

use super::super::{GRACE_MS, GRANT_ATTEMPTS_MAX, STUCK_AFTER_FAILURES, STUCK_AFTER_MS};
use super::people::{HOLD_MS, LAPSE_MS, alice, bob, bobs_other_account, carol, workflow_with};
use super::story::{Story, approve, deny, failure, on, revoke, settled, started};
use super::words::words;
use crate::request::Phase;
use crate::workflow::OwnRequest;
use crate::{Button, Effect, Event, Found, Ledger, Notice, Outcome, Person, Proof, Purpose, Recipient, State, Wake};

pub(super) fn settles(story: &Story) -> Vec<(usize, i64)> {
    let step_of = |key: &crate::Key| story.request.step_of(key).unwrap();
    let settle = |due: &crate::effect::Due| match &due.effect {
        Effect::Settle { key } => Some((step_of(key), due.at - story.now)),
        _ => None,
    };
    story.last.effects.iter().filter_map(settle).collect()
}

pub(super) fn told(story: &Story) -> Vec<(&Recipient, &Notice)> {
    let tell = |due: &'_ crate::effect::Due| matches!(due.effect, Effect::Tell { .. });
    let told = story.last.effects.iter().filter(|due| tell(due));
    told.filter_map(|due| if let Effect::Tell { to, notice } = &due.effect { Some((to, notice)) } else { None })
        .collect()
}

fn person(slack_id: &str) -> Recipient {
    Recipient::Person { slack_id: slack_id.to_owned() }
}

fn changes_nothing(story: &mut Story, event: Event) {
    let before = story.request.clone();
    story.tell(event);
    assert_eq!(words(&before, story), "-");
}

#[test]
fn granting_that_reports_after_the_end_began_does_not_stop_taking_back() {
    let mut story = Story::activating();
    let late = Proof { at: story.now, found: on(&story) };
    story.pass(1);
    story.press(&bob(), revoke());
    assert_eq!(settles(&story), [(0, 0)]);
    changes_nothing(&mut story, Event::settled(0, late));
    assert_eq!(story.step(0).phase, Phase::Releasing);
    story.tell(settled(0, Found::Gone));
    assert_eq!(story.fate(), (State::Ended, Some(Outcome::Revoked)));
}

#[test]
fn what_reads_back_as_on_after_it_was_let_go_is_tried_again() {
    let mut story = Story::ending();
    story.tell(settled(1, on(&story)));
    assert_eq!(story.step(1).phase, Phase::Releasing);
    assert_eq!(settles(&story), [(1, 1_000), (0, 0)]);
}

#[test]
fn what_reads_back_as_off_while_granting_is_tried_again_and_then_given_up() {
    let mut story = Story::activating();
    for attempt in 1..GRANT_ATTEMPTS_MAX {
        story.tell(settled(0, Found::Gone));
        assert_eq!(story.request.state, State::Activating, "attempt {attempt}");
        assert_eq!(settles(&story).len(), 1, "attempt {attempt}");
    }
    story.tell(settled(0, Found::Gone));
    assert_eq!(story.fate(), (State::Ending, Some(Outcome::Failed)));
}

#[test]
fn a_revoke_while_a_retry_of_granting_waits_takes_back_at_once() {
    let mut story = Story::activating();
    story.tell(settled(0, on(&story)));
    story.tell(Event::SettleFailed { step: 1, failure: failure(true) });
    assert_eq!(settles(&story), [(1, 1_000)]);
    story.press(&carol(), revoke());
    assert_eq!(settles(&story), [(1, 0)]);
    let released = story.last.ledger.iter().filter(|entry| matches!(entry, Ledger::Release { .. })).count();
    assert_eq!((released, story.last.ledger.len()), (2, 2));
}

#[test]
fn granting_that_fails_after_the_end_began_counts_as_taking_back_that_failed() {
    let mut story = Story::activating();
    story.press(&bob(), revoke());
    story.tell(Event::SettleFailed { step: 0, failure: failure(false) });
    assert_eq!(story.fate(), (State::Ending, Some(Outcome::Revoked)));
    assert_eq!(settles(&story), [(0, 1_000)]);
}

#[test]
fn one_step_that_cannot_be_taken_back_neither_keeps_nor_hurries_another() {
    let mut story = Story::ending();
    story.tell(Event::SettleFailed { step: 1, failure: failure(true) });
    assert_eq!(settles(&story), [(1, 1_000), (0, 0)]);
    story.tell(Event::SettleFailed { step: 0, failure: failure(true) });
    assert_eq!(settles(&story), [(0, 1_000)]);
    // The first one waits for its own next attempt, whatever becomes of the second.
    story.tell(Event::SettleFailed { step: 1, failure: failure(true) });
    assert_eq!(settles(&story), [(1, 2_000)]);
    story.tell(settled(1, Found::Gone));
    assert_eq!(settles(&story), []);
    assert_eq!(story.step(0).phase, Phase::Releasing);
}

#[test]
fn retry_pressed_many_times_only_hurries() {
    let mut story = Story::stuck();
    let before = story.request.clone();
    for by in [alice(), bob(), carol(), bob()] {
        story.press(&by, Button::Retry);
        assert_eq!(settles(&story), [(1, 0)]);
    }
    assert_eq!(story.request.steps, before.steps);
    assert_eq!(story.fate(), (State::Ending, Some(Outcome::Expired)));
    story.tell(settled(1, Found::Gone));
    assert_eq!(story.request.state, State::Ended);
}

#[test]
fn a_clock_that_rings_early_is_set_again() {
    let mut story = Story::pending();
    story.tell(Event::Woke { wake: Wake::Lapse });
    assert_eq!(story.request.state, State::Pending);
    assert_eq!(words(&story.request.clone(), &story), "wake lapse in 7h59m");
    let mut story = Story::active();
    story.pass(HOLD_MS - 1);
    story.tell(Event::Woke { wake: Wake::Expire });
    assert_eq!(story.request.state, State::Active);
    story.pass(1);
    story.tell(Event::Woke { wake: Wake::Expire });
    assert_eq!(story.fate(), (State::Ending, Some(Outcome::Expired)));
}

#[test]
fn a_clock_that_rings_a_day_late_still_ends_it() {
    let mut story = Story::active();
    let expires_at = story.request.expires_at;
    story.pass(HOLD_MS + 86_400_000);
    story.tell(Event::Woke { wake: Wake::Expire });
    assert_eq!(story.fate(), (State::Ending, Some(Outcome::Expired)));
    assert_eq!(story.request.expires_at, expires_at);
}

#[test]
fn the_end_is_announced_once_and_never_when_it_is_there() {
    let mut story = Story::active();
    let mut late = story.clone();
    story.pass(HOLD_MS - 60_000);
    story.tell(Event::Woke { wake: Wake::Warn });
    assert_eq!(told(&story), [(&person("UALICE"), &Notice::EndsSoon)]);
    changes_nothing(&mut story, Event::Woke { wake: Wake::Warn });
    late.pass(HOLD_MS);
    changes_nothing(&mut late, Event::Woke { wake: Wake::Warn });
}

#[test]
fn a_person_identified_twice_counts_once() {
    let mut story = Story::pending_under(workflow_with(2, OwnRequest::Never));
    let number = story.begin_press(&bob(), approve()).unwrap();
    story.end_press(number, bob());
    let again = Event::identified(Purpose::Press { number }, bob());
    changes_nothing(&mut story, again);
    assert_eq!(story.request.approvals_count(), 1);
}

#[test]
fn two_clicks_before_it_is_known_who_clicked_are_one_press() {
    let mut story = Story::pending_under(workflow_with(2, OwnRequest::Never));
    let first = story.begin_press(&bob(), approve());
    assert_eq!((first, story.begin_press(&bob(), approve())), (Some(1), None));
    // Another button is another press, and the one decided first counts.
    let second = story.begin_press(&bob(), deny()).unwrap();
    story.end_press(second, bob());
    story.end_press(1, bob());
    assert_eq!(story.fate(), (State::Ended, Some(Outcome::Denied)));
    assert_eq!(story.request.approvals_count(), 0);
}

#[test]
fn two_approvals_in_the_same_millisecond_count_once_each_and_start_once() {
    let mut story = Story::pending();
    let bobs = story.begin_press(&bob(), approve()).unwrap();
    let carols = story.begin_press(&carol(), approve()).unwrap();
    story.end_press(bobs, bob());
    assert_eq!(story.request.state, State::Approved);
    story.end_press(carols, carol());
    assert_eq!(words(&story.request.clone(), &story), "tell UCAROL no: too late, approved");
    assert_eq!(story.request.approvals_count(), 1);
}

#[test]
fn two_accounts_of_one_human_are_one_approval() {
    let mut story = Story::pending_under(workflow_with(2, OwnRequest::Never));
    story.press(&bob(), approve());
    story.press(&bobs_other_account(), approve());
    assert_eq!(words(&story.request.clone(), &story), "tell UBOB2 no: decided before");
    assert_eq!(story.request.state, State::Pending);
}

#[test]
fn another_account_of_the_requester_is_the_requester() {
    let mut story = Story::pending();
    let other = Person { slack_id: "UALICE2".to_owned(), login: None, ..alice() };
    story.press(&other, approve());
    assert_eq!(words(&story.request.clone(), &story), "tell UALICE2 no: own request");
}

#[test]
fn an_answer_about_somebody_else_counts_for_nobody() {
    let mut story = Story::pending();
    let number = story.begin_press(&carol(), approve()).unwrap();
    story.end_press(number, bob());
    assert_eq!(words(&story.request.clone(), &story), "tell UCAROL no: shown text is not the stored text");
    assert_eq!(story.request.decisions, []);
}

#[test]
fn numbers_of_presses_are_never_used_again() {
    let mut story = Story::failed();
    let used = story.request.presses_count;
    story.press(&alice(), Button::Retry);
    story.tell(started());
    let number = story.begin_press(&bob(), revoke()).unwrap();
    assert_eq!((used, number), (1, 3));
}

#[test]
fn an_approval_that_is_looked_up_after_it_lapsed_is_too_late() {
    let mut story = Story::pending();
    let number = story.begin_press(&bob(), approve()).unwrap();
    story.pass(LAPSE_MS);
    story.tell(Event::Woke { wake: Wake::Lapse });
    assert_eq!(story.fate(), (State::Ended, Some(Outcome::Lapsed)));
    story.end_press(number, bob());
    assert_eq!(words(&story.request.clone(), &story), "tell UBOB no: too late, ended lapsed");
    assert_eq!(story.request.decisions, []);
}

#[test]
fn a_revoke_before_anything_was_begun_ends_at_once_and_a_late_start_starts_nothing() {
    let mut story = Story::approved();
    story.press(&bob(), revoke());
    assert_eq!(story.fate(), (State::Ended, Some(Outcome::Revoked)));
    assert_eq!((settles(&story), story.last.ledger.len()), (vec![], 0));
    changes_nothing(&mut story, started());
    changes_nothing(&mut story, Event::NotIdentified { purpose: Purpose::Start, failure: failure(true) });
    assert!(!story.request.can_restart(story.now));
}

#[test]
fn a_denial_after_the_quorum_is_too_late() {
    let mut story = Story::pending();
    let denies = story.begin_press(&carol(), deny()).unwrap();
    story.press(&bob(), approve());
    story.end_press(denies, carol());
    assert_eq!(words(&story.request.clone(), &story), "tell UCAROL no: too late, approved");
    assert_eq!(story.request.state, State::Approved);
}

#[test]
fn a_start_that_could_not_be_looked_up_can_be_retried_for_as_long_as_requests_wait() {
    let mut story = Story::approved();
    let approved_at = story.request.approved_at.unwrap();
    story.tell(Event::NotIdentified { purpose: Purpose::Start, failure: failure(true) });
    assert_eq!(story.fate(), (State::Ended, Some(Outcome::Failed)));
    let mut late = story.clone();
    late.now = approved_at + LAPSE_MS;
    late.press(&alice(), Button::Retry);
    assert_eq!(late.fate(), (State::Ended, Some(Outcome::Failed)));
    story.now = approved_at + LAPSE_MS - 1;
    story.press(&alice(), Button::Retry);
    assert_eq!(story.fate(), (State::Approved, None));
    assert_eq!(story.request.approved_at, Some(approved_at));
}

#[test]
fn a_retried_grant_starts_from_nothing() {
    let mut story = Story::failed();
    story.press(&bob(), Button::Retry);
    assert!(story.request.steps.iter().all(|step| step.phase == Phase::Waiting && step.proof.is_none()));
    // What the last round left in flight says nothing about this one.
    changes_nothing(&mut story, settled(0, Found::Gone));
    story.tell(started());
    story.tell(settled(0, on(&story)));
    story.tell(settled(1, on(&story)));
    assert_eq!(story.request.state, State::Active);
}

#[test]
fn taking_back_that_reports_nothing_alarms_after_a_minute() {
    let mut story = Story::ending();
    story.pass(STUCK_AFTER_MS - 1);
    story.tell(Event::Woke { wake: Wake::Alarm });
    assert!(!story.request.stuck);
    story.pass(1);
    story.tell(Event::Woke { wake: Wake::Alarm });
    assert!(story.request.stuck);
    assert!(story.request.trouble.is_some(), "people are told what is wrong");
    assert!(told(&story).contains(&(&Recipient::Channel, &Notice::Stuck)));
}

#[test]
fn a_far_side_that_asks_for_an_hour_does_not_keep_the_alarm_for_an_hour() {
    let mut story = Story::ending();
    let asks = crate::Failure { retry_after_ms: Some(3_600_000), ..failure(true) };
    story.tell(Event::SettleFailed { step: 1, failure: asks });
    assert_eq!(settles(&story), [(1, 75_000), (0, 0)]);
    story.pass(STUCK_AFTER_MS);
    story.tell(Event::Woke { wake: Wake::Alarm });
    assert!(story.request.stuck);
}

#[test]
fn whoever_was_alarmed_hears_that_it_is_over() {
    for announce in [Some("#access".to_owned()), None] {
        let mut workflow = super::people::workflow();
        workflow.announce = announce;
        let mut story = Story::pending_under(workflow);
        story.press(&bob(), approve());
        story.tell(started());
        story.tell(Event::SettleFailed { step: 0, failure: failure(false) });
        let mut alarmed = Vec::new();
        for _ in 0..STUCK_AFTER_FAILURES {
            story.tell(Event::SettleFailed { step: 0, failure: failure(true) });
            alarmed.extend(told(&story).into_iter().map(|(to, _)| to.clone()));
        }
        story.tell(settled(0, Found::Gone));
        let relieved: Vec<Recipient> = told(&story).into_iter().map(|(to, _)| to.clone()).collect();
        assert_eq!(story.fate(), (State::Ended, Some(Outcome::Failed)));
        for to in &alarmed {
            assert_eq!(alarmed.iter().filter(|one| *one == to).count(), 1, "{to:?} is alarmed once");
            assert!(relieved.contains(to), "{to:?} hears that it is over");
        }
        assert!(alarmed.contains(&person("UALICE")));
    }
}

#[test]
fn a_far_side_that_was_slow_is_told_the_end_again() {
    let mut story = Story::activating();
    story.pass(GRACE_MS + 5_000);
    story.tell(settled(0, on(&story)));
    story.tell(settled(1, on(&story)));
    assert_eq!(story.request.expires_at, Some(story.now + HOLD_MS));
    assert_eq!(settles(&story), [(0, 0)]);
    assert!(story.step(0).until >= story.request.expires_at);
}

#[test]
fn an_end_that_could_not_be_told_again_is_shown_as_trouble() {
    let mut story = Story::active();
    story.tell(Event::SettleFailed { step: 0, failure: failure(false) });
    assert_eq!(story.request.state, State::Active);
    assert_eq!(story.request.trouble, Some(failure(false)));
    story.tell(settled(0, on(&story)));
    assert_eq!(story.request.trouble, None);
}
