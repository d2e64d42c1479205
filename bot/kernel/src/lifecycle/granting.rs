//! From a quorum to active: each step is written into the ledger first, then settled, then confirmed.

use serde_json::{Map, Value};

use super::drifting::too_slow;
use super::{Change, GRACE_MS, GRANT_ATTEMPTS_MAX, HOUR_MS};
use crate::effect::{Effect, Ledger, Notice, Recipient, Wake};
use crate::event::{Failure, Purpose};
use crate::guardrail::{Judgement, Rule};
use crate::id::Key;
use crate::person::Person;
use crate::policy;
use crate::refusal::Refusal;
use crate::request::{Found, Outcome, Phase, Proof, State, Step};
use nightlatch_planted::{Fault, is_planted};

/// How much later than the hold's end the far side may be told to end before the hold has begun, at most: if nothing of ours ran
/// any more then, this is how much longer it would be on.
pub fn room_ms(hold_ms: i64) -> i64 {
    (hold_ms / 4).saturating_add(60_000)
}

impl Change {
    /// The quorum is there. Before anything is switched on, the requester is looked at once more.
    pub(super) fn approve(&mut self) {
        self.request.state = State::Approved;
        self.request.approved_at = Some(self.moment.now);
        let slack_id = self.request.requester.slack_id.clone();
        self.now(Effect::Identify { slack_id, purpose: Purpose::Start });
        self.show();
    }

    pub(super) fn start(&mut self, person: &Person, judged: Option<&Judgement>) {
        if self.request.state != State::Approved {
            return;
        }
        let changed = !self.request.is_requester(person) || person.login != self.request.requester.login;
        if changed || policy::may_ask(&self.request.workflow, person).is_err() {
            self.not_started(Failure {
                what: "the requester may no longer ask for this".to_owned(),
                advice: "check their Slack account and tailnet user, then ask again".to_owned(),
                retryable: false,
                retry_after_ms: None,
            });
            return;
        }
        if let Err(Refusal::Forbidden { rule, .. }) = Judgement::let_through(judged) {
            self.not_started(forbidden(&rule));
            return;
        }
        self.request.state = State::Activating;
        if is_planted(Fault::SaysActiveEarly) {
            self.tell_requester(Notice::Active);
        }
        self.begin_next();
        self.show();
    }

    pub(super) fn not_started(&mut self, failure: Failure) {
        if self.request.state != State::Approved {
            return;
        }
        self.request.trouble = Some(failure);
        self.fail();
    }

    /// Begins the first step that waits; when none does any more, everything is on.
    fn begin_next(&mut self) {
        match self.request.steps.iter().position(|step| step.phase == Phase::Waiting) {
            Some(next) => self.begin_step(next, self.moment.now),
            None => self.activate_if_it_lasts(),
        }
    }

    /// Fills in the step's settings and writes down that this request holds what they touch, then has it settled at `at`. What cannot
    /// be filled in is not sent: granting fails.
    fn begin_step(&mut self, index: usize, at: i64) {
        let hold_ms = if self.request.workflow.holds_nothing() { HOUR_MS } else { self.request.lent_ms() };
        let hold_ms = if is_planted(Fault::TellsTooEarly) { hold_ms / 2 } else { hold_ms };
        let until = self.request.not_after(at.saturating_add(hold_ms)).saturating_add(GRACE_MS);
        match self.request.begun(index, self.moment.types) {
            Ok(key) => {
                if let Some(step) = self.request.steps.get_mut(index) {
                    step.key = Some(key);
                    step.phase = Phase::Begun;
                }
                self.hold(index, until);
                self.settle(index, at);
            }
            Err(failure) => {
                self.request.trouble = Some(failure);
                self.fail();
            }
        }
    }

