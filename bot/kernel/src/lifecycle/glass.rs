//! Broken glass: access at once and loudly, and a review afterwards that stays open until somebody else has closed it.

use super::{Change, HOUR_MS};
use crate::effect::{Effect, Notice, Recipient, Wake};
use crate::event::{Button, Press};
use crate::glass::{Review, Reviewed};
use crate::person::{Person, Who};
use crate::request::{Decider, Decision};

/// Nobody is told more often than this that a review is late.
const LATE_PAUSE_MAX_MS: i64 = 24 * HOUR_MS;

impl Change {
    /// Whoever asked breaks glass at once: that is as if they pressed the button on their own request.
    pub(super) fn begin_breaking_glass(&mut self) {
        let slack_id = self.request.requester.slack_id.clone();
        let channel = self.request.channel.clone();
        self.wait_for_press(slack_id, Button::BreakGlass, channel, "");
    }

    /// A press that could not be counted leaves an ordinary request: people decide, who would not hear of it otherwise.
    pub(super) fn glass_stays_whole(&mut self, press: &Press) {
        let is_first = self.request.ask.breaks_glass && press.button == Button::BreakGlass;
        if is_first && self.request.asked.is_empty() && !self.request.judging {
            self.begin_approval();
        }
    }

    pub(super) fn glass_broken(&mut self, person: Person, rule: Who) {
        let by = Decider::Glass { person, rule };
        let (reason, at) = (String::new(), self.moment.now);
        self.request.decisions.push(Decision { by, approved: true, stage: 0, round: 0, reason, hold_ms: None, at });
        self.request.judging = false;
        self.tell(Recipient::Channel, Notice::GlassBroken);
        match self.request.asked_in(0).map(<[String]>::to_vec) {
            // It waited, and they were asked.
            Some(people) => self.tell_of_glass(people),
            None if self.request.workflow.approve.is_empty() => {}
            None => self.now(Effect::FindApprovers { stage: 0 }),
        }
        self.approve();
    }

    /// Everybody who was asked, or would have been, hears of it directly.
    pub(super) fn tell_of_glass(&mut self, people: Vec<String>) {
        let requester = self.request.requester.slack_id.clone();
        for slack_id in people.into_iter().filter(|id| *id != requester) {
            self.tell(Recipient::Person { slack_id }, Notice::GlassBroken);
        }
    }

    /// It is over: somebody else has to say whether it was fine.
    pub(super) fn open_review_if_due(&mut self) {
        // One that is closed was of an end before this one.
        if !self.request.broke_glass() || self.request.open_review().is_some() {
            return;
        }
        let within_ms = self.request.workflow.break_glass.as_ref().map_or(HOUR_MS, |glass| glass.review_within_ms);
        let now = self.moment.now;
        let (due_at, remind_at) = (now.saturating_add(within_ms), now.saturating_add(within_ms / 2));
        let (asked, closed) = (Vec::new(), None);
        self.request.review = Some(Review { due_at, remind_at, told_late: 0, asked, closed });
        self.now(Effect::FindReviewers);
        self.later(remind_at, Effect::Wake { wake: Wake::Review });
    }

    pub(super) fn reviewers_found(&mut self, people: Vec<String>) {
        let Some(review) = self.request.review.as_mut().filter(|review| review.closed.is_none()) else { return };
        if !review.asked.is_empty() {
            return;
        }
        review.asked = people;
        self.tell(Recipient::Thread, Notice::ReviewOpened);
        self.tell_reviewers(&Notice::ReviewOpened);
        self.show();
    }

    fn tell_reviewers(&mut self, notice: &Notice) {
        let people = self.request.open_review().map(|review| review.asked.clone()).unwrap_or_default();
        for slack_id in people {
            self.tell(Recipient::Person { slack_id }, notice.clone());
        }
    }

    /// It is still open: those who review it are reminded once, and when it is late everybody hears of it, again and again.
    pub(super) fn review_is_open(&mut self) {
        let now = self.moment.now;
        let Some(review) = self.request.review.as_mut().filter(|review| review.closed.is_none()) else { return };
        let is_late = now >= review.due_at;
        let pause_ms = HOUR_MS.saturating_mul(1_i64 << review.told_late.min(8)).min(LATE_PAUSE_MAX_MS);
        review.remind_at = if is_late { now.saturating_add(pause_ms) } else { review.due_at };
        review.told_late = review.told_late.saturating_add(u32::from(is_late));
        let (remind_at, finds_nobody) = (review.remind_at, review.asked.is_empty());
        self.later(remind_at, Effect::Wake { wake: Wake::Review });
        // Whoever reviews may have come meanwhile.
        if finds_nobody {
            self.now(Effect::FindReviewers);
        }
        if is_late {
            self.tell(Recipient::Channel, Notice::ReviewLate);
            self.tell_reviewers(&Notice::ReviewLate);
            self.show();
        } else {
            self.tell_reviewers(&Notice::ReviewOpened);
        }
    }

    pub(super) fn reviewed(&mut self, person: Person, rule: Who, is_fine: bool, word: String) {
        let at = self.moment.now;
        let Some(review) = self.request.review.as_mut().filter(|review| review.closed.is_none()) else { return };
        review.closed = Some(Reviewed { person, rule, is_fine, word, at });
        self.tell(Recipient::Thread, Notice::Reviewed);
        self.tell_requester(Notice::Reviewed);
        self.show();
    }
}
