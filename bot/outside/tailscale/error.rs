//! What can go wrong when talking to Tailscale, sorted by what a caller can do about it.

use std::fmt;

use reqwest::StatusCode;

use crate::outside::ADMIN;

/// The longest part of an answer we repeat, in bytes.
const MESSAGE_LIMIT_BYTES: usize = 300;

/// A call to Tailscale that did not do what it should. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TailscaleError {
    /// 401 twice, or the OAuth client was refused: the credential is wrong, expired or revoked.
    #[error("tailscale refused the credential: {0}")]
    Unauthorized(Said),
    /// 402 or 403: the credential lacks a scope, or the tailnet's plan lacks the feature. Tailscale uses one status for both.
    #[error("tailscale does not allow this: {0}")]
    MissingScopeOrPlan(Said),
    /// 404: not there, or not ours to see; Tailscale does not tell which.
    #[error("tailscale does not know it: {0}")]
    NotFound(Said),
    /// 429: nothing was done, ask again later.
    #[error("tailscale asks for fewer calls: {said}")]
    RateLimited {
        /// What was said.
        said: Said,
        /// How long Tailscale asks us to wait, if it said so.
        retry_after_ms: Option<i64>,
    },
    /// Any other 4xx, a redirect, or something we refuse to send: the same call will fail again.
    #[error("tailscale will not do it: {0}")]
    Rejected(Said),
    /// 5xx, no connection, or no answer in time.
    #[error("tailscale is not available: {said}")]
    Unavailable {
        /// What was said.
        said: Said,
        /// How long Tailscale asks us to wait, if it said so.
        retry_after_ms: Option<i64>,
        /// A write may have taken effect although we were not told: read back before believing either.
        may_have_happened: bool,
    },
    /// An answer that is not what Tailscale sends: cut off, too large, or from something in between.
    #[error("the answer is not one of tailscale's: {0}")]
    Malformed(Said),
}

impl TailscaleError {
    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Unavailable { .. } | Self::Malformed(_))
    }

    /// How long Tailscale asked us to wait, in milliseconds; at most 15 minutes, and one minute for whoever ends something.
    pub fn retry_after_ms(&self) -> Option<i64> {
        match self {
            Self::RateLimited { retry_after_ms, .. } | Self::Unavailable { retry_after_ms, .. } => *retry_after_ms,
            _ => None,
        }
    }

    /// Whether a write that ended like this may have taken effect all the same.
    pub fn may_have_happened(&self) -> bool {
        matches!(self, Self::Unavailable { may_have_happened: true, .. } | Self::Malformed(_))
    }

    /// The same for whoever asked for something, and what they can do: what only an admin can mend is said to an admin, in the log and at
    /// `/readyz`.
    pub fn for_people(&self) -> (String, String) {
        let call = self.said().call;
        let said = |what: String, advice: &str| (what, advice.to_owned());
        match self {
            Self::Unauthorized(_) => said("Tailscale refuses the bot".to_owned(), ADMIN),
            Self::MissingScopeOrPlan(told) if told.is_about_plan() => {
                said(format!("the plan of the tailnet does not have this ({call})"), ADMIN)
            }
            Self::MissingScopeOrPlan(_) => said(format!("Tailscale does not let the bot do this ({call})"), ADMIN),
            Self::NotFound(_) => {
                let advice = self.advice().unwrap_or_default();
                said(format!("Tailscale does not know it ({call})"), &advice)
            }
            Self::RateLimited { .. } => said("Tailscale takes no more calls for the moment".to_owned(), ""),
            Self::Rejected(Said { status: Some(300..400), .. }) | Self::Malformed(_) => {
                said(format!("what answers does not look like Tailscale ({call})"), ADMIN)
            }
            Self::Rejected(Said { message, .. }) => said(format!("Tailscale refused it ({call}: {message})"), ""),
            Self::Unavailable { said: Said { status: Some(status), .. }, .. } => {
                said(format!("Tailscale cannot do it just now ({call}, {status})"), "")
            }
            Self::Unavailable { said: Said { message, .. }, .. } if message.starts_with("no answer for ") => {
                said(format!("Tailscale gave {message} ({call})"), "")
            }
            Self::Unavailable { .. } => said(format!("Tailscale did not answer ({call})"), ""),
        }
    }

    /// The next step for the people who run the bot; `None` when waiting is all there is to do.
    pub fn advice(&self) -> Option<String> {
        match self {
            Self::Unauthorized(_) => Some(
                "check `tailscale.client_id` and `client_secret` (or `api_key`) in nightlatch.yaml: the credential is \
                 mistyped, revoked or expired; a new OAuth client takes a moment to work"
                    .to_owned(),
            ),
            Self::MissingScopeOrPlan(said) if said.is_about_plan() => Some(
                "custom posture attributes need Tailscale's Premium or Enterprise plan; see Settings, Billing"
                    .to_owned(),
            ),
            Self::MissingScopeOrPlan(said) => Some(match said.scope {
                Some(scope) => {
                    format!("give the OAuth client the scope `{scope}`; tokens already issued keep their scopes")
                }
                None => "give the OAuth client the scope this call needs".to_owned(),
            }),
            Self::NotFound(_) => Some(
                "look whether the device or user is still in the tailnet and not shared in from another".to_owned(),
            ),
            Self::Rejected(said) if said.status.is_some_and(|status| (300..400).contains(&status)) => {
                Some("check `tailscale.api_url`: it answers with a redirect, and those are not followed".to_owned())
            }
            Self::Malformed(_) => {
                Some("check `tailscale.api_url` and any proxy on the way: this does not look like Tailscale".to_owned())
            }
            Self::RateLimited { .. } | Self::Rejected(_) | Self::Unavailable { .. } => None,
        }
    }

    /// What was said, with the call it was about.
    pub fn said(&self) -> &Said {
        match self {
            Self::Unauthorized(said)
            | Self::MissingScopeOrPlan(said)
            | Self::NotFound(said)
            | Self::Rejected(said)
            | Self::Malformed(said)
            | Self::RateLimited { said, .. }
            | Self::Unavailable { said, .. } => said,
        }
    }
}

