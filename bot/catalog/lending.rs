//! Groups that one workflow lends a place in, and that rules name: whoever reads a rule should know of the other.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Catalog;
use crate::kernel::Workflow;
use crate::kernel::person::Who;
use crate::kernel::workflow::StepUse;

impl Catalog {
    /// One line for each group that a step lends and that somebody's rule names.
    pub fn lent_groups(&self) -> Vec<String> {
        let mut named: BTreeMap<Who, BTreeSet<String>> = BTreeMap::new();
        for workflow in self.workflows() {
            for who in workflow.everybody_named() {
                named.entry(who).or_default().insert(workflow.name.clone());
            }
        }
        for who in self.guardrails().into_iter().flat_map(|guardrails| guardrails.groups()) {
            named.entry(who.clone()).or_default().insert("guardrails".to_owned());
        }
        let of = |workflow: &Workflow| {
            let steps = workflow.steps.iter().flat_map(|step| lent(step).into_iter().map(move |who| (step, who)));
            let lines = steps.filter_map(|(step, who)| {
                let by: Vec<&str> = named.get(&who)?.iter().map(String::as_str).collect();
                let (name, step) = (&workflow.name, step.name());
                Some(format!("{name}: the step {step} lends a place in {who}, which rules of {} name", by.join(", ")))
            });
            lines.collect::<Vec<_>>()
        };
        self.workflows().flat_map(|workflow| of(workflow)).collect()
    }
}

/// The groups this step lends a place in, as far as the file says which.
fn lent(step: &StepUse) -> Vec<Who> {
    let names: Vec<&str> = match step.uses.as_str() {
        "slack.user_group" => step.with.get("group").and_then(Value::as_str).into_iter().collect(),
        "tailscale.policy" => {
            let groups = step.with.get("groups").and_then(Value::as_object);
            groups.into_iter().flat_map(|groups| groups.keys()).map(String::as_str).collect()
        }
        _ => Vec::new(),
    };
    names.into_iter().filter_map(|name| Who::parse(name).ok()).collect()
}
