//! `nightlatch backup`: a whole copy of the database, also while the bot runs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::{ConfigPath, data, done, is_there, open};
use crate::config::{Config, Database};
use crate::control::client::{self, CallError};
use crate::control::{Call, Reply};

/// Copy the database into a new file, also while nightlatch runs.
///
/// The running bot writes the copy, as its user; only that user can read it. To go back to it: stop the bot, put the copy in the
/// database's place, remove the files beside it that end in -wal and -shm, start, look, and then `nightlatch audit accept`.
/// Example: nightlatch backup /var/lib/nightlatch/backup-2026-03-01.db
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Backup {
    #[command(flatten)]
    config: ConfigPath,
    /// The copy; nothing may be there yet.
    #[arg(value_name = "FILE")]
    to: PathBuf,
}

impl Backup {
    pub(super) fn run(&self) -> ExitCode {
        done(async {
            let to = std::path::absolute(&self.to).map_err(|error| format!("{}: {error}", self.to.display()))?;
            let config = Config::read(&self.config.config).map_err(|report| report.to_string())?;
            let Database::Sqlite(database) = &config.database;
            let said = match client::call(&config.control_path(), database, &Call::Backup { to: to.clone() }).await {
                Ok(Reply::Done { said }) => said,
                Ok(Reply::No { why }) => return Err(why),
                Ok(Reply::Requests { .. } | Reply::Snapshot { .. }) => {
                    return Err("the bot answered something else".to_owned());
                }
                // Nobody has it, so it can be read from here.
                Err(CallError::NobodyThere(_)) => alone(&config, &to).await?,
                Err(error) => return Err(error.to_string()),
            };
            data(&format!("{said}\n"));
            Ok(ExitCode::SUCCESS)
        })
    }
}

async fn alone(config: &Config, to: &Path) -> Result<String, String> {
    is_there(config)?;
    let store = open(config, "; it does not answer on its control socket").await?;
    let size = store.backup(to).await;
    store.close().await;
    Ok(format!("{} holds the database, {} bytes", to.display(), size.map_err(|error| error.to_string())?))
}
