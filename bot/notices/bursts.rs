//! What is said when one person was approved for much without anybody deciding it.

use super::words::{escape, hold, listed};

/// More names than these are counted.
const NAMED_MAX: usize = 10;

/// Who, into what, and what to do about it.
pub fn said(slack_id: &str, workflows: &[&str], within_ms: i64) -> String {
    let mut named: Vec<String> = workflows.iter().take(NAMED_MAX).map(|name| format!("`{}`", escape(name))).collect();
    if let more @ 1.. = workflows.len().saturating_sub(NAMED_MAX) {
        named.push(format!("{more} more"));
    }
    format!(
        "👀 <@{slack_id}> was approved for {} things within {}, and nobody had to decide it: {}. You would have been asked about some of \
         it. If that is not what you expect, ask them; `/access revoke NAME @person` takes it away.",
        workflows.len(),
        hold(within_ms),
        listed(&named, "and"),
    )
}
