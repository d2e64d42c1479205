//! `nightlatch plan`: what would be asked of whom, and what would change, before anybody asks for it.

mod looking;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use serde_json::{Map, Value, json};
use similar::TextDiff;

use super::{ConfigPath, Format, WRONG, aside, data};
use crate::app::clients::{slack_client, tailscale_client};
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::config::Config;
use crate::kernel::fill::{Missing, fill_step};
use crate::kernel::step_type::find;
use crate::kernel::{Ask, Workflow, hold};
use crate::notices::words;
use crate::outside::net::Net;
use crate::outside::tailscale::{Tailscale, Verdict};
use crate::steps::TYPES;
use crate::steps::tailscale::policy;
use looking::Outsides;

/// The step type whose change is shown as text.
const POLICY: &str = "tailscale.policy";

/// Say what a workflow would ask of whom and change, and change nothing.
///
/// Reads who somebody is from Slack and the tailnet, and the policy file if a step changes it; what would change of it is shown as a
/// difference of its text. Guardrails and who is in a group are not looked at. Exit codes: 0 it could be asked; 1 it could not, or
/// Tailscale would refuse the changed policy file; 2 the command line was not understood.
#[derive(Debug, Args)]
pub(super) struct Plan {
    /// The workflow.
    name: String,
    /// What would be typed behind its name: how long, inputs as NAME=VALUE, and why.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
    /// E-mail address or tailnet login of whoever would ask.
    #[arg(long = "as", value_name = "PERSON")]
    run_as: String,
    #[command(flatten)]
    config: ConfigPath,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What would become of one step.
struct Planned {
    name: String,
    uses: String,
    /// What it touches; nothing: that hangs on what an earlier one comes to, or it is left out.
    key: Option<String>,
    is_taken: bool,
}

/// What would become of all of it.
struct Plans {
    workflow: Arc<Workflow>,
    ask: Ask,
    steps: Vec<Planned>,
    /// The difference of the policy file, if one of them changes it.
    difference: Option<String>,
    /// Why Tailscale would not take it.
    refused: Option<String>,
}

impl Plan {
    pub(super) fn run(&self) -> ExitCode {
        super::done(async {
            let plans = self.look().await?;
            match self.format {
                Format::Text => data(&text(&plans, &self.run_as)),
                Format::Json => data(&format!("{:#}\n", machine(&plans, &self.run_as))),
            }
            Ok(match &plans.refused {
                None => ExitCode::SUCCESS,
                Some(why) => {
                    aside(&format!("Tailscale would refuse the changed policy file: {why}\n"));
                    ExitCode::from(WRONG)
                }
            })
        })
    }

