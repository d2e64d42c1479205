//! What an answer that is not success means, and what it says.

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::Deserialize;

use super::error::tame;
use super::pace::{END_ASKED_MAX, Turn};
use super::{Said, Tailscale, TailscaleError};
use crate::outside::net::{date_ms, http_date_ms};

/// The longest wait we accept from a `Retry-After`. Ends keep to less (`END_ASKED_MAX`).
const RETRY_AFTER_LIMIT_MS: i64 = 15 * 60 * 1000;

impl Tailscale {
    /// What a status that is not success means to the caller (apis/tailscale.md 1.4).
    pub(super) fn sort(
        &self,
        said: Said,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        is_write: bool,
    ) -> TailscaleError {
        let retry_after_ms =
            header(headers, RETRY_AFTER.as_str()).and_then(|text| self.retry_after_ms(text, date_ms(headers)));
        match status {
            StatusCode::UNAUTHORIZED => TailscaleError::Unauthorized(said),
            StatusCode::PAYMENT_REQUIRED | StatusCode::FORBIDDEN => TailscaleError::MissingScopeOrPlan(said),
            // A proxy's page that says 404 must not pass for "that attribute is gone".
            StatusCode::NOT_FOUND if body.trim_ascii_start().starts_with(b"<") => TailscaleError::Malformed(said),
            StatusCode::NOT_FOUND => TailscaleError::NotFound(said),
            StatusCode::TOO_MANY_REQUESTS => TailscaleError::RateLimited { said, retry_after_ms },
            // 501 is for shared-in devices and never changes.
            StatusCode::NOT_IMPLEMENTED => TailscaleError::Rejected(said),
            StatusCode::REQUEST_TIMEOUT => {
                TailscaleError::Unavailable { said, retry_after_ms, may_have_happened: is_write }
            }
            status if status.is_server_error() => {
                TailscaleError::Unavailable { said, retry_after_ms, may_have_happened: is_write }
            }
            _ => TailscaleError::Rejected(said),
        }
    }

    /// `Retry-After` is seconds or an HTTP date (RFC 9110, 10.2.3), which is compared with the answer's own, `said_ms`: their clock and
    /// ours may differ.
    fn retry_after_ms(&self, text: &str, said_ms: Option<i64>) -> Option<i64> {
        let text = text.trim();
        let wait_ms = match text.parse::<i64>() {
            Ok(seconds) => seconds.saturating_mul(1000),
            Err(_) => {
                let now_ms = said_ms.unwrap_or_else(|| self.inner.clock.now_ms());
                http_date_ms(text)?.saturating_sub(now_ms)
            }
        };
        let limit_ms = match self.turn {
            Turn::End(_) => i64::try_from(END_ASKED_MAX.as_millis()).unwrap_or(RETRY_AFTER_LIMIT_MS),
            Turn::Other => RETRY_AFTER_LIMIT_MS,
        };
        Some(wait_ms.clamp(0, limit_ms))
    }
}

pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The words of an answer that is not success. The API says `message`, its token endpoint `error` and
/// `error_description` (RFC 6749, 5.2), and a proxy on the way anything.
pub(super) fn words(body: &[u8], status: StatusCode, secrets: &[&str]) -> String {
    #[derive(Deserialize)]
    struct Words {
        message: Option<String>,
        error_description: Option<String>,
        error: Option<String>,
    }
    match serde_json::from_slice::<Words>(body) {
        Ok(words) => tame(&words.message.or(words.error_description).or(words.error).unwrap_or_default(), secrets),
        Err(_) if body.is_empty() => status.canonical_reason().unwrap_or("no words").to_lowercase(),
        Err(_) => format!("not in json: {}", tame(&String::from_utf8_lossy(body), secrets)),
    }
}
