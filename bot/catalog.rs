//! Every workflow there is: reads and checks the folder of workflow files, and reports every mistake at once.

mod approval;
mod automatic;
mod commands;
mod extend;
mod files;
mod glass;
mod inputs;
pub mod keys;
mod lending;
mod meaning;
mod people;
pub mod policies;
mod references;
pub mod schedule;
pub mod staff;
mod steps;
#[cfg(test)]
mod tests;
mod triggers;
mod when;
mod workflow;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use nightlatch_guardrails::Guardrails;

use crate::config::Report;
use crate::config::words::nearest;
use crate::kernel::staff::Staff;
use crate::kernel::{StepType, Workflow};

pub use meaning::meaning;

/// The workflows of one folder, checked, each under its name and under its own slash command.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalog {
    workflows: BTreeMap<String, Arc<Workflow>>,
    guardrails: Option<Guardrails>,
    staff: Arc<Staff>,
}

impl Catalog {
    /// Reads every `*.yaml` and `*.yml` in the folder. `types` is `steps::TYPES`. Blocks while it reads.
    ///
    /// # Errors
    /// Every mistake in every file; then nothing is taken over.
    pub fn read(folder: &Path, types: &[StepType]) -> Result<Self, Report> {
        let (files, mut report) = files::read(folder)?;
        let mut found = Vec::new();
        for file in &files {
            match workflow::read(&file.path, &file.name, &file.text, types) {
                Ok(workflow) => found.push((file, workflow)),
                Err(mistakes) => report.absorb(mistakes),
            }
        }
        report.absorb(commands::check(&found));
        report.into_result()?;
        let workflows = found.into_iter().map(|(file, workflow)| (file.name.clone(), Arc::new(workflow))).collect();
        Ok(Self { workflows, guardrails: None, staff: Arc::default() })
    }

    /// The same with the guardrails of another folder.
    ///
    /// # Errors
    /// Every mistake in every file.
    pub fn read_under(folder: &Path, guardrails: &Path, types: &[StepType]) -> Result<Self, Report> {
        let catalog = Self::read(folder, types)?;
        let guardrails = policies::read(guardrails, Some(&catalog.names()), false)?;
        Ok(catalog.under(guardrails))
    }

    /// The same workflows under these guardrails.
    #[must_use]
    pub fn under(self, guardrails: Option<Guardrails>) -> Self {
        Self { guardrails, ..self }
    }

    /// The same with what is known of people.
    #[must_use]
    pub fn with_staff(self, staff: Staff) -> Self {
        Self { staff: Arc::new(staff), ..self }
    }

    /// Who is whose manager, and where people are.
    pub fn staff(&self) -> &Arc<Staff> {
        &self.staff
    }

    /// The guardrails, if there are any.
    pub fn guardrails(&self) -> Option<&Guardrails> {
        self.guardrails.as_ref()
    }

    /// All, by name.
    pub fn workflows(&self) -> impl Iterator<Item = &Arc<Workflow>> {
        self.workflows.values()
    }

    /// The names of all.
    pub fn names(&self) -> Vec<&str> {
        self.workflows.keys().map(String::as_str).collect()
    }

    /// The workflow of that name.
    pub fn find(&self, name: &str) -> Option<&Arc<Workflow>> {
        self.workflows.get(name)
    }

    /// The workflow with that slash command, for example `/deploy-freeze`.
    pub fn by_command(&self, command: &str) -> Option<&Arc<Workflow>> {
        self.workflows.values().find(|workflow| workflow.command.as_deref() == Some(command))
    }

    /// The name people most likely meant.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        nearest(name, self.workflows.keys().map(String::as_str))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.workflows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.workflows.is_empty()
    }
}
