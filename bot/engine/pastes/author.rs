//! Whose a paste is: looked up afresh, named where tclip sees only the bot, and written down.

use std::time::Duration;

use super::{PasteError, Pastes};
use crate::engine::Engine;
use crate::kernel::paste::{Author, tidy_filename};
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
        let looking = tokio::time::timeout(AUTHOR_LIMIT, self.inner.people.fresh(slack_id, &[], false)).await;
        let person = looking.unwrap_or_else(|_| Err(late())).map_err(PasteError::Unknown)?;
        if person.standing != Standing::Member {
            return Err(PasteError::NotYou(Refusal::Standing { standing: person.standing }));
        }
        let login = person.login.or(person.email).map(|login| login.to_lowercase());
        Ok(Author { slack_id: Some(person.slack_id), login, name: person.name })
    }
}

/// tclip names us as whoever pasted, so the file name says who it was. In front, so that the ending still tells the
/// language; the text itself stays as it is.
pub fn signed(author: &Author, filename: &str) -> String {
    tidy_filename(&format!("{} - {filename}", author.shown()))
}

/// Who did it, for the audit log.
pub(super) fn actor(author: &Author) -> Actor {
    match (&author.slack_id, &author.login) {
        (Some(slack_id), _) => Actor::Person { slack_id: slack_id.clone() },
        (None, Some(login)) => Actor::Visitor { login: login.clone() },
        (None, None) => Actor::Operator,
    }
}
