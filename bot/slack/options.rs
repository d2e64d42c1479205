//! Lists that Slack asks for while somebody types: their own devices, and workflows where there are too many for a menu.

use super::answer::Answer;
use super::envelope::BlockSuggestion;
use super::modals::choices::{self, OPTIONS_MAX, UNAVAILABLE};
use super::modals::{form, option};
use super::surface::{By, Surface};

impl Surface {
    pub(super) async fn options(&self, by: &By, suggestion: &BlockSuggestion) -> Answer {
        let query = suggestion.value.as_str();
        let found = match suggestion.action_id.as_str() {
            form::DEVICE_ACTION | form::WORKFLOW_ACTION => self.engine.person_and_devices(&by.slack_id).await,
            _ => return Answer::Options(Vec::new()),
        };
        let (person, devices) = match found {
            Ok(found) => found,
            Err(failure) => {
                tracing::warn!(actor = %by.slack_id, failure = failure.what, "no options to show");
                // A list can only hold things to choose; this one is refused when it is sent.
                return unavailable("Cannot be read now, type again in a moment");
            }
        };
        let options: Vec<_> = if suggestion.action_id == form::DEVICE_ACTION {
            if devices.is_empty() {
                return unavailable("You have no device of your own in the tailnet");
            }
            let now = self.engine.clock().now_ms();
            let matching = devices.iter().filter(|device| choices::device_matches(device, query));
            matching.take(OPTIONS_MAX).map(|device| choices::device_option(device, now)).collect()
        } else {
            let allowed = self.may_ask(&person).unwrap_or_default();
            let matching = allowed.iter().filter(|workflow| choices::workflow_matches(workflow, query));
            matching.take(OPTIONS_MAX).map(|workflow| choices::workflow_option(workflow)).collect()
        };
        Answer::Options(options)
    }
}

fn unavailable(text: &str) -> Answer {
    Answer::Options(vec![option(text, UNAVAILABLE, None)])
}
