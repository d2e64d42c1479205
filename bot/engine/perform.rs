//! Performing one effect: what each of them does in the world, and what is reported back.

use super::guarding::{Wanted, all_read};
use super::jobs::Work;
use super::people::Looked;
use super::performed::{Performed, pause_ms};
use super::{Engine, links, passing, saying, schedule, settle, showing, typed};
use crate::kernel::effect::Effect;
use crate::kernel::guardrail::{Action, Judgement};
use crate::kernel::paste::{PasteId, Wish};
use crate::kernel::workflow::{OwnRequest, Stage};
use crate::kernel::{Actor, Button, Event, Failure, Person, Purpose, Request, Who, policy};
use crate::store::{StoreError, Waiting};

/// Somebody presses a button and waits: this often we try to find out who they are before telling them it failed.
pub(super) const IDENTIFY_ATTEMPTS_MAX: i64 = 5;
/// A request without approvers reaches nobody: tried for about ten minutes.
const FIND_ATTEMPTS_MAX: i64 = 14;

/// Performs one effect. Everything in here can be done twice.
pub(super) async fn perform(engine: &Engine, waiting: &Waiting) -> Performed {
    // These need no request, or the writer reads it.
    match &waiting.effect {
        Effect::Wake { wake } => return Performed::happened(Event::Woke { wake: *wake }),
        Effect::Settle { key } => return settle::settle(engine, key).await,
        Effect::Look { key } => return settle::look(engine, key).await,
        Effect::Say { .. } => return saying::say(engine, waiting).await,
        Effect::StartWorkflow { start } => return schedule::start(engine, waiting, start).await,
        Effect::ExpirePaste { id } => return expire_paste(id),
        Effect::SaveLink { change, by } => return links::sending::perform(engine, waiting, change, by).await,
        Effect::PostPaste { posting } => return engine.inner.pastes.perform_post(waiting, posting).await,
        Effect::DeletePaste { deletion } => return engine.inner.pastes.perform_delete(waiting, deletion).await,
        _ => {}
    }
    let Some(id) = waiting.subject.request() else {
        return Performed::SetAside { why: format!("{} is no request", waiting.subject) };
    };
    match &waiting.effect {
        Effect::Complete { typed } => return typed::complete(engine, waiting, id.clone(), typed).await,
        Effect::Answer { typed, not_asked } => {
            return typed::answer(engine, (waiting, id), typed, not_asked.as_ref()).await;
        }
        _ => {}
    }
    let request = match engine.inner.store.load(id).await {
        Ok(request) => request,
        Err(error @ (StoreError::Unreadable(_) | StoreError::NoSuchRequest(_))) => {
            return Performed::SetAside { why: error.to_string() };
        }
        Err(error) => return Performed::later(1_000, &error.to_string()),
    };
    match &waiting.effect {
        Effect::Identify { purpose: Purpose::Passing, .. } => passing::look(engine, &request, waiting.attempts).await,
        Effect::Identify { slack_id, purpose } => identify(engine, &request, slack_id, purpose, waiting.attempts).await,
        Effect::FindApprovers { stage } => find_approvers(engine, &request, *stage, waiting.attempts).await,
        Effect::FindTier { stage, tier } => find_tier(engine, &request, (*stage, *tier), waiting.attempts).await,
        Effect::FindReviewers => find_reviewers(engine, &request, waiting.attempts).await,
        Effect::Show { place } => showing::show(engine, &request, place, waiting).await,
        Effect::Tell { to, notice } => showing::tell(engine, &request, to, notice, waiting.attempts).await,
        Effect::Rewrite { message, to, notice } => {
            showing::rewrite(engine, &request, message, (to, notice), waiting.attempts).await
        }
        Effect::Wake { .. }
        | Effect::Settle { .. }
        | Effect::Look { .. }
        | Effect::Say { .. }
        | Effect::StartWorkflow { .. }
        | Effect::ExpirePaste { .. }
        | Effect::SaveLink { .. }
        | Effect::PostPaste { .. }
        | Effect::DeletePaste { .. }
        | Effect::Complete { .. }
        | Effect::Answer { .. } => Performed::Done,
    }
}

/// Nothing to do in the world: the writer removes it, if its end is still this one.
fn expire_paste(id: &str) -> Performed {
    match PasteId::read(id) {
        Some(id) => Performed::write(Work::Paste(Box::new(Wish::Expire { id }.into())), Actor::Clock, || ()),
        None => Performed::Done,
    }
}

