//! The form that asks for how long, before a request is approved for less time than was asked.

use serde_json::{Value, json};

use super::deny::About;
use super::{choices, context, input, plain, section};
use crate::inputs::duration::{self, shorter_than, spelled};
use crate::kernel::Request;
use crate::notices::words;
use crate::outside::slack::SlackError;
use crate::slack::envelope::FormState;
use crate::slack::sentences;

/// Our name for this form.
pub const CALLBACK: &str = "access_approve_for";
/// The block and the element of the one field.
pub const LENGTH: &str = "length";

/// The trigger was too old, or Slack would not.
pub fn not_opened(error: Option<&SlackError>) -> String {
    format!(
        "The form that asks for how long could not be opened: {} Nothing was counted. Press Approve... again.",
        sentences::why_not_opened(error)
    )
}

/// The form.
pub fn view(request: &Request, about: &About) -> Value {
    let who = words::mention(&request.requester.slack_id);
    let (what, asked) = (sentences::what(request), spelled(request.hold_ms));
    let mut text = format!("{who} asks for {what} for {asked}{}.", sentences::shortened(request));
    if !request.reason.is_empty() {
        text = format!("{text}\n{}", words::quote(&request.reason));
    }
    let lengths = shorter_than(request.lent_ms());
    let options: Vec<Value> = lengths.into_iter().map(|length_ms| choices::hold_option(length_ms, 0)).collect();
    let element = json!({
        "type": "static_select",
        "action_id": LENGTH,
        "options": options,
        "focus_on_load": true,
    });
    let mut field = input(LENGTH, "For at most", false, element);
    if let Some(map) = field.as_object_mut() {
        map.insert("hint".to_owned(), plain("The shortest time that anybody approves it for counts."));
    }
    json!({
        "type": "modal",
        "callback_id": CALLBACK,
        "title": plain("Approve for less"),
        "submit": plain("Approve"),
        "close": plain("Back"),
        "private_metadata": serde_json::to_string(about).unwrap_or_default(),
        "blocks": [section(&text), field, context("Nothing is decided until you press Approve here.")],
    })
}

/// The length that was chosen, in milliseconds.
pub fn length_ms(state: &FormState) -> Option<i64> {
    duration::typed(state.value(LENGTH, LENGTH)?).ok()
}
