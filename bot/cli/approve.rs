//! `nightlatch approve`: a yes, as the person whom the configuration names for this user of the machine.

use std::process::ExitCode;

use clap::Args;

use super::{ConfigPath, act};
use crate::control::Call;
use crate::inputs::duration;

/// Approve a request as the person whom `operators:` in the configuration names for you.
///
/// It counts as that person's one vote, under the same rules as a press in Slack.
/// Example: nightlatch approve 01kjmma2g000000001 --for 1h
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
    /// For less time than was asked, like 30m or 1h30m.
    #[arg(long = "for", value_name = "LENGTH", value_parser = duration::typed)]
    hold_ms: Option<i64>,
}

impl Approve {
    pub(super) fn run(&self) -> ExitCode {
        act(&self.config.config, &Call::Approve { id: self.id.clone(), confirmed: self.confirm, hold_ms: self.hold_ms })
    }
}
