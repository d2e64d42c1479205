//! The messages in Slack that show a request: which one is the card, and what becomes of copies and of old notices.
//!
//! Slack has no idempotency for posting: a kill between posting and saving leaves a message that nobody remembers. When
//! it is found, or pressed on, it becomes the card if there is none, else it is rewritten to point at the card.

use super::Change;
use crate::effect::{Effect, Notice, Recipient};
use crate::event::{Failure, PressedOn, Shows};
use crate::request::{Card, Message, Notification, Outcome, Place, Request, State};

/// Of one request; a far side that is away for days makes more, whose button then says why it does nothing.
const NOTIFICATIONS_MAX: usize = 64;

impl Request {
    /// Whether a message that says this is true now. While it is being taken back it may well be on still, and nobody rewrites a message
    /// for that moment.
    fn is_so(&self, shows: Shows) -> bool {
        match shows {
            Shows::Card => true,
            Shows::Active | Shows::EndsSoon => matches!(self.state, State::Active | State::Ending) && !self.stuck,
            Shows::Failed => self.outcome == Some(Outcome::Failed),
            Shows::Stuck => self.stuck,
            Shows::Review => self.open_review().is_some(),
            Shows::Drifted => self.is_drifted(),
            Shows::Glass => matches!(self.state, State::Approved | State::Activating | State::Active),
        }
    }

    /// Whether a message that says this, or what became of it, is not the last word yet.
    pub fn may_change(&self, shows: Shows) -> bool {
        match self.state {
            State::Ended if shows == Shows::Review => self.open_review().is_some(),
            State::Ended => self.outcome == Some(Outcome::Failed) && shows == Shows::Failed,
            _ => shows != Shows::Stuck || self.stuck,
        }
    }
}

impl Notice {
    /// What of it may stop being true, if it says something that may.
    pub fn shows(&self) -> Option<Shows> {
        match self {
            // One that is extended says later what one that is active says.
            Self::Active | Self::Extended | Self::NotExtended { .. } => Some(Shows::Active),
            Self::EndsSoon => Some(Shows::EndsSoon),
            Self::Drifted => Some(Shows::Drifted),
            Self::Failed => Some(Shows::Failed),
            Self::Stuck => Some(Shows::Stuck),
            Self::ReviewOpened | Self::ReviewLate => Some(Shows::Review),
            Self::GlassBroken => Some(Shows::Glass),
            _ => None,
        }
    }
}

fn notice_that(shows: Shows) -> Notice {
    match shows {
        Shows::Card => Notice::Moved,
        Shows::Active => Notice::Active,
        Shows::EndsSoon => Notice::EndsSoon,
        Shows::Failed => Notice::Failed,
        Shows::Stuck => Notice::Stuck,
        Shows::Review => Notice::ReviewOpened,
        Shows::Glass => Notice::GlassBroken,
        Shows::Drifted => Notice::Drifted,
    }
}

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
        match shows {
            Shows::Card if self.is_card(&message) => return,
            Shows::Card => return self.copy_found(message, by),
            _ if !was_too_late => return,
            Shows::Active
            | Shows::EndsSoon
            | Shows::Failed
            | Shows::Stuck
            | Shows::Review
            | Shows::Glass
            | Shows::Drifted => {}
        }
        let is_direct = message.channel.starts_with('D');
        let to = if is_direct { Recipient::Person { slack_id: by.to_owned() } } else { Recipient::Channel };
        self.now(Effect::Rewrite { message, to, notice: notice_that(shows) });
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

    /// Remembered until it is no longer so; one that was said too late is put right at once.
    pub(super) fn notified(&mut self, shows: Shows, to: Recipient, message: Message) {
        if !self.request.is_so(shows) {
            let (message, to) = (message.clone(), to.clone());
            self.now(Effect::Rewrite { message, to, notice: notice_that(shows) });
        }
        if self.request.may_change(shows) && self.request.notifications.iter().all(|known| known.message != message) {
            self.request.notifications.push(Notification { shows, to, message });
        }
        if self.request.notifications.len() > NOTIFICATIONS_MAX {
            self.request.notifications.remove(0);
        }
    }

    /// Whatever was so before this event and is not any more says what is so now, wherever it stands.
    pub(super) fn bring_up_to_date(&mut self, before: &Request) {
        // Whatever named the end names the one it has now.
        let is_put_off = before.expires_at.is_some() && before.expires_at != self.request.expires_at;
        let is_over = before.state != State::Ended && self.request.state == State::Ended;
        let mut kept = Vec::new();
        for notification in std::mem::take(&mut self.request.notifications) {
            let Notification { shows, to, message } = &notification;
            let was_so = before.is_so(*shows);
            let names_end = matches!(shows, Shows::Active | Shows::EndsSoon);
            if was_so != self.request.is_so(*shows) || is_over || is_put_off && names_end {
                let (message, to) = (message.clone(), to.clone());
                self.now(Effect::Rewrite { message, to, notice: notice_that(*shows) });
            }
            if self.request.may_change(*shows) {
                kept.push(notification);
            }
        }
        self.request.notifications = kept;
    }

    /// A channel that cannot be reached must not keep a request from its approvers: they get it directly.
    pub(super) fn not_shown(&mut self, place: &Place, failure: Failure) {
        let known = self.request.cards.iter().any(|card| card.place == *place && card.message.is_none());
        if !known {
            return;
        }
        self.request.cards.retain(|card| card.place != *place);
        // Nobody was asked, so those who would have been have it nowhere else.
        if self.request.approval().passed.is_some() && matches!(place, Place::Channel(_)) {
            self.request.not_announced = Some(failure.what);
            return self.show_to_those_asked();
        }
        let is_elsewhere = matches!(place, Place::Approver(_)) && !self.request.cards.is_empty();
        if self.request.state != State::Pending || is_elsewhere {
            return;
        }
        let open = self.request.approval().open().map(|open| open.index);
        let people = open.and_then(|open| self.request.asked_in(open)).map(<[String]>::to_vec);
        if matches!(place, Place::Approver(_)) || people.as_ref().is_some_and(Vec::is_empty) {
            self.request.trouble = Some(failure);
            self.close(Outcome::Failed);
            self.tell_requester(Notice::Failed);
            return;
        }
        self.request.not_announced = Some(failure.what);
        // Those of a stage that has just opened get theirs when they are found.
        for place in people.into_iter().flatten().map(Place::Approver) {
            // Whoever took over a turn has it there already.
            if self.request.cards.iter().all(|card| card.place != place) {
                self.request.cards.push(Card::at(place));
            }
        }
        self.show();
    }
}
