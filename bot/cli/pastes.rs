//! `nightlatch pastes`: moves pastes from and to tclip, and between databases.

pub(super) mod lines;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{ConfigPath, WRONG, aside, data, done, open, told};
use crate::clock::{Clock, Ids};
use crate::config::{Config, Database};
use crate::engine::pastes::moving::{self, Line, MoveError, Moved};
use crate::engine::pastes::signed;
use crate::outside::tclip::Tclip;
use crate::store::{PostedFor, Store, TclipRow, posted_for, tclip_pastes};

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
                What::Export { config, tclip_database: Some(file) } => export_tclip(&config.config, file).await,
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
    super::is_there(&config)?;
    let store = open(&config, "").await?;
    let now = Clock::system().now_ms();
    let mut count = 0;
    let print = |line: Line| {
        print(&line);
        count += 1;
    };
    moving::export(&store, now, print).await.map_err(|error| error.to_string())?;
    store.close().await;
    aside(&format!("{count} pastes\n"));
    Ok(ExitCode::SUCCESS)
}

async fn export_tclip(config: &Path, file: &Path) -> Result<ExitCode, String> {
    let rows = tclip_pastes(file).await;
    let rows = rows.map_err(|error| format!("{} is not a tclip's database: {error}", file.display()))?;
    let known = posted_by_us(config).await;
    let (mut count, mut wrong) = (0, 0);
    for row in rows {
        match row {
            Ok(row) => {
                let for_whom = known.get(&row.id.to_lowercase()).cloned();
                print(&line_of(row, for_whom));
                count += 1;
            }
            Err(id) => {
                aside(&format!(
                    "paste {id} is left out: it is no text (UTF-8), and pastes here are; tclip gives it out at /paste/{id}/raw\n"
                ));
                wrong += 1;
            }
        }
    }
    let rest = if wrong > 0 { format!(", {wrong} left out") } else { String::new() };
    aside(&format!("{count} pastes{rest}\n"));
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::from(WRONG) })
}

/// At tclip everything the bot posted is the bot's; whose it is, our own database knows, if it is here.
async fn posted_by_us(config: &Path) -> HashMap<String, PostedFor> {
    let Ok(config) = Config::read(config) else { return HashMap::new() };
    let Database::Sqlite(file) = &config.database;
    if !file.exists() {
        return HashMap::new();
    }
    posted_for(file).await.unwrap_or_else(|error| {
        aside(&format!("{} cannot be read ({error}), so what the bot posted stays the bot's\n", file.display()));
        HashMap::new()
    })
}

/// tclip writes its machine's time without saying which zone; read as UTC it is right to a few hours.
fn line_of(row: TclipRow, for_whom: Option<PostedFor>) -> Line {
    let written = jiff::civil::DateTime::strptime("%Y-%m-%d %H:%M", &row.created_at);
    let created_at = written.and_then(|at| at.to_zoned(jiff::tz::TimeZone::UTC)).map(|at| at.timestamp());
    // What its schema promises.
    let created_at = created_at.or_else(|_| row.created_at.parse());
    // A tagged device posted it: nobody's.
    let owner = if row.login_name.contains('@') { row.login_name } else { String::new() };
    let (filename, owner, author, slack_id) = match for_whom {
        Some(one) => (one.filename, one.login.unwrap_or_default(), one.author, one.slack_id),
        None => (row.filename, owner, row.display_name, None),
    };
    Line {
        id: Some(row.id),
        filename,
        language: None,
        owner,
        author,
        slack_id,
        created_at: created_at.ok(),
        expires_at: None,
        content: row.data,
    }
}

async fn import(path: &Path, file: &Path) -> Result<ExitCode, String> {
    let config = Config::read(path).map_err(|report| report.to_string())?;
    let mut source = lines::source(file)?;
    let to = To::open(&config).await?;
    let mut counts = Counts::default();
    let mut number = 0;
    loop {
        let line = lines::next(&mut *source).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        let Some(line) = line else { break };
        number += 1;
        if line.as_ref().is_ok_and(|text| text.trim().is_empty()) {
            continue;
        }
        let put = match line {
            Ok(text) => to.put(&text).await,
            Err(()) => Err(MoveError::NotOne(lines::NOT_UTF8.to_owned())),
        };
        match put {
            Ok(Moved::New) => counts.new += 1,
            Ok(Moved::Kept) => counts.kept += 1,
            Ok(Moved::Expired) => counts.expired += 1,
            Err(error) => {
                counts.wrong += 1;
                aside(&format!("line {number}: {error}\n"));
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
        let text = serde_json::to_string(&line_of(row.clone(), None)).unwrap();
        insta::assert_snapshot!(text, @r#"{"id":"0b9b23d8-5b1c-4a1e-9c43-7d6d2c1f0e5a","filename":"a.md","owner":"alice@example.com","author":"Alice","created_at":"2026-01-02T03:04:00Z","content":"x"}"#);
        let tagged = line_of(TclipRow { login_name: "ci-runner".to_owned(), ..row.clone() }, None);
        assert_eq!((tagged.owner.as_str(), tagged.author.as_str()), ("", "Alice"));
        // What the bot posted is its author's again.
        let filename = "bob@example.com - untitled".to_owned();
        let ours = TclipRow { login_name: "ops@example.com".to_owned(), filename, ..row };
        let (login, slack_id) = (Some("bob@example.com".to_owned()), Some("U0BOB0001".to_owned()));
        let for_whom = PostedFor { login, slack_id, author: "Bob".to_owned(), filename: "untitled".to_owned() };
        let line = line_of(ours, Some(for_whom));
        assert_eq!(
            (line.owner.as_str(), line.author.as_str(), line.filename.as_str()),
            ("bob@example.com", "Bob", "untitled")
        );
        assert_eq!(line.slack_id.as_deref(), Some("U0BOB0001"));
    }
}
