//! What can go wrong when we ask Slack for something, and what to do about it. No error ever holds a secret.

use serde_json::Value;

use crate::outside::ADMIN;

/// Texts longer than this are not Slack's own words any more; milliseconds, codes and pointers are far shorter.
const TEXT_MAX: usize = 300;
/// Slack's default when it says "too fast" without saying until when (the value its own SDKs use).
pub(super) const RETRY_AFTER_DEFAULT_MS: i64 = 30_000;

/// Why a call to Slack brought no answer we can use. `Display` is safe to log: no token, `response_url`,
/// `trigger_id` or socket ticket is in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SlackError {
    /// Too many calls, by Slack's count (429) or by ours; when by ours, nothing was sent. Wait, then repeat.
    #[error("slack wants {method} slower, again in {retry_after_ms} ms")]
    RateLimited {
        /// The Web API method.
        method: &'static str,
        /// Milliseconds from now, at least 1.
        retry_after_ms: i64,
    },
    /// Slack understood and said no (`ok: false`).
    #[error("slack refused {method}: {code}{}", detail(needed.as_deref(), messages))]
    Api {
        /// The Web API method.
        method: &'static str,
        /// Slack's error code, e.g. `channel_not_found`.
        code: String,
        /// The scope that is missing, when the code is `missing_scope`.
        needed: Option<String>,
        /// `response_metadata.messages`: they name the block or view field that is wrong.
        messages: Vec<String>,
    },
    /// No answer, or a failure on Slack's side.
    #[error("slack did not answer {method}: {detail}")]
    Unavailable {
        /// The Web API method.
        method: &'static str,
        /// What happened, in our words.
        detail: String,
        /// False only if nothing can have reached Slack; Slack has no idempotency keys, so true means "look first".
        may_have_happened: bool,
    },
    /// An answer that is not what the method answers. It may have happened.
    #[error("slack answered {method} with something unreadable: {detail}")]
    Malformed {
        /// The Web API method.
        method: &'static str,
        /// What is missing or wrong, in our words; never the body.
        detail: String,
    },
}

fn detail(needed: Option<&str>, messages: &[String]) -> String {
    let mut text = String::new();
    if let Some(scope) = needed {
        text.push_str(&format!(" (needs {scope})"));
    }
    for message in messages {
        text.push_str(": ");
        text.push_str(message);
    }
    text
}

impl SlackError {
    /// Reads Slack's own account of a failure out of an answer body. `None` if the body holds no error code.
    pub(super) fn from_body(method: &'static str, body: &Value) -> Option<Self> {
        let code = body.get("error").and_then(Value::as_str)?;
        let code: String = code.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(80).collect();
        if matches!(code.as_str(), "ratelimited" | "rate_limited") {
            return Some(Self::RateLimited { method, retry_after_ms: RETRY_AFTER_DEFAULT_MS });
        }
        let messages = body.pointer("/response_metadata/messages").or_else(|| body.get("errors"));
        let messages = messages.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let messages = messages.iter().filter_map(Value::as_str).filter(|text| is_clean(text)).take(5).map(short);
        let needed = body.get("needed").and_then(Value::as_str).filter(|text| is_clean(text)).map(short);
        Some(Self::Api { method, code, needed, messages: messages.collect() })
    }

