//! Buttons: a press is saved first, then it is found out who pressed, then it counts or is refused.

use super::Change;
use crate::effect::{Effect, Notice, Recipient};
use crate::event::{Button, Failure, Press, PressedOn, Purpose};
use crate::guardrail::Judgement;
use crate::operator::{By, Operator};
use crate::person::{Person, Who};
use crate::policy;
use crate::refusal::Refusal;
use crate::request::{Decider, Decision, Outcome, Request, State};
use nightlatch_planted::{Fault, is_planted};

impl Change {
    pub(super) fn pressed(
        &mut self,
        by: String,
        button: Button,
        channel: Option<String>,
        seal: &str,
        on: Option<PressedOn>,
    ) {
        let refused = if self.request.is_about_this(seal) || is_planted(Fault::IgnoresSeal) {
            let is_meant = self.request.is_extension_open(&button, seal);
            let is_open = is_meant.and_then(|()| self.request.is_open_for(&button, &by, self.moment.now));
            is_open.and_then(|()| self.request.is_as_shown(&button, seal))
        } else {
            Err(Refusal::Altered)
        };
        // Only a message with this request's seal is one of ours about it.
        if let Some(on) = on.filter(|_| self.request.is_about_this(seal)) {
            self.pressed_on(on, &by, matches!(refused, Err(Refusal::TooLate { .. })));
        }
        if let Err(why) = refused {
            self.refuse(by, channel, why);
            return;
        }
        let waits_already = |press: &Press| press.by == by && press.button == button;
        if self.request.presses.iter().any(waits_already) {
            return;
        }
        self.wait_for_press(by, button, channel, seal);
    }

    /// Saved until it is known who pressed.
    pub(super) fn wait_for_press(&mut self, by: String, button: Button, channel: Option<String>, seal: &str) {
        self.request.presses_count = self.request.presses_count.saturating_add(1);
        let number = self.request.presses_count;
        self.request.presses.push(Press { number, by: by.clone(), button, channel, seal: seal.to_owned() });
        self.now(Effect::Identify { slack_id: by, purpose: Purpose::Press { number } });
    }

    pub(super) fn press_identified(&mut self, number: u32, person: Person, judged: Option<&Judgement>) {
        let Some(press) = self.take_press(number) else { return };
        let allowed = if person.slack_id == press.by {
            self.request
                .is_extension_open(&press.button, &press.seal)
                .and_then(|()| self.request.is_open_for(&press.button, &press.by, self.moment.now))
                .and_then(|()| match press.seal.as_str() {
                    "" => Ok(()),
                    seal => self.request.is_as_shown(&press.button, seal),
                })
                .and_then(|()| self.request.has_not_decided(&press.button, &person))
                .and_then(|()| policy::may_press(&self.request, &person, &press.button))
                .and_then(|rule| Judgement::let_through(judged).map(|()| rule))
        } else {
            Err(Refusal::Altered)
        };
        match allowed {
            Ok(rule) => self.count(press, person, rule),
            Err(why) => {
                self.glass_stays_whole(&press);
                self.refuse(press.by, press.channel, why);
            }
        }
    }

    pub(super) fn press_not_identified(&mut self, number: u32, why: Failure) {
        let Some(press) = self.take_press(number) else { return };
        self.glass_stays_whole(&press);
        let to = Recipient::Private { slack_id: press.by, channel: press.channel };
        self.tell(to, Notice::NotIdentified { why });
    }

    fn take_press(&mut self, number: u32) -> Option<Press> {
        let index = self.request.presses.iter().position(|press| press.number == number)?;
        Some(self.request.presses.remove(index))
    }

    fn refuse(&mut self, slack_id: String, channel: Option<String>, why: Refusal) {
        self.tell(Recipient::Private { slack_id, channel }, Notice::Refused { why });
    }

