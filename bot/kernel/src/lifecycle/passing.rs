//! Requests that nobody has to decide: what becomes of one when it is known whether it passes by itself.

use super::Change;
use crate::automatic::{Facts, Judged, PASSES_WITHIN_MS, judge};
use crate::effect::{Effect, Notice, Recipient};
use crate::event::{Failure, Purpose};
use crate::request::{Asked, Card, Decider, Decision, Outcome, Place, State};

impl Change {
    /// Everything that tells whether it passes was found out.
    pub(super) fn looked(&mut self, facts: Facts) {
        if !self.is_judged_now() {
            return;
        }
        let judged = judge(&self.request.ask, &facts, self.moment.now);
        match judged.passes {
            Some((by, words)) => {
                let by = Decider::Itself { by, words, facts: Box::new(facts) };
                let (reason, at) = (String::new(), self.moment.now);
                self.request.decisions.push(Decision {
                    by,
                    approved: true,
                    stage: 0,
                    round: 0,
                    reason,
                    hold_ms: None,
                    at,
                });
                self.request.judging = false;
                match self.request.workflow.approve.is_empty() {
                    true => self.tell(Recipient::Thread, Notice::PassedByItself),
                    // Those who would have been asked hear of it.
                    false => self.now(Effect::FindApprovers { stage: 0 }),
                }
                self.approve();
            }
            None => self.does_not_pass(judged),
        }
    }

    /// It could not be found out: nothing passes by what is not known.
    pub(super) fn not_looked(&mut self, failure: &Failure) {
        if self.is_judged_now() {
            let why = format!("it could not be found out: {}", failure.what);
            self.does_not_pass(Judged { passes: None, against: vec![why] });
        }
    }

    /// What was found out too late counts as not found out: people decide, unless there is nobody who could.
    fn is_judged_now(&mut self) -> bool {
        if self.request.state != State::Pending || !self.request.judging {
            return false;
        }
        let is_late = self.moment.now.saturating_sub(self.request.asked_at) > PASSES_WITHIN_MS;
        if is_late && !self.request.workflow.approve.is_empty() {
            self.does_not_pass(Judged { passes: None, against: vec!["it was found out too late".to_owned()] });
            return false;
        }
        true
    }

    /// People decide; where nobody could, it is over.
    fn does_not_pass(&mut self, judged: Judged) {
        self.request.judging = false;
        self.request.not_by_itself = judged.against;
        let open = self.request.approval().open().map(|open| open.index);
        match open {
            Some(stage) => self.now(Effect::FindApprovers { stage }),
            None => {
                let why = self.request.not_by_itself.join("; ");
                self.request.trouble = Some(nobody_decides(why));
                self.close(Outcome::Failed);
                self.tell_requester(Notice::Failed);
                self.tell(Recipient::Thread, Notice::Failed);
            }
        }
    }

    /// Asks those who decide, or finds out first whether anybody has to.
    pub(super) fn begin_approval(&mut self) {
        let ask = &self.request.ask;
        self.request.judging = ask.may_be_permitted || ask.workflow.may_pass_by_itself();
        match self.request.judging {
            true => self.find_out(),
            false => self.now(Effect::FindApprovers { stage: 0 }),
        }
    }

    /// Those who would have been asked are told, and may take it back.
    pub(super) fn tell_who_was_not_asked(&mut self, people: Vec<String>) {
        if self.request.asked_in(0).is_some() {
            return;
        }
        self.request.asked.push(Asked::of(0, people.clone(), self.moment.now));
        if self.request.broke_glass() {
            self.tell_of_glass(people);
        }
        if self.request.is_shown_directly() {
            self.show_to_those_asked();
        } else if !self.request.broke_glass() {
            self.tell(Recipient::Thread, Notice::PassedByItself);
        }
    }

    /// Everybody who was asked, or would have been, has the card in their direct messages.
    pub(super) fn show_to_those_asked(&mut self) {
        for slack_id in self.request.everybody_asked() {
            let place = Place::Approver(slack_id);
            if self.request.cards.iter().all(|card| card.place != place) {
                self.request.cards.push(Card::at(place.clone()));
            }
            self.now(Effect::Show { place });
        }
    }

    /// Finds out whether it passes by itself, before anybody is asked.
    fn find_out(&mut self) {
        let slack_id = self.request.requester.slack_id.clone();
        self.now(Effect::Identify { slack_id, purpose: Purpose::Passing });
    }
}

fn nobody_decides(why: String) -> Failure {
    Failure {
        what: format!("it did not pass by itself, and nobody can decide it: {why}"),
        advice: "ask again later".to_owned(),
        retryable: false,
        retry_after_ms: None,
    }
}
