//! The command line: one file per verb, one list. Data goes to stdout, everything else to stderr.

mod approve;
mod audit;
mod backup;
mod check;
#[cfg(feature = "demo")]
mod demo;
mod deny;
mod explain;
mod extend;
mod impact;
mod links;
mod manifest;
mod pastes;
mod plan;
mod requests;
mod revoke;
mod schema;
mod serve;
#[cfg(feature = "simulate")]
mod simulate;
mod snapshot;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::{Config, Database};
use crate::control::{Call, Reply, client};
use crate::store::{OpenError, Store};

/// Lends access on a tailnet from Slack and takes it back on time, with proof.
///
/// Exit codes: 0 all is well; 1 something is wrong (it was told); 2 the command line was not understood.
#[derive(Debug, Parser)]
#[command(name = "nightlatch", version, about, long_about, verbatim_doc_comment)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

/// The list of verbs. A new one is a file and a line in each of these two lists.
#[derive(Debug, Subcommand)]
enum Verb {
    Approve(approve::Approve),
    Audit(audit::Audit),
    Backup(backup::Backup),
    Check(check::Check),
    #[cfg(feature = "demo")]
    Demo(demo::Demo),
    Deny(deny::Deny),
    Explain(explain::Explain),
    Extend(extend::Extend),
    Impact(impact::Impact),
    Links(links::Links),
    Manifest(manifest::Manifest),
    Pastes(pastes::Pastes),
    Plan(plan::Plan),
    Requests(requests::Requests),
    Revoke(revoke::Revoke),
    Schema(schema::Schema),
    Serve(serve::Serve),
    Snapshot(snapshot::TakeSnapshot),
    #[cfg(feature = "simulate")]
    Simulate(simulate::Simulate),
}

impl Verb {
    fn run(self) -> ExitCode {
        match self {
            Self::Approve(verb) => verb.run(),
            Self::Audit(verb) => verb.run(),
            Self::Backup(verb) => verb.run(),
            Self::Check(verb) => verb.run(),
            #[cfg(feature = "demo")]
            Self::Demo(verb) => verb.run(),
            Self::Deny(verb) => verb.run(),
            Self::Explain(verb) => verb.run(),
            Self::Extend(verb) => verb.run(),
            Self::Impact(verb) => verb.run(),
            Self::Links(verb) => verb.run(),
            Self::Manifest(verb) => verb.run(),
            Self::Pastes(verb) => verb.run(),
            Self::Plan(verb) => verb.run(),
            Self::Requests(verb) => verb.run(),
            Self::Revoke(verb) => verb.run(),
            Self::Schema(verb) => verb.run(),
            Self::Serve(verb) => verb.run(),
            Self::Snapshot(verb) => verb.run(),
            #[cfg(feature = "simulate")]
            Self::Simulate(verb) => verb.run(),
        }
    }
}

/// Reads the command line of this process and does what it says.
pub fn run() -> ExitCode {
    Cli::parse().verb.run()
}

/// Options of every verb that reads the configuration.
#[derive(Clone, Debug, Args)]
struct ConfigPath {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "nightlatch.yaml")]
    config: PathBuf,
}

/// How data is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Something is wrong, and it was told.
const WRONG: u8 = 1;

/// Prints data. A reader that went away (`nightlatch check | head`) is no mistake.
fn data(text: &str) {
    let mut out = std::io::stdout().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// Prints what is not data.
fn aside(text: &str) {
    drop(std::io::stderr().lock().write_all(text.as_bytes()));
}

/// Runs it to its end; what went wrong is told.
fn done(work: impl Future<Output = Result<ExitCode, String>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = runtime.map_err(|error| error.to_string()).and_then(|runtime| runtime.block_on(work));
    done.unwrap_or_else(|why| {
        aside(&format!("{why}\n"));
        ExitCode::from(WRONG)
    })
}

/// What the running bot answers.
async fn through(config: &Path, call: &Call) -> Result<Reply, String> {
    let config = Config::read(config).map_err(|report| report.to_string())?;
    let Database::Sqlite(database) = &config.database;
    client::call(&config.control_path(), database, call).await.map_err(|error| error.to_string())
}

/// Has the running bot do something, and tells what came of it.
fn act(config: &Path, call: &Call) -> ExitCode {
    done(async {
        match through(config, call).await? {
            Reply::Done { said } => {
                data(&format!("{said}\n"));
                Ok(ExitCode::SUCCESS)
            }
            Reply::No { why } => Err(why),
            Reply::Requests { .. } | Reply::Snapshot { .. } => Err("the bot answered something else".to_owned()),
        }
    })
}

/// What happened, with the next step where there is one.
fn told(what: &dyn std::fmt::Display, advice: Option<String>) -> String {
    advice.map_or_else(|| what.to_string(), |advice| format!("{what}; {advice}"))
}

/// Whether the database is there. Reading must never make one: an empty answer out of a mistyped path would be believed.
///
/// # Errors
/// It is not.
fn is_there(config: &Config) -> Result<(), String> {
    let Database::Sqlite(file) = &config.database;
    let message =
        || format!("no database at {}; look at `database:` in the configuration, nothing was made", file.display());
    if file.exists() { Ok(()) } else { Err(message()) }
}

/// The database. `meanwhile` is what can be done while a running nightlatch has it.
async fn open(config: &Config, meanwhile: &str) -> Result<Store, String> {
    let Database::Sqlite(file) = &config.database;
    Store::open(&format!("sqlite://{}", file.display())).await.map_err(|error| match error {
        OpenError::InUse(_) => format!("{error}{meanwhile}"),
        error => error.to_string(),
    })
}
