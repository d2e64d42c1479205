//! Who gains or loses what by a change of workflows and guardrails: the same people judged by the old rules and by the new.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use nightlatch_guardrails::Guardrails;
use serde::Serialize;

use super::snapshot::{Known, Snapshot};
use super::{Answer, Under, When, explain};
use crate::kernel::workflow::ExtendApproval;
use crate::kernel::{Staff, Workflow};

/// So many are named where many change.
const NAMED_MAX: usize = 5;

/// Workflows and guardrails that hold together.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// By name.
    pub workflows: BTreeMap<String, Arc<Workflow>>,
    /// What holds beside them.
    pub guardrails: Option<Guardrails>,
    /// Who is whose manager.
    pub staff: Arc<Staff>,
}

/// What somebody can do with a workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Can {
    /// Make a request.
    Ask,
    /// Have it without anybody's approval.
    PassByItself,
    /// Approve in one of the stages.
    Approve,
    /// Approve that it is held for longer, in one of the stages of that.
    ApproveExtension,
    /// Make a request for somebody else.
    AskForOthers,
}

impl Can {
    fn words(self) -> &'static str {
        match self {
            Self::Ask => "ask for",
            Self::PassByItself => "have without approval",
            Self::Approve => "approve",
            Self::ApproveExtension => "approve extensions",
            Self::AskForOthers => "ask for somebody else",
        }
    }
}

/// One thing that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The workflow.
    pub workflow: String,
    /// What.
    pub can: Can,
    /// Whether they can now; else they no longer can.
    pub gains: bool,
    /// The rule that decides now, for people.
    pub by: String,
    /// Who, by what they are called.
    pub people: Vec<String>,
}

/// Everything that changes, in the order of the workflows. People of equal facts are judged once.
pub fn impact(old: &Rules, new: &Rules, snapshot: &Snapshot, at: i64) -> Vec<Change> {
    let names: BTreeSet<&String> = old.workflows.keys().chain(new.workflows.keys()).collect();
    let by_name = [old, new].iter().any(|rules| rules.guardrails.as_ref().is_some_and(Guardrails::look_at_names));
    let mut changes = Vec::new();
    for name in names {
        let mut found: BTreeMap<(Can, bool, String), Vec<String>> = BTreeMap::new();
        let mut judged: HashMap<String, Vec<(Can, bool, String)>> = HashMap::new();
        for known in &snapshot.people {
            let reports = [old, new].map(|rules| rules.staff.reports_of(&known.person));
            let alike = alike(known, by_name, &reports);
            let differences = judged.entry(alike).or_insert_with(|| {
                let (before, now) = (can(old, name, known, at), can(new, name, known, at));
                let both = before.into_iter().zip(now);
                both.filter(|((_, before), (_, now))| before.yes != now.yes)
                    .map(|((can, _), (_, now))| (can, now.yes, now.by))
                    .collect()
            });
            for difference in differences.iter() {
                found.entry(difference.clone()).or_default().push(called(known));
            }
        }
        changes.extend(found.into_iter().map(|((can, gains, by), people)| Change {
            workflow: name.clone(),
            can,
            gains,
            by,
            people,
        }));
    }
    changes
}

/// What rules can tell apart of somebody; with a name of their own only where a guardrail looks at names.
fn alike(known: &Known, by_name: bool, reports: &[Vec<&str>; 2]) -> String {
    let person = &known.person;
    let name = by_name.then_some(person);
    let login = person.login.is_some();
    let facts = (&person.belongs, person.standing, login, &known.zone, &known.device, &known.unread, name, reports);
    serde_json::to_string(&facts).unwrap_or_default()
}

fn called(known: &Known) -> String {
    let person = &known.person;
    person.login.as_ref().or(person.email.as_ref()).unwrap_or(&person.slack_id).clone()
}

fn can(rules: &Rules, name: &str, known: &Known, at: i64) -> [(Can, Answer); 5] {
    let no = |by: &str| Answer { yes: false, by: by.to_owned(), against: Vec::new() };
    let Some(workflow) = rules.workflows.get(name) else {
        let all = [Can::PassByItself, Can::Approve, Can::ApproveExtension, Can::Ask, Can::AskForOthers];
        return all.map(|can| (can, no("there is no such workflow")));
    };
    let under = Under { workflow, guardrails: rules.guardrails.as_ref(), staff: &rules.staff };
    let told = explain(under, known, When { hold_ms: None, at });
    let in_no_stage = || no("in no stage");
    let approves = told.approves.iter().find(|answer| answer.yes).or(told.approves.first()).cloned();
    let again = workflow.extend.as_ref().is_some_and(|extend| extend.approve == ExtendApproval::Again);
    let deciding = if again { &told.approves } else { &told.approves_extensions };
    let extends = deciding.iter().find(|answer| answer.yes).or(deciding.first()).cloned();
    [
        (Can::PassByItself, told.passes.unwrap_or_else(|| no("nothing passes by itself"))),
        (Can::Approve, approves.unwrap_or_else(in_no_stage)),
        (Can::ApproveExtension, extends.unwrap_or_else(|| no("nobody approves extensions"))),
        (Can::Ask, told.asks),
        (Can::AskForOthers, told.asks_for_others.unwrap_or_else(|| no("nobody asks for others"))),
    ]
}

/// A line, for people.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = if self.gains { "can now" } else { "can no longer" };
        let some = self.people.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
        let people = match self.people.len() {
            1 => some,
            count if count > NAMED_MAX => format!("{count} people ({some}, ...)"),
            count => format!("{count} people ({some})"),
        };
        write!(f, "{}: {people} {how} {}: {}", self.workflow, self.can.words(), self.by)
    }
}
