//! Single rules that decide about access and that no story reaches by chance: each test fails if its one condition is turned round.

use super::super::granting::warning_ms;
use super::super::{ALARM_PAUSE_MS, GRACE_MS, RETRY_PAUSE_MAX_MS};
use super::people::{HOLD_MS, LAPSE_MS, alice, ask, bob, carol, dave, workflow};
use super::story::{START, Story, approve, failure, moment, on, settled, shown, started};
use crate::request::{Message, Phase};
use crate::{
    Button, Effect, Event, Found, Ledger, Moment, Notice, Outcome, Place, Proof, Purpose, Recipient, State, Wake,
    Workflow,
};

/// When the effects of this kind that the newest event led to are due, from now.
fn due_in(story: &Story, wanted: impl Fn(&Effect) -> bool) -> Vec<i64> {
    story.last.effects.iter().filter(|due| wanted(&due.effect)).map(|due| due.at - story.now).collect()
}

fn tells(story: &Story, notice: &Notice) -> Vec<Recipient> {
    let told = story.last.effects.iter().filter_map(|due| match &due.effect {
        Effect::Tell { to, notice: told } if told == notice => Some(to.clone()),
        _ => None,
    });
    told.collect()
}

fn holds_until(story: &Story) -> Vec<i64> {
    let holds = story.last.ledger.iter().filter_map(|entry| match entry {
        Ledger::Hold { holding, .. } => Some(holding.until - story.now),
        _ => None,
    });
    holds.collect()
}

#[test]
fn a_warning_comes_a_sixth_of_the_hold_before_its_end_and_at_most_an_hour() {
    for (hold_ms, before_ms) in
        [(6_000, 1_000), (60_000, 10_000), (7_200_000, 1_200_000), (86_400_000, 3_600_000), (5, 0)]
    {
        assert_eq!(warning_ms(hold_ms), before_ms, "{hold_ms}");
    }
    let story = Story::active();
    assert_eq!(due_in(&story, |effect| *effect == Effect::Wake { wake: Wake::Warn }), [HOLD_MS - HOLD_MS / 6]);
}

#[test]
fn jitter_makes_a_pause_up_to_a_quarter_longer_and_never_shorter() {
    for (jitter, pause_ms) in [(0.0, 1_000), (0.5, 1_125), (1.0, 1_250), (7.0, 1_250), (-1.0, 1_000)] {
        let story = Story::activating();
        let event = Event::SettleFailed { step: 0, failure: failure(true) };
        let applied = story.request.apply(event, Moment { jitter, ..moment(story.now) });
        let settle = applied.effects.iter().find(|due| matches!(due.effect, Effect::Settle { .. })).unwrap();
        assert_eq!(settle.at - story.now, pause_ms, "{jitter}");
    }
    // Far ahead it is a minute, and what the far side asks for is waited for.
    let mut story = Story::ending();
    for _ in 0..12 {
        story.tell(Event::SettleFailed { step: 1, failure: failure(true) });
    }
    assert_eq!(due_in(&story, |effect| matches!(effect, Effect::Settle { .. })), [RETRY_PAUSE_MAX_MS]);
    let mut story = Story::activating();
    let asks = crate::Failure { retry_after_ms: Some(9_000), ..failure(true) };
    story.tell(Event::SettleFailed { step: 0, failure: asks });
    assert_eq!(due_in(&story, |effect| matches!(effect, Effect::Settle { .. })), [9_000]);
}

#[test]
fn the_thread_is_under_the_card_in_the_channel_and_nowhere_else() {
    let message = Message { channel: "C1".to_owned(), ts: "1.1".to_owned() };
    assert_eq!(Story::pending().request.thread(), Some(&message));
    let mut direct = Story::of(ask(Workflow { announce: None, ..workflow() }));
    direct.tell(Event::ApproversFound { stage: 0, people: vec![bob().slack_id] });
    direct.tell(Event::Shown { place: Place::Approver(bob().slack_id), channel: "D1".into(), ts: "2.2".into() });
    assert_eq!(direct.request.thread(), None);
}

