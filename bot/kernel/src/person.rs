//! Who people are, as facts read from Slack and the tailnet, and how a workflow names them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What Slack says about an account right now. Only a `Member` may ask or decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// A full member of the workspace (or organisation) the bot is installed in.
    Member,
    /// A single- or multi-channel guest.
    Guest,
    /// Somebody of another company, in a shared channel.
    Outsider,
    /// A program.
    Bot,
    /// Switched off.
    Deactivated,
    /// Slack did not tell enough to be sure; or a later version wrote down what this one has no word for.
    #[serde(other)]
    Unknown,
}

/// A person as read afresh for one decision. These facts are kept in the audit log with the decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Slack's id, `U...` or `W...`.
    pub slack_id: String,
    /// A name for people to read; never used to decide.
    pub name: String,
    /// E-mail from Slack, lower case, if Slack told it.
    pub email: Option<String>,
    /// The active tailnet user this is, by e-mail or by the `people:` table.
    pub login: Option<String>,
    /// What Slack says about the account.
    pub standing: Standing,
    /// Which of the workflow's `Who`s this person belongs to.
    pub belongs: Vec<Who>,
}

impl Person {
    /// Whether two accounts are one human: the same Slack account, tailnet login or e-mail address.
    pub fn is_same_human(&self, other: &Self) -> bool {
        let same = |ours: &Option<String>, theirs: &Option<String>| match (ours, theirs) {
            (Some(ours), Some(theirs)) => ours.eq_ignore_ascii_case(theirs),
            _ => false,
        };
        self.slack_id == other.slack_id || same(&self.login, &other.login) || same(&self.email, &other.email)
    }
}

const AUTOGROUP: &str = "autogroup:";
/// The roles that the tailnet gives single users, see <https://tailscale.com/kb/1138/user-roles>.
pub const ROLES: &[&str] = &["owner", "admin", "it-admin", "network-admin", "billing-admin", "auditor"];

/// What follows the `@` of tailnet logins that are no e-mail addresses.
const LOGINS_AT: &[&str] = &["github", "passkey"];

fn is_role(text: &str) -> bool {
    text.strip_prefix(AUTOGROUP).is_some_and(|role| ROLES.contains(&role))
}

/// How a workflow names people.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Who {
    /// `group:dba` of the tailnet policy file, or `autogroup:member` for every active user of the tailnet.
    TailnetGroup(String),
    /// `autogroup:admin`: active users of the tailnet who have this role there.
    Role(String),
    /// `@db-oncall`: a Slack user group by its handle, without the `@` here.
    SlackGroup(String),
    /// One person by e-mail or tailnet login, lower case.
    Email(String),
    /// `requester.manager`: whoever is the manager of the person a request is of.
    Manager,
    /// `device.owner`: whoever owns the device a request is about.
    DeviceOwner,
    /// `anyone`: every full member of the workspace.
    Anyone,
    /// As a stored request has it and no version so far knows it: kept word for word, and nobody is meant.
    Unknown(String),
}

impl Who {
    /// Whether this person is one of those: never for what is not known.
    pub fn means(&self, person: &Person) -> bool {
        !matches!(self, Self::Unknown(_)) && person.belongs.contains(self)
    }

    /// How people are named in stored JSON, which is not the grammar of workflow files: `parse` may become stricter, and
    /// this may not. Everything that was ever written is read, and nothing is refused.
    fn stored(text: String) -> Self {
        if let Some(handle) = text.strip_prefix('@') {
            return Self::SlackGroup(handle.to_owned());
        }
        if text.starts_with("group:") || text == "autogroup:member" {
            return Self::TailnetGroup(text);
        }
        if is_role(&text) {
            return Self::Role(text);
        }
        if let Some(word) = Self::of_word(&text) {
            return word;
        }
        if text.contains('@') && !text.contains(':') { Self::Email(text) } else { Self::Unknown(text) }
    }

