//! `nightlatch check`: every mistake in configuration, workflows and templates, before anything is started.

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::manifest::scopes;
use super::{ConfigPath, Format, WRONG, aside, data};
use crate::app::clients::{slack_client, tailscale_client};
use crate::app::named;
use crate::app::trial::{Finding, Trial};
use crate::catalog::{Catalog, meaning, policies, staff};
use crate::clock::Clock;
use crate::config::{Config, Folders, Report, SecretError};
use crate::kernel::person::Who;
use crate::kernel::workflow::StepUse;
use crate::kernel::{Staff, Workflow};
use crate::notices::Notices;
use crate::outside::net::Net;
use crate::steps::TYPES;

/// Tell every mistake in the configuration, workflows and templates.
///
/// Reads files only: no secret is fetched and nobody is called, unless --online is given. Mistakes go to stdout, each with its
/// file, line and what to write instead. Exit codes: 0 no mistake; 1 mistakes; 2 the command line was not understood.
#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    config: ConfigPath,
    /// Also ask Slack and Tailscale: whether they let the bot do what the workflows need, and whether everybody and every
    /// channel that is named is there. Changes nothing.
    #[arg(long)]
    online: bool,
    /// How mistakes are printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What was found.
struct Findings {
    report: Report,
    workflows: usize,
    meanings: Vec<serde_json::Value>,
    /// What is no mistake and should be known all the same.
    notes: Vec<String>,
    scopes: serde_json::Value,
    /// What Slack and Tailscale say; nothing if nobody asked them.
    online: Option<Vec<Finding>>,
}

impl Findings {
    fn is_good(&self) -> bool {
        self.report.is_empty() && self.online.as_ref().is_none_or(Vec::is_empty)
    }
}

impl Check {
    pub(super) fn run(&self) -> ExitCode {
        let mut found = look(&self.config.config);
        if self.online && found.report.is_empty() {
            match ask(&self.config.config) {
                Ok((online, notes)) => {
                    found.online = Some(online);
                    found.notes.extend(notes);
                }
                Err(why) => {
                    aside(&format!("{why}\n"));
                    return ExitCode::from(WRONG);
                }
            }
        }
        match self.format {
            Format::Text => data(&text(&found)),
            Format::Json => data(&format!("{:#}\n", machine(&found))),
        }
        if found.is_good() { ExitCode::SUCCESS } else { ExitCode::from(WRONG) }
    }
}

/// A broken configuration does not keep the workflows from being checked.
fn look(path: &Path) -> Findings {
    let mut report = Report::default();
    if let Err(mistakes) = Config::read(path) {
        report.absorb(mistakes);
        // Without a configuration nobody knows which folders are meant.
        if !path.exists() {
            return Findings {
                report,
                workflows: 0,
                meanings: Vec::new(),
                notes: Vec::new(),
                scopes: json!({}),
                online: None,
            };
        }
    }
    let folders = Config::folders(path);
    let catalog = Catalog::read(&folders.workflows, TYPES).unwrap_or_else(|mistakes| {
        report.absorb(mistakes);
        Catalog::default()
    });
    report.absorb(named::missing(&catalog, &named_in(path), TYPES));
    // Names of nothing are found only when it is known what there is.
    let names = if report.is_empty() { Some(catalog.names()) } else { None };
    let guardrails = policies::read(&folders.policies, names.as_deref(), false).unwrap_or_else(|mistakes| {
        report.absorb(mistakes);
        None
    });
    let people = staff::read(&folders.staff, false).unwrap_or_else(|mistakes| {
        report.absorb(mistakes);
        Staff::default()
    });
    let catalog = catalog.under(guardrails).with_staff(people);
    let mut notes: Vec<String> =
        catalog.workflows().flat_map(|workflow| unguarded(workflow).into_iter().chain(alone(workflow))).collect();
    notes.extend(catalog.lent_groups().into_iter().map(|line| format!("note: {line}")));
    let meanings: Vec<_> = catalog.workflows().map(|workflow| meaning(workflow)).collect();
    let scopes = json!({ "slack": scopes::slack(&catalog, TYPES), "tailscale": scopes::tailscale(&catalog, TYPES) });
    if let Err(error) = Notices::with_overrides(&folders.templates) {
        report.absorb(error.report);
    }
    notes.extend(catalog.guardrails().map(|guardrails| {
        let count = guardrails.count();
        format!("note: {count} guardrail{} in {}", if count == 1 { "" } else { "s" }, folders.policies.display())
    }));
    Findings { report, workflows: meanings.len(), meanings, notes, scopes, online: None }
}

/// The folders, and what else the configuration names if it can be read.
fn named_in(path: &Path) -> Folders {
    Config::read(path).map_or_else(|_| Config::folders(path), |config| config.folders_named())
}

