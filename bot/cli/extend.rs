//! `nightlatch extend`: to hold for longer, as the person whom the configuration names for this user of the machine.

use std::process::ExitCode;

use clap::Args;

use super::{ConfigPath, act};
use crate::control::Call;
use crate::inputs::duration;

/// Hold for longer what the person holds whom `operators:` in the configuration names for you.
///
/// It counts under the same rules as Extend in Slack, and only for one's own.
/// Example: nightlatch extend 01kjmma2g000000001 1h
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Extend {
    #[command(flatten)]
    config: ConfigPath,
    /// The request, as `nightlatch requests` lists it.
    id: String,
    /// By how much, like 30m or 1h30m.
    #[arg(value_parser = duration::typed)]
    length: i64,
}

impl Extend {
    pub(super) fn run(&self) -> ExitCode {
        act(&self.config.config, &Call::Extend { id: self.id.clone(), length_ms: self.length })
    }
}
