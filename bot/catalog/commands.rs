//! Slash commands across all workflow files: each once, and not more than Slack takes.

use std::collections::BTreeMap;

use super::files::WorkflowFile;
use crate::config::report::{Mistake, Report};
use crate::kernel::workflow::Workflow;

/// An app has at most 50, see <https://docs.slack.dev/reference/app-manifest>; the rest is for Nightlatch's own.
const COMMANDS_MAX: usize = 45;

/// What is wrong with the commands of the workflows that are right by themselves.
pub(super) fn check(workflows: &[(&WorkflowFile, Workflow)]) -> Report {
    let mut report = Report::default();
    let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
    for (file, workflow) in workflows {
        let Some(command) = workflow.command.as_deref() else { continue };
        if let Some(other) = taken.insert(command, &file.path) {
            let message = format!("the command {command} is taken by {other}");
            report.mistakes.push(Mistake::whole(&file.path, message, Some("choose another name".to_owned())));
        }
    }
    if taken.len() > COMMANDS_MAX {
        let message = format!("{} workflows have a command of their own", taken.len());
        let help = format!("Slack takes {COMMANDS_MAX} beside ours; the others can be reached with /access NAME");
        let folder = workflows.first().map_or("workflows", |(file, _)| file.path.as_str());
        report.mistakes.push(Mistake::whole(folder, message, Some(help)));
    }
    report
}
