//! Buttons and menus, one list by action id. A press is saved and then acknowledged; whether it counts is found out
//! afterwards, from what is stored and who the person is then.

use std::time::Duration;

use secrecy::SecretString;
use serde_json::json;

use super::answer::Answer;
use super::envelope::{BlockActions, ViewSubmission};
use super::modals::{self, deny, form};
use super::surface::{By, Surface};
use super::{home, links, sentences, shared};
use crate::engine::TellError;
use crate::engine::asking::Form;
use crate::kernel::request::Message;
use crate::kernel::{Actor, Button, Event, PressedOn, RequestId, Shows};
use crate::notices;
use crate::planted::{Fault, is_planted};

/// What a button or menu is for.
enum Meant {
    /// A press of this, told to the request.
    Press(Button),
    /// Asks for how long first.
    ApproveFor,
    /// Asks why first.
    Deny,
    /// Asks what follows first.
    NotFine,
    /// Says which rules said no.
    Why,
    /// Shows what would change.
    Preview,
    /// The form, filled in as before.
    AskAgain,
    /// The empty form.
    Ask,
    /// Another workflow was chosen in the form.
    Choose,
    /// Something was chosen on which it hangs what else is asked.
    Change,
}

/// How long the answer to a press waits for what it was pressed on to be redrawn.
const REDRAW_LIMIT: Duration = Duration::from_secs(1);
/// The id of the button that opens an empty form.
pub(super) const ASK: &str = "ask";

fn meant(action_id: &str, value: Option<&str>) -> Option<Meant> {
    Some(match action_id {
        "approve" => Meant::Press(Button::Approve { confirmed: false, hold_ms: None }),
        "approve_for" => Meant::ApproveFor,
        "approve_own" => Meant::Press(Button::Approve { confirmed: true, hold_ms: length_ms(value) }),
        "deny" => Meant::Deny,
        "why" => Meant::Why,
        "preview" => Meant::Preview,
        // The button asks "are you sure" by itself, and says what follows.
        "break_glass" => Meant::Press(Button::BreakGlass),
        "review_fine" => Meant::Press(Button::Review { is_fine: true, word: String::new() }),
        "review_not_fine" => Meant::NotFine,
        "return" => Meant::Press(Button::Return),
        // The card asks "are you sure" by itself.
        "revoke" => Meant::Press(Button::Revoke { reason: String::new() }),
        "withdraw" => Meant::Press(Button::Withdraw),
        "retry" => Meant::Press(Button::Retry),
        "put_back" => Meant::Press(Button::PutBack),
        "adopt" => Meant::Press(Button::Adopt),
        "extend" => Meant::Press(Button::Extend { length_ms: 0 }),
        "ask_again" => Meant::AskAgain,
        ASK => Meant::Ask,
        form::WORKFLOW_ACTION => Meant::Choose,
        form::VALUE_ACTION => Meant::Change,
        _ => return None,
    })
}

/// What only takes access away is let through even where another company looks on: letting go must never be harder.
fn only_takes_away(button: &Button) -> bool {
    matches!(button, Button::Return | Button::Withdraw | Button::Revoke { .. })
}

/// The request a button names, and the seal of what was shown with it. Both only serve to look up and to compare.
pub(super) fn named(value: Option<&str>) -> Option<(RequestId, String)> {
    let mut words = value?.split_whitespace();
    let (id, seal) = (words.next()?, words.next().unwrap_or_default());
    let is_id = !id.is_empty() && id.len() <= 64 && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    is_id.then(|| (RequestId(id.to_owned()), seal.to_owned()))
}

/// What stands behind the seal: for how long at most somebody approves their own request.
fn length_ms(value: Option<&str>) -> Option<i64> {
    value?.split_whitespace().nth(2)?.parse().ok()
}

/// A press, as it is told to the request.
pub(super) struct Pressed {
    pub(super) id: RequestId,
    pub(super) button: Button,
    pub(super) seal: String,
    pub(super) channel: Option<String>,
    pub(super) on: Option<PressedOn>,
}

/// The message it was pressed on, if that is one of ours that stays.
fn pressed_on(actions: &BlockActions) -> Option<PressedOn> {
    let at = actions.message.as_ref().filter(|_| !actions.is_ephemeral)?;
    let message = Message { channel: at.channel_id.clone(), ts: at.ts.clone() };
    Some(PressedOn { shows: Shows::read(&actions.block_id)?, message })
}

