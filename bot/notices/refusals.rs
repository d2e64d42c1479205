//! What the words of a refusal can name. The words themselves stand in `templates/slack/refusals.txt`.

use serde::Serialize;

use super::text::one_line;
use super::words;
use crate::kernel::approval::StageNow;
use crate::kernel::guardrail::Rule;
use crate::kernel::person::{Standing, Who};
use crate::kernel::{Outcome, Refusal, Request, State};

/// Everything `refusals.txt` can name; what does not apply is empty. Texts are as people typed them, and the engine escapes them.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Why {
    /// Which refusal it is.
    why: &'static str,
    /// Of the workflow, where a request is known.
    title: String,
    name: String,
    /// Whom it takes.
    who: String,
    /// Whoever it is for, by Slack id, where that is somebody else.
    them: String,
    /// Whether somebody asked for somebody else.
    is_for_another: bool,
    /// Who else can decide.
    others: String,
    /// The most there is.
    hold: String,
    /// How many may wait at once.
    most: u32,
    missing: String,
    /// The end that it has, or would have.
    until: Option<i64>,
    /// Whether that waits for approval.
    until_waits: bool,
    /// For `when`: ends are said to the minute.
    now: i64,
    /// The guardrail that says no, and its reason.
    guardrail: String,
    reason: String,
    state: &'static str,
    outcome: &'static str,
    /// Who decided, by Slack id.
    by: Vec<String>,
    denied_by: String,
    ended_by: String,
    /// It was revoked, and by nobody whom Slack knows.
    by_hand: bool,
    standing: &'static str,
}

impl Why {
    /// Of this refusal, about this request if there is one yet.
    pub fn of(refusal: &Refusal, request: Option<&Request>) -> Self {
        let mut all = Self { why: word(refusal), ..Self::default() };
        if let Some(request) = request {
            all.title = one_line(&request.workflow.title, 80);
            all.name = one_line(&request.workflow.name, 80);
            all.others = others(request);
            all.ended_by = request.ended_by.as_ref().map(ToString::to_string).unwrap_or_default();
            all.by_hand = request.ended_by.is_none();
            all.is_for_another = request.asker.is_some();
            all.until_waits = request.is_extension_asked();
        }
        match refusal {
            Refusal::MayNotAsk { ask: who }
            | Refusal::NotAnApprover { by: who }
            | Refusal::StageIsOver { by: who }
            | Refusal::StageComesLater { by: who }
            | Refusal::NotNeeded { by: who }
            | Refusal::NotAReviewer { by: who } => all.who = one_of(who),
            Refusal::MayNotAskFor { ask_for } if !ask_for.is_empty() => all.who = one_of(ask_for),
            Refusal::NotForThem { slack_id, ask } => (all.them, all.who) = (slack_id.clone(), one_of(ask)),
            Refusal::CannotTakeOver { slack_id, by } => (all.them, all.who) = (slack_id.clone(), one_of(by)),
            Refusal::PassedToRequester { slack_id } | Refusal::TheyDecided { slack_id } => {
                all.them = slack_id.clone();
            }
            Refusal::MayNotBreakGlass { who } if !who.is_empty() => all.who = one_of(who),
            Refusal::NoOpenReview { by } => all.by = by.iter().cloned().collect(),
            Refusal::TooLate { state, outcome, by } => {
                (all.state, all.outcome) = (state.word(), outcome.map_or("", Outcome::word));
                // A denial is always the last decision.
                all.denied_by = by.last().cloned().unwrap_or_default();
                all.by = by.iter().take(5).cloned().collect();
            }
            Refusal::TooEarly { state } => all.state = state.word(),
            Refusal::Standing { standing } => all.standing = standing_word(*standing),
            Refusal::HoldTooLong { max_ms } if *max_ms > 0 => all.hold = words::hold(*max_ms),
            Refusal::LongerThanAsked { asked_ms } => all.hold = words::hold(*asked_ms),
            Refusal::TooManyPending { most } | Refusal::ExtendedEnough { times: most } => all.most = *most,
            Refusal::ExtendedAlready { until }
            | Refusal::BeingExtended { until }
            | Refusal::ExtensionDecided { until } => all.until = Some(*until),
            Refusal::Forbidden { rule, .. } => {
                (all.guardrail, all.reason) = (one_line(&rule.id, 80), one_line(&rule.reason, 300));
            }
            Refusal::HadAlready { id } => all.missing = one_line(id.as_str(), 80),
            Refusal::Unusable { missing } => all.missing = one_line(missing, 80),
            _ => {}
        }
        all
    }
}

