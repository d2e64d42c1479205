//! Who asked, where that is somebody else than who gets it.

use crate::person::Person;
use crate::request::Ask;

impl Ask {
    /// Whether this person asked for it, for somebody else, with whatever account.
    pub fn is_asker(&self, person: &Person) -> bool {
        self.asker.as_ref().is_some_and(|asker| asker.is_same_human(person))
    }

    /// Slack id of whoever asked for it: the requester, or somebody else for them.
    pub fn asked_by(&self) -> &str {
        self.asker.as_ref().map_or(&self.requester.slack_id, |asker| &asker.slack_id)
    }

    /// Whether this person is one of the two.
    pub fn is_one_of_both(&self, person: &Person) -> bool {
        self.asker.is_some() && (self.requester.is_same_human(person) || self.is_asker(person))
    }
}
