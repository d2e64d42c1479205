//! One table a state: what every event does there. A new event does not compile here until it has its lines.

use super::people::{alice, bob, guest};
use super::story::{Story, approve, failure, on, pressed, settled, shown, started};
use super::words::words;
use crate::automatic::Facts;
use crate::drift::Drift;
use crate::{Event, Found, Place, Purpose, State, Wake};

/// How many kinds of events there are; `kind` has an arm for each.
const KINDS_COUNT: usize = 18;

fn kind(event: &Event) -> usize {
    match event {
        Event::Asked => 0,
        Event::ApproversFound { .. } => 1,
        Event::Pressed { .. } => 2,
        Event::Identified { .. } => 3,
        Event::NotIdentified { .. } => 4,
        Event::Settled { .. } => 5,
        Event::SettleFailed { .. } => 6,
        Event::Observed { .. } => 7,
        Event::Shown { .. } => 8,
        Event::NotShown { .. } => 9,
        Event::Woke { .. } => 10,
        Event::Notified { .. } => 11,
        Event::Denied { .. } => 12,
        Event::Revoked { .. } => 13,
        Event::Looked { .. } => 14,
        Event::ReviewersFound { .. } => 15,
        Event::TierFound { .. } => 16,
        Event::Drifted { .. } => 17,
    }
}

fn root() -> crate::Operator {
    crate::Operator { user: "root".to_owned(), host: "lock1".to_owned() }
}

fn notified() -> Event {
    let (shows, to) = (crate::event::Shows::Stuck, crate::Recipient::Channel);
    Event::Notified { shows, to, channel: "C1".to_owned(), ts: "9.9".to_owned() }
}

fn drifted(found: &str, is_gone: bool) -> Event {
    let found = found.to_owned();
    let drift = Drift { found, by: None, at: 1, is_gone, put_back_by: None, is_adopted: false };
    Event::Drifted { step: 0, drift }
}

fn looked() -> Event {
    let facts = Facts {
        person: alice(),
        unread: Vec::new(),
        device: None,
        passed_today: Vec::new(),
        judged: None,
        asker: None,
    };
    Event::Looked { facts: Box::new(facts) }
}

/// Every event, at its time, with a label.
fn every_event(story: &Story) -> Vec<(&'static str, i64, Event)> {
    let now = story.now;
    let on = || on(story);
    let place = |name: &str| Place::Channel(name.to_owned());
    let press = Purpose::Press { number: 99 };
    let lapses_at = story.request.lapses_at().max(now);
    let expires_at = story.request.expires_at.unwrap_or(now).max(now);
    let alarm_at = story.request.alarm_at.unwrap_or(now).max(now);
    let other_seal =
        Event::Pressed { by: bob().slack_id, button: approve(), channel: None, seal: "another".to_owned(), on: None };
    let left_alone = Found::LeftAlone { what: "false".to_owned(), is_on: false };
    let failed = |step, retryable| Event::SettleFailed { step, failure: failure(retryable) };
    let not_started = Event::NotIdentified { purpose: Purpose::Start, failure: failure(true) };
    let not_pressed = Event::NotIdentified { purpose: press.clone(), failure: failure(true) };
    vec![
        ("asked", now, Event::Asked),
        ("approvers found", now, Event::ApproversFound { stage: 0, people: vec![bob().slack_id] }),
        ("approvers found, nobody", now, Event::ApproversFound { stage: 0, people: vec![] }),
        ("reviewers found", now, Event::ReviewersFound { people: vec![bob().slack_id] }),
        ("tier found", now, Event::TierFound { stage: 0, tier: 0, people: vec![bob().slack_id] }),
        ("pressed approve", now, pressed(&bob(), approve())),
        ("pressed, wrong seal", now, other_seal),
        ("denied by an operator", now, Event::Denied { by: root(), reason: "no".to_owned() }),
        ("revoked by an operator", now, Event::Revoked { by: root(), reason: "no".to_owned() }),
        ("identified, no such press", now, Event::identified(press, bob())),
        ("not identified, no such press", now, not_pressed),
        ("identified to start", now, started()),
        ("guest to start", now, Event::identified(Purpose::Start, guest(alice()))),
        ("not identified to start", now, not_started),
        ("looked whether it passes", now, looked()),
        ("settled 0, on", now, settled(0, on())),
        ("settled 0, on before", now, settled(0, Found::OnBefore)),
        ("settled 0, taken away", now, settled(0, Found::TakenAway)),
        ("settled 0, gone", now, settled(0, Found::Gone)),
        ("settled 1, on", now, settled(1, on())),
        ("settled 1, left alone", now, settled(1, left_alone)),
        ("settled 9, gone", now, settled(9, Found::Gone)),
        ("settle 0 failed", now, failed(0, true)),
        ("settle 0 failed for good", now, failed(0, false)),
        ("settle 1 failed", now, failed(1, true)),
        ("settle 9 failed", now, failed(9, true)),
        ("changed by somebody else", now, drifted("true, without an end", false)),
        ("taken away by somebody", now, drifted("", true)),
        ("observed 0", now, Event::Observed { step: 0, before: serde_json::Value::Null, again: false }),
        ("observed 9", now, Event::Observed { step: 9, before: serde_json::Value::Null, again: false }),
        ("shown", now, shown(place("#access"))),
        (
            "shown again elsewhere",
            now,
            Event::Shown { place: place("#access"), channel: "C1".into(), ts: "2.2".into() },
        ),
        ("shown, unknown place", now, shown(place("#other"))),
        ("not shown", now, Event::NotShown { place: place("#access"), failure: failure(false) }),
        ("notified", now, notified()),
        ("woke to lapse, early", now, Event::Woke { wake: Wake::Lapse }),
        ("woke to lapse", lapses_at, Event::Woke { wake: Wake::Lapse }),
        ("woke to warn", now, Event::Woke { wake: Wake::Warn }),
        ("woke to warn, late", expires_at, Event::Woke { wake: Wake::Warn }),
        ("woke to expire, early", now, Event::Woke { wake: Wake::Expire }),
        ("woke to expire", expires_at, Event::Woke { wake: Wake::Expire }),
        ("woke to alarm, early", now, Event::Woke { wake: Wake::Alarm }),
        ("woke to alarm", alarm_at, Event::Woke { wake: Wake::Alarm }),
        ("woke to review", now, Event::Woke { wake: Wake::Review }),
    ]
}

