//! What somebody filled in: one value an input, with its kind.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::hold;
use crate::person::Person;
use crate::request::DeviceShown;

/// One value, of the kind that its input has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum InputValue {
    /// A length of time.
    Duration {
        /// In milliseconds.
        length_ms: i64,
    },
    /// Text, as typed.
    Text {
        /// It.
        text: String,
    },
    /// A device as it was when it was chosen.
    Device(DeviceShown),
    /// One or more of the words that are offered, in the order of the workflow file.
    Choice {
        /// As written in the file, without their labels.
        chosen: Vec<String>,
        /// Whether several could be chosen: then it is filled in as a list.
        #[serde(default)]
        many: bool,
    },
    /// A member of the workspace as they were when they were chosen.
    Person(PersonShown),
    /// A whole number.
    Number {
        /// It.
        number: i64,
    },
    /// Yes or no.
    Flag {
        /// Which.
        on: bool,
    },
    /// A web address.
    Link {
        /// It.
        url: String,
    },
    /// Of a kind that a later version has: nothing can be filled in with it here.
    #[serde(other)]
    Unknown,
}

/// A person as they were when they were chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonShown {
    /// Slack's id.
    pub slack_id: String,
    /// For people.
    pub name: String,
    /// From Slack, if it tells one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// In the tailnet, if they are an active user of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
}

impl From<&Person> for PersonShown {
    fn from(person: &Person) -> Self {
        let Person { slack_id, name, email, login, .. } = person.clone();
        Self { slack_id, name, email, login }
    }
}

/// Whether it is written as tags are: `tag:` and letters, digits and dashes, a letter first.
pub fn is_tag(text: &str) -> bool {
    text.strip_prefix("tag:").is_some_and(|name| {
        name.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    })
}

impl InputValue {
    /// As people would type it, and read it.
    pub fn as_typed(&self) -> String {
        match self {
            Self::Duration { length_ms } => hold::show(*length_ms),
            Self::Text { text } => text.clone(),
            Self::Device(device) => device.name.clone(),
            Self::Choice { chosen, .. } => chosen.join(","),
            Self::Person(person) => person.email.clone().unwrap_or_else(|| person.slack_id.clone()),
            Self::Number { number } => number.to_string(),
            Self::Flag { on } => if *on { "yes" } else { "no" }.to_owned(),
            Self::Link { url } => url.clone(),
            Self::Unknown => String::new(),
        }
    }

    /// What `{{ inputs.NAME }}` becomes; none: nothing that this version knows.
    pub fn as_filled(&self) -> Option<Value> {
        match self {
            Self::Device(device) => Some(device.node_id.as_str().into()),
            Self::Choice { chosen, many: true } => Some(chosen.clone().into()),
            Self::Person(PersonShown { slack_id, email, login, .. }) => {
                Some(login.as_ref().or(email.as_ref()).unwrap_or(slack_id).as_str().into())
            }
            Self::Number { number } => Some((*number).into()),
            Self::Flag { on } => Some((*on).into()),
            Self::Unknown => None,
            other => Some(other.as_typed().into()),
        }
    }
}
