//! Holding for longer: who may, by how much, how often; what the far side is told, and when it ends then.

use super::people::{alice, bob, carol, workflow};
use super::story::{START, Story, approve, failure, on, settled, started};
use crate::workflow::{Extend, ExtendApproval, OwnRequest, Stage};
use crate::{
    Button, Effect, Event, Found, GRACE_MS, Ledger, Notice, Outcome, Person, Proof, Purpose, Refusal, State, Wake,
};

const HOUR: i64 = 3_600_000;

fn extend(length_ms: i64) -> Button {
    Button::Extend { length_ms }
}

/// Active under a workflow that can be extended twice, by an hour each.
fn active() -> Story {
    let mut workflow = workflow();
    workflow.extend = Some(Extend { times: 2, max_ms: HOUR, approve: ExtendApproval::Automatic, stages: Vec::new() });
    let mut story = Story::pending_under(workflow);
    story.press(&bob(), approve());
    story.tell(started());
    story.tell(settled(0, on(&story)));
    story.tell(settled(1, on(&story)));
    assert_eq!(story.request.state, State::Active);
    story
}

fn refused(story: &Story) -> Option<Refusal> {
    story.last.effects.iter().find_map(|due| match &due.effect {
        Effect::Tell { notice: Notice::Refused { why }, .. } => Some(why.clone()),
        _ => None,
    })
}

/// Presses what shows the end that it has.
fn press(story: &mut Story, person: &Person, length_ms: i64) {
    let (by, button) = (person.slack_id.clone(), extend(length_ms));
    let seal = story.request.seal_for(&button);
    press_sealed(story, person, Event::Pressed { by, button, channel: None, seal, on: None });
}

fn press_sealed(story: &mut Story, person: &Person, pressed: Event) {
    let before = story.request.presses_count;
    story.tell(pressed);
    if story.request.presses_count > before {
        story.end_press(before + 1, person.clone());
    }
}

/// Every step was read back as on until then, at this time.
fn confirm(story: &mut Story, at: i64, until: Option<i64>) {
    for step in 0..2 {
        story.tell(Event::settled(step, Proof { at, found: Found::On { until } }));
    }
}

/// Presses, and everything agrees at once.
fn extended(story: &mut Story, length_ms: i64) {
    press(story, &alice(), length_ms);
    let until = story.request.extending.as_ref().map(|extending| extending.until).expect("it is being extended");
    let now = story.now;
    confirm(story, now, Some(until + GRACE_MS));
}

fn is_told(story: &Story, is_it: impl Fn(&Notice) -> bool) -> bool {
    story.last.effects.iter().any(|due| matches!(&due.effect, Effect::Tell { notice, .. } if is_it(notice)))
}

#[test]
fn every_step_is_told_the_later_end_and_nothing_counts_before_all_of_it_was_read_back() {
    let mut story = active();
    let before = story.request.expires_at.unwrap();
    press(&mut story, &alice(), HOUR / 2);
    let until = before + HOUR / 2;
    let told: Vec<i64> = story
        .last
        .ledger
        .iter()
        .filter_map(|entry| match entry {
            Ledger::Hold { holding, .. } => Some(holding.until),
            _ => None,
        })
        .collect();
    assert_eq!(told, [until + GRACE_MS, until + GRACE_MS]);
    let at = story.now;
    let on = |at, until| Proof { at, found: Found::On { until } };
    for (step, proof, why) in [
        (0, on(at, Some(until + GRACE_MS)), "the other step has not answered"),
        (1, on(at, Some(before + GRACE_MS)), "that is the old end"),
        (1, on(at - 1, None), "it was read before"),
    ] {
        story.tell(Event::settled(step, proof));
        assert_eq!((story.request.expires_at, story.request.extensions.len()), (Some(before), 0), "{why}");
        assert!(!is_told(&story, |notice| *notice == Notice::Extended), "{why}");
    }
    story.tell(Event::settled(1, on(at, Some(until + GRACE_MS))));
    assert_eq!(story.request.expires_at, Some(until));
    assert!(is_told(&story, |notice| *notice == Notice::Extended));
    let wakes = |wake| story.last.effects.iter().any(|due| due.at == until && due.effect == Effect::Wake { wake });
    assert!(wakes(Wake::Expire));
    // The old end rings, and nothing ends.
    story.now = before;
    story.tell(Event::Woke { wake: Wake::Expire });
    assert_eq!(story.request.state, State::Active);
    story.now = until;
    story.tell(Event::Woke { wake: Wake::Expire });
    assert_eq!((story.request.state, story.request.outcome), (State::Ending, Some(Outcome::Expired)));
}

