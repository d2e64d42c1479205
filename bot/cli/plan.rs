//! `nightlatch plan`: what would be asked of whom, and what would change, before anybody asks for it.

mod looking;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use serde_json::{Map, Value, json};

use super::impact::rules_in;
use super::{ConfigPath, Format, WRONG, aside, data, told};
use crate::app::clients::{slack_client, tailscale_client};
use crate::catalog::Catalog;
use crate::clock::Clock;
use crate::config::Config;
use crate::explain::{Answer, Explanation, Under, When, explain};
use crate::kernel::fill::{Missing, fill_step};
use crate::kernel::step_type::find;
use crate::kernel::{Ask, Who, Workflow, hold};
use crate::notices::words;
use crate::outside::net::Net;
use crate::outside::tailscale::Tailscale;
use crate::steps::tailscale::policy;
use crate::steps::{Holder, TYPES};
use looking::Outsides;

/// The step type whose change is shown as text.
const POLICY: &str = "tailscale.policy";

/// Say what a workflow would ask of whom and change, and change nothing.
///
/// Reads who somebody is from Slack and the tailnet, and the policy file if a step changes it; what would change of it is shown as a
/// difference of its text. Whether they may ask is judged by the groups they are in, the guardrails and people.yaml; what guardrails say of
/// a device is not looked at. Exit codes: 0 it could be asked; 1 it could not, or
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
    /// Whether they may ask, and whether it would pass by itself.
    told_of: Explanation,
    /// Whoever people.yaml says is their manager.
    manager: Option<String>,
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
            if let Some(why) = &plans.refused {
                aside(&format!("Tailscale would refuse the changed policy file: {why}\n"));
            }
            let is_possible = plans.refused.is_none() && plans.told_of.asks.yes;
            Ok(if is_possible { ExitCode::SUCCESS } else { ExitCode::from(WRONG) })
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
        let rules = rules_in(&config.workflows, &config.policies, &config.staff)?;
        let under = Under { workflow: &workflow, guardrails: rules.guardrails.as_ref(), staff: &rules.staff };
        let known = outsides.known(&ask, &under).await?;
        let told_of = explain(under, &known, When { hold_ms: Some(ask.hold_ms), at: clock.now_ms() });
        let manager = rules.staff.manager_of(&ask.requester).map(str::to_owned);
        plans((&tailscale, config.tailscale.policy_file.max_bytes), (workflow, ask), (told_of, manager)).await
    }
}

/// As somebody who holds it.
fn holder(ask: &Ask, step: &str, with: Map<String, Value>) -> Holder {
    Holder {
        request_id: ask.id.clone(),
        login: ask.requester.login.clone().unwrap_or_default(),
        until: ask.hold_ms,
        with,
        comment: String::new(),
        used_by: format!("{} {step}", ask.workflow.name),
        is_new: true,
        confirmed_until: None,
    }
}

async fn plans(
    (tailscale, max_bytes): (&Tailscale, usize),
    (workflow, ask): (Arc<Workflow>, Ask),
    (told_of, manager): (Explanation, Option<String>),
) -> Result<Plans, String> {
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
                        let preview = policy::preview(tailscale, &holder(&ask, step.name(), with), max_bytes).await;
                        let preview = preview.map_err(|failure| told(&failure.what, Some(failure.advice)))?;
                        (difference, refused) = (Some(preview.difference), preview.refused);
                    }
                }
                Err(Missing::NotYet(_)) => {}
                Err(missing) => return Err(format!("the step {} cannot be filled in: {missing}", step.name())),
            }
        }
        steps.push(planned);
    }
    Ok(Plans { workflow, ask, steps, told_of, manager, difference, refused })
}

/// A yes or a no with the rules that say so.
fn answer(told: &Answer, yes: &str, no: &str) -> String {
    let against = if told.against.is_empty() { String::new() } else { format!(" ({})", told.against.join("; ")) };
    format!("{}: {}{against}.", if told.yes { yes } else { no }, told.by)
}

fn text(plans: &Plans, run_as: &str) -> String {
    let Plans { workflow, ask, steps, difference, .. } = plans;
    let device = ask.device.as_ref().map(|device| format!(" on {}", device.name)).unwrap_or_default();
    let mut lines =
        vec![format!("{} ({}) for {}, as {run_as}{device}", workflow.title, workflow.name, hold::show(ask.hold_ms))];
    let may_pass = !workflow.approve_automatically.is_empty();
    lines.push(answer(&plans.told_of.asks, "May ask", "May not ask"));
    if let Some(passes) = plans.told_of.passes.as_ref().filter(|passes| passes.yes) {
        lines.push(answer(passes, "Passes by itself", ""));
    }
    if workflow.approvers().contains(&Who::Manager) {
        lines.push(match &plans.manager {
            Some(manager) => format!("Their manager is {manager}."),
            None => "people.yaml names no manager of theirs, so nobody could decide.".to_owned(),
        });
    }
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
        "asks": plans.told_of.asks,
        "passes": plans.told_of.passes,
        "manager": plans.manager,
        "steps": plans.steps.iter().map(step).collect::<Vec<_>>(),
        "policy_file": plans.difference,
        "refused": plans.refused,
    })
}
