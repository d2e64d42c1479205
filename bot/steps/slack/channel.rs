//! `slack.channel`: a place in a Slack channel while access is held. Here: what a workflow file may say, and what is touched; `holding`
//! does it.

mod holding;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::kernel::StepType;
use crate::kernel::step_type::{Holds, Scope, Setting, SettingKind, SettingMistake, Stays};
use crate::kernel::workflow::Input;
use crate::steps::Listed;
use crate::steps::slack::{placed, user, written};

pub use holding::ChannelStep;

/// The entry in the list of step types.
pub const LISTED: Listed = Listed {
    about: StepType {
        uses: "slack.channel",
        about: "A place in a channel that the app is in, for whoever asks or another full member; no guests. Slack has no end for it, so it is \
                taken back by the bot alone. What was read in it stays known.",
        settings: SETTINGS,
        holds: Holds::Shared,
        stays: Stays::Never,
        scopes: &[
            Scope::Slack("channels:read"),
            Scope::Slack("groups:read"),
            Scope::Slack("channels:manage"),
            Scope::Slack("groups:write"),
            Scope::Slack("users:read"),
        ],
        results: &[],
        check,
        address: |with| written(with, "channel"),
        lends: |with, _| placed(with, "channel"),
    },
    make: |outside| Arc::new(ChannelStep::new(outside.slack.clone(), outside.clock.clone())),
};

const SETTINGS: &[Setting] = &[
    Setting {
        name: "channel",
        kind: SettingKind::Text,
        is_required: true,
        is_key: true,
        about: "Its name with `#`, in quotes, or its id.",
        example: "\"#incident\"",
    },
    Setting {
        name: "user",
        kind: SettingKind::Member,
        is_required: false,
        is_key: true,
        about: "Who is let in; the requester if it is left out.",
        example: "\"{{ requester.slack_id }}\"",
    },
];

fn check(with: &Map<String, Value>, _: &[Input]) -> Vec<SettingMistake> {
    [channel(with.get("channel")), user(with.get("user"))].into_iter().flatten().collect()
}

fn channel(channel: Option<&Value>) -> Option<SettingMistake> {
    const HELP: &str = "write channel: \"#incident\", in quotes, or its id";
    let wrong = |message: &str| Some(SettingMistake::new("channel", message, HELP));
    match channel {
        None | Some(Value::Null) => wrong("`channel` is missing"),
        Some(Value::String(text)) if is_channel(text) => None,
        Some(Value::String(_)) => wrong("`channel` is neither the name nor the id of a channel"),
        Some(_) => wrong("`channel` must be a text"),
    }
}

/// As Slack names channels, or an id.
pub(super) fn is_channel(text: &str) -> bool {
    let is_id = text.starts_with(['C', 'G'])
        && (6..=32).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let is_name = text.strip_prefix('#').is_some_and(|name| {
        (1..=80).contains(&name.chars().count())
            && name.chars().all(|c| (c.is_alphanumeric() || c == '-' || c == '_') && !c.is_uppercase())
    });
    is_id || is_name
}
