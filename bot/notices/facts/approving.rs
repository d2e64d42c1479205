//! What a template can name of approval: its stages, who decided by which rule, and whom it waits for.

use serde::Serialize;

use super::{APPROVERS_MAX, LINE_MAX};
use crate::kernel::Request;
use crate::kernel::approval::{Approval, StageNow};
use crate::kernel::person::Who;
use crate::kernel::request::{Decider, Decision};
use crate::notices::text::one_line;
use crate::notices::words;

/// A decision that counted.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Decided {
    by: String,
    /// It is their own request.
    is_own: bool,
    approved: bool,
    rule: String,
    /// What its stage is called.
    stage: String,
    reason: String,
    at: i64,
}

/// A stage of approval.
#[derive(Clone, Debug, Serialize)]
pub(super) struct StageAs {
    title: String,
    /// `through`, `open`, `later` or `denied`.
    state: &'static str,
    /// Whom it still takes.
    missing: String,
    yeses: Vec<Decided>,
    noes: Vec<Decided>,
    /// How many noes end the request.
    denials: u32,
}

pub(super) fn decided(request: &Request, approval: &Approval<'_>, decision: &Decision) -> Decided {
    let Decider::Person { person, rule } = &decision.by;
    let clauses = approval.stages.iter().flat_map(|stage| &stage.clauses);
    // A yes names the rule it is counted by now: that may be another one than when it came.
    let counted = clauses
        .filter(|clause| clause.yeses.iter().any(|yes| std::ptr::eq(*yes, decision)))
        .find_map(|clause| clause.rule_of(decision));
    Decided {
        by: person.slack_id.clone(),
        is_own: person.slack_id == request.requester.slack_id,
        approved: decision.approved,
        rule: counted.or(rule.as_ref()).map(|rule| one_line(&rule.to_string(), 80)).unwrap_or_default(),
        stage: words::stage_title(&request.workflow, decision.stage),
        reason: one_line(&decision.reason, LINE_MAX),
        at: decision.at,
    }
}

pub(super) fn stage_as(request: &Request, approval: &Approval<'_>, stage: &StageNow<'_>) -> StageAs {
    let open = approval.open().map(|open| open.index);
    let state = match open {
        _ if stage.is_denied() => "denied",
        _ if stage.is_met() => "through",
        Some(open) if open == stage.index => "open",
        _ => "later",
    };
    let list = |decisions: &[&Decision]| {
        decisions.iter().take(APPROVERS_MAX).map(|one| decided(request, approval, one)).collect::<Vec<_>>()
    };
    let mut yeses: Vec<&Decision> = stage.clauses.iter().flat_map(|clause| clause.yeses.iter().copied()).collect();
    yeses.sort_by_key(|one| one.at);
    StageAs {
        title: words::stage_title(&request.workflow, stage.index),
        state,
        missing: words::missing(stage),
        yeses: list(&yeses),
        noes: list(&stage.noes),
        denials: stage.stage.denials.max(1),
    }
}

/// Continues "because you are": groups by name; people who are named by e-mail are not listed to everyone.
pub(super) fn because(stage: Option<&StageNow<'_>>) -> String {
    let by: Vec<&Who> = stage.into_iter().flat_map(|stage| stage.stage.rules()).collect();
    let is_group = |who: &&&Who| matches!(who, Who::TailnetGroup(_) | Who::Role(_) | Who::SlackGroup(_));
    let mut groups: Vec<String> = Vec::new();
    for group in by.iter().filter(is_group).map(|who| one_line(&who.to_string(), 80)) {
        if groups.len() < 5 && !groups.contains(&group) {
            groups.push(group);
        }
    }
    let named = by.iter().any(|who| matches!(who, Who::Email(_)));
    match (groups.is_empty(), named) {
        (true, _) => "named in the workflow".to_owned(),
        (false, false) => format!("in {}", words::listed(&groups, "or")),
        (false, true) => format!("in {} or named in the workflow", words::listed(&groups, "or")),
    }
}
