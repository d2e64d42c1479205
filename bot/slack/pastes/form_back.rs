//! Opening the form for a paste, and what comes back from it.

use secrecy::SecretString;
use serde_json::Value;

use super::form::{self, About, CONTENT, Filled};
use super::words;
use crate::engine::pastes::{PasteError, Pasting};
use crate::kernel::paste::{Draft, PasteId, Text};
use crate::notices::Said;
use crate::notices::pastes::{self as notice, Share};
use crate::slack::answer::Answer;
use crate::slack::envelope::ViewSubmission;
use crate::slack::sentences::as_plain;
use crate::slack::surface::{By, Surface};

impl Surface {
    /// Opens the form, filled in as far as something is known.
    pub(in crate::slack) async fn open_paste_form(
        &self,
        trigger: Option<&SecretString>,
        channel: Option<&str>,
        text: Option<&Text>,
    ) -> Answer {
        let filled = Filled { text, channel, ..self.paste_form_now() };
        let opened = match trigger {
            Some(trigger) => {
                self.engine.slack().views_open(trigger, &form::view(&filled)).await.map(drop).map_err(Some)
            }
            None => Err(None),
        };
        match opened {
            Ok(()) => Answer::Nothing,
            Err(error) => {
                let said = words::not_opened(error.as_ref());
                let error = error.map(|error| error.to_string());
                tracing::warn!(error, "the form for a paste could not be opened");
                Answer::ephemeral(said)
            }
        }
    }

    /// The form was sent off: pasted, or asked about first. What cannot be done is said at the text, which stays.
    pub(in crate::slack) async fn paste_submitted(&self, by: &By, submission: &ViewSubmission) -> Answer {
        let about = About::read(&submission.view.private_metadata).unwrap_or_default();
        let given = form::given(&submission.state);
        let text = match Text::new(&given.filename, given.language.as_deref(), given.content) {
            Ok(text) => text,
            Err(why) => return at_text(&words::why(self.engine.notices(), &PasteError::Refused(why))),
        };
        match self.submitted_text(by, text, About { keep_ms: given.keep_ms, ..about }).await {
            Ok(view) => Answer::UpdateView(view),
            Err(error) => at_text(&words::not_pasted(self.engine.notices(), &error)),
        }
    }

    async fn submitted_text(&self, by: &By, text: Text, about: About) -> Result<Value, PasteError> {
        let author = self.engine.paste_author(&by.slack_id).await?;
        let pastes = self.engine.pastes();
        let doubts = pastes.doubts(&text);
        if !doubts.is_empty() {
            let draft = pastes.keep_draft(&by.slack_id, text, None).await?;
            let question = notice::doubted(&draft, &doubts.suspects, doubts.is_public);
            return Ok(form::confirm_view(&draft, &question, about, None));
        }
        let pasting = Pasting { expires_at: self.end(about.keep_ms), ..Pasting::new(author, text) };
        let paste = pastes.create(pasting, Some(by.key.clone())).await?;
        let said = self.made(&paste, about.channel.as_ref().map(|_| Share::Here));
        self.leave_in_chat(by, about.channel.as_deref(), &said);
        Ok(form::made_view(&said, about.channel.as_deref()))
    }

    /// The question was answered with yes.
    pub(in crate::slack) async fn paste_confirmed(&self, by: &By, submission: &ViewSubmission) -> Answer {
        let about = About::read(&submission.view.private_metadata);
        let named = about.and_then(|about| PasteId::read(about.draft.as_deref()?).map(|id| (id, about)));
        let Some((id, about)) = named else {
            return Answer::UpdateView(form::made_view(&super::plain(words::FORM_UNKNOWN), None));
        };
        match self.send_draft(by, &id, self.end(about.keep_ms)).await {
            Ok(paste) => {
                let channel = about.channel.as_deref();
                let said = self.made(&paste, channel.map(|_| Share::Here));
                self.leave_in_chat(by, channel, &said);
                Answer::UpdateView(form::made_view(&said, channel))
            }
            Err(error) => {
                let why = words::not_pasted(self.engine.notices(), &error);
                // There is no field to show it at: the question comes again, with the reason above it.
                match self.engine.pastes().draft(&id, &by.slack_id).await {
                    Ok(draft) => Answer::UpdateView(self.asked_again(&draft, about, &why)),
                    Err(_) => Answer::UpdateView(form::made_view(&super::plain(&why), None)),
                }
            }
        }
    }

    /// A dialog is closed and gone: where it was opened stays what it said, for its author alone. It promises nothing, so that it is sent
    /// beside the answer and not before it.
    fn leave_in_chat(&self, by: &By, channel: Option<&str>, said: &Said) {
        let Some(channel) = channel.map(str::to_owned) else { return };
        let (slack, who, said) = (self.engine.slack().clone(), by.slack_id.clone(), said.clone());
        tokio::spawn(async move {
            if let Err(error) = slack.post_ephemeral(&channel, &who, &said.text, Some(&said.blocks), None).await {
                tracing::debug!(%error, "a paste is not named in the chat");
            }
        });
    }

    fn asked_again(&self, draft: &Draft, about: About, why: &str) -> Value {
        let doubts = self.engine.pastes().doubts(&draft.text);
        let question = notice::doubted(draft, &doubts.suspects, doubts.is_public);
        form::confirm_view(draft, &question, about, Some(why))
    }

    fn end(&self, keep_ms: Option<i64>) -> Option<i64> {
        let keep_ms = keep_ms.filter(|_| self.engine.pastes().are_here())?;
        Some(self.engine.clock().now_ms().saturating_add(keep_ms))
    }
}

fn at_text(why: &str) -> Answer {
    Answer::Errors(vec![(CONTENT.to_owned(), as_plain(why))])
}
