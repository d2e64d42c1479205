//! Blocks as lines of text: buttons in brackets, fields side by side, inputs with what is filled in.

use serde_json::Value;

use super::super::json;
use super::super::pick::value_object;
use super::super::state::Chosen;
use super::Reader;
use super::markup;

/// All blocks, one or more lines each.
pub(super) fn blocks(reader: Reader<'_>, blocks: &[Value], chosen: &Chosen) -> Vec<String> {
    blocks.iter().flat_map(|each| block(reader, each, chosen)).collect()
}

fn block(reader: Reader<'_>, block: &Value, chosen: &Chosen) -> Vec<String> {
    let show = |element: &Value| element_text(reader, block, element, chosen);
    match json::text(block, "/type") {
        "header" => vec![format!("# {}", text_object(reader, json::at(block, "/text")))],
        "divider" => vec!["---".to_owned()],
        "section" => section(reader, block, chosen),
        "context" => {
            let parts: Vec<_> = json::list(block, "/elements").iter().map(show).collect();
            vec![format!("~ {}", parts.join(" · "))]
        }
        "actions" => {
            let parts: Vec<_> = json::list(block, "/elements").iter().map(show).collect();
            vec![parts.join(" ")]
        }
        "input" => input(reader, block, chosen),
        "image" => vec![format!("(image: {})", json::text(block, "/alt_text"))],
        "markdown" => json::text(block, "/text").lines().map(str::to_owned).collect(),
        "rich_text" => vec![rich_text(reader, block)],
        "table" => json::list(block, "/rows").iter().map(|row| table_row(reader, row)).collect(),
        other => vec![format!("({other})")],
    }
}

fn section(reader: Reader<'_>, block: &Value, chosen: &Chosen) -> Vec<String> {
    let mut lines = Vec::new();
    let text = text_object(reader, json::at(block, "/text"));
    lines.extend(text.lines().map(str::to_owned));
    let fields: Vec<_> =
        json::list(block, "/fields").iter().map(|field| text_object(reader, field).replace('\n', " ")).collect();
    for pair in fields.chunks(2) {
        lines.push(pair.join(" | "));
    }
    if let Some(accessory) = block.get("accessory") {
        let shown = element_text(reader, block, accessory, chosen);
        match lines.first_mut() {
            Some(line) => *line = format!("{line}  {shown}"),
            None => lines.push(shown),
        }
    }
    lines
}

fn input(reader: Reader<'_>, block: &Value, chosen: &Chosen) -> Vec<String> {
    let label = json::text(block, "/label/text");
    let optional = if json::flag(block, "/optional") { " (optional)" } else { "" };
    let element = element_text(reader, block, json::at(block, "/element"), chosen);
    let mut lines = vec![format!("{label}{optional}: {element}")];
    let hint = json::text(block, "/hint/text");
    if !hint.is_empty() {
        lines.push(format!("  {hint}"));
    }
    lines
}

fn text_object(reader: Reader<'_>, text: &Value) -> String {
    match json::text(text, "/type") {
        "plain_text" => markup::decode(json::text(text, "/text")),
        _ => markup::text(reader, json::text(text, "/text")),
    }
}

fn element_text(reader: Reader<'_>, block: &Value, element: &Value, chosen: &Chosen) -> String {
    let kind = json::text(element, "/type");
    match kind {
        "button" | "workflow_button" => {
            let url = json::text(element, "/url");
            let link = if url.is_empty() { String::new() } else { format!("({url})") };
            format!("[{}]{link}", json::text(element, "/text/text"))
        }
        "image" => format!("(image: {})", json::text(element, "/alt_text")),
        "plain_text" | "mrkdwn" => text_object(reader, element),
        "overflow" => {
            let options: Vec<_> = json::list(element, "/options").iter().map(|one| option_text(reader, one)).collect();
            format!("[... {}]", options.join(" / "))
        }
        "checkboxes" | "radio_buttons" => boxes(reader, block, element, chosen),
        _ => field(reader, block, element, chosen),
    }
}

fn option_text(reader: Reader<'_>, option: &Value) -> String {
    text_object(reader, json::at(option, "/text"))
}

