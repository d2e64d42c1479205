//! `/access revoke NAME @person [why]`: whoever decides about it takes away what somebody else holds.

use crate::kernel::{Actor, Button, Event, Request, State};
use crate::notices::words::{listed, one_line};
use crate::slack::answer::Answer;
use crate::slack::envelope::SlashCommand;
use crate::slack::sentences::{self, code};
use crate::slack::surface::{By, Surface};

const LINE: &str = "/access revoke NAME @person why";
/// As much as the form takes.
const REASON_MAX: usize = 500;

impl Surface {
    /// Saves it like a press of the button on the card; whether it counts is decided by who it is then.
    pub(super) async fn revoke(&self, by: &By, command: &SlashCommand, words: &str) -> Answer {
        let (name, rest) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
        let (who, reason) = rest.trim().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
        if name.is_empty() || who.is_empty() {
            return Answer::ephemeral(format!(
                "Say what, and from whom: {}. {} shows who has it.",
                code(LINE),
                code("/access list NAME")
            ));
        }
        let Some(workflow) = self.engine.catalog().find(&name.to_lowercase()).cloned() else {
            return self.nothing_called("list", name);
        };
        let named = command.text.named.iter().find(|(word, _)| word == who).map(|(_, id)| id.clone());
        let Some(holder) = named.filter(|id| id.starts_with(['U', 'W'])) else {
            let line = code(&format!("/access revoke {} @person why", workflow.name));
            return Answer::ephemeral(format!("Say from whom, with an @ so that Slack knows who that is: {line}."));
        };
        if holder == by.slack_id {
            let line = code(&format!("/access return {}", workflow.name));
            return Answer::ephemeral(format!("What you hold yourself you give back: {line}."));
        }
        let lent = match self.engine.lent_under(&workflow, &by.slack_id).await {
            Ok(Some(lent)) => lent,
            Ok(None) => return super::lists::not_yours(&workflow),
            Err(error) => {
                tracing::error!(%error, "what is lent could not be read");
                return Answer::ephemeral(sentences::NOT_READ);
            }
        };
        let is_meant = |request: &&Request| {
            let is_held = matches!(request.state, State::Approved | State::Activating | State::Active);
            request.requester.slack_id == holder && is_held
        };
        let meant: Vec<&Request> = lent.iter().filter(is_meant).collect();
        if meant.is_empty() {
            let line = code(&format!("/access list {}", workflow.name));
            return Answer::ephemeral(format!(
                "<@{holder}> holds nothing called {} now. {line} shows who does.",
                code(&workflow.name)
            ));
        }
        let reason = one_line(reason.trim(), REASON_MAX);
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        for request in meant {
            match self.revoke_one(by, request, &reason).await {
                Ok(()) => done.push(sentences::what(request)),
                Err(()) => failed.push(sentences::what(request)),
            }
        }
        let mut said = Vec::new();
        if !done.is_empty() {
            let what = listed(&done, "and");
            said.push(format!(
                "Saved: {what} is taken away from <@{holder}> if you may decide that; if not, you hear from me. The card says when it is \
                 verified gone."
            ));
        }
        if !failed.is_empty() {
            let what = listed(&failed, "and");
            said.push(format!("That could not be saved for {what}; nothing changed there. Try again in a moment."));
        }
        Answer::ephemeral(said.join("\n"))
    }

    async fn revoke_one(&self, by: &By, request: &Request, reason: &str) -> Result<(), ()> {
        let event = Event::Pressed {
            by: by.slack_id.clone(),
            button: Button::Revoke { reason: reason.to_owned() },
            channel: None,
            seal: request.seal.clone(),
            on: None,
        };
        // One delivery, several requests: each is told once.
        let key = format!("{}:{}", by.key, request.id);
        let actor = Actor::Person { slack_id: by.slack_id.clone() };
        let told = self.engine.tell(actor, &request.id, event, Some(key)).await;
        told.map(drop).map_err(|error| {
            tracing::error!(request.id = %request.id, %error, "a revocation could not be saved");
        })
    }
}