    /// Writes into the ledger until when the far side is to be told that this request holds the step's key.
    pub(super) fn hold(&mut self, index: usize, until: i64) {
        let holding = match self.request.filled(index, self.moment.types) {
            Ok(with) => self.request.holding(index, until, with),
            Err(missing) => {
                self.request.trouble = Some(missing.into());
                return;
            }
        };
        let Some(step) = self.request.steps.get_mut(index) else { return };
        step.until = Some(until);
        self.ledger.extend(step.key.clone().map(|key| Ledger::Hold { key, holding }));
    }

    /// Tries a step again that is not confirmed yet. The far side is told the same end as before, so that what arrives late is
    /// recognised; an end that has passed, or soon will, is told anew.
    fn try_step_again(&mut self, index: usize, at: i64) {
        let left = self.request.steps.get(index).and_then(|step| step.until).map(|until| until.saturating_sub(at));
        if left.is_some_and(|left| left > self.request.lent_ms() / 2) {
            self.settle(index, at);
        } else {
            self.begin_step(index, at);
        }
    }

    /// It took longer than the whole hold before anything was confirmed, for example because nothing ran meanwhile.
    fn has_overslept(&self, index: usize) -> bool {
        let until = self.request.steps.get(index).and_then(|step| step.until);
        until.is_some_and(|until| until <= self.moment.now)
    }

    pub(super) fn settled(&mut self, index: usize, proof: Proof, results: Map<String, Value>) {
        let Some(step) = self.request.steps.get_mut(index) else { return };
        if proof.found == Found::TakenAway {
            if step.phase == Phase::Held {
                step.proof = Some(proof);
                self.taken_away();
            }
            return;
        }
        match (self.request.state, step.phase, proof.found.is_on()) {
            (State::Activating, Phase::Begun, true) => {
                step.phase = Phase::Held;
                step.failures = 0;
                step.results = results;
                self.ledger.extend(confirmed(step.key.as_ref(), &proof));
                step.proof = Some(proof);
                self.request.trouble = None;
                self.begin_next();
            }
            (State::Activating, Phase::Begun, false) => {
                self.settle_failed(index, unexpected("it reads back as not on"))
            }
            // Told a later end, or settled for somebody else meanwhile: it is on for this one too.
            (State::Activating, Phase::Held, true) => {
                step.failures = 0;
                step.comes_to(results);
                self.ledger.extend(confirmed(step.key.as_ref(), &proof));
                step.proof = Some(proof);
                self.activate_if_it_lasts();
            }
            (State::Active, Phase::Held, true) => {
                step.failures = 0;
                let is_another = step.comes_to(results);
                self.ledger.extend(confirmed(step.key.as_ref(), &proof));
                step.proof = Some(proof);
                if self.request.trouble.take().is_some() || is_another {
                    self.show();
                }
                self.is_as_lent(index);
                self.extend_if_it_lasts();
            }
            (State::Active, Phase::Held, false) => {
                if let Found::LeftAlone { what, .. } = &proof.found {
                    self.drifted_again(index, &proof, what);
                }
            }
            (State::Ending, Phase::Releasing, false) => self.step_gone(index, proof),
            // Read before the end began, it is the late answer of granting; taking back is on its way already.
            (State::Ending, Phase::Releasing, true) if self.request.ending_at.is_none_or(|at| proof.at >= at) => {
                self.release_failed(index, unexpected("it still reads back as on"));
            }
            _ => {}
        }
    }

