//! `nightlatch links`: moves go links from and to golink, by its snapshot.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use url::Url;

use super::pastes::lines;
use super::{ConfigPath, WRONG, aside, data, done, told};
use crate::clock::Clock;
use crate::config::Config;
use crate::engine::links::moving::{self, Imported};
use crate::kernel::link::snapshot::Line;
use crate::outside::golink::Golink;
use crate::store::Store;

/// A snapshot of a hundred thousand links is some twenty megabytes.
const SNAPSHOT_MAX_BYTES: u64 = 256 << 20;

/// What golink's HTTP interface cannot take over.
const OVER_HTTP: &str = "golink dates links that it is sent anew, and those without an owner become the bot's; to move all as it is, start golink with \
     -snapshot FILE\n";

/// Move go links from and to golink.
///
/// A snapshot is what golink's /.export prints: one JSON object a line. `golink -snapshot FILE` reads what `export` prints.
#[derive(Debug, Args)]
pub(super) struct Links {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print all go links.
    Export {
        #[command(flatten)]
        config: ConfigPath,
        /// From a golink, or a nightlatch that runs, at this address (like http://go) instead of the database.
        #[arg(long, value_name = "URL")]
        from: Option<Url>,
    },
    /// Read go links; those whose name is taken stay as they are.
    Import {
        #[command(flatten)]
        config: ConfigPath,
        /// The snapshot; `-` for standard input.
        #[arg(value_name = "FILE")]
        snapshot: PathBuf,
    },
}

impl Links {
    pub(super) fn run(&self) -> ExitCode {
        done(async {
            match &self.what {
                What::Export { config, from } => export(&config.config, from.clone()).await,
                What::Import { config, snapshot } => import(&config.config, snapshot).await,
            }
        })
    }
}

/// The file's golink is only used when it has one: then the links are there and not in the database.
async fn export(path: &Path, from: Option<Url>) -> Result<ExitCode, String> {
    let far = match from {
        Some(url) => Some(url),
        None => Config::read(path).map_err(|report| report.to_string())?.golink,
    };
    let lines = match far {
        Some(url) => {
            let golink = Golink::new(url).map_err(|error| error.to_string())?;
            let lines = golink.export().await.map_err(|error| told(&error, error.advice()))?;
            let line = |line: &crate::outside::golink::Line| {
                let (created, last_edit) = (Some(line.created), Some(line.last_edit));
                let (short, long, owner) = (line.short.clone(), line.long.clone(), line.owner.clone());
                Line { short, long, created, last_edit, owner }.to_text() + "\n"
            };
            lines.iter().map(line).collect()
        }
        None => {
            let store = open_there(path).await?;
            let lines = moving::export(&store).await.map_err(|error| error.to_string())?;
            store.close().await;
            lines
        }
    };
    data(&lines);
    aside(&format!("{} links\n", lines.lines().count()));
    Ok(ExitCode::SUCCESS)
}

async fn import(path: &Path, snapshot: &Path) -> Result<ExitCode, String> {
    let text = read(snapshot)?;
    let config = Config::read(path).map_err(|report| report.to_string())?;
    let now = Clock::system().now_ms();
    let imported = match config.golink {
        Some(url) => {
            aside(OVER_HTTP);
            to_golink(url, &text, now).await?
        }
        None => {
            let store = open(path).await?;
            let imported = moving::import(&store, &text, now).await.map_err(|error| error.to_string())?;
            store.close().await;
            imported
        }
    };
    for (number, why) in &imported.wrong {
        aside(&format!("line {number}: {why}\n"));
    }
    for (number, what) in imported.different.iter().chain(&imported.leads_nowhere) {
        aside(&format!("line {number}: {what}\n"));
    }
    aside(&format!(
        "{} new, {} were there already, {} lead elsewhere here and stay so, {} could not be read\n",
        imported.new,
        imported.kept,
        imported.different.len(),
        imported.wrong.len()
    ));
    Ok(if imported.wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(WRONG) })
}

/// One by one, each looked for first. golink must know the owners, and must let us make links for them.
async fn to_golink(url: Url, text: &str, now: i64) -> Result<Imported, String> {
    let golink = Golink::new(url).map_err(|error| error.to_string())?;
    let (links, wrong) = moving::read(text, now);
    let mut imported = Imported { wrong, ..Imported::default() };
    for (number, link) in links {
        let done = async {
            let there = golink.detail(&link.short).await?;
            if there.is_none() {
                golink.save(&link.short, &link.long, &link.owner).await?;
            }
            Ok(there)
        };
        match done.await {
            Ok(None) => imported.is_new(number, &link),
            Ok(Some(there)) => imported.is_there(number, &link, &there.long),
            Err(error) if matches!(error, crate::outside::golink::GolinkError::Refused { status: 400..=499, .. }) => {
                imported.wrong.push((number, told(&error, error.advice())));
            }
            // The rest would fail too.
            Err(error) => return Err(format!("line {number}: {}", told(&error, error.advice()))),
        }
    }
    imported.wrong.sort();
    Ok(imported)
}

fn read(snapshot: &Path) -> Result<String, String> {
    let unreadable = |why: &dyn std::fmt::Display| format!("cannot read {}: {why}", snapshot.display());
    let mut bytes = Vec::new();
    let source = lines::source(snapshot)?;
    let read = source.take(SNAPSHOT_MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if u64::try_from(read).is_ok_and(|read| read > SNAPSHOT_MAX_BYTES) {
        return Err(unreadable(&"it is longer than 256 megabytes"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let before = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let number = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        unreadable(&format!("line {number}: {}", lines::NOT_UTF8))
    })
}

/// Where links are that are to be read: nothing is made that was not there.
async fn open_there(path: &Path) -> Result<Store, String> {
    let config = Config::read(path).map_err(|report| report.to_string())?;
    super::is_there(&config)?;
    open(path).await
}

async fn open(path: &Path) -> Result<Store, String> {
    let config = Config::read(path).map_err(|report| report.to_string())?;
    let meanwhile = ", or export from it while it runs: nightlatch links export --from http://ADDRESS/go";
    super::open(&config, meanwhile).await
}
