//! The transitions: one event applied to one request. Stale and repeated events change nothing.

mod drifting;
mod ending;
mod extending;
mod glass;
mod granting;
mod handing;
mod messages;
mod passing;
mod planning;
mod pressing;
mod urging;

pub use granting::{room_ms, warning_ms};

use crate::Moment;
use crate::effect::{Applied, Due, Effect, Ledger, Notice, Recipient, Wake};
use crate::event::{Event, Purpose};
use crate::guardrail::Judgement;
use crate::policy;
use crate::refusal::Refusal;
use crate::request::{Ask, Asked, Card, Decision, Message, Outcome, Phase, Place, Request, State, Step};
use crate::workflow::Stage;
use nightlatch_planted::{Fault, is_planted};

/// The far side is told the end this much later than asked, so that a slow answer never ends access early.
/// What ends access on time is the worker, at `expires_at`; the far side's own expiry is the net under it.
pub const GRACE_MS: i64 = 2_000;
/// A grant is given up after this many failures in a row.
pub const GRANT_ATTEMPTS_MAX: u32 = 4;
/// Taking back alarms people after this many failures in a row, and never gives up.
pub const STUCK_AFTER_FAILURES: u32 = 5;
/// ... or after this long, whichever comes first and whatever the reason: a far side that hangs reports no failure.
pub const STUCK_AFTER_MS: i64 = 60_000;
/// The longest pause between two attempts.
pub const RETRY_PAUSE_MAX_MS: i64 = 60_000;
/// The longest pause between two attempts to take back, whatever the far side asks for: an end is not put off by a quarter of
/// an hour because of one header.
pub const END_PAUSE_MAX_MS: i64 = 75_000;
/// The first repeat of an alarm; doubles up to an hour.
pub const ALARM_PAUSE_MS: i64 = 600_000;
const HOUR_MS: i64 = 3_600_000;

/// A request being changed, with what follows from it.
struct Change {
    request: Request,
    effects: Vec<Due>,
    ledger: Vec<Ledger>,
    moment: Moment,
}

impl Request {
    /// Makes a request, if this person may ask for this.
    pub fn ask(ask: Ask, moment: Moment) -> Result<Applied, Refusal> {
        may_be_made(&ask)?;
        let unusable = |missing: &str| Refusal::Unusable { missing: missing.to_owned() };
        // A stage or clause of nobody is one that nobody meets.
        let is_of_nobody =
            |stage: &Stage| stage.clauses.is_empty() || stage.clauses.iter().any(|clause| clause.by.is_empty());
        if ask.workflow.approve.iter().any(is_of_nobody) {
            return Err(unusable("approver"));
        }
        if ask.workflow.steps.is_empty() {
            return Err(unusable("step"));
        }
        let max_ms = ask.max_hold_ms();
        let holds = !ask.workflow.holds_nothing();
        if holds && ask.hold_ms <= 0 || ask.hold_ms > max_ms {
            return Err(Refusal::HoldTooLong { max_ms });
        }
        let keys = planning::plan(&ask, moment.types)?.into_iter().enumerate();
        let steps: Vec<Step> = keys.map(|(index, key)| Step::waiting(key, ask.leaves_out(index))).collect();
        if !steps.iter().any(Step::is_taken) {
            return Err(unusable("step for what was filled in"));
        }
        let cards = ask.workflow.channel().iter().map(|name| Card::at(Place::Channel((*name).to_owned()))).collect();
        let request = Request {
            ask,
            asked_at: moment.now,
            state: State::Pending,
            outcome: None,
            stuck: false,
            steps,
            decisions: Vec::new(),
            presses: Vec::new(),
            presses_count: 0,
            asked: Vec::new(),
            judging: false,
            not_by_itself: Vec::new(),
            review: None,
            approved_at: None,
            active_at: None,
            expires_at: None,
            ends_by: None,
            extensions: Vec::new(),
            extending: None,
            rounds: 0,
            ending_at: None,
            ended_by: None,
            ended_reason: String::new(),
            ended_at: None,
            trouble: None,
            warned_at: None,
            alarm_at: None,
            alarms_count: 0,
            notifications: Vec::new(),
            pushed_by: None,
            cards,
            not_announced: None,
        };
        let mut change = Change::of(request, moment);
        match change.request.ask.breaks_glass {
            true => change.begin_breaking_glass(),
            false => change.begin_approval(),
        }
        if change.request.asker.is_some() {
            change.tell_requester(Notice::AskedFor);
        }
        let lapses_at = change.request.lapses_at();
        change.later(lapses_at, Effect::Wake { wake: Wake::Lapse });
        Ok(change.done())
    }