impl Surface {
    pub(super) async fn used(&self, by: &By, actions: &BlockActions) -> Answer {
        if actions.action_id.starts_with(links::ACTION) {
            return links::used(self, by, actions).await;
        }
        // Links are buttons too, and cards of later versions may have others.
        let Some(meant) = meant(&actions.action_id, actions.value.as_deref()) else { return Answer::Nothing };
        let channel = actions.message.as_ref().map(|message| message.channel_id.clone());
        let on = pressed_on(actions);
        let asks_how_long = matches!(meant, Meant::ApproveFor);
        let trigger = actions.trigger_id.as_ref();
        let button = match meant {
            Meant::Ask => return self.open_choice(by, trigger, channel).await,
            Meant::Choose => return self.chose(by, actions).await,
            Meant::Change => return self.changed(by, actions).await,
            Meant::AskAgain => return self.ask_again(by, actions.value.as_deref(), trigger, channel).await,
            Meant::Why => return self.why_pressed(by, actions.value.as_deref()).await,
            Meant::Preview => return self.preview(by, actions.value.as_deref(), trigger).await,
            Meant::ApproveFor => Button::Approve { confirmed: false, hold_ms: None },
            Meant::Deny => Button::Deny { reason: String::new() },
            Meant::NotFine => Button::Review { is_fine: false, word: String::new() },
            Meant::Press(button) => button,
        };
        let Some((id, seal)) = named(actions.value.as_deref()) else {
            return Answer::ephemeral(sentences::NO_SUCH_REQUEST);
        };
        if let Some(channel) = channel.as_deref().filter(|_| !only_takes_away(&button))
            && shared::has_outsiders(self.engine.slack(), channel).await
        {
            return Answer::ephemeral(sentences::SHARED_CHANNEL);
        }
        let request_id = id.clone();
        let answer = match button {
            button if asks_how_long => {
                self.approve_for_pressed(by, Pressed { id, button, seal, channel, on }, trigger).await
            }
            Button::Deny { .. } => self.deny_pressed(by, Pressed { id, button, seal, channel, on }, trigger).await,
            Button::Review { is_fine: false, .. } => {
                self.not_fine_pressed(by, Pressed { id, button, seal, channel, on }, trigger).await
            }
            button => self.press(by, Pressed { id, button, seal, channel, on }).await,
        };
        // What was pressed on is redrawn on a task of its own: a slow Slack must not turn a saved press into one that
        // was not acknowledged.
        let (surface, by, actions, given) = (self.clone(), by.clone(), actions.clone(), answer.clone());
        let redrawn = tokio::spawn(async move {
            surface.show_pressed(&by, &actions, &given).await;
            if given == Answer::Nothing {
                surface.replace_private(&by, &actions, &request_id).await;
            }
        });
        drop(tokio::time::timeout(REDRAW_LIMIT, redrawn).await);
        answer
    }

    /// Views do not follow a request by themselves: where it was pressed now says that it is being counted.
    async fn show_pressed(&self, by: &By, actions: &BlockActions, answer: &Answer) {
        let Some(view) = actions.view.as_ref().filter(|_| actions.message.is_none()) else { return };
        match view.callback_id.as_str() {
            home::CALLBACK => self.publish_home(&by.slack_id).await,
            modals::SAID if *answer == Answer::Nothing => {
                let shown = self.engine.slack().views_update(&view.view_id, None, &modals::pressed()).await;
                if let Err(error) = shown {
                    tracing::debug!(%error, "a modal was closed before it could say that a press is saved");
                }
            }
            _ => {}
        }
    }

    /// A private answer can be changed only now, through the address that came with the press.
    async fn replace_private(&self, by: &By, actions: &BlockActions, id: &RequestId) {
        // Direct messages stay, and a button that was used would stay with them.
        let is_ours = match actions.block_id.as_str() {
            notices::ASKED => actions.is_ephemeral,
            notices::REFUSED => true,
            _ => false,
        };
        let Some(response_url) = actions.response_url.as_ref().filter(|_| is_ours) else {
            return;
        };
        let Ok(Some(request)) = self.engine.request(id).await else { return };
        let is_checked = request.presses.iter().any(|press| press.by == by.slack_id);
        let mut body = if is_checked {
            json!({ "text": sentences::PRESS_SAVED, "blocks": [] })
        } else {
            let said = self.engine.notices().asked(&request);
            json!({ "text": said.text, "blocks": said.blocks })
        };
        if let Some(map) = body.as_object_mut() {
            map.insert("replace_original".to_owned(), true.into());
        }
        if let Err(error) = self.engine.slack().respond(response_url, &body).await {
            tracing::debug!(request.id = %id, %error, "a private answer could not be brought up to date");
        }
    }