#[test]
fn what_is_not_confirmed_by_the_old_end_ends_then() {
    let mut story = active();
    let before = story.request.expires_at.unwrap();
    press(&mut story, &alice(), HOUR);
    let until = before + HOUR;
    for (retryable, tells) in [(true, 1), (true, 0)] {
        story.tell(Event::SettleFailed { step: 0, failure: failure(retryable) });
        let count = story
            .last
            .effects
            .iter()
            .filter(|due| matches!(&due.effect, Effect::Tell { notice: Notice::NotExtended { .. }, .. }));
        assert_eq!(count.count(), tells, "once");
    }
    story.now = before;
    // Confirmed too late.
    confirm(&mut story, before, Some(until + GRACE_MS));
    assert_eq!(story.request.expires_at, Some(before));
    story.tell(Event::Woke { wake: Wake::Expire });
    assert_eq!((story.request.state, story.request.outcome), (State::Ending, Some(Outcome::Expired)));
    confirm(&mut story, before - 1, Some(until + GRACE_MS));
    assert_eq!((story.request.expires_at, story.request.extensions.len()), (Some(before), 0));
}

#[test]
fn what_is_refused_for_good_is_given_up_and_everything_is_told_the_end_it_has() {
    let mut story = active();
    let before = story.request.expires_at.unwrap();
    press(&mut story, &alice(), HOUR);
    story.tell(Event::SettleFailed { step: 1, failure: failure(false) });
    assert!(is_told(&story, |notice| matches!(notice, Notice::NotExtended { again: false, .. })));
    let told = story
        .last
        .ledger
        .iter()
        .filter(|entry| matches!(entry, Ledger::Hold { holding, .. } if holding.until == before + GRACE_MS));
    assert_eq!(told.count(), 2);
    let now = story.now;
    confirm(&mut story, now, Some(before + HOUR + GRACE_MS));
    assert_eq!((story.request.expires_at, story.request.extending.is_none()), (Some(before), true));
    extended(&mut story, HOUR);
    assert_eq!(story.request.expires_at, Some(before + HOUR), "it may be tried again");
}

#[test]
fn a_press_counts_for_the_end_it_was_made_on() {
    let mut story = active();
    let before = story.request.expires_at.unwrap();
    let old = |story: &Story, length_ms| {
        let button = extend(length_ms);
        let seal = story.request.seal_for(&button);
        Event::Pressed { by: alice().slack_id, button, channel: None, seal, on: None }
    };
    let (first, second) = (old(&story, 0), old(&story, HOUR));
    // Both wait until it is known who pressed.
    story.tell(first.clone());
    story.tell(second.clone());
    assert_eq!(story.request.presses.len(), 2);
    let numbers = [1, 2].map(|back| story.request.presses_count - 2 + back);
    story.end_press(numbers[0], alice());
    let until = story.request.extending.clone().unwrap().until;
    story.tell(first.clone());
    assert_eq!(refused(&story), Some(Refusal::BeingExtended { until }));
    let now = story.now;
    confirm(&mut story, now, Some(until + GRACE_MS));
    story.end_press(numbers[1], alice());
    assert_eq!(refused(&story), Some(Refusal::ExtendedAlready { until }));
    for press in [first, second] {
        story.tell(press);
        assert_eq!(refused(&story), Some(Refusal::ExtendedAlready { until }));
    }
    // A message of a version that named no end.
    let (by, seal) = (alice().slack_id, story.request.seal.clone());
    story.tell(Event::Pressed { by, button: extend(0), channel: None, seal, on: None });
    assert_eq!(refused(&story), Some(Refusal::ExtendedAlready { until }));
    story.tell(Event::Pressed {
        by: alice().slack_id,
        button: extend(0),
        channel: None,
        seal: format!("other@{until}"),
        on: None,
    });
    assert_eq!(refused(&story), Some(Refusal::Altered));
    assert_eq!((story.request.expires_at, story.request.extensions.len()), (Some(until), 1));
    assert!(until > before);
}