    /// Everything is on, but perhaps not for long enough: where switching on took as long as a good part of the hold, the end the far
    /// side knows would pass before it hears of a later one. It is told one that leaves room, and only then the hold begins.
    fn activate_if_it_lasts(&mut self) {
        if self.request.steps.iter().any(|step| step.is_taken() && step.phase != Phase::Held) {
            return;
        }
        let full = self.request.not_after(self.moment.now.saturating_add(self.request.lent_ms()));
        let mut is_lasting = true;
        for index in 0..self.request.steps.len() {
            let Some(step) = self.request.steps.get(index) else { return };
            if !step.is_taken() {
                continue;
            }
            let confirmed = step.confirmed_until();
            let took = full.saturating_sub(confirmed).saturating_add(GRACE_MS);
            if confirmed >= full || confirmed.saturating_sub(self.moment.now) > took.saturating_mul(2) {
                continue;
            }
            is_lasting = false;
            // Otherwise a later end is on its way already.
            if step.until.is_some_and(|told| told > confirmed) {
                continue;
            }
            if !self.request.can_begin(self.moment.now) {
                self.request.trouble = Some(too_slow());
                return self.fail();
            }
            let room = took.saturating_mul(2).min(room_ms(self.request.lent_ms()));
            self.hold(index, full.saturating_add(GRACE_MS).saturating_add(room));
            self.settle(index, self.moment.now);
        }
        if is_lasting {
            self.activate();
        }
    }

    /// Everything was confirmed: the clock of the hold starts, and its end is computed once. What holds nothing is done with that.
    fn activate(&mut self) {
        if self.request.workflow.holds_nothing() {
            self.request.active_at = Some(self.moment.now);
            return self.begin_ending(Outcome::Done, None, String::new());
        }
        let extra = if is_planted(Fault::EndsLater) { HOUR_MS } else { 0 };
        let full = self.request.not_after(self.moment.now.saturating_add(self.request.lent_ms()));
        if !self.request.has_time_left(self.moment.now) {
            self.request.trouble = Some(too_slow());
            return self.fail();
        }
        let expires_at = full.saturating_add(extra);
        self.request.state = State::Active;
        self.request.active_at = Some(self.moment.now);
        self.request.expires_at = Some(expires_at);
        // A far side that was slow was told too early an end: tell it again rather than cut the hold short. One that was left room
        // would keep it for longer than it was lent for if nothing of ours ran any more.
        let is_off = |until: i64| until < expires_at || until > expires_at.saturating_add(GRACE_MS);
        let short: Vec<usize> = self
            .request
            .steps
            .iter()
            .enumerate()
            .filter(|(_, step)| step.is_taken() && step.until.is_none_or(is_off))
            .filter(|_| !is_planted(Fault::TellsTooEarly))
            .map(|(index, _)| index)
            .collect();
        for index in short {
            self.hold(index, expires_at);
            self.settle(index, self.moment.now);
        }
        if !is_planted(Fault::WakesNobody) {
            self.later(expires_at, Effect::Wake { wake: Wake::Expire });
        }
        self.later(expires_at.saturating_sub(warning_ms(self.request.lent_ms())), Effect::Wake { wake: Wake::Warn });
        self.tell_requester(Notice::Active);
        self.tell(Recipient::Thread, Notice::Active);
        self.show();
    }

    pub(super) fn settle_failed(&mut self, index: usize, failure: Failure) {
        let has_overslept = self.has_overslept(index);
        let Some(step) = self.request.steps.get_mut(index) else { return };
        match (self.request.state, step.phase) {
            (State::Activating, Phase::Begun | Phase::Held) if has_overslept => {
                if self.request.can_begin(self.moment.now) {
                    self.begin_step(index, self.moment.now);
                } else {
                    self.request.trouble = Some(Failure { retryable: false, ..failure });
                    self.fail();
                }
            }
            (State::Activating, Phase::Begun | Phase::Held) => {
                step.failures = step.failures.saturating_add(1);
                let failures = step.failures;
                let pause_ms = self.pause_ms(failures, failure.retry_after_ms);
                let give_up = !failure.retryable || failures >= GRANT_ATTEMPTS_MAX;
                self.request.trouble = Some(failure);
                if give_up {
                    self.fail();
                } else {
                    self.try_step_again(index, self.moment.now.saturating_add(pause_ms));
                    self.show();
                }
            }
            (State::Active, Phase::Held) => {
                step.failures = step.failures.saturating_add(1);
                let failures = step.failures;
                let at = self.moment.now.saturating_add(self.pause_ms(failures, failure.retry_after_ms));
                let ends = self.request.expires_at.unwrap_or(at);
                if failure.retryable && at < ends {
                    self.settle(index, at);
                }
                // The far side may now end it before the time people were told.
                if self.request.trouble.replace(failure.clone()).is_none() {
                    self.show();
                }
                self.extending_failed(&failure);
            }
            (State::Ending, Phase::Releasing) => self.release_failed(index, failure),
            _ => {}
        }
    }

