//! `nightlatch pastes`: moves pastes from and to tclip, and between databases.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{ConfigPath, WRONG, aside, data, done, open, told};
use crate::clock::{Clock, Ids};
use crate::config::Config;
use crate::engine::pastes::moving::{self, Line, MoveError, Moved};
use crate::engine::pastes::signed;
use crate::outside::tclip::Tclip;
use crate::store::{Store, TclipRow, tclip_pastes};

/// Move pastes from and to tclip.
///
/// One JSON object a line: id, filename, language, owner, author, created_at, expires_at, content.
#[derive(Debug, Args)]
pub(super) struct Pastes {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Print all pastes that stand here; what lives for a grant is left out.
    Export {
        #[command(flatten)]
        config: ConfigPath,
        /// From a tclip's own database (data.db in its data folder) instead of ours; tclip gives them out in no other way.
        #[arg(long, value_name = "FILE")]
        tclip_database: Option<PathBuf>,
    },
    /// Read pastes; an id that is taken stays as it is. With a tclip configured they are posted there and get new
    /// addresses, which are printed: old id, new address.
    Import {
        #[command(flatten)]
        config: ConfigPath,
        /// What export printed; `-` for standard input.
        #[arg(value_name = "FILE")]
        lines: PathBuf,
    },
}

/// What came of all lines.
#[derive(Default)]
struct Counts {
    new: usize,
    kept: usize,
    expired: usize,
    wrong: usize,
}

impl Pastes {
    pub(super) fn run(&self) -> ExitCode {
        done(async {
            match &self.what {
                What::Export { tclip_database: Some(file), .. } => export_tclip(file).await,
                What::Export { config, .. } => export(&config.config).await,
                What::Import { config, lines } => import(&config.config, lines).await,
            }
        })
    }
}

fn print(line: &Line) {
    if let Ok(text) = serde_json::to_string(line) {
        data(&format!("{text}\n"));
    }
}

async fn export(path: &Path) -> Result<ExitCode, String> {
    let config = Config::read(path).map_err(|report| report.to_string())?;
    let store = open(&config, "").await?;
    let now = Clock::system().now_ms();
    moving::export(&store, now, |line| print(&line)).await.map_err(|error| error.to_string())?;
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn export_tclip(file: &Path) -> Result<ExitCode, String> {
    let rows = tclip_pastes(file).await;
    let rows = rows.map_err(|error| format!("{} is not a tclip's database: {error}", file.display()))?;
    for row in rows {
        print(&line_of(row));
    }
    Ok(ExitCode::SUCCESS)
}

/// tclip writes its machine's time without saying which zone; read as UTC it is right to a few hours.
fn line_of(row: TclipRow) -> Line {
    let written = jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M", &row.created_at);
    let created_at = written.and_then(|at| at.to_zoned(jiff::tz::TimeZone::UTC)).map(|at| at.timestamp());
    // What its schema promises.
    let created_at = created_at.or_else(|_| row.created_at.parse());
    // A tagged device posted it: nobody's.
    let owner = if row.login_name.contains('@') { row.login_name } else { String::new() };
    Line {
        id: Some(row.id),
        filename: row.filename,
        language: None,
        owner,
        author: row.display_name,
        slack_id: None,
        created_at: created_at.ok(),
        expires_at: None,
        content: row.data,
    }
}

async fn import(path: &Path, lines: &Path) -> Result<ExitCode, String> {
    let config = Config::read(path).map_err(|report| report.to_string())?;
    let unreadable = |error: std::io::Error| format!("cannot read {}: {error}", lines.display());
    let source: Box<dyn BufRead> = match lines.to_str() {
        Some("-") => Box::new(BufReader::new(std::io::stdin())),
        _ => Box::new(BufReader::new(std::fs::File::open(lines).map_err(unreadable)?)),
    };
    let to = To::open(&config).await?;
    let mut counts = Counts::default();
    for (number, text) in source.lines().enumerate() {
        let text = text.map_err(unreadable)?;
        if text.trim().is_empty() {
            continue;
        }
        match to.put(&text).await {
            Ok(Moved::New) => counts.new += 1,
            Ok(Moved::Kept) => counts.kept += 1,
            Ok(Moved::Expired) => counts.expired += 1,
            Err(error) => {
                counts.wrong += 1;
                aside(&format!("line {}: {error}\n", number + 1));
            }
        }
    }
    to.close().await;
    let Counts { new, kept, expired, wrong } = counts;
    aside(&format!("{new} new, {kept} were there already, {expired} were over, {wrong} could not be moved\n"));
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::from(WRONG) })
}

/// Where pastes are moved to.
enum To {
    Here { store: Store, ids: Ids, now: i64 },
    Tclip(Tclip),
}

impl To {
    async fn open(config: &Config) -> Result<Self, String> {
        match &config.tclip {
            Some(tclip) => Tclip::new(tclip.url.clone()).map(Self::Tclip).map_err(|error| error.to_string()),
            None => {
                Ok(Self::Here { store: open(config, "").await?, ids: Ids::random(), now: Clock::system().now_ms() })
            }
        }
    }

    async fn put(&self, text: &str) -> Result<Moved, MoveError> {
        let line = Line::read(text)?;
        match self {
            Self::Here { store, ids, now } => moving::import(store, &line, ids, *now).await,
            Self::Tclip(tclip) => {
                let text = line.text()?;
                let posted = tclip.post(&signed(&line.author(), &text), &text.content).await;
                let url = posted.map_err(|error| MoveError::NotOne(told(&error, error.advice())))?;
                data(&format!("{} {url}\n", line.id.unwrap_or_default()));
                Ok(Moved::New)
            }
        }
    }

    async fn close(self) {
        if let Self::Here { store, .. } = self {
            store.close().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_tclips_becomes_a_line() {
        let row = TclipRow {
            id: "0b9b23d8-5b1c-4a1e-9c43-7d6d2c1f0e5a".to_owned(),
            created_at: "2026-01-02 03:04".to_owned(),
            filename: "a.md".to_owned(),
            data: "x".to_owned(),
            login_name: "alice@example.com".to_owned(),
            display_name: "Alice".to_owned(),
        };
        let text = serde_json::to_string(&line_of(row.clone())).unwrap();
        insta::assert_snapshot!(text, @r#"{"id":"0b9b23d8-5b1c-4a1e-9c43-7d6d2c1f0e5a","filename":"a.md","owner":"alice@example.com","author":"Alice","created_at":"2026-01-02T03:04:00Z","content":"x"}"#);
        let tagged = line_of(TclipRow { login_name: "ci-runner".to_owned(), ..row });
        assert_eq!((tagged.owner.as_str(), tagged.author.as_str()), ("", "Alice"));
    }
}
