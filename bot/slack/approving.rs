//! Approving for less time than was asked: the form behind *Approve...*, and what comes back from it.

use secrecy::SecretString;

use super::answer::Answer;
use super::buttons::Pressed;
use super::envelope::ViewSubmission;
use super::modals::{approve_for, deny};
use super::sentences;
use super::surface::{By, Surface};
use crate::kernel::{Button, Refusal, RequestId};

impl Surface {
    /// Asks for how long while there is something to approve; else the rules say privately why there is not.
    pub(super) async fn approve_for_pressed(
        &self,
        by: &By,
        pressed: Pressed,
        trigger: Option<&SecretString>,
    ) -> Answer {
        let request = match self.engine.request(&pressed.id).await {
            Ok(Some(request)) => request,
            Ok(None) => return Answer::ephemeral(sentences::NO_SUCH_REQUEST),
            Err(error) => {
                tracing::error!(request.id = %pressed.id, %error, "a request could not be read");
                return Answer::ephemeral(sentences::NOT_READ);
            }
        };
        // One's own may have to be confirmed, which is asked for the length that is chosen.
        let said = Button::Approve { confirmed: true, hold_ms: None };
        let why = match request.seal_for(&said) == pressed.seal {
            true => self.engine.why_closed(&request, &by.slack_id, &said).await,
            false => Some(Refusal::Altered),
        };
        // Nothing is pressed here: it would count for the whole time.
        if let Some(why) = why {
            return Answer::ephemeral(self.engine.notices().refusal(&why, Some(&request)));
        }
        let Pressed { id, seal, channel, on, .. } = pressed;
        let view = approve_for::view(&request, &deny::About { id: id.to_string(), seal, channel, on });
        let opened = match trigger {
            Some(trigger) => self.engine.slack().views_open(trigger, &view).await.map(drop).map_err(Some),
            None => Err(None),
        };
        opened.map_or_else(
            |error| {
                let said = approve_for::not_opened(error.as_ref());
                let error = error.map(|error| error.to_string());
                tracing::warn!(request.id = %id, error, "the form for a shorter approval could not be opened");
                Answer::ephemeral(said)
            },
            |()| Answer::Nothing,
        )
    }

    /// The form with a length came back.
    pub(super) async fn approved_for(&self, by: &By, submission: &ViewSubmission) -> Answer {
        let wrong = |text: &str| Answer::Errors(vec![(approve_for::LENGTH.to_owned(), text.to_owned())]);
        let Some(about) = deny::About::read(&submission.view.private_metadata) else {
            return wrong(sentences::FORM_UNKNOWN);
        };
        let Some(length_ms) = approve_for::length_ms(&submission.state) else {
            return wrong("Choose for how long.");
        };
        let button = Button::Approve { confirmed: false, hold_ms: Some(length_ms) };
        let deny::About { id, seal, channel, on } = about;
        match self.press(by, Pressed { id: RequestId(id), button, seal, channel, on }).await {
            Answer::Ephemeral { text, .. } => wrong(&sentences::as_plain(&text)),
            answer => answer,
        }
    }
}
