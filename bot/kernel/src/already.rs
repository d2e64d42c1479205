//! Whether somebody asks for what they hold, or have asked for, already.

use serde_json::{Map, Value};

use crate::fill::{Scope, fill_step};
use crate::lifecycle::warning_ms;
use crate::request::{Ask, Request, State};
use crate::step_type::{Stays, StepType, find};
use crate::workflow::StepUse;

impl Ask {
    /// Whether this request gives its asker what they ask for: it is for the same thing, and waits for a decision, is being switched on,
    /// or lasts as long as it would. Who wants it for longer asks for something else, unless they could extend what they hold.
    pub fn is_had_already(&self, before: &Request, now: i64, types: &[StepType]) -> bool {
        let is_open = match before.state {
            // Glass is broken because nobody decides.
            State::Pending => !self.breaks_glass,
            State::Approved | State::Activating => true,
            State::Active => before.lasts_as_long(now, self.hold_ms),
            State::Ending | State::Ended => false,
        };
        is_open && self.is_for_the_same(&before.ask, types)
    }

    /// Whether both would do the same outside for the same person: why and for how long is no part of it, unless a step says so.
    fn is_for_the_same(&self, other: &Self, types: &[StepType]) -> bool {
        self.workflow.name == other.workflow.name
            && self.requester.is_same_human(&other.requester)
            && self.requester.login == other.requester.login
            && self.does(types) == other.does(types)
    }

    /// What its steps do, whatever the request is called and whenever it ends: without what only says something once, as long as
    /// there is something else.
    fn does(&self, types: &[StepType]) -> Vec<(&str, Map<String, Value>)> {
        let lasts = |step: &StepUse| {
            let always_stays = find(types, &step.uses).is_some_and(|kind| kind.stays == Stays::Always);
            !always_stays && !step.stays()
        };
        let taken = || self.workflow.steps.iter().enumerate().filter(|(index, _)| !self.leaves_out(*index));
        let is_lasting = taken().any(|(_, step)| lasts(step));
        let filled = |(index, step): (usize, &'_ StepUse)| {
            let scope = Scope { id: "", ends_at: Some(0), may_be_blank: true, ..self.scope(index) };
            fill_step(step, &scope, types).unwrap_or_else(|_| step.with.clone())
        };
        let counted = taken().filter(|(_, step)| !is_lasting || lasts(step));
        counted.map(|(index, step)| (step.uses.as_str(), filled((index, step)))).collect()
    }
}

impl Request {
    /// Whether it lasts for so long from now, or so nearly that it is not worth a decision, or its holder could extend it to then.
    fn lasts_as_long(&self, now: i64, hold_ms: i64) -> bool {
        let Some(ends) = self.expires_at.filter(|ends| now < *ends) else { return false };
        let until = now.saturating_add(hold_ms);
        let ends = self.extending.as_ref().map_or(ends, |extending| extending.until);
        let more = until.saturating_sub(ends);
        more <= warning_ms(hold_ms) || self.can_extend().is_some_and(|max_ms| more <= max_ms)
    }
}
