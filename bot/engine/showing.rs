//! Messages about a request: its card, what is said beside it, and messages that are put right.

use std::collections::HashSet;
use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::Value;

use super::performed::{Performed, pause_ms};
use super::{Engine, alarms};
use crate::kernel::request::{Message, Place};
use crate::kernel::{Event, Failure, Notice, Recipient, Request, RequestId, State};
use crate::notices::Said;
use crate::outside::slack::{Post, Posted, SlackError};
use crate::store::Waiting;

/// The thread's first message may still be on its way.
const THREAD_ATTEMPTS_MAX: i64 = 12;
/// What failed is told at the latest after this many pauses, gone or not.
const FAILED_ATTEMPTS_MAX: i64 = 6;
const FAILED_PAUSE_MS: i64 = 500;
/// So often Slack is asked what of ours stands in a channel, before a card is posted that may be there already.
const LOOK_ATTEMPTS_MAX: i64 = 3;
/// So often Slack is asked whether another company is in a channel, before a card is posted without knowing: eight seconds.
const OUTSIDERS_ATTEMPTS_MAX: i64 = 4;
/// A channel can start to be shared at any time.
const SHARED_KEPT_MS: i64 = 60_000;
/// Slack's clock and ours may differ by this much.
const CLOCKS_APART_MS: i64 = 600_000;
/// Cards whose posting was not answered; far more than there can be while we are well.
const UNSURE_MAX: usize = 4_096;

/// Cards that may stand in Slack without our knowing: Slack has no idempotency for posting.
#[derive(Default)]
pub(super) struct Unsure {
    /// Effects up to this number were saved before this process began: another one may have died performing them.
    from_before: OnceLock<i64>,
    /// Cards that were posted without an answer.
    unanswered: Mutex<HashSet<(RequestId, Place)>>,
}

impl Unsure {
    /// What is in the outbox now was maybe begun by a process that is dead.
    pub(super) fn begin(&self, newest_seq: i64) {
        let _ = self.from_before.set(newest_seq);
    }

    fn note(&self, request: &Request, place: &Place) {
        let mut unanswered = self.unanswered.lock().unwrap_or_else(PoisonError::into_inner);
        if unanswered.len() < UNSURE_MAX {
            unanswered.insert((request.id.clone(), place.clone()));
        }
    }

    fn settle(&self, request: &Request, place: &Place) {
        let mut unanswered = self.unanswered.lock().unwrap_or_else(PoisonError::into_inner);
        unanswered.remove(&(request.id.clone(), place.clone()));
    }

    fn is_about(&self, request: &Request, place: &Place, seq: i64) -> bool {
        let unanswered = self.unanswered.lock().unwrap_or_else(PoisonError::into_inner);
        self.from_before.get().is_some_and(|newest| seq <= *newest)
            || unanswered.contains(&(request.id.clone(), place.clone()))
    }
}

/// Brings one card up to what is stored now, however many changes came in between.
pub(super) async fn show(engine: &Engine, request: &Request, place: &Place, waiting: &Waiting) -> Performed {
    let attempts = waiting.attempts;
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
    if let Some(performed) = kept_from_outsiders(engine, request, place, attempts).await {
        return performed;
    }
    let unsure = &engine.inner.unsure;
    if unsure.is_about(request, place, waiting.seq) {
        match find_card(engine, request, place).await {
            Ok(Some(at)) => return adopted(engine, request, place, at, &said, attempts).await,
            Ok(None) => {}
            Err(error)
                if error.is_retryable()
                    && !matches!(error, SlackError::Malformed { .. })
                    && attempts < LOOK_ATTEMPTS_MAX =>
            {
                unsure.note(request, place);
                return Performed::later(pause_ms(attempts, error.retry_after_ms()), &error.to_string());
            }
            Err(error) => {
                let advice = error.advice().unwrap_or_default();
                tracing::warn!(request.id = %request.id, error = %error, advice,
                    "a card may stand there already, and cannot be looked for: there may be two");
            }
        }
    }
    match post(engine, place.target(), said, None).await {
        Ok(at) => shown(engine, request, place, at),
        Err(error) => {
            if error.may_have_happened() {
                unsure.note(request, place);
            }
            not_said(request, &error, attempts).unwrap_or_else(|| {
                let (what, advice) = error.for_people();
                let failure = Failure { what, advice, retryable: false, retry_after_ms: None };
                Performed::happened(Event::NotShown { place: place.clone(), failure })
            })
        }
    }
}

