//! What the command line does through the running bot: look at requests, decide as the person it is said to be, deny, take back, copy.

use std::path::Path;
use std::time::Duration;

use super::reading::ReadError;
use super::{Engine, TellError, Told};
use crate::kernel::request::Decision;
use crate::kernel::{Actor, Button, Event, Failure, Operator, Refusal, Request, RequestId, policy};
use crate::store::BackupError;

/// So long a press is waited for until it is known whether it counted.
const JUDGED_LIMIT: Duration = Duration::from_secs(20);
/// Between two looks at it.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Ids that one that is not there is compared with.
const IDS_MAX: i64 = 1_000;

/// What became of a press from the command line.
#[derive(Debug)]
pub enum Judged {
    /// It counted.
    Counted(Box<Request>),
    /// It was saved and did not count, or was not open to begin with.
    Refused(Refusal),
    /// It is saved, and it is not known yet who that person is.
    Waits,
    /// It is saved and did not count; the person was told why in Slack.
    NotCounted,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum OperatingError {
    /// The configuration names somebody whom nobody is.
    #[error("Slack has no active person `{0}`")]
    Nobody(String),
    /// The account that was known under that name is somebody else's now.
    #[error("`{0}` is not the e-mail address or login of one person any more")]
    Another(String),
    /// It could not be found out who that is.
    #[error("{}", .0.what)]
    Unknown(Failure),
    /// Not saved.
    #[error(transparent)]
    Tell(#[from] TellError),
    /// Not read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl Engine {
    /// Presses as the person whom the configuration names for this operator. It is a press like any other: saved, then it is found out
    /// afresh who that is, then it counts or does not. For what can be told apart afterwards: approving and extending.
    ///
    /// # Errors
    /// Nothing was saved.
    pub async fn press_as(
        &self,
        (by, named): (&Operator, &str),
        request: &Request,
        button: Button,
    ) -> Result<Judged, OperatingError> {
        let slack_id = self.operators_account(named).await?;
        if let Err(why) = request.is_open_for(&button, &slack_id, self.clock().now_ms()) {
            return Ok(Judged::Refused(why));
        }
        let event = Event::Pressed {
            by: slack_id.clone(),
            button: button.clone(),
            channel: None,
            seal: request.seal_for(&button),
            on: None,
        };
        let told = self.tell(operator(by), &request.ask.id, event, None).await?;
        let waiting = told.request.presses.iter().rev().find(|press| press.by == slack_id && press.button == button);
        let Some(number) = waiting.map(|press| press.number) else { return Ok(Judged::NotCounted) };
        let judged = tokio::time::timeout(JUDGED_LIMIT, self.until_judged(&request.ask.id, number));
        let Ok(judged) = judged.await else { return Ok(Judged::Waits) };
        let now = judged?;
        let is_new = |decision: &&Decision| decision.round == request.round() && decision.is_by_account(&slack_id);
        let is_counted = match &button {
            Button::Extend { .. } => now.extending.is_some() || now.extensions.len() > request.extensions.len(),
            _ => now.decisions.iter().filter(is_new).any(|decision| decision.approved),
        };
        if is_counted {
            return Ok(Judged::Counted(Box::new(now)));
        }
        let rules = policy::rules_for(&now, Some(&button));
        let about = self.about(&now.ask, &rules).await;
        let looked = self.inner.people.looked_up(&slack_id, (&rules, &about), false).await;
        let why = looked.ok().and_then(|looked| policy::may_press(&now, &looked.person, &button).err());
        Ok(why.map_or(Judged::NotCounted, Judged::Refused))
    }

    /// The Slack account of whoever has this e-mail address or login, read afresh.
    async fn operators_account(&self, named: &str) -> Result<String, OperatingError> {
        let found = self.inner.people.slack_id_of(named).await.map_err(OperatingError::Unknown)?;
        let slack_id = found.ok_or_else(|| OperatingError::Nobody(named.to_owned()))?;
        let person = self.inner.people.fresh(&slack_id, true).await.map_err(OperatingError::Unknown)?;
        let names = [person.email.as_deref(), person.login.as_deref()];
        if names.into_iter().flatten().any(|name| name.eq_ignore_ascii_case(named)) {
            Ok(slack_id)
        } else {
            Err(OperatingError::Another(named.to_owned()))
        }
    }

    async fn until_judged(&self, id: &RequestId, number: u32) -> Result<Request, OperatingError> {
        loop {
            match self.request(id).await? {
                Some(now) if now.presses.iter().all(|press| press.number != number) => return Ok(now),
                Some(_) => tokio::time::sleep(LOOK_EVERY).await,
                None => return Err(TellError::NoSuchRequest(id.clone()).into()),
            }
        }
    }

    /// Says no for an operator. It changes nothing unless the request waits for a decision.
    ///
    /// # Errors
    /// Nothing was saved.
    pub async fn deny_by(&self, by: &Operator, id: &RequestId, reason: String) -> Result<Told, TellError> {
        self.tell(operator(by), id, Event::Denied { by: by.clone(), reason }, None).await
    }

    /// Takes back for an operator. It changes nothing unless something is on or is being switched on.
    ///
    /// # Errors
    /// Nothing was saved.
    pub async fn revoke_by(&self, by: &Operator, id: &RequestId, reason: String) -> Result<Told, TellError> {
        self.tell(operator(by), id, Event::Revoked { by: by.clone(), reason }, None).await
    }

    /// The newest requests, those that are over too if `all`; at most `limit`.
    ///
    /// # Errors
    /// The database failed.
    pub async fn listed(&self, all: bool, limit: i64) -> Result<Vec<Request>, ReadError> {
        Ok(self.inner.store.listed(all, limit).await?)
    }

    /// The ids of the newest requests.
    ///
    /// # Errors
    /// The database failed.
    pub async fn newest_ids(&self) -> Result<Vec<String>, ReadError> {
        Ok(self.inner.store.newest_ids(IDS_MAX).await?)
    }

    /// Copies the database into a new file; its size in bytes.
    ///
    /// # Errors
    /// There is no copy.
    pub async fn backup(&self, to: &Path) -> Result<u64, BackupError> {
        self.inner.store.backup(to).await
    }
}

fn operator(by: &Operator) -> Actor {
    Actor::Operator { by: Some(by.clone()) }
}
