//! Saying word for word what somebody asked us to say, in a channel of their choice; and telling them if that fails.

use super::Engine;
use super::circumstances::Circumstances;
use super::performed::{Performed, pause_ms};
use crate::kernel::Subject;
use crate::kernel::effect::Effect;
use crate::kernel::kept::Note;
use crate::notices::words::escape;
use crate::outside::slack::{Post, SlackError};
use crate::store::{StoreError, Tx, Waiting};

/// Saves what is to be said, once a delivery.
pub(super) async fn save(
    tx: &mut Tx,
    about: &Subject,
    effect: &Effect,
    how: Circumstances<'_>,
) -> Result<(), StoreError> {
    if let Some(key) = how.delivery
        && tx.first_delivery(key, about, how.now).await?.is_some()
    {
        return Ok(());
    }
    if let Effect::Say { channel, .. } = effect {
        let event = serde_json::json!({ "event": "shared", "channel": channel });
        tx.note(about, how.actor, &Note(event), "shared", how.now).await?;
    }
    tx.enqueue_for(about, effect.clone(), how.now).await
}

/// Posts it. What Slack will never take is told to whoever asked, in their direct messages.
pub(super) async fn say(engine: &Engine, waiting: &Waiting) -> Performed {
    let Effect::Say { channel, thread, by, text, blocks } = &waiting.effect else { return Performed::Done };
    let has_blocks = blocks.as_array().is_some_and(|list| !list.is_empty());
    let post = Post {
        channel: channel.clone(),
        text: text.clone(),
        blocks: Some(blocks.clone()).filter(|_| has_blocks),
        thread_ts: thread.clone(),
        ..Post::default()
    };
    let error = match engine.inner.slack.post_message(&post).await {
        Ok(_) => return Performed::Done,
        Err(error) if error.is_retryable() || error.is_fatal_auth() => {
            return Performed::later(pause_ms(waiting.attempts, error.retry_after_ms()), &error.to_string());
        }
        Err(error) => error,
    };
    let advice = error.advice().unwrap_or_default();
    tracing::warn!(actor = %by, error = %error, advice, "slack does not take what was to be said");
    if channel == by || channel.starts_with('D') {
        return Performed::Done;
    }
    let post = Post { channel: by.clone(), text: not_said(channel, &error), ..Post::default() };
    match engine.inner.slack.post_message(&post).await {
        Err(error) if error.is_retryable() || error.is_fatal_auth() => {
            Performed::later(pause_ms(waiting.attempts, error.retry_after_ms()), &error.to_string())
        }
        _ => Performed::Done,
    }
}

fn not_said(channel: &str, error: &SlackError) -> String {
    let why = match error.code() {
        Some("not_in_channel" | "channel_not_found" | "restricted_action" | "no_permission") => {
            "I am not in that channel. Invite me there (`/invite @nightlatch`), then press Share here again.".to_owned()
        }
        Some("is_archived") => "That channel is archived.".to_owned(),
        _ => escape(&error.to_string()),
    };
    format!("I could not post what you shared in <#{channel}>. {why}")
}
