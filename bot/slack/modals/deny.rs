//! The form that asks why, before a request is denied.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{context, input, plain, section};
use crate::inputs::duration::spelled;
use crate::kernel::{Button, PressedOn, Request};
use crate::notices::words;
use crate::outside::slack::SlackError;
use crate::slack::envelope::{self, FormState};
use crate::slack::sentences;

/// Our name for this form.
pub const CALLBACK: &str = "access_deny";
/// The block and the element of the one field.
pub const REASON: &str = "reason";
/// In characters.
const REASON_MAX: usize = 500;
/// The trigger was too old, or Slack would not.
pub fn not_opened(error: Option<&SlackError>) -> String {
    format!(
        "The form that asks why could not be opened: {} Nothing was counted. Press Deny again.",
        sentences::why_not_opened(error)
    )
}

/// Which request, as it was shown, and where.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The request.
    pub id: String,
    /// The seal of what was shown.
    pub seal: String,
    /// Where Deny was pressed.
    pub channel: Option<String>,
    /// On which message.
    #[serde(default)]
    pub on: Option<PressedOn>,
}

impl About {
    /// Out of `private_metadata`; nothing if it is not what we wrote.
    pub fn read(metadata: &str) -> Option<Self> {
        serde_json::from_str(metadata).ok()
    }
}

/// The form.
pub fn view(request: &Request, channel: Option<String>, on: Option<PressedOn>) -> Value {
    let seal = request.seal_for(&Button::Deny { reason: String::new() });
    let about = About { id: request.id.to_string(), seal, channel, on };
    let who = words::mention(&request.requester.slack_id);
    let what = sentences::what(request);
    let mut text = match request.extending.as_ref().filter(|_| request.is_extension_asked()) {
        Some(extending) => format!("{who} asks to hold {what} by {} longer.", spelled(extending.length_ms)),
        None => {
            format!("{who} asks for {what} for {}{}.", spelled(request.hold_ms), sentences::shortened(request))
        }
    };
    if !request.reason.is_empty() {
        text = format!("{text}\n{}", words::quote(&request.reason));
    }
    let element = json!({
        "type": "plain_text_input",
        "action_id": REASON,
        "multiline": true,
        "max_length": REASON_MAX,
        "focus_on_load": true,
    });
    let mut field = input(REASON, "Why", true, element);
    if let Some(map) = field.as_object_mut() {
        map.insert("hint".to_owned(), plain("Reaches the requester, and is kept with the request."));
    }
    json!({
        "type": "modal",
        "callback_id": CALLBACK,
        "title": plain(if request.is_extension_asked() { "Deny extension" } else { "Deny request" }),
        "submit": plain("Deny"),
        "close": plain("Back"),
        "private_metadata": serde_json::to_string(&about).unwrap_or_default(),
        "blocks": [section(&text), field, context("Nothing is decided until you press Deny here.")],
    })
}

/// The reason that was typed; may be empty.
pub fn reason(state: &FormState) -> String {
    let typed = envelope::plain(state.value(REASON, REASON).unwrap_or_default());
    typed.chars().take(REASON_MAX).collect()
}
