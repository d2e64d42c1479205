//! Breaking glass in Slack: the form that says what follows, and the review afterwards.

use secrecy::SecretString;

use super::answer::Answer;
use super::envelope::{SlashCommand, ViewSubmission};
use super::modals::form::{Among, RequestForm};
use super::modals::{deny, review};
use super::sentences::{self, code};
use super::surface::{By, Surface};
use crate::engine::asking::Form;
use crate::engine::directory::Whose;
use crate::kernel::{Button, RequestId};
use crate::slack::buttons::Pressed;

/// Devices that are looked at, to see whether there is only one.
const DEVICES_MAX: usize = 2;

impl Surface {
    /// `/access break-glass NAME LENGTH REASON`: the form with what was said, which says what follows. Sending it breaks the glass.
    pub(super) async fn break_glass(&self, by: &By, command: &SlashCommand, words: &str) -> Answer {
        const LINE: &str = "/access break-glass NAME LENGTH REASON";
        let (name, words) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
        let catalog = self.engine.catalog();
        if name.is_empty() {
            return Answer::ephemeral(format!("Say what for, how long and why: {}", code(LINE)));
        }
        let Some(workflow) = catalog.find(&name.to_lowercase()).cloned() else {
            let near = catalog.nearest(&name.to_lowercase());
            let near =
                near.map(|near| format!(" Did you mean {}?", code(&format!("/access break-glass {near} {words}"))));
            return Answer::ephemeral(format!(
                "There is nothing called {} here.{}",
                code(name),
                near.unwrap_or_default()
            ));
        };
        if let Some(why) = self.engine.why_no_glass(&workflow, &by.slack_id).await {
            return Answer::ephemeral(sentences::refused(self.engine.notices(), &why, &workflow));
        }
        let channel = Some(command.channel_id.clone()).filter(|channel| !channel.is_empty());
        let mut form = Form::from_mentions(workflow, words, channel, &command.text.named);
        form.breaks_glass = true;
        form.is_doubtful = false;
        let mut devices = Vec::new();
        if let Some(input) = form.workflow.device()
            && let Ok(Some(person)) = self.engine.known_person(&by.slack_id).await
            && let Some(login) = &person.login
        {
            let directory = self.engine.directory();
            let whose = Whose::of(input, login);
            devices = directory.devices(&whose, "", DEVICES_MAX).await.unwrap_or_default();
            if let Some(named) = form.values.get(&input.name) {
                devices.extend(directory.device(&whose, named).await.ok().flatten());
            }
        }
        let filled = RequestForm::new(form, Among::Fixed);
        let filled = if devices.is_empty() { filled } else { filled.with_devices(&devices) };
        self.open_filled(command.trigger_id.as_ref(), &filled).await
    }

    /// Asks what follows while there is something to review; else the rules say privately why there is not.
    pub(super) async fn not_fine_pressed(&self, by: &By, pressed: Pressed, trigger: Option<&SecretString>) -> Answer {
        let request = match self.engine.request(&pressed.id).await {
            Ok(Some(request)) => request,
            Ok(None) => return Answer::ephemeral(sentences::NO_SUCH_REQUEST),
            Err(error) => {
                tracing::error!(request.id = %pressed.id, %error, "a request could not be read");
                return Answer::ephemeral(sentences::NOT_READ);
            }
        };
        // Whether it would count if something were said.
        let said = Button::Review { is_fine: true, word: String::new() };
        if request.seal != pressed.seal || !self.engine.seems_open(&request, &by.slack_id, &said).await {
            return self.press(by, pressed).await;
        }
        let Pressed { id, seal, channel, on, .. } = pressed;
        let view = review::view(&request, &deny::About { id: id.to_string(), seal, channel, on });
        let opened = match trigger {
            Some(trigger) => self.engine.slack().views_open(trigger, &view).await.map(drop).map_err(Some),
            None => Err(None),
        };
        opened.map_or_else(
            |error| {
                let said = review::not_opened(error.as_ref());
                let error = error.map(|error| error.to_string());
                tracing::warn!(request.id = %id, error, "the form for a review could not be opened");
                Answer::ephemeral(said)
            },
            |()| Answer::Nothing,
        )
    }

    /// The form with what follows came back.
    pub(super) async fn reviewed(&self, by: &By, submission: &ViewSubmission) -> Answer {
        let Some(about) = deny::About::read(&submission.view.private_metadata) else {
            return Answer::Errors(vec![(review::WORD.to_owned(), sentences::FORM_UNKNOWN.to_owned())]);
        };
        let button = Button::Review { is_fine: false, word: review::word(&submission.state) };
        let deny::About { id, seal, channel, on } = about;
        match self.press(by, Pressed { id: RequestId(id), button, seal, channel, on }).await {
            Answer::Ephemeral { text, .. } => {
                Answer::Errors(vec![(review::WORD.to_owned(), sentences::as_plain(&text))])
            }
            answer => answer,
        }
    }
}
