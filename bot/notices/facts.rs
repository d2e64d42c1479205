//! What a template can name: the request as it is stored, in plain values. Times are milliseconds since the Unix epoch.
//!
//! Texts are as people typed them, cut to one line of bounded length; the engine escapes them. Everything is always
//! there, empty if it does not apply, so that a name a template misspells is found when it is loaded.

mod approving;
mod lending;
mod reviewing;

use serde::Serialize;

use super::asked::{Asked, asked};
use super::text::{many_lines, one_line};
use super::words;
use crate::kernel::origin::Origin;
use crate::kernel::request::{Phase, Step};
use crate::kernel::workflow::StepUse;
use crate::kernel::{By, Found, Key, Outcome, Place, Proof, Recipient, Request, State, StepType};
use approving::Approving;
use lending::Lending;
use reviewing::Reviewing;

/// People are mentioned so that they are notified; more than this would be a crowd.
const APPROVERS_MAX: usize = 10;
/// Of one-line texts, in characters.
const LINE_MAX: usize = 150;

/// An end this soon after its deadline is on time.
const ON_TIME_MS: i64 = 5_000;

/// Everything about one request.
#[derive(Clone, Debug, Serialize)]
pub struct Facts {
    /// `card` for the card; else who reads: `requester`, `approver`, `thread`, `channel`.
    audience: &'static str,
    /// Who reads, by Slack id, where that is one person.
    reader: String,
    /// Whether the card stands in the direct messages of one approver.
    direct: bool,
    now: i64,
    id: String,
    name: String,
    title: String,
    requester: String,
    /// Who asked for it for them, by Slack id; empty if they did themselves.
    asker: String,
    device: String,
    device_os: String,
    /// For how long it is lent.
    hold: String,
    /// How it came about, if nobody typed it.
    origin: String,
    reason: String,
    /// What else was filled in.
    asked: Vec<Asked>,
    state: &'static str,
    outcome: &'static str,
    stuck: bool,
    emoji: &'static str,
    state_line: &'static str,
    asked_at: i64,
    lapses_at: i64,
    active_at: Option<i64>,
    expires_at: Option<i64>,
    /// By how much its holder can extend it at a time; empty if they cannot.
    can_extend: String,
    /// How often it was extended.
    extended: usize,
    /// By how much it is being extended, which does not count yet; empty if it is not.
    extending: String,
    /// The end it would have then.
    extending_until: Option<i64>,
    /// People are to decide that.
    extending_waits: bool,
    ended_at: Option<i64>,
    /// How long after its time was up the end was verified, if that was more than a few seconds.
    late: String,
    ended_by: String,
    /// Who pressed Retry, if nothing failed since.
    pushed_by: String,
    ended_reason: String,
    /// Where approval stands.
    #[serde(flatten)]
    approving: Approving,
    /// What is lent, and what somebody else made of it.
    #[serde(flatten)]
    lending: Lending,
    /// Broken glass and its review.
    #[serde(flatten)]
    reviewing: Reviewing,
    /// Whether whoever reads this card in direct messages is asked now.
    is_asked: bool,
    approvers: Vec<String>,
    /// Those of them who have not decided.
    unanswered: Vec<String>,
    approvers_more: usize,
    keys: Vec<String>,
    results: Vec<ResultAs>,
    found: Vec<FoundAs>,
    /// It is over, and was read as on by somebody else's doing.
    left_on: bool,
    /// Until when another request keeps all of it on; nothing if none does.
    others_until: Option<i64>,
    may_be_on: Vec<MayBeOn>,
    release_failures: u32,
    was_begun: bool,
    on_before: bool,
    /// Whether something is on as far as the far side answered, and cannot be read back there.
    unread: bool,
    /// A step holds something that nothing but the bot takes back, as its workflow says.
    unguarded: bool,
    /// Steps whose doing is left as it is when it is over, by name.
    stays: Vec<String>,
    trouble: String,
    advice: String,
    can_retry: bool,
    time_left: String,
    card_channel: String,
    /// Why it is not shown in the workflow's channel.
    not_announced: String,
}

