//! Lists that Slack asks for while somebody types: their own devices, and workflows where there are too many for a menu.

use std::time::Duration;

use super::answer::Answer;
use super::envelope::{BlockSuggestion, ViewAt};
use super::modals::choices::{self, OPTIONS_MAX, UNAVAILABLE};
use super::modals::form::About;
use super::modals::{form, option};
use super::sentences;
use super::surface::{By, Surface};
use crate::engine::directory::Whose;
use crate::inputs::device::none_tagged;
use crate::kernel::{Failure, Person};
use crate::notices::words::sentence;

/// Slack waits three seconds for a list.
const LOOK_UP_LIMIT: Duration = Duration::from_secs(2);

impl Surface {
    pub(super) async fn options(&self, by: &By, suggestion: &BlockSuggestion) -> Answer {
        let query = suggestion.value.as_str();
        let is_device = match suggestion.action_id.as_str() {
            form::DEVICE_ACTION => true,
            form::WORKFLOW_ACTION => false,
            _ => return Answer::Options(Vec::new()),
        };
        let looking = async {
            let known = self.engine.known_person(&by.slack_id).await?;
            let person = match known.filter(|person| person.login.is_some()) {
                Some(person) => person,
                None => self.engine.person_afresh(&by.slack_id).await?,
            };
            if is_device {
                self.device_options(&person, suggestion.view.as_ref(), query).await
            } else {
                Ok(self.workflow_options(&person, query))
            }
        };
        let found = tokio::time::timeout(LOOK_UP_LIMIT, looking).await.unwrap_or_else(|_| Err(sentences::late()));
        found.unwrap_or_else(|failure| {
            tracing::warn!(actor = %by.slack_id, failure = failure.what, "no options to show");
            // A list can only hold things to choose; this one is refused when it is sent.
            unavailable("Cannot be read now, type again in a moment")
        })
    }

    async fn device_options(&self, person: &Person, view: Option<&ViewAt>, query: &str) -> Result<Answer, Failure> {
        let now = self.engine.clock().now_ms();
        let login = person.login.as_deref().unwrap_or_default();
        // Which devices are meant, the file says and not the form: what came back with it only names the workflow.
        let about = view.and_then(|view| About::read(&view.private_metadata));
        let workflow = about.and_then(|about| self.engine.catalog().find(&about.workflow).cloned());
        let input = workflow.as_ref().and_then(|workflow| workflow.device());
        let whose = input.map_or_else(|| Whose::Own(login.to_lowercase()), |input| Whose::of(input, login));
        if matches!(whose, Whose::Tagged(_))
            && !workflow.as_ref().is_some_and(|workflow| self.may_ask(person).is_ok_and(|all| all.contains(workflow)))
        {
            return Ok(unavailable("You may not ask for this"));
        }
        let devices = self.engine.suggested_devices(&whose, query, OPTIONS_MAX).await?;
        if devices.is_empty() && self.engine.directory().devices(&whose, "", 1).await?.is_empty() {
            return Ok(unavailable(&match &whose {
                Whose::Own(_) => "You have no device of your own in the tailnet".to_owned(),
                Whose::Tagged(tags) => sentence(&none_tagged(tags)),
            }));
        }
        Ok(Answer::Options(devices.iter().map(|device| choices::device_option(device, now)).collect()))
    }

    fn workflow_options(&self, person: &Person, query: &str) -> Answer {
        let allowed = self.may_ask(person).unwrap_or_default();
        let matching = allowed.iter().filter(|workflow| choices::workflow_matches(workflow, query));
        Answer::Options(matching.take(OPTIONS_MAX).map(|workflow| choices::workflow_option(workflow)).collect())
    }
}

fn unavailable(text: &str) -> Answer {
    Answer::Options(vec![option(text, UNAVAILABLE, None)])
}
