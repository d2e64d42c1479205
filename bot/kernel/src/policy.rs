//! The one gate: who may ask, decide, return, revoke and retry. The answer names the rule that decided.

use crate::approval::{Approval, StageNow};
use crate::event::Button;
use crate::person::{Person, Standing, Who};
use crate::refusal::Refusal;
use crate::request::{Ask, Request};
use crate::workflow::{OwnRequest, Stage, Workflow};
use nightlatch_planted::{Fault, is_planted};

/// Whether this person may request under this workflow; the rule that lets them.
pub fn may_ask<'w>(workflow: &'w Workflow, person: &Person) -> Result<&'w Who, Refusal> {
    must_be_member(person)?;
    let ask =
        matching(&workflow.ask, person).or_else(|| workflow.ask.first().filter(|_| is_planted(Fault::AnybodyAsks)));
    ask.ok_or_else(|| Refusal::MayNotAsk { ask: workflow.ask.clone() })
}

/// Whether this person may request under this workflow for somebody else; the rule that lets them.
pub fn may_ask_for<'w>(workflow: &'w Workflow, person: &Person) -> Result<&'w Who, Refusal> {
    must_be_member(person)?;
    let ask_for = workflow.ask_for.clone();
    matching(&workflow.ask_for, person).ok_or(Refusal::MayNotAskFor { ask_for })
}

/// Whether this may be asked: whoever gets it may ask for it, and whoever asks for somebody else may do that.
pub fn may_be_asked(ask: &Ask) -> Result<(), Refusal> {
    let (workflow, requester) = (&ask.workflow, &ask.requester);
    let Some(asker) = &ask.asker else { return may_ask(workflow, requester).map(drop) };
    may_ask_for(workflow, asker)?;
    if ask.breaks_glass {
        return Err(Refusal::GlassForAnother);
    }
    may_ask(workflow, requester).map(drop).map_err(|why| match why {
        Refusal::MayNotAsk { ask } => Refusal::NotForThem { slack_id: requester.slack_id.clone(), ask },
        why => why,
    })
}

/// Whether this person may have it at once and without approval; the rule that lets them. They must be among those who may ask, too.
pub fn may_break_glass<'w>(workflow: &'w Workflow, person: &Person) -> Result<&'w Who, Refusal> {
    may_ask(workflow, person)?;
    let who = workflow.break_glass.as_ref().map(|glass| glass.who.as_slice()).unwrap_or_default();
    let first = who.first().filter(|_| is_planted(Fault::AnybodyBreaks));
    matching(who, person).or(first).ok_or_else(|| Refusal::MayNotBreakGlass { who: who.to_vec() })
}

/// Everybody whose belonging must be known to tell whether a button may be pressed on this request.
pub fn rules_for(request: &Request, button: Option<&Button>) -> Vec<Who> {
    match button {
        Some(Button::BreakGlass) => request.workflow.askers(),
        Some(Button::Extend { .. }) => request.workflow.ask.clone(),
        Some(Button::Review { .. }) => request.reviewers().to_vec(),
        // Of every stage: which one is open is known when the press is counted.
        Some(Button::Approve { .. } | Button::Deny { .. } | Button::Pass { .. }) => request.approvers_now(),
        _ => request.workflow.approvers(),
    }
}

/// Whether this person decides in one of the stages, and so may take back and retry; the first rule that lets them.
pub fn may_decide<'r>(request: &'r Request, person: &Person) -> Result<&'r Who, Refusal> {
    must_be_member(person)?;
    let mut rules = request.workflow.approve.iter().flat_map(Stage::all_rules);
    let first = rules.clone().next().filter(|_| is_planted(Fault::AnybodyDecides));
    let rule = rules.find(|rule| rule.means(person)).or(first);
    rule.ok_or_else(|| Refusal::NotAnApprover { by: request.workflow.approvers() })
}

/// Whether this person may see everything that is lent under this workflow: whoever decides in one of its stages.
pub fn may_oversee(workflow: &Workflow, person: &Person) -> bool {
    must_be_member(person).is_ok() && workflow.approve.iter().flat_map(Stage::all_rules).any(|rule| rule.means(person))
}

