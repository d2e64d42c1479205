//! `/access`: asks at once when everything is said, else opens the form with the rest filled in.

use std::sync::Arc;

use crate::engine::TellError;
use crate::engine::asking::{AskError, Form, Prepared};
use crate::kernel::{Refusal, Workflow, hold};
use crate::slack::already;
use crate::slack::answer::Answer;
use crate::slack::commands::lists::ephemeral;
use crate::slack::commands::why::with_why;
use crate::slack::envelope::SlashCommand;
use crate::slack::modals::form::{Among, RequestForm};
use crate::slack::sentences::{self, code};
use crate::slack::surface::{By, Surface};
use crate::slack::typed;

/// What can follow `/access` beside the name of a workflow; the catalog keeps these from being names.
const WORDS: &[&str] = &["help", "list", "return", "why", "withdraw", "break-glass", "extend", "for", "pass", "revoke"];

pub(super) async fn run(surface: &Surface, by: &By, command: &SlashCommand) -> Answer {
    let text = command.text.plain.trim();
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let (word, rest) = (first.to_lowercase(), rest.trim());
    match word.as_str() {
        "" => surface.open_choice(by, command.trigger_id.as_ref(), channel_of(command)).await,
        "help" | "-h" | "--help" | "?" => surface.help(by).await,
        "list" => surface.list(by, rest).await,
        "return" => surface.give_back(by, rest).await,
        "extend" => surface.extend(by, rest).await,
        "for" => surface.ask_for(by, command, rest).await,
        "pass" => surface.pass(by, command, rest).await,
        "revoke" => surface.revoke(by, command, rest).await,
        "why" => surface.why(by, command, rest).await,
        "withdraw" => surface.withdraw(by, rest).await,
        "break-glass" => surface.break_glass(by, command, rest).await,
        name => match surface.engine.catalog().find(name).cloned() {
            Some(workflow) => surface.ask(by, command, workflow, rest).await,
            None => unknown(surface, text, first, rest),
        },
    }
}

fn channel_of(command: &SlashCommand) -> Option<String> {
    Some(command.channel_id.clone()).filter(|channel| !channel.is_empty())
}

fn unknown(surface: &Surface, text: &str, word: &str, rest: &str) -> Answer {
    let catalog = surface.engine.catalog();
    let typed = word.to_lowercase();
    let nearest = crate::config::words::nearest(&typed, WORDS.iter().copied()).or_else(|| catalog.nearest(&typed));
    let mut said = format!("There is nothing called {} here.", code(word));
    match nearest {
        Some("help") => {}
        Some(nearest) => {
            let line = format!("/access {nearest} {rest}");
            said = format!("{said} Did you mean {}?", code(line.trim()));
        }
        None if hold::parse(word).is_ok() => {
            let line = format!("/access NAME {text}");
            said = format!("{} is a length of time; say first what it is for, like {}.", code(word), code(line.trim()));
        }
        None => {}
    }
    Answer::ephemeral(format!("{said} `/access help` shows what there is."))
}

impl Surface {
    /// Asks for a workflow with the words after its name.
    pub(super) async fn ask(&self, by: &By, command: &SlashCommand, workflow: Arc<Workflow>, words: &str) -> Answer {
        let form = Form::from_mentions(workflow, words, channel_of(command), &command.text.named);
        let trigger = command.trigger_id.as_ref();
        match self.engine.prepare(&by.slack_id, &form).await {
            Ok(Prepared::Complete(ask)) => match self.engine.ask(*ask, Some(by.key.clone())).await {
                Ok(told) => {
                    let said = self.engine.notices().asked(&told.request);
                    Answer::Ephemeral { text: said.text, blocks: Some(said.blocks) }
                }
                Err(TellError::Refused(Refusal::HadAlready { id })) => {
                    match already::already(&self.engine, &id).await {
                        Some(said) => Answer::Ephemeral { text: said.text, blocks: Some(said.blocks) },
                        None => Answer::ephemeral(self.engine.notices().refusal(&Refusal::HadAlready { id }, None)),
                    }
                }
                Err(error) => Answer::ephemeral(sentences::not_told(self.engine.notices(), &error, &form)),
            },
            Ok(Prepared::Incomplete { devices, .. }) => {
                let filled = RequestForm::new(form, Among::Fixed).with_devices(&devices);
                self.open_filled(trigger, &filled).await
            }
            // A device can be connected while the form is open.
            Err(AskError::NoDevice) => {
                let filled = RequestForm::new(form, Among::Fixed).with_devices(&[]);
                self.open_filled(trigger, &filled).await
            }
            // Something has to be asked for whoever it is, and the form is the place to ask.
            Ok(Prepared::Unknown) if form.lacks_text() => self.open_unknown(by, trigger, form).await,
            Ok(Prepared::Unknown) => match self.save_typed(by, &form, (None, command.response_url.as_ref())).await {
                Ok(()) => typed::checking(),
                Err(error) => Answer::ephemeral(sentences::not_told(self.engine.notices(), &error, &form)),
            },
            Err(error) => {
                let text = sentences::not_asked(self.engine.notices(), &error, &form);
                ephemeral(with_why(text, &error, &form.workflow.name))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::WORDS;
    use crate::catalog::keys::RESERVED;

    #[test]
    fn every_word_that_means_something_here_is_no_name_of_a_workflow() {
        for word in WORDS {
            assert!(RESERVED.contains(word), "`{word}` is not in RESERVED (catalog/keys.rs)");
        }
    }
}