    fn count(&mut self, press: Press, person: Person, rule: Option<Who>) {
        let by = By::Person(press.by);
        match press.button {
            Button::Approve { hold_ms, .. } => {
                let extends = self.request.is_extension_asked();
                self.decide(person, true, (rule, hold_ms), String::new());
                let reason = String::new();
                self.tell(Recipient::Thread, Notice::Decided { by, approved: true, reason, extends });
                self.go_on();
            }
            Button::Deny { reason } => self.denied(by, person, rule, reason),
            Button::Withdraw => {
                self.request.ended_by = Some(by);
                self.close(Outcome::Withdrawn);
            }
            Button::Return => self.begin_ending(Outcome::Returned, Some(by), String::new()),
            Button::Revoke { reason } => {
                let own = self.request.is_requester(&person);
                let outcome = if own { Outcome::Returned } else { Outcome::Revoked };
                self.begin_ending(outcome, Some(by), reason);
            }
            Button::Retry => self.retry(person.slack_id),
            Button::Extend { length_ms } => self.extend(length_ms),
            Button::Pass { to } => self.pass_on(person.slack_id, press.channel, to),
            Button::PutBack => self.put_back(&person.slack_id),
            Button::Adopt => self.adopt(by),
            // Both are never without a rule.
            Button::BreakGlass => rule.into_iter().for_each(|rule| self.glass_broken(person.clone(), rule)),
            Button::Review { is_fine, word } => {
                rule.into_iter().for_each(|rule| self.reviewed(person.clone(), rule, is_fine, word.clone()));
            }
        }
    }

    /// A no: as many as the stage says end it, the others are kept and said.
    fn denied(&mut self, by: By, person: Person, rule: Option<Who>, reason: String) {
        let extends = self.request.is_extension_asked();
        self.decide(person, false, (rule, None), reason.clone());
        if self.request.approval().is_denied() && extends {
            self.request.extending = None;
            self.show();
        } else if self.request.approval().is_denied() {
            self.request.ended_by = Some(by.clone());
            self.request.ended_reason.clone_from(&reason);
            self.close(Outcome::Denied);
        } else {
            self.show();
        }
        self.tell_no(by, reason, extends);
    }

    fn tell_no(&mut self, by: By, reason: String, extends: bool) {
        let notice = Notice::Decided { by, approved: false, reason, extends };
        self.tell(Recipient::Thread, notice.clone());
        self.tell_requester(notice);
    }

    /// An operator's no ends it, however many the stage takes: they could take it back at once.
    pub(super) fn denied_by_operator(&mut self, by: Operator, reason: String) {
        let by = By::Operator(by);
        if self.request.is_extension_asked() {
            self.request.extending = None;
            self.show();
            return self.tell_no(by, reason, true);
        }
        if self.request.state != State::Pending {
            return;
        }
        self.request.ended_by = Some(by.clone());
        self.request.ended_reason.clone_from(&reason);
        self.close(Outcome::Denied);
        self.tell_no(by, reason, false);
    }

    pub(super) fn revoked_by_operator(&mut self, by: Operator, reason: String) {
        if matches!(self.request.state, State::Approved | State::Activating | State::Active) {
            self.begin_ending(Outcome::Revoked, Some(By::Operator(by)), reason);
        }
    }

    fn decide(&mut self, person: Person, approved: bool, (rule, hold_ms): (Option<Who>, Option<i64>), reason: String) {
        let approval = self.request.approval();
        // Late votes count in the last one, if that fault is planted.
        let Some(stage) = approval.open().or(approval.stages.last()).map(|stage| stage.index) else { return };
        let by = Decider::Person { person, rule };
        let (round, at) = (self.request.round(), self.moment.now);
        let hold_ms = hold_ms.filter(|hold_ms| *hold_ms < self.request.hold_ms);
        self.request.decisions.push(Decision { by, approved, stage, round, reason, hold_ms, at });
    }

    /// After a yes: all is given, or the next stage opens, or it waits for more.
    fn go_on(&mut self) {
        let approval = self.request.approval();
        let is_short = is_planted(Fault::QuorumShort)
            && approval.stages.iter().map(|stage| stage.missing()).fold(0, u32::saturating_add) <= 1;
        if approval.is_given() || is_short {
            return if self.request.is_extension_asked() { self.extension_approved() } else { self.approve() };
        }
        let decided_in = self.request.decisions.last().map(|decision| decision.stage);
        if let Some(stage) = approval.open().map(|open| open.index).filter(|open| Some(*open) != decided_in) {
            self.now(Effect::FindApprovers { stage });
        }
        self.show();
    }
}

