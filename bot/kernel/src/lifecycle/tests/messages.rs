//! Copies of the card that nobody remembered, and messages whose buttons are out of date.

use super::people::{alice, bob, carol, workflow};
use super::story::{Story, approve, failure, settled, shown};
use super::words::words;
use crate::request::Message;
use crate::{Button, Event, Found, Person, Place, PressedOn, Recipient, Shows, State, Wake, Workflow};

fn on(shows: Shows, channel: &str, ts: &str) -> PressedOn {
    PressedOn { shows, message: Message { channel: channel.to_owned(), ts: ts.to_owned() } }
}

fn pressed_on(by: &Person, button: Button, on: PressedOn) -> Event {
    let seal = "seal".to_owned();
    Event::Pressed { by: by.slack_id.clone(), button, channel: Some(on.message.channel.clone()), seal, on: Some(on) }
}

/// What the event led to, and which message is the card then.
fn after(story: &Story, event: Event) -> String {
    let mut after = story.clone();
    after.tell(event);
    let cards = after.request.cards.iter().map(|card| card.message.as_ref().map_or("none", |message| &message.ts));
    format!("{}; card {}", words(&story.request, &after), cards.collect::<Vec<_>>().join(" "))
}

/// Approvers are known, and the card was not confirmed: it may be on its way, or posted before a kill.
fn card_unknown(workflow: Workflow) -> Story {
    let mut story = Story::of(super::people::ask(workflow));
    story.tell(Event::ApproversFound { stage: 0, people: vec![bob().slack_id, carol().slack_id] });
    story
}

#[test]
fn a_press_on_a_copy_counts_and_the_copy_points_at_the_card() {
    let (pending, active) = (Story::pending(), Story::active());
    let copy = || on(Shows::Card, "C1", "0.9");
    let card = || on(Shows::Card, "C1", "1.1");
    insta::assert_snapshot!(after(&pending, pressed_on(&bob(), approve(), copy())), @"noted, rewrite 0.9 moved, identify UBOB for press 1; card 1.1");
    insta::assert_snapshot!(after(&pending, pressed_on(&bob(), approve(), card())), @"noted, identify UBOB for press 1; card 1.1");
    insta::assert_snapshot!(after(&active, pressed_on(&bob(), approve(), copy())), @"rewrite 0.9 moved, tell UBOB no: too late, active; card 1.1");
    insta::assert_snapshot!(after(&active, pressed_on(&bob(), approve(), card())), @"tell UBOB no: too late, active; card 1.1");
}

#[test]
fn a_press_on_a_card_nobody_remembered_makes_it_the_card() {
    let story = card_unknown(workflow());
    insta::assert_snapshot!(after(&story, pressed_on(&bob(), approve(), on(Shows::Card, "C1", "0.9"))), @"noted, show #access, identify UBOB for press 1; card 0.9");
    // Elsewhere it is only a copy.
    insta::assert_snapshot!(after(&story, pressed_on(&bob(), approve(), on(Shows::Card, "D1", "0.9"))), @"noted, rewrite 0.9 moved, identify UBOB for press 1; card none");
    let direct = card_unknown(Workflow { announce: None, ..workflow() });
    insta::assert_snapshot!(after(&direct, pressed_on(&carol(), approve(), on(Shows::Card, "D1", "0.9"))), @"noted, show UCAROL, identify UCAROL for press 1; card none 0.9");
    insta::assert_snapshot!(after(&direct, pressed_on(&alice(), approve(), on(Shows::Card, "D1", "0.9"))), @"noted, rewrite 0.9 moved, identify UALICE for press 1; card none none");
}

#[test]
fn of_two_cards_the_newer_stays_and_the_older_points_at_it() {
    let mut story = card_unknown(workflow());
    story.tell(pressed_on(&bob(), approve(), on(Shows::Card, "C1", "0.9")));
    let again = || Event::Shown { place: Place::Channel("#access".into()), channel: "C1".into(), ts: "1.1".into() };
    insta::assert_snapshot!(after(&story, again()), @"noted, rewrite 0.9 moved; card 1.1");
    story.tell(again());
    insta::assert_snapshot!(after(&story, again()), @"-; card 1.1");
    insta::assert_snapshot!(after(&story, shown(Place::Channel("#other".into()))), @"-; card 1.1");
    let other = Event::Shown { place: Place::Channel("#other".into()), channel: "C2".into(), ts: "2.2".into() };
    insta::assert_snapshot!(after(&story, other), @"rewrite 2.2 moved; card 1.1");
}

#[test]
fn a_press_that_comes_too_late_puts_its_message_right() {
    let (active, over) = (Story::active(), Story::request_in(State::Ended));
    for shows in [Shows::Active, Shows::EndsSoon] {
        let press = || pressed_on(&alice(), Button::Return, on(shows, "D1", "5.5"));
        assert!(!after(&active, press()).contains("rewrite"), "it does what it says");
        assert!(after(&over, press()).contains(&format!("rewrite 5.5 {}", shows.word().replace('_', ""))));
    }
    let press = |shows| pressed_on(&carol(), Button::Retry, on(shows, "C1", "5.5"));
    assert!(after(&over, press(Shows::Stuck)).contains("rewrite 5.5 stuck"));
    assert!(after(&over, press(Shows::Failed)).contains("rewrite 5.5 failed"));
    let mut foreign = press(Shows::Stuck);
    if let Event::Pressed { seal, .. } = &mut foreign {
        *seal = "another".to_owned();
    }
    assert!(!after(&over, foreign).contains("rewrite"), "no message with another seal is touched");
}