/// What a card says is not for another company: whether one looks on is found out before it is posted.
async fn kept_from_outsiders(engine: &Engine, request: &Request, place: &Place, attempts: i64) -> Option<Performed> {
    let Place::Channel(name) = place else { return None };
    match has_outsiders(engine, name).await {
        Ok(false) => None,
        Ok(true) => {
            let failure = shared_outside(name);
            tracing::error!(request.id = %request.id, channel = name.as_str(), advice = failure.advice, "{}", failure.what);
            Some(Performed::happened(Event::NotShown { place: place.clone(), failure }))
        }
        // What cannot be read will not be readable later.
        Err(error)
            if error.is_retryable()
                && !matches!(error, SlackError::Malformed { .. })
                && attempts < OUTSIDERS_ATTEMPTS_MAX =>
        {
            Some(Performed::later(pause_ms(attempts, error.retry_after_ms()), &error.to_string()))
        }
        // Approvers come first, and have it in their direct messages.
        Err(error) => {
            let failure = may_be_shared(name, &error);
            tracing::error!(request.id = %request.id, channel = name.as_str(), advice = failure.advice, "{}", failure.what);
            Some(Performed::happened(Event::NotShown { place: place.clone(), failure }))
        }
    }
}

pub(super) async fn has_outsiders(engine: &Engine, name: &str) -> Result<bool, SlackError> {
    let slack = &engine.inner.slack;
    match slack.channel_id(name).await? {
        Some(channel) => slack.has_outsiders(&channel, SHARED_KEPT_MS).await,
        // Posting tells why not.
        None => Ok(false),
    }
}

fn shared_outside(name: &str) -> Failure {
    Failure {
        what: format!("{name} is shared with another company, so requests are not shown there"),
        advice: "name a channel of your own company in `announce`".to_owned(),
        retryable: false,
        retry_after_ms: None,
    }
}

fn may_be_shared(name: &str, error: &SlackError) -> Failure {
    Failure {
        what: format!(
            "Slack does not say whether {name} is shared with another company ({error}), so this request is not shown there"
        ),
        advice: error.advice().unwrap_or_else(|| "look at the app's scopes and at Slack's status".to_owned()),
        retryable: false,
        retry_after_ms: None,
    }
}

fn shown(engine: &Engine, request: &Request, place: &Place, at: Posted) -> Performed {
    engine.inner.unsure.settle(request, place);
    Performed::happened(Event::Shown { place: place.clone(), channel: at.channel, ts: at.ts })
}

/// A card that was posted and never written down becomes the card.
async fn adopted(
    engine: &Engine,
    request: &Request,
    place: &Place,
    at: Posted,
    said: &Said,
    attempts: i64,
) -> Performed {
    match engine.inner.slack.update_message(&at, &said.text, Some(&said.blocks)).await {
        Err(error) if error.is_retryable() || error.is_fatal_auth() => {
            engine.inner.unsure.note(request, place);
            Performed::later(pause_ms(attempts, error.retry_after_ms()), &error.to_string())
        }
        Ok(()) | Err(_) => shown(engine, request, place, at),
    }
}

/// Looks for this request's card in its channel. In direct messages it cannot be looked for; a press on a copy there
/// puts it right.
async fn find_card(engine: &Engine, request: &Request, place: &Place) -> Result<Option<Posted>, SlackError> {
    let Place::Channel(name) = place else { return Ok(None) };
    let slack = &engine.inner.slack;
    let Some(channel) = slack.channel_id(name).await? else { return Ok(None) };
    let own = slack.own_messages(&channel, request.asked_at.saturating_sub(CLOCKS_APART_MS)).await?;
    let card = own.into_iter().find(|message| engine.inner.notices.is_card_of(&message.blocks, request));
    Ok(card.map(|message| message.at))
}

/// Makes a message that was said earlier say what is so now.
pub(super) async fn rewrite(
    engine: &Engine,
    request: &Request,
    message: &Message,
    (to, notice): (&Recipient, &Notice),
    attempts: i64,
) -> Performed {
    let mut said = engine.inner.notices.notice(request, notice, to, engine.inner.clock.now_ms());
    if *notice == Notice::Stuck && *to == Recipient::Channel {
        match alarms::list(engine, &request.id, message).await {
            Ok(Some(list)) if alarms::is_said(engine, message, &list) => return Performed::Done,
            Ok(list) => said = list.unwrap_or(said),
            Err(error) => return Performed::later(pause_ms(attempts, None), &error.to_string()),
        }
    }
    let at = Posted { channel: message.channel.clone(), ts: message.ts.clone() };
    match engine.inner.slack.update_message(&at, &said.text, Some(&said.blocks)).await {
        Ok(()) => {
            alarms::said(engine, message, &said);
            Performed::Done
        }
        // Nobody can press on what is not there any more.
        Err(error) if is_gone(&error) => Performed::Done,
        Err(error) => not_said(request, &error, attempts).unwrap_or(Performed::Done),
    }
}

