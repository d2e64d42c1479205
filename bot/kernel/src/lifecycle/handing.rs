//! An approver gives their turn to somebody else: who that is is read afresh, and only one who may decide takes it over.

use super::Change;
use crate::effect::{Effect, Notice, Recipient};
use crate::event::{Button, Failure, Purpose};
use crate::person::Person;
use crate::policy;
use crate::request::{Card, Passed, Place};

/// Before those who decide are found nobody has a turn to give: it is looked at again after so long.
const FOUND_PAUSE_MS: i64 = 2_000;
/// Of one stage that are remembered.
const PASSED_MAX: usize = 50;

impl Change {
    /// Whoever gives their turn away may. Now it is found out whether the other one may decide.
    pub(super) fn pass_on(&mut self, from: String, channel: Option<String>, to: String) {
        self.now(Effect::Identify { slack_id: to, purpose: Purpose::TakingOver { from, channel } });
    }

    /// It is known who takes the turn over.
    pub(super) fn taken_over(&mut self, from: String, channel: Option<String>, person: &Person) {
        let to = person.slack_id.clone();
        let pass = Button::Pass { to: to.clone() };
        let is_open = self.request.is_open_for(&pass, &from, self.moment.now);
        let rule = match is_open.and_then(|()| policy::may_take_over(&self.request, person)) {
            Ok(rule) => rule,
            Err(why) => {
                return self.tell(Recipient::Private { slack_id: from, channel }, Notice::Refused { why });
            }
        };
        let (at, round) = (self.moment.now, self.request.round());
        let open = self.request.approval().open().map(|open| open.index);
        let here = self.request.asked.iter_mut().find(|asked| Some(asked.stage) == open && asked.round == round);
        let Some(asked) = here else {
            let purpose = Purpose::TakingOver { from, channel };
            let at = at.saturating_add(FOUND_PAUSE_MS);
            return self.later(at, Effect::Identify { slack_id: to, purpose });
        };
        // Told twice, it is done once; one that came back can be given away again.
        let is_done = !asked.people.contains(&from) && asked.people.contains(&to);
        if is_done && asked.passed.iter().any(|passed| passed.from == from && passed.to == to) {
            return;
        }
        asked.people.retain(|id| *id != from);
        if !asked.people.contains(&to) {
            asked.people.push(to.clone());
        }
        if asked.passed.len() >= PASSED_MAX {
            asked.passed.remove(0);
        }
        asked.passed.push(Passed { from: from.clone(), to: to.clone(), rule, at });
        let place = Place::Approver(to.clone());
        if self.request.cards.iter().all(|card| card.place != place) {
            self.request.cards.push(Card { place, message: None });
        }
        let notice = Notice::PassedOn { from: from.clone(), to: to.clone() };
        self.tell(Recipient::Person { slack_id: to }, notice.clone());
        self.tell(Recipient::Thread, notice.clone());
        self.tell(Recipient::Private { slack_id: from, channel }, notice);
        self.show();
    }

    /// It could not be found out who they are: nothing changes.
    pub(super) fn not_taken_over(&mut self, from: String, channel: Option<String>, why: Failure) {
        self.tell(Recipient::Private { slack_id: from, channel }, Notice::NotIdentified { why });
    }
}
