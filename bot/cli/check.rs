//! `nightlatch check`: every mistake in configuration, workflows and templates, before anything is started.

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::manifest::scopes;
use super::{ConfigPath, Format, WRONG, data};
use crate::catalog::{Catalog, meaning};
use crate::config::{Config, Report};
use crate::notices::Notices;
use crate::steps::TYPES;

/// Tell every mistake in the configuration, workflows and templates.
///
/// Reads files only: no secret is fetched and nobody is called. Mistakes go to stdout, each with its file, line and
/// what to write instead. Exit codes: 0 no mistake; 1 mistakes; 2 the command line was not understood.
#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    config: ConfigPath,
    /// How mistakes are printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What was found.
struct Findings {
    report: Report,
    workflows: usize,
    meanings: Vec<serde_json::Value>,
    scopes: serde_json::Value,
}

impl Check {
    pub(super) fn run(&self) -> ExitCode {
        let found = look(&self.config.config);
        match self.format {
            Format::Text => data(&text(&found)),
            Format::Json => data(&format!("{:#}\n", machine(&found))),
        }
        if found.report.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(WRONG) }
    }
}

/// A broken configuration does not keep the workflows from being checked.
fn look(path: &Path) -> Findings {
    let mut report = Report::default();
    if let Err(mistakes) = Config::read(path) {
        report.absorb(mistakes);
    }
    let folders = Config::folders(path);
    let catalog = Catalog::read(&folders.workflows, TYPES).unwrap_or_else(|mistakes| {
        report.absorb(mistakes);
        Catalog::default()
    });
    let meanings: Vec<_> = catalog.workflows().map(|workflow| meaning(workflow)).collect();
    let scopes = json!({ "slack": scopes::slack(&catalog, TYPES), "tailscale": scopes::tailscale(&catalog, TYPES) });
    if let Err(error) = Notices::with_overrides(&folders.templates) {
        report.absorb(error.report);
    }
    Findings { report, workflows: meanings.len(), meanings, scopes }
}

fn text(found: &Findings) -> String {
    if found.report.is_empty() {
        let workflows =
            if found.workflows == 1 { "1 workflow".to_owned() } else { format!("{} workflows", found.workflows) };
        return format!("no mistakes: the configuration and {workflows} can be used\n");
    }
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    found.report.render(colour).unwrap_or_default()
}

/// The keys are public: `mistakes` (each `file`, `line`, `column`, `message`, `help`, `source_line`), `unlisted`,
/// `workflows` (how many can be used; 0 if any has a mistake), `meanings` (what each of them says, with everything
/// that was left out), `scopes` (what they need at `slack` and `tailscale`).
fn machine(found: &Findings) -> serde_json::Value {
    json!({
        "mistakes": found.report.mistakes,
        "unlisted": found.report.unlisted,
        "workflows": found.workflows,
        "meanings": found.meanings,
        "scopes": found.scopes,
    })
}
