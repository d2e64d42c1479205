//! The button *What changes?*: what a request would change, shown to those who decide it.

use futures_util::FutureExt;
use secrecy::SecretString;

use super::answer::Answer;
use super::buttons::named;
use super::modals::preview;
use super::sentences;
use super::surface::{By, Surface};
use crate::engine::previewing::NotShown;
use crate::notices::words::{escape, sentence};

impl Surface {
    pub(super) async fn preview(&self, by: &By, value: Option<&str>, trigger: Option<&SecretString>) -> Answer {
        const LINE: &str = "nightlatch plan NAME";
        let Some((id, _)) = named(value) else { return Answer::ephemeral(sentences::NO_SUCH_REQUEST) };
        let Some(trigger) = trigger else { return Answer::ephemeral(sentences::not_opened(LINE, None)) };
        let request = match self.engine.request(&id).await {
            Ok(Some(request)) => request,
            Ok(None) => return Answer::ephemeral(sentences::NO_SUCH_REQUEST),
            Err(error) => {
                tracing::error!(request.id = %id, %error, "a request could not be read");
                return Answer::ephemeral(sentences::NOT_READ);
            }
        };
        let (engine, slack_id) = (self.engine.clone(), by.slack_id.clone());
        let filling = async move {
            match engine.previewed(&request, &slack_id).await {
                Ok(previews) => preview::view(&request, &previews),
                Err(NotShown::Over) => preview::sorry("It is decided already: the card says what became of it."),
                Err(NotShown::Refused(why)) => preview::sorry(&engine.notices().refusal(&why, Some(&request))),
                Err(NotShown::Failed(failure)) => {
                    let (what, advice) = (escape(&failure.what), escape(&failure.advice));
                    preview::sorry(format!("It cannot be shown now: {} {}", sentence(&what), sentence(&advice)).trim())
                }
            }
        };
        self.open_then_fill(trigger, &preview::loading(), LINE, filling.boxed()).await
    }
}
