//! Holding it for longer: the far side is told the later end, and only when everything was read back with it the end is that one.

use super::granting::warning_ms;
use super::{Change, GRACE_MS};
use crate::effect::{Effect, Notice, Recipient, Wake};
use crate::event::{Button, Failure};
use crate::refusal::Refusal;
use crate::request::{Extending, Extension, Request, State, Step};
use crate::workflow::ExtendApproval;
use nightlatch_planted::{Fault, is_planted};

/// Between the seal and the end that was shown with it.
const SHOWN_UNTIL: char = '@';

impl Request {
    /// By how much its holder can extend it at a time; nothing if they cannot (any more, or while they do). Broken glass is not extended.
    pub fn can_extend(&self) -> Option<i64> {
        self.may_ever_extend().filter(|_| self.state == State::Active && self.extending.is_none())
    }

    /// The same whatever is being done now.
    pub(crate) fn may_ever_extend(&self) -> Option<i64> {
        let extend = self.workflow.extend.as_ref().filter(|extend| extend.approve == ExtendApproval::Automatic)?;
        let is_left = self.extensions.len() < usize::try_from(extend.times).unwrap_or(usize::MAX);
        (is_left && !self.broke_glass()).then_some(extend.max_ms)
    }

    /// By how much the button extends it, where nobody says more: as long as it was asked for, if that may be.
    pub fn extends_by(&self) -> Option<i64> {
        self.can_extend().map(|max_ms| self.hold_ms.min(max_ms))
    }

    /// For how long it would be held in all if this button counted now.
    pub fn hold_with(&self, button: &Button) -> i64 {
        let (Button::Extend { length_ms }, Some(from), Some(since)) = (button, self.expires_at, self.active_at) else {
            return self.hold_ms;
        };
        let usual_ms = || self.may_ever_extend().map_or(0, |max_ms| self.hold_ms.min(max_ms));
        let length_ms = if *length_ms > 0 { *length_ms } else { usual_ms() };
        from.saturating_add(length_ms).saturating_sub(since)
    }

    /// What a press of this button has to carry, so that it counts only for what was shown with it: the seal of the request, and for
    /// an extension the end that it puts off.
    pub fn seal_for(&self, button: &Button) -> String {
        match (button, self.expires_at) {
            (Button::Extend { .. }, Some(until)) => format!("{}{SHOWN_UNTIL}{until}", self.seal),
            _ => self.seal.clone(),
        }
    }

    /// Whether a press with this seal was made on a message about this request.
    pub(super) fn is_about_this(&self, seal: &str) -> bool {
        seal.split(SHOWN_UNTIL).next() == Some(self.seal.as_str())
    }

    /// Whether what was shown with this button is still so.
    pub(super) fn is_as_shown(&self, button: &Button, seal: &str) -> Result<(), Refusal> {
        if is_planted(Fault::IgnoresSeal) {
            return Ok(());
        }
        if !self.is_about_this(seal) {
            return Err(Refusal::Altered);
        }
        let (Button::Extend { .. }, Some(until)) = (button, self.expires_at) else { return Ok(()) };
        let shown = match seal.split_once(SHOWN_UNTIL) {
            Some((_, shown)) => shown.parse().ok(),
            // A message of an older version, which named no end: it showed the first one.
            None => Some(self.extensions.first().map_or(until, |first| first.from)),
        };
        if shown == Some(until) { Ok(()) } else { Err(Refusal::ExtendedAlready { until }) }
    }
}

impl Step {
    /// Whether it was read back, since then, as on for so long.
    fn lasts(&self, since: i64, until: i64) -> bool {
        let is_read = self.proof.as_ref().is_some_and(|proof| proof.at >= since);
        is_read && self.confirmed_until() >= until
    }
}

impl Change {
    /// Has the far side told an end that is so much later; 0: by as much as the button says. Until everything was read back with it, the
    /// end is the old one, and so is what people read.
    pub(super) fn extend(&mut self, length_ms: i64) {
        let (Some(from), Some(usual_ms)) = (self.request.expires_at, self.request.extends_by()) else { return };
        let length_ms = if length_ms > 0 { length_ms } else { usual_ms };
        let until = from.saturating_add(length_ms);
        self.request.extending = Some(Extending { length_ms, until, at: self.moment.now, is_told: false });
        self.tell_far_side(until);
        self.show();
    }

    /// Writes down that everything is held until then, and has it settled.
    fn tell_far_side(&mut self, until: i64) {
        let taken: Vec<usize> = (0..self.request.steps.len()).filter(|index| self.is_taken(*index)).collect();
        for index in taken {
            self.hold(index, until.saturating_add(GRACE_MS));
            self.settle(index, self.moment.now);
        }
    }

    /// Something was read back: where everything lasts until the later end now, that is the end. What was confirmed too late ends all
    /// the same: nobody was told anything else.
    pub(super) fn extend_if_it_lasts(&mut self) {
        let (Some(from), Some(Extending { length_ms, until, at, .. })) =
            (self.request.expires_at, self.request.extending.clone())
        else {
            return;
        };
        let is_lasting = self.request.steps.iter().filter(|step| step.is_taken()).all(|step| step.lasts(at, until));
        if !is_lasting || self.moment.now >= from {
            return;
        }
        self.request.extending = None;
        self.request.extensions.push(Extension { length_ms, from, at: self.moment.now });
        self.request.expires_at = Some(until);
        self.request.warned_at = None;
        self.later(until, Effect::Wake { wake: Wake::Expire });
        self.later(until.saturating_sub(warning_ms(length_ms)), Effect::Wake { wake: Wake::Warn });
        self.tell_requester(Notice::Extended);
        self.tell(Recipient::Thread, Notice::Extended);
        self.show();
    }

    /// The far side did not take the later end. Its holder hears of it once, and again when it is given up: then everything is told the
    /// end it has.
    pub(super) fn extending_failed(&mut self, why: &Failure) {
        let Some(extending) = &mut self.request.extending else { return };
        if why.retryable && std::mem::replace(&mut extending.is_told, true) {
            return;
        }
        if !why.retryable {
            self.request.extending = None;
            if let Some(until) = self.request.expires_at {
                self.tell_far_side(until);
            }
        }
        let notice = Notice::NotExtended { why: why.clone(), again: why.retryable };
        self.tell_requester(notice);
        self.show();
    }

    fn is_taken(&self, index: usize) -> bool {
        self.request.steps.get(index).is_some_and(Step::is_taken)
    }
}
