//! A table of Slack's as one in Markdown.

use serde_json::Value;

use super::cards::{list, text};
use super::message::rich_text;

/// Its first row becomes the heading, which Markdown wants.
pub(super) fn markdown(block: &Value) -> String {
    let rows: Vec<Vec<String>> =
        list(block, "rows").iter().filter_map(Value::as_array).map(|cells| cells.iter().map(cell).collect()).collect();
    let width = rows.iter().map(Vec::len).max().unwrap_or_default();
    if width == 0 {
        return String::new();
    }
    let line = |cells: &[String]| {
        let missing = std::iter::repeat_n("", width.saturating_sub(cells.len()));
        let cells: Vec<&str> = cells.iter().map(String::as_str).chain(missing).collect();
        format!("| {} |", cells.join(" | "))
    };
    let mut lines: Vec<String> = rows.iter().map(|cells| line(cells)).collect();
    lines.insert(1, format!("|{}", " --- |".repeat(width)));
    lines.join("\n")
}

/// On one line, without what would end the cell.
fn cell(cell: &Value) -> String {
    let words = match text(cell, "type") {
        "rich_text" => rich_text(cell),
        _ => match cell.get("text").or_else(|| cell.get("number")).or_else(|| cell.get("value")) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Bool(is)) => is.to_string(),
            _ => String::new(),
        },
    };
    words.trim().replace('|', "\\|").replace('\n', "<br>")
}
