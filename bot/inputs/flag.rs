//! `type: flag`: yes or no.

use super::{Field, InputSetting, InputType, Place, Read};
use crate::kernel::input::InputValue;
use crate::kernel::workflow::InputKind;

/// The entry in the list of kinds.
pub const TYPE: InputType = InputType {
    name: "flag",
    about: "Yes or no. On the command line only `NAME=yes` or `NAME=no` says it. `{{ inputs.NAME }}` is `true` or `false`.",
    settings: &[InputSetting {
        name: "default",
        is_required: false,
        about: "Taken when nothing is said: `true` or `false`; false if it is left out.",
    }],
    example: "{ type: flag, label: Write access }",
    is_single: false,
    place: Place::Named,
    rank: 1,
    is_of_workflow: true,
    write: |sheet, fields| {
        let default = match fields.get("default") {
            Some(node) => sheet.flag(node, "`default`")?,
            None => false,
        };
        Some(InputKind::Flag { default })
    },
    read: |kind, given| match given.value.map(meant) {
        Some(Some(on)) => Read::Value(InputValue::Flag { on }),
        Some(None) => Read::Wrong(format!("`{}` is neither yes nor no", given.value.unwrap_or_default())),
        None => Read::Value(InputValue::Flag { on: *kind == (InputKind::Flag { default: true }) }),
    },
    field: |kind, value| {
        let on = value.and_then(meant).unwrap_or(*kind == (InputKind::Flag { default: true }));
        let offered = [("Yes", "yes"), ("No", "no")].map(|(label, word)| (label.to_owned(), word.to_owned())).to_vec();
        let chosen = vec![if on { "yes" } else { "no" }.to_owned()];
        Field::Choices { offered, chosen, is_many: false, is_optional: false }
    },
    hint: |_| None,
    example_word: |_| None,
    corrected: |_, _| Some("no".to_owned()),
};

fn meant(word: &str) -> Option<bool> {
    match word.to_lowercase().as_str() {
        "yes" | "y" | "true" | "on" => Some(true),
        "no" | "n" | "false" | "off" => Some(false),
        _ => None,
    }
}
