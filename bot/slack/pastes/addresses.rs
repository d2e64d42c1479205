//! The web address in a message, for a go link: wherever it stands, as Slack marks it or as it was typed.

use serde_json::Value;

use super::message::read;
use crate::slack::envelope::typed;

/// Parts of a message nest a few deep; deeper is not ours to follow.
const DEPTH_MAX: usize = 16;

/// The first web address of a message, wherever it stands in it: as Slack marks addresses, or else in what is read of it.
pub(in crate::slack) fn first_address(message: &Value) -> Option<String> {
    let marked = address_in(message.get("text").unwrap_or(&Value::Null), 0)
        .or_else(|| address_in(message.get("blocks")?, 0))
        .or_else(|| address_in(message.get("attachments")?, 0));
    marked.or_else(|| bare_address(&read(message).text))
}

/// What a message and its parts hold addresses in, those that people see first.
const HOLD_ADDRESSES: [&str; 14] = [
    "url",
    "title_link",
    "text",
    "pretext",
    "title",
    "elements",
    "rows",
    "fields",
    "value",
    "blocks",
    "message_blocks",
    "message",
    "fallback",
    "from_url",
];

fn address_in(node: &Value, depth: usize) -> Option<String> {
    match node {
        _ if depth > DEPTH_MAX => None,
        Value::String(text) => marked_address(text),
        Value::Array(items) => items.iter().find_map(|item| address_in(item, depth + 1)),
        Value::Object(map) => HOLD_ADDRESSES.iter().find_map(|name| {
            let whole = matches!(*name, "url" | "title_link" | "from_url").then(|| map.get(*name)?.as_str());
            match whole.flatten().filter(|url| is_web_address(url)) {
                Some(url) => Some(url.to_owned()),
                None => address_in(map.get(*name)?, depth + 1),
            }
        }),
        _ => None,
    }
}

/// `<https://x|label>`, as Slack marks addresses.
fn marked_address(text: &str) -> Option<String> {
    text.split('<').skip(1).find_map(|part| {
        let (inside, _) = part.split_once('>')?;
        is_web_address(inside.split('|').next().unwrap_or_default()).then(|| typed(&format!("<{inside}>")))
    })
}

/// An address in plain text ends before the punctuation of its sentence.
fn bare_address(text: &str) -> Option<String> {
    let starts = ["https://", "http://"].into_iter().filter_map(|scheme| text.find(scheme));
    let from = text.get(starts.min()?..)?;
    let end = from.find(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '|' | '`')).unwrap_or(from.len());
    let mut address = from.get(..end)?;
    loop {
        let shorter = address.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '*', '_', '~', '”', '’', '…']);
        // A bracket that was opened inside belongs to the address.
        let is_open = |close: char, open: char| {
            shorter.ends_with(close) && shorter.matches(close).count() > shorter.matches(open).count()
        };
        let shorter = if is_open(')', '(') || is_open(']', '[') || is_open('}', '{') {
            shorter.get(..shorter.len() - 1).unwrap_or_default()
        } else {
            shorter
        };
        if shorter == address {
            break;
        }
        address = shorter;
    }
    match is_web_address(address) {
        true => Some(address.to_owned()),
        false => bare_address(from.get(end.max(1)..)?),
    }
}

fn is_web_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '[' | '{')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_first_address_of_a_message_is_found_wherever_it_stands() {
        let rich = json!([{"type": "rich_text", "elements": [{"elements": [{"type": "text", "text": "x"}, {"type": "link", "url": "https://d.test/a)"}]}]}]);
        for (message, expected) in [
            (
                json!({ "text": "see <https://a.test/?x=1&amp;y=2|here> and <https://b.test>" }),
                Some("https://a.test/?x=1&y=2"),
            ),
            (json!({ "text": "<@U1> mailed <mailto:a@b.c|a@b.c> about <http://b.test>" }), Some("http://b.test")),
            (json!({ "text": "no address, <#C1|general> https://" }), None),
            (json!({ "text": "plain https://c.test/x" }), Some("https://c.test/x")),
            (json!({ "text": "look at https://plain.example/x, please" }), Some("https://plain.example/x")),
            (json!({ "text": "(see https://plain.example/a_(b).)" }), Some("https://plain.example/a_(b)")),
            (json!({ "text": "“https://plain.example/x”?" }), Some("https://plain.example/x")),
            (json!({ "text": "https:// and then http://e.test" }), Some("http://e.test")),
            (json!({ "text": "", "blocks": rich }), Some("https://d.test/a)")),
            (
                json!({ "text": "", "attachments": [{ "title": "Alert", "title_link": "https://t.test/1" }] }),
                Some("https://t.test/1"),
            ),
            (json!({ "text": "", "attachments": [{ "text": "on <https://t.test/2|db>" }] }), Some("https://t.test/2")),
            (
                json!({ "text": "", "attachments": [{ "fields": [{ "title": "Where", "value": "https://t.test/3." }] }] }),
                Some("https://t.test/3"),
            ),
            (json!({ "text": "", "attachments": [{ "blocks": rich }] }), Some("https://d.test/a)")),
            (
                json!({ "text": "", "blocks": [{ "type": "markdown", "text": "[here](https://m.test/x) it is" }] }),
                Some("https://m.test/x"),
            ),
            (json!({}), None),
        ] {
            assert_eq!(first_address(&message).as_deref(), expected, "{message}");
        }
    }
}
