//! `nightlatch explain`: who may ask and approve, and by which rule; from the files, and from people as they are or were.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::impact::rules_in;
use super::{ConfigPath, Format, data, done, snapshot};
use crate::clock::Clock;
use crate::config::Config;
use crate::config::words::nearest;
use crate::explain::snapshot::Known;
use crate::explain::{Explanation, Under, When, explain};
use crate::kernel::hold;

/// Say who may ask for a workflow and approve it, whether it would pass by itself, and which rules decide.
///
/// Rules are read from the files. People come from the running bot, or from a file that `nightlatch snapshot` wrote.
/// Example: nightlatch explain prod-db alice@example.com --hold 2h --at 2026-12-24T20:00:00Z
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Explain {
    /// The workflow's name.
    workflow: String,
    /// E-mail address, tailnet login or Slack id; without one, everybody who may ask or approve is listed.
    person: Option<String>,
    #[command(flatten)]
    config: ConfigPath,
    /// For how long it is asked.
    #[arg(long, value_name = "LENGTH")]
    hold: Option<String>,
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

impl Explain {
    pub(super) fn run(&self) -> ExitCode {
        done(self.explain())
    }

    async fn explain(&self) -> Result<ExitCode, String> {
        let folders = Config::folders(&self.config.config);
        let rules = rules_in(&folders.workflows, &folders.policies, &folders.staff)?;
        let Some(workflow) = rules.workflows.get(&self.workflow) else {
            let near = nearest(&self.workflow, rules.workflows.keys().map(String::as_str));
            let hint = near.map(|name| format!("; did you mean {name}?")).unwrap_or_default();
            return Err(format!("there is no workflow {}{hint}", self.workflow));
        };
        let hold_ms = self.hold.as_deref().map(hold::parse).transpose().map_err(|why| format!("--hold: {why}"))?;
        let at = self.at.map_or_else(|| Clock::system().now_ms(), jiff::Timestamp::as_millisecond);
        let people = snapshot::from(self.snapshot.as_deref(), &self.config, self.person.clone()).await?;
        let under = Under { workflow, guardrails: rules.guardrails.as_ref(), staff: &rules.staff };
        let told = |known: &Known| explain(under, known, When { hold_ms, at });
        let explanations: Vec<Explanation> = match &self.person {
            Some(named) => {
                let known = people.find(named).ok_or_else(|| {
                    let near = nearest(named, people.names()).map(|name| format!("; did you mean {name}?"));
                    format!("nobody is known as {named}{}", near.unwrap_or_default())
                })?;
                vec![told(known)]
            }
            None => {
                let may = |told: &Explanation| told.asks.yes || told.approves.iter().any(|stage| stage.yes);
                people.people.iter().map(told).filter(may).collect()
            }
        };
        data(&match self.format {
            Format::Json => serde_json::to_string_pretty(&explanations).map_err(|error| error.to_string())? + "\n",
            Format::Text => explanations.iter().map(|one| text(one, self.person.is_none())).collect::<String>(),
        });
        Ok(ExitCode::SUCCESS)
    }
}

fn text(told: &Explanation, is_one_of_many: bool) -> String {
    let heading = if is_one_of_many { format!("{}\n", told.person) } else { String::new() };
    let lines = told.to_string();
    match is_one_of_many {
        true => heading + &lines.lines().map(|line| format!("  {line}\n")).collect::<String>(),
        false => lines,
    }
}