impl Request {
    /// Whether a button does anything in this state; the refusal says what became of the request instead.
    pub fn is_open_for(&self, button: &Button, by: &str, now: i64) -> Result<(), Refusal> {
        let open = match button {
            Button::Approve { .. } | Button::Deny { .. } | Button::Pass { .. } => {
                let decided = self.has_decided(by) && !is_planted(Fault::CountsTwice);
                if self.is_waiting() && decided {
                    return Err(Refusal::DecidedBefore);
                }
                // The time is up, and nothing has noticed yet.
                let is_over = self.is_extension_asked() && now >= self.decided_by_at_last();
                self.is_waiting() && !is_over || is_planted(Fault::CountsLate)
            }
            Button::Withdraw | Button::BreakGlass => self.state == State::Pending,
            Button::Extend { .. } => match self.state {
                State::Pending | State::Approved | State::Activating => {
                    return Err(Refusal::TooEarly { state: self.state });
                }
                State::Active if self.expires_at.is_some_and(|at| now < at) => match &self.extending {
                    Some(extending) => return Err(Refusal::BeingExtended { until: extending.until }),
                    None => true,
                },
                // Its time is up, and nothing has noticed yet.
                State::Active => {
                    let (state, outcome) = (State::Ending, Some(Outcome::Expired));
                    return Err(Refusal::TooLate { state, outcome, by: self.decided_by() });
                }
                State::Ending | State::Ended => false,
            },
            Button::PutBack if !self.can_put_back(now) => return Err(Refusal::NoDrift),
            Button::Adopt if !self.is_drifted() => return Err(Refusal::NoDrift),
            Button::PutBack | Button::Adopt => true,
            Button::Review { .. } => return self.has_open_review(),
            Button::Return | Button::Revoke { .. } => match self.state {
                State::Pending => return Err(Refusal::TooEarly { state: self.state }),
                State::Approved | State::Activating | State::Active => true,
                State::Ending | State::Ended => false,
            },
            Button::Retry => match self.state {
                State::Ending => true,
                State::Ended => self.can_restart(now),
                state => return Err(Refusal::TooEarly { state }),
            },
        };
        if open {
            return Ok(());
        }
        Err(Refusal::TooLate { state: self.state, outcome: self.outcome, by: self.decided_by() })
    }

    /// Who decided, and who ended it: Slack ids, and the names of operators.
    fn decided_by(&self) -> Vec<String> {
        let people = self.decisions.iter().filter(|decision| decision.round == 0).filter_map(Decision::person);
        let mut by: Vec<String> = people.map(|person| person.slack_id.clone()).collect();
        by.extend(self.ended_by.as_ref().map(By::to_string).filter(|ended_by| !by.contains(ended_by)));
        by
    }

    fn has_open_review(&self) -> Result<(), Refusal> {
        let closed = self.review.as_ref().and_then(|review| review.closed.as_ref());
        let by = closed.map(|closed| closed.person.slack_id.clone());
        self.open_review().map(drop).ok_or(Refusal::NoOpenReview { by })
    }

    /// A failed grant may be tried again under the same approval for as long as a request may wait.
    pub fn can_restart(&self, now: i64) -> bool {
        self.state == State::Ended && self.outcome == Some(Outcome::Failed) && self.can_begin(now)
    }

    /// An approval is good for as long as a request may wait; what is put back was approved for all of its time.
    pub fn can_begin(&self, now: i64) -> bool {
        if let Some(latest) = self.ends_by {
            return now < latest;
        }
        let until = self.approved_at.map(|at| at.saturating_add(self.workflow.lapse_after_ms));
        until.is_some_and(|until| now < until)
    }

    /// One human, one decision, whatever account they use.
    fn has_not_decided(&self, button: &Button, person: &Person) -> Result<(), Refusal> {
        let decides = matches!(button, Button::Approve { .. } | Button::Deny { .. } | Button::Pass { .. });
        let mut here = self.decisions.iter().filter(|decision| decision.round == self.round());
        let before = here.any(|decision| decision.is_by(person));
        if decides && before && !is_planted(Fault::CountsTwice) { Err(Refusal::DecidedBefore) } else { Ok(()) }
    }
}