/// Who said what during which call; the words of a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What we were doing, such as `setting an attribute`.
    pub call: &'static str,
    /// The OAuth scope the call needs, if it needs one.
    pub scope: Option<&'static str>,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// The answer's `message`, or our own words when there was none: one line, at most 300 bytes, without secrets.
    pub message: String,
    /// Tailscale's id of the call (`x-tailscale-request-id`), which its support asks for.
    pub request_id: Option<String>,
}

impl Said {
    /// Tailscale sends one status for a missing scope and a missing plan; only the text tells (apis/tailscale.md 1.4).
    fn is_about_plan(&self) -> bool {
        self.status == Some(StatusCode::PAYMENT_REQUIRED.as_u16()) || self.message.contains("plan")
    }
}

impl fmt::Display for Said {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.call)?;
        if let Some(status) = self.status {
            write!(out, ", {status}")?;
        }
        if !self.message.is_empty() {
            write!(out, ", {}", self.message)?;
        }
        if let Some(request_id) = &self.request_id {
            write!(out, " (request {request_id})")?;
        }
        Ok(())
    }
}

/// Makes text from outside fit for a log line or a message: one line, short, and nothing that looks like a Tailscale
/// secret (they all begin with `tskey-`), nor any of `secrets`.
pub(super) fn tame(text: &str, secrets: &[&str]) -> String {
    let mut tamed = text.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        tamed = tamed.replace(secret, "[secret]");
    }
    let words =
        tamed.split(|letter: char| letter.is_whitespace() || letter.is_control()).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.map(|word| if word.contains("tskey-") { "[secret]" } else { word }).collect();
    let tamed = words.join(" ");
    match cut(&tamed, MESSAGE_LIMIT_BYTES) {
        whole if whole.len() == tamed.len() => tamed,
        part => format!("{part}..."),
    }
}

/// The longest beginning of `text` that fits in `limit` bytes and ends between two characters.
pub(super) fn cut(text: &str, limit: usize) -> &str {
    text.get(..text.floor_char_boundary(limit)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_loses_secrets_line_breaks_and_length() {
        assert_eq!(tame("key hunter2\r\n(tskey-api-abc) seen", &["hunter2"]), "key [secret] [secret] seen");
        assert_eq!(tame(&"é".repeat(400), &[]).len(), 303);
    }

    #[test]
    fn a_403_about_the_plan_and_one_about_a_scope_get_different_advice() {
        let said = |message: &str| Said {
            call: "setting an attribute",
            scope: Some("devices:posture_attributes"),
            status: Some(403),
            message: message.to_owned(),
            request_id: Some("r1".to_owned()),
        };
        let plan = TailscaleError::MissingScopeOrPlan(said("feature not available on current billing plan"));
        let scope = TailscaleError::MissingScopeOrPlan(said("forbidden"));
        assert!(plan.advice().is_some_and(|advice| advice.contains("Premium")));
        assert!(scope.advice().is_some_and(|advice| advice.contains("`devices:posture_attributes`")));
        assert_eq!(
            scope.to_string(),
            "tailscale does not allow this: setting an attribute, 403, forbidden (request r1)"
        );
    }
}
