//! `/access pass ID @person`: an approver gives their turn to somebody else who may decide.

use crate::kernel::{Actor, Button, Event, RequestId};
use crate::slack::answer::Answer;
use crate::slack::envelope::SlashCommand;
use crate::slack::sentences::{self, code};
use crate::slack::surface::{By, Surface};

const LINE: &str = "/access pass ID @person";
/// An id this long is none, whatever it says.
const ID_MAX: usize = 64;

impl Surface {
    /// Saves it like a press of a button; whoever typed is told what became of it.
    pub(super) async fn pass(&self, by: &By, command: &SlashCommand, words: &str) -> Answer {
        let mut words = words.split_whitespace();
        let (Some(id), Some(who)) = (words.next().filter(|id| id.len() <= ID_MAX), words.next()) else {
            return Answer::ephemeral(format!(
                "Say which request and to whom: {}. Its id stands at the foot of its card.",
                code(LINE)
            ));
        };
        let named = command.text.named.iter().find(|(word, _)| word == who).map(|(_, id)| id.clone());
        let Some(to) = named.filter(|id| id.starts_with(['U', 'W'])) else {
            return Answer::ephemeral(format!(
                "Say to whom, with an @ so that Slack knows who that is: {}.",
                code(&format!("/access pass {id} @person"))
            ));
        };
        let asked = RequestId(id.trim_matches('`').to_lowercase());
        let request = match self.engine.request(&asked).await {
            Ok(Some(request)) => request,
            Ok(None) => {
                return Answer::ephemeral(format!(
                    "There is no request {}. Its id stands at the foot of its card, and `/access list` shows what waits for you.",
                    code(id)
                ));
            }
            Err(error) => {
                tracing::error!(request.id = %asked, %error, "a request could not be read");
                return Answer::ephemeral(sentences::NOT_READ);
            }
        };
        let button = Button::Pass { to: to.clone() };
        if let Err(why) = request.is_open_for(&button, &by.slack_id, self.engine.clock().now_ms()) {
            return Answer::ephemeral(self.engine.notices().refusal(&why, Some(&request)));
        }
        let (seal, channel) = (request.seal_for(&button), Some(command.channel_id.clone()));
        let channel = channel.filter(|channel| !channel.is_empty());
        let event = Event::Pressed { by: by.slack_id.clone(), button, channel, seal, on: None };
        let actor = Actor::Person { slack_id: by.slack_id.clone() };
        match self.engine.tell(actor, &request.id, event, Some(by.key.clone())).await {
            Ok(_) => Answer::ephemeral(format!(
                "Passing your turn to <@{to}>. You will hear from me whether they may decide."
            )),
            Err(error) => {
                tracing::error!(request.id = %request.id, %error, "a turn that was passed on could not be saved");
                Answer::ephemeral(sentences::NOT_COUNTED)
            }
        }
    }
}
