//! What the demo's composer offers while one types: commands, names and lengths of time of the workflows.

use crate::catalog::Catalog;
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

pub(super) fn of(catalog: &Catalog) -> Hints {
    let access = CommandHint { command: "/access".to_owned(), title: "borrow something for a while".to_owned() };
    let own = catalog.workflows().filter_map(|workflow| {
        Some(CommandHint { command: workflow.command.clone()?, title: workflow.title.to_lowercase() })
    });
    Hints {
        commands: std::iter::once(access).chain(own).collect(),
        names: catalog.workflows().map(|workflow| name(workflow)).collect(),
        // The shortcut of `nightlatch manifest`.
        shortcuts: vec![ShortcutHint { name: "Request access".to_owned(), callback_id: "access_request".to_owned() }],
    }
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
