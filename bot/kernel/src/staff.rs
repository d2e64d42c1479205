//! Who is whose manager, and where people are: what is known of them beside what Slack and the tailnet say.

use std::collections::{BTreeMap, BTreeSet};

use crate::person::Person;

/// People by e-mail address or tailnet login, in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Staff {
    people: BTreeMap<String, Employed>,
}

/// What is known of one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Employed {
    /// By e-mail address or tailnet login, in lower case.
    pub manager: Option<String>,
    /// Like `Europe/Berlin`.
    pub zone: Option<String>,
}

impl Staff {
    /// These people.
    pub fn new(people: BTreeMap<String, Employed>) -> Self {
        Self { people }
    }

    /// Whether it names nobody.
    pub fn is_empty(&self) -> bool {
        self.people.is_empty()
    }

    /// The manager of this person, by e-mail address or login.
    pub fn manager_of(&self, person: &Person) -> Option<&str> {
        self.find(person).and_then(|known| known.manager.as_deref())
    }

    /// Where this person is, if it says so.
    pub fn zone_of(&self, person: &Person) -> Option<&str> {
        self.find(person).and_then(|known| known.zone.as_deref())
    }

    /// Whose manager this person is, by e-mail address or login.
    pub fn reports_of<'s>(&'s self, person: &Person) -> Vec<&'s str> {
        let names = names_of(person);
        let is_them = |manager: &String| names.contains(manager);
        let reports = self.people.iter().filter(|(_, known)| known.manager.as_ref().is_some_and(is_them));
        reports.map(|(name, _)| name.as_str()).collect()
    }

    /// Everybody it names, each once.
    pub fn everybody(&self) -> BTreeSet<&str> {
        let managers = self.people.values().filter_map(|known| known.manager.as_deref());
        self.people.keys().map(String::as_str).chain(managers).collect()
    }

    /// By login first: an address may have been somebody else's.
    fn find(&self, person: &Person) -> Option<&Employed> {
        names_of(person).iter().find_map(|name| self.people.get(name))
    }
}

fn names_of(person: &Person) -> Vec<String> {
    [&person.login, &person.email].into_iter().flatten().map(|name| name.to_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::person::Standing;

    fn person(email: &str, login: Option<&str>) -> Person {
        Person {
            slack_id: "U1".to_owned(),
            name: "Somebody".to_owned(),
            email: Some(email.to_owned()),
            login: login.map(str::to_owned),
            standing: Standing::Member,
            belongs: Vec::new(),
        }
    }

    #[test]
    fn people_are_found_by_login_and_then_by_address_in_whatever_capitals() {
        let employed = |manager: &str| Employed { manager: Some(manager.to_owned()), zone: None };
        let staff = Staff::new(
            [("alice@example.com", "carol@example.com"), ("alice@github", "dave@example.com")]
                .into_iter()
                .map(|(name, manager)| (name.to_owned(), employed(manager)))
                .collect(),
        );
        assert_eq!(staff.manager_of(&person("Alice@Example.com", None)), Some("carol@example.com"));
        assert_eq!(staff.manager_of(&person("alice@example.com", Some("Alice@GitHub"))), Some("dave@example.com"));
        assert_eq!(staff.manager_of(&person("bob@example.com", None)), None);
        assert_eq!(staff.reports_of(&person("CAROL@example.com", Some("carol@github"))), ["alice@example.com"]);
        assert_eq!(staff.reports_of(&person("bob@example.com", None)), Vec::<&str>::new());
    }
}
