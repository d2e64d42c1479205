//! What a template can name of approval: its stages, who decided by which rule, and whom it waits for.

use serde::Serialize;

use super::{APPROVERS_MAX, LINE_MAX};
use crate::kernel::approval::{Approval, StageNow};
use crate::kernel::person::Who;
use crate::kernel::request::{Decider, Decision};
use crate::kernel::{Request, State};
use crate::notices::text::one_line;
use crate::notices::words;

/// Of a rule of `approve_automatically`, in characters.
const RULE_MAX: usize = 300;
/// Of several stages together.
const DECISIONS_MAX: usize = 20;
/// Reasons why it did not pass by itself.
const REASONS_MAX: usize = 5;

/// Where approval stands.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Approving {
    /// Whether nobody has to decide under this workflow.
    nobody_decides: bool,
    /// It is being found out whether it passes by itself.
    judging: bool,
    /// By what it passed by itself; empty if it did not.
    passed_by: String,
    /// Why it did not pass by itself.
    not_by_itself: Vec<String>,
    /// Who would have been asked if it had not passed by itself.
    would_decide: Vec<String>,
    would_decide_more: usize,
    /// How many people it takes in all stages together.
    quorum: u32,
    /// How many of them have approved.
    approvals: u32,
    decisions: Vec<Decided>,
    /// For how long it was asked.
    asked_hold: String,
    /// Whose approval made it less than that, by Slack id; empty if nobody's did.
    shortened_by: String,
    /// Who gave their turn to whom in the stage that waits.
    passed: Vec<TurnAs>,
    /// Whether approval takes more words than one stage of one quorum.
    staged: bool,
    stages: Vec<StageAs>,
    /// What the stage that waits is called; empty if none does.
    stage: String,
    /// Whom it still takes.
    missing: String,
    /// Continues "because you are".
    because: String,
}

impl Approving {
    pub(super) fn of(request: &Request) -> Self {
        let approval = request.approval();
        let open = approval.open();
        let would_decide = if approval.passed.is_some() { request.everybody_asked() } else { Vec::new() };
        let last = if approval.passed.is_some() { approval.stages.first() } else { approval.stages.last() };
        let decisions = request.decisions.iter().take(DECISIONS_MAX);
        Self {
            nobody_decides: request.workflow.approve.is_empty(),
            judging: request.state == State::Pending && request.judging,
            passed_by: passed_by(&approval),
            not_by_itself: request.not_by_itself.iter().take(REASONS_MAX).map(|why| one_line(why, LINE_MAX)).collect(),
            would_decide: would_decide.iter().take(APPROVERS_MAX).cloned().collect(),
            would_decide_more: would_decide.len().saturating_sub(APPROVERS_MAX),
            quorum: approval.stages.iter().map(StageNow::needed).fold(0, u32::saturating_add),
            approvals: approval.stages.iter().map(StageNow::counted).fold(0, u32::saturating_add),
            decisions: decisions.map(|one| decided(request, &approval, one)).collect(),
            asked_hold: words::hold(request.hold_ms),
            shortened_by: shortened_by(request),
            passed: passed(request),
            staged: words::is_staged(request.stages()),
            stages: approval.stages.iter().map(|stage| stage_as(request, &approval, stage)).collect(),
            stage: open.map(|open| words::stage_title(request.stages(), open.index)).unwrap_or_default(),
            missing: open.map(words::missing).unwrap_or_default(),
            because: because(open.or(last)),
        }
    }
}

/// A turn that was given to somebody else.
#[derive(Clone, Debug, Serialize)]
struct TurnAs {
    from: String,
    to: String,
}

/// A decision that counted.
#[derive(Clone, Debug, Serialize)]
struct Decided {
    by: String,
    /// Nobody decided: it passed by itself, by `rule`.
    by_itself: bool,
    /// Whoever asked broke glass, as `rule` lets them.
    glass: bool,
    /// It is their own request.
    is_own: bool,
    /// It was about an extension.
    extends: bool,
    approved: bool,
    rule: String,
    /// What its stage is called.
    stage: String,
    reason: String,
    /// For how long at most; empty if for as long as it was asked.
    hold: String,
    at: i64,
}

