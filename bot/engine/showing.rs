//! Messages about a request: its card, what is said beside it, and messages that are put right.

use serde_json::Value;

use super::Engine;
use super::performed::{Performed, pause_ms};
use crate::kernel::request::{Message, Place};
use crate::kernel::{Event, Failure, Notice, Recipient, Request, State};
use crate::notices::Said;
use crate::outside::slack::{Post, Posted, SlackError};

/// The thread's first message may still be on its way.
const THREAD_ATTEMPTS_MAX: i64 = 12;
/// What failed is told at the latest after this many pauses, gone or not.
const FAILED_ATTEMPTS_MAX: i64 = 6;
const FAILED_PAUSE_MS: i64 = 500;

/// Brings one card up to what is stored now, however many changes came in between.
pub(super) async fn show(engine: &Engine, request: &Request, place: &Place, attempts: i64) -> Performed {
    let Some(card) = request.cards.iter().find(|card| card.place == *place) else { return Performed::Done };
    let said = engine.inner.notices.card(request, place, engine.inner.clock.now_ms());
    if let Some(Message { channel, ts }) = &card.message {
        let at = Posted { channel: channel.clone(), ts: ts.clone() };
        match engine.inner.slack.update_message(&at, &said.text, Some(&said.blocks)).await {
            Ok(()) => return Performed::Done,
            // The card is gone or frozen: a new one takes its place.
            Err(error) if is_gone(&error) => {}
            Err(error) => return not_said(request, &error, attempts).unwrap_or(Performed::Done),
        }
    }
    match post(engine, place.target(), said, None).await {
        Ok(Posted { channel, ts }) => Performed::happened(Event::Shown { place: place.clone(), channel, ts }),
        Err(error) => not_said(request, &error, attempts).unwrap_or_else(|| {
            let failure = Failure {
                what: error.to_string(),
                advice: error.advice().unwrap_or_default(),
                retryable: false,
                retry_after_ms: None,
            };
            Performed::happened(Event::NotShown { place: place.clone(), failure })
        }),
    }
}

fn is_gone(error: &SlackError) -> bool {
    matches!(error.code(), Some("message_not_found" | "cant_update_message" | "edit_window_closed"))
}

async fn post(engine: &Engine, channel: &str, said: Said, thread: Option<&Message>) -> Result<Posted, SlackError> {
    let post = Post {
        channel: channel.to_owned(),
        text: said.text,
        blocks: Some(said.blocks).filter(|blocks: &Value| blocks.as_array().is_some_and(|list| !list.is_empty())),
        thread_ts: thread.map(|message| message.ts.clone()),
        reply_broadcast: false,
    };
    engine.inner.slack.post_message(&post).await
}

pub(super) async fn tell(
    engine: &Engine,
    request: &Request,
    to: &Recipient,
    notice: &Notice,
    attempts: i64,
) -> Performed {
    // Said late, after Slack was away: that it ended is said, that it was going to end helps nobody.
    if *notice == Notice::EndsSoon && request.state != State::Active {
        return Performed::Done;
    }
    // Whether what was begun is gone is mostly known a moment later; until then all we could say is "may still be on".
    if *notice == Notice::Failed && is_being_taken_back(request) && attempts < FAILED_ATTEMPTS_MAX {
        return Performed::later(FAILED_PAUSE_MS, "it is being taken back");
    }
    let said = engine.inner.notices.notice(request, notice, to, engine.inner.clock.now_ms());
    let sent = match to {
        Recipient::Person { slack_id } => post(engine, slack_id, said, None).await.map(drop),
        Recipient::Private { slack_id, channel } => private(engine, slack_id, channel.as_deref(), said).await,
        Recipient::Thread => match request.thread() {
            Some(message) => post(engine, &message.channel, said, Some(message)).await.map(drop),
            None if attempts < THREAD_ATTEMPTS_MAX && !request.cards.is_empty() => {
                return Performed::later(pause_ms(attempts, None), "its card is not there yet");
            }
            None => return Performed::Done,
        },
        Recipient::Channel => match request.workflow.announce.as_deref() {
            Some(channel) => post(engine, channel, said, None).await.map(drop),
            None => return Performed::Done,
        },
    };
    match sent {
        Ok(()) => Performed::Done,
        Err(error) => not_said(request, &error, attempts).unwrap_or(Performed::Done),
    }
}

/// Being taken back, and it has not failed yet.
fn is_being_taken_back(request: &Request) -> bool {
    request.state == State::Ending && request.steps.iter().all(|step| step.failures == 0)
}

/// A line only they see where they pressed; in their direct messages if that is not possible.
async fn private(engine: &Engine, slack_id: &str, channel: Option<&str>, said: Said) -> Result<(), SlackError> {
    let Some(channel) = channel.filter(|channel| !channel.starts_with('D')) else {
        return post(engine, slack_id, said, None).await.map(drop);
    };
    match engine.inner.slack.post_ephemeral(channel, slack_id, &said.text, Some(&said.blocks), None).await {
        Err(error) if !error.is_retryable() && !error.is_fatal_auth() => {
            post(engine, slack_id, said, None).await.map(drop)
        }
        sent => sent,
    }
}

/// When to try again to say something. None: Slack will never take it, and that was logged.
fn not_said(request: &Request, error: &SlackError, attempts: i64) -> Option<Performed> {
    if error.is_retryable() || error.is_fatal_auth() {
        return Some(Performed::later(pause_ms(attempts, error.retry_after_ms()), &error.to_string()));
    }
    let advice = error.advice().unwrap_or_default();
    tracing::error!(request.id = %request.id, error = %error, advice, "slack does not take this message");
    None
}
