//! The form that asks what follows, before a review of broken glass is closed as not fine.

use serde_json::{Value, json};

use super::deny::About;
use super::{context, input, plain, section};
use crate::kernel::Request;
use crate::notices::words;
use crate::outside::slack::SlackError;
use crate::slack::envelope::{self, FormState};
use crate::slack::sentences;

/// Our name for this form.
pub const CALLBACK: &str = "access_review";
/// The block and the element of the one field.
pub const WORD: &str = "word";
/// In characters.
const WORD_MAX: usize = 500;

/// The trigger was too old, or Slack would not.
pub fn not_opened(error: Option<&SlackError>) -> String {
    format!(
        "The form that asks what follows could not be opened: {} Nothing was counted. Press the button again.",
        sentences::why_not_opened(error)
    )
}

/// The form.
pub fn view(request: &Request, about: &About) -> Value {
    let who = words::mention(&request.requester.slack_id);
    let text = format!("{who} broke glass for {}.\n{}", sentences::what(request), words::quote(&request.reason));
    let element = json!({
        "type": "plain_text_input",
        "action_id": WORD,
        "multiline": true,
        "max_length": WORD_MAX,
        "focus_on_load": true,
    });
    let mut field = input(WORD, "What follows", false, element);
    if let Some(map) = field.as_object_mut() {
        map.insert("hint".to_owned(), plain("Reaches whoever broke it, and is kept with the request."));
    }
    json!({
        "type": "modal",
        "callback_id": CALLBACK,
        "title": plain("Not fine"),
        "submit": plain("Close review"),
        "close": plain("Back"),
        "private_metadata": serde_json::to_string(about).unwrap_or_default(),
        "blocks": [section(&text), field, context("Nothing is decided until you press Close review here.")],
    })
}

/// What was typed.
pub fn word(state: &FormState) -> String {
    let typed = envelope::plain(state.value(WORD, WORD).unwrap_or_default());
    typed.chars().take(WORD_MAX).collect()
}
