//! `nightlatch deny`: a no from whoever runs the machine, as its user.

use std::process::ExitCode;

use clap::Args;

use super::{ConfigPath, act};
use crate::control::Call;

/// Deny a request that waits for a decision.
///
/// Denying takes no person: the card names you as a user of this machine.
/// Example: nightlatch deny 01kjmma2g000000001 the incident is over
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Deny {
    #[command(flatten)]
    config: ConfigPath,
    /// The request, as `nightlatch requests` lists it.
    id: String,
    /// Why, for the requester.
    #[arg(trailing_var_arg = true)]
    reason: Vec<String>,
}

impl Deny {
    pub(super) fn run(&self) -> ExitCode {
        act(&self.config.config, &Call::Deny { id: self.id.clone(), reason: self.reason.join(" ") })
    }
}