#[test]
fn alarms_are_remembered_until_it_is_over_and_rewritten_then() {
    let mut story = Story::stuck();
    for ts in ["7.1", "7.2", "7.2"] {
        story.tell(Event::Notified {
            shows: Shows::Stuck,
            to: Recipient::Channel,
            channel: "C1".into(),
            ts: ts.into(),
        });
    }
    assert_eq!(story.request.notifications.len(), 2);
    story.press(&carol(), Button::Retry);
    assert_eq!(story.request.pushed_by, Some(carol().slack_id));
    let mut by_itself = story.clone();
    let before = story.request.clone();
    story.tell(settled(1, Found::Gone));
    insta::assert_snapshot!(words(&before, &story), @"ENDED expired, UNSTUCK, steps gone+gone, leave b, tell UBOB unstuck, tell channel unstuck, tell UALICE ended, tell thread ended, show #access, rewrite 7.1 stuck, rewrite 7.2 stuck");
    assert_eq!((story.request.notifications.len(), &story.request.pushed_by), (0, &Some(carol().slack_id)));
    by_itself.tell(Event::SettleFailed { step: 1, failure: failure(true) });
    assert_eq!(by_itself.request.pushed_by, None, "that Retry did not help");
    insta::assert_snapshot!(after(&story, Event::Notified { shows: Shows::Stuck, to: Recipient::Channel, channel: "C1".into(), ts: "7.3".into() }), @"rewrite 7.3 stuck; card 1.1");
}

#[test]
fn words_in_messages_are_read_as_they_were_written() {
    for shows in Shows::ALL {
        assert_eq!(Shows::read(shows.word()), Some(shows));
    }
    assert_eq!(Shows::read("b1x9z"), None);
}

fn notified(shows: Shows, ts: &str) -> Event {
    Event::Notified { shows, to: Recipient::Person { slack_id: "UALICE".into() }, channel: "D1".into(), ts: ts.into() }
}

#[test]
fn that_it_is_on_or_ends_soon_is_rewritten_when_it_is_so_no_longer() {
    let mut story = Story::active();
    story.tell(notified(Shows::Active, "5.1"));
    story.tell(notified(Shows::EndsSoon, "5.2"));
    story.tell(notified(Shows::EndsSoon, "5.2"));
    assert_eq!(story.request.notifications.len(), 2);
    // For the moment of taking back nobody rewrites anything.
    let mut expiring = story.clone();
    expiring.now = story.request.expires_at.unwrap();
    insta::assert_snapshot!(after(&expiring, Event::Woke { wake: Wake::Expire }), @"ENDING expired, steps releasing+releasing, release a, release b, settle b, wake alarm in 1m, show #access; card 1.1");
    let mut ending = Story::stuck();
    ending.request.notifications = story.request.notifications.clone();
    let before = ending.request.clone();
    ending.tell(settled(1, Found::Gone));
    insta::assert_snapshot!(words(&before, &ending), @"ENDED expired, UNSTUCK, steps gone+gone, leave b, tell UBOB unstuck, tell channel unstuck, tell UALICE ended, tell thread ended, show #access, rewrite 5.1 active, rewrite 5.2 endssoon");
    assert!(ending.request.notifications.is_empty());
    // Stuck, it may still be on, and "active until" is a promise nobody keeps.
    let mut late = Story::active();
    late.tell(notified(Shows::Active, "5.1"));
    late.now = late.request.expires_at.unwrap();
    late.tell(Event::Woke { wake: Wake::Expire });
    let before = late.request.clone();
    late.pass(super::super::STUCK_AFTER_MS);
    late.tell(Event::Woke { wake: Wake::Alarm });
    insta::assert_snapshot!(words(&before, &late), @"STUCK, tell UALICE stuck, tell UBOB stuck, tell channel stuck, wake alarm in 10m, show #access, rewrite 5.1 active");
    assert_eq!(late.request.notifications.len(), 1, "there is a last word to come");
    // Posted when it was over already.
    insta::assert_snapshot!(after(&ending, notified(Shows::Active, "5.3")), @"rewrite 5.3 active; card 1.1");
}

#[test]
fn what_somebody_else_keeps_on_is_alarmed_like_what_cannot_be_taken_back() {
    let mut story = Story::active();
    story.now = story.request.expires_at.unwrap();
    story.tell(Event::Woke { wake: Wake::Expire });
    story.tell(settled(1, Found::Gone));
    let before = story.request.clone();
    story.tell(settled(0, Found::LeftAlone { what: "true, without an end".into(), is_on: true }));
    insta::assert_snapshot!(words(&before, &story), @"ENDED expired, steps gone+gone, leave a, tell UBOB lefton, tell channel lefton, tell UALICE ended, tell thread ended, show #access");
    assert!(story.request.is_left_on());
}

#[test]
fn a_failure_that_was_tried_again_does_not_stay_as_it_was_said() {
    let mut story = Story::failed();
    story.tell(notified(Shows::Failed, "6.1"));
    assert_eq!(story.request.notifications.len(), 1, "its button still does something");
    let before = story.request.clone();
    story.press(&alice(), Button::Retry);
    assert!(story.last.effects.iter().any(|due| matches!(due.effect, crate::Effect::Rewrite { .. })), "{before:?}");
    story.tell(super::story::started());
    story.tell(settled(0, super::story::on(&story)));
    story.tell(settled(1, super::story::on(&story)));
    assert_eq!(story.request.state, State::Active);
    story.now = story.request.expires_at.unwrap();
    story.tell(Event::Woke { wake: Wake::Expire });
    story.tell(settled(1, Found::Gone));
    story.tell(settled(0, Found::Gone));
    assert_eq!(story.request.state, State::Ended);
    assert!(story.last.effects.iter().any(|due| matches!(due.effect, crate::Effect::Rewrite { .. })), "the last word");
    assert!(story.request.notifications.is_empty());
}
