//! Broken glass: at once, loudly, for oneself alone, and never without a review that somebody else closes.

use super::people::{HOLD_MS, alice, ask, bob, carol, dave, workflow};
use super::story::{START, Story, approve, failure, on, settled, started};
use super::words::{refusal_word, words};
use crate::event::Purpose;
use crate::glass::BreakGlass;
use crate::{Ask, Button, Event, Found, Notice, Outcome, Person, Recipient, Request, State, Wake, Who, Workflow};

const HOUR_MS: i64 = 3_600_000;

fn security() -> Who {
    Who::TailnetGroup("group:security".to_owned())
}

fn glass() -> Workflow {
    let who = vec![Who::TailnetGroup("group:dba".to_owned())];
    let (max_hold_ms, review_within_ms) = (HOLD_MS, 24 * HOUR_MS);
    let break_glass = Some(BreakGlass { who, max_hold_ms, review_by: vec![security()], review_within_ms });
    Workflow { break_glass, ..workflow() }
}

fn breaking(workflow: Workflow) -> Ask {
    Ask { breaks_glass: true, ..ask(workflow) }
}

/// Somebody who reviews.
fn reviewer(person: Person) -> Person {
    Person { belongs: vec![security()], ..person }
}

fn fine() -> Button {
    Button::Review { is_fine: true, word: String::new() }
}

fn not_fine(word: &str) -> Button {
    Button::Review { is_fine: false, word: word.to_owned() }
}

fn identified(number: u32, person: Person) -> Event {
    Event::identified(Purpose::Press { number }, person)
}

/// Broken, and over.
fn over() -> Story {
    let mut story = Story::of(breaking(glass()));
    story.tell(identified(1, alice()));
    story.tell(started());
    story.tell(settled(0, on(&story)));
    story.tell(settled(1, on(&story)));
    story.now = story.request.expires_at.unwrap();
    story.tell(Event::Woke { wake: Wake::Expire });
    story.tell(settled(1, Found::Gone));
    story.tell(settled(0, Found::Gone));
    assert_eq!(story.fate(), (State::Ended, Some(Outcome::Expired)));
    story
}

fn led(story: &mut Story, event: Event) -> String {
    let before = story.request.clone();
    story.tell(event);
    words(&before, story)
}

/// What somebody is told who presses.
fn told(story: &mut Story, by: &Person, button: Button) -> String {
    story.press(by, button);
    let refused = story.last.effects.iter().find_map(|due| match &due.effect {
        crate::Effect::Tell { notice: Notice::Refused { why }, .. } => Some(refusal_word(why)),
        _ => None,
    });
    refused.unwrap_or_else(|| "counted".to_owned())
}