#[test]
fn that_a_person_took_it_away_is_not_forgotten_by_a_later_reading_of_nothing() {
    let mut story = Story::active();
    story.tell(settled(0, Found::TakenAway));
    assert_eq!(story.fate(), (State::Ending, Some(Outcome::Revoked)));
    story.tell(settled(0, Found::Untouched));
    assert_eq!(story.step(0).proof.as_ref().map(|proof| &proof.found), Some(&Found::TakenAway));
    assert_eq!(story.step(0).phase, Phase::Gone);
    // Every other reading is the newest word.
    let mut story = Story::active();
    story.tell(settled(0, Found::TakenAway));
    story.tell(settled(0, Found::Gone));
    assert_eq!(story.step(0).proof.as_ref().map(|proof| &proof.found), Some(&Found::Gone));
}

#[test]
fn what_was_on_is_not_over_because_nothing_is_remembered_of_it() {
    let mut story = Story::ending();
    story.tell(settled(1, Found::Untouched));
    assert_eq!(story.step(1).phase, Phase::Releasing, "it was read as on, and not since");
    assert!(story.last.ledger.is_empty());
    // What was begun and never read may be untouched.
    let mut story = Story::activating();
    story.press(&bob(), super::story::revoke());
    story.tell(settled(0, Found::Untouched));
    assert_eq!(story.fate(), (State::Ended, Some(Outcome::Revoked)));
}

#[test]
fn why_a_grant_failed_is_not_replaced_by_why_it_cannot_be_taken_back() {
    let mut story = Story::activating();
    story.tell(settled(0, on(&story)));
    let first = crate::Failure { what: "the first".to_owned(), ..failure(false) };
    story.tell(Event::SettleFailed { step: 1, failure: first.clone() });
    story.tell(Event::SettleFailed { step: 1, failure: failure(true) });
    assert_eq!(story.request.trouble, Some(first));
    // An end has no trouble of its own: what keeps it from being over is what people need to know.
    let mut story = Story::ending();
    story.tell(Event::SettleFailed { step: 1, failure: failure(true) });
    let second = crate::Failure { what: "the second".to_owned(), ..failure(true) };
    story.tell(Event::SettleFailed { step: 1, failure: second.clone() });
    assert_eq!(story.request.trouble, Some(second));
}

#[test]
fn the_channel_is_alarmed_or_whoever_was_asked_where_no_card_could_be_shown() {
    let channel = Story::stuck();
    let watchers = |story: &Story| {
        let mut story = story.clone();
        story.now = story.request.alarm_at.unwrap();
        story.tell(Event::Woke { wake: Wake::Alarm });
        tells(&story, &Notice::Stuck)
    };
    assert_eq!(watchers(&channel), [Recipient::Channel]);
    let people = [bob(), carol()].map(|person| Recipient::Person { slack_id: person.slack_id });
    let mut not_announced = channel.clone();
    not_announced.request.not_announced = Some("archived".to_owned());
    assert_eq!(watchers(&not_announced), people);
    let mut direct = channel;
    direct.request.ask.workflow.announce = None;
    assert_eq!(watchers(&direct), people);
}

#[test]
fn alarms_repeat_less_and_less_often() {
    let mut story = Story::stuck();
    for pause_ms in [ALARM_PAUSE_MS * 2, ALARM_PAUSE_MS * 4, 3_600_000, 3_600_000] {
        story.now = story.request.alarm_at.unwrap();
        story.tell(Event::Woke { wake: Wake::Alarm });
        assert_eq!(due_in(&story, |effect| *effect == Effect::Wake { wake: Wake::Alarm }), [pause_ms]);
    }
}

#[test]
fn nothing_is_switched_on_for_whoever_is_somebody_else_by_now() {
    let start = |person| Event::identified(Purpose::Start, person);
    let another_login = crate::Person { login: Some("alice@elsewhere.example".to_owned()), ..alice() };
    // One human by e-mail, but the device's owner is the login.
    let same_login = crate::Person { slack_id: "U9".to_owned(), email: None, ..alice() };
    let no_longer = crate::Person { belongs: Vec::new(), ..alice() };
    for (person, begins) in
        [(alice(), true), (another_login, false), (dave(), false), (no_longer, false), (same_login, true)]
    {
        let mut story = Story::approved();
        story.tell(start(person.clone()));
        assert_eq!(story.request.state == State::Activating, begins, "{person:?}");
    }
}

