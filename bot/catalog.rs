//! Every workflow there is: reads and checks the folder of workflow files, and reports every mistake at once.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::config::Report;
use crate::config::words::nearest;
use crate::kernel::workflow::{StepType, Workflow};

/// The workflows of one folder, checked, each under its name and under its own slash command.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalog {
    workflows: BTreeMap<String, Arc<Workflow>>,
}

impl Catalog {
    /// Reads every `*.yaml` and `*.yml` in the folder. `types` is `steps::TYPES`.
    ///
    /// # Errors
    /// Every mistake in every file; then nothing is taken over.
    pub fn read(folder: &Path, types: &[StepType]) -> Result<Self, Report> {
        let _ = types;
        Err(Report::whole(folder.display().to_string(), "cannot be read yet", None))
    }

    /// All, by name.
    pub fn workflows(&self) -> impl Iterator<Item = &Arc<Workflow>> {
        self.workflows.values()
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
}