fn word(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::MayNotAsk { .. } => "may_not_ask",
        Refusal::MayNotAskFor { .. } => "may_not_ask_for",
        Refusal::NotForThem { .. } => "not_for_them",
        Refusal::GlassForAnother => "glass_for_another",
        Refusal::NotAnApprover { .. } => "not_an_approver",
        Refusal::StageIsOver { .. } => "stage_is_over",
        Refusal::StageComesLater { .. } => "stage_comes_later",
        Refusal::NotNeeded { .. } => "not_needed",
        Refusal::OwnRequest => "own_request",
        Refusal::OwnDenial => "own_denial",
        Refusal::ConfirmOwnRequest { .. } => "confirm_own_request",
        Refusal::LongerThanAsked { .. } => "longer_than_asked",
        Refusal::ExtensionAsAsked => "extension_as_asked",
        Refusal::PassedToThemselves => "passed_to_themselves",
        Refusal::CannotTakeOver { .. } => "cannot_take_over",
        Refusal::PassedToRequester { .. } => "passed_to_requester",
        Refusal::TheyDecided { .. } => "they_decided",
        Refusal::DecidedBefore => "decided_before",
        Refusal::TooLate { .. } => "too_late",
        Refusal::TooEarly { .. } => "too_early",
        Refusal::NotYours => "not_yours",
        Refusal::Standing { .. } => "standing",
        Refusal::Altered => "altered",
        Refusal::HoldTooLong { .. } => "hold_too_long",
        Refusal::MayNotBreakGlass { .. } => "may_not_break_glass",
        Refusal::NoReason => "no_reason",
        Refusal::NotAReviewer { .. } => "not_a_reviewer",
        Refusal::OwnReview => "own_review",
        Refusal::NoOpenReview { .. } => "no_open_review",
        Refusal::NotExtended => "not_extended",
        Refusal::ExtendedEnough { .. } => "extended_enough",
        Refusal::ExtendedAlready { .. } => "extended_already",
        Refusal::BeingExtended { .. } => "being_extended",
        Refusal::ExtensionDecided { .. } => "extension_decided",
        Refusal::NoDrift => "no_drift",
        Refusal::NoWord => "no_word",
        Refusal::Unusable { .. } => "unusable",
        Refusal::TooManyPending { .. } => "too_many_pending",
        Refusal::HadAlready { .. } => "had_already",
        Refusal::Forbidden { is_broken: true, .. } => "broken_guardrail",
        Refusal::Forbidden { .. } => "forbidden",
    }
}

fn standing_word(standing: Standing) -> &'static str {
    match standing {
        Standing::Member => "member",
        Standing::Guest => "guest",
        Standing::Outsider => "outsider",
        Standing::Bot => "bot",
        Standing::Deactivated => "deactivated",
        Standing::Unknown => "unknown",
    }
}

fn one_of(who: &[Who]) -> String {
    match who {
        [] => "somebody this workflow does not name".to_owned(),
        [only] if only.hangs_on_request() => words::who(only),
        who => format!("one of {}", words::plain_whos(who, "or")),
    }
}

/// Those of the stage that is open.
fn others(request: &Request) -> String {
    let approval = request.approval();
    let rules: Vec<Who> = approval.open().into_iter().flat_map(StageNow::rules).cloned().collect();
    words::plain_whos(&rules, "or")
}

