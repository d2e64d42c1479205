//! `nightlatch requests`: what is open, from the running bot.

use std::process::ExitCode;

use clap::Args;

use super::{ConfigPath, Format, aside, data, done, through};
use crate::control::{Call, Listed, Reply};
use crate::notices::words;

/// List requests of the running bot that are not over, newest first, and those of broken glass that nobody has reviewed.
///
/// Example: nightlatch requests --format json | jq '.[] | select(.stuck)'
#[derive(Debug, Args)]
pub(super) struct Requests {
    #[command(flatten)]
    config: ConfigPath,
    /// Those that are over, too.
    #[arg(long)]
    all: bool,
    /// At most so many.
    #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// How the list is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The same as --format json.
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

impl Requests {
    pub(super) fn run(&self) -> ExitCode {
        done(async {
            let call = Call::Requests { all: self.all, limit: self.limit };
            match through(&self.config.config, &call).await? {
                Reply::Requests { requests, more } => {
                    let is_json = self.json || self.format == Format::Json;
                    data(&if is_json { json(&requests)? } else { table(&requests) });
                    if requests.is_empty() && !is_json {
                        aside(if self.all { "no requests\n" } else { "no open requests\n" });
                    }
                    if more {
                        aside(&format!("only the newest {}; --limit lists more\n", self.limit));
                    }
                    Ok(ExitCode::SUCCESS)
                }
                Reply::Done { said } | Reply::No { why: said } => Err(said),
                Reply::Snapshot { .. } => Err("the bot answered something else".to_owned()),
            }
        })
    }
}

fn json(requests: &[Listed]) -> Result<String, String> {
    serde_json::to_string_pretty(requests).map(|text| text + "\n").map_err(|error| error.to_string())
}

/// A line a request, in columns; what people typed cannot move the cursor.
fn table(requests: &[Listed]) -> String {
    let rows: Vec<[String; 6]> = requests.iter().map(row).collect();
    let mut widths = [0_usize; 6];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; 6]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

fn row(request: &Listed) -> [String; 6] {
    let state = match (&request.outcome, request.stuck) {
        (_, true) => "STUCK".to_owned(),
        (Some(outcome), _) if request.review_due_at.is_some() => format!("{} ({outcome}), to review", request.state),
        (Some(outcome), _) => format!("{} ({outcome})", request.state),
        (None, _) => request.state.clone(),
    };
    let until = match (request.ended_at.as_deref(), request.expires_at.as_deref()) {
        _ if request.review_due_at.is_some() => {
            format!("review until {}", request.review_due_at.as_deref().unwrap_or_default())
        }
        (Some(at), _) => format!("ended {at}"),
        (None, Some(at)) => format!("until {at}"),
        (None, None) => format!("asked {}", request.asked_at.as_deref().unwrap_or_default()),
    };
    let cell = |text: &str, max| words::one_line(text, max);
    [
        cell(&request.id, 40),
        state,
        cell(&request.workflow, 40),
        cell(&request.requester, 60),
        until,
        cell(&request.reason, 80),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(state: &str, outcome: Option<&str>, reason: &str) -> Listed {
        Listed {
            id: "01kjmma2g000000001".to_owned(),
            workflow: "prod-db".to_owned(),
            state: state.to_owned(),
            outcome: outcome.map(str::to_owned),
            requester: "alice@example.com".to_owned(),
            reason: reason.to_owned(),
            device: None,
            asked_at: Some("2026-03-01T12:00:00Z".to_owned()),
            active_since: None,
            expires_at: None,
            ended_at: outcome.map(|_| "2026-03-01T13:00:00Z".to_owned()),
            stuck: false,
            review_due_at: None,
            steps: Vec::new(),
        }
    }

    #[test]
    fn a_request_is_a_line_that_nothing_typed_can_break() {
        let all = [listed("pending", None, "inv\u{1b}[2J\noice"), listed("ended", Some("revoked"), "")];
        let told = table(&all);
        assert!(!told.contains('\u{1b}'), "{told:?}");
        insta::assert_snapshot!(told, @"
        01kjmma2g000000001  pending          prod-db  alice@example.com  asked 2026-03-01T12:00:00Z  inv [2J oice
        01kjmma2g000000001  ended (revoked)  prod-db  alice@example.com  ended 2026-03-01T13:00:00Z
        ");
        assert_eq!(table(&[]), "");
    }
}
