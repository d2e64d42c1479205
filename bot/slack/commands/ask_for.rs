//! `/access for @person NAME ...`: to ask for somebody else.

use crate::engine::asking::Form;
use crate::slack::answer::Answer;
use crate::slack::envelope::SlashCommand;
use crate::slack::sentences::{self, code};
use crate::slack::surface::{By, Surface};
use crate::slack::typed;

const LINE: &str = "/access for @person NAME LENGTH REASON";

impl Surface {
    /// Saves what was typed: both people are looked up, and whoever typed is told what became of it. For oneself it is an ordinary ask.
    pub(super) async fn ask_for(&self, by: &By, command: &SlashCommand, words: &str) -> Answer {
        let (who, rest) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
        let (name, rest) = rest.trim().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
        let named = command.text.named.iter().find(|(word, _)| word == who).map(|(_, id)| id.clone());
        let Some(for_whom) = named.filter(|id| id.starts_with(['U', 'W'])) else {
            return Answer::ephemeral(format!(
                "Say for whom, with an @ so that Slack knows who that is, and what: {}.",
                code(LINE)
            ));
        };
        let Some(workflow) = self.engine.catalog().find(&name.to_lowercase()).cloned() else {
            return if name.is_empty() {
                Answer::ephemeral(format!("Say what, too: {}.", code(LINE)))
            } else {
                let near =
                    self.engine.catalog().nearest(&name.to_lowercase()).map(|near| format!("/access for {who} {near}"));
                let meant = near.map(|line| format!(" Did you mean {}?", code(&line))).unwrap_or_default();
                Answer::ephemeral(format!(
                    "There is nothing called {} here.{meant} `/access help` shows what there is.",
                    code(name)
                ))
            };
        };
        if for_whom == by.slack_id {
            return self.ask(by, command, workflow, rest.trim()).await;
        }
        let channel = Some(command.channel_id.clone()).filter(|channel| !channel.is_empty());
        let mut form = Form::from_mentions(workflow, rest.trim(), channel, &command.text.named);
        form.for_whom = Some(for_whom);
        if let Err(error) = self.engine.prepare(&by.slack_id, &form).await {
            return Answer::ephemeral(sentences::not_asked(self.engine.notices(), &error, &form));
        }
        match self.save_typed(by, &form, (None, command.response_url.as_ref())).await {
            Ok(()) => typed::checking(),
            Err(error) => Answer::ephemeral(sentences::not_told(self.engine.notices(), &error, &form)),
        }
    }
}
