//! A message of Slack's as the text its author meant: rich text as Markdown with code blocks whole, and its files.

use std::collections::HashMap;

use serde_json::Value;

use super::cards::{self, list, text};
use crate::kernel::paste::CONTENT_MAX_BYTES;
use crate::slack::envelope::typed;

/// Rich text nests four deep; deeper is not ours to follow.
const DEPTH_MAX: usize = 8;

/// One message of a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    who: String,
    at: String,
    text: String,
}

impl Line {
    pub(super) fn read(message: &Value, names: &HashMap<String, String>) -> Self {
        let id = text(message, "user");
        let app = text(message, "username");
        let who = names.get(id).cloned().unwrap_or_else(|| if app.is_empty() { id } else { app }.to_owned());
        let seconds = text(message, "ts").split('.').next().and_then(|seconds| seconds.parse::<i64>().ok());
        let at = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
        let at = at.map(|at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()).unwrap_or_default();
        let Read { mut text, left_out } = read(&cards::with_names(message, names));
        for kind in left_out {
            text.push_str(&format!("\n[left out: {kind}]"));
        }
        for file in files(message) {
            text.push_str(&format!("\n[file: {}]", file.name));
        }
        Self { who, at, text: text.trim_end().to_owned() }
    }
}

/// A whole thread, oldest first.
pub(super) fn thread(lines: &[Line]) -> String {
    let all: Vec<String> = lines
        .iter()
        .filter(|line| !line.text.trim().is_empty())
        .map(|line| format!("**{}**, {}\n\n{}\n", line.who.replace('*', ""), line.at, line.text))
        .collect();
    all.join("\n---\n\n")
}

/// What one message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::slack) struct Read {
    /// Its text with what hangs on it, as Markdown.
    pub(in crate::slack) text: String,
    /// Kinds of parts that say something and could not be made into text.
    pub(in crate::slack) left_out: Vec<String>,
}

/// The text of one message with what hangs on it: its blocks, or what Slack gives as text, in its own markup.
pub(in crate::slack) fn read(message: &Value) -> Read {
    let mut left_out = Vec::new();
    let mut out = cards::blocks(message, &mut left_out);
    if out.trim().is_empty() {
        out = typed(text(message, "text"));
    }
    let attached = cards::attachments(message, &mut left_out);
    if !attached.is_empty() {
        new_line(&mut out);
        out.push_str(if out.is_empty() { "" } else { "\n" });
        out.push_str(&attached);
    }
    Read { text: out.trim_end().to_owned(), left_out }
}

/// Rich text as Markdown.
pub(super) fn rich_text(block: &Value) -> String {
    let mut out = String::new();
    for part in elements(block) {
        write_part(part, &mut out);
    }
    out
}

/// The code, if the message is one code block and nothing else.
pub(super) fn code_alone(message: &Value) -> Option<String> {
    let blocks = list(message, "blocks");
    if !list(message, "attachments").is_empty() {
        return None;
    }
    let mut parts = blocks
        .iter()
        .flat_map(elements)
        .filter(|part| text(part, "type") == "rich_text_preformatted" || !inline(part, 0).trim().is_empty());
    match (blocks, parts.next(), parts.next()) {
        ([block], Some(part), None)
            if text(block, "type") == "rich_text" && text(part, "type") == "rich_text_preformatted" =>
        {
            Some(code(part)).filter(|code| !code.trim().is_empty())
        }
        ([], ..) => only_code(&typed(text(message, "text"))).map(str::to_owned),
        _ => None,
    }
}

/// What stands between two fences, if nothing stands outside of them.
pub(in crate::slack) fn only_code(text: &str) -> Option<&str> {
    let inside = text.trim().strip_prefix("```")?.strip_suffix("```")?;
    let inside = inside.strip_prefix('\n').unwrap_or(inside);
    (!inside.contains("```") && !inside.trim().is_empty()).then_some(inside)
}

