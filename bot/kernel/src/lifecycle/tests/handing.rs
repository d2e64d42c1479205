//! Giving one's turn to somebody else: who may, to whom, and who is asked and reminded then.

use super::people::{alice, bob, carol, dave, guest, workflow, workflow_with};
use super::story::{START, Story, approve, shown};
use crate::request::Passed;
use crate::workflow::{Clause, OwnRequest};
use crate::{Button, Effect, Event, Notice, Person, Place, Purpose, Recipient, Refusal, State, Wake, Who};

fn to(person: &Person) -> Button {
    Button::Pass { to: person.slack_id.clone() }
}

/// Presses, and the other one is read afresh as who they are.
fn pass(story: &mut Story, from: &Person, other: &Person) {
    story.press(from, to(other));
    let looks = story.last.effects.iter().find_map(|due| match &due.effect {
        Effect::Identify { slack_id, purpose: purpose @ Purpose::TakingOver { .. } } if *slack_id == other.slack_id => {
            Some(purpose.clone())
        }
        _ => None,
    });
    if let Some(purpose) = looks {
        story.tell(Event::identified(purpose, other.clone()));
    }
}

fn refused(story: &Story) -> Option<Refusal> {
    story.last.effects.iter().find_map(|due| match &due.effect {
        Effect::Tell { notice: Notice::Refused { why }, .. } => Some(why.clone()),
        _ => None,
    })
}

fn told(story: &Story) -> Vec<Recipient> {
    let to = |due: &crate::effect::Due| match &due.effect {
        Effect::Tell { to, notice: Notice::PassedOn { .. } | Notice::Reminded } => Some(to.clone()),
        _ => None,
    };
    story.last.effects.iter().filter_map(to).collect()
}

/// One more of those who decide.
fn erin() -> Person {
    Person { slack_id: "UERIN".to_owned(), name: "erin".to_owned(), email: None, login: None, ..bob() }
}

fn rule() -> Who {
    Who::TailnetGroup("group:dba".to_owned())
}

#[test]
fn whoever_takes_over_is_asked_and_reminded_in_place_of_the_other_who_may_still_decide() {
    let mut workflow = workflow();
    workflow.announce = None;
    workflow.approve[0].remind_ms = Some(900_000);
    let mut story = Story::pending_under(workflow);
    pass(&mut story, &bob(), &erin());
    assert_eq!(story.request.asked_now(), [carol().slack_id, erin().slack_id]);
    let at = story.now;
    assert_eq!(story.request.passed_now(), [Passed { from: bob().slack_id, to: erin().slack_id, rule: rule(), at }]);
    let person = |one: &Person| Recipient::Person { slack_id: one.slack_id.clone() };
    assert_eq!(told(&story), [person(&erin()), Recipient::Private { slack_id: bob().slack_id, channel: None }]);
    assert!(story.request.cards.iter().any(|card| card.place == Place::Approver(erin().slack_id)));
    story.now = START + 900_000;
    story.tell(Event::Woke { wake: Wake::Remind });
    assert_eq!(told(&story), [person(&carol()), person(&erin())]);
    story.press(&bob(), approve());
    assert_eq!(story.request.state, State::Approved);
}

#[test]
fn the_same_twice_is_one_and_what_came_back_can_be_given_away_again() {
    let mut story = Story::pending();
    for _ in 0..2 {
        pass(&mut story, &bob(), &erin());
    }
    assert_eq!(story.request.passed_now().len(), 1);
    pass(&mut story, &erin(), &bob());
    pass(&mut story, &bob(), &erin());
    assert_eq!((story.request.passed_now().len(), story.request.asked_now().len()), (3, 2));
    for _ in 0..100 {
        pass(&mut story, &erin(), &bob());
        pass(&mut story, &bob(), &erin());
    }
    assert!(story.request.passed_now().len() <= 50);
}