    /// The names that are one word each and mean somebody else in each request, or everybody.
    pub const WORDS: [Self; 3] = [Self::Manager, Self::DeviceOwner, Self::Anyone];

    fn of_word(text: &str) -> Option<Self> {
        Self::WORDS.into_iter().find(|who| who.word() == Some(text))
    }

    /// The word it is, if it is one.
    pub fn word(&self) -> Option<&'static str> {
        match self {
            Self::Manager => Some("requester.manager"),
            Self::DeviceOwner => Some("device.owner"),
            Self::Anyone => Some("anyone"),
            Self::TailnetGroup(_) | Self::Role(_) | Self::SlackGroup(_) | Self::Email(_) | Self::Unknown(_) => None,
        }
    }

    /// Whether it means one person, whoever that is.
    pub fn is_one_person(&self) -> bool {
        matches!(self, Self::Email(_) | Self::Manager | Self::DeviceOwner)
    }

    /// Whether guardrails can name it as a group.
    pub fn is_group(&self) -> bool {
        !matches!(self, Self::Email(_) | Self::Unknown(_))
    }

    /// Whether whom it means hangs on the request.
    pub fn hangs_on_request(&self) -> bool {
        matches!(self, Self::Manager | Self::DeviceOwner)
    }

    /// The role in the tailnet that this means, as Tailscale calls it.
    pub fn role(&self) -> Option<&str> {
        if let Self::Role(name) = self { name.strip_prefix(AUTOGROUP) } else { None }
    }

    /// Reads `group:dba`, `autogroup:member`, `autogroup:admin`, `@db-oncall`, `bob@example.com`, `requester.manager`, `device.owner` or
    /// `anyone`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let plain =
            |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.+".contains(c));
        if text == "autogroup:member" || text.strip_prefix("group:").is_some_and(plain) {
            return Ok(Self::TailnetGroup(text.to_owned()));
        }
        if is_role(text) {
            return Ok(Self::Role(text.to_owned()));
        }
        if let Some(word) = Self::of_word(text) {
            return Ok(word);
        }
        if let Some(handle) = text.strip_prefix('@') {
            return if plain(handle) {
                Ok(Self::SlackGroup(handle.to_lowercase()))
            } else {
                Err(format!("`{text}` is not the handle of a Slack user group"))
            };
        }
        match text.split_once('@') {
            Some((local, domain))
                if plain(local) && plain(domain) && (domain.contains('.') || LOGINS_AT.contains(&domain)) =>
            {
                Ok(Self::Email(text.to_lowercase()))
            }
            _ => Err(format!(
                "`{text}` names nobody: write group:NAME, autogroup:member or autogroup:admin (tailnet), @handle (Slack user group) or an e-mail address"
            )),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TailnetGroup(name) | Self::Role(name) | Self::Email(name) | Self::Unknown(name) => f.write_str(name),
            Self::SlackGroup(handle) => write!(f, "@{handle}"),
            Self::Manager | Self::DeviceOwner | Self::Anyone => f.write_str(self.word().unwrap_or_default()),
        }
    }
}

