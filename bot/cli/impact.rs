//! `nightlatch impact`: who gains or loses what by a change of workflows and guardrails.

use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::{ConfigPath, Format, WRONG, data, done, snapshot};
use crate::catalog::{Catalog, staff};
use crate::clock::Clock;
use crate::explain::impact::{Rules, impact};
use crate::outside::git::{self, GitFile};
use crate::steps::TYPES;

/// Say who gains or loses what between two folders, each with `workflows`, `policies` and `people.yaml` in it.
///
/// A folder can be one of a git revision, as git writes it: HEAD~1: is this folder as it was, main:infra is infra there.
/// Exit codes: 0 nobody gains or loses anything; 1 somebody does, or it could not be told; 2 the command line was not understood.
/// Example: nightlatch impact main: . --snapshot people.json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Impact {
    /// As it was: a folder, or REVISION:FOLDER.
    old: String,
    /// As it is to be.
    new: String,
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
            let (old, new) = (rules_of(&self.old).await?, rules_of(&self.new).await?);
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

/// What of a folder is rules.
const PARTS: [&str; 3] = ["workflows", "policies", "people.yaml"];

/// The rules of a folder, or of one as it was in a revision. A folder of that very name is one.
async fn rules_of(named: &str) -> Result<Rules, String> {
    let in_folder = |folder: &Path| {
        let [workflows, policies, people] = PARTS.map(|part| folder.join(part));
        rules_in(&workflows, &policies, &people)
    };
    let Some((revision, folder)) = named.split_once(':').filter(|_| !Path::new(named).exists()) else {
        return in_folder(Path::new(named));
    };
    let prefix = folder.trim_end_matches('/');
    let below = |part: &str| if prefix.is_empty() { part.to_owned() } else { format!("{prefix}/{part}") };
    let parts = PARTS.map(below);
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let files = git::files(revision, Path::new("."), &parts).await.map_err(|error| format!("{named}: {error}"))?;
    let workflows = below("workflows/");
    if !files.iter().any(|file| file.path.starts_with(&workflows)) {
        return Err(format!("{named}: there was no folder {workflows} with files then"));
    }
    // Nobody else's, readable by nobody else, and gone with the end of this.
    let folder = tempfile::tempdir().map_err(|error| format!("{named} could not be put down to be read: {error}"))?;
    put_down(&files, folder.path()).map_err(|error| format!("{named} could not be put down to be read: {error}"))?;
    let before = folder.path().join(prefix);
    // People know the revision, and not where it was put down.
    in_folder(&before)
        .map_err(|why| why.replace(&format!("{}/", before.display()), &format!("{revision}:{}", below(""))))
}

/// Puts these files below a folder.
fn put_down(files: &[GitFile], below: &Path) -> std::io::Result<()> {
    for file in files {
        let path = Path::new(&file.path);
        // Git lets none out of its tree; nor does this.
        if !path.components().all(|part| matches!(part, Component::Normal(_))) {
            continue;
        }
        let path = below.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, &file.content)?;
    }
    Ok(())
}

/// The workflows and guardrails of these folders, and who is whose manager.
pub(super) fn rules_in(workflows: &Path, guardrails: &Path, people: &Path) -> Result<Rules, String> {
    let catalog = Catalog::read_under(workflows, guardrails, TYPES).map_err(|report| report.to_string())?;
    let guardrails = catalog.guardrails().cloned();
    let workflows = catalog.workflows().map(|workflow| (workflow.name.clone(), workflow.clone())).collect();
    let staff = Arc::new(staff::read(people, false).map_err(|report| report.to_string())?);
    Ok(Rules { workflows, guardrails, staff })
}
