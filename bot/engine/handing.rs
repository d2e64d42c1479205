//! Handing over what a step made for one person: once, in their direct messages, and kept nowhere by us.

use secrecy::ExposeSecret;
use serde_json::Value;

use super::Engine;
use crate::kernel::Failure;
use crate::notices::handing as words;
use crate::outside::slack::Post;
use crate::steps::{HandOver, Memory};

/// Shows each secret to its requester. What could not be shown is lost, so the step has failed and is settled again: whoever made it
/// makes another one. Nothing of this is written down; the words of the failure never hold what was to be shown. What is known once
/// it was shown is kept after it.
pub(super) async fn over(
    engine: &Engine,
    all: Vec<HandOver>,
    (known, memory): (Option<Value>, &Memory),
) -> Result<(), Failure> {
    for HandOver { request_id, what, secret } in all {
        let lost = |why: String| Failure {
            what: format!("the {what} was made and could not be handed over: {why}"),
            advice: "another one is made when it is tried again".to_owned(),
            retryable: true,
            retry_after_ms: None,
        };
        let request = engine.inner.store.load(&request_id).await.map_err(|error| lost(error.to_string()))?;
        let said = words::over(&request, what, secret.expose_secret());
        let post = Post {
            channel: request.requester.slack_id.clone(),
            text: said.text,
            blocks: Some(said.blocks),
            ..Post::default()
        };
        engine.inner.slack.post_message(&post).await.map_err(|error| lost(error.to_string()))?;
    }
    match known {
        Some(known) => memory.keep(known).await,
        None => Ok(()),
    }
}
