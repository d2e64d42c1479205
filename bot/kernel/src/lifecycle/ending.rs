//! Taking back: release everything, settle in reverse order, never give up, alarm when it does not work.

use super::granting::unexpected;
use super::{ALARM_PAUSE_MS, Change, END_PAUSE_MAX_MS, HOUR_MS, STUCK_AFTER_FAILURES, STUCK_AFTER_MS};
use crate::effect::{Effect, Ledger, Notice, Recipient, Wake};
use crate::event::Failure;
use crate::operator::By;
use crate::request::{Found, Outcome, Phase, Proof, State, Step};
use nightlatch_planted::{Fault, is_planted};

impl Change {
    /// Starts taking back whatever may be on. From here nothing is held in the ledger any more.
    pub(super) fn begin_ending(&mut self, outcome: Outcome, by: Option<By>, reason: String) {
        self.request.state = State::Ending;
        self.request.outcome = Some(outcome);
        self.request.ending_at = Some(self.moment.now);
        self.request.ended_by = by;
        self.request.ended_reason = reason;
        self.request.trouble = None;
        let kept = usize::from(is_planted(Fault::KeepsStep));
        for step in self.request.steps.iter_mut().skip(kept) {
            if matches!(step.phase, Phase::Begun | Phase::Held) {
                step.phase = Phase::Releasing;
                step.failures = 0;
                self.ledger.extend(step.key.clone().map(|key| Ledger::Release { key }));
            }
        }
        match self.last_releasing_below(self.request.steps.len()) {
            Some(last) => {
                self.settle(last, self.moment.now);
                self.alarm_in(STUCK_AFTER_MS);
                self.show();
            }
            None => self.finish(),
        }
    }

    fn last_releasing_below(&self, end: usize) -> Option<usize> {
        self.request.steps.iter().take(end).rposition(|step| step.phase == Phase::Releasing)
    }

    pub(super) fn step_gone(&mut self, index: usize, proof: Proof) {
        let Some(step) = self.request.steps.get_mut(index) else { return };
        // What was read back as on is over only when it was read again.
        if proof.found == Found::Untouched && step.proof.as_ref().is_some_and(|proof| proof.found.is_on()) {
            return self.release_failed(index, unexpected("it was on, and has not been read since"));
        }
        let failed_before = step.failures > 0;
        step.phase = Phase::Gone;
        step.failures = 0;
        // That a person took it away says more than that nothing was left to do.
        let keeps =
            proof.found == Found::Untouched && step.proof.as_ref().is_some_and(|proof| proof.found == Found::TakenAway);
        if !keeps {
            step.proof = Some(proof);
        }
        self.ledger.extend(step.key.clone().map(|key| Ledger::Leave { key }));
        if !self.request.may_be_on() {
            self.finish();
        } else if let Some(next) = self.last_releasing_below(index).filter(|_| !failed_before)
            && !is_planted(Fault::ForgetsNext)
        {
            self.settle(next, self.moment.now);
        }
    }

    /// Keeps trying this step, and lets the ones before it go on: they may work even if this one does not.
    pub(super) fn release_failed(&mut self, index: usize, failure: Failure) {
        self.request.pushed_by = None;
        let Some(step) = self.request.steps.get_mut(index) else { return };
        let first_failure = step.failures == 0;
        step.failures = step.failures.saturating_add(1);
        let failures = step.failures;
        let pause_ms = self.pause_ms(failures, failure.retry_after_ms).min(END_PAUSE_MAX_MS);
        let at = self.moment.now.saturating_add(pause_ms);
        let is_final = !failure.retryable;
        if self.request.outcome != Some(Outcome::Failed) || self.request.trouble.is_none() {
            self.request.trouble = Some(failure);
        }
        if !is_planted(Fault::GivesUp) {
            self.settle(index, at);
        }
        if let Some(next) = self.last_releasing_below(index).filter(|_| first_failure) {
            self.settle(next, self.moment.now);
        }
        // What the far side refuses for good is not tried five times before anybody hears of it.
        if !self.request.stuck && (is_final || failures >= STUCK_AFTER_FAILURES) {
            self.get_stuck();
        }
        self.show();
    }

