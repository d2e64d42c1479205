//! What apps write: messages without rich text, in sections, headers and attachments; and the people a message names.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::message::rich_text;
use super::table;
use crate::slack::envelope::typed;

/// Rich text nests four deep; deeper is not ours to follow.
const DEPTH_MAX: usize = 8;

/// The words in the blocks of a message, a paragraph each; empty if there are none. Kinds of blocks that say something and
/// cannot be read are named in `left_out`.
pub(super) fn blocks(message: &Value, left_out: &mut Vec<String>) -> String {
    let mut parts = Vec::new();
    for block in list(message, "blocks") {
        match text(block, "type") {
            "rich_text" => parts.push(rich_text(block)),
            "markdown" => parts.push(text(block, "text").to_owned()),
            "table" => parts.push(table::markdown(block)),
            "section" => {
                let fields = list(block, "fields").iter();
                parts.extend(block.get("text").into_iter().chain(fields).map(words));
            }
            "header" => parts.extend(block.get("text").map(|head| format!("# {}", words(head)))),
            "context" => parts.extend(list(block, "elements").iter().map(words)),
            "divider" => parts.push("---".to_owned()),
            "image" => parts.push(picture(block)),
            // Buttons and fields say nothing by themselves, and files are read as files.
            "actions" | "context_actions" | "input" | "file" => {}
            kind => match says_something(text(block, "fallback")) {
                Some(fallback) => parts.push(typed(fallback)),
                None => leave_out(kind, left_out),
            },
        }
    }
    if parts.iter().all(|part| part.trim().is_empty() || part == "---") {
        return String::new();
    }
    parts.retain(|part| !part.trim().is_empty());
    parts.iter().map(|part| part.trim_end()).collect::<Vec<_>>().join("\n\n")
}

fn leave_out(kind: &str, left_out: &mut Vec<String>) {
    let kind: String = if kind.is_empty() { "block" } else { kind }.chars().take(40).collect();
    if !left_out.contains(&kind) {
        left_out.push(kind);
    }
}

/// A stand-in, if it says more than that it is one.
fn says_something(fallback: &str) -> Option<&str> {
    let is_placeholder = fallback.starts_with('[') && fallback.ends_with(']');
    Some(fallback).filter(|fallback| !fallback.trim().is_empty() && !is_placeholder)
}

