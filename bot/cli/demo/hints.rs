//! What the demo's composer offers while one types: commands and shortcuts of the manifest, names and lengths of time.

use serde_json::Value;

use crate::catalog::Catalog;
use crate::cli::manifest::manifest;
use crate::kernel::workflow::Workflow;
use crate::playground::demo::{CommandHint, Hints, NameHint, ShortcutHint};

/// Lengths of time people ask for, with their milliseconds.
const HOLDS: &[(&str, i64)] = &[
    ("15m", 15 * MINUTE),
    ("30m", 30 * MINUTE),
    ("1h", 60 * MINUTE),
    ("2h", 120 * MINUTE),
    ("4h", 240 * MINUTE),
    ("8h", 480 * MINUTE),
];
const MINUTE: i64 = 60_000;

/// The app as its manifest describes it: what people could type and press after installing it.
pub(super) fn of(catalog: &Catalog) -> Hints {
    let manifest = manifest(catalog, None);
    let list = |pointer: &str| manifest.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    let commands = list("/features/slash_commands").map(|command| CommandHint {
        command: text(command, "command"),
        title: text(command, "description"),
        usage: text(command, "usage_hint"),
    });
    let shortcuts = list("/features/shortcuts").map(|shortcut| ShortcutHint {
        name: text(shortcut, "name"),
        callback_id: text(shortcut, "callback_id"),
        is_for_messages: text(shortcut, "type") == "message",
    });
    Hints {
        commands: commands.collect(),
        names: catalog.workflows().map(|workflow| name(workflow)).collect(),
        shortcuts: shortcuts.collect(),
        go_live: go_live(include_str!("../../../README.md")),
    }
}

/// The section of the README that says how to do it for real.
fn go_live(readme: &'static str) -> &'static str {
    let section = readme.find("## Go live").map_or("", |at| readme.get(at..).unwrap_or_default());
    let end = section.find("\n## ").unwrap_or(section.len());
    section.get(..end).unwrap_or_default()
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn name(workflow: &Workflow) -> NameHint {
    let (default_ms, max_ms) = workflow.hold().map_or((0, 0), |(_, default_ms, max_ms)| (default_ms, max_ms));
    let holds = HOLDS.iter().filter(|(_, ms)| *ms <= max_ms).map(|(word, _)| (*word).to_owned()).collect();
    let hold = HOLDS.iter().find(|(_, ms)| *ms == default_ms).map_or("", |(word, _)| word);
    NameHint {
        name: workflow.name.clone(),
        title: workflow.title.clone(),
        command: workflow.command.clone(),
        holds,
        hold: hold.to_owned(),
    }
}