fn write_part(part: &Value, out: &mut String) {
    match text(part, "type") {
        "rich_text_preformatted" => {
            let code = code(part);
            // A fence longer than any inside, so that none ends it early.
            let mut fence = "```".to_owned();
            while code.contains(&fence) {
                fence.push('`');
            }
            new_line(out);
            out.push_str(&format!("{fence}\n{}\n{fence}\n", code.trim_end_matches('\n')));
        }
        "rich_text_quote" => {
            new_line(out);
            for line in inline(part, 0).lines() {
                out.push_str(&format!("> {line}\n"));
            }
        }
        "rich_text_list" => {
            new_line(out);
            let indent = usize::try_from(part.get("indent").and_then(Value::as_i64).unwrap_or(0)).unwrap_or(0).min(8);
            for (number, item) in elements(part).iter().enumerate() {
                let mark = if text(part, "style") == "ordered" { format!("{}.", number + 1) } else { "-".to_owned() };
                out.push_str(&format!("{}{mark} {}\n", "  ".repeat(indent), inline(item, 0).trim_end()));
            }
        }
        _ => out.push_str(&inline(part, 0)),
    }
}

fn new_line(out: &mut String) {
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
}

/// Code is kept to the letter: no marks of any kind.
fn code(part: &Value) -> String {
    elements(part)
        .iter()
        .map(|element| match text(element, "type") {
            "link" => text(element, "url").to_owned(),
            _ => inline_one(element, 0),
        })
        .collect()
}

fn inline(part: &Value, depth: usize) -> String {
    if depth > DEPTH_MAX {
        return String::new();
    }
    elements(part).iter().map(|element| inline_one(element, depth)).collect()
}

fn inline_one(element: &Value, depth: usize) -> String {
    match text(element, "type") {
        "text" => {
            let words = text(element, "text");
            let has = |style: &str| element.pointer(&format!("/style/{style}")) == Some(&Value::Bool(true));
            if has("code") { format!("`{words}`") } else { words.to_owned() }
        }
        "link" => {
            let (url, label) = (text(element, "url"), text(element, "text"));
            // The address is what counts: a label can say anything.
            if label.is_empty() || label == url { url.to_owned() } else { format!("{label} <{url}>") }
        }
        "user" => format!("@{}", text(element, "user_id")),
        "usergroup" => format!("@{}", text(element, "usergroup_id")),
        "channel" => format!("#{}", text(element, "channel_id")),
        "broadcast" => format!("@{}", text(element, "range")),
        "emoji" => format!(":{}:", text(element, "name")),
        "date" => text(element, "fallback").to_owned(),
        "color" => text(element, "value").to_owned(),
        _ => inline(element, depth + 1),
    }
}

fn elements(node: &Value) -> &[Value] {
    list(node, "elements")
}

/// A file that hangs on a message, as Slack describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileAt {
    pub(super) name: String,
    /// Where it is; goes to Slack's own host or nowhere.
    pub(super) address: String,
    pub(super) language: Option<String>,
    mimetype: String,
    /// As Slack says.
    pub(super) size_bytes: u64,
    is_elsewhere: bool,
}

/// What is text although its type does not begin with `text/`.
const TEXT_TYPES: &[&str] = &[
    "application/json",
    "application/xml",
    "application/javascript",
    "application/x-javascript",
    "application/x-sh",
    "application/x-yaml",
    "application/yaml",
    "application/toml",
    "application/sql",
    "application/x-ndjson",
    "application/x-httpd-php",
    "application/x-python",
    "image/svg+xml",
];

impl FileAt {
    /// Why it cannot be pasted; told before a byte of it is read.
    pub(super) fn why_not(&self) -> Option<&'static str> {
        if self.is_elsewhere {
            return Some("it is kept outside of Slack");
        }
        if self.address.is_empty() {
            return Some("Slack does not show it to apps");
        }
        if !self.mimetype.starts_with("text/") && !TEXT_TYPES.contains(&self.mimetype.as_str()) {
            return Some("it is not a text file");
        }
        if usize::try_from(self.size_bytes).is_ok_and(|size| size <= CONTENT_MAX_BYTES) {
            None
        } else {
            Some("it is too large for a paste")
        }
    }
}

