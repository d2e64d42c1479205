//! Whether somebody asks for what they hold, or have asked for, already: what is the same, and as long as it is there.

use serde_json::Value;

use super::people::{HOLD_MS, TYPES, alice, ask, bob, step, workflow};
use super::story::Story;
use crate::input::InputValue;
use crate::workflow::{Extend, ExtendApproval, StepUse};
use crate::{Ask, Person, State, Workflow};

const HOUR: i64 = 3_600_000;

fn is_had(ask: &Ask, story: &Story) -> bool {
    ask.is_had_already(&story.request, story.now, TYPES)
}

/// The steps touch what was filled in as `place`, and say why in a step that every request has for itself.
fn by_place() -> Workflow {
    let mut workflow = workflow();
    workflow.steps = vec![step("{{ inputs.place }}")];
    workflow
}

fn at(place: &str, workflow: Workflow) -> Ask {
    let text = |text: &str| InputValue::Text { text: text.to_owned() };
    let inputs = [("place".to_owned(), text(place)), ("reason".to_owned(), text("invoice 1204"))].into();
    Ask { inputs, ..ask(workflow) }
}

#[test]
fn the_same_is_what_does_the_same_for_the_same_person() {
    let before = Story::of(at("db1", by_place()));
    let other = |place: &str, change: fn(&mut Ask)| {
        let mut ask = at(place, by_place());
        change(&mut ask);
        is_had(&ask, &before)
    };
    let said = |name: &str| InputValue::Text { text: name.to_owned() };
    assert!(other("db1", |_| {}), "as it was");
    assert!(other("db1", |ask| ask.hold_ms /= 2), "for another time");
    assert!(other("db1", |ask| ask.reason = "something else".to_owned()), "for another reason");
    assert!(!other("db2", |_| {}), "somewhere else");
    assert!(!other("db1", |ask| ask.workflow.name = "prod-web".to_owned()), "under another workflow");
    assert!(!other("db1", |ask| ask.requester = bob()), "for somebody else");
    let again = |ask: &mut Ask| ask.requester = Person { login: Some("alice@github".to_owned()), ..alice() };
    assert!(!other("db1", again), "as another user of the tailnet");
    assert!(!other("db1", |ask| ask.breaks_glass = true), "glass is broken because nobody decides");
    // What a step says of the reason makes another thing of it.
    let mut telling = by_place();
    let with = [("why".to_owned(), Value::from("{{ inputs.reason }}"))].into_iter().collect();
    telling.steps.push(StepUse { uses: "test.once".to_owned(), with, ..StepUse::default() });
    let before = Story::of(at("db1", telling.clone()));
    let mut why = at("db1", telling);
    assert!(is_had(&why, &before));
    why.inputs.insert("reason".to_owned(), said("something else"));
    assert!(!is_had(&why, &before));
}

#[test]
fn it_is_had_while_it_is_open_and_lasts_as_long() {
    for (state, had) in [
        (State::Pending, true),
        (State::Approved, true),
        (State::Activating, true),
        (State::Active, true),
        (State::Ending, false),
        (State::Ended, false),
    ] {
        let mut story = Story::pending();
        story.request = Story::request_in(state).request;
        story.now = story.request.active_at.unwrap_or(story.now);
        assert_eq!(is_had(&ask(workflow()), &story), had, "{}", state.word());
    }
    let mut active = Story::active();
    active.now = active.request.active_at.unwrap();
    let lasting = |story: &Story, hold_ms: i64| is_had(&Ask { hold_ms, ..ask(workflow()) }, story);
    assert!(lasting(&active, HOLD_MS) && lasting(&active, 1) && !lasting(&active, 2 * HOLD_MS));
    active.pass(HOLD_MS / 6);
    assert!(lasting(&active, HOLD_MS), "a little longer is not worth a decision");
    active.pass(1);
    assert!(!lasting(&active, HOLD_MS), "a later end is another thing");
    let extend = |max_ms| Extend { times: 1, max_ms, approve: ExtendApproval::Automatic, stages: Vec::new() };
    active.request.ask.workflow.extend = Some(extend(HOUR));
    assert!(lasting(&active, HOLD_MS), "it could be extended to then");
    assert!(!lasting(&active, HOLD_MS + HOUR), "and not to then");
    active.now = active.request.expires_at.unwrap();
    active.request.ask.workflow.extend = Some(extend(2 * HOLD_MS));
    assert!(!lasting(&active, 1), "its time is up, and nothing has noticed yet");
}