#[test]
fn every_no() {
    let by = || vec![rule()];
    let slack_id = |one: &Person| one.slack_id.clone();
    let other = Person { slack_id: "UALICE2".to_owned(), ..alice() };
    for (from, to, why) in [
        (dave(), erin(), Refusal::NotAnApprover { by: by() }),
        (alice(), erin(), Refusal::OwnRequest),
        (guest(bob()), erin(), Refusal::Standing { standing: crate::Standing::Guest }),
        (bob(), bob(), Refusal::PassedToThemselves),
        (bob(), dave(), Refusal::CannotTakeOver { slack_id: slack_id(&dave()), by: by() }),
        (bob(), guest(erin()), Refusal::CannotTakeOver { slack_id: slack_id(&erin()), by: by() }),
        (bob(), alice(), Refusal::PassedToRequester { slack_id: slack_id(&alice()) }),
        (bob(), other, Refusal::PassedToRequester { slack_id: "UALICE2".to_owned() }),
    ] {
        let mut story = Story::pending();
        let before = story.request.asked.clone();
        pass(&mut story, &from, &to);
        assert_eq!(refused(&story), Some(why), "{} to {}", from.name, to.name);
        assert_eq!(story.request.asked, before);
        assert!(story.request.presses.is_empty());
    }
}

#[test]
fn nobody_gives_away_a_turn_they_had_or_to_somebody_who_had_theirs_and_too_late_is_too_late() {
    let mut story = Story::pending_under(workflow_with(2, OwnRequest::Never));
    story.press(&bob(), approve());
    pass(&mut story, &bob(), &erin());
    assert_eq!(refused(&story), Some(Refusal::DecidedBefore));
    pass(&mut story, &carol(), &bob());
    assert_eq!(refused(&story), Some(Refusal::TheyDecided { slack_id: bob().slack_id }));
    // Whoever was to take it over is found out only when it is decided.
    story.press(&carol(), to(&erin()));
    let purpose = Purpose::TakingOver { from: carol().slack_id, channel: None };
    story.press(&erin(), approve());
    assert_eq!(story.request.state, State::Approved);
    story.tell(Event::identified(purpose.clone(), erin()));
    assert!(matches!(refused(&story), Some(Refusal::TooLate { .. })));
    story.tell(Event::NotIdentified { purpose, failure: super::story::failure(false) });
    assert_eq!(story.request.state, State::Approved);
    pass(&mut story, &carol(), &erin());
    assert!(matches!(refused(&story), Some(Refusal::TooLate { .. })));
}

#[test]
fn somebody_of_whom_enough_have_approved_takes_nothing_over() {
    let mut workflow = workflow();
    let email = || Who::Email("frank@example.com".to_owned());
    workflow.approve[0].clauses.push(Clause { quorum: 1, by: vec![email()] });
    let frank = Person { slack_id: "UFRANK".to_owned(), belongs: vec![email()], email: None, login: None, ..bob() };
    let mut story = Story::pending_under(workflow);
    story.press(&bob(), approve());
    pass(&mut story, &frank, &erin());
    assert_eq!(refused(&story), Some(Refusal::CannotTakeOver { slack_id: erin().slack_id, by: vec![email()] }));
}

#[test]
fn before_anybody_was_found_it_waits_for_that() {
    let mut story = Story::of(super::people::ask(workflow()));
    story.press(&bob(), to(&erin()));
    let purpose = Purpose::TakingOver { from: bob().slack_id, channel: None };
    story.tell(Event::identified(purpose.clone(), erin()));
    let again = crate::effect::Due {
        at: story.now + 2_000,
        effect: Effect::Identify { slack_id: erin().slack_id, purpose: purpose.clone() },
    };
    assert_eq!(story.last.effects, [again]);
    story.tell(Event::ApproversFound { stage: 0, people: vec![bob().slack_id] });
    story.tell(Event::identified(purpose, erin()));
    assert_eq!(story.request.asked_now(), [erin().slack_id]);
}

#[test]
fn a_channel_that_takes_no_card_leaves_nobody_out_who_was_asked() {
    let mut story = Story::of(super::people::ask(workflow()));
    story.tell(Event::ApproversFound { stage: 0, people: vec![bob().slack_id, carol().slack_id] });
    pass(&mut story, &bob(), &erin());
    story.tell(shown(Place::Approver(erin().slack_id)));
    let failure = super::story::failure(false);
    story.tell(Event::NotShown { place: Place::Channel("#access".to_owned()), failure });
    let places: Vec<Place> = story.request.cards.iter().map(|card| card.place.clone()).collect();
    assert_eq!(places, [erin(), carol()].map(|one| Place::Approver(one.slack_id)));
}
