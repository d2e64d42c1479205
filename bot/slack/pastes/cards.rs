//! What apps write: messages without rich text, in sections, headers and attachments; and the people a message names.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::slack::envelope::typed;

/// Rich text nests four deep; deeper is not ours to follow.
const DEPTH_MAX: usize = 8;

/// The words in the blocks of a message that are not rich text, a line each; empty if there are none.
pub(super) fn blocks(message: &Value) -> String {
    let mut lines = Vec::new();
    for block in list(message, "blocks") {
        match text(block, "type") {
            "section" => {
                let fields = list(block, "fields").iter();
                lines.extend(block.get("text").into_iter().chain(fields).map(words));
            }
            "header" => lines.extend(block.get("text").map(|head| format!("# {}", words(head)))),
            "context" => lines.extend(list(block, "elements").iter().map(words)),
            "divider" => lines.push("---".to_owned()),
            _ => {}
        }
    }
    if lines.iter().all(|line| line.trim().is_empty() || line == "---") {
        return String::new();
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n\n")
}

/// Plain text as it is, mrkdwn with its links and entities as they were typed.
fn words(node: &Value) -> String {
    match text(node, "type") {
        "plain_text" => text(node, "text").to_owned(),
        "mrkdwn" => typed(text(node, "text")),
        _ => String::new(),
    }
}

/// What hangs on a message: what an app attached, or a message somebody passed on. Previews of addresses are left out.
pub(super) fn attachments(message: &Value) -> String {
    let mut parts = Vec::new();
    for attachment in list(message, "attachments") {
        let is_message =
            ["is_msg_unfurl", "is_share"].iter().any(|mark| attachment.get(mark) == Some(&Value::Bool(true)));
        if !is_message && !text(attachment, "from_url").is_empty() {
            continue;
        }
        let mut lines: Vec<String> = ["pretext", "title", "text"]
            .into_iter()
            .map(|name| typed(text(attachment, name)))
            .chain(
                list(attachment, "fields")
                    .iter()
                    .map(|field| format!("{}: {}", typed(text(field, "title")), typed(text(field, "value")))),
            )
            .chain([blocks(attachment)])
            .filter(|line| !line.trim().is_empty())
            .collect();
        if lines.is_empty() {
            lines.push(typed(text(attachment, "fallback")));
        }
        parts.push(lines.join("\n"));
    }
    parts.retain(|part| !part.trim().is_empty());
    parts.join("\n\n")
}

/// Ids of the people who wrote these messages or are named in their rich text, each once, writers first.
pub(super) fn people(messages: &[Value]) -> Vec<String> {
    let mut ids: Vec<String> = messages.iter().map(|message| text(message, "user").to_owned()).collect();
    for message in messages {
        for block in list(message, "blocks") {
            named(block, 0, &mut ids);
        }
    }
    let mut seen = std::collections::HashSet::new();
    ids.retain(|id| !id.is_empty() && seen.insert(id.clone()));
    ids
}

fn named(node: &Value, depth: usize, ids: &mut Vec<String>) {
    if text(node, "type") == "user" {
        ids.push(text(node, "user_id").to_owned());
    }
    if depth < DEPTH_MAX {
        list(node, "elements").iter().for_each(|element| named(element, depth + 1, ids));
    }
}

/// The message with people by name where they are mentioned; who is not known stays an id.
pub(super) fn with_names(message: &Value, names: &HashMap<String, String>) -> Value {
    let mut message = message.clone();
    if let Some(blocks) = message.get_mut("blocks").and_then(Value::as_array_mut) {
        blocks.iter_mut().for_each(|block| put_names(block, names, 0));
    }
    message
}

fn put_names(node: &mut Value, names: &HashMap<String, String>, depth: usize) {
    if text(node, "type") == "user"
        && let Some(name) = names.get(text(node, "user_id"))
    {
        *node = json!({ "type": "text", "text": format!("@{name}") });
        return;
    }
    if depth < DEPTH_MAX
        && let Some(elements) = node.get_mut("elements").and_then(Value::as_array_mut)
    {
        elements.iter_mut().for_each(|element| put_names(element, names, depth + 1));
    }
}

/// The list of this name; empty if there is none.
pub(super) fn list<'a>(node: &'a Value, name: &str) -> &'a [Value] {
    node.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The text of this name; empty if there is none.
pub(super) fn text<'a>(node: &'a Value, name: &str) -> &'a str {
    node.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::message::markdown;
    use super::*;

    #[test]
    fn what_an_app_wrote_in_sections_and_attachments_is_its_text() {
        let message = json!({
            "text": "flat", "blocks": [
                { "type": "header", "text": { "type": "plain_text", "text": "Alert <1>" } },
                { "type": "section", "text": { "type": "mrkdwn", "text": "a &lt;b&gt; <https://x.test|here>" },
                  "fields": [{ "type": "mrkdwn", "text": "*p99*" }] },
                { "type": "divider" },
                { "type": "context", "elements": [{ "type": "plain_text", "text": "small" }, { "type": "image" }] },
                { "type": "actions", "elements": [{ "type": "button" }] },
            ],
            "attachments": [
                { "title": "Build 7", "text": "```exit 1```", "fields": [{ "title": "Branch", "value": "main" }] },
                { "from_url": "https://x.test", "text": "a preview" },
                { "is_msg_unfurl": true, "from_url": "https://acme.slack.com/x", "text": "passed on &amp; on" },
                { "fallback": "only this" },
            ],
        });
        insta::assert_snapshot!(markdown(&message), @"
        # Alert <1>

        a <b> https://x.test

        *p99*

        ---

        small

        Build 7
        ```exit 1```
        Branch: main

        passed on & on

        only this
        ");
        let bare = json!({ "text": "", "attachments": [{ "text": "x" }] });
        assert_eq!(markdown(&bare), "x");
        let buttons = json!({ "text": "flat", "blocks": [{ "type": "actions" }, { "type": "divider" }] });
        assert_eq!(markdown(&buttons), "flat");
    }

    #[test]
    fn people_are_named_where_they_are_mentioned_and_nowhere_else() {
        let rich = json!({ "user": "U2", "blocks": [{ "type": "rich_text", "elements": [
            { "type": "rich_text_section", "elements": [
                { "type": "user", "user_id": "U1" }, { "type": "text", "text": " @U1 " }, { "type": "user", "user_id": "U9" },
            ]},
        ]}]});
        assert_eq!(people(std::slice::from_ref(&rich)), ["U2", "U1", "U9"]);
        let names = HashMap::from([("U1".to_owned(), "Bob".to_owned())]);
        assert_eq!(markdown(&with_names(&rich, &names)), "@Bob @U1 @U9");
    }
}