    /// Applies one event. What does not fit the state (any more) changes nothing and has no effects.
    pub fn apply(&self, event: Event, moment: Moment) -> Applied {
        let mut change = Change::of(self.clone(), moment);
        match event {
            Event::Asked => {}
            Event::ApproversFound { stage, people } => change.approvers_found(stage, people),
            Event::TierFound { stage, tier, people } => change.tier_found(stage, tier, people),
            Event::ReviewersFound { people } => change.reviewers_found(people),
            Event::Pressed { by, button, channel, seal, on } => change.pressed(by, button, channel, &seal, on),
            Event::Denied { by, reason } => change.denied_by_operator(by, reason),
            Event::Revoked { by, reason } => change.revoked_by_operator(by, reason),
            Event::Identified { purpose: Purpose::Press { number }, person, judged } => {
                change.press_identified(number, person, judged.as_deref());
            }
            Event::NotIdentified { purpose: Purpose::Press { number }, failure } => {
                change.press_not_identified(number, failure);
            }
            Event::Looked { facts } => change.looked(*facts),
            // Whether it passes is told by more than who somebody is.
            Event::Identified { purpose: Purpose::Passing, .. } => {}
            Event::NotIdentified { purpose: Purpose::Passing, failure } => change.not_looked(&failure),
            Event::Identified { purpose: Purpose::Start, person, judged } => change.start(&person, judged.as_deref()),
            Event::NotIdentified { purpose: Purpose::Start, failure } => change.not_started(failure),
            Event::Identified { purpose: Purpose::Extending, person, judged } => {
                change.extension_begins(&person, judged.as_deref());
            }
            Event::NotIdentified { purpose: Purpose::Extending, failure } => change.extension_ends(failure),
            Event::Identified { purpose: Purpose::TakingOver { from, channel }, person, .. } => {
                change.taken_over(from, channel, &person);
            }
            Event::NotIdentified { purpose: Purpose::TakingOver { from, channel }, failure } => {
                change.not_taken_over(from, channel, failure);
            }
            Event::Settled { step, proof, results } => change.settled(step, proof, results),
            Event::SettleFailed { step, failure } => change.settle_failed(step, failure),
            Event::Drifted { step, drift } => change.drifted(step, drift),
            Event::Observed { step, before, again } => change.observed(step, before, again),
            Event::Shown { place, channel, ts } => change.shown(&place, channel, ts),
            Event::NotShown { place, failure } => change.not_shown(&place, failure),
            Event::Notified { shows, to, channel, ts } => change.notified(shows, to, Message { channel, ts }),
            Event::Woke { wake } => change.woke(wake),
        }
        change.bring_up_to_date(self);
        change.done()
    }
}

/// Whether these people may make it, with what they say.
fn may_be_made(ask: &Ask) -> Result<(), Refusal> {
    policy::may_be_asked(ask)?;
    if ask.breaks_glass {
        policy::may_break_glass(&ask.workflow, &ask.requester)?;
        if ask.reason.trim().is_empty() {
            return Err(Refusal::NoReason);
        }
    }
    Judgement::let_through(ask.judged.as_deref())?;
    Judgement::let_through(ask.judged_asker.as_deref())
}

