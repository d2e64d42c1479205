//! The messages in Slack that show a request: which one is the card, and what becomes of copies and of old notices.
//!
//! Slack has no idempotency for posting: a kill between posting and saving leaves a message that nobody remembers. When
//! it is found, or pressed on, it becomes the card if there is none, else it is rewritten to point at the card.

use super::Change;
use crate::effect::{Effect, Notice, Recipient};
use crate::event::{Failure, PressedOn, Shows};
use crate::request::{Alarm, Card, Message, Outcome, Place, State};

/// Of one request; a far side that is away for days makes more, whose button then says why it does nothing.
const ALARMS_MAX: usize = 64;

impl Change {
    /// The newest message is the card; whatever was, or is nowhere any more, only points at it.
    pub(super) fn shown(&mut self, place: &Place, channel: String, ts: String) {
        let message = Message { channel, ts };
        let before = match self.request.cards.iter_mut().find(|card| card.place == *place) {
            Some(card) => card.message.replace(message.clone()),
            None => Some(message),
        };
        if let Some(before) = before.filter(|before| !self.is_card(before)) {
            self.retire(before);
        }
    }

    /// What a press tells about the message it was made on.
    pub(super) fn pressed_on(&mut self, on: PressedOn, by: &str, was_too_late: bool) {
        let PressedOn { shows, message } = on;
        let notice = match shows {
            Shows::Card if self.is_card(&message) => return,
            Shows::Card => return self.copy_found(message, by),
            _ if !was_too_late => return,
            Shows::Active => Notice::Active,
            Shows::EndsSoon => Notice::EndsSoon,
            Shows::Failed => Notice::Failed,
            Shows::Stuck => Notice::Stuck,
        };
        let is_direct = message.channel.starts_with('D');
        let to = if is_direct { Recipient::Person { slack_id: by.to_owned() } } else { Recipient::Channel };
        self.now(Effect::Rewrite { message, to, notice });
    }

    fn copy_found(&mut self, message: Message, by: &str) {
        let fits = |card: &&mut Card| match &card.place {
            Place::Channel(_) => !message.channel.starts_with('D'),
            Place::Approver(slack_id) => slack_id == by,
        };
        let missing = self.request.cards.iter_mut().filter(|card| card.message.is_none()).find(fits);
        match missing.map(|card| (card.message.insert(message.clone()), card.place.clone())) {
            Some((_, place)) => self.now(Effect::Show { place }),
            None => self.retire(message),
        }
    }

    fn retire(&mut self, message: Message) {
        self.now(Effect::Rewrite { message, to: Recipient::Channel, notice: Notice::Moved });
    }

    fn is_card(&self, message: &Message) -> bool {
        self.request.cards.iter().any(|card| card.message.as_ref() == Some(message))
    }

    /// Remembered until it is over; one that was said too late is put right at once.
    pub(super) fn alarmed(&mut self, to: Recipient, message: Message) {
        if !self.request.stuck {
            self.now(Effect::Rewrite { message, to, notice: Notice::Stuck });
            return;
        }
        if self.request.alarms.iter().all(|alarm| alarm.message != message) {
            self.request.alarms.push(Alarm { to, message });
        }
        if self.request.alarms.len() > ALARMS_MAX {
            self.request.alarms.remove(0);
        }
    }

    /// No alarm that is over keeps its button.
    pub(super) fn end_alarms(&mut self) {
        for Alarm { to, message } in std::mem::take(&mut self.request.alarms) {
            self.now(Effect::Rewrite { message, to, notice: Notice::Stuck });
        }
    }

    /// A channel that cannot be reached must not keep a request from its approvers: they get it directly.
    pub(super) fn not_shown(&mut self, place: &Place, failure: Failure) {
        let known = self.request.cards.iter().any(|card| card.place == *place && card.message.is_none());
        if !known {
            return;
        }
        self.request.cards.retain(|card| card.place != *place);
        if self.request.state != State::Pending || !self.request.cards.is_empty() {
            return;
        }
        if matches!(place, Place::Approver(_)) || self.request.approvers.is_empty() {
            self.request.trouble = Some(failure);
            self.close(Outcome::Failed);
            self.tell_requester(Notice::Failed);
            return;
        }
        self.request.not_announced = Some(failure.what);
        self.request.cards = self.request.approvers.iter().cloned().map(|id| Card::at(Place::Approver(id))).collect();
        self.show();
    }
}
