//! `nightlatch impact`: who gains or loses what by a change of workflows and guardrails.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::{ConfigPath, Format, WRONG, data, done, snapshot};
use crate::catalog::{Catalog, staff};
use crate::clock::Clock;
use crate::explain::impact::{Rules, impact};
use crate::steps::TYPES;

/// Say who gains or loses what between two folders, each with `workflows`, `policies` and `people.yaml` in it.
///
/// Exit codes: 0 nobody gains or loses anything; 1 somebody does, or it could not be told; 2 the command line was not understood.
/// Example: git worktree add ../before main && nightlatch impact ../before . --snapshot people.json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Impact {
    /// As it was.
    old: PathBuf,
    /// As it is to be.
    new: PathBuf,
    #[command(flatten)]
    config: ConfigPath,
    /// When, like 2026-12-24T20:00:00Z; now if it is left out.
    #[arg(long, value_name = "TIME")]
    at: Option<jiff::Timestamp>,
    /// People from this file and not from the running bot.
    #[arg(long, value_name = "FILE")]
    snapshot: Option<PathBuf>,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Impact {
    pub(super) fn run(&self) -> ExitCode {
        done(async {
            let in_folder = |folder: &Path| {
                rules_in(&folder.join("workflows"), &folder.join("policies"), &folder.join("people.yaml"))
            };
            let (old, new) = (in_folder(&self.old)?, in_folder(&self.new)?);
            let people = snapshot::from(self.snapshot.as_deref(), &self.config, None).await?;
            let at = self.at.map_or_else(|| Clock::system().now_ms(), jiff::Timestamp::as_millisecond);
            let changes = impact(&old, &new, &people, at);
            data(&match self.format {
                Format::Json => serde_json::to_string_pretty(&changes).map_err(|error| error.to_string())? + "\n",
                Format::Text if changes.is_empty() => {
                    format!("nobody of {} gains or loses anything\n", people.people.len())
                }
                Format::Text => changes.iter().map(|change| format!("{change}\n")).collect(),
            });
            Ok(if changes.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(WRONG) })
        })
    }
}

/// The workflows and guardrails of these folders, and who is whose manager.
pub(super) fn rules_in(workflows: &Path, guardrails: &Path, people: &Path) -> Result<Rules, String> {
    let catalog = Catalog::read_under(workflows, guardrails, TYPES).map_err(|report| report.to_string())?;
    let guardrails = catalog.guardrails().cloned();
    let workflows = catalog.workflows().map(|workflow| (workflow.name.clone(), workflow.clone())).collect();
    let staff = Arc::new(staff::read(people, false).map_err(|report| report.to_string())?);
    Ok(Rules { workflows, guardrails, staff })
}