#[test]
fn nobody_holds_it_for_longer_than_the_workflow_says() {
    let mut story = active();
    let before = story.request.expires_at.unwrap();
    for (person, length_ms, why) in [
        (alice(), HOUR + 1, Refusal::HoldTooLong { max_ms: HOUR }),
        (alice(), -1, Refusal::HoldTooLong { max_ms: HOUR }),
        (alice(), i64::MAX, Refusal::HoldTooLong { max_ms: HOUR }),
        (bob(), HOUR, Refusal::NotYours),
        (carol(), 0, Refusal::NotYours),
    ] {
        press(&mut story, &person, length_ms);
        assert_eq!(refused(&story), Some(why), "{} {length_ms}", person.name);
    }
    let gone = crate::Person { belongs: Vec::new(), ..alice() };
    press(&mut story, &gone, HOUR);
    assert!(matches!(refused(&story), Some(Refusal::MayNotAsk { .. })), "who may not ask any more");
    assert_eq!((story.request.expires_at, story.request.extending.is_none()), (Some(before), true));
    assert_eq!(story.request.hold_with(&extend(HOUR / 2)), story.request.hold_ms + HOUR / 2);
    extended(&mut story, 0);
    extended(&mut story, HOUR);
    let most = story.request.hold_ms.min(HOUR) + HOUR;
    assert_eq!(story.request.expires_at, Some(before + most));
    press(&mut story, &alice(), 1);
    assert_eq!(refused(&story), Some(Refusal::ExtendedEnough { times: 2 }));
    assert_eq!(story.request.expires_at, Some(before + most));
}

#[test]
fn what_is_not_on_or_was_not_meant_to_be_is_not_extended() {
    let mut plain = Story::active();
    plain.press(&alice(), extend(HOUR));
    assert_eq!(refused(&plain), Some(Refusal::NotExtended));
    let mut pending = Story::pending();
    pending.press(&alice(), extend(HOUR));
    assert_eq!(refused(&pending), Some(Refusal::TooEarly { state: State::Pending }));
    let mut over = active();
    // Its time is up, and nothing has noticed yet.
    over.now = over.request.expires_at.unwrap();
    over.press(&alice(), extend(HOUR));
    let why = refused(&over);
    assert!(matches!(&why, Some(Refusal::TooLate { outcome: Some(Outcome::Expired), .. })), "{why:?}");
    // It was pressed in time, and who pressed is known too late.
    let mut late = active();
    late.now = late.request.expires_at.unwrap() - 1;
    let number = late.begin_press(&alice(), extend(HOUR)).expect("it waits");
    late.now += 1;
    late.end_press(number, alice());
    assert_eq!(refused(&late), why);
    assert_eq!(late.request.extending, None);
    let mut later = active();
    later.request.ask.workflow.extend.as_mut().unwrap().approve = ExtendApproval::Unknown;
    later.press(&alice(), extend(HOUR));
    assert_eq!(refused(&later), Some(Refusal::NotExtended), "what a later version wrote is the strictest");
}

/// Active under a workflow whose extensions are decided, and one of an hour is asked for.
fn asked(approve: ExtendApproval, stages: Vec<Stage>) -> Story {
    let mut story = active();
    story.request.ask.workflow.extend = Some(Extend { times: 2, max_ms: HOUR, approve, stages });
    press(&mut story, &alice(), HOUR);
    let finds = |due: &crate::effect::Due| due.effect == Effect::FindApprovers { stage: 0 };
    assert!(
        story.last.effects.iter().any(finds) && story.last.ledger.is_empty(),
        "people are asked, the far side is not"
    );
    story.tell(Event::ApproversFound { stage: 0, people: vec![bob().slack_id, carol().slack_id] });
    assert!(is_told(&story, |notice| *notice == Notice::ExtensionAsked));
    story
}

fn decide(story: &mut Story, person: &Person, button: Button) {
    let seal = story.request.seal_for(&button);
    press_sealed(story, person, Event::Pressed { by: person.slack_id.clone(), button, channel: None, seal, on: None });
}

