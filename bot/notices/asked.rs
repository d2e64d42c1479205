//! What was filled in beside how long, why and on which device, as the card shows it.

use serde::Serialize;

use super::text::one_line;
use crate::kernel::Request;
use crate::kernel::input::InputValue;
use crate::kernel::workflow::{Input, InputKind};

/// In characters.
const LABEL_MAX: usize = 75;
const VALUE_MAX: usize = 300;

/// One value that was filled in beside how long, why and on which device.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Asked {
    label: String,
    value: String,
    /// Slack id, if it is a person.
    person: Option<String>,
}

/// In the order of the workflow file.
pub(super) fn asked(request: &Request) -> Vec<Asked> {
    let is_reason =
        |input: &&Input| matches!(input.kind, InputKind::Text { .. }) && request.inputs.contains_key(&input.name);
    let reason = request.workflow.inputs.iter().find(is_reason);
    let of = |input: &Input| {
        let value = request.inputs.get(&input.name)?;
        if reason.is_some_and(|reason| reason.name == input.name) {
            return None;
        }
        let said = match (value, &input.kind) {
            (InputValue::Duration { .. } | InputValue::Device(_) | InputValue::Unknown, _) => return None,
            (InputValue::Choice { chosen, .. }, InputKind::Choice { options, .. }) => {
                let label = |word: &String| {
                    let option = options.iter().find(|one| one.value == *word);
                    option.map_or_else(|| word.clone(), |option| option.label.clone())
                };
                chosen.iter().map(label).collect::<Vec<_>>().join(", ")
            }
            (value, _) => value.as_typed(),
        };
        let person = match value {
            InputValue::Person(person) => Some(person.slack_id.clone()),
            _ => None,
        };
        Some(Asked { label: one_line(&input.label, LABEL_MAX), value: one_line(&said, VALUE_MAX), person })
    };
    request.workflow.inputs.iter().filter_map(of).collect()
}
