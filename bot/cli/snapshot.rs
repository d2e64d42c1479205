//! `nightlatch snapshot`: everybody and what they belong to, from the running bot, to explain and compare rules by.

use std::process::ExitCode;

use clap::Args;

use super::{ConfigPath, data, done, through};
use crate::control::{Call, Reply};
use crate::explain::snapshot::Snapshot;

/// Print everybody and what they belong to, as the running bot knows them: names, addresses and groups, and no secret.
///
/// Example: nightlatch snapshot > people.json
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct TakeSnapshot {
    #[command(flatten)]
    config: ConfigPath,
}

impl TakeSnapshot {
    pub(super) fn run(&self) -> ExitCode {
        done(async {
            let snapshot = taken(&self.config, None).await?;
            let text = serde_json::to_string_pretty(&snapshot).map_err(|error| error.to_string())?;
            data(&(text + "\n"));
            Ok(ExitCode::SUCCESS)
        })
    }
}

/// From the running bot: everybody, or one person read afresh.
pub(super) async fn taken(config: &ConfigPath, only: Option<String>) -> Result<Snapshot, String> {
    match through(&config.config, &Call::Snapshot { only }).await? {
        Reply::Snapshot { snapshot } => Ok(snapshot),
        Reply::No { why } => Err(why),
        _ => Err("the bot answered something else".to_owned()),
    }
}

/// From a file, if one is named.
pub(super) async fn from(
    file: Option<&std::path::Path>,
    config: &ConfigPath,
    only: Option<String>,
) -> Result<Snapshot, String> {
    let Some(path) = file else { return taken(config, only).await };
    let text = std::fs::read_to_string(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    Snapshot::read(&text).map_err(|why| format!("{}: {why}", path.display()))
}