/// Whether this person may press this button on this request now. Everything that comes from people passes here.
pub fn may_press(request: &Request, person: &Person, button: &Button) -> Result<Option<Who>, Refusal> {
    must_be_member(person)?;
    match button {
        Button::Approve { confirmed, hold_ms } => may_approve(request, person, (*confirmed, *hold_ms)).map(Some),
        Button::Deny { .. } => may_deny(request, person).map(Some),
        Button::Pass { to } => may_pass(request, person, to).map(Some),
        Button::Revoke { .. } if request.is_requester(person) => Ok(None),
        Button::Revoke { .. } => Ok(Some(may_decide(request, person)?.clone())),
        Button::Withdraw | Button::Return if request.is_requester(person) => Ok(None),
        // Whoever asked for somebody else may think better of it, as long as nothing was decided.
        Button::Withdraw if request.is_asker(person) => Ok(None),
        Button::Withdraw | Button::Return => Err(Refusal::NotYours),
        Button::Retry if request.is_requester(person) => Ok(None),
        Button::Retry => Ok(Some(may_decide(request, person)?.clone())),
        // Nobody puts back for themselves what somebody took away from them.
        Button::PutBack if request.is_requester(person) || request.is_one_of_both(person) => Err(Refusal::OwnRequest),
        Button::Adopt if request.is_requester(person) => Ok(None),
        Button::PutBack | Button::Adopt => Ok(Some(may_decide(request, person)?.clone())),
        Button::Extend { length_ms } => may_extend(request, person, *length_ms).map(Some),
        Button::BreakGlass => may_raise(request, person).map(Some),
        Button::Review { is_fine, word } => may_review(request, person, *is_fine || !word.trim().is_empty()).map(Some),
    }
}

/// Only its holder, who may still ask for it, and never longer than the workflow says.
fn may_extend(request: &Request, person: &Person, length_ms: i64) -> Result<Who, Refusal> {
    if !request.is_requester(person) || person.login != request.requester.login {
        return Err(Refusal::NotYours);
    }
    let rule = may_ask(&request.workflow, person)?.clone();
    let Some(max_ms) = request.may_ever_extend() else {
        let times = request.workflow.extend.as_ref().map(|extend| extend.times);
        return Err(match times.filter(|_| !request.broke_glass() && !request.extensions.is_empty()) {
            Some(times) => Refusal::ExtendedEnough { times },
            None => Refusal::NotExtended,
        });
    };
    if length_ms < 0 || length_ms > max_ms { Err(Refusal::HoldTooLong { max_ms }) } else { Ok(rule) }
}

/// Only for oneself, with a reason, and not for longer than may be.
fn may_raise(request: &Request, person: &Person) -> Result<Who, Refusal> {
    if request.asker.is_some() {
        return Err(Refusal::GlassForAnother);
    }
    if !request.is_requester(person) || person.login != request.requester.login {
        return Err(Refusal::NotYours);
    }
    let rule = may_break_glass(&request.workflow, person)?.clone();
    if request.reason.trim().is_empty() {
        return Err(Refusal::NoReason);
    }
    match request.workflow.break_glass.as_ref().map(|glass| glass.max_hold_ms) {
        Some(max_ms) if request.lent_ms() > max_ms => Err(Refusal::HoldTooLong { max_ms }),
        _ => Ok(rule),
    }
}

/// Whoever asked reviews nothing of it, in whatever group they are.
fn may_review(request: &Request, person: &Person, says_enough: bool) -> Result<Who, Refusal> {
    if request.is_requester(person) && !is_planted(Fault::ReviewsOwn) {
        return Err(Refusal::OwnReview);
    }
    let by = request.reviewers();
    let rule = matching(by, person).ok_or_else(|| Refusal::NotAReviewer { by: by.to_vec() })?;
    if says_enough { Ok(rule.clone()) } else { Err(Refusal::NoWord) }
}

fn may_approve(
    request: &Request,
    person: &Person,
    (is_confirmed, hold_ms): (bool, Option<i64>),
) -> Result<Who, Refusal> {
    let approval = request.approval();
    let (stage, rule) = deciding_now(request, &approval, person)?;
    // Whatever a stage says of own requests: what one asks for somebody else is decided by neither.
    if request.is_one_of_both(person) {
        return Err(Refusal::OwnRequest);
    }
    if request.is_requester(person) {
        match stage.stage.own_request {
            OwnRequest::Never if is_planted(Fault::CountsOwn) => {}
            OwnRequest::Never => return Err(Refusal::OwnRequest),
            OwnRequest::Confirm if !is_confirmed => return Err(Refusal::ConfirmOwnRequest { hold_ms }),
            OwnRequest::Confirm | OwnRequest::Allow => {}
        }
    }
    may_be_for(request, hold_ms)?;
    let planted = [Fault::AnybodyDecides, Fault::CountsLate, Fault::CountsTwice].into_iter().any(is_planted);
    let rule = stage.helps(person).or(planted.then_some(rule));
    rule.cloned().ok_or_else(|| Refusal::NotNeeded { by: waited_for(stage) })
}

