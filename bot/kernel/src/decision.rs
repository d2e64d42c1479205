//! What was decided on a request, by whom and in which stage, and who was asked to.

use serde::{Deserialize, Serialize};

use crate::automatic::{Facts, Passing};
use crate::person::{Person, Who};
use crate::request::{Request, State};
use crate::workflow::{Extend, ExtendApproval, Stage};

/// A decision that counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Who or what decided.
    pub by: Decider,
    /// Yes or no.
    pub approved: bool,
    /// In which stage: its place in the list of those of its round.
    pub stage: usize,
    /// In which round: 0 is that of the request, later ones are those of its extensions.
    #[serde(default, skip_serializing_if = "is_none")]
    pub round: u32,
    /// Said with it; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Approved for so long at most, in milliseconds, which is less than was asked; none: for as long as that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_ms: Option<i64>,
    /// When.
    pub at: i64,
}

/// Who decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "decider", rename_all = "snake_case")]
pub enum Decider {
    /// Somebody, with the facts read for it.
    Person {
        /// Who.
        person: Person,
        /// The rule that let them; none when they ended their own request.
        rule: Option<Who>,
    },
    /// Nobody: it passed by itself.
    Itself {
        /// By what.
        by: Passing,
        /// The same, for people.
        words: String,
        /// What was found out for it.
        facts: Box<Facts>,
    },
    /// Whoever asked broke glass.
    Glass {
        /// Who, with the facts read for it.
        person: Person,
        /// The rule that let them.
        rule: Who,
    },
}

impl Decision {
    /// The person who decided, if it was one.
    pub fn person(&self) -> Option<&Person> {
        match &self.by {
            Decider::Person { person, .. } => Some(person),
            Decider::Itself { .. } | Decider::Glass { .. } => None,
        }
    }

    /// Whether this human decided, with whatever account.
    pub fn is_by(&self, person: &Person) -> bool {
        self.person().is_some_and(|decider| decider.is_same_human(person))
    }

    /// Whether it was this Slack account.
    pub fn is_by_account(&self, slack_id: &str) -> bool {
        self.person().is_some_and(|decider| decider.slack_id == slack_id)
    }
}

/// Those who were asked to decide in a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Its place in the list of those of its round.
    pub stage: usize,
    /// In which round, as in `Decision`.
    #[serde(default, skip_serializing_if = "is_none")]
    pub round: u32,
    /// Slack ids, at most twenty at a time.
    pub people: Vec<String>,
    /// When they were asked first; 0 in what older versions stored.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub at: i64,
    /// How often they were reminded.
    #[serde(default, skip_serializing_if = "is_none")]
    pub reminded: u32,
    /// How many tiers of `escalate` are asked too.
    #[serde(default, skip_serializing_if = "is_no_tier")]
    pub tiers: usize,
    /// Who gave their turn to whom, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed: Vec<Passed>,
}

/// Somebody gave their turn to somebody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// Who, by Slack id.
    pub from: String,
    /// To whom, by Slack id.
    pub to: String,
    /// The rule by which they decide.
    pub rule: Who,
    /// When.
    pub at: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_none(count: &u32) -> bool {
    *count == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_no_tier(count: &usize) -> bool {
    *count == 0
}

impl Asked {
    /// These people, asked at this time, milliseconds since the Unix epoch.
    pub fn of(stage: usize, people: Vec<String>, at: i64) -> Self {
        Self { stage, round: 0, people, at, reminded: 0, tiers: 0, passed: Vec::new() }
    }
}

impl Request {
    /// For how long it is lent, in milliseconds: as long as it was asked, or as the shortest of those who approved it said. Never longer than
    /// before, whoever else approves.
    pub fn lent_ms(&self) -> i64 {
        self.shortened().map_or(self.hold_ms, |(lent_ms, _)| lent_ms)
    }

    /// For how long, and the approval that made it so short; nothing if it is lent for as long as it was asked.
    pub fn shortened(&self) -> Option<(i64, &Decision)> {
        let approved = self.decisions.iter().filter(|decision| decision.approved && decision.round == 0);
        let said = approved.filter_map(|decision| Some((decision.hold_ms?, decision)));
        said.filter(|(lent_ms, _)| (1..self.hold_ms).contains(lent_ms)).min_by_key(|(lent_ms, _)| *lent_ms)
    }

    /// The round of approval that this is in: 0 is that of the request, and that of an extension has a later number while it waits.
    pub fn round(&self) -> u32 {
        let extending = self.extending.as_ref().filter(|_| self.state == State::Active);
        extending.and_then(|extending| extending.waits_in).unwrap_or_default()
    }

    /// The stages of this round, in order.
    pub fn stages(&self) -> &[Stage] {
        match (self.round(), &self.workflow.extend) {
            (1.., Some(Extend { approve: ExtendApproval::Stages, stages, .. })) => stages,
            _ => &self.workflow.approve,
        }
    }

    /// Everybody who decides in this round, each rule once.
    pub fn approvers_now(&self) -> Vec<Who> {
        let mut rules: Vec<Who> = Vec::new();
        for rule in self.stages().iter().flat_map(Stage::all_rules) {
            if !rules.contains(rule) {
                rules.push(rule.clone());
            }
        }
        rules
    }

    /// Whether people are to decide on an extension of it.
    pub fn is_extension_asked(&self) -> bool {
        self.round() > 0
    }

    /// Whether people are to decide on it, or on an extension of it.
    pub fn is_waiting(&self) -> bool {
        self.state == State::Pending || self.is_extension_asked()
    }

    /// Until when they can.
    pub fn decided_by_at_last(&self) -> i64 {
        let ends = self.expires_at.filter(|_| self.is_extension_asked());
        ends.unwrap_or_else(|| self.lapses_at())
    }

    /// Whether this Slack account decided in this round.
    pub fn has_decided(&self, slack_id: &str) -> bool {
        self.decisions.iter().any(|decision| decision.round == self.round() && decision.is_by_account(slack_id))
    }

    /// Those who were asked in this stage of this round; none before they are found.
    pub(crate) fn asked_of(&self, stage: usize) -> Option<&Asked> {
        self.asked.iter().find(|asked| asked.stage == stage && asked.round == self.round())
    }

    /// Slack ids of those who were asked in this stage; none before they are found.
    pub fn asked_in(&self, stage: usize) -> Option<&[String]> {
        self.asked_of(stage).map(|asked| asked.people.as_slice())
    }

    /// Slack ids of those who are asked now, or were in the stage that decided.
    pub fn asked_now(&self) -> &[String] {
        let last = self.asked.iter().rfind(|asked| asked.round == self.round()).map(|asked| asked.people.as_slice());
        match self.approval().open() {
            Some(open) => self.asked_in(open.index),
            None => last,
        }
        .unwrap_or_default()
    }

    /// Who gave their turn to whom in the stage that waits, in order.
    pub fn passed_now(&self) -> &[Passed] {
        let open = self.approval().open().map(|open| open.index);
        open.and_then(|open| self.asked_of(open)).map(|asked| asked.passed.as_slice()).unwrap_or_default()
    }

    /// Slack ids of everybody who was asked in any stage, each once.
    pub fn everybody_asked(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for id in self.asked.iter().flat_map(|asked| &asked.people) {
            if !all.contains(id) {
                all.push(id.clone());
            }
        }
        all
    }
}

impl Request {
    /// Distinct people who approved.
    pub fn approvals_count(&self) -> usize {
        self.decisions.iter().filter(|decision| decision.approved).count()
    }
}
