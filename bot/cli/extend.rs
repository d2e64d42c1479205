//! `nightlatch extend`: to hold for longer, as the person whom the configuration names for this user of the machine.

use std::process::ExitCode;

use clap::Args;

use super::{ConfigPath, act};
use crate::control::Call;
use crate::inputs::duration::mistyped;
use crate::kernel::hold;

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
    #[arg(value_parser = length)]
    length: i64,
}

fn length(typed: &str) -> Result<i64, String> {
    let read = hold::parse(&mistyped::clean(typed)).ok().filter(|length_ms| *length_ms > 0);
    read.ok_or_else(|| "this is no length of time; write it like 30m or 1h30m".to_owned())
}

impl Extend {
    pub(super) fn run(&self) -> ExitCode {
        act(&self.config.config, &Call::Extend { id: self.id.clone(), length_ms: self.length })
    }
}
