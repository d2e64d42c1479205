//! `type: person`: a member of the workspace.

use super::pattern::{self, misfit};
use super::usual::{REQUIRED, required};
use super::{Field, InputType, Place, Read};
use crate::kernel::input::InputValue;
use crate::kernel::workflow::{InputKind, Pattern};

/// The entry in the list of kinds.
pub const TYPE: InputType = InputType {
    name: "person",
    about: "A full member of the workspace. On the command line it is one word behind the length of time, as `@name` or e-mail address, or \
            `NAME=bob@example.com`. `{{ inputs.NAME }}` is their tailnet login or, without one, their e-mail address.",
    settings: &[REQUIRED, pattern::SETTINGS[0], pattern::SETTINGS[1]],
    example: "{ type: person }",
    is_single: false,
    place: Place::Word(|_, word| is_named(word)),
    rank: 1,
    is_of_workflow: false,
    write: |sheet, fields| {
        let pattern = pattern::pattern(sheet, fields);
        Some(InputKind::Person { required: required(sheet, fields, false)?, pattern: pattern? })
    },
    read: |kind, given| match given.value {
        Some(named) => match given.people.iter().find(|(typed, _)| typed == named) {
            Some((_, person)) => {
                let value = InputValue::Person(person.clone());
                let text = value.as_filled().and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default();
                match misfit(pattern_of(kind), &text) {
                    Some(why) => Read::Wrong(format!("{text}: {why}")),
                    None => Read::Value(value),
                }
            }
            None => Read::Wrong(format!("`{named}` is not a member of this workspace")),
        },
        None if is_required(kind) => Read::Missing,
        None => Read::Nothing,
    },
    field: |kind, value| Field::Person {
        chosen: value.filter(|value| is_slack_id(value)).map(str::to_owned),
        is_optional: !is_required(kind),
    },
    hint: |input| Some(format!("[{}]", input.name.replace('_', " "))),
    example_word: |_| None,
    corrected: |_, _| None,
};

fn is_required(kind: &InputKind) -> bool {
    matches!(kind, InputKind::Person { required: true, .. })
}

fn pattern_of(kind: &InputKind) -> Option<&Pattern> {
    match kind {
        InputKind::Person { pattern, .. } => pattern.as_ref(),
        _ => None,
    }
}

/// Whether a word names a person: an id of Slack's or an e-mail address.
fn is_named(word: &str) -> bool {
    is_slack_id(word) || word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
}

/// As Slack writes ids of people.
pub fn is_slack_id(word: &str) -> bool {
    word.starts_with(['U', 'W'])
        && (8..=32).contains(&word.len())
        && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}
