//! What the policy file would become, before anybody asks for it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::holding::is_allowed;
use super::target::{Holding, Target};
use super::wanted::Wanted;
use super::writing::MAX_BYTES;
use crate::hujson::Document;
use crate::kernel::RequestId;

/// The text as it would be while somebody holds what these settings, which are filled in, want of it. `used_by` are the workflow and the step
/// by name, with a space between them.
///
/// # Errors
/// Why it would not be written, for people.
pub fn planned(text: &str, with: &Map<String, Value>, login: &str, used_by: &str) -> Result<String, String> {
    let document = Document::read(text, MAX_BYTES).map_err(|error| error.to_string())?;
    let holding = Holding {
        id: RequestId("REQUEST".to_owned()),
        login: login.to_owned(),
        used_by: used_by.to_owned(),
        wanted: Wanted::of(with),
        is_confirmed: false,
    };
    is_allowed(&holding).map_err(|failure| format!("{}; {}", failure.what, failure.advice))?;
    let target = Target::of(&document, &[holding], &[], &BTreeSet::new()).map_err(|error| error.to_string())?;
    Ok(target.document.text())
}