/// What a step came to.
#[derive(Clone, Debug, Serialize)]
struct ResultAs {
    step: String,
    name: String,
    value: String,
}

/// What was read back after a step was taken back.
#[derive(Clone, Debug, Serialize)]
struct FoundAs {
    key: String,
    kind: &'static str,
    what: String,
    until: Option<i64>,
    /// Whether it reads as on by somebody else's doing.
    is_on: bool,
    at: i64,
}

/// A step that may still be on while it is taken back.
#[derive(Clone, Debug, Serialize)]
struct MayBeOn {
    key: String,
    /// When the far side ends it by itself at the latest, if it was told or was meant to be.
    ends_at: Option<i64>,
    /// Whether that was read back.
    confirmed: bool,
    /// Whether that time has come.
    past: bool,
}

impl Facts {
    /// Of this request, for a card or list; `now` in milliseconds since the Unix epoch.
    pub fn of(request: &Request, now: i64) -> Self {
        let line = |text: &str| one_line(text, LINE_MAX);
        let people = request.asked_now();
        let device = request.device.as_ref();
        let trouble = request.trouble.as_ref();
        Self {
            audience: "card",
            reader: String::new(),
            direct: false,
            now,
            id: line(request.id.as_str()),
            name: line(&request.workflow.name),
            title: line(&request.workflow.title),
            requester: request.requester.slack_id.clone(),
            asker: request.asker.as_ref().map(|asker| asker.slack_id.clone()).unwrap_or_default(),
            device: device.map(|device| line(&device.name)).unwrap_or_default(),
            device_os: device.map(|device| one_line(&device.os, 40)).unwrap_or_default(),
            hold: if request.workflow.holds_nothing() { String::new() } else { words::hold(request.lent_ms()) },
            origin: origin(request),
            reason: many_lines(&request.reason),
            asked: asked(request),
            state: request.state.word(),
            outcome: request.outcome.map_or("", Outcome::word),
            stuck: request.stuck,
            emoji: words::emoji(request),
            state_line: words::state_line(request),
            asked_at: request.asked_at,
            lapses_at: request.lapses_at(),
            active_at: request.active_at,
            expires_at: request.expires_at,
            can_extend: request.can_extend().map(words::hold).unwrap_or_default(),
            extended: request.extensions.len(),
            extending: request.extending.as_ref().map(|one| words::hold(one.length_ms)).unwrap_or_default(),
            extending_until: request.extending.as_ref().map(|one| one.until),
            extending_waits: request.extending.as_ref().is_some_and(|one| one.waits_in.is_some()),
            ended_at: request.ended_at,
            late: late(request),
            ended_by: request.ended_by.as_ref().map(By::to_string).unwrap_or_default(),
            pushed_by: request.pushed_by.clone().unwrap_or_default(),
            ended_reason: many_lines(&request.ended_reason),
            approving: Approving::of(request),
            lending: Lending::of(request, &[]),
            reviewing: Reviewing::of(request, now),
            is_asked: false,
            unanswered: request.still_asked().into_iter().take(APPROVERS_MAX).collect(),
            approvers: people.iter().take(APPROVERS_MAX).cloned().collect(),
            approvers_more: people.len().saturating_sub(APPROVERS_MAX),
            keys: keys(request).into_iter().take(5).map(line).collect(),
            results: results(request),
            found: request.steps.iter().filter_map(found).take(5).collect(),
            left_on: request.is_left_on(),
            others_until: others_until(request),
            may_be_on: request.steps.iter().filter_map(|step| may_be_on(step, now)).take(5).collect(),
            release_failures: release_failures(request),
            was_begun: request.steps.iter().any(was_begun),
            on_before: request.steps.iter().any(is_on_before),
            unread: request.steps.iter().any(is_unread),
            unguarded: is_unguarded(request),
            stays: stays(request),
            trouble: trouble.map(|trouble| one_line(&trouble.what, 400)).unwrap_or_default(),
            advice: trouble.map(|trouble| one_line(&trouble.advice, 400)).unwrap_or_default(),
            can_retry: can_retry(request, now),
            time_left: time_left(request, now),
            card_channel: card_channel(request),
            not_announced: request.not_announced.as_deref().map(line).unwrap_or_default(),
        }
    }