    /// Saves a press; nothing is said when that worked, since the card will say what came of it.
    pub(super) async fn press(&self, by: &By, pressed: Pressed) -> Answer {
        let Pressed { id, button, seal, channel, on } = pressed;
        let actor = Actor::Person { slack_id: by.slack_id.clone() };
        let event = Event::Pressed { by: by.slack_id.clone(), button, channel, seal, on };
        if is_planted(Fault::AcksFirst) {
            let (engine, key) = (self.engine.clone(), by.key.clone());
            tokio::spawn(async move {
                engine.clock().pause(std::time::Duration::from_millis(20)).await;
                engine.tell(actor, &id, event, Some(key)).await.map(drop)
            });
            return Answer::Nothing;
        }
        match self.engine.tell(actor, &id, event, Some(by.key.clone())).await {
            Ok(_) => Answer::Nothing,
            Err(TellError::NoSuchRequest(_)) => Answer::ephemeral(sentences::NO_SUCH_REQUEST),
            // This process ends at once, and may not get to say anything: Slack shows that it was not taken.
            Err(error) if self.engine.store().broken().borrow().is_some() => {
                tracing::error!(request.id = %id, actor = %by.slack_id, %error, "a press could not be saved");
                Answer::NotTaken
            }
            Err(error) => {
                tracing::error!(request.id = %id, actor = %by.slack_id, %error, "a press could not be saved");
                Answer::ephemeral(sentences::NOT_COUNTED)
            }
        }
    }

    /// Asks for a reason while there is something to deny; else the rules say privately why there is not.
    async fn deny_pressed(&self, by: &By, pressed: Pressed, trigger: Option<&SecretString>) -> Answer {
        let id = &pressed.id;
        let request = match self.engine.request(id).await {
            Ok(Some(request)) => request,
            Ok(None) => return Answer::ephemeral(sentences::NO_SUCH_REQUEST),
            Err(error) => {
                tracing::error!(request.id = %id, %error, "a request could not be read");
                return Answer::ephemeral(sentences::NOT_READ);
            }
        };
        if request.seal_for(&pressed.button) != pressed.seal
            || !self.engine.seems_open(&request, &by.slack_id, &pressed.button).await
        {
            return self.press(by, pressed).await;
        }
        let view = deny::view(&request, pressed.channel.clone(), pressed.on.clone());
        let opened = match trigger {
            Some(trigger) => self.engine.slack().views_open(trigger, &view).await.map(drop).map_err(Some),
            None => Err(None),
        };
        match opened {
            Ok(()) => Answer::Nothing,
            Err(error) => {
                let said = deny::not_opened(error.as_ref());
                let error = error.map(|error| error.to_string());
                tracing::warn!(request.id = %id, error, "the form for a denial could not be opened");
                Answer::ephemeral(said)
            }
        }
    }

    /// The form with a reason came back.
    pub(super) async fn denied(&self, by: &By, submission: &ViewSubmission) -> Answer {
        let Some(about) = deny::About::read(&submission.view.private_metadata) else {
            return Answer::Errors(vec![(deny::REASON.to_owned(), sentences::FORM_UNKNOWN.to_owned())]);
        };
        let reason = deny::reason(&submission.state);
        let deny::About { id, seal, channel, on } = about;
        let pressed = Pressed { id: RequestId(id), button: Button::Deny { reason }, seal, channel, on };
        match self.press(by, pressed).await {
            Answer::Ephemeral { text, .. } => {
                Answer::Errors(vec![(deny::REASON.to_owned(), sentences::as_plain(&text))])
            }
            answer => answer,
        }
    }

    async fn ask_again(
        &self,
        by: &By,
        value: Option<&str>,
        trigger: Option<&SecretString>,
        channel: Option<String>,
    ) -> Answer {
        let Some((id, _)) = named(value) else { return Answer::ephemeral(sentences::NO_SUCH_REQUEST) };
        let request = match self.engine.request(&id).await {
            Ok(Some(request)) if request.requester.slack_id == by.slack_id => request,
            Ok(Some(_)) => return Answer::ephemeral(sentences::NOT_YOUR_REQUEST),
            Ok(None) => return Answer::ephemeral(sentences::NO_SUCH_REQUEST),
            Err(error) => {
                tracing::error!(request.id = %id, %error, "a request could not be read");
                return Answer::ephemeral(sentences::NOT_READ);
            }
        };
        let Some(workflow) = self.engine.catalog().find(&request.workflow.name).cloned() else {
            return Answer::ephemeral(sentences::no_longer_lent(&request));
        };
        let values = request.inputs.iter().map(|(name, value)| (name.clone(), value.as_typed())).collect();
        let form = Form { workflow, values, channel, is_doubtful: false, breaks_glass: false, for_whom: None };
        let filled = form::RequestForm::new(form, form::Among::Fixed).with_device_of(&request);
        self.open_filled(trigger, &filled).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_button_names_a_request_and_what_was_shown() {
        let named = |value| named(Some(value)).map(|(id, seal)| (id.0, seal));
        assert_eq!(named("01jgt0 abc"), Some(("01jgt0".to_owned(), "abc".to_owned())));
        assert_eq!(named("01jgt0"), Some(("01jgt0".to_owned(), String::new())));
        for garbled in ["", " ", "../../etc abc", "'; drop table request; --", "<@U1> x"] {
            assert_eq!(named(garbled), None, "{garbled}");
        }
    }
}