    /// Slack's error code, if Slack gave one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Api { code, .. } => Some(code),
            _ => None,
        }
    }

    /// Worth the same call again later, with backoff (`apis/slack.md` section 20).
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::RateLimited { .. } | Self::Unavailable { .. } | Self::Malformed { .. } => true,
            Self::Api { code, .. } => matches!(
                code.as_str(),
                "internal_error"
                    | "fatal_error"
                    | "service_unavailable"
                    | "request_timeout"
                    | "team_added_to_org"
                    | "org_login_required"
                    | "team_access_not_granted"
            ),
        }
    }

    /// Whether Slack may have done it although we have no answer that says so. Only then look before repeating.
    pub fn may_have_happened(&self) -> bool {
        match self {
            Self::RateLimited { .. } => false,
            Self::Unavailable { may_have_happened, .. } => *may_have_happened,
            Self::Malformed { .. } => true,
            Self::Api { .. } => self.is_retryable(),
        }
    }

    /// The token is no good: no retry helps, a person must act.
    pub fn is_fatal_auth(&self) -> bool {
        matches!(
            self.code(),
            Some(
                "not_authed"
                    | "invalid_auth"
                    | "account_inactive"
                    | "token_revoked"
                    | "token_expired"
                    | "user_removed_from_team"
                    | "team_disabled"
                    | "not_allowed_token_type"
            )
        )
    }

    /// It goes on like this until somebody changes the app, its token or the workspace.
    pub fn needs_a_person(&self) -> bool {
        let codes = [
            "missing_scope",
            "plan_upgrade_required",
            "paid_teams_only",
            "paid_only",
            "team_access_not_granted",
            "ekm_access_denied",
            "access_denied",
            "accesslimited",
            "enterprise_is_restricted",
            "no_permission",
            "not_enabled",
            "messages_tab_disabled",
            "message_limit_exceeded",
            "permission_denied",
        ];
        self.is_fatal_auth() || self.code().is_some_and(|code| codes.contains(&code))
    }

    /// How long Slack (or our own pacing) wants us to wait, in milliseconds.
    pub fn retry_after_ms(&self) -> Option<i64> {
        match self {
            Self::RateLimited { retry_after_ms, .. } => Some(*retry_after_ms),
            _ => None,
        }
    }

    /// The same for whoever asked for something, and what they can do: what only an admin can mend is said to an admin, in the log and at
    /// `/readyz`.
    pub fn for_people(&self) -> (String, String) {
        let said = |what: &str, advice: &str| (what.to_owned(), advice.to_owned());
        if self.needs_a_person() {
            return said("Slack does not let the bot do this", ADMIN);
        }
        match self {
            Self::RateLimited { .. } => said("Slack takes no more calls for the moment", ""),
            Self::Unavailable { .. } => said("Slack did not answer", ""),
            Self::Malformed { .. } => said("Slack's answer could not be read", ""),
            Self::Api { code, .. } => match code.as_str() {
                "channel_not_found" => said(
                    "the channel is not there, or the bot is not in it",
                    "invite the bot to it (`/invite`), or tell an admin",
                ),
                "not_in_channel" => said("the bot is not in the channel", "invite it (`/invite`)"),
                "is_archived" => said("the channel is archived", "tell an admin"),
                "user_not_found" | "users_not_found" | "user_not_visible" | "user_disabled" => {
                    said("there is no such active person in this workspace", "")
                }
                _ if self.is_about_trigger() => said("the click was too old", "press again"),
                code => (format!("Slack refused it ({code})"), String::new()),
            },
        }
    }

    /// What opens a form lives three seconds, and opens one.
    pub fn is_about_trigger(&self) -> bool {
        let codes = [
            "expired_trigger_id",
            "trigger_expired",
            "exchanged_trigger_id",
            "trigger_exchanged",
            "invalid_trigger_id",
        ];
        self.code().is_some_and(|code| codes.contains(&code))
    }

    /// What the person who runs the bot can do about it, one sentence.
    pub fn advice(&self) -> Option<String> {
        if let Self::Api { code, needed: Some(scope), .. } = self
            && code == "missing_scope"
        {
            return Some(format!("add the bot scope {scope} to the Slack app and reinstall it"));
        }
        advice_for(self.code()?).map(str::to_owned)
    }
}

fn advice_for(code: &str) -> Option<&'static str> {
    Some(match code {
        "not_authed" | "invalid_auth" => "check slack.bot_token and slack.app_token, and the app's allowed addresses",
        "account_inactive" | "token_revoked" | "user_removed_from_team" => {
            "reinstall the Slack app and copy the new token"
        }
        "token_expired" => "token rotation is on for this app and cannot be switched off: make an app without it",
        "team_disabled" => "the Slack workspace is switched off",
        "not_allowed_token_type" => "bot_token wants xoxb-..., app_token wants xapp-...: they may be swapped",
        "missing_scope" => "run `nightlatch manifest`, update the Slack app with it and reinstall",
        "channel_not_found" => "check the channel; a private one must have the bot as a member (/invite)",
        "not_in_channel" => "invite the bot to the channel, or give it chat:write.public",
        "is_archived" => "the channel is archived: name another one in `announce`",
        "user_not_found" | "users_not_found" | "user_not_visible" | "user_disabled" => {
            "no such active person in this workspace"
        }
        "messages_tab_disabled" => "switch the messages tab of the app's home on (`nightlatch manifest` has it)",
        "not_enabled" => "switch the home tab of the app on (`nightlatch manifest` has it)",
        "expired_trigger_id"
        | "trigger_expired"
        | "exchanged_trigger_id"
        | "trigger_exchanged"
        | "invalid_trigger_id" => "the click is too old (3 seconds) or was used already: ask the person to try again",
        "team_access_not_granted" => "give the org-wide app access to this workspace",
        "ekm_access_denied" | "access_denied" | "accesslimited" => "a policy of the workspace stops us: ask its admins",
        "plan_upgrade_required" | "paid_teams_only" | "paid_only" => {
            "user groups need a paid plan of Slack: pay for it, or name people and tailnet groups in `ask` and `approve`"
        }
        "permission_denied" => {
            "let everybody edit user groups (Settings & Permissions, User Groups), or make the app's installer somebody who may"
        }
        "message_limit_exceeded" => "the workspace is over its message quota",
        _ => return None,
    })
}

/// Slack's messages quote pointers, not values; should a secret ever be quoted, the whole message is left out.
fn is_clean(text: &str) -> bool {
    !["xox", "xapp-", "hooks.", "ticket=", "://"].iter().any(|mark| text.contains(mark))
}

fn short(text: &str) -> String {
    text.chars().take(TEXT_MAX).collect()
}