    async fn look(&self) -> Result<Plans, String> {
        let config = Config::read(&self.config.config).map_err(|report| report.to_string())?;
        let catalog = Catalog::read(&config.workflows, TYPES).map_err(|report| report.to_string())?;
        let Some(workflow) = catalog.find(&self.name).cloned() else {
            let near = catalog.nearest(&self.name).map(|near| format!("; did you mean {near}?"));
            return Err(format!("there is no workflow {}{}", self.name, near.unwrap_or_default()));
        };
        let lines = |errors: Vec<_>| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        let secrets = config.secrets().map_err(|errors: Vec<crate::config::SecretError>| lines(errors))?;
        let (clock, net) = (Clock::system(), Net::wire());
        let slack = slack_client(&config, &secrets, &clock, &net).map_err(|error| error.to_string())?;
        let tailscale = tailscale_client(&config, &secrets, &clock, &net).map_err(|error| error.to_string())?;
        let outsides = Outsides { slack: &slack, tailscale: &tailscale };
        let ask = outsides.ask(&workflow, &self.words.join(" "), &self.run_as).await?;
        plans(&tailscale, workflow, ask).await
    }
}

async fn plans(tailscale: &Tailscale, workflow: Arc<Workflow>, ask: Ask) -> Result<Plans, String> {
    let mut steps = Vec::new();
    let (mut difference, mut refused) = (None, None);
    for (index, step) in workflow.steps.iter().enumerate() {
        let mut planned = Planned {
            name: step.name().to_owned(),
            uses: step.uses.clone(),
            key: None,
            is_taken: !ask.leaves_out(index),
        };
        if planned.is_taken {
            match fill_step(step, &ask.scope(index), TYPES) {
                Ok(with) => {
                    let kind = find(TYPES, &step.uses).ok_or_else(|| format!("there is no step type {}", step.uses))?;
                    let key = kind.key(&with, &ask.id, index);
                    planned.key =
                        Some(key.map_err(|why| format!("{} cannot be held: {why}", step.name()))?.to_string());
                    if step.uses == POLICY {
                        let used_by = format!("{} {}", workflow.name, step.name());
                        let (text, why) = in_policy_file(tailscale, &with, &ask, &used_by).await?;
                        (difference, refused) = (Some(text), why);
                    }
                }
                Err(Missing::NotYet(_)) => {}
                Err(missing) => return Err(format!("the step {} cannot be filled in: {missing}", step.name())),
            }
        }
        steps.push(planned);
    }
    Ok(Plans { workflow, ask, steps, difference, refused })
}

/// The difference of the text, and why Tailscale would not take it.
async fn in_policy_file(
    tailscale: &Tailscale,
    with: &Map<String, Value>,
    ask: &Ask,
    used_by: &str,
) -> Result<(String, Option<String>), String> {
    let now = tailscale.policy_text().await.map_err(|error| super::told(&error, error.advice()))?;
    let login = ask.requester.login.as_deref().unwrap_or_default();
    let planned = policy::planned(&now.text, with, login, used_by)?;
    let difference = TextDiff::from_lines(&now.text, &planned);
    let shown =
        difference.unified_diff().context_radius(3).header("policy file", "policy file while it is held").to_string();
    let verdict = tailscale.validate_policy(&planned).await.map_err(|error| super::told(&error, error.advice()))?;
    let refused = match verdict {
        Verdict::Bad(why) => Some(why),
        Verdict::Good => None,
    };
    Ok((shown, refused))
}

fn text(plans: &Plans, run_as: &str) -> String {
    let Plans { workflow, ask, steps, difference, .. } = plans;
    let device = ask.device.as_ref().map(|device| format!(" on {}", device.name)).unwrap_or_default();
    let mut lines =
        vec![format!("{} ({}) for {}, as {run_as}{device}", workflow.title, workflow.name, hold::show(ask.hold_ms))];
    let may_pass = !workflow.approve_automatically.is_empty();
    lines.push(match (workflow.approve.is_empty(), may_pass) {
        (true, _) => "Nobody has to decide.".to_owned(),
        (false, true) => format!("Takes {}, if it does not pass by itself.", words::takes(workflow)),
        (false, false) => format!("Takes {}.", words::takes(workflow)),
    });
    for (number, step) in steps.iter().enumerate() {
        let what = match (&step.key, step.is_taken) {
            (_, false) => "left out, since its `when` is not met".to_owned(),
            (Some(key), true) => key.clone(),
            (None, true) => "known when it begins".to_owned(),
        };
        lines.push(format!("{}. {} ({}): {what}", number.saturating_add(1), step.name, step.uses));
    }
    if let Some(difference) = difference {
        lines.push(String::new());
        lines.push(difference.trim_end().to_owned());
    }
    lines.join("\n") + "\n"
}

fn machine(plans: &Plans, run_as: &str) -> Value {
    let step =
        |step: &Planned| json!({ "name": step.name, "uses": step.uses, "key": step.key, "taken": step.is_taken });
    json!({
        "workflow": plans.workflow.name,
        "as": run_as,
        "hold_ms": plans.ask.hold_ms,
        "device": plans.ask.device.as_ref().map(|device| device.name.clone()),
        "takes": words::takes(&plans.workflow),
        "steps": plans.steps.iter().map(step).collect::<Vec<_>>(),
        "policy_file": plans.difference,
        "refused": plans.refused,
    })
}
