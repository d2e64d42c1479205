//! Who asks for somebody else, and for whom: both are looked up, and both have to be let in.

use super::Engine;
use super::asking::{AskError, Form};
use super::guarding::all_read;
use super::preparing::Facts;
use crate::kernel::guardrail::{Action, Judgement};
use crate::kernel::{Ask, Failure, Person, Refusal, policy};

/// What guardrails say, if any has a say.
type Said = Option<Box<Judgement>>;

impl Engine {
    /// Whoever gets it, and who asks for them if that is somebody else; nothing if what is known is not enough to say.
    pub(super) async fn asking(
        &self,
        slack_id: &str,
        form: &Form,
        facts: Facts,
    ) -> Result<Option<(Person, Option<Box<Person>>)>, AskError> {
        match (&form.for_whom, facts) {
            // Two people are looked up, and nobody's answer waits for that.
            (Some(_), Facts::Known) => Ok(None),
            (Some(for_whom), Facts::Fresh { .. }) => {
                let (person, asker) = self.both(slack_id, for_whom, form, facts).await?;
                Ok(Some((person, Some(Box::new(asker)))))
            }
            (None, _) => Ok(self.requester(slack_id, form, facts).await?.map(|person| (person, None))),
        }
    }

    /// What guardrails say to whoever gets it, and to who asks for them.
    pub(super) async fn judged_asks(&self, ask: &Ask) -> Result<(Said, Said), AskError> {
        let own = self.judged_ask(ask, &ask.requester).await?;
        match &ask.asker {
            Some(asker) => Ok((own, self.judged_ask(ask, asker).await?)),
            None => Ok((own, None)),
        }
    }

    async fn both(
        &self,
        slack_id: &str,
        for_whom: &str,
        form: &Form,
        facts: Facts,
    ) -> Result<(Person, Person), AskError> {
        let requester = self.requester(for_whom, form, facts).await.map_err(|why| about_them(why, for_whom, form))?;
        let requester = requester.ok_or(AskError::NotLent)?;
        let workflow = &form.workflow;
        let guardrails = self.guardrails_for(Action::Ask);
        let mut rules = workflow.ask_for.clone();
        rules.extend(guardrails.iter().flat_map(|guardrails| guardrails.groups().iter().cloned()));
        // Whoever is named by the request is named by who gets it.
        let about = self.about_own(&requester);
        let looked = self.inner.people.looked_up(slack_id, (&rules, &about), true).await.map_err(AskError::Failed)?;
        let looked = all_read(guardrails.as_ref(), looked).map_err(AskError::Failed)?;
        let (failure, asker) = (looked.failure(), looked.person);
        match (policy::may_ask_for(workflow, &asker), failure) {
            (Ok(_), _) => Ok((requester, asker)),
            (Err(why), Some(failure)) if why.hangs_on_membership() => Err(AskError::Failed(failure)),
            (Err(why), _) => Err(AskError::Refused(why)),
        }
    }
}

/// What stands against whoever it is for, told to somebody else.
fn about_them(why: AskError, for_whom: &str, form: &Form) -> AskError {
    let slack_id = for_whom.to_owned();
    match why {
        AskError::Refused(Refusal::MayNotAsk { ask }) => AskError::Refused(Refusal::NotForThem { slack_id, ask }),
        AskError::Refused(Refusal::Standing { .. }) => {
            AskError::Refused(Refusal::NotForThem { slack_id, ask: form.workflow.ask.clone() })
        }
        AskError::NoTailnetUser { .. } => AskError::Failed(Failure {
            what: "whoever it is for has no active user in the tailnet".to_owned(),
            advice: "ask an admin of the tailnet to invite them".to_owned(),
            retryable: false,
            retry_after_ms: None,
        }),
        why => why,
    }
}