/// Fetches the secrets and asks Slack and Tailscale.
fn ask(path: &Path) -> Result<(Vec<Finding>, Vec<String>), String> {
    let config = Config::read(path).map_err(|report| report.to_string())?;
    let catalog =
        Catalog::read_under(&config.workflows, &config.policies, TYPES).map_err(|report| report.to_string())?;
    let lines = |errors: Vec<SecretError>| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let people = staff::read(&config.staff, false).map_err(|report| report.to_string())?;
    let catalog = catalog.with_staff(people);
    let secrets = config.secrets().map_err(lines)?;
    let (clock, net) = (Clock::system(), Net::wire());
    let slack = slack_client(&config, &secrets, &clock, &net).map_err(|error| error.to_string())?;
    let tailscale = tailscale_client(&config, &secrets, &clock, &net).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let needed = scopes::slack(&catalog, TYPES);
    let trial = Trial {
        slack: &slack,
        tailscale: &tailscale,
        catalog: &catalog,
        folder: &config.workflows,
        staff: &config.staff,
        needed,
    };
    Ok(runtime.map_err(|error| error.to_string())?.block_on(trial.run_with_notes()))
}

/// What nothing but the bot takes back, or nobody.
fn unguarded(workflow: &Workflow) -> Vec<String> {
    let steps = workflow.steps.iter().filter(|step| step.is_unguarded());
    let line = |step: &StepUse| {
        let (workflow, step) = (&workflow.name, step.name());
        format!("note: {workflow}: what the step {step} lends does not end by itself, only Nightlatch takes it back")
    };
    steps.map(line).chain(staying(workflow)).collect()
}

/// What only one human can meet, as far as names say, and stages that ask nobody but whoever asks.
fn alone(workflow: &Workflow) -> Vec<String> {
    let name = &workflow.name;
    let mut notes = Vec::new();
    for (index, stage) in workflow.approve.iter().enumerate() {
        let title = stage_title(workflow, index);
        for clause in &stage.clauses {
            let [only] = clause.by.as_slice() else { continue };
            if *only == Who::DeviceOwner || workflow.ask.as_slice() == [only.clone()] && matches!(only, Who::Email(_)) {
                notes.push(format!("note: {name}: {title} asks nobody but whoever asks"));
            } else if only.is_one_person() {
                notes.push(format!("note: {name}: only {only} can meet {title}, and nobody while they are away"));
            }
        }
    }
    notes
}

/// `approve`, or which stage of it.
fn stage_title(workflow: &Workflow, index: usize) -> String {
    match workflow.approve.len() {
        1 => "`approve`".to_owned(),
        _ => format!("stage {} of `approve`", index.saturating_add(1)),
    }
}

/// What nobody takes back.
fn staying(workflow: &Workflow) -> impl Iterator<Item = String> {
    let steps = workflow.steps.iter().filter(|step| step.stays());
    steps.map(|step| format!("note: {}: what the step {} does stays when it is over", workflow.name, step.name()))
}

fn text(found: &Findings) -> String {
    let mut lines = found.notes.join("\n");
    if !lines.is_empty() {
        lines.push('\n');
    }
    lines + &verdict(found)
}

fn verdict(found: &Findings) -> String {
    if found.report.is_empty() {
        let workflows =
            if found.workflows == 1 { "1 workflow".to_owned() } else { format!("{} workflows", found.workflows) };
        let Some(online) = &found.online else {
            return format!("no mistakes: the configuration and {workflows} can be used\n");
        };
        let asked = "Slack and Tailscale";
        if online.is_empty() {
            return format!(
                "no mistakes: the configuration and {workflows} can be used, and {asked} have everything they name\n"
            );
        }
        let mut lines: Vec<String> = online.iter().map(ToString::to_string).collect();
        lines.push(format!("the files have no mistakes; {asked} say {} things about them\n", online.len()));
        return lines.join("\n");
    }
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    found.report.render(colour).unwrap_or_default()
}

/// The keys are public: `mistakes` (each `file`, `line`, `column`, `message`, `help`, `source_line`), `unlisted`,
/// `workflows` (how many can be used; 0 if any has a mistake), `meanings` (what each of them says, with everything
/// that was left out), `notes` (what is no mistake and should be known), `scopes` (what they need at `slack` and `tailscale`), and with --online `online` (each `place`, `what`,
/// `advice`).
fn machine(found: &Findings) -> serde_json::Value {
    let mut told = json!({
        "mistakes": found.report.mistakes,
        "unlisted": found.report.unlisted,
        "workflows": found.workflows,
        "meanings": found.meanings,
        "notes": found.notes,
        "scopes": found.scopes,
    });
    if let (Some(online), Some(map)) = (&found.online, told.as_object_mut()) {
        let line = |one: &Finding| json!({ "place": one.place, "what": one.what, "advice": one.advice });
        map.insert("online".to_owned(), online.iter().map(line).collect());
    }
    told
}
