//! Breaking glass: access at once and without approval, for those who may, and the review afterwards that somebody else has to close.

use serde::{Deserialize, Serialize};

use crate::decision::Decider;
use crate::person::{Person, Who};
use crate::request::{Ask, Request};
use crate::workflow::{InputKind, Stage, Workflow};

/// `break_glass` of a workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakGlass {
    /// Who may, of those who may ask. Never empty.
    pub who: Vec<Who>,
    /// For how long at most.
    pub max_hold_ms: i64,
    /// Who says afterwards whether it was fine. Never empty.
    pub review_by: Vec<Who>,
    /// Within which time after the end.
    pub review_within_ms: i64,
}

/// The review of a request for which glass was broken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// Until when it should be closed, milliseconds since the Unix epoch.
    pub due_at: i64,
    /// When people are reminded, or told that it is late, the next time.
    pub remind_at: i64,
    /// How often it was told that it is late.
    #[serde(default)]
    pub told_late: u32,
    /// Slack ids of those who were asked to review it, once found; at most twenty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<String>,
    /// How it was closed; none: it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Reviewed>,
}

/// How a review was closed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reviewed {
    /// By whom, with the facts read for it.
    pub person: Person,
    /// The rule that let them.
    pub rule: Who,
    /// Whether it was fine.
    pub is_fine: bool,
    /// What they said; what follows, if it was not fine.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub word: String,
    /// When.
    pub at: i64,
}

impl Workflow {
    /// Everybody whose belonging says what somebody may ask for, and how: each name once.
    pub fn askers(&self) -> Vec<Who> {
        let mut rules = self.ask.clone();
        for who in self.break_glass.iter().flat_map(|glass| &glass.who) {
            if !rules.contains(who) {
                rules.push(who.clone());
            }
        }
        rules
    }

    /// Everybody whom the workflow names, each name once.
    pub fn everybody_named(&self) -> Vec<Who> {
        let reviewers = self.break_glass.iter().flat_map(|glass| &glass.review_by).cloned();
        let extenders = self.extend.iter().flat_map(|extend| &extend.stages).flat_map(Stage::all_rules).cloned();
        let mut rules: Vec<Who> = Vec::new();
        let all = self.passers().into_iter().chain(self.askers()).chain(self.approvers());
        for who in all.chain(reviewers).chain(extenders).chain(self.ask_for.clone()) {
            if !rules.contains(&who) {
                rules.push(who);
            }
        }
        rules
    }

    /// The input that says why: the first text.
    pub fn reason(&self) -> Option<&crate::workflow::Input> {
        self.inputs.iter().find(|input| matches!(input.kind, InputKind::Text { .. }))
    }
}

impl Ask {
    /// The most that can be asked for in this way.
    pub fn max_hold_ms(&self) -> i64 {
        let most = self.workflow.hold().map_or(0, |(_, _, max_ms)| max_ms);
        match &self.workflow.break_glass {
            Some(glass) if self.breaks_glass => glass.max_hold_ms.min(most),
            _ => most,
        }
    }
}

impl Request {
    /// Whether glass was broken for it.
    pub fn broke_glass(&self) -> bool {
        self.decisions.iter().any(|one| matches!(one.by, Decider::Glass { .. }))
    }

    /// The review that waits for somebody.
    pub fn open_review(&self) -> Option<&Review> {
        self.review.as_ref().filter(|review| review.closed.is_none())
    }

    /// Everybody who reviews it if glass is broken.
    pub fn reviewers(&self) -> &[Who] {
        self.workflow.break_glass.as_ref().map(|glass| glass.review_by.as_slice()).unwrap_or_default()
    }
}
