//! `nightlatch approve`: a yes, as the person whom the configuration names for this user of the machine.

use std::process::ExitCode;

use clap::Args;

use super::{ConfigPath, act};
use crate::control::Call;

/// Approve a request as the person whom `operators:` in the configuration names for you.
///
/// It counts as that person's one vote, under the same rules as a press in Slack.
/// Example: nightlatch approve 01kjmma2g000000001
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Approve {
    #[command(flatten)]
    config: ConfigPath,
    /// The request, as `nightlatch requests` lists it.
    id: String,
    /// It is your own request, and that is meant.
    #[arg(long)]
    confirm: bool,
}

impl Approve {
    pub(super) fn run(&self) -> ExitCode {
        act(&self.config.config, &Call::Approve { id: self.id.clone(), confirmed: self.confirm })
    }
}