async fn identify(engine: &Engine, request: &Request, slack_id: &str, purpose: &Purpose, attempts: i64) -> Performed {
    if matches!(purpose, Purpose::Start | Purpose::Extending) && engine.is_of_a_copy(request) {
        return Performed::later(settle::RESTORED_PAUSE_MS, settle::NOT_ACCEPTED);
    }
    match identified(engine, request, slack_id, purpose).await {
        Ok((person, judged)) => {
            Performed::happened(Event::Identified { purpose: purpose.clone(), person, judged: judged.map(Box::new) })
        }
        Err(failure) if failure.retryable && attempts < IDENTIFY_ATTEMPTS_MAX => put_off(&failure, attempts),
        Err(failure) => Performed::happened(Event::NotIdentified { purpose: purpose.clone(), failure }),
    }
}

/// Who it is, read afresh, and what guardrails say to what they want, if any has a say in it.
async fn identified(
    engine: &Engine,
    request: &Request,
    slack_id: &str,
    purpose: &Purpose,
) -> Result<(Person, Option<Judgement>), Failure> {
    let guarded = guarded(request, slack_id, purpose);
    let guarded = guarded.and_then(|action| Some((action, engine.guardrails_for(action)?)));
    let mut rules = match purpose {
        Purpose::Start | Purpose::Passing | Purpose::Extending => request.workflow.ask.clone(),
        Purpose::Press { number } => {
            let press = request.presses.iter().find(|press| press.number == *number);
            policy::rules_for(request, press.map(|press| &press.button))
        }
        Purpose::TakingOver { .. } => request.approvers_now(),
    };
    rules.extend(guarded.iter().flat_map(|(_, guardrails)| guardrails.groups().iter().cloned()));
    let about = engine.about(&request.ask, &rules).await;
    let needs_login = matches!(purpose, Purpose::Start | Purpose::Extending);
    let looked = engine.inner.people.looked_up(slack_id, (&rules, &about), needs_login).await?;
    let looked = all_read(guarded.as_ref().map(|(_, guardrails)| guardrails), looked)?;
    let person = settled_by_what_was_read(request, purpose, looked)?;
    let Some((action, guardrails)) = guarded else { return Ok((person, None)) };
    let open = request.approval().open().map(|open| (open.index, open.stage.own_request));
    let stage = open.filter(|_| action == Action::Approve).map(|(index, own_request)| {
        let own_request = match own_request {
            OwnRequest::Never => "never",
            OwnRequest::Confirm => "confirm",
            OwnRequest::Allow => "allow",
        };
        (i64::try_from(index).unwrap_or_default().saturating_add(1), own_request.to_owned())
    });
    let hold_ms = match purpose {
        Purpose::Press { number } => {
            let press = request.presses.iter().find(|press| press.number == *number);
            press.map_or(request.lent_ms(), |press| request.hold_with(&press.button))
        }
        Purpose::Extending => {
            let until = request.extending.as_ref().map_or(request.expires_at, |extending| Some(extending.until));
            until.zip(request.active_at).map_or(request.lent_ms(), |(until, since)| until.saturating_sub(since))
        }
        Purpose::Start | Purpose::Passing | Purpose::TakingOver { .. } => request.lent_ms(),
    };
    let wanted = Wanted { action, ask: &request.ask, hold_ms, who: &person, stage };
    let judged = engine.judged(&guardrails, wanted).await?;
    Ok((person, Some(judged)))
}

/// What is judged before it counts: a no, a return and what one takes back from oneself are nobody's business.
fn guarded(request: &Request, slack_id: &str, purpose: &Purpose) -> Option<Action> {
    let Purpose::Press { number } = purpose else {
        return match purpose {
            Purpose::Extending => Some(Action::Extend),
            // Whether they may decide is judged when they do.
            Purpose::TakingOver { .. } => None,
            _ if request.broke_glass() => Some(Action::BreakGlass),
            _ => Some(Action::Ask),
        };
    };
    match request.presses.iter().find(|press| press.number == *number)?.button {
        Button::Approve { .. } | Button::PutBack => Some(Action::Approve),
        Button::BreakGlass => Some(Action::BreakGlass),
        Button::Extend { .. } => Some(Action::Extend),
        Button::Revoke { .. } | Button::Adopt if request.requester.slack_id != slack_id => Some(Action::Revoke),
        _ => None,
    }
}

