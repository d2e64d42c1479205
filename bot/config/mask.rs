//! Hides what may be a secret in lines that a report shows.

use super::sheet::HIDDEN;

/// What Slack's and Tailscale's secrets begin with.
const SECRET_STARTS: &[&str] = &["xoxb-", "xoxp-", "xoxa-", "xoxe", "xapp-", "tskey-"];
/// What a key is called that holds a secret, also when it is misspelled.
const SECRET_KEYS: &[&str] = &["tok", "secr", "key", "pass", "sign"];

/// Hides whatever begins like a secret, and what may be a password in a URL.
pub(super) fn mask_message(text: &str) -> String {
    hide_from(text, begins_secret(text))
}

/// Hides also everything after a key that sounds like a secret's, unless it names its source. Reports are pasted into
/// tickets.
pub(super) fn mask_line(line: &str) -> String {
    let after_key = line.match_indices(':').find_map(|(at, _)| {
        let (key, value) = (line.get(..at)?, line.get(at + 1..)?);
        let key = key.rsplit(['{', ',', ' ', '"', '\'']).find(|word| !word.is_empty())?.to_lowercase();
        let starts_at = at + 1 + value.len() - value.trim_start().len();
        let value = value.trim_start().trim_start_matches(['"', '\'']);
        let is_named = ["env:", "file:", "setec:", "#"].iter().any(|start| value.starts_with(start));
        let is_secret = SECRET_KEYS.iter().any(|word| key.contains(word)) && !value.is_empty() && !is_named;
        is_secret.then_some(starts_at)
    });
    hide_from(line, begins_secret(line).into_iter().chain(after_key).min())
}

fn begins_secret(text: &str) -> Option<usize> {
    // `postgres://user:password@host`
    let user = text.find("://").map(|at| at + 3).filter(|&at| text.get(at..).is_some_and(|rest| rest.contains('@')));
    SECRET_STARTS.iter().filter_map(|start| text.find(start)).chain(user).min()
}

fn hide_from(text: &str, at: Option<usize>) -> String {
    match at {
        Some(at) => format!("{}{HIDDEN}", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