/// A stage of approval.
#[derive(Clone, Debug, Serialize)]
struct StageAs {
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

fn decided(request: &Request, approval: &Approval<'_>, decision: &Decision) -> Decided {
    let (person, rule) = match &decision.by {
        Decider::Person { person, rule } => (person, rule),
        Decider::Glass { person, rule } => {
            return Decided {
                by: person.slack_id.clone(),
                by_itself: false,
                glass: true,
                is_own: true,
                extends: false,
                approved: decision.approved,
                rule: words::who(rule),
                stage: String::new(),
                reason: String::new(),
                hold: String::new(),
                at: decision.at,
            };
        }
        Decider::Itself { words, .. } => {
            return Decided {
                by: String::new(),
                by_itself: true,
                glass: false,
                is_own: false,
                extends: false,
                approved: decision.approved,
                rule: one_line(words, RULE_MAX),
                stage: String::new(),
                reason: String::new(),
                hold: String::new(),
                at: decision.at,
            };
        }
    };
    let clauses = approval.stages.iter().flat_map(|stage| &stage.clauses);
    // A yes names the rule it is counted by now: that may be another one than when it came.
    let counted = clauses
        .filter(|clause| clause.yeses.iter().any(|yes| std::ptr::eq(*yes, decision)))
        .find_map(|clause| clause.rule_of(decision));
    Decided {
        by: person.slack_id.clone(),
        by_itself: false,
        glass: false,
        is_own: person.slack_id == request.requester.slack_id,
        extends: decision.round > 0,
        approved: decision.approved,
        rule: counted.or(rule.as_ref()).map(words::who).unwrap_or_default(),
        stage: if decision.round > 0 {
            String::new()
        } else {
            words::stage_title(&request.workflow.approve, decision.stage)
        },
        reason: one_line(&decision.reason, LINE_MAX),
        hold: decision.hold_ms.map(words::hold).unwrap_or_default(),
        at: decision.at,
    }
}

fn stage_as(request: &Request, approval: &Approval<'_>, stage: &StageNow<'_>) -> StageAs {
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
        title: words::stage_title(request.stages(), stage.index),
        state,
        missing: words::missing(stage),
        yeses: list(&yeses),
        noes: list(&stage.noes),
        denials: stage.stage.denials.max(1),
    }
}

/// The last ones: where it goes to and fro, nobody reads all of it.
fn passed(request: &Request) -> Vec<TurnAs> {
    let all = request.passed_now();
    let last = all.iter().skip(all.len().saturating_sub(3));
    last.map(|passed| TurnAs { from: passed.from.clone(), to: passed.to.clone() }).collect()
}

fn shortened_by(request: &Request) -> String {
    let by = request.shortened().and_then(|(_, decision)| decision.person());
    by.map(|person| person.slack_id.clone()).unwrap_or_default()
}

/// By what it passed by itself, for people; empty if it did not.
fn passed_by(approval: &Approval<'_>) -> String {
    match approval.passed.map(|passed| &passed.by) {
        Some(Decider::Itself { words, .. }) => one_line(words, RULE_MAX),
        _ => String::new(),
    }
}

/// Continues "because you are": groups by name, and what somebody is to the request; people who are named by e-mail are not listed to everyone.
fn because(stage: Option<&StageNow<'_>>) -> String {
    let by: Vec<&Who> = stage.into_iter().flat_map(StageNow::rules).collect();
    let is_group = |who: &&&Who| matches!(who, Who::TailnetGroup(_) | Who::Role(_) | Who::SlackGroup(_));
    let mut groups: Vec<String> = Vec::new();
    for group in by.iter().filter(is_group).map(|group| words::who(group)) {
        if groups.len() < 5 && !groups.contains(&group) {
            groups.push(group);
        }
    }
    let mut reasons: Vec<String> = Vec::new();
    if !groups.is_empty() {
        reasons.push(format!("in {}", words::listed(&groups, "or")));
    }
    for known in [Who::Manager, Who::DeviceOwner] {
        reasons.extend(by.contains(&&known).then(|| words::who(&known)));
    }
    if reasons.is_empty() || by.iter().any(|who| matches!(who, Who::Email(_))) {
        reasons.push("named in the workflow".to_owned());
    }
    reasons.join(" or ")
}
