//! Reading for the surfaces: requests by what people want to see. Changes nothing.

mod roll;

use std::collections::BTreeSet;
use std::time::Duration;

use super::Engine;
use super::people::About;
use crate::kernel::workflow::OwnRequest;
use crate::kernel::{Button, Refusal, Request, RequestId, Standing, State, Who, Workflow, policy};
use crate::store::StoreError;

/// The newest requests of one person; whoever has more live ones than this looks at the cards.
const MINE_MAX: i64 = 200;
/// Pending requests looked through for one person.
const PENDING_MAX: i64 = 500;
/// Live requests looked through for whoever may take them back.
const LENT_MAX: i64 = 500;

/// Reviews looked through for one person.
const REVIEWS_MAX: i64 = 500;

/// Part of the three seconds a press has.
const GLANCE_LIMIT: Duration = Duration::from_millis(800);

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot be read: {0}")]
pub struct ReadError(String);

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}

impl Engine {
    /// The request of that id, if there is one.
    ///
    /// # Errors
    /// The database failed.
    pub async fn request(&self, id: &RequestId) -> Result<Option<Request>, ReadError> {
        Ok(self.inner.store.find(id).await?)
    }

    /// What this person asked for, newest first, at most 200.
    ///
    /// # Errors
    /// The database failed.
    pub async fn mine(&self, slack_id: &str) -> Result<Vec<Request>, ReadError> {
        Ok(self.inner.store.requests_of(slack_id, MINE_MAX).await?)
    }

    /// The workflow this person asked for last: people mostly need what they needed before.
    ///
    /// # Errors
    /// The database failed.
    pub async fn asked_last(&self, slack_id: &str) -> Result<Option<String>, ReadError> {
        Ok(self.inner.store.requests_of(slack_id, 1).await?.pop().map(|request| request.ask.workflow.name.clone()))
    }

    /// The Slack account of whoever has this tailnet login, as far as the directory knows.
    ///
    /// # Errors
    /// The database failed.
    pub async fn account_of(&self, login: &str) -> Result<Option<String>, ReadError> {
        Ok(self.inner.directory.account_of(login).await?)
    }

    /// What this person was asked to decide and has not, oldest first. Whether they still may is checked when they do.
    ///
    /// # Errors
    /// The database failed.
    pub async fn waiting_for(&self, slack_id: &str) -> Result<Vec<Request>, ReadError> {
        let mut pending = self.inner.store.requests_in(State::Pending, PENDING_MAX).await?;
        let mut lent = self.inner.store.lent(None, LENT_MAX).await?;
        lent.retain(Request::is_extension_asked);
        pending.extend(lent);
        pending.retain(|request| waits_for(request, slack_id));
        Ok(pending)
    }

    /// What this person asked for somebody else and is not over, at most as many as are looked through.
    ///
    /// # Errors
    /// The database failed.
    pub async fn asked_for_others(&self, slack_id: &str) -> Result<Vec<Request>, ReadError> {
        let mut open = self.inner.store.requests_in(State::Pending, PENDING_MAX).await?;
        open.extend(self.inner.store.lent(None, LENT_MAX).await?);
        open.retain(|request| request.asker.as_ref().is_some_and(|asker| asker.slack_id == slack_id));
        Ok(open)
    }

    /// Broken glass that this person was asked to review and nobody has, the soonest due first. Whether they still may is checked when they do.
    ///
    /// # Errors
    /// The database failed.
    pub async fn to_review(&self, slack_id: &str) -> Result<Vec<Request>, ReadError> {
        let mut open = self.open_reviews().await?;
        open.retain(|request| {
            let asked = request.open_review().map(|review| review.asked.as_slice()).unwrap_or_default();
            asked.iter().any(|id| id == slack_id) && request.requester.slack_id != slack_id
        });
        Ok(open)
    }

