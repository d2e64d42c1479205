//! Step types that hold something in Slack.

pub mod channel;
mod membership;
pub mod message;
pub mod user_group;

use serde_json::Value;

use crate::kernel::Failure;
use crate::kernel::step_type::SettingMistake;
use crate::outside::slack::SlackError;

/// A call that did not work, in words for people.
fn failure(error: &SlackError) -> Failure {
    let advice = match error.code() {
        Some("permission_denied") => Some(
            "let everybody edit user groups (Settings & Permissions, User Groups), or make the app's installer somebody who may".to_owned(),
        ),
        Some("plan_upgrade_required" | "paid_teams_only") => Some("user groups need a paid plan of Slack".to_owned()),
        Some("not_in_channel") => Some("invite the app to the channel".to_owned()),
        _ => error.advice(),
    };
    Failure {
        what: error.to_string(),
        advice: advice.unwrap_or_default(),
        retryable: error.is_retryable(),
        retry_after_ms: error.retry_after_ms(),
    }
}

/// A failure that only a person can mend.
fn refusal(what: String, advice: &str) -> Failure {
    Failure { what, advice: advice.to_owned(), retryable: false, retry_after_ms: None }
}

/// What is wrong with who is meant: only somebody known by the request, never an id written in the file.
fn user(user: Option<&Value>) -> Option<SettingMistake> {
    let is_reference = |text: &str| text.trim().starts_with("{{") && text.trim().ends_with("}}");
    match user {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if is_reference(text) => None,
        Some(_) => {
            let help = "write user: \"{{ inputs.NAME }}\" with an input of type person, or leave it out: then it is the requester";
            Some(SettingMistake::new("user", "`user` must be the requester or an input of type person", help))
        }
    }
}