    /// The same with what is lent, in the words of these step types.
    pub fn lending(self, request: &Request, types: &[StepType]) -> Self {
        Self { lending: Lending::of(request, types), ..self }
    }

    /// The same for one place of the card.
    pub fn at_place(mut self, place: &Place) -> Self {
        if let Place::Approver(reader) = place {
            self.direct = true;
            self.reader = reader.clone();
            self.is_asked = self.approvers.contains(reader);
            self.approvers.retain(|other| other != reader);
        }
        self
    }

    /// The same for whoever is told.
    pub fn told(self, to: &Recipient) -> Self {
        let audience = match to {
            Recipient::Person { slack_id } | Recipient::Private { slack_id, .. } if *slack_id == self.requester => {
                "requester"
            }
            Recipient::Person { .. } | Recipient::Private { .. } => "approver",
            Recipient::Thread => "thread",
            Recipient::Channel => "channel",
        };
        let reader = match to {
            Recipient::Person { slack_id } | Recipient::Private { slack_id, .. } => slack_id.clone(),
            Recipient::Thread | Recipient::Channel => String::new(),
        };
        Self { audience, reader, ..self }
    }
}

/// As people say it: `by schedule, as alice@example.com`.
fn origin(request: &Request) -> String {
    match &request.origin {
        Origin::Typed => String::new(),
        Origin::Schedule { run_as, .. } => format!("by schedule, as {}", one_line(run_as, 100)),
        Origin::Unknown => "by itself".to_owned(),
    }
}

/// Whether Retry makes sense: a failed grant under its old approval, also while it is still being cleaned up (the
/// button is pressed later), or taking back that does not work.
pub fn can_retry(request: &Request, now: i64) -> bool {
    let window = request.approved_at.map(|at| at.saturating_add(request.workflow.lapse_after_ms));
    let restarts = request.state == State::Ending
        && request.outcome == Some(Outcome::Failed)
        && window.is_some_and(|until| now < until);
    request.can_restart(now) || restarts || needs_push(request)
}

/// Whether taking back has failed so far.
pub fn needs_push(request: &Request) -> bool {
    request.state == State::Ending && (request.stuck || release_failures(request) > 0)
}

fn release_failures(request: &Request) -> u32 {
    let releasing = request.steps.iter().filter(|step| step.phase == Phase::Releasing);
    releasing.map(|step| step.failures).max().unwrap_or(0)
}

/// What each step touches; of one that is not known yet, its type.
fn keys(request: &Request) -> Vec<&str> {
    let steps = request.steps.iter().zip(&request.workflow.steps).filter(|(step, _)| step.is_taken());
    steps.map(|(step, written)| step.key.as_ref().map_or(written.uses.as_str(), Key::as_str)).collect()
}

/// What is left as it is when everything else is taken back, as the workflow says.
fn stays(request: &Request) -> Vec<String> {
    let steps = request.steps.iter().zip(&request.workflow.steps);
    let staying = steps.filter(|(step, written)| step.is_taken() && written.stays());
    staying.map(|(_, written)| one_line(written.name(), 40)).take(5).collect()
}

/// Whether nothing but the bot takes back a part of it.
fn is_unguarded(request: &Request) -> bool {
    let mut steps = request.steps.iter().zip(&request.workflow.steps);
    steps.any(|(step, written)| step.is_taken() && written.is_unguarded())
}

fn results(request: &Request) -> Vec<ResultAs> {
    let of = |(step, written): (&Step, &StepUse)| {
        let named = step.results.clone().into_iter().map(|(name, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            ResultAs { step: one_line(written.name(), 40), name: one_line(&name, 40), value: one_line(&value, 200) }
        });
        named.collect::<Vec<_>>()
    };
    request.steps.iter().zip(&request.workflow.steps).flat_map(of).take(10).collect()
}

