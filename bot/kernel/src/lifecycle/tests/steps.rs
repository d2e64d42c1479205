//! Steps that use what was asked and what earlier steps came to: filled in when they begin, told when they cannot be.

use serde_json::{Map, Value, json};

use super::people::{alice, ask, step, workflow};
use super::story::{START, Story, approve, failure, moment, on, settled, started};
use crate::condition::Condition;
use crate::input::InputValue;
use crate::workflow::StepUse;
use crate::{Effect, Event, Found, Key, Ledger, Outcome, Proof, Request, State, Workflow};

/// The second step touches what the first one came to.
fn chained() -> Workflow {
    let first = StepUse { name: Some("first".to_owned()), ..step("a") };
    let mut second = step("{{ steps.first.id }} of {{ requester.login }}");
    second.with.insert("list".to_owned(), json!([{ "on": "{{ steps.first.id }}" }, 1]));
    Workflow { steps: vec![first, second], ..workflow() }
}

fn came_to(story: &Story, step: usize, results: Value) -> Event {
    let results = results.as_object().cloned().unwrap_or_default();
    Event::Settled { step, proof: Proof { at: story.now, found: on(story) }, results }
}

fn started_under(workflow: Workflow) -> Story {
    let mut story = Story::pending_under(workflow);
    story.press(&super::people::bob(), approve());
    story.tell(started());
    story
}

/// A key that is held, with its settings.
type Hold = (Key, Map<String, Value>);

/// What was written into the ledger, and which keys are settled.
fn begun(story: &Story) -> (Vec<Hold>, Vec<Key>) {
    let held = story.last.ledger.iter().filter_map(|entry| match entry {
        Ledger::Hold { key, holding } => Some((key.clone(), holding.with.clone())),
        _ => None,
    });
    let settled = story.last.effects.iter().filter_map(|due| match &due.effect {
        Effect::Settle { key } => Some(key.clone()),
        _ => None,
    });
    (held.collect(), settled.collect())
}

#[test]
fn a_later_step_uses_what_an_earlier_one_came_to() {
    let mut story = started_under(chained());
    assert_eq!(story.step(0).key, Some(Key::new("test.thing", "a")));
    assert_eq!(story.step(1).key, None, "not known before the first is on");
    let event = came_to(&story, 0, json!({ "id": "k7" }));
    story.tell(event);
    let key = Key::new("test.thing", "k7 of alice@example.com");
    let with = json!({ "at": "k7 of alice@example.com", "list": [{ "on": "k7" }, 1] });
    let with = with.as_object().cloned().unwrap();
    assert_eq!(
        begun(&story),
        (vec![(key.clone(), with)], vec![key.clone()]),
        "the hold and the settling are saved at once"
    );
    story.tell(settled(1, on(&story)));
    assert_eq!(story.request.state, State::Active);
    story.now = story.request.expires_at.unwrap();
    story.tell(Event::Woke { wake: crate::Wake::Expire });
    assert!(story.last.ledger.contains(&Ledger::Release { key }));
}

#[test]
fn what_cannot_be_filled_in_fails_and_is_taken_back_and_nothing_is_sent() {
    let mut story = started_under(chained());
    let event = came_to(&story, 0, json!({ "other": "k7" }));
    story.tell(event);
    assert_eq!(story.fate(), (State::Ending, Some(Outcome::Failed)));
    assert_eq!(
        begun(&story),
        (vec![], vec![Key::new("test.thing", "a")]),
        "what was on is taken back, nothing is begun"
    );
    let trouble = story.request.trouble.clone().unwrap();
    assert_eq!(trouble.what, "a setting of a step cannot be filled in: {{ steps.first.id }} has no value");
    assert!(!trouble.retryable);
    story.tell(settled(0, Found::Gone));
    assert_eq!(story.fate(), (State::Ended, Some(Outcome::Failed)));
}

#[test]
fn a_retry_touches_what_it_comes_to_anew() {
    let mut story = started_under(chained());
    let event = came_to(&story, 0, json!({ "id": "k7" }));
    story.tell(event);
    story.tell(Event::SettleFailed { step: 1, failure: failure(false) });
    story.tell(settled(1, Found::Untouched));
    story.tell(settled(0, Found::Gone));
    story.press(&alice(), crate::Button::Retry);
    assert_eq!((story.step(0).key.is_some(), &story.step(1).key), (true, &None));
    story.tell(started());
    let event = came_to(&story, 0, json!({ "id": "k8" }));
    story.tell(event);
    assert_eq!(story.step(1).key, Some(Key::new("test.thing", "k8 of alice@example.com")));
}

#[test]
fn another_attempt_at_a_step_keeps_its_key() {
    let mut story = started_under(chained());
    let event = came_to(&story, 0, json!({ "id": "k7" }));
    story.tell(event);
    for _ in 0..3 {
        story.tell(Event::SettleFailed { step: 1, failure: failure(true) });
        assert_eq!(story.step(1).key, Some(Key::new("test.thing", "k7 of alice@example.com")));
    }
}