#[test]
fn those_who_decided_decide_again_and_then_the_holder_is_looked_at_once_more() {
    let mut story = asked(ExtendApproval::Again, Vec::new());
    let before = story.request.expires_at.unwrap();
    decide(&mut story, &alice(), approve());
    assert_eq!(refused(&story), Some(Refusal::OwnRequest));
    // An old copy of the card shows the request and not this.
    story.tell(super::story::pressed(&bob(), approve()));
    assert_eq!(refused(&story), Some(Refusal::Altered));
    decide(&mut story, &bob(), approve());
    let identifies = Effect::Identify { slack_id: alice().slack_id, purpose: Purpose::Extending };
    assert!(story.last.effects.iter().any(|due| due.effect == identifies));
    assert_eq!(story.request.decisions.last().map(|one| (one.round, one.approved)), Some((1, true)));
    confirm(&mut story, START + HOUR, Some(before + HOUR + GRACE_MS));
    assert_eq!(story.request.expires_at, Some(before), "the far side was told nothing so far");
    story.tell(Event::identified(Purpose::Extending, alice()));
    let now = story.now;
    confirm(&mut story, now, Some(before + HOUR + GRACE_MS));
    assert_eq!(story.request.expires_at, Some(before + HOUR));
    assert!(story.request.approval().is_given(), "the request itself is as it was");
    // And once more, by the same person.
    press(&mut story, &alice(), HOUR);
    story.tell(Event::ApproversFound { stage: 0, people: vec![bob().slack_id] });
    decide(&mut story, &bob(), approve());
    assert_eq!(story.request.decisions.last().map(|one| one.round), Some(2));
    assert_eq!(story.request.decisions.len(), 3);
}

#[test]
fn a_no_to_an_extension_changes_nothing_else() {
    let mut story = asked(ExtendApproval::Again, Vec::new());
    let before = story.request.clone();
    let old = {
        let button = approve();
        let seal = story.request.seal_for(&button);
        Event::Pressed { by: carol().slack_id, button, channel: None, seal, on: None }
    };
    decide(&mut story, &bob(), super::story::deny());
    assert_eq!((story.request.state, story.request.outcome), (State::Active, None));
    assert_eq!((story.request.expires_at, &story.request.extending), (before.expires_at, &None));
    assert!(is_told(&story, |notice| matches!(notice, Notice::Decided { approved: false, extends: true, .. })));
    story.tell(old);
    assert_eq!(refused(&story), Some(Refusal::ExtensionDecided { until: before.expires_at.unwrap() }));
    press(&mut story, &alice(), HOUR);
    assert!(story.request.is_extension_asked(), "it may be asked again");
    story.now = before.expires_at.unwrap();
    decide(&mut story, &carol(), approve());
    assert!(matches!(refused(&story), Some(Refusal::TooLate { .. })));
    story.tell(Event::Woke { wake: Wake::Expire });
    assert_eq!((story.request.state, story.request.outcome), (State::Ending, Some(Outcome::Expired)));
}

#[test]
fn stages_of_its_own_are_decided_by_their_people_alone_and_in_order() {
    let of = |person: &Person| Stage::of(1, vec![crate::Who::Email(person.email.clone().unwrap())], OwnRequest::Never);
    let mut story = asked(ExtendApproval::Stages, vec![of(&carol()), of(&bob())]);
    let by_name = |person: Person| {
        let named = crate::Who::Email(person.email.clone().unwrap());
        Person { belongs: [person.belongs.clone(), vec![named]].concat(), ..person }
    };
    let (bob, carol) = (by_name(bob()), by_name(carol()));
    decide(&mut story, &bob, approve());
    assert!(matches!(refused(&story), Some(Refusal::StageComesLater { .. })));
    decide(&mut story, &carol, approve());
    assert!(story.last.effects.iter().any(|due| due.effect == Effect::FindApprovers { stage: 1 }));
    decide(&mut story, &carol, approve());
    assert_eq!(refused(&story), Some(Refusal::DecidedBefore));
    decide(&mut story, &bob, approve());
    assert!(!story.request.is_extension_asked());
    let left = crate::Person { belongs: Vec::new(), ..alice() };
    let until = story.request.expires_at;
    story.tell(Event::identified(Purpose::Extending, left));
    assert!(is_told(&story, |notice| matches!(notice, Notice::NotExtended { again: false, .. })));
    assert_eq!((story.request.expires_at, &story.request.extending), (until, &None));
}