impl Serialize for Who {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Who {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::stored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_named_in_these_ways() {
        assert_eq!(Who::parse("group:dba"), Ok(Who::TailnetGroup("group:dba".into())));
        assert_eq!(Who::parse("autogroup:member"), Ok(Who::TailnetGroup("autogroup:member".into())));
        assert_eq!(Who::parse("@DB-oncall"), Ok(Who::SlackGroup("db-oncall".into())));
        assert_eq!(Who::parse("Bob@Example.com"), Ok(Who::Email("bob@example.com".into())));
        assert_eq!(Who::parse("eve@github"), Ok(Who::Email("eve@github".into())));
        assert_eq!(Who::parse("autogroup:it-admin"), Ok(Who::Role("autogroup:it-admin".into())));
        assert_eq!(Who::Role("autogroup:it-admin".into()).role(), Some("it-admin"));
        assert_eq!(Who::parse("requester.manager"), Ok(Who::Manager));
        assert_eq!(Who::parse(" device.owner "), Ok(Who::DeviceOwner));
        assert_eq!(Who::parse("anyone"), Ok(Who::Anyone));
        for wrong in [
            "",
            "bob",
            "requester",
            "requester.managers",
            "Anyone",
            "group:",
            "autogroup:self",
            "@",
            "<@U123>",
            "bob@",
            "a b@example.com",
            "bob@localhost",
        ] {
            assert!(Who::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_names_people_reads_back_as_it_is_shown() {
        let words = ["requester.manager", "device.owner", "anyone"];
        for text in ["group:dba", "autogroup:member", "autogroup:admin", "@db-oncall", "bob@example.com"]
            .into_iter()
            .chain(words)
        {
            let who = Who::parse(text).unwrap();
            assert_eq!(who.to_string(), text);
            let stored = serde_json::to_string(&who).unwrap();
            assert_eq!(serde_json::from_str::<Who>(&stored).unwrap(), who);
        }
    }

    #[test]
    fn what_was_stored_is_read_whatever_a_workflow_file_may_say_today() {
        for (stored, read) in [
            ("group:a b", Who::TailnetGroup("group:a b".to_owned())),
            ("@DB oncall", Who::SlackGroup("DB oncall".to_owned())),
            ("bob@localhost", Who::Email("bob@localhost".to_owned())),
            ("nobody", Who::Unknown("nobody".to_owned())),
            ("autogroup:self", Who::Unknown("autogroup:self".to_owned())),
            ("autogroup:admin", Who::Role("autogroup:admin".to_owned())),
            ("requester.manager", Who::Manager),
            ("requester.peer", Who::Unknown("requester.peer".to_owned())),
            ("rota:primary@eu", Who::Unknown("rota:primary@eu".to_owned())),
        ] {
            let who: Who = serde_json::from_value(stored.into()).unwrap();
            assert_eq!(who, read);
            assert_eq!(serde_json::to_value(&who).unwrap(), stored, "kept word for word");
        }
    }

    #[test]
    fn nobody_is_meant_by_what_is_not_known() {
        let rota = || Who::Unknown("rota:primary".to_owned());
        let person = Person {
            slack_id: "U1".to_owned(),
            name: "Bob".to_owned(),
            email: None,
            login: None,
            standing: Standing::Member,
            belongs: vec![rota(), Who::SlackGroup("db-oncall".to_owned())],
        };
        assert!(!rota().means(&person));
        assert!(Who::SlackGroup("db-oncall".to_owned()).means(&person));
        assert_eq!(serde_json::from_str::<Standing>("\"contractor\"").unwrap(), Standing::Unknown);
    }

    #[test]
    fn accounts_are_one_human_by_slack_id_login_or_email_and_never_by_name() {
        let account = |slack_id: &str, login: Option<&str>, email: Option<&str>| Person {
            slack_id: slack_id.to_owned(),
            name: "Bob".to_owned(),
            email: email.map(str::to_owned),
            login: login.map(str::to_owned),
            standing: Standing::Member,
            belongs: Vec::new(),
        };
        let bob = account("U1", Some("bob@github"), Some("bob@example.com"));
        for (other, same) in [
            (account("U1", None, None), true),
            (account("U2", Some("Bob@GitHub"), None), true),
            (account("U2", None, Some("BOB@example.com")), true),
            (account("U2", None, None), false),
            (account("u1", None, None), false),
            (account("U2", Some("bob@gitlab"), Some("bob@example.org")), false),
            // A login is no e-mail address, however alike they look.
            (account("U2", Some("bob@example.com"), Some("bob@github")), false),
        ] {
            assert_eq!(bob.is_same_human(&other), same, "{other:?}");
            assert_eq!(other.is_same_human(&bob), same, "{other:?}");
        }
        let unknown = |slack_id| account(slack_id, None, None);
        assert!(!unknown("U1").is_same_human(&unknown("U2")), "two people of whom nothing is known are not one");
    }
}
