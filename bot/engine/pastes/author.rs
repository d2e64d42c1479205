//! Whose a paste is: looked up afresh, named where tclip sees only the bot, and written down.

use std::time::Duration;

use super::{PasteError, Pastes};
use crate::engine::Engine;
use crate::kernel::paste::{Author, Text, named_with_language, tidy_filename};
use crate::kernel::{Actor, Failure, Refusal, Standing};

/// Looking up who pastes.
const AUTHOR_LIMIT: Duration = Duration::from_millis(900);

impl Engine {
    /// Pastes.
    pub fn pastes(&self) -> &Pastes {
        &self.inner.pastes
    }

    /// Who pastes, read afresh: a full member of the workspace, named by e-mail or tailnet login.
    ///
    /// # Errors
    /// Not a member, or Slack did not say in time.
    pub async fn paste_author(&self, slack_id: &str) -> Result<Author, PasteError> {
        let late = || Failure {
            what: "Slack did not say in time who you are".to_owned(),
            advice: "try again in a moment".to_owned(),
            retryable: true,
            retry_after_ms: None,
        };
        let looking = tokio::time::timeout(AUTHOR_LIMIT, self.inner.people.fresh(slack_id, false)).await;
        let person = looking.unwrap_or_else(|_| Err(late())).map_err(PasteError::Unknown)?;
        if person.standing != Standing::Member {
            return Err(PasteError::NotYou(Refusal::Standing { standing: person.standing }));
        }
        let is_named = self.inner.people.is_named(&person.slack_id);
        let login = person.login.or(person.email.filter(|_| !is_named)).map(|login| login.to_lowercase());
        Ok(Author { slack_id: Some(person.slack_id), login, name: person.name })
    }
}

/// tclip names us as whoever pasted, so the file name says who it was. In front, so that the ending still tells the
/// language; the text itself stays as it is.
pub fn signed(author: &Author, text: &Text) -> String {
    let named = named_with_language(&text.filename, text.language.as_deref());
    tidy_filename(&format!("{}{named}", signature(author)))
}

/// What stands in front of the names of somebody's pastes at tclip.
pub(super) fn signature(author: &Author) -> String {
    match tidy_filename(&author.shown().replace(['/', '\\'], "-")).as_str() {
        _ if author.shown().trim().is_empty() => String::new(),
        shown => format!("{shown} - "),
    }
}

/// Who did it, for the audit log.
pub(super) fn actor(author: &Author) -> Actor {
    match (&author.slack_id, &author.login) {
        (Some(slack_id), _) => Actor::Person { slack_id: slack_id.clone() },
        (None, Some(login)) => Actor::Visitor { login: login.clone() },
        (None, None) => Actor::Operator { by: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_at_tclip_says_who_pasted_and_in_which_language() {
        let text = |filename: &str, language| Text::new(filename, language, "x".to_owned()).unwrap();
        let author = |login: Option<&str>, name: &str| Author {
            slack_id: None,
            login: login.map(str::to_owned),
            name: name.to_owned(),
        };
        let alice = author(Some("alice@example.com"), "Alice");
        assert_eq!(signed(&alice, &text("main", Some("rs"))), "alice@example.com - main.rs");
        assert_eq!(signed(&alice, &text("a.txt", Some("rs"))), "alice@example.com - a.txt");
        assert_eq!(signed(&author(None, "Dev/Ops Bob"), &text("a.txt", None)), "Dev-Ops Bob - a.txt");
        assert_eq!(signed(&author(None, ""), &text("a.txt", None)), "a.txt");
        let long = signed(&alice, &text(&"x".repeat(200), Some("yaml")));
        assert!(long.starts_with("alice@example.com - xx") && long.ends_with(".yaml"), "{long}");
    }
}