#[test]
fn what_every_request_has_for_itself_is_named_after_it() {
    let once = StepUse { uses: "test.once".to_owned(), name: None, when: Condition::default(), with: Map::new() };
    let story = Story::of(ask(Workflow { steps: vec![once.clone(), once], ..workflow() }));
    let keys: Vec<_> = story.request.steps.iter().map(|step| step.key.clone().unwrap().to_string()).collect();
    assert_eq!(keys, ["test.once r1 1", "test.once r1 2"]);
}

#[test]
fn what_can_never_be_filled_in_is_refused_before_anybody_is_asked() {
    let of = |steps: Vec<StepUse>| match Request::ask(ask(Workflow { steps, ..workflow() }), moment(START)) {
        Ok(_) => "accepted".to_owned(),
        Err(why) => why.to_string(),
    };
    let unknown = StepUse { uses: "test.unknown".to_owned(), name: None, when: Condition::default(), with: Map::new() };
    let table = [
        of(vec![step("{{ inputs.note }}")]),
        of(vec![step("{{ steps.thing.id }}")]),
        of(vec![step("a"), step("b"), step("{{ requester.name }}"), step("alice")]),
        of(vec![unknown]),
        of(vec![StepUse { with: Map::new(), ..step("a") }]),
    ];
    insta::assert_snapshot!(table.join("\n"), @r"
    workflow has no value for {{ inputs.note }}
    workflow has no value for {{ steps.thing.id }}
    workflow has no thing of its own for step 4: an earlier one touches test.thing alice
    workflow has no step type test.unknown
    workflow has no settings that test.thing can use: it is nowhere
    ");
}

#[test]
fn two_steps_that_turn_out_to_touch_the_same_fail() {
    let mut story = started_under(chained());
    let login = alice().login.unwrap();
    story.request.steps[0].key = Some(Key::new("test.thing", &format!("k7 of {login}")));
    let event = came_to(&story, 0, json!({ "id": "k7" }));
    story.tell(event);
    assert_eq!(story.fate(), (State::Ending, Some(Outcome::Failed)));
    let what = story.request.trouble.clone().unwrap().what;
    assert_eq!(what, "steps 1 and 2 both touch test.thing k7 of alice@example.com");
}

/// The second of three only for those who say so.
fn conditional() -> Workflow {
    let when = Condition([("level".to_owned(), "write".into())].into_iter().collect());
    Workflow { steps: vec![step("a"), StepUse { when, ..step("b") }, step("c")], ..workflow() }
}

fn asked_for(level: &str) -> crate::Ask {
    let mut asked = ask(conditional());
    let chosen = InputValue::Choice { chosen: vec![level.to_owned()], many: false };
    asked.inputs.insert("level".to_owned(), chosen);
    asked
}

#[test]
fn a_request_goes_without_a_step_whose_condition_it_does_not_meet() {
    for (level, taken) in [("write", vec![0, 1, 2]), ("read", vec![0, 2])] {
        let mut story = Story::of(asked_for(level));
        story.press(&super::people::bob(), approve());
        story.tell(started());
        for index in &taken {
            assert_eq!(story.request.state, State::Activating, "{level}");
            let event = came_to(&story, *index, json!({}));
            story.tell(event);
        }
        assert_eq!(story.request.state, State::Active, "{level}");
        story.now = story.request.expires_at.unwrap();
        story.tell(Event::Woke { wake: crate::Wake::Expire });
        for index in taken.iter().rev() {
            assert_eq!(story.request.state, State::Ending, "{level}");
            story.tell(settled(*index, Found::Gone));
        }
        assert_eq!(story.fate(), (State::Ended, Some(Outcome::Expired)), "{level}");
        assert_eq!(story.step(1).key.is_some(), level == "write");
    }
}

#[test]
fn a_retry_goes_without_it_too() {
    let mut story = Story::of(asked_for("read"));
    story.press(&super::people::bob(), approve());
    story.tell(started());
    story.tell(Event::SettleFailed { step: 0, failure: failure(false) });
    story.tell(settled(0, Found::Untouched));
    story.press(&alice(), crate::Button::Retry);
    story.tell(started());
    for index in [0, 2] {
        let event = came_to(&story, index, json!({}));
        story.tell(event);
    }
    assert_eq!(story.request.state, State::Active);
    assert_eq!(story.step(1).phase, crate::request::Phase::LeftOut);
}

#[test]
fn a_request_without_any_step_is_refused() {
    let mut asked = asked_for("read");
    asked.workflow.steps.retain(|step| !step.when.is_empty());
    let refusal = Request::ask(asked, moment(START)).unwrap_err();
    assert_eq!(refusal.to_string(), "workflow has no step for what was filled in");
}
