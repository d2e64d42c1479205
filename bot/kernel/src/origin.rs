//! How a request comes about: what a workflow says that starts it by itself, and what a request remembers of that.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What starts a workflow beside somebody who asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "trigger", rename_all = "snake_case")]
pub enum Trigger {
    /// The clock.
    Schedule(Schedule),
    /// In a stored request, by a later version: it starts nothing here. No file makes one.
    #[serde(other)]
    Unknown,
}

/// Times at which a workflow starts by itself, and as whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Minute, hour, day of the month, month, day of the week.
    pub cron: String,
    /// The time zone that these are meant in, for example `Europe/Berlin`.
    pub zone: String,
    /// E-mail address or tailnet login of the person who asks then. They pass the same rules as if they had typed it.
    #[serde(rename = "as")]
    pub run_as: String,
    /// What is filled in, by input name, as it would be typed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub with: BTreeMap<String, String>,
}

/// How one request came about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "origin", rename_all = "snake_case")]
pub enum Origin {
    /// Its requester typed it or sent a form.
    #[default]
    Typed,
    /// Its time had come.
    Schedule {
        /// When that was, milliseconds since the Unix epoch.
        due_at: i64,
        /// As whom, in the words of the file.
        #[serde(rename = "as")]
        run_as: String,
    },
    /// In a stored request, by a later version.
    #[serde(other)]
    Unknown,
}

impl Origin {
    /// What is usual is not written.
    pub fn is_typed(&self) -> bool {
        *self == Self::Typed
    }
}

/// One start that is due: which workflow, by which of its schedules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// The workflow's name.
    pub workflow: String,
    /// The place of the schedule among the workflow's triggers, from 0.
    pub number: usize,
    /// What the file said when this was put down: a start under other words is another one.
    pub schedule: Schedule,
    /// The time that it stands for, milliseconds since the Unix epoch.
    pub due_at: i64,
}

impl Start {
    /// Whether both are of the same schedule, at whatever time.
    pub fn is_of_the_same(&self, other: &Self) -> bool {
        (&self.workflow, self.number, &self.schedule) == (&other.workflow, other.number, &other.schedule)
    }

    /// What a request says that comes of it.
    pub fn origin(&self) -> Origin {
        Origin::Schedule { due_at: self.due_at, run_as: self.schedule.run_as.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_later_version_starts_by_is_read_and_starts_nothing() {
        let trigger: Trigger = serde_json::from_str(r#"{"trigger":"webhook","path":"x"}"#).unwrap();
        assert_eq!(trigger, Trigger::Unknown);
        let origin: Origin = serde_json::from_str(r#"{"origin":"webhook","path":"x"}"#).unwrap();
        assert_eq!(origin, Origin::Unknown);
        assert!(!origin.is_typed() && Origin::default().is_typed());
    }
}
