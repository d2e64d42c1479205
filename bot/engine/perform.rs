//! Performing one effect: what each of them does in the world, and what is reported back.

use serde_json::Value;

use super::pastes::PasteWork;
use super::{Engine, saying, settle};
use crate::kernel::effect::Effect;
use crate::kernel::paste::PasteId;
use crate::kernel::request::{Message, Place};
use crate::kernel::{Event, Failure, Notice, Purpose, Recipient, Request, State};
use crate::notices::Said;
use crate::outside::slack::{Post, Posted, SlackError};
use crate::store::Waiting;

/// Somebody presses a button and waits: this often we try to find out who they are before telling them it failed.
const IDENTIFY_ATTEMPTS_MAX: i64 = 5;
/// A request without approvers reaches nobody: tried for about ten minutes.
const FIND_ATTEMPTS_MAX: i64 = 14;
/// The thread's first message may still be on its way.
const THREAD_ATTEMPTS_MAX: i64 = 12;
/// What failed is told at the latest after this many pauses, gone or not.
const FAILED_ATTEMPTS_MAX: i64 = 6;
const FAILED_PAUSE_MS: i64 = 500;
/// The longest pause between two attempts to say something.
const PAUSE_MAX_MS: i64 = 60_000;

/// What came of an effect.
pub(super) enum Performed {
    /// Something to tell the request.
    Happened(Box<Event>),
    /// Something to write about a paste.
    Changes(Box<PasteWork>),
    /// Nothing more to do.
    Done,
    /// Not now.
    Later {
        /// How long to wait.
        pause_ms: i64,
        /// Why, for people.
        error: String,
    },
}

impl Performed {
    pub(super) fn happened(event: Event) -> Self {
        Self::Happened(Box::new(event))
    }

    pub(super) fn later(pause_ms: i64, error: &str) -> Self {
        Self::Later { pause_ms, error: error.to_owned() }
    }

    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Happened(event) if matches!(**event, Event::SettleFailed { .. } | Event::NotIdentified { .. }) => {
                "failed"
            }
            Self::Happened(_) | Self::Changes(_) | Self::Done => "done",
            Self::Later { .. } => "postponed",
        }
    }
}

/// Performs one effect. Everything in here can be done twice.
pub(super) async fn perform(engine: &Engine, waiting: &Waiting) -> Performed {
    // These are of no request.
    match &waiting.effect {
        Effect::Say { .. } => return saying::say(engine, waiting).await,
        Effect::ExpirePaste { id } => return expire_paste(id),
        _ => {}
    }
    let request = match engine.inner.store.load(&waiting.request_id).await {
        Ok(request) => request,
        Err(error) => return Performed::later(1_000, &error.to_string()),
    };
    match &waiting.effect {
        Effect::Wake { wake } => Performed::happened(Event::Woke { wake: *wake }),
        Effect::Settle { step } => settle::settle(engine, &request, *step).await,
        Effect::Identify { slack_id, purpose } => identify(engine, &request, slack_id, purpose, waiting.attempts).await,
        Effect::FindApprovers => find_approvers(engine, &request, waiting.attempts).await,
        Effect::Show { place } => show(engine, &request, place, waiting.attempts).await,
        Effect::Tell { to, notice } => tell(engine, &request, to, notice, waiting.attempts).await,
        Effect::Say { .. } => saying::say(engine, waiting).await,
        Effect::ExpirePaste { id } => expire_paste(id),
    }
}

/// Nothing to do in the world: the writer removes it, if its end is still this one.
fn expire_paste(id: &str) -> Performed {
    match PasteId::read(id) {
        Some(id) => Performed::Changes(Box::new(PasteWork::Expire { id })),
        None => Performed::Done,
    }
}

async fn identify(engine: &Engine, request: &Request, slack_id: &str, purpose: &Purpose, attempts: i64) -> Performed {
    let rules = match purpose {
        Purpose::Start => request.workflow.ask.as_slice(),
        Purpose::Press { .. } => request.workflow.stage().map(|stage| stage.by.as_slice()).unwrap_or_default(),
    };
    let needs_login = *purpose == Purpose::Start;
    match engine.inner.people.fresh(slack_id, rules, needs_login).await {
        Ok(person) => Performed::happened(Event::Identified { purpose: purpose.clone(), person }),
        Err(failure) if failure.retryable && attempts < IDENTIFY_ATTEMPTS_MAX => put_off(&failure, attempts),
        Err(failure) => Performed::happened(Event::NotIdentified { purpose: purpose.clone(), failure }),
    }
}

async fn find_approvers(engine: &Engine, request: &Request, attempts: i64) -> Performed {
    let rules = request.workflow.stage().map(|stage| stage.by.as_slice()).unwrap_or_default();
    match engine.inner.people.approvers(rules).await {
        Ok(mut people) => {
            let own = request.workflow.stage().map(|stage| stage.own_request).unwrap_or_default();
            if own == crate::kernel::workflow::OwnRequest::Never {
                people.retain(|id| *id != request.requester.slack_id);
            }
            Performed::happened(Event::ApproversFound { people })
        }
        // A card in a channel can go out without names; better late than never for direct messages.
        Err(failure) if failure.retryable && attempts < FIND_ATTEMPTS_MAX && request.workflow.announce.is_none() => {
            put_off(&failure, attempts)
        }
        Err(failure) if failure.retryable && attempts < 2 => put_off(&failure, attempts),
        Err(failure) => {
            tracing::warn!(request.id = %request.id, failure = failure.what, "the approvers could not be looked up");
            Performed::happened(Event::ApproversFound { people: Vec::new() })
        }
    }
}

fn put_off(failure: &Failure, attempts: i64) -> Performed {
    Performed::later(pause_ms(attempts, failure.retry_after_ms), &failure.what)
}

/// Doubling from half a second to a minute; never shorter than the far side asked for.
pub(super) fn pause_ms(attempts: i64, asked_ms: Option<i64>) -> i64 {
    let doubled = 500_i64.saturating_mul(1_i64 << attempts.clamp(0, 16));
    doubled.min(PAUSE_MAX_MS).max(asked_ms.unwrap_or(0))
}

/// Brings one card up to what is stored now, however many changes came in between.
async fn show(engine: &Engine, request: &Request, place: &Place, attempts: i64) -> Performed {
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

async fn tell(engine: &Engine, request: &Request, to: &Recipient, notice: &Notice, attempts: i64) -> Performed {
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
