//! What is said of a request whose record cannot be read: it has no card that could change.

use super::words::escape;
use crate::kernel::request::Found;
use crate::kernel::{Proof, RequestId};

/// Said where the workflow's cards go, once what the request held was taken back and read.
pub fn taken_back(workflow: &str, requester: &str, id: &RequestId, proof: &Proof, now: i64) -> String {
    let at = proof.at.min(now).div_euclid(1_000);
    let found = match &proof.found {
        Found::PutBack { what, .. } => format!("what was there before is there again ({})", escape(what)),
        Found::LeftAlone { what, is_on: true } => format!("*it is still on, set by somebody else* ({})", escape(what)),
        Found::LeftAlone { what, .. } => {
            format!("*it was left alone, because somebody else changed it* ({})", escape(what))
        }
        Found::GoneBut { what } => format!("it reads back as off, and what came of it stays ({})", escape(what)),
        Found::HeldByOthers { .. } => "others still hold it".to_owned(),
        Found::Told { .. } => "it answered so, and nothing there can be read".to_owned(),
        _ => "it reads back as off".to_owned(),
    };
    format!(
        "⚠️ The record of request {} (*{}*, <@{requester}>) cannot be read by this version of Nightlatch, so its card no longer \
         changes. Its time was up and it was taken back: {found}, <!date^{at}^{{date_short_pretty}} {{time_secs}}|read back>. The log says why.",
        escape(id.as_str()),
        escape(workflow),
    )
}
