//! Step types that hold something in the tailnet.

pub mod attribute;
pub mod auth_key;
pub mod policy;
#[cfg(test)]
mod tests;

use crate::kernel::Failure;
use crate::outside::tailscale::TailscaleError;

/// A call that did not work, in words for people.
pub(in crate::steps) fn failure(error: &TailscaleError) -> Failure {
    tracing::info!(%error, "a call of a step failed");
    let (what, advice) = error.for_people();
    Failure { what, advice, retryable: error.is_retryable(), retry_after_ms: error.retry_after_ms() }
}

/// A failure that only a person can mend.
pub(in crate::steps) fn refusal(what: String, advice: &str) -> Failure {
    Failure { what, advice: advice.to_owned(), retryable: false, retry_after_ms: None }
}