#[test]
fn an_end_that_was_told_too_early_is_told_again_and_one_that_fits_is_not() {
    // Confirmed within the grace: what was told is late enough.
    let mut story = Story::activating();
    story.tell(settled(0, on(&story)));
    story.pass(GRACE_MS);
    story.tell(settled(1, on(&story)));
    assert_eq!((story.request.state, holds_until(&story)), (State::Active, vec![]));
    // A millisecond later the first one would end before the hold.
    let mut story = Story::activating();
    story.tell(settled(0, on(&story)));
    story.pass(GRACE_MS + 1);
    story.tell(settled(1, on(&story)));
    assert_eq!((story.request.state, holds_until(&story)), (State::Active, vec![HOLD_MS, HOLD_MS]));
}

#[test]
fn a_retry_while_it_is_on_comes_before_its_end_or_not_at_all() {
    let fails_at = |before_end_ms: i64| {
        let mut story = Story::active();
        story.now = story.request.expires_at.unwrap() - before_end_ms;
        story.tell(Event::SettleFailed { step: 0, failure: failure(true) });
        due_in(&story, |effect| matches!(effect, Effect::Settle { .. }))
    };
    assert_eq!(fails_at(1_001), [1_000]);
    assert!(fails_at(1_000).is_empty(), "at its end it is taken back anyway");
    assert!(fails_at(999).is_empty());
}

#[test]
fn what_was_taken_away_by_hand_before_everything_was_on_is_revoked_and_no_retry_brings_it_back() {
    let mut story = Story::activating();
    story.tell(settled(0, on(&story)));
    story.tell(settled(0, Found::TakenAway));
    assert_eq!(story.fate(), (State::Ending, Some(Outcome::Revoked)));
    story.tell(settled(1, Found::Untouched));
    story.tell(settled(0, Found::Gone));
    assert_eq!(story.fate(), (State::Ended, Some(Outcome::Revoked)));
    assert!(!story.request.can_restart(story.now));
    story.press(&alice(), crate::Button::Retry);
    assert_eq!(story.request.state, State::Ended);
    // What is not confirmed yet cannot have been taken away.
    let mut story = Story::activating();
    story.tell(settled(0, Found::TakenAway));
    assert_eq!(story.request.state, State::Activating);
}

#[test]
fn a_grant_that_overslept_is_begun_anew_for_as_long_as_its_approval_is_good() {
    let late = |after_ms: i64| {
        let mut story = Story::activating();
        story.now = story.request.approved_at.unwrap() + after_ms;
        story.tell(Event::SettleFailed { step: 0, failure: failure(true) });
        story
    };
    let story = late(HOLD_MS + GRACE_MS - 1);
    assert_eq!((story.step(0).failures, holds_until(&story).len()), (1, 1), "its end is still ahead, but hardly");
    let story = late(HOLD_MS + GRACE_MS);
    assert_eq!((story.step(0).failures, holds_until(&story)), (0, vec![HOLD_MS + GRACE_MS]));
    assert_eq!(due_in(&story, |effect| matches!(effect, Effect::Settle { .. })), [0]);
    assert_eq!(late(LAPSE_MS - 1).request.state, State::Activating);
    assert_eq!(late(LAPSE_MS).fate(), (State::Ending, Some(Outcome::Failed)));
}

#[test]
fn the_end_that_was_told_stays_while_more_than_half_of_the_hold_is_left() {
    let fails_after = |ms: i64| {
        let mut story = Story::activating();
        let until = story.step(0).until.unwrap();
        // The next attempt is a second later.
        story.now = until - HOLD_MS / 2 - 1_000 - ms;
        story.tell(Event::SettleFailed { step: 0, failure: failure(true) });
        (story.step(0).until == Some(until), holds_until(&story).len())
    };
    assert_eq!(fails_after(1), (true, 0), "what arrives late is recognised");
    assert_eq!(fails_after(0), (false, 1));
}

#[test]
fn no_more_than_sixty_four_alarms_are_remembered_and_the_oldest_go_first() {
    let mut story = Story::stuck();
    for number in 0..65 {
        let ts = format!("7.{number}");
        story.tell(Event::Notified { shows: crate::Shows::Stuck, to: Recipient::Channel, channel: "C1".into(), ts });
        assert_eq!(story.request.notifications.len(), 64.min(number + 1));
    }
    assert_eq!(story.request.notifications[0].message.ts, "7.1");
}