fn is_gone(error: &SlackError) -> bool {
    matches!(error.code(), Some("message_not_found" | "cant_update_message" | "edit_window_closed"))
}

pub(super) async fn post(
    engine: &Engine,
    channel: &str,
    said: Said,
    thread: Option<&Message>,
) -> Result<Posted, SlackError> {
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
    // The same of a stage that was open.
    let is_for_waiting = matches!(
        notice,
        Notice::StageOpened | Notice::Reminded | Notice::Escalated | Notice::ExtensionAsked | Notice::PassedOn { .. }
    );
    if is_for_waiting && !request.is_waiting() {
        return Performed::Done;
    }
    // And of a review that is closed.
    if matches!(notice, Notice::ReviewOpened | Notice::ReviewLate) && request.open_review().is_none() {
        return Performed::Done;
    }
    if *notice == Notice::ReviewLate && *to == Recipient::Channel {
        let advice = "somebody whom `review` names has to say whether it was fine";
        tracing::error!(request.id = %request.id, workflow = request.workflow.name, advice, "a review of broken glass is late");
    }
    // Whether what was begun is gone is mostly known a moment later; until then all we could say is "may still be on".
    if *notice == Notice::Failed && is_being_taken_back(request) && attempts < FAILED_ATTEMPTS_MAX {
        return Performed::later(FAILED_PAUSE_MS, "it is being taken back");
    }
    let said = engine.inner.notices.notice(request, notice, to, engine.inner.clock.now_ms());
    let sent = match to {
        Recipient::Person { slack_id } => post(engine, slack_id, said, None).await.map(Some),
        Recipient::Private { slack_id, channel } => {
            private(engine, slack_id, channel.as_deref(), said).await.map(|()| None)
        }
        Recipient::Thread => match request.thread() {
            Some(message) => post(engine, &message.channel, said, Some(message)).await.map(Some),
            None if attempts < THREAD_ATTEMPTS_MAX && is_coming(request) => {
                return Performed::later(pause_ms(attempts, None), "its card is not there yet");
            }
            None => return Performed::Done,
        },
        Recipient::Channel => match request.workflow.announce.as_deref() {
            Some(channel) if matches!(notice, Notice::Stuck | Notice::Unstuck) => {
                match alarms::together(engine, request, notice, channel).await {
                    Some(sent) => sent,
                    None => return Performed::later(pause_ms(attempts, None), "whoever gathered the alarms is gone"),
                }
            }
            Some(channel) => alarm(engine, request, channel, said).await,
            None => return Performed::Done,
        },
    };
    match sent {
        // It is put right when it is so no longer.
        Ok(Some(Posted { channel, ts })) => match notice.shows().filter(|_| *to != Recipient::Thread) {
            Some(shows) if request.may_change(shows) => {
                Performed::happened(Event::Notified { shows, to: to.clone(), channel, ts })
            }
            _ => Performed::Done,
        },
        Ok(None) => Performed::Done,
        Err(error) => not_said(request, &error, attempts).unwrap_or(Performed::Done),
    }
}

/// Says something in the channel itself; where that is not possible, to everybody who can decide: an alarm nobody hears is
/// none.
pub(super) async fn alarm(
    engine: &Engine,
    request: &Request,
    channel: &str,
    said: Said,
) -> Result<Option<Posted>, SlackError> {
    let error = match has_outsiders(engine, channel).await {
        Ok(true) => {
            tracing::error!(request.id = %request.id, channel, "{}", shared_outside(channel).what);
            None
        }
        Ok(false) => match post(engine, channel, said.clone(), None).await {
            Err(error) if !error.is_retryable() && !error.is_fatal_auth() => Some(error),
            sent => return sent.map(Some),
        },
        // It may be shared: those who can decide hear it at once, and nobody else.
        Err(error) => Some(error),
    };
    let mut heard = None;
    for approver in request.everybody_asked() {
        match post(engine, &approver, said.clone(), None).await {
            Ok(at) => heard = Some(at),
            Err(error) if error.is_retryable() || error.is_fatal_auth() => return Err(error),
            Err(error) => tracing::error!(request.id = %request.id, error = %error, "slack does not take this message"),
        }
    }
    match error {
        Some(error) if heard.is_none() => Err(error),
        _ => Ok(heard),
    }
}

/// Being taken back, and it has not failed yet.
fn is_being_taken_back(request: &Request) -> bool {
    request.state == State::Ending && request.steps.iter().all(|step| step.failures == 0)
}

/// The channel's card is on its way.
fn is_coming(request: &Request) -> bool {
    request.cards.iter().any(|card| matches!(card.place, Place::Channel(_)))
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