    /// Everything whose review is open, the soonest due first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn open_reviews(&self) -> Result<Vec<Request>, ReadError> {
        let mut open = Vec::new();
        for id in self.inner.store.to_review(REVIEWS_MAX).await? {
            // One that cannot be read hides no other.
            open.extend(self.request(&id).await.ok().flatten().filter(|request| request.open_review().is_some()));
        }
        open.sort_by_key(|request| request.open_review().map(|review| review.due_at));
        Ok(open)
    }

    /// What others hold and this person was asked about or decided on, newest first. Whether they still may take it back is checked when
    /// they do.
    ///
    /// # Errors
    /// The database failed.
    pub async fn lent_by(&self, slack_id: &str) -> Result<Vec<Request>, ReadError> {
        let mut lent = self.inner.store.lent(None, LENT_MAX).await?;
        lent.retain(|request| {
            let decided = request.decisions.iter().any(|decision| decision.is_by_account(slack_id));
            request.requester.slack_id != slack_id
                && (decided || request.everybody_asked().iter().any(|id| id == slack_id))
        });
        Ok(lent)
    }

    /// What is lent under this workflow now, newest first, for whoever may decide under it. None: this person may not, or that could not be
    /// told within a second.
    ///
    /// # Errors
    /// The database failed.
    pub async fn lent_under(&self, workflow: &Workflow, slack_id: &str) -> Result<Option<Vec<Request>>, ReadError> {
        let (rules, none) = (workflow.approvers(), About::default());
        let looking = tokio::time::timeout(GLANCE_LIMIT, self.inner.people.looked_up(slack_id, (&rules, &none), false));
        match looking.await {
            Ok(Ok(looked)) if policy::may_oversee(workflow, &looked.person) => {
                Ok(Some(self.inner.store.lent(Some(&workflow.name), LENT_MAX).await?))
            }
            // Whoever decides as a manager sees what those hold whose manager they are.
            Ok(Ok(looked)) if rules.contains(&Who::Manager) && looked.person.standing == Standing::Member => {
                let catalog = self.catalog();
                let reports: BTreeSet<&str> = catalog.staff().reports_of(&looked.person).into_iter().collect();
                if reports.is_empty() {
                    return Ok(None);
                }
                let mut lent = self.inner.store.lent(Some(&workflow.name), LENT_MAX).await?;
                lent.retain(|request| {
                    let names = [&request.requester.login, &request.requester.email];
                    names.into_iter().flatten().any(|name| reports.contains(name.to_lowercase().as_str()))
                });
                Ok(Some(lent))
            }
            _ => Ok(None),
        }
    }

    /// Why this person may not break glass under this workflow, to spare them a form that leads nowhere. Decides nothing. Nothing, if it cannot
    /// be told within a second.
    pub async fn why_no_glass(&self, workflow: &Workflow, slack_id: &str) -> Option<Refusal> {
        let (rules, none) = (workflow.askers(), About::default());
        let looking = self.inner.people.looked_up(slack_id, (&rules, &none), false);
        let looked = tokio::time::timeout(GLANCE_LIMIT, looking).await.ok()?.ok()?;
        let why = policy::may_break_glass(workflow, &looked.person).err()?;
        Some(why).filter(|why| !why.hangs_on_membership() || looked.unread.is_empty())
    }

    /// Whether this person could press this now, to spare them a form that leads nowhere. Decides nothing: that is done
    /// when it was pressed. Yes, if it cannot be told within a second.
    pub async fn seems_open(&self, request: &Request, slack_id: &str, button: &Button) -> bool {
        self.why_closed(request, slack_id, button).await.is_none()
    }

    /// Why they could not, if they could not.
    pub async fn why_closed(&self, request: &Request, slack_id: &str, button: &Button) -> Option<Refusal> {
        if let Err(why) = request.is_open_for(button, slack_id, self.inner.clock.now_ms()) {
            return Some(why);
        }
        let rules = policy::rules_for(request, Some(button));
        let looking = async {
            let about = self.about(&request.ask, &rules).await;
            self.inner.people.looked_up(slack_id, (&rules, &about), false).await
        };
        let looked = tokio::time::timeout(GLANCE_LIMIT, looking).await.ok()?.ok()?;
        let why = policy::may_press(request, &looked.person, button).err()?;
        Some(why).filter(|why| !why.hangs_on_membership() || looked.unread.is_empty())
    }
}

fn waits_for(request: &Request, slack_id: &str) -> bool {
    let own = request.approval().open().map_or(OwnRequest::Never, |open| open.stage.own_request);
    let is_own = request.requester.slack_id == slack_id;
    let decided = request.has_decided(slack_id);
    request.asked_now().iter().any(|id| id == slack_id) && !decided && (!is_own || own != OwnRequest::Never)
}
