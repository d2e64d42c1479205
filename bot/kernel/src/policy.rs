//! The one gate: who may ask, decide, return, revoke and retry. The answer names the rule that decided.

use crate::event::Button;
use crate::person::{Person, Standing, Who};
use crate::planted::{Fault, is_planted};
use crate::refusal::Refusal;
use crate::request::Request;
use crate::workflow::{OwnRequest, Workflow};

/// Whether this person may request under this workflow; the rule that lets them.
pub fn may_ask<'w>(workflow: &'w Workflow, person: &Person) -> Result<&'w Who, Refusal> {
    must_be_member(person)?;
    let ask =
        matching(&workflow.ask, person).or_else(|| workflow.ask.first().filter(|_| is_planted(Fault::AnybodyAsks)));
    ask.ok_or_else(|| Refusal::MayNotAsk { ask: workflow.ask.clone() })
}

/// Whether this person may decide (approve, deny, revoke) on this request; the rule that lets them.
pub fn may_decide<'r>(request: &'r Request, person: &Person) -> Result<&'r Who, Refusal> {
    must_be_member(person)?;
    let stage = request.workflow.stage();
    let by = stage.map(|stage| stage.by.as_slice()).unwrap_or_default();
    let rule = matching(by, person).or_else(|| by.first().filter(|_| is_planted(Fault::AnybodyDecides)));
    rule.ok_or_else(|| Refusal::NotAnApprover { by: by.to_vec() })
}

/// Whether this person may see everything that is lent under this workflow: whoever decides in one of its stages.
pub fn may_oversee(workflow: &Workflow, person: &Person) -> bool {
    let mut stages = workflow.approve.iter();
    must_be_member(person).is_ok() && stages.any(|stage| matching(&stage.by, person).is_some())
}

/// Whether this person may press this button on this request now. Everything that comes from people passes here.
pub fn may_press(request: &Request, person: &Person, button: &Button) -> Result<Option<Who>, Refusal> {
    must_be_member(person)?;
    match button {
        Button::Approve { confirmed } => {
            let rule = may_decide(request, person)?.clone();
            if request.is_requester(person) {
                let own = request.workflow.stage().map_or(OwnRequest::Never, |stage| stage.own_request);
                match own {
                    OwnRequest::Never if is_planted(Fault::CountsOwn) => {}
                    OwnRequest::Never => return Err(Refusal::OwnRequest),
                    OwnRequest::Confirm if !confirmed => return Err(Refusal::ConfirmOwnRequest),
                    OwnRequest::Confirm | OwnRequest::Allow => {}
                }
            }
            Ok(Some(rule))
        }
        Button::Deny { .. } => {
            let rule = may_decide(request, person)?.clone();
            let own = request.workflow.stage().map_or(OwnRequest::Never, |stage| stage.own_request);
            if own == OwnRequest::Never && request.is_requester(person) {
                return Err(Refusal::OwnDenial);
            }
            Ok(Some(rule))
        }
        Button::Revoke { .. } if request.is_requester(person) => Ok(None),
        Button::Revoke { .. } => Ok(Some(may_decide(request, person)?.clone())),
        Button::Withdraw | Button::Return if request.is_requester(person) => Ok(None),
        Button::Withdraw | Button::Return => Err(Refusal::NotYours),
        Button::Retry if request.is_requester(person) => Ok(None),
        Button::Retry => Ok(Some(may_decide(request, person)?.clone())),
    }
}

fn must_be_member(person: &Person) -> Result<(), Refusal> {
    match person.standing {
        Standing::Member => Ok(()),
        Standing::Deactivated if is_planted(Fault::LeaversDecide) => Ok(()),
        standing => Err(Refusal::Standing { standing }),
    }
}

fn matching<'w>(whos: &'w [Who], person: &Person) -> Option<&'w Who> {
    whos.iter().find(|who| who.means(person))
}

#[cfg(test)]
mod tests;
