//! Hides what may be a secret in lines that a report shows, and nothing else: who reads the report must see what is wrong.

use super::sheet::HIDDEN;

/// What Slack's and Tailscale's secrets begin with.
const SECRET_STARTS: &[&str] = &["xoxb-", "xoxp-", "xoxa-", "xoxe", "xapp-", "tskey-"];
/// What a key is called that holds a secret, also when it is misspelled.
const SECRET_KEYS: &[&str] = &["tok", "secr", "key", "pass", "sign"];
/// Values that say where a secret is.
const SOURCES: &[&str] = &["env:", "file:", "setec:", "#"];
/// A word of this length with letters and digits and nothing that an address or a path has is a secret more often than not.
const RANDOM_MIN: usize = 20;

/// Hides whatever looks like a secret, and what may be a password in a URL.
pub(super) fn mask_message(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((start, end)) = secret_in(rest) {
        shown.push_str(rest.get(..start).unwrap_or_default());
        shown.push_str(HIDDEN);
        rest = rest.get(end..).unwrap_or_default();
    }
    shown + rest
}

/// Hides also what stands after a key that sounds like a secret's, unless it names its source. Reports are pasted into
/// tickets.
pub(super) fn mask_line(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((start, end)) = value_of_secret_key(rest) {
        shown.push_str(&mask_message(rest.get(..start).unwrap_or_default()));
        shown.push_str(HIDDEN);
        rest = rest.get(end..).unwrap_or_default();
    }
    shown + &mask_message(rest)
}

/// The first value after a key that sounds like a secret's. In quotes it ends with them; without, nobody knows where a secret
/// ends that is none of the usual ones, so the rest of the line belongs to it.
fn value_of_secret_key(line: &str) -> Option<(usize, usize)> {
    line.match_indices(':').find_map(|(at, _)| {
        let (key, value) = (line.get(..at)?, line.get(at + 1..)?);
        let key = key.rsplit(['{', ',', ' ', '"', '\'']).find(|word| !word.is_empty())?.to_lowercase();
        let start = at + 1 + value.len() - value.trim_start().len();
        let value = value.trim_start();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        let bare = value.trim_start_matches(['"', '\'']);
        let is_named = SOURCES.iter().any(|source| bare.starts_with(source));
        let is_secret = SECRET_KEYS.iter().any(|word| key.contains(word)) && !bare.is_empty() && !is_named;
        let is_map = value.starts_with('{');
        let end = quote.and_then(|quote| Some(start + 2 + value.get(1..)?.find(quote)?)).unwrap_or(line.len());
        (is_secret && !is_map).then_some((start, end))
    })
}

/// The first word that looks like a secret: where it begins and ends.
fn secret_in(text: &str) -> Option<(usize, usize)> {
    let word_end = |at: usize| {
        let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | '}' | ']');
        text.get(at..).and_then(|rest| rest.find(is_end)).map_or(text.len(), |length| at + length)
    };
    // `postgres://user:password@host`
    let user = text.match_indices("://").find_map(|(at, sign)| {
        let (start, end) = (at + sign.len(), word_end(at));
        let at_sign = text.get(start..end)?.rfind('@')?;
        Some((start, start + at_sign))
    });
    let begins = SECRET_STARTS.iter().filter_map(|start| text.find(start)).min().map(|at| (at, word_end(at)));
    [user, begins, random_word(text)].into_iter().flatten().min()
}

fn random_word(text: &str) -> Option<(usize, usize)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '=');
    let is_random = |word: &str| {
        let has = |is: fn(&u8) -> bool| word.bytes().any(|byte| is(&byte));
        word.len() >= RANDOM_MIN && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
    };
    let words = text.split(|c: char| !is_part(c)).filter(|word| is_random(word));
    words.into_iter().find_map(|word| text.find(word).map(|at| (at, at + word.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_secret_itself_is_hidden() {
        let hex = "8f14e45fceea167a5a36dedd4bea2543";
        for (line, shown) in [
            ("log_level: debug", "log_level: debug"),
            ("workflow: workflows", "workflow: workflows"),
            ("slack: { bot_token: env:B, ap_token: env:A }", "slack: { bot_token: env:B, ap_token: env:A }"),
            ("slack: { bot: xoxb-1-2, mode: socket }", "slack: { bot: ********, mode: socket }"),
            ("  bot_token: \"sesame, open\" # mine", "  bot_token: ******** # mine"),
            ("  clint_secrt: open sesame # mine", "  clint_secrt: ********"),
            ("golink: { url: https://a:b@go.example }", "golink: { url: https://********@go.example }"),
            ("url: https://nightlatch.example.ts.net", "url: https://nightlatch.example.ts.net"),
        ] {
            assert_eq!(mask_line(line), shown);
        }
        assert_eq!(mask_line(&format!("sig: {hex}")), "sig: ********");
        assert_eq!(
            mask_message("`tskey-client-abc` is no word, xapp-1 neither"),
            "`********` is no word, ******** neither"
        );
    }
}
