//! Holding for longer: who may, by how much, how often; what the far side is told, and when it ends then.

use super::people::{alice, bob, carol, workflow};
use super::story::{Story, approve, on, settled, started};
use crate::workflow::{Extend, ExtendApproval};
use crate::{Button, Effect, Event, GRACE_MS, Ledger, Notice, Outcome, Refusal, State, Wake};

const HOUR: i64 = 3_600_000;

fn extend(length_ms: i64) -> Button {
    Button::Extend { length_ms }
}

/// Active under a workflow that can be extended twice, by an hour each.
fn active() -> Story {
    let mut workflow = workflow();
    workflow.extend = Some(Extend { times: 2, max_ms: HOUR, approve: ExtendApproval::Automatic });
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

#[test]
fn the_end_moves_with_the_commit_and_every_step_is_told() {
    let mut story = active();
    let before = story.request.expires_at.unwrap();
    story.press(&alice(), extend(HOUR / 2));
    let until = before + HOUR / 2;
    assert_eq!(story.request.expires_at, Some(until));
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
        story.press(&person, extend(length_ms));
        assert_eq!(refused(&story), Some(why), "{} {length_ms}", person.name);
    }
    let gone = crate::Person { belongs: Vec::new(), ..alice() };
    story.press(&gone, extend(HOUR));
    assert!(matches!(refused(&story), Some(Refusal::MayNotAsk { .. })), "who may not ask any more");
    assert_eq!(story.request.expires_at, Some(before));
    story.press(&alice(), extend(0));
    story.press(&alice(), extend(HOUR));
    let most = story.request.hold_ms.min(HOUR) + HOUR;
    assert_eq!(story.request.expires_at, Some(before + most));
    story.press(&alice(), extend(1));
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
    assert!(matches!(refused(&over), Some(Refusal::TooLate { .. })));
    let mut later = active();
    later.request.ask.workflow.extend.as_mut().unwrap().approve = ExtendApproval::Unknown;
    later.press(&alice(), extend(HOUR));
    assert_eq!(refused(&later), Some(Refusal::NotExtended), "what a later version wrote is the strictest");
}