#[test]
fn a_channel_that_takes_no_card_keeps_no_request_from_its_approvers() {
    let not_shown = |place| Event::NotShown { place, failure: failure(false) };
    let channel = || Place::Channel("#access".to_owned());
    let unknown = || {
        let mut story = Story::of(ask(workflow()));
        story.tell(Event::ApproversFound { stage: 0, people: vec![bob().slack_id, carol().slack_id] });
        story
    };
    // Whoever was asked gets it directly.
    let mut story = unknown();
    story.tell(not_shown(channel()));
    let places: Vec<Place> = story.request.cards.iter().map(|card| card.place.clone()).collect();
    assert_eq!(places, [Place::Approver(bob().slack_id), Place::Approver(carol().slack_id)]);
    assert_eq!((story.request.state, story.request.not_announced.as_deref()), (State::Pending, Some("no")));
    assert_eq!(due_in(&story, |effect| matches!(effect, Effect::Show { .. })).len(), 2);
    // One of them cannot be reached: the other still can. None can: it has failed, and the requester hears of it.
    story.tell(not_shown(Place::Approver(bob().slack_id)));
    assert_eq!((story.request.state, story.request.cards.len()), (State::Pending, 1));
    story.tell(not_shown(Place::Approver(carol().slack_id)));
    assert_eq!(story.fate(), (State::Ended, Some(Outcome::Failed)));
    assert_eq!(tells(&story, &Notice::Failed), [Recipient::Person { slack_id: alice().slack_id }]);
    // Nobody to go to.
    let mut story = Story::of(ask(workflow()));
    story.tell(Event::ApproversFound { stage: 0, people: Vec::new() });
    story.tell(not_shown(channel()));
    assert_eq!(story.fate(), (State::Ended, Some(Outcome::Failed)));
    // A card that stands somewhere, or one nobody knows, is not taken away; decided requests go on without.
    for mut story in [Story::pending(), unknown()] {
        let place = if story.request.thread().is_some() { channel() } else { Place::Channel("#other".into()) };
        let cards = story.request.cards.clone();
        story.tell(not_shown(place));
        assert_eq!((story.request.cards, story.request.state), (cards, State::Pending));
    }
    let mut story = unknown();
    story.press(&bob(), approve());
    story.tell(not_shown(channel()));
    assert_eq!((story.request.state, story.request.cards.len()), (State::Approved, 0));
    story.tell(started());
    assert_eq!(story.request.state, State::Activating);
    story.tell(shown(channel()));
}

#[test]
fn whoever_could_not_be_identified_is_told_and_may_press_again() {
    let mut story = Story::pending();
    let number = story.begin_press(&bob(), approve()).unwrap();
    story.tell(Event::NotIdentified { purpose: Purpose::Press { number }, failure: failure(true) });
    let told = tells(&story, &Notice::NotIdentified { why: failure(true) });
    assert_eq!(told, [Recipient::Private { slack_id: bob().slack_id, channel: None }]);
    assert!(story.request.presses.is_empty());
    story.press(&bob(), approve());
    assert_eq!(story.request.state, State::Approved);
}

#[test]
fn a_late_press_is_told_who_decided_each_person_once() {
    let mut story = Story::active();
    let refusal = |story: &Story| match story.request.is_open_for(&approve(), &carol().slack_id, story.now) {
        Err(crate::Refusal::TooLate { by, .. }) => by,
        other => panic!("{other:?}"),
    };
    assert_eq!(refusal(&story), [bob().slack_id]);
    // Bob decided and ended it: he is named once. Carol ended it: both are named.
    let mut by_carol = story.clone();
    story.press(&bob(), super::story::revoke());
    assert_eq!(refusal(&story), [bob().slack_id]);
    by_carol.press(&carol(), super::story::revoke());
    assert_eq!(refusal(&by_carol), [bob().slack_id, carol().slack_id]);
    let restart = Story::failed();
    assert!(restart.request.is_open_for(&Button::Retry, "UBOB", restart.now).is_ok());
}

#[test]
fn a_late_answer_of_granting_is_none_of_taking_back() {
    let mut story = Story::ending();
    let began = story.request.ending_at.unwrap();
    for (at, counts) in [(began - 1, false), (began, true)] {
        let mut story = story.clone();
        story.tell(Event::settled(1, Proof { at, found: on(&story) }));
        assert_eq!(story.step(1).failures == 1, counts, "{at}");
    }
    story.tell(settled(1, Found::Gone));
    assert_eq!(story.step(1).phase, Phase::Gone);
    assert!(START < began);
}