/// One line an event that does something; those that do nothing are named in the last line.
fn table(story: &Story) -> String {
    let mut lines = String::new();
    let mut nothing = Vec::new();
    for (label, at, event) in every_event(story) {
        let mut after = story.clone();
        after.now = at;
        after.tell(event);
        match words(&story.request, &after).as_str() {
            "-" => nothing.push(label),
            words => lines.push_str(&format!("{label}: {words}\n")),
        }
    }
    format!("{lines}nothing: {}", nothing.join("; "))
}

#[test]
fn every_kind_of_event_is_in_the_tables() {
    let mut seen = [false; KINDS_COUNT];
    for (_, _, event) in every_event(&Story::pending()) {
        seen[kind(&event)] = true;
    }
    assert_eq!(seen, [true; KINDS_COUNT]);
}

#[test]
fn asked() {
    let mut story = Story::of(super::people::ask(super::people::workflow()));
    let nothing_before = story.request.clone();
    insta::assert_snapshot!(words(&nothing_before, &story), @"find approvers, wake lapse in 8h");
    story.tell(Event::ApproversFound { stage: 0, people: vec![bob().slack_id] });
    insta::assert_snapshot!(words(&nothing_before, &story), @"noted, show #access");
}

#[test]
fn pending() {
    insta::assert_snapshot!(table(&Story::request_in(State::Pending)), @"
    pressed approve: noted, identify UBOB for press 1
    pressed, wrong seal: tell UBOB no: shown text is not the stored text
    denied by an operator: ENDED denied, show #access, tell thread denied, tell UALICE denied
    observed 0: remember a
    shown again elsewhere: noted, rewrite 1.1 moved
    notified: rewrite 9.9 stuck
    woke to lapse, early: wake lapse in 7h59m
    woke to lapse: ENDED lapsed, show #access, tell UALICE lapsed
    nothing: asked; approvers found; approvers found, nobody; reviewers found; tier found; revoked by an operator; identified, no such press; not identified, no such press; identified to start; guest to start; not identified to start; looked whether it passes; settled 0, on; settled 0, on before; settled 0, taken away; settled 0, gone; settled 1, on; settled 1, left alone; settled 9, gone; settle 0 failed; settle 0 failed for good; settle 1 failed; settle 9 failed; changed by somebody else; taken away by somebody; observed 9; shown; shown, unknown place; not shown; woke to warn; woke to warn, late; woke to expire, early; woke to expire; woke to alarm, early; woke to alarm; woke to review
    ");
}

#[test]
fn approved() {
    insta::assert_snapshot!(table(&Story::request_in(State::Approved)), @"
    pressed approve: tell UBOB no: too late, approved
    pressed, wrong seal: tell UBOB no: shown text is not the stored text
    revoked by an operator: ENDED revoked, tell UALICE ended, tell thread ended, show #access
    identified to start: ACTIVATING, steps begun+waiting, hold a, settle a, show #access
    guest to start: ENDED failed, show #access, tell UALICE failed, tell UBOB failed, tell thread failed
    not identified to start: ENDED failed, show #access, tell UALICE failed, tell UBOB failed, tell thread failed
    observed 0: remember a
    shown again elsewhere: noted, rewrite 1.1 moved
    notified: rewrite 9.9 stuck
    nothing: asked; approvers found; approvers found, nobody; reviewers found; tier found; denied by an operator; identified, no such press; not identified, no such press; looked whether it passes; settled 0, on; settled 0, on before; settled 0, taken away; settled 0, gone; settled 1, on; settled 1, left alone; settled 9, gone; settle 0 failed; settle 0 failed for good; settle 1 failed; settle 9 failed; changed by somebody else; taken away by somebody; observed 9; shown; shown, unknown place; not shown; woke to lapse, early; woke to lapse; woke to warn; woke to warn, late; woke to expire, early; woke to expire; woke to alarm, early; woke to alarm; woke to review
    ");
}

#[test]
fn activating() {
    insta::assert_snapshot!(table(&Story::request_in(State::Activating)), @"
    pressed approve: tell UBOB no: too late, activating
    pressed, wrong seal: tell UBOB no: shown text is not the stored text
    revoked by an operator: ENDING revoked, steps releasing+waiting, release a, settle a, wake alarm in 1m, show #access
    settled 0, on: steps held+begun, confirm a, hold b, settle b
    settled 0, on before: steps held+begun, confirm a, hold b, settle b
    settled 0, gone: noted, settle a in 1s, show #access
    settle 0 failed: noted, settle a in 1s, show #access
    settle 0 failed for good: ENDING failed, steps releasing+waiting, release a, settle a, wake alarm in 1m, show #access, tell UALICE failed, tell UBOB failed, tell thread failed
    observed 0: remember a
    shown again elsewhere: noted, rewrite 1.1 moved
    notified: rewrite 9.9 stuck
    nothing: asked; approvers found; approvers found, nobody; reviewers found; tier found; denied by an operator; identified, no such press; not identified, no such press; identified to start; guest to start; not identified to start; looked whether it passes; settled 0, taken away; settled 1, on; settled 1, left alone; settled 9, gone; settle 1 failed; settle 9 failed; changed by somebody else; taken away by somebody; observed 9; shown; shown, unknown place; not shown; woke to lapse, early; woke to lapse; woke to warn; woke to warn, late; woke to expire, early; woke to expire; woke to alarm, early; woke to alarm; woke to review
    ");
}

#[test]
fn active() {
    insta::assert_snapshot!(table(&Story::request_in(State::Active)), @"
    pressed approve: tell UBOB no: too late, active
    pressed, wrong seal: tell UBOB no: shown text is not the stored text
    revoked by an operator: ENDING revoked, steps releasing+releasing, release a, release b, settle b, wake alarm in 1m, show #access
    settled 0, on: confirm a
    settled 0, on before: noted, confirm a
    settled 0, taken away: ENDING revoked, steps releasing+releasing, release a, release b, settle b, wake alarm in 1m, show #access
    settled 1, on: confirm b
    settle 0 failed: noted, settle a in 1s, show #access
    settle 0 failed for good: noted, show #access
    settle 1 failed: noted, settle b in 1s, show #access
    changed by somebody else: noted, tell channel drifted, show #access
    observed 0: remember a
    shown again elsewhere: noted, rewrite 1.1 moved
    notified: rewrite 9.9 stuck
    woke to warn: noted, tell UALICE endssoon
    woke to expire, early: wake expire in 2h
    woke to expire: ENDING expired, steps releasing+releasing, release a, release b, settle b, wake alarm in 1m, show #access
    nothing: asked; approvers found; approvers found, nobody; reviewers found; tier found; denied by an operator; identified, no such press; not identified, no such press; identified to start; guest to start; not identified to start; looked whether it passes; settled 0, gone; settled 1, left alone; settled 9, gone; settle 9 failed; taken away by somebody; observed 9; shown; shown, unknown place; not shown; woke to lapse, early; woke to lapse; woke to warn, late; woke to alarm, early; woke to alarm; woke to review
    ");
}

#[test]
fn ending() {
    insta::assert_snapshot!(table(&Story::request_in(State::Ending)), @"
    pressed approve: tell UBOB no: too late, ending expired
    pressed, wrong seal: tell UBOB no: shown text is not the stored text
    settled 0, on: noted, settle a in 1s, show #access
    settled 0, on before: noted, settle a in 1s, show #access
    settled 0, gone: steps gone+releasing, leave a
    settled 1, on: noted, settle b in 1s, settle a, show #access
    settled 1, left alone: steps releasing+gone, leave b, settle a
    settle 0 failed: noted, settle a in 1s, show #access
    settle 0 failed for good: STUCK, settle a in 1s, tell UALICE stuck, tell UBOB stuck, tell channel stuck, wake alarm in 10m, show #access
    settle 1 failed: noted, settle b in 1s, settle a, show #access
    observed 0: remember a
    shown again elsewhere: noted, rewrite 1.1 moved
    notified: rewrite 9.9 stuck
    woke to alarm, early: wake alarm in 1m
    woke to alarm: STUCK, tell UALICE stuck, tell UBOB stuck, tell channel stuck, wake alarm in 10m, show #access
    nothing: asked; approvers found; approvers found, nobody; reviewers found; tier found; denied by an operator; revoked by an operator; identified, no such press; not identified, no such press; identified to start; guest to start; not identified to start; looked whether it passes; settled 0, taken away; settled 9, gone; settle 9 failed; changed by somebody else; taken away by somebody; observed 9; shown; shown, unknown place; not shown; woke to lapse, early; woke to lapse; woke to warn; woke to warn, late; woke to expire, early; woke to expire; woke to review
    ");
}

#[test]
fn ending_and_stuck() {
    insta::assert_snapshot!(table(&Story::stuck()), @"
    pressed approve: tell UBOB no: too late, ending expired
    pressed, wrong seal: tell UBOB no: shown text is not the stored text
    settled 1, on: noted, settle b in 32s, show #access
    settled 1, left alone: ENDED expired, UNSTUCK, steps gone+gone, leave b, tell UBOB unstuck, tell channel unstuck, tell UALICE ended, tell thread ended, show #access
    settle 1 failed: noted, settle b in 32s, show #access
    observed 0: remember a
    shown again elsewhere: noted, rewrite 1.1 moved
    notified: noted
    woke to alarm, early: wake alarm in 10m
    woke to alarm: noted, tell channel stuck, wake alarm in 20m
    nothing: asked; approvers found; approvers found, nobody; reviewers found; tier found; denied by an operator; revoked by an operator; identified, no such press; not identified, no such press; identified to start; guest to start; not identified to start; looked whether it passes; settled 0, on; settled 0, on before; settled 0, taken away; settled 0, gone; settled 9, gone; settle 0 failed; settle 0 failed for good; settle 9 failed; changed by somebody else; taken away by somebody; observed 9; shown; shown, unknown place; not shown; woke to lapse, early; woke to lapse; woke to warn; woke to warn, late; woke to expire, early; woke to expire; woke to review
    ");
}

#[test]
fn ended() {
    insta::assert_snapshot!(table(&Story::request_in(State::Ended)), @"
    pressed approve: tell UBOB no: too late, ended expired
    pressed, wrong seal: tell UBOB no: shown text is not the stored text
    observed 0: remember a
    shown again elsewhere: noted, rewrite 1.1 moved
    notified: rewrite 9.9 stuck
    nothing: asked; approvers found; approvers found, nobody; reviewers found; tier found; denied by an operator; revoked by an operator; identified, no such press; not identified, no such press; identified to start; guest to start; not identified to start; looked whether it passes; settled 0, on; settled 0, on before; settled 0, taken away; settled 0, gone; settled 1, on; settled 1, left alone; settled 9, gone; settle 0 failed; settle 0 failed for good; settle 1 failed; settle 9 failed; changed by somebody else; taken away by somebody; observed 9; shown; shown, unknown place; not shown; woke to lapse, early; woke to lapse; woke to warn; woke to warn, late; woke to expire, early; woke to expire; woke to alarm, early; woke to alarm; woke to review
    ");
}

#[test]
fn ended_because_granting_failed() {
    insta::assert_snapshot!(table(&Story::failed()), @"
    pressed approve: tell UBOB no: too late, ended failed
    pressed, wrong seal: tell UBOB no: shown text is not the stored text
    observed 0: remember a
    shown again elsewhere: noted, rewrite 1.1 moved
    notified: rewrite 9.9 stuck
    nothing: asked; approvers found; approvers found, nobody; reviewers found; tier found; denied by an operator; revoked by an operator; identified, no such press; not identified, no such press; identified to start; guest to start; not identified to start; looked whether it passes; settled 0, on; settled 0, on before; settled 0, taken away; settled 0, gone; settled 1, on; settled 1, left alone; settled 9, gone; settle 0 failed; settle 0 failed for good; settle 1 failed; settle 9 failed; changed by somebody else; taken away by somebody; observed 9; shown; shown, unknown place; not shown; woke to lapse, early; woke to lapse; woke to warn; woke to warn, late; woke to expire, early; woke to expire; woke to alarm, early; woke to alarm; woke to review
    ");
}