/// The files of a message; those that were deleted are left out.
pub(super) fn files(message: &Value) -> Vec<FileAt> {
    let there = list(message, "files").iter().filter(|file| text(file, "mode") != "tombstone");
    there
        .map(|file| {
            let name = [text(file, "name"), text(file, "title"), "file.txt"].into_iter().find(|name| !name.is_empty());
            let language = Some(text(file, "filetype")).filter(|kind| !matches!(*kind, "" | "text" | "binary"));
            let elsewhere = file.get("is_external") == Some(&Value::Bool(true)) || text(file, "mode") == "external";
            FileAt {
                name: name.unwrap_or_default().to_owned(),
                address: text(file, "url_private").to_owned(),
                language: language.map(str::to_owned),
                mimetype: text(file, "mimetype").to_lowercase(),
                size_bytes: file.get("size").and_then(Value::as_u64).unwrap_or(0),
                is_elsewhere: elsewhere,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn markdown(message: &Value) -> String {
        read(message).text
    }

    fn rich(parts: Value) -> Value {
        json!({ "text": "flat", "blocks": [{ "type": "rich_text", "elements": parts }] })
    }

    fn section(words: &str) -> Value {
        json!({ "type": "rich_text_section", "elements": [{ "type": "text", "text": words }] })
    }

    fn code_block(words: &str) -> Value {
        json!({ "type": "rich_text_preformatted", "elements": [{ "type": "text", "text": words }] })
    }

    #[test]
    fn code_blocks_stay_whole_among_other_text() {
        let message = rich(json!([
            section("it fails:\n"),
            code_block("fn main() {\n    ```\n}\n"),
            { "type": "rich_text_section", "elements": [
                { "type": "text", "text": "see " }, { "type": "text", "text": "run", "style": { "code": true } },
                { "type": "text", "text": " and " }, { "type": "link", "url": "https://a.test/x", "text": "docs" },
                { "type": "user", "user_id": "U1" }, { "type": "emoji", "name": "tada" },
            ]},
            { "type": "rich_text_list", "style": "ordered", "indent": 1, "elements": [section("one"), section("two")] },
            { "type": "rich_text_quote", "elements": [{ "type": "text", "text": "said\nthat" }] },
        ]));
        insta::assert_snapshot!(markdown(&message), @r"
        it fails:
        ````
        fn main() {
            ```
        }
        ````
        see `run` and docs <https://a.test/x>@U1:tada:
          1. one
          2. two
        > said
        > that
        ");
        assert_eq!(code_alone(&message), None);
    }

    #[test]
    fn a_message_that_is_only_code_is_that_code() {
        let code = "a <b> & c\n\tx";
        assert_eq!(code_alone(&rich(json!([code_block(code), section("")]))).as_deref(), Some(code));
        assert_eq!(code_alone(&json!({ "text": "```a &lt;b&gt;\nc```" })).as_deref(), Some("a <b>\nc"));
        assert_eq!(code_alone(&json!({ "text": "look ```a```" })), None);
        assert_eq!(only_code("```\n```"), None);
    }

    #[test]
    fn a_message_without_rich_text_is_read_from_its_text() {
        assert_eq!(markdown(&json!({ "text": "a &amp; <https://x.test|y>" })), "a & https://x.test");
        assert_eq!(markdown(&json!({})), "");
    }

    #[test]
    fn files_that_are_no_text_are_told_so_before_they_are_read() {
        let message = json!({ "files": [
            { "name": "a.log", "mimetype": "text/plain", "size": 10, "url_private": "https://files.slack.com/a" },
            { "name": "b.png", "mimetype": "image/png", "size": 10, "url_private": "https://files.slack.com/b" },
            { "name": "c.csv", "mimetype": "text/csv", "size": 90_000_000, "url_private": "https://files.slack.com/c" },
            { "title": "d", "mimetype": "text/plain", "is_external": true, "url_private": "https://drive.test/d" },
            { "mode": "tombstone" },
            { "name": "e.json", "mimetype": "application/json", "size": 1, "filetype": "json" },
        ]});
        let told: Vec<_> =
            files(&message).iter().map(|file| format!("{}: {}", file.name, file.why_not().unwrap_or("yes"))).collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        a.log: yes
        b.png: it is not a text file
        c.csv: it is too large for a paste
        d: it is kept outside of Slack
        e.json: Slack does not show it to apps
        ");
    }
}