/// What could not be read keeps nobody out whom another rule lets in, and refuses nobody.
fn settled_by_what_was_read(request: &Request, purpose: &Purpose, looked: Looked) -> Result<Person, Failure> {
    let Some(failure) = looked.failure() else { return Ok(looked.person) };
    let answer = match purpose {
        Purpose::Start | Purpose::Passing | Purpose::Extending => {
            policy::may_ask(&request.workflow, &looked.person).map(drop)
        }
        Purpose::TakingOver { .. } => policy::may_take_over(request, &looked.person).map(drop),
        Purpose::Press { number } => match request.presses.iter().find(|press| press.number == *number) {
            Some(press) => policy::may_press(request, &looked.person, &press.button).map(drop),
            None => Ok(()),
        },
    };
    match answer {
        Err(why) if why.hangs_on_membership() => Err(failure),
        _ => Ok(looked.person),
    }
}

async fn find_approvers(engine: &Engine, request: &Request, stage: usize, attempts: i64) -> Performed {
    let Some(rules) = request.stages().get(stage) else { return Performed::Done };
    let named: Vec<Who> = rules.rules().cloned().collect();
    let about = engine.about(&request.ask, &named).await;
    match engine.inner.people.approvers(rules, &about).await {
        Ok(mut people) => {
            // What one asks for somebody else is decided by neither.
            let own = rules.own_request != OwnRequest::Never && request.asker.is_none();
            people.retain(|id| own || *id != request.requester.slack_id && *id != request.asked_by());
            // Nobody decides twice.
            people.retain(|id| !request.has_decided(id));
            Performed::happened(Event::ApproversFound { stage, people })
        }
        // A card in a channel can go out without names; better late than never for direct messages.
        Err(failure) if failure.retryable && attempts < FIND_ATTEMPTS_MAX && request.is_shown_directly() => {
            put_off(&failure, attempts)
        }
        Err(failure) if failure.retryable && attempts < 2 => put_off(&failure, attempts),
        Err(failure) => {
            tracing::warn!(request.id = %request.id, failure = failure.what, "the approvers could not be looked up");
            Performed::happened(Event::ApproversFound { stage, people: Vec::new() })
        }
    }
}

async fn find_tier(engine: &Engine, request: &Request, (stage, tier): (usize, usize), attempts: i64) -> Performed {
    let Some(rules) = request.stages().get(stage) else { return Performed::Done };
    let Some(by) = rules.escalate.get(tier).map(|tier| tier.by.clone()) else { return Performed::Done };
    let about = engine.about(&request.ask, &by).await;
    match engine.inner.people.approvers(&Stage::of(1, by, rules.own_request), &about).await {
        Ok(mut people) => {
            let own = rules.own_request != OwnRequest::Never && request.asker.is_none();
            people.retain(|id| own || *id != request.requester.slack_id && *id != request.asked_by());
            people.retain(|id| !request.has_decided(id));
            Performed::happened(Event::TierFound { stage, tier, people })
        }
        Err(failure) if failure.retryable && attempts < FIND_ATTEMPTS_MAX => put_off(&failure, attempts),
        Err(failure) => {
            tracing::warn!(request.id = %request.id, failure = failure.what, "those who are asked too could not be looked up");
            Performed::happened(Event::TierFound { stage, tier, people: Vec::new() })
        }
    }
}

async fn find_reviewers(engine: &Engine, request: &Request, attempts: i64) -> Performed {
    let stage = Stage::of(1, request.reviewers().to_vec(), OwnRequest::Never);
    let about = engine.about(&request.ask, request.reviewers()).await;
    match engine.inner.people.approvers(&stage, &about).await {
        Ok(mut people) => {
            people.retain(|id| *id != request.requester.slack_id);
            Performed::happened(Event::ReviewersFound { people })
        }
        Err(failure) if failure.retryable && attempts < FIND_ATTEMPTS_MAX => put_off(&failure, attempts),
        Err(failure) => {
            tracing::warn!(request.id = %request.id, failure = failure.what, "the reviewers could not be looked up");
            Performed::happened(Event::ReviewersFound { people: Vec::new() })
        }
    }
}

pub(super) fn put_off(failure: &Failure, attempts: i64) -> Performed {
    Performed::later(pause_ms(attempts, failure.retry_after_ms), &failure.what)
}