impl Step {
    fn waiting(key: Option<crate::Key>, is_left_out: bool) -> Self {
        let results = serde_json::Map::new();
        let phase = if is_left_out { Phase::LeftOut } else { Phase::Waiting };
        Self { key, phase, failures: 0, proof: None, until: None, results, drift: None }
    }
}

impl Card {
    fn at(place: Place) -> Self {
        Self { place, message: None }
    }
}

impl Change {
    fn of(request: Request, moment: Moment) -> Self {
        Self { request, effects: Vec::new(), ledger: Vec::new(), moment }
    }

    fn done(self) -> Applied {
        Applied { request: self.request, effects: self.effects, ledger: self.ledger }
    }

    fn now(&mut self, effect: Effect) {
        self.later(self.moment.now, effect);
    }

    fn later(&mut self, at: i64, effect: Effect) {
        self.effects.push(Due { at: at.max(self.moment.now), effect });
    }

    /// Has the key of a step settled at `at`.
    fn settle(&mut self, index: usize, at: i64) {
        let key = self.request.steps.get(index).and_then(|step| step.key.clone());
        if let Some(key) = key {
            self.later(at, Effect::Settle { key });
        }
    }

    /// Every card follows every change.
    fn show(&mut self) {
        let places: Vec<Place> = self.request.cards.iter().map(|card| card.place.clone()).collect();
        for place in places {
            self.now(Effect::Show { place });
        }
    }

    fn tell(&mut self, to: Recipient, notice: Notice) {
        if to == Recipient::Thread && self.request.workflow.channel().is_none() {
            return;
        }
        self.now(Effect::Tell { to, notice });
    }

    fn tell_requester(&mut self, notice: Notice) {
        self.tell(self.requester(), notice);
    }

    /// Says the same to several, once each.
    fn tell_each(&mut self, recipients: Vec<Recipient>, notice: &Notice) {
        let mut told = Vec::new();
        for to in recipients {
            if !told.contains(&to) {
                told.push(to.clone());
                self.tell(to, notice.clone());
            }
        }
    }

    fn requester(&self) -> Recipient {
        Recipient::Person { slack_id: self.request.requester.slack_id.clone() }
    }

    /// The people who said yes hear of failures of what they allowed; the requester hears of them anyway.
    fn deciders(&self) -> Vec<Recipient> {
        let requester = self.requester();
        let people = self.request.decisions.iter().filter_map(Decision::person).map(|person| person.slack_id.clone());
        people.map(|slack_id| Recipient::Person { slack_id }).filter(|one| *one != requester).collect()
    }

    /// Asks those of a stage, if it is the one that waits and nobody was asked yet.
    fn approvers_found(&mut self, stage: usize, people: Vec<String>) {
        if self.request.approval().passed.is_some() {
            return self.tell_who_was_not_asked(people);
        }
        let is_open = self.request.approval().open().is_some_and(|open| open.index == stage);
        if !self.request.is_waiting() || !is_open || self.request.asked_in(stage).is_some() {
            return;
        }
        let round = self.request.round();
        if self.request.is_shown_directly() {
            if people.is_empty() && round > 0 {
                return self.extension_ends(urging::nobody_to_ask());
            }
            if people.is_empty() {
                self.request.trouble = Some(urging::nobody_to_ask());
                self.close(Outcome::Failed);
                self.tell_requester(Notice::Failed);
                return;
            }
            self.ask_directly(&people);
        }
        self.request.asked.push(Asked { round, ..Asked::of(stage, people, self.moment.now) });
        self.wait_for_answers();
        if round > 0 && stage == 0 {
            self.tell(Recipient::Thread, Notice::ExtensionAsked);
            self.tell_requester(Notice::ExtensionAsked);
        }
        if stage > 0 {
            self.tell(Recipient::Thread, Notice::StageOpened);
            self.tell_requester(Notice::StageOpened);
        }
        self.show();
    }

