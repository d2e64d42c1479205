//! What any release wrote down of its calls is read, and today's is written as `tests/stored/next` says.

use serde_json::json;

use super::*;
use crate::kernel::kept::KINDS;

#[test]
fn what_was_written_down_is_written_as_the_examples_say() {
    let examples: Value =
        serde_json::from_str(include_str!("../../../../../tests/stored/next/before of http.request.json")).unwrap();
    let captured = json!({ "id": 7, "link": "https://ci.example.com/7" }).as_object().cloned().unwrap();
    let done = State { sent: true, done: true, was_on: false, captured };
    let all = [("nothing sent", State::default()), ("done", done)];
    assert_eq!(examples.as_object().unwrap().len(), all.len());
    for (name, state) in all {
        assert_eq!(kept::to_value(&state).unwrap(), examples[name]);
        assert_eq!(stored(&examples[name]).unwrap(), state);
    }
    assert!(KINDS.contains(&(State::KIND, kept::shape_of::<State>())));
}
