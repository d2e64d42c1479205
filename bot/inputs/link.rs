//! `type: link`: a web address.

use super::pattern::{self, misfit};
use super::usual::{REQUIRED, required};
use super::{Field, InputType, Place, Read};
use crate::kernel::input::InputValue;
use crate::kernel::workflow::{InputKind, Pattern};

/// Slack's limit for a text field.
const LENGTH_MAX: u32 = 3_000;

/// The entry in the list of kinds.
pub const TYPE: InputType = InputType {
    name: "link",
    about: "A web address that begins with `http://` or `https://`. On the command line it is one word behind the length of time, or \
            `NAME=https://...`.",
    settings: &[pattern::SETTINGS[0], pattern::SETTINGS[1], REQUIRED],
    example: "{ type: link, label: Incident }",
    is_single: false,
    place: Place::Word(|_, word| address(word).is_some()),
    rank: 2,
    is_of_workflow: false,
    write: |sheet, fields| {
        let pattern = pattern::pattern(sheet, fields);
        let required = required(sheet, fields, false);
        Some(InputKind::Link { required: required?, pattern: pattern? })
    },
    read: |kind, given| {
        let (is_required, pattern) = told(kind);
        match given.value {
            Some(typed) => match address(typed) {
                Some(url) => match misfit(pattern, &url) {
                    Some(why) => Read::Wrong(why),
                    None => Read::Value(InputValue::Link { url }),
                },
                None => Read::Wrong(format!("`{typed}` is not a web address; it begins with https://")),
            },
            None if is_required => Read::Missing,
            None => Read::Nothing,
        }
    },
    field: |kind, value| Field::Typed {
        max_length: LENGTH_MAX,
        value: value.map(|value| value.chars().take(LENGTH_MAX as usize).collect()),
        is_optional: !told(kind).0,
        hint: "A web address, with https:// in front.",
    },
    hint: |input| Some(format!("[{}]", input.name.replace('_', " "))),
    example_word: |_| None,
    corrected: |_, _| None,
};

fn told(kind: &InputKind) -> (bool, Option<&Pattern>) {
    match kind {
        InputKind::Link { required, pattern } => (*required, pattern.as_ref()),
        _ => (false, None),
    }
}

/// As it is written, if it is a web address without a name and password in it.
fn address(typed: &str) -> Option<String> {
    let url = url::Url::parse(typed).ok()?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|host| !host.is_empty());
    let is_plain =
        url.username().is_empty() && url.password().is_none() && typed.chars().count() <= LENGTH_MAX as usize;
    (is_web && is_plain).then(|| typed.to_owned())
}