/// One of each, with a request and without, to try templates with.
pub fn samples() -> Vec<Refusal> {
    let who = vec![Who::Email("carol@example.com".to_owned())];
    let states = [State::Pending, State::Approved, State::Active, State::Ending, State::Ended];
    let outcomes = [
        None,
        Some(Outcome::Denied),
        Some(Outcome::Withdrawn),
        Some(Outcome::Lapsed),
        Some(Outcome::Failed),
        Some(Outcome::Returned),
        Some(Outcome::Revoked),
        Some(Outcome::Expired),
        Some(Outcome::Done),
    ];
    let standings = [
        Standing::Member,
        Standing::Guest,
        Standing::Outsider,
        Standing::Bot,
        Standing::Deactivated,
        Standing::Unknown,
    ];
    let mut all = vec![
        Refusal::MayNotAsk { ask: who.clone() },
        Refusal::MayNotAskFor { ask_for: who.clone() },
        Refusal::MayNotAskFor { ask_for: Vec::new() },
        Refusal::NotForThem { slack_id: "U0BOB".to_owned(), ask: who.clone() },
        Refusal::GlassForAnother,
        Refusal::NotAnApprover { by: who.clone() },
        Refusal::StageIsOver { by: who.clone() },
        Refusal::StageComesLater { by: who.clone() },
        Refusal::NotNeeded { by: who.clone() },
        Refusal::MayNotBreakGlass { who: who.clone() },
        Refusal::MayNotBreakGlass { who: Vec::new() },
        Refusal::NoReason,
        Refusal::NotAReviewer { by: who },
        Refusal::OwnReview,
        Refusal::NoOpenReview { by: Some("U0BOB".to_owned()) },
        Refusal::NoOpenReview { by: None },
        Refusal::NotExtended,
        Refusal::ExtendedEnough { times: 2 },
        Refusal::ExtendedAlready { until: 1_795_352_400_000 },
        Refusal::BeingExtended { until: 1_795_352_400_000 },
        Refusal::ExtensionDecided { until: 1_795_352_400_000 },
        Refusal::NoWord,
        Refusal::OwnRequest,
        Refusal::OwnDenial,
        Refusal::ConfirmOwnRequest { hold_ms: None },
        Refusal::DecidedBefore,
        Refusal::TooEarly { state: State::Pending },
        Refusal::TooEarly { state: State::Active },
        Refusal::NotYours,
        Refusal::Altered,
        Refusal::HoldTooLong { max_ms: 3_600_000 },
        Refusal::HoldTooLong { max_ms: 0 },
        Refusal::TooManyPending { most: 50 },
        Refusal::HadAlready { id: crate::kernel::RequestId("0s2k9x4v7m3q8w5ztb".to_owned()) },
        Refusal::Unusable { missing: "step".to_owned() },
    ];
    all.extend([false, true].map(|is_broken| {
        let rule = Rule { id: "office-hours".to_owned(), reason: "not at night".to_owned() };
        Refusal::Forbidden { rule, is_broken }
    }));
    all.extend(standings.map(|standing| Refusal::Standing { standing }));
    all.extend(of_turns());
    for state in states {
        all.extend(outcomes.map(|outcome| Refusal::TooLate { state, outcome, by: vec!["U0BOB".to_owned()] }));
    }
    all
}

/// Of approving for less time, and of a turn that is not passed on.
fn of_turns() -> Vec<Refusal> {
    let slack_id = || "U0BOB".to_owned();
    vec![
        Refusal::LongerThanAsked { asked_ms: 7_200_000 },
        Refusal::ExtensionAsAsked,
        Refusal::PassedToThemselves,
        Refusal::CannotTakeOver { slack_id: slack_id(), by: vec![Who::DeviceOwner] },
        Refusal::CannotTakeOver { slack_id: slack_id(), by: Vec::new() },
        Refusal::PassedToRequester { slack_id: slack_id() },
        Refusal::TheyDecided { slack_id: slack_id() },
    ]
}
