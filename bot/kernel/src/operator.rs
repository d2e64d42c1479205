//! Who acts from the command line of the machine that the bot runs on, and who ended something: such a user, or a person.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A user of the machine that the bot runs on, as its system says it. No person: their word ends things and grants nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    /// The name of the user.
    pub user: String,
    /// The name of the machine.
    pub host: String,
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.user, self.host)
    }
}

/// Who ended something. Stored as a Slack id, or as the two names of an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum By {
    /// A person, by Slack id.
    Person(String),
    /// Somebody at the command line.
    Operator(Operator),
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(slack_id) => f.write_str(slack_id),
            Self::Operator(operator) => operator.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_stored_as_before_there_were_operators() {
        let root = By::Operator(Operator { user: "root".to_owned(), host: "lock1".to_owned() });
        for (by, stored, shown) in [
            (By::Person("U1".to_owned()), "\"U1\"", "U1"),
            (root, "{\"user\":\"root\",\"host\":\"lock1\"}", "root on lock1"),
        ] {
            assert_eq!(serde_json::to_string(&by).unwrap(), stored);
            assert_eq!(serde_json::from_str::<By>(stored).unwrap(), by);
            assert_eq!(by.to_string(), shown);
        }
    }
}