    /// Somebody took away by hand what this request holds: that is as if they had revoked it, and must not come back when
    /// the key is settled for another holder.
    fn taken_away(&mut self) {
        // Also before everything was on: what a person took away comes back under no old approval, whoever presses Retry.
        if matches!(self.request.state, State::Activating | State::Active) {
            self.begin_ending(Outcome::Revoked, None, String::new());
        }
    }

    /// Gives up granting; what was begun is taken back.
    fn fail(&mut self) {
        let trouble = self.request.trouble.clone();
        self.begin_ending(Outcome::Failed, None, String::new());
        self.request.trouble = trouble;
        if !is_planted(Fault::FailsSilently) {
            self.tell_requester(Notice::Failed);
        }
        self.tell_each(self.deciders(), &Notice::Failed);
        self.tell(Recipient::Thread, Notice::Failed);
    }

    /// Tries again: taking back at once, or a failed grant under its old approval.
    pub(super) fn retry(&mut self, by: String) {
        if self.request.state == State::Ending {
            self.request.pushed_by = Some(by);
            self.settle_releasing_now();
            return;
        }
        self.begin_again();
    }

    /// From the start, under the approval there is.
    pub(super) fn begin_again(&mut self) {
        let hanging = self.request.ask.hanging(self.moment.types);
        for (index, step) in self.request.steps.iter_mut().enumerate().filter(|(_, step)| step.is_taken()) {
            step.key = step.key.take().filter(|_| !hanging.contains(&index));
            step.phase = Phase::Waiting;
            step.failures = 0;
            step.proof = None;
            step.until = None;
            step.results = Map::new();
            step.drift = None;
        }
        self.request.outcome = None;
        self.request.trouble = None;
        self.request.warned_at = None;
        self.request.ending_at = None;
        self.request.ended_at = None;
        self.request.state = State::Approved;
        let slack_id = self.request.requester.slack_id.clone();
        self.now(Effect::Identify { slack_id, purpose: Purpose::Start });
        self.show();
    }
}

/// What the ledger learns from a reading that says on.
impl Step {
    /// Something else than before took the place of what it came to; says whether that is so.
    fn comes_to(&mut self, results: Map<String, Value>) -> bool {
        let is_another = !results.is_empty() && results != self.results;
        if is_another {
            self.results = results;
        }
        is_another
    }
}

fn confirmed(key: Option<&Key>, proof: &Proof) -> Option<Ledger> {
    let until = match proof.found {
        Found::On { until } => until,
        Found::OnBefore | Found::Told { is_on: true } => None,
        _ => return None,
    };
    Some(Ledger::Confirm { key: key?.clone(), until })
}

/// A guardrail says no right before it would have been switched on.
fn forbidden(rule: &Rule) -> Failure {
    Failure {
        what: format!("a guardrail forbids it now, {}", rule.in_words()),
        advice: "ask again when that has changed".to_owned(),
        retryable: false,
        retry_after_ms: None,
    }
}

pub(super) fn unexpected(what: &str) -> Failure {
    Failure { what: what.to_owned(), advice: String::new(), retryable: true, retry_after_ms: None }
}

/// How long before the end people are warned: a sixth of the hold, at most an hour.
pub fn warning_ms(hold_ms: i64) -> i64 {
    (hold_ms / 6).min(HOUR_MS)
}
