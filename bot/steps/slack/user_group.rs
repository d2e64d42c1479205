//! `slack.user_group`: a place in a Slack user group while access is held. Here: what a workflow file may say, and what is touched;
//! `holding` does it.

mod holding;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::kernel::StepType;
use crate::kernel::step_type::{Holds, Scope, Setting, SettingKind, SettingMistake, Stays};
use crate::kernel::workflow::Input;
use crate::steps::Listed;
use crate::steps::slack::{placed, user, written};

pub use holding::{UserGroupStep, was_member};

/// The entry in the list of step types.
pub const LISTED: Listed = Listed {
    about: StepType {
        uses: "slack.user_group",
        about: "A place in a Slack user group, for whoever asks or another full member; no guests. Slack has no end for it, so it is taken back \
                by the bot alone. A group must have a member who stays: Slack lets none be empty. Needs a paid plan, and a workspace in which \
                the app may edit user groups.",
        settings: SETTINGS,
        holds: Holds::Shared,
        stays: Stays::Never,
        scopes: &[Scope::Slack("usergroups:read"), Scope::Slack("usergroups:write"), Scope::Slack("users:read")],
        results: &[],
        check,
        address: |with| written(with, "group"),
        lends: |with, _| placed(with, "group"),
    },
    make: |outside| Arc::new(UserGroupStep::new(outside.slack.clone(), outside.clock.clone())),
};

const SETTINGS: &[Setting] = &[
    Setting {
        name: "group",
        kind: SettingKind::Text,
        is_required: true,
        is_key: true,
        about: "Its handle, in quotes.",
        example: "\"@db-oncall\"",
    },
    Setting {
        name: "user",
        kind: SettingKind::Member,
        is_required: false,
        is_key: true,
        about: "Who is put in; the requester if it is left out.",
        example: "\"{{ requester.slack_id }}\"",
    },
];

fn check(with: &Map<String, Value>, _: &[Input]) -> Vec<SettingMistake> {
    [group(with.get("group")), user(with.get("user"))].into_iter().flatten().collect()
}

fn group(group: Option<&Value>) -> Option<SettingMistake> {
    const HELP: &str = "write group: \"@db-oncall\", in quotes";
    let wrong = |message: &str| Some(SettingMistake::new("group", message, HELP));
    match group {
        None | Some(Value::Null) => wrong("`group` is missing"),
        Some(Value::String(text)) => {
            let handle = text.strip_prefix('@').unwrap_or_default();
            let is_handle = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            let is_one = !handle.is_empty() && handle.chars().all(is_handle);
            if is_one { None } else { wrong("`group` must be the handle of a user group, with @ in front") }
        }
        Some(_) => wrong("`group` must be a text"),
    }
}
