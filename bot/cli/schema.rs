//! `nightlatch schema`: what files are written over, for people and editors.

use std::process::ExitCode;

use clap::Args;

use super::data;

/// Print what guardrails can look at.
///
/// Example: nightlatch schema --cedar > nightlatch.cedarschema
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Schema {
    /// The Cedar schema of guardrails.
    #[arg(long, required = true)]
    cedar: bool,
}

impl Schema {
    pub(super) fn run(&self) -> ExitCode {
        data(nightlatch_guardrails::SCHEMA);
        ExitCode::SUCCESS
    }
}