    /// The time to alarm people has come, for whatever reason it is not gone.
    pub(super) fn still_not_gone(&mut self) {
        if self.request.stuck {
            self.alarm(self.watchers());
            return;
        }
        if self.request.trouble.is_none() {
            self.request.trouble = Some(Failure {
                what: "taking it back has not been confirmed yet".to_owned(),
                advice: "look at the far side yourself if it is urgent".to_owned(),
                retryable: true,
                retry_after_ms: None,
            });
        }
        self.get_stuck();
        self.show();
    }

    fn get_stuck(&mut self) {
        if is_planted(Fault::AlarmsNobody) {
            return;
        }
        self.request.stuck = true;
        self.request.alarms_count = 0;
        self.alarm(if is_planted(Fault::AlarmsInPrivate) {
            vec![self.requester()]
        } else {
            self.everybody_concerned()
        });
    }

    /// Alarms people, and again later, less and less often.
    fn alarm(&mut self, recipients: Vec<Recipient>) {
        self.tell_each(recipients, &Notice::Stuck);
        let doubled = ALARM_PAUSE_MS.saturating_mul(1_i64 << self.request.alarms_count.min(8));
        self.request.alarms_count = self.request.alarms_count.saturating_add(1);
        self.alarm_in(doubled.min(HOUR_MS));
    }

    fn alarm_in(&mut self, pause_ms: i64) {
        let at = self.moment.now.saturating_add(pause_ms);
        self.request.alarm_at = Some(at);
        self.later(at, Effect::Wake { wake: Wake::Alarm });
    }

    /// Who is alarmed again and again: the channel or, without one, whoever was asked.
    pub(super) fn watchers(&self) -> Vec<Recipient> {
        // A channel that took no card takes no alarm either.
        if self.request.workflow.announce.is_some() && self.request.not_announced.is_none() {
            return vec![Recipient::Channel];
        }
        let mut people = self.request.everybody_asked();
        // Where nobody has to decide, nobody was asked.
        if people.is_empty() {
            people.push(self.request.requester.slack_id.clone());
        }
        people.into_iter().map(|slack_id| Recipient::Person { slack_id }).collect()
    }

    fn everybody_concerned(&self) -> Vec<Recipient> {
        let mut all = vec![self.requester()];
        all.extend(self.deciders());
        all.extend(self.watchers());
        all
    }

    /// Somebody pressed Retry: everything that may still be on is settled at once.
    pub(super) fn settle_releasing_now(&mut self) {
        let releasing: Vec<usize> = self
            .request
            .steps
            .iter()
            .enumerate()
            .rev()
            .filter(|(_, step)| step.phase == Phase::Releasing)
            .map(|(index, _)| index)
            .collect();
        for step in releasing {
            self.settle(step, self.moment.now);
        }
    }

    fn finish(&mut self) {
        let was_stuck = std::mem::take(&mut self.request.stuck);
        self.request.state = State::Ended;
        self.request.ended_at = Some(self.moment.now);
        self.request.alarms_count = 0;
        self.request.alarm_at = None;
        if was_stuck {
            let mut concerned = self.everybody_concerned();
            if self.request.outcome != Some(Outcome::Failed) {
                // They hear below that it has ended.
                concerned.retain(|one| *one != self.requester());
            }
            self.tell_each(concerned, &Notice::Unstuck);
        }
        // As bad as one that cannot be taken back, and nothing of ours will end it.
        if self.request.is_left_on() && !self.request.steps.iter().any(Step::is_adopted) {
            let mut concerned = self.everybody_concerned();
            concerned.retain(|one| *one != self.requester());
            self.tell_each(concerned, &Notice::LeftOn);
        }
        // A failed grant was told as such when it failed; only the card follows.
        if self.request.outcome != Some(Outcome::Failed) {
            self.request.trouble = None;
            self.tell_requester(Notice::Ended);
            self.tell(Recipient::Thread, Notice::Ended);
        }
        self.open_review_if_due();
        if !is_planted(Fault::LeavesCard) {
            self.show();
        }
    }
}
