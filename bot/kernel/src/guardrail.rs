//! What guardrails are asked and what they answer, as it is kept with a decision: facts, the rules of then, and the verdict.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use nightlatch_planted::{Fault, is_planted};
use serde::{Deserialize, Serialize};

use crate::person::Person;
use crate::refusal::Refusal;

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Make a request. Judged again right before anything is switched on.
    Ask,
    /// Say yes.
    Approve,
    /// Have it approved without anybody.
    ApproveAutomatically,
    /// Hold it for longer.
    Extend,
    /// Take back what somebody else holds.
    Revoke,
    /// Take it at once, without approval.
    BreakGlass,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Ask, Self::Approve, Self::ApproveAutomatically, Self::Extend, Self::Revoke, Self::BreakGlass];

    /// As a guardrail names it: `Action::"approve"`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Approve => "approve",
            Self::ApproveAutomatically => "approve_automatically",
            Self::Extend => "extend",
            Self::Revoke => "revoke",
            Self::BreakGlass => "break_glass",
        }
    }
}

/// The hour and the day where somebody is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Local {
    /// From 0 to 23.
    pub hour: i64,
    /// `mon` to `sun`.
    pub weekday: String,
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Local {
    /// What a clock on the wall says there. An unknown zone is UTC.
    pub fn at(now_ms: i64, zone: &str) -> Self {
        let zoned = zoned(now_ms, zone);
        let day = usize::try_from(zoned.weekday().to_monday_zero_offset()).unwrap_or_default();
        Self { hour: i64::from(zoned.hour()), weekday: DAYS.get(day).copied().unwrap_or_default().to_owned() }
    }
}

/// When today and this week began there: what is counted of a day and a week begins then. Milliseconds since the Unix epoch.
pub fn beginnings(now_ms: i64, zone: &str) -> (i64, i64) {
    let now = zoned(now_ms, zone);
    let day = now.start_of_day().unwrap_or_else(|_| now.clone());
    let since_monday = jiff::Span::new().days(i64::from(now.weekday().to_monday_zero_offset()));
    let week = now.checked_sub(since_monday).and_then(|monday| monday.start_of_day()).unwrap_or_else(|_| day.clone());
    (day.timestamp().as_millisecond(), week.timestamp().as_millisecond())
}

fn zoned(now_ms: i64, zone: &str) -> jiff::Zoned {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    Timestamp::from_millisecond(now_ms).unwrap_or_default().to_zoned(zone)
}

/// How often the requester has asked for this workflow before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Since midnight in their zone.
    pub today: i64,
    /// Since Monday.
    pub this_week: i64,
}

/// A device as it was read for the decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceFacts {
    /// The id it is remembered by.
    pub node_id: String,
    /// For people.
    pub name: String,
    /// As the tailnet says it: `macOS`, `linux`.
    pub os: String,
    /// Whether it was connected.
    pub online: bool,
    /// `tag:prod`; empty for people's devices.
    pub tags: Vec<String>,
    /// Posture attributes as text.
    pub attributes: BTreeMap<String, String>,
}

/// Everything one decision hangs on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// What is to be done.
    pub action: Action,
    /// By whom, with every group that a guardrail names and they are in.
    pub who: Person,
    /// Where they are.
    pub zone: String,
    /// Who gets the access; nobody else than `who` if it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester: Option<Person>,
    /// Where the requester is, if that is somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester_zone: Option<String>,
    /// The workflow's name.
    pub workflow: String,
    /// Its `labels`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// What was said with it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// For how long, in milliseconds.
    pub hold_ms: i64,
    /// The hour and the day where the requester is.
    pub local: Local,
    /// What they asked for before.
    pub counts: Counts,
    /// The device it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceFacts>,
    /// The stage that waits, from 1, and its `own_request`; for `approve` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<(i64, String)>,
}

/// A guardrail that had something to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its `@id`.
    pub id: String,
    /// Its `@reason`, for people; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

impl Rule {
    /// For people: its name, and its reason if it gives one.
    pub fn in_words(&self) -> String {
        if self.reason.is_empty() { self.id.clone() } else { format!("{}: {}", self.id, self.reason) }
    }
}

/// What guardrails say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ruling {
    /// Nothing: other rules decide.
    Silent,
    /// It may be approved without anybody.
    Permitted,
    /// No, whatever other rules say.
    Forbidden,
    /// One of them could not be worked out; that is a no, too. So is what a later version wrote.
    #[serde(other)]
    Broken,
}

/// The answer, with every guardrail that led to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What they say.
    pub ruling: Ruling,
    /// Those who say it, in the order of their ids; empty if none has anything to say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<Rule>,
}

impl Verdict {
    /// None has anything to say.
    pub const SILENT: Self = Self { ruling: Ruling::Silent, by: Vec::new() };

    /// The first guardrail that says no.
    pub fn no(&self) -> Option<Rule> {
        let nobody = || Rule { id: String::new(), reason: String::new() };
        matches!(self.ruling, Ruling::Forbidden | Ruling::Broken)
            .then(|| self.by.first().cloned().unwrap_or_else(nobody))
    }
}

/// A verdict with what it hangs on: it can be reached again from this alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// Fingerprint of the guardrails of then.
    pub rules: String,
    /// What was known.
    pub facts: Facts,
    /// What they said.
    pub verdict: Verdict,
}

impl Judgement {
    /// Lets through what no guardrail forbids.
    ///
    /// # Errors
    /// One forbids it, or could not be worked out.
    pub fn let_through(judged: Option<&Self>) -> Result<(), Refusal> {
        let Some(judged) = judged.filter(|_| !is_planted(Fault::IgnoresGuardrails)) else { return Ok(()) };
        let is_broken = judged.verdict.ruling == Ruling::Broken;
        judged.verdict.no().map_or(Ok(()), |rule| Err(Refusal::Forbidden { rule, is_broken }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_and_days_are_those_of_the_zone() {
        // Sunday 2026-03-29 00:30 UTC, half an hour before Berlin goes from 2 to 3 o'clock.
        let before = 1_774_744_200_000;
        for (zone, now, hour, weekday) in [
            ("Europe/Berlin", before, 1, "sun"),
            ("Europe/Berlin", before + 3_600_000, 3, "sun"),
            ("America/New_York", before, 20, "sat"),
            ("UTC", before, 0, "sun"),
            ("Nowhere/Land", before, 0, "sun"),
        ] {
            assert_eq!(Local::at(now, zone), Local { hour, weekday: weekday.to_owned() }, "{zone}");
        }
    }

    #[test]
    fn a_day_and_a_week_begin_at_midnight_of_the_zone() {
        let now = 1_774_744_200_000;
        let (day, week) = beginnings(now, "Europe/Berlin");
        assert_eq!(now - day, 90 * 60_000);
        assert_eq!(day - week, 6 * 86_400_000);
        // The day that has 23 hours.
        let (next, _) = beginnings(now + 86_400_000, "Europe/Berlin");
        assert_eq!(next - day, 23 * 3_600_000);
    }
}