/// The value object of an element: chosen, or its initial value.
fn value_of(block: &Value, element: &Value, chosen: &Chosen) -> Value {
    let kind = json::text(element, "/type");
    let mine = chosen.get(json::text(block, "/block_id"));
    if let Some(value) = mine.and_then(|mine| mine.get(json::text(element, "/action_id"))) {
        return value.clone();
    }
    let initial = element.as_object().into_iter().flatten().find(|(name, _)| name.starts_with("initial_"));
    initial.map_or(Value::Null, |(name, value)| {
        let name = if name == "initial_value" { "value".to_owned() } else { name.replacen("initial", "selected", 1) };
        value_object(kind, &name, value.clone())
    })
}

fn boxes(reader: Reader<'_>, block: &Value, element: &Value, chosen: &Chosen) -> String {
    let value = value_of(block, element, chosen);
    let picked: Vec<_> = json::list(&value, "/selected_options")
        .iter()
        .chain(value.get("selected_option"))
        .map(|option| json::text(option, "/value").to_owned())
        .collect();
    let is_round = json::text(element, "/type") == "radio_buttons";
    let marks = if is_round { ("(o)", "( )") } else { ("[x]", "[ ]") };
    let options = json::list(element, "/options").iter().map(|option| {
        let is_picked = picked.iter().any(|value| value == json::text(option, "/value"));
        format!("{} {}", if is_picked { marks.0 } else { marks.1 }, option_text(reader, option))
    });
    options.collect::<Vec<_>>().join("  ")
}

/// Selects, pickers and text inputs: `<what is chosen>`, or the placeholder in braces.
fn field(reader: Reader<'_>, block: &Value, element: &Value, chosen: &Chosen) -> String {
    let value = value_of(block, element, chosen);
    let parts = value.as_object().into_iter().flatten().filter(|(name, _)| *name != "type");
    let shown: Vec<_> = parts.flat_map(|(name, value)| shown_value(reader, name, value)).collect();
    if shown.is_empty() {
        let placeholder = json::text(element, "/placeholder/text");
        return format!("{{{placeholder}}}");
    }
    format!("<{}>", shown.join(", "))
}

fn shown_value(reader: Reader<'_>, name: &str, value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().flat_map(|item| shown_value(reader, name, item)).collect(),
        Value::Object(_) if json::text(value, "/type") == "rich_text" => vec![rich_text(reader, value)],
        Value::Object(_) => vec![option_text(reader, value)],
        Value::String(text) if name.starts_with("selected_user") => vec![format!("@{}", reader.state.name_of(text))],
        Value::String(text) if name.starts_with("selected_c") => {
            let name = reader.state.channels.get(text).map(|channel| channel.name.as_str());
            vec![format!("#{}", name.unwrap_or(text))]
        }
        Value::String(text) if text.is_empty() => Vec::new(),
        Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}

/// Rich text flattened: texts, links, mentions; lists as lines.
fn rich_text(reader: Reader<'_>, value: &Value) -> String {
    let name = |pointer: &str| json::text(value, pointer);
    match name("/type") {
        "text" => name("/text").to_owned(),
        "link" if name("/text").is_empty() => name("/url").to_owned(),
        "link" => format!("{} ({})", name("/text"), name("/url")),
        "user" => format!("@{}", reader.state.name_of(name("/user_id"))),
        "emoji" => format!(":{}:", name("/name")),
        "rich_text_list" => {
            let items = json::list(value, "/elements").iter().map(|item| format!("- {}", rich_text(reader, item)));
            items.collect::<Vec<_>>().join("\n")
        }
        "rich_text" => {
            let parts = json::list(value, "/elements").iter().map(|part| rich_text(reader, part));
            parts.collect::<Vec<_>>().join("\n")
        }
        _ => json::list(value, "/elements").iter().map(|part| rich_text(reader, part)).collect(),
    }
}

fn table_row(reader: Reader<'_>, row: &Value) -> String {
    let cells = row.as_array().into_iter().flatten().map(|cell| match json::text(cell, "/type") {
        "rich_text" => rich_text(reader, cell),
        _ => json::text(cell, "/text").to_owned(),
    });
    cells.collect::<Vec<_>>().join(" | ")
}
