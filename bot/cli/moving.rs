//! What the verbs that move things between databases and servers share.

use std::process::ExitCode;

use super::{WRONG, aside};
use crate::config::{Config, Database};
use crate::store::{OpenError, Store};

/// Runs it to its end; what went wrong is told.
pub(super) fn done(work: impl Future<Output = Result<ExitCode, String>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = runtime.map_err(|error| error.to_string()).and_then(|runtime| runtime.block_on(work));
    done.unwrap_or_else(|why| {
        aside(&format!("{why}\n"));
        ExitCode::from(WRONG)
    })
}

/// What happened, with the next step where there is one.
pub(super) fn told(what: &dyn std::fmt::Display, advice: Option<String>) -> String {
    advice.map_or_else(|| what.to_string(), |advice| format!("{what}; {advice}"))
}

/// The database. `meanwhile` is what can be done while a running nightlatch has it.
pub(super) async fn open(config: &Config, meanwhile: &str) -> Result<Store, String> {
    let Database::Sqlite(file) = &config.database;
    Store::open(&format!("sqlite://{}", file.display())).await.map_err(|error| match error {
        OpenError::InUse(_) => format!("{error}{meanwhile}"),
        error => error.to_string(),
    })
}
