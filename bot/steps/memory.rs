//! What was there before a step was begun, as the ledger keeps it.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::kernel::Failure;
use crate::kernel::kept::{self, Kept};

/// As it is kept.
///
/// # Errors
/// It cannot be written as JSON, which only a mistake of ours does.
pub(super) fn put_down<T: Kept>(was: &T) -> Result<Value, Failure> {
    kept::to_value(was).map_err(|error| lasting(format!("what was there cannot be kept: {error}")))
}

/// The same, read. Where nothing is kept it was on by us, and what was before is `lost`.
///
/// # Errors
/// A later version wrote it, or it is broken.
pub(super) fn read_back<T: Kept + DeserializeOwned>(found: &Value, lost: impl FnOnce() -> T) -> Result<T, Failure> {
    if found.is_null() {
        return Ok(lost());
    }
    kept::from_value(found.clone()).map_err(|error| lasting(format!("what was there before is not known: {error}")))
}

fn lasting(what: String) -> Failure {
    Failure { what, advice: String::new(), retryable: false, retry_after_ms: None }
}