/// A picture cannot be pasted; what stands beside it can.
fn picture(block: &Value) -> String {
    let title = block.pointer("/title/text").and_then(Value::as_str).unwrap_or_else(|| text(block, "alt_text"));
    format!("![{title}]({})", text(block, "image_url"))
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
pub(super) fn attachments(message: &Value, left_out: &mut Vec<String>) -> String {
    let mut parts = Vec::new();
    for attachment in list(message, "attachments") {
        let is_message =
            ["is_msg_unfurl", "is_share"].iter().any(|mark| attachment.get(mark) == Some(&Value::Bool(true)));
        if !is_message && !text(attachment, "from_url").is_empty() {
            continue;
        }
        let said = |name: &str| typed(text(attachment, name));
        let title = match text(attachment, "title_link") {
            "" => said("title"),
            link => format!("{} <{link}>", said("title")).trim_start().to_owned(),
        };
        let fields = list(attachment, "fields").iter();
        let fields = fields.map(|field| format!("{}: {}", typed(text(field, "title")), typed(text(field, "value"))));
        let unread = left_out.len();
        let passed_on = list(attachment, "message_blocks").iter().filter_map(|part| part.get("message"));
        let inside: Vec<String> =
            [attachment].into_iter().chain(passed_on).map(|part| blocks(part, left_out)).collect();
        let mut lines: Vec<String> = [said("pretext"), title, said("text")]
            .into_iter()
            .chain(fields)
            .chain(inside)
            .filter(|line| !line.trim().is_empty())
            .collect();
        if lines.is_empty() {
            match says_something(text(attachment, "fallback")) {
                Some(fallback) => lines.push(typed(fallback)),
                None if left_out.len() == unread => leave_out("attachment", left_out),
                None => {}
            }
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
        let cells = list(node, "rows").iter().filter_map(Value::as_array).flatten();
        list(node, "elements").iter().chain(cells).for_each(|element| named(element, depth + 1, ids));
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
    if depth >= DEPTH_MAX {
        return;
    }
    if let Some(elements) = node.get_mut("elements").and_then(Value::as_array_mut) {
        elements.iter_mut().for_each(|element| put_names(element, names, depth + 1));
    }
    if let Some(rows) = node.get_mut("rows").and_then(Value::as_array_mut) {
        let cells = rows.iter_mut().filter_map(Value::as_array_mut).flatten();
        cells.for_each(|cell| put_names(cell, names, depth + 1));
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
    use super::*;

    fn markdown(message: &Value) -> String {
        super::super::message::read(message).text
    }

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

    /// As Slack stores a table that a person pasted, a table of an app, what AI apps post, and kinds nobody has heard of.
    #[test]
    fn tables_and_markdown_are_text_and_what_is_neither_is_named() {
        let table = json!({ "type": "table", "column_settings": [{ "align": "right" }], "rows": [
            [{ "type": "raw_text", "text": "Host" }, { "type": "raw_text", "text": "Up | down" }],
            [{ "type": "rich_text", "elements": [{ "type": "rich_text_section", "elements": [
                { "type": "link", "url": "https://db.test", "text": "db-1" }, { "type": "user", "user_id": "U1" }] }] },
             { "type": "raw_number", "number": 2.5 }],
            [{ "type": "raw_text", "text": "two\nlines" }],
        ]});
        let section = json!({ "type": "section", "text": { "type": "mrkdwn", "text": "the list" } });
        let rich = json!({ "type": "rich_text", "elements": [
            { "type": "rich_text_section", "elements": [{ "type": "text", "text": "the list" }] }] });
        let markdown = json!({ "type": "markdown", "text": "# It *works*\n\n```\ncode\n```" });
        let names = HashMap::from([("U1".to_owned(), "Bob".to_owned())]);
        let told = |message: Value| {
            let read = super::super::message::read(&with_names(&message, &names));
            format!("{}\n=> left out: {:?}", read.text, read.left_out)
        };
        let all = [
            json!({ "text": "the list", "blocks": [rich, table] }),
            json!({ "text": "the list", "blocks": [rich],
                "attachments": [{ "blocks": [table], "fallback": "[no preview available]" }] }),
            json!({ "text": "", "blocks": [markdown] }),
            json!({ "text": "", "blocks": [section, markdown] }),
            json!({ "text": "", "blocks": [section, { "type": "video", "title_url": "https://v.test" }, { "type": "plan" }] }),
            json!({ "text": "", "blocks": [{ "type": "video", "fallback": "A video of it" }] }),
            json!({ "text": "x", "attachments": [{ "fallback": "[no preview available]" }, { "blocks": [{ "type": "poll" }] }] }),
            json!({ "text": "x", "attachments": [{ "title": "Alert", "title_link": "https://alerts.test/7", "text": "on" }] }),
            json!({ "text": "x", "attachments": [{ "is_share": true, "message_blocks": [{ "message": { "blocks": [rich] } }] }] }),
            json!({ "text": "", "blocks": [{ "type": "image", "alt_text": "a graph", "image_url": "https://i.test/a.png" }] }),
        ];
        insta::assert_snapshot!(all.map(told).join("\n\n"), @r#"
        the list

        | Host | Up \| down |
        | --- | --- |
        | db-1 <https://db.test>@Bob | 2.5 |
        | two<br>lines |  |
        => left out: []

        the list

        | Host | Up \| down |
        | --- | --- |
        | db-1 <https://db.test>@U1 | 2.5 |
        | two<br>lines |  |
        => left out: []

        # It *works*

        ```
        code
        ```
        => left out: []

        the list

        # It *works*

        ```
        code
        ```
        => left out: []

        the list
        => left out: ["video", "plan"]

        A video of it
        => left out: []

        x
        => left out: ["attachment", "poll"]

        x

        Alert <https://alerts.test/7>
        on
        => left out: []

        x

        the list
        => left out: []

        ![a graph](https://i.test/a.png)
        => left out: []
        "#);
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