/// Less time than was asked, never more; an extension is approved as it was asked.
fn may_be_for(request: &Request, hold_ms: Option<i64>) -> Result<(), Refusal> {
    match hold_ms {
        Some(_) if request.is_extension_asked() => Err(Refusal::ExtensionAsAsked),
        Some(hold_ms) if !(1..=request.hold_ms).contains(&hold_ms) => {
            Err(Refusal::LongerThanAsked { asked_ms: request.hold_ms })
        }
        _ => Ok(()),
    }
}

fn may_deny(request: &Request, person: &Person) -> Result<Who, Refusal> {
    let approval = request.approval();
    let (stage, rule) = deciding_now(request, &approval, person)?;
    let is_never = stage.stage.own_request == OwnRequest::Never || request.asker.is_some();
    if is_never && (request.is_requester(person) || request.is_asker(person)) {
        return Err(Refusal::OwnDenial);
    }
    Ok(rule.clone())
}

/// Whoever could approve it themselves, to somebody else. Whether that one may decide is found out next.
fn may_pass(request: &Request, person: &Person, to: &str) -> Result<Who, Refusal> {
    if person.slack_id == to {
        return Err(Refusal::PassedToThemselves);
    }
    // One who may approve their own request after saying so has a turn, too.
    may_approve(request, person, (true, None))
}

/// Whether this person may take over a turn in the stage that waits: somebody whose yes would count.
pub fn may_take_over(request: &Request, person: &Person) -> Result<Who, Refusal> {
    let slack_id = || person.slack_id.clone();
    if request.decisions.iter().any(|one| one.round == request.round() && one.is_by(person)) {
        return Err(Refusal::TheyDecided { slack_id: slack_id() });
    }
    let is_theirs = request.is_requester(person) || request.is_asker(person);
    must_be_member(person).and_then(|()| may_approve(request, person, (true, None))).map_err(|why| match why {
        _ if is_theirs => Refusal::PassedToRequester { slack_id: slack_id() },
        Refusal::OwnRequest => Refusal::PassedToRequester { slack_id: slack_id() },
        Refusal::Standing { .. } => Refusal::CannotTakeOver { slack_id: slack_id(), by: by_now(request) },
        Refusal::NotAnApprover { by }
        | Refusal::StageIsOver { by }
        | Refusal::StageComesLater { by }
        | Refusal::NotNeeded { by } => Refusal::CannotTakeOver { slack_id: slack_id(), by },
        why => why,
    })
}

/// Whom the stage that waits takes.
fn by_now(request: &Request) -> Vec<Who> {
    request.approval().open().map(waited_for).unwrap_or_default()
}

/// The stage that waits, and the rule by which this person decides in it.
fn deciding_now<'a, 'r>(
    request: &'r Request,
    approval: &'a Approval<'r>,
    person: &Person,
) -> Result<(&'a StageNow<'r>, &'r Who), Refusal> {
    let late = approval.stages.last().filter(|_| is_planted(Fault::CountsLate));
    let nobody = || Refusal::NotAnApprover { by: request.approvers_now() };
    let open = approval.open().or(late).ok_or_else(nobody)?;
    let first = open.rules().next().filter(|_| is_planted(Fault::AnybodyDecides));
    if let Some(rule) = open.rules().find(|rule| rule.means(person)).or(first) {
        return Ok((open, rule));
    }
    let decides_in = |stage: &&StageNow<'_>| stage.rules().any(|rule| rule.means(person));
    Err(match approval.stages.iter().find(decides_in) {
        Some(other) if other.index < open.index => Refusal::StageIsOver { by: waited_for(open) },
        Some(_) => Refusal::StageComesLater { by: waited_for(open) },
        None => Refusal::NotAnApprover { by: open.rules().cloned().collect() },
    })
}

/// Whom a stage waits for.
fn waited_for(stage: &StageNow<'_>) -> Vec<Who> {
    let mut by: Vec<Who> = Vec::new();
    for who in stage.open_clauses().flat_map(|clause| &clause.by) {
        if !by.contains(who) {
            by.push((*who).clone());
        }
    }
    by
}

fn must_be_member(person: &Person) -> Result<(), Refusal> {
    match person.standing {
        Standing::Member => Ok(()),
        standing => Err(Refusal::Standing { standing }),
    }
}

fn matching<'w>(whos: &'w [Who], person: &Person) -> Option<&'w Who> {
    whos.iter().find(|who| who.means(person))
}

#[cfg(test)]
mod tests;
