//! `when:` of an input or a step: what the requester has to have filled in for it to be asked or begun at all.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::input::InputValue;
use crate::request::Ask;
use crate::workflow::{Input, InputKind};

/// Inputs by name, each with the value it must have; all of them must have theirs. Without any it is always met.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Condition(pub Map<String, Value>);

impl Condition {
    /// Whether nothing is asked of anybody.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether what was filled in is what it names. An input that was left empty has no value.
    pub fn is_met(&self, inputs: &BTreeMap<String, InputValue>) -> bool {
        self.0.iter().all(|(name, value)| inputs.get(name).is_some_and(|given| is(given, value)))
    }

    /// Whether this is met only where the other one is.
    pub fn implies(&self, other: &Self) -> bool {
        other.0.iter().all(|(name, value)| self.0.get(name) == Some(value))
    }

    /// The same with what its inputs hang on themselves: an input that is not asked has no value.
    #[must_use]
    pub fn with_those_of(&self, inputs: &[Input]) -> Self {
        let mut whole = self.clone();
        // An input hangs on earlier ones only, so that one look from the last to the first is enough.
        for input in inputs.iter().rev().filter(|input| !input.when.is_empty()) {
            if whole.0.contains_key(&input.name) {
                let more = input.when.0.iter().filter(|(name, _)| !whole.0.contains_key(*name));
                let more: Vec<(String, Value)> = more.map(|(name, value)| (name.clone(), value.clone())).collect();
                whole.0.extend(more);
            }
        }
        whole
    }

    /// For people: `level is write and urgent is yes`.
    pub fn in_words(&self) -> String {
        let value = |value: &Value| match value {
            Value::Bool(true) => "yes".to_owned(),
            Value::Bool(false) => "no".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let all: Vec<String> = self.0.iter().map(|(name, wanted)| format!("{name} is {}", value(wanted))).collect();
        all.join(" and ")
    }

    /// Whether both can never be met by the same request.
    pub fn excludes(&self, other: &Self, inputs: &[Input]) -> bool {
        let has_one_value = |name: &str| {
            let input = inputs.iter().find(|input| input.name == name);
            input.is_some_and(|input| !matches!(input.kind, InputKind::Choice { many: true, .. }))
        };
        let differs = |(name, value): (&String, &Value)| other.0.get(name).is_some_and(|other| other != value);
        self.0.iter().any(|one| differs(one) && has_one_value(one.0))
    }
}

/// Of several that were chosen, one is enough.
fn is(given: &InputValue, value: &Value) -> bool {
    match given {
        InputValue::Choice { chosen, .. } => chosen.iter().any(|chosen| value == chosen.as_str()),
        other => other.as_filled().as_ref() == Some(value),
    }
}

impl Ask {
    /// Whether the step at `index` is no part of this request, because its `when` is not met by what was filled in.
    pub fn leaves_out(&self, index: usize) -> bool {
        self.workflow.steps.get(index).is_some_and(|step| !step.when.is_met(&self.inputs))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::workflow::Choosable;

    fn condition(json: Value) -> Condition {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn every_value_it_names_must_be_there() {
        let chosen = |words: &[&str], many| {
            let chosen = words.iter().map(|word| (*word).to_owned()).collect();
            InputValue::Choice { chosen, many }
        };
        let inputs: BTreeMap<String, InputValue> = [
            ("level", chosen(&["write"], false)),
            ("regions", chosen(&["eu", "us"], true)),
            ("urgent", InputValue::Flag { on: true }),
            ("count", InputValue::Number { number: 3 }),
            ("ticket", InputValue::Text { text: "INC-7".to_owned() }),
            ("later", InputValue::Unknown),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
        for (wanted, is_met) in [
            (json!({}), true),
            (json!({ "level": "write" }), true),
            (json!({ "level": "read" }), false),
            (json!({ "level": "write", "urgent": true }), true),
            (json!({ "level": "write", "urgent": false }), false),
            (json!({ "regions": "us" }), true),
            (json!({ "regions": "asia" }), false),
            (json!({ "count": 3 }), true),
            (json!({ "count": "3" }), false),
            (json!({ "ticket": "INC-7" }), true),
            (json!({ "nothing": "INC-7" }), false),
            (json!({ "later": "" }), false),
        ] {
            assert_eq!(condition(wanted.clone()).is_met(&inputs), is_met, "{wanted}");
        }
    }

    #[test]
    fn what_hangs_on_an_input_hangs_on_what_that_one_hangs_on() {
        let flag = || InputKind::Flag { default: false };
        let hanging = |name: &str, when: Value| Input { when: condition(when), ..Input::plain(name, name, flag()) };
        let inputs = [
            hanging("first", json!({})),
            hanging("second", json!({ "first": true })),
            hanging("third", json!({ "second": true })),
        ];
        let whole = condition(json!({ "third": false })).with_those_of(&inputs);
        assert_eq!(whole, condition(json!({ "first": true, "second": true, "third": false })));
        assert_eq!(whole.in_words(), "third is no and second is yes and first is yes");
        assert!(whole.implies(&inputs[2].when) && !condition(json!({ "second": true })).implies(&whole));
    }

    #[test]
    fn one_can_hang_on_another_or_rule_it_out() {
        let option = |word: &str| Choosable { value: word.to_owned(), label: word.to_owned() };
        let choice = |many| InputKind::Choice {
            options: vec![option("a"), option("b")],
            many,
            default: Vec::new(),
            required: true,
            pattern: None,
        };
        let inputs = [Input::plain("one", "One", choice(false)), Input::plain("some", "Some", choice(true))];
        let of = |wanted: Value| condition(wanted);
        let both = of(json!({ "one": "a", "some": "b" }));
        assert!(both.implies(&of(json!({ "one": "a" }))) && both.implies(&Condition::default()));
        assert!(!of(json!({ "one": "a" })).implies(&both) && !both.implies(&of(json!({ "one": "b" }))));
        assert!(both.excludes(&of(json!({ "one": "b" })), &inputs));
        assert!(!both.excludes(&of(json!({ "some": "a" })), &inputs), "both can be chosen");
        assert!(!both.excludes(&Condition::default(), &inputs) && !both.excludes(&both, &inputs));
    }
}
