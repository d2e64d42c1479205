//! What somebody else changed while it is held: people are told, and those who decide put it back or say that it stays. What was taken
//! away ended the request; until the end it had, it can be put back under the same approval.

use super::Change;
use crate::drift::{Drift, PUT_BACK};
use crate::effect::{Notice, Recipient};
use crate::event::Failure;
use crate::operator::By;
use crate::request::{Outcome, Phase, Proof, Request, State, Step};

/// Said of what stays as somebody else made it.
const STAYS: &str = "what somebody else made of it stays";

impl Step {
    /// What somebody else made of it, while nobody has decided what becomes of that.
    pub fn open_drift(&self) -> Option<&Drift> {
        self.drift.as_ref().filter(|drift| !drift.is_gone && !drift.is_adopted && drift.put_back_by.is_none())
    }

    /// Whether somebody said that it stays as somebody else made it.
    pub(super) fn is_adopted(&self) -> bool {
        self.drift.as_ref().is_some_and(|drift| drift.is_adopted)
    }
}

impl Request {
    /// Whether something that is held is not as it is lent, and nobody has decided what becomes of that.
    pub fn is_drifted(&self) -> bool {
        self.state == State::Active && self.steps.iter().any(|step| step.open_drift().is_some())
    }

    /// Whether it can be made again what was lent, until the end that it has or had.
    pub fn can_put_back(&self, now: i64) -> bool {
        self.is_drifted() || self.can_begin_again(now)
    }

    /// Somebody took it away, and its time is not up.
    pub(super) fn can_begin_again(&self, now: i64) -> bool {
        let is_gone = |step: &Step| step.drift.as_ref().is_some_and(|drift| drift.is_gone);
        self.state == State::Ended
            && self.outcome == Some(Outcome::Revoked)
            && self.ended_by.is_none()
            && !self.broke_glass()
            && self.steps.iter().any(is_gone)
            && self.expires_at.is_some_and(|at| now < at)
    }

    /// The end it would have, or the one it had before somebody took it away, if that comes first.
    pub(super) fn not_after(&self, end: i64) -> i64 {
        self.ends_by.map_or(end, |latest| latest.min(end))
    }

    /// Whether what is put back would not be over at once.
    pub(super) fn has_time_left(&self, now: i64) -> bool {
        self.ends_by.is_none_or(|latest| now < latest)
    }

    /// When what is shown with the buttons about it was found.
    pub(super) fn drifted_at(&self) -> Option<i64> {
        self.steps.iter().filter_map(|step| step.drift.as_ref()).map(|drift| drift.at).max()
    }
}

impl Change {
    /// Somebody else changed it. Each look finds it again, and it is told once.
    pub(super) fn drifted(&mut self, index: usize, drift: Drift) {
        let ended_so = self.request.outcome == Some(Outcome::Revoked) && self.request.ended_by.is_none();
        let is_held = self.request.state == State::Active;
        let Some(step) = self.request.steps.get_mut(index) else { return };
        let is_known =
            step.drift.as_ref().is_some_and(|known| known.found == drift.found && known.put_back_by.is_none());
        let fits = if drift.is_gone { ended_so } else { is_held && step.phase == Phase::Held };
        if !fits || is_known {
            return;
        }
        let is_gone = drift.is_gone;
        step.drift = Some(drift);
        if !is_gone {
            self.tell_each(self.watchers(), &Notice::Drifted);
        }
        self.show();
    }

    /// What is held was read back as it is lent.
    pub(super) fn is_as_lent(&mut self, index: usize) {
        let drift = self.request.steps.get_mut(index).and_then(|step| step.drift.take());
        if drift.is_some() {
            self.show();
        }
    }

    /// It was to be put back, and somebody made something else of it again before that: people decide on that anew.
    pub(super) fn drifted_again(&mut self, index: usize, proof: &Proof, found: &str) {
        let was_put_back = |step: &Step| step.drift.as_ref().is_some_and(|drift| drift.put_back_by.is_some());
        if self.request.steps.get(index).is_some_and(was_put_back) {
            let (found, at) = (found.to_owned(), proof.at);
            let drift = Drift { found, by: None, at, is_gone: false, put_back_by: None, is_adopted: false };
            self.drifted(index, drift);
        }
    }

    /// Somebody who decides has it made again what was lent.
    pub(super) fn put_back(&mut self, by: &str) {
        if self.request.state == State::Ended {
            self.request.ends_by = self.request.expires_at.take();
            self.tell(Recipient::Thread, Notice::PutBack { by: By::Person(by.to_owned()) });
            return self.begin_again();
        }
        let until = self.request.steps.iter().map(|step| step.until).collect::<Vec<_>>();
        for (index, until) in until.into_iter().enumerate() {
            let Some(step) = self.request.steps.get_mut(index) else { return };
            let is_open = step.open_drift().is_some();
            let Some(drift) = step.drift.as_mut().filter(|_| is_open) else { continue };
            drift.put_back_by = Some(by.to_owned());
            let found = drift.found.clone();
            self.hold_over(index, until.unwrap_or(self.moment.now), &found);
            self.settle(index, self.moment.now);
        }
        self.tell(Recipient::Thread, Notice::PutBack { by: By::Person(by.to_owned()) });
        self.show();
    }

    /// Writes into the ledger that it is held, and that what was found may be overwritten.
    fn hold_over(&mut self, index: usize, until: i64, found: &str) {
        self.hold(index, until);
        if let Some(crate::effect::Ledger::Hold { holding, .. }) = self.ledger.last_mut() {
            holding.with.insert(PUT_BACK.to_owned(), found.into());
        }
    }

    /// Somebody who may take it back says that it stays as somebody else made it: whoever held it lets go.
    pub(super) fn adopt(&mut self, by: By) {
        for drift in self.request.steps.iter_mut().filter_map(|step| step.drift.as_mut()) {
            drift.is_adopted = true;
        }
        self.begin_ending(Outcome::Revoked, Some(by), STAYS.to_owned());
    }
}

/// Nothing would be left of its time.
pub(super) fn too_slow() -> Failure {
    Failure {
        what: "switching it on took so long that its time would have passed before anybody had it".to_owned(),
        advice: "ask again later, or for longer".to_owned(),
        retryable: false,
        retry_after_ms: None,
    }
}
