//! Asked for somebody else: who may, who decides, and that glass is broken for oneself alone.

use super::people::{alice, ask, bob, carol, dave, workflow};
use super::story::{Story, approve, deny, moment};
use crate::workflow::OwnRequest;
use crate::{Ask, Button, Effect, Event, Notice, Outcome, Person, Refusal, Request, State, Who};

/// Bob, who may decide too, asks for alice.
fn for_alice(own_request: OwnRequest) -> Ask {
    let mut workflow = workflow();
    workflow.ask_for = vec![Who::TailnetGroup("group:dba".to_owned())];
    workflow.approve[0].own_request = own_request;
    Ask { asker: Some(Box::new(bob())), ..ask(workflow) }
}

fn refused(story: &Story) -> Option<Refusal> {
    story.last.effects.iter().find_map(|due| match &due.effect {
        Effect::Tell { notice: Notice::Refused { why }, .. } => Some(why.clone()),
        _ => None,
    })
}

fn why_not(change: impl FnOnce(&mut Ask)) -> Option<Refusal> {
    let mut ask = for_alice(OwnRequest::Never);
    change(&mut ask);
    Request::ask(ask, moment(super::story::START)).err()
}

#[test]
fn both_have_to_be_let_in() {
    assert_eq!(why_not(|_| {}), None);
    let nobody = why_not(|ask| ask.workflow.ask_for.clear());
    assert_eq!(nobody, Some(Refusal::MayNotAskFor { ask_for: Vec::new() }));
    assert!(matches!(why_not(|ask| ask.asker = Some(Box::new(dave()))), Some(Refusal::MayNotAskFor { .. })));
    assert!(matches!(why_not(|ask| ask.requester = carol()), Some(Refusal::NotForThem { .. })), "who could not ask");
    assert_eq!(why_not(|ask| ask.breaks_glass = true), Some(Refusal::GlassForAnother));
}

#[test]
fn neither_decides_whatever_the_stage_says_of_own_requests() {
    for own in [OwnRequest::Never, OwnRequest::Confirm, OwnRequest::Allow] {
        let mut story = Story::of(for_alice(own));
        let told = |due: &crate::effect::Due| matches!(&due.effect, Effect::Tell { notice: Notice::AskedFor, .. });
        assert!(story.last.effects.iter().any(told), "whoever it is for hears of it");
        story.tell(Event::ApproversFound { stage: 0, people: vec![carol().slack_id] });
        for person in [alice(), bob()] {
            story.press(&person, Button::Approve { confirmed: true, hold_ms: None });
            assert_eq!(refused(&story), Some(Refusal::OwnRequest), "{} {own:?}", person.name);
            story.press(&person, deny());
            assert_eq!(refused(&story), Some(Refusal::OwnDenial), "{} {own:?}", person.name);
        }
        let other_account = Person { slack_id: "UBOB2".to_owned(), email: None, ..bob() };
        story.press(&other_account, approve());
        assert_eq!(refused(&story), Some(Refusal::OwnRequest), "whatever account they use");
        story.press(&alice(), Button::BreakGlass);
        assert_eq!(refused(&story), Some(Refusal::GlassForAnother));
        story.press(&carol(), approve());
        assert_eq!(story.request.state, State::Approved);
    }
}

#[test]
fn whoever_asked_may_withdraw_it_and_does_not_hold_it() {
    let mut story = Story::of(for_alice(OwnRequest::Never));
    story.press(&bob(), Button::Withdraw);
    assert_eq!(story.fate(), (State::Ended, Some(Outcome::Withdrawn)));
    let mut story = Story::of(for_alice(OwnRequest::Never));
    story.press(&carol(), approve());
    story.press(&bob(), Button::Return);
    assert_eq!(refused(&story), Some(Refusal::NotYours));
}
