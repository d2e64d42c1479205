//! The slash commands: one list of ours, and the ones that workflows bring along. Answers are seen by one person only.

mod access;
mod ask_for;
mod extend;
mod go;
mod lists;
mod pass;
mod paste;
mod revoke;
pub(super) mod why;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::answer::Answer;
use super::envelope::SlashCommand;
use super::surface::{By, Surface};

/// One of our own slash commands.
pub struct Command {
    /// With the slash.
    pub name: &'static str,
    /// For the app's manifest: what it does.
    pub description: &'static str,
    /// For the app's manifest: what can follow it.
    pub usage_hint: &'static str,
    run: for<'a> fn(&'a Surface, &'a By, &'a SlashCommand) -> BoxFuture<'a, Answer>,
}

/// All of ours; the app's manifest has exactly these and those of the workflows.
pub const ALL: &[Command] = &[
    Command {
        name: "/access",
        description: "Borrow access for a while, see what you hold, give it back",
        usage_hint: "NAME 2h why you need it | list | return NAME | help",
        run: |surface, by, command| access::run(surface, by, command).boxed(),
    },
    Command {
        name: "/go",
        description: "Follow, find and make go links",
        usage_hint: "NAME | NAME https://... | search WORDS | mine | top | help",
        run: |surface, by, command| go::run(surface, by, command).boxed(),
    },
    Command {
        name: "/paste",
        description: "Put text that is too long for chat at an address of its own",
        usage_hint: "some text | list | delete ADDRESS | help",
        run: |surface, by, command| paste::run(surface, by, command).boxed(),
    },
];

pub(super) async fn run(surface: &Surface, by: &By, command: &SlashCommand) -> Answer {
    if let Some(own) = ALL.iter().find(|own| own.name.eq_ignore_ascii_case(&command.command)) {
        return (own.run)(surface, by, command).await;
    }
    let workflow = surface.engine.catalog().by_command(&command.command.to_lowercase()).cloned();
    match workflow {
        Some(workflow) if command.text.plain.eq_ignore_ascii_case("help") => surface.help_for(&workflow),
        Some(workflow) => surface.ask(by, command, workflow, &command.text.plain).await,
        None => Answer::ephemeral(
            "No workflow has this command any more. `/access help` shows what there is to borrow.".to_owned(),
        ),
    }
}
