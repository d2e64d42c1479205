//! What people do in Slack, handed to the engine: early refusals first, then one room for each kind of thing.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use super::answer::Answer;
use super::edge::Handler;
use super::envelope::{Delivery, What};
use super::once::Once;
use super::typed::Addresses;
use super::{commands, links, pastes, sentences};
use crate::engine::Engine;
use crate::notices::Notices;
use crate::outside::slack::OwnTeam;

/// The global shortcut that opens the form, for those whose `/access` belongs to another app.
pub const SHORTCUT: &str = "access_request";
/// Part of the three seconds a delivery has.
const INTRODUCTION_LIMIT: Duration = Duration::from_secs(1);

/// The bot's side of the two doors. Cloning shares everything.
#[derive(Clone)]
pub struct Surface {
    pub(super) engine: Engine,
    pub(super) addresses: Addresses,
    once: Arc<Once>,
}

/// Who did something, and the fingerprint of the delivery that says so.
#[derive(Clone, Debug)]
pub struct By {
    /// As Slack signed it.
    pub slack_id: String,
    /// The same for every repetition of the same thing.
    pub key: String,
}

impl Surface {
    /// What the doors call for each delivery.
    pub fn handler(engine: Engine) -> Handler {
        let surface = Self { engine, addresses: Addresses::default(), once: Arc::default() };
        surface.engine.answer_with(surface.answering());
        Arc::new(move |delivery| {
            let surface = surface.clone();
            async move { surface.handle(delivery).await }.boxed()
        })
    }

    async fn handle(self, delivery: Delivery) -> Answer {
        // Option lists only read, and two alike look like one.
        if matches!(delivery.what, What::Options(_)) {
            return self.answer(delivery).await;
        }
        let (once, key, now) = (self.once.clone(), delivery.key.clone(), self.engine.clock().now_ms());
        once.answer(&key, now, async move { self.answer(delivery).await }.boxed()).await
    }

    async fn answer(&self, delivery: Delivery) -> Answer {
        if let Some(own) = self.own_team().await {
            if delivery.is_own_echo(&own) {
                return Answer::Nothing;
            }
            if delivery.is_from_elsewhere(&own) {
                return elsewhere(self.engine.notices(), &delivery.what);
            }
        }
        let by = By { slack_id: delivery.actor.user_id, key: delivery.key };
        match delivery.what {
            What::Command(command) => commands::run(self, &by, &command).await,
            What::Actions(actions) if pastes::is_ours(&actions.action_id) => self.paste_used(&by, &actions).await,
            What::Actions(actions) => self.used(&by, &actions).await,
            What::Submission(submission) => self.submitted(&by, &submission).await,
            What::Options(suggestion) => self.options(&by, &suggestion).await,
            What::Shortcut(shortcut) if shortcut.callback_id == SHORTCUT => {
                self.open_choice(&by, shortcut.trigger_id.as_ref(), None).await
            }
            What::MessageShortcut(shortcut) if shortcut.callback_id == SHORTCUT => {
                let channel = Some(shortcut.message.channel_id);
                self.open_choice(&by, shortcut.trigger_id.as_ref(), channel).await
            }
            What::MessageShortcut(shortcut) if shortcut.callback_id == links::SHORTCUT => {
                self.link_from_message(&by, &shortcut).await
            }
            What::MessageShortcut(shortcut) if shortcut.callback_id == pastes::SHORTCUT => {
                self.paste_message(&by, &shortcut).await
            }
            What::Event(event) => self.happened(&by, &event).await,
            _ => Answer::Nothing,
        }
    }

    /// Who we are; asked for if it is not known yet. Unknown: whatever counts is refused later, by the engine.
    async fn own_team(&self) -> Option<OwnTeam> {
        let slack = self.engine.slack();
        match slack.own_team() {
            Some(own) => Some(own),
            None => tokio::time::timeout(INTRODUCTION_LIMIT, slack.auth_test()).await.ok()?.ok(),
        }
    }
}

/// Somebody of another company: told so privately where that is possible.
fn elsewhere(notices: &Notices, what: &What) -> Answer {
    match what {
        What::Submission(submission) => match submission.input_block_ids.first() {
            Some(block_id) => Answer::Errors(vec![(block_id.clone(), sentences::outsider_plain(notices))]),
            None => Answer::ephemeral(sentences::outsider(notices)),
        },
        What::Command(_) | What::Actions(_) | What::Shortcut(_) | What::MessageShortcut(_) => {
            Answer::ephemeral(sentences::outsider(notices))
        }
        What::Options(_) => Answer::Options(Vec::new()),
        _ => Answer::Nothing,
    }
}
