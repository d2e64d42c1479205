//! Reading for the surfaces: requests by what people want to see. Changes nothing.

use super::Engine;
use crate::kernel::workflow::OwnRequest;
use crate::kernel::{Request, RequestId, State};
use crate::store::StoreError;

/// The newest requests of one person; whoever has more live ones than this looks at the cards.
const MINE_MAX: i64 = 200;
/// Pending requests looked through for one person.
const PENDING_MAX: i64 = 500;

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

    /// What this person was asked to decide and has not, oldest first. Whether they still may is checked when they do.
    ///
    /// # Errors
    /// The database failed.
    pub async fn waiting_for(&self, slack_id: &str) -> Result<Vec<Request>, ReadError> {
        let mut pending = self.inner.store.requests_in(State::Pending, PENDING_MAX).await?;
        pending.retain(|request| waits_for(request, slack_id));
        Ok(pending)
    }
}

fn waits_for(request: &Request, slack_id: &str) -> bool {
    let own = request.workflow.stage().map_or(OwnRequest::Never, |stage| stage.own_request);
    let is_own = request.requester.slack_id == slack_id;
    let decided = request.decisions.iter().any(|decision| decision.person.slack_id == slack_id);
    request.approvers.iter().any(|id| id == slack_id) && !decided && (!is_own || own != OwnRequest::Never)
}
