//! What the policy file would become, before anybody asks for it or decides.

use std::collections::BTreeSet;

use similar::TextDiff;

use super::holding::is_allowed;
use super::target::{Holding, Target};
use super::wanted::Wanted;
use super::writing::Why;
use crate::hujson::Document;
use crate::kernel::Failure;
use crate::outside::tailscale::{Tailscale, Verdict};
use crate::steps::tailscale::{failure, refusal};
use crate::steps::{Holder, Preview};

/// Lines around what changes.
const CONTEXT_LINES: usize = 3;

/// What would change while this holder holds what their settings, which are filled in, want of it; and whether Tailscale would take it.
///
/// # Errors
/// It could not be read, or would not be written.
pub async fn preview(tailscale: &Tailscale, holder: &Holder, max_bytes: usize) -> Result<Preview, Failure> {
    let now = tailscale.policy_text().await.map_err(|error| failure(&error))?;
    let planned = planned(&now.text, holder, max_bytes)?;
    let difference = TextDiff::from_lines(&now.text, &planned);
    let difference = difference
        .unified_diff()
        .context_radius(CONTEXT_LINES)
        .header("policy file", "policy file while it is held")
        .to_string();
    let refused = match tailscale.validate_policy(&planned).await.map_err(|error| failure(&error))? {
        Verdict::Bad(why) => Some(why),
        Verdict::Good => None,
    };
    Ok(Preview { what: "policy file", difference, refused })
}

/// The text as it would be.
fn planned(text: &str, holder: &Holder, max_bytes: usize) -> Result<String, Failure> {
    let document = Document::read(text, max_bytes).map_err(|error| Why::from(error).failure())?;
    let holding = Holding {
        id: holder.request_id.clone(),
        login: holder.login.clone(),
        used_by: holder.used_by.clone(),
        wanted: Wanted::of(&holder.with),
        is_confirmed: false,
    };
    is_allowed(&holding)?;
    let target = Target::of(&document, &[holding], &[], &BTreeSet::new());
    Ok(target.map_err(|error| refusal(error.to_string(), ""))?.document.text())
}
