//! `nightlatch revoke`: takes back what is lent, as a user of the machine.

use std::process::ExitCode;

use clap::Args;

use super::{ConfigPath, act};
use crate::control::Call;

/// Take back what a request lends, at once.
///
/// Revoking takes no person: the card names you as a user of this machine.
/// Example: nightlatch revoke 01kjmma2g000000001 the incident is over
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Revoke {
    #[command(flatten)]
    config: ConfigPath,
    /// The request, as `nightlatch requests` lists it.
    id: String,
    /// Why, for the requester.
    #[arg(trailing_var_arg = true)]
    reason: Vec<String>,
}

impl Revoke {
    pub(super) fn run(&self) -> ExitCode {
        act(&self.config.config, &Call::Revoke { id: self.id.clone(), reason: self.reason.join(" ") })
    }
}