#[test]
fn glass_is_broken_at_once_and_loudly() {
    let mut story = Story::of(breaking(glass()));
    assert!(story.last.effects.iter().all(|due| !matches!(due.effect, crate::Effect::FindApprovers { .. })));
    let people = vec![alice().slack_id, bob().slack_id];
    let lines = [
        led(&mut story, identified(1, alice())),
        led(&mut story, Event::ApproversFound { stage: 0, people: people.clone() }),
        led(&mut story, started()),
    ];
    let mut direct = Story::of(breaking(Workflow { announce: None, ..glass() }));
    let more = [led(&mut direct, identified(1, alice())), led(&mut direct, Event::ApproversFound { stage: 0, people })];
    insta::assert_snapshot!(format!("{}\n\n{}", lines.join("\n"), more.join("\n")), @"
    APPROVED, tell channel glassbroken, find approvers, identify UALICE to start, show #access
    noted, tell UBOB glassbroken
    ACTIVATING, steps begun+waiting, hold a, settle a, show #access

    APPROVED, tell channel glassbroken, find approvers, identify UALICE to start
    cards [UALICE UBOB], tell UBOB glassbroken, show UALICE, show UBOB
    ");
}

#[test]
fn what_may_not_be_broken_is_asked_for_as_usual() {
    let by = |person: Person| {
        let mut story = Story::of(breaking(glass()));
        led(&mut story, identified(1, person))
    };
    let mut unknown = Story::of(breaking(glass()));
    let not_known = Event::NotIdentified { purpose: Purpose::Press { number: 1 }, failure: failure(false) };
    let lines = [
        ("not among them any more", by(Person { belongs: vec![alice().belongs[0].clone()], ..alice() })),
        ("another login", by(Person { login: Some("alice@github".to_owned()), ..alice() })),
        ("not known", led(&mut unknown, not_known.clone())),
        ("not known again", led(&mut unknown, not_known)),
    ];
    let lines: Vec<String> = lines.into_iter().map(|(label, words)| format!("{label}: {words}")).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    not among them any more: noted, find approvers, tell UALICE no: not among those who may break glass
    another login: noted, find approvers, tell UALICE no: not yours
    not known: noted, find approvers, tell UALICE not identified
    not known again: -
    ");
}

#[test]
fn only_who_may_can_ask_for_it_with_a_reason_and_for_a_shorter_time() {
    let refused = |ask: Ask| match Request::ask(ask, super::story::moment(START)) {
        Ok(_) => "accepted".to_owned(),
        Err(why) => why.to_string(),
    };
    let of = |change: fn(&mut Ask)| {
        let mut ask = breaking(glass());
        change(&mut ask);
        refused(ask)
    };
    let lines = [
        ("as it should be", of(|_| {})),
        ("not among those who may", of(|ask| ask.requester.belongs.truncate(1))),
        ("not among those who may ask", of(|ask| drop(ask.requester.belongs.remove(0)))),
        ("no reason", of(|ask| ask.reason = " \n".to_owned())),
        ("too long for glass", of(|ask| ask.hold_ms = HOLD_MS + 1)),
        ("nobody may", of(|ask| ask.workflow.break_glass = None)),
    ];
    let lines: Vec<String> = lines.into_iter().map(|(label, words)| format!("{label}: {words}")).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    as it should be: accepted
    not among those who may: not among those who may break glass
    not among those who may ask: not among those who may ask
    no reason: no reason
    too long for glass: hold is over the maximum
    nobody may: not among those who may break glass
    ");
}

#[test]
fn a_waiting_request_is_raised_by_its_requester_alone() {
    let pending = || Story::pending_under(glass());
    let mut raised = pending();
    let is_told = |story: &Story, person: &Person| {
        let to = Recipient::Person { slack_id: person.slack_id.clone() };
        story
            .last
            .effects
            .iter()
            .any(|due| due.effect == crate::Effect::Tell { to: to.clone(), notice: Notice::GlassBroken })
    };
    let mut long = Story::pending_under({
        let mut workflow = glass();
        workflow.break_glass.iter_mut().for_each(|glass| glass.max_hold_ms = 1);
        workflow
    });
    let lines = [
        ("an approver", told(&mut pending(), &bob(), Button::BreakGlass)),
        ("the requester", told(&mut raised, &alice(), Button::BreakGlass)),
        ("for too long", told(&mut long, &alice(), Button::BreakGlass)),
        ("where nobody may", told(&mut Story::pending(), &alice(), Button::BreakGlass)),
        ("again", told(&mut raised.clone(), &alice(), Button::BreakGlass)),
        ("an approval afterwards", told(&mut raised.clone(), &bob(), approve())),
    ];
    let lines: Vec<String> = lines.into_iter().map(|(label, words)| format!("{label}: {words}")).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    an approver: not yours
    the requester: counted
    for too long: hold is over the maximum
    where nobody may: not among those who may break glass
    again: too late, approved
    an approval afterwards: too late, approved
    ");
    assert!(is_told(&raised, &bob()) && is_told(&raised, &carol()) && !is_told(&raised, &alice()));
    assert_eq!(raised.request.state, State::Approved);
    assert!(raised.request.approval().is_given() && raised.request.broke_glass());
}

#[test]
fn a_review_is_closed_by_somebody_else_with_a_word() {
    let second_account = Person { slack_id: "UALICE2".to_owned(), email: None, ..reviewer(alice()) };
    let mut closed = over();
    let lines = [
        ("before it is over", told(&mut Story::of(breaking(glass())), &reviewer(dave()), fine())),
        ("whoever broke it", told(&mut over(), &reviewer(alice()), fine())),
        ("their other account", told(&mut over(), &second_account, fine())),
        ("an approver", told(&mut over(), &bob(), fine())),
        ("not fine, without a word", told(&mut over(), &reviewer(dave()), not_fine(" "))),
        ("not fine", told(&mut over(), &reviewer(dave()), not_fine("rotate the key"))),
        ("fine", told(&mut closed, &reviewer(dave()), fine())),
        ("a second time", told(&mut closed, &reviewer(carol()), not_fine("no"))),
        ("of another request", told(&mut Story::expired(), &reviewer(dave()), fine())),
    ];
    let lines: Vec<String> = lines.into_iter().map(|(label, words)| format!("{label}: {words}")).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    before it is over: no open review
    whoever broke it: own review
    their other account: own review
    an approver: not a reviewer
    not fine, without a word: no word on what follows
    not fine: counted
    fine: counted
    a second time: no open review
    of another request: no open review
    ");
    let reviewed = closed.request.review.as_ref().and_then(|review| review.closed.as_ref()).unwrap();
    assert_eq!((reviewed.person.slack_id.as_str(), &reviewed.rule, reviewed.is_fine), ("UDAVE", &security(), true));
}

#[test]
fn a_review_that_stays_open_is_reminded_of_and_then_told_again_and_again() {
    let mut story = over();
    let mut lines = vec![led(&mut story, Event::ReviewersFound { people: vec![dave().slack_id] })];
    let ended_at = story.now;
    for _ in 0..6 {
        story.now = story.request.open_review().unwrap().remind_at - 1;
        let early = led(&mut story, Event::Woke { wake: Wake::Review });
        assert!(!early.contains("tell"), "{early}");
        story.now += 1;
        let hours = (story.now - ended_at) / HOUR_MS;
        lines.push(format!("after {hours}h: {}", led(&mut story, Event::Woke { wake: Wake::Review })));
    }
    story.press(&reviewer(dave()), fine());
    lines.push(format!("closed: {}", led(&mut story, Event::Woke { wake: Wake::Review })));
    insta::assert_snapshot!(lines.join("\n"), @"
    noted, tell thread reviewopened, tell UDAVE reviewopened, show #access
    after 12h: noted, wake review in 12h, tell UDAVE reviewopened
    after 24h: noted, wake review in 1h, tell channel reviewlate, tell UDAVE reviewlate, show #access
    after 25h: noted, wake review in 2h, tell channel reviewlate, tell UDAVE reviewlate, show #access
    after 27h: noted, wake review in 4h, tell channel reviewlate, tell UDAVE reviewlate, show #access
    after 31h: noted, wake review in 8h, tell channel reviewlate, tell UDAVE reviewlate, show #access
    after 39h: noted, wake review in 16h, tell channel reviewlate, tell UDAVE reviewlate, show #access
    closed: -
    ");
    let text = serde_json::to_string(&story.request).unwrap();
    assert_eq!(serde_json::from_str::<Request>(&text).unwrap(), story.request);
}

#[test]
fn every_end_of_broken_glass_is_reviewed() {
    let mut story = Story::of(breaking(glass()));
    story.tell(identified(1, alice()));
    story.tell(started());
    story.tell(Event::SettleFailed { step: 0, failure: failure(false) });
    story.tell(settled(0, Found::Gone));
    assert!(story.request.open_review().is_some(), "it could not be switched on, and glass was broken all the same");
    story.press(&reviewer(dave()), fine());
    story.press(&alice(), Button::Retry);
    story.tell(started());
    story.tell(settled(0, on(&story)));
    story.tell(settled(1, on(&story)));
    assert_eq!(story.request.state, State::Active);
    story.press(&alice(), Button::Return);
    story.tell(settled(1, Found::Gone));
    story.tell(settled(0, Found::Gone));
    assert!(story.request.open_review().is_some(), "what was said of the first attempt says nothing of this one");
    assert!(Story::expired().request.review.is_none());
}