fn found(step: &Step) -> Option<FoundAs> {
    let proof = step.proof.as_ref().filter(|_| step.phase == Phase::Gone)?;
    let (kind, what, until) = match &proof.found {
        Found::Gone => ("gone", "", None),
        Found::GoneBut { what } => ("gone_but", what.as_str(), None),
        Found::Told { .. } => ("told", "", None),
        // Nothing was switched on: that is said in its own words.
        Found::Untouched => return None,
        Found::PutBack { what, .. } => ("put_back", what.as_str(), None),
        Found::LeftAlone { what, .. } => ("left_alone", what.as_str(), None),
        Found::HeldByOthers { until } => ("held_by_others", "", Some(*until)),
        Found::OnBefore => ("on_before", "", None),
        Found::TakenAway => ("taken_away", "", None),
        // Nothing that is over can read back as ours and on; if it ever did, say it and not something nicer.
        Found::On { until } => ("on", "", *until),
    };
    let key = step.key.as_ref().map(Key::as_str).unwrap_or_default();
    let (key, what) = (one_line(key, LINE_MAX), one_line(what, 300));
    Some(FoundAs { key, kind, what, until, is_on: proof.found.is_left_on(), at: proof.at })
}

/// The earliest of those ends, if every step stays on for somebody.
fn others_until(request: &Request) -> Option<i64> {
    let until = |step: &Step| match step.proof.as_ref().map(|proof| &proof.found) {
        Some(Found::HeldByOthers { until }) => Some(*until),
        _ => None,
    };
    let ends: Option<Vec<i64>> = request.steps.iter().filter(|step| step.is_taken()).map(until).collect();
    ends?.into_iter().min().filter(|_| request.state == State::Ended)
}

fn late(request: &Request) -> String {
    let late_ms = match (request.outcome, request.expires_at, request.ended_at) {
        (Some(Outcome::Expired), Some(expires_at), Some(ended_at)) => ended_at.saturating_sub(expires_at),
        _ => 0,
    };
    if late_ms > ON_TIME_MS { words::hold(late_ms) } else { String::new() }
}

fn was_begun(step: &Step) -> bool {
    !matches!(step.phase, Phase::Waiting | Phase::LeftOut)
        && !matches!(step.proof, Some(Proof { found: Found::Untouched, .. }))
}

fn is_unread(step: &Step) -> bool {
    matches!(step.proof, Some(Proof { found: Found::Told { is_on: true }, .. }))
}

fn is_on_before(step: &Step) -> bool {
    matches!(step.proof, Some(Proof { found: Found::OnBefore, .. })) && step.phase == Phase::Held
}

fn may_be_on(step: &Step, now: i64) -> Option<MayBeOn> {
    if step.phase != Phase::Releasing {
        return None;
    }
    let (ends_at, confirmed) = match step.proof.as_ref().map(|proof| &proof.found) {
        Some(Found::On { until }) => (*until, true),
        Some(Found::OnBefore) => (None, true),
        _ => (step.until, false),
    };
    let past = ends_at.is_some_and(|at| at <= now);
    let key = step.key.as_ref().map(Key::as_str).unwrap_or_default();
    Some(MayBeOn { key: one_line(key, LINE_MAX), ends_at, confirmed, past })
}

/// Seconds matter only at the end.
fn time_left(request: &Request, now: i64) -> String {
    let left_ms = request.expires_at.map_or(0, |at| at.saturating_sub(now)).max(0);
    let grain_ms = if left_ms > 600_000 { 60_000 } else { 1_000 };
    words::hold(left_ms / grain_ms * grain_ms)
}

/// The channel its card is in: by id once it stands there. Empty if approvers have it in their direct messages.
fn card_channel(request: &Request) -> String {
    let posted = request.thread().map(|message| message.channel.clone());
    posted.or_else(|| request.workflow.channel().map(str::to_owned)).map(|name| one_line(&name, 80)).unwrap_or_default()
}
