//! What a request would change, for those who decide it, before anything happens.

use super::Engine;
use crate::kernel::fill::Missing;
use crate::kernel::{Button, Failure, Refusal, Request, State, policy};
use crate::steps::{Holder, Preview};

/// Why there is nothing to show.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NotShown {
    /// It is decided already.
    #[error("decided already")]
    Over,
    /// They do not decide it.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// Slack or Tailscale did not say what had to be known, or the step could not be taken.
    #[error("cannot be shown: {}", .0.what)]
    Failed(Failure),
}

impl Engine {
    /// What would change, for somebody who may decide this request: read afresh, since what is shown is not everybody's.
    ///
    /// # Errors
    /// See `NotShown`.
    pub async fn previewed(&self, request: &Request, slack_id: &str) -> Result<Vec<Preview>, NotShown> {
        if request.state != State::Pending {
            return Err(NotShown::Over);
        }
        self.must_decide(request, slack_id).await?;
        let mut previews = Vec::new();
        for (index, written) in request.workflow.steps.iter().enumerate() {
            let Some(step) = self.inner.steps.find(&written.uses).filter(|_| !request.leaves_out(index)) else {
                continue;
            };
            let with = match request.filled(index, self.inner.steps.types()) {
                Ok(with) => with,
                // It hangs on what an earlier step comes to.
                Err(Missing::NotYet(_)) => continue,
                Err(missing) => return Err(NotShown::Failed(not_filled(&missing))),
            };
            let until = self.inner.clock.now_ms().saturating_add(request.lent_ms());
            let holding = request.holding(index, until, with);
            let holder = Holder {
                request_id: request.id.clone(),
                login: holding.login,
                until: holding.until,
                with: holding.with,
                comment: holding.comment,
                used_by: holding.used_by,
                is_new: true,
                confirmed_until: None,
            };
            previews.extend(step.preview(&holder).await.map_err(NotShown::Failed)?);
        }
        Ok(previews)
    }

    async fn must_decide(&self, request: &Request, slack_id: &str) -> Result<(), NotShown> {
        let button = Button::Approve { confirmed: true, hold_ms: None };
        let rules = policy::rules_for(request, Some(&button));
        let about = self.about(&request.ask, &rules).await;
        let looked = self.inner.people.looked_up(slack_id, (&rules, &about), false).await.map_err(NotShown::Failed)?;
        match (policy::may_press(request, &looked.person, &button), looked.failure()) {
            (Ok(_), _) => Ok(()),
            (Err(why), Some(failure)) if why.hangs_on_membership() => Err(NotShown::Failed(failure)),
            (Err(why), _) => Err(NotShown::Refused(why)),
        }
    }
}

fn not_filled(missing: &Missing) -> Failure {
    Failure { what: missing.to_string(), advice: String::new(), retryable: false, retry_after_ms: None }
}