    /// Whoever has a card already from an earlier stage would not notice that it changes.
    fn ask_directly(&mut self, people: &[String]) {
        let is_new = self.request.is_extension_asked() && self.request.asked_of(0).is_none();
        let notice = if is_new { Notice::ExtensionAsked } else { Notice::StageOpened };
        for slack_id in people {
            let place = Place::Approver(slack_id.clone());
            if self.request.cards.iter().any(|card| card.place == place) {
                // Whoever asked is told anyway.
                if *slack_id == self.request.requester.slack_id {
                    continue;
                }
                self.tell(Recipient::Person { slack_id: slack_id.clone() }, notice.clone());
            } else {
                self.request.cards.push(Card::at(place));
            }
        }
    }

    fn observed(&mut self, step: usize, before: serde_json::Value, again: bool) {
        let step = self.request.steps.get(step).filter(|_| !is_planted(Fault::ForgetsBefore));
        if let Some(key) = step.and_then(|step| step.key.clone()) {
            self.ledger.push(Ledger::Remember { key, before, again });
        }
    }

    /// A clock that rings early (it was set back meanwhile) is set again; one that rings late counts.
    fn woke(&mut self, wake: Wake) {
        let due_at = match (wake, self.request.state) {
            (Wake::Lapse, State::Pending) => Some(self.request.lapses_at()),
            (Wake::Remind, _) if self.request.is_waiting() => match self.request.reminds_at() {
                Some(at) => Some(at),
                None => return,
            },
            (Wake::Escalate, _) if self.request.is_waiting() => match self.request.escalates_at() {
                Some(at) => Some(at),
                None => return,
            },
            (Wake::Expire, State::Active) => self.request.expires_at,
            (Wake::Alarm, State::Ending) => self.request.alarm_at,
            (Wake::Review, _) => match self.request.open_review() {
                Some(review) => Some(review.remind_at),
                None => return,
            },
            (Wake::Warn, State::Active) => None,
            _ => return,
        };
        if let Some(due_at) = due_at.filter(|due_at| *due_at > self.moment.now) {
            self.later(due_at, Effect::Wake { wake });
            return;
        }
        match wake {
            Wake::Lapse if is_planted(Fault::NeverLapses) => {}
            Wake::Lapse => {
                self.close(Outcome::Lapsed);
                self.tell_requester(Notice::Lapsed);
            }
            Wake::Remind => self.remind(),
            Wake::Escalate => self.escalate(),
            Wake::Warn => self.warn(),
            Wake::Expire => self.begin_ending(Outcome::Expired, None, String::new()),
            Wake::Alarm => self.still_not_gone(),
            Wake::Review => self.review_is_open(),
        }
    }

    /// Says once that the end is near, and not when it is there.
    fn warn(&mut self) {
        let is_near = self.request.expires_at.is_some_and(|expires_at| self.moment.now < expires_at);
        if is_near && self.request.warned_at.is_none() {
            self.request.warned_at = Some(self.moment.now);
            self.tell_requester(Notice::EndsSoon);
        }
    }

    /// Ends a request of which nothing was ever on.
    fn close(&mut self, outcome: Outcome) {
        self.request.state = State::Ended;
        self.request.outcome = Some(outcome);
        self.request.ending_at = Some(self.moment.now);
        self.request.ended_at = Some(self.moment.now);
        self.open_review_if_due();
        self.show();
    }

    /// The pause before attempt number `failures + 1`: doubling from a second, spread by jitter, never shorter
    /// than the far side asked for.
    fn pause_ms(&self, failures: u32, asked_ms: Option<i64>) -> i64 {
        let doubled = 1_000_i64.saturating_mul(1_i64 << failures.saturating_sub(1).min(16));
        let capped = doubled.min(RETRY_PAUSE_MAX_MS);
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "at most a minute")]
        let spread = (capped as f64 * 0.25 * self.moment.jitter.clamp(0.0, 1.0)) as i64;
        capped.saturating_add(spread).max(asked_ms.unwrap_or(0).clamp(0, HOUR_MS))
    }
}

#[cfg(test)]
mod tests;
