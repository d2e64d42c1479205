//! What we answer at once: the body of the HTTP response, or the payload of a socket's ack.

use serde_json::{Map, Value, json};

/// The answer to one delivery. Which ones Slack takes depends on what came in; the edge sees to that.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Answer {
    /// Understood, saved, nothing to show at once. Closes a submitted modal.
    #[default]
    Nothing,
    /// A message only the person sees: for commands in the answer itself, for clicks through `response_url`.
    Ephemeral {
        /// What notifications and screen readers say, and all there is if there are no blocks.
        text: String,
        /// At most 50 blocks.
        blocks: Option<Value>,
    },
    /// Submissions only: sentences at fields, by the block id of an *input* block; the modal stays open.
    Errors(Vec<(String, String)>),
    /// Submissions only: the modal becomes this one.
    UpdateView(Value),
    /// Submissions only: this modal on top.
    PushView(Value),
    /// Submissions only: closes every modal.
    Clear,
    /// Option lists only, at most 100.
    Options(Vec<Value>),
    /// Option lists only: at most 100 groups of 100.
    OptionGroups(Vec<Value>),
    /// Not taken: nothing was done, nothing is promised, and Slack is not told that it was. The person sees Slack's own error.
    NotTaken,
    /// Text without any formatting by us; for commands, as an ephemeral message.
    Plain(String),
}

impl Answer {
    /// An ephemeral text.
    pub fn ephemeral(text: impl Into<String>) -> Self {
        Self::Ephemeral { text: text.into(), blocks: None }
    }

    /// The `payload` of a socket's ack; `None` for a bare one.
    pub fn to_socket_payload(&self) -> Option<Value> {
        Some(match self {
            Self::Nothing | Self::NotTaken => return None,
            Self::Ephemeral { text, blocks } => {
                let mut message = json!({ "response_type": "ephemeral", "text": text });
                // Slack takes no empty list, and nothing that is none.
                let blocks = blocks.as_ref().filter(|blocks| blocks.as_array().is_some_and(|list| !list.is_empty()));
                if let (Some(blocks), Some(map)) = (blocks, message.as_object_mut()) {
                    map.insert("blocks".to_owned(), blocks.clone());
                }
                message
            }
            Self::Errors(errors) => {
                let errors: Map<String, Value> =
                    errors.iter().map(|(block_id, text)| (block_id.clone(), Value::String(text.clone()))).collect();
                json!({ "response_action": "errors", "errors": errors })
            }
            Self::UpdateView(view) => json!({ "response_action": "update", "view": view }),
            Self::PushView(view) => json!({ "response_action": "push", "view": view }),
            Self::Clear => json!({ "response_action": "clear" }),
            Self::Options(options) => json!({ "options": options }),
            Self::OptionGroups(groups) => json!({ "option_groups": groups }),
            Self::Plain(text) => json!({ "text": text }),
        })
    }

    /// Content type and body of the HTTP answer, always with status 200; `None` for an empty body.
    pub fn to_http_body(&self) -> Option<(&'static str, String)> {
        match self {
            Self::Plain(text) => Some(("text/plain; charset=utf-8", text.clone())),
            other => other.to_socket_payload().map(|body| ("application/json; charset=utf-8", body.to_string())),
        }
    }
}
