//! `slack.message`: something said in Slack when access begins; it stays. Here: what a workflow file may say, and what is touched;
//! `holding` does it.

mod holding;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::kernel::StepType;
use crate::kernel::step_type::{Holds, Lends, Scope, Setting, SettingKind, SettingMistake, Stays};
use crate::kernel::workflow::Input;
use crate::steps::Listed;
use crate::steps::slack::channel::is_channel;

pub use holding::MessageStep;

/// The entry in the list of step types.
pub const LISTED: Listed = Listed {
    about: StepType {
        uses: "slack.message",
        about: "A message in a channel or to a person, said once when access begins. It stays. What is filled in is shown as it is: nobody can \
                be mentioned and nothing can be linked by what somebody typed.",
        settings: SETTINGS,
        holds: Holds::Once,
        stays: Stays::Always,
        scopes: &[Scope::Slack("chat:write"), Scope::Slack("channels:read"), Scope::Slack("groups:read")],
        results: &[],
        check,
        address,
        lends: Lends::nothing,
    },
    make: |outside| Arc::new(MessageStep::new(outside.slack.clone(), outside.clock.clone())),
};

const SETTINGS: &[Setting] = &[
    Setting {
        name: "to",
        kind: SettingKind::Member,
        is_required: true,
        is_key: true,
        about: "A channel, as `\"#name\"` or id, or a person: `{{ requester.slack_id }}` or an input of type person.",
        example: "\"#incident\"",
    },
    Setting {
        name: "text",
        kind: SettingKind::Markup,
        is_required: true,
        is_key: false,
        about: "What is said, in Slack's markup; at most 3000 characters when everything is filled in.",
        example: "\"*{{ requester.name }}* is looking into it: {{ inputs.reason }}\"",
    },
];

fn check(with: &Map<String, Value>, _: &[Input]) -> Vec<SettingMistake> {
    let to = match with.get("to") {
        None | Some(Value::Null) => Some("`to` is missing"),
        Some(Value::String(text)) if text.trim().starts_with("{{") || is_channel(text) => None,
        Some(_) => Some("`to` is neither a channel nor somebody known by the request"),
    };
    let text = match with.get("text") {
        None | Some(Value::Null) => Some("`text` is missing"),
        Some(Value::String(text)) if !text.trim().is_empty() => None,
        Some(_) => Some("`text` must be a text that is not empty"),
    };
    let to =
        to.map(|what| SettingMistake::new("to", what, "write to: \"#incident\" or to: \"{{ requester.slack_id }}\""));
    let text = text.map(|what| SettingMistake::new("text", what, "write text: what is to be said"));
    to.into_iter().chain(text).collect()
}

/// Where it goes.
fn address(with: &Map<String, Value>) -> Result<String, String> {
    let to = with.get("to").and_then(Value::as_str).filter(|to| !to.is_empty()).ok_or("nobody to tell")?;
    if to.contains(' ') { Err("a place with a space".to_owned()) } else { Ok(to.to_owned()) }
}
