//! Who asks about links, and whom the tailnet knows: looked up afresh, in the time Slack leaves us.

use std::time::Duration;

use super::{LinkError, Links};
use crate::kernel::link::{Editor, KnownLogins};
use crate::kernel::{Failure, Standing};

/// Looking a person up gets this much of Slack's three seconds.
const LOOK_UP_LIMIT: Duration = Duration::from_millis(1_200);

/// Who asks about links: a full member of the workspace.
#[derive(Clone, Debug, PartialEq)]
pub struct Asker {
    /// Slack id.
    pub slack_id: String,
    /// Their login in the tailnet, or why it is not known. Most links can be followed without.
    pub login: Result<String, LinkError>,
}

impl Asker {
    /// Their login, if it is known.
    pub fn login(&self) -> Option<&str> {
        self.login.as_deref().ok()
    }

    /// The editor that they are: never an admin, whatever the bot itself may do at a golink.
    ///
    /// # Errors
    /// The tailnet does not know them, or did not say.
    pub fn editor(&self) -> Result<Editor, LinkError> {
        self.login.clone().map(|login| Editor { login, is_admin: false })
    }
}

impl Links {
    /// Who this is in Slack and in the tailnet, afresh.
    ///
    /// # Errors
    /// Not a member; or Slack did not say within about a second.
    pub async fn asker(&self, slack_id: &str) -> Result<Asker, LinkError> {
        let people = &self.engine.inner.people;
        let mut in_slack = None;
        let looking = async {
            let person = people.in_slack(slack_id).await?;
            let (is_member, email) = (person.standing == Standing::Member, person.email.clone());
            in_slack = Some(person);
            Ok((if is_member { people.fresh(slack_id, true).await?.login } else { None }, email))
        };
        let login = match tokio::time::timeout(LOOK_UP_LIMIT, looking).await {
            Ok(Ok((Some(login), _))) => Ok(login),
            Ok(Ok((None, email))) => Err(LinkError::NoTailnetUser { email }),
            Ok(Err(failure)) => Err(LinkError::Failed(failure)),
            Err(_) if in_slack.is_none() => Err(late("Slack did not say in time who you are")),
            Err(_) => Err(late("Tailscale did not say in time who you are")),
        };
        match (in_slack, login) {
            (None, Ok(_)) => Err(LinkError::NotMember(Standing::Unknown)),
            (None, Err(error)) => Err(error),
            (Some(person), _) if person.standing != Standing::Member => Err(LinkError::NotMember(person.standing)),
            (Some(person), login) => Ok(Asker { slack_id: person.slack_id, login }),
        }
    }

    /// The logins the tailnet knows now.
    ///
    /// # Errors
    /// Tailscale did not say within about a second.
    pub async fn known(&self) -> Result<KnownLogins, LinkError> {
        match tokio::time::timeout(LOOK_UP_LIMIT, self.engine.inner.people.logins()).await {
            Ok(logins) => logins.map_err(LinkError::Failed),
            Err(_) => Err(late("Tailscale did not say in time who is in the tailnet")),
        }
    }
}

fn late(what: &str) -> LinkError {
    let advice = "try again in a moment".to_owned();
    LinkError::Failed(Failure { what: what.to_owned(), advice, retryable: true, retry_after_ms: None })
}
