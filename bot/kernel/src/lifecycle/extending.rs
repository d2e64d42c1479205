//! Holding it for longer: the end moves in the commit that counts the press, and the far side is told the new one at once.

use super::granting::warning_ms;
use super::{Change, GRACE_MS};
use crate::effect::{Effect, Notice, Recipient, Wake};
use crate::request::{Extension, Request, State};
use crate::workflow::ExtendApproval;

impl Request {
    /// By how much its holder can extend it at a time; nothing if they cannot (any more). Broken glass is not extended.
    pub fn can_extend(&self) -> Option<i64> {
        let extend = self.workflow.extend.as_ref().filter(|extend| extend.approve == ExtendApproval::Automatic)?;
        let is_left = self.extensions.len() < usize::try_from(extend.times).unwrap_or(usize::MAX);
        (self.state == State::Active && is_left && !self.broke_glass()).then_some(extend.max_ms)
    }

    /// By how much the button extends it, where nobody says more: as long as it was asked for, if that may be.
    pub fn extends_by(&self) -> Option<i64> {
        self.can_extend().map(|max_ms| self.hold_ms.min(max_ms))
    }
}

impl Change {
    /// Puts the end off by so long; 0: by as much as the button says.
    pub(super) fn extend(&mut self, length_ms: i64) {
        let (Some(from), Some(usual_ms)) = (self.request.expires_at, self.request.extends_by()) else { return };
        let length_ms = if length_ms > 0 { length_ms } else { usual_ms };
        let until = from.saturating_add(length_ms);
        self.request.extensions.push(Extension { length_ms, from, at: self.moment.now });
        self.request.expires_at = Some(until);
        self.request.warned_at = None;
        let taken: Vec<usize> = (0..self.request.steps.len()).filter(|index| self.is_taken(*index)).collect();
        for index in taken {
            self.hold(index, until.saturating_add(GRACE_MS));
            self.settle(index, self.moment.now);
        }
        self.later(until, Effect::Wake { wake: Wake::Expire });
        self.later(until.saturating_sub(warning_ms(length_ms)), Effect::Wake { wake: Wake::Warn });
        self.tell_requester(Notice::Extended);
        self.tell(Recipient::Thread, Notice::Extended);
        self.show();
    }

    fn is_taken(&self, index: usize) -> bool {
        self.request.steps.get(index).is_some_and(crate::request::Step::is_taken)
    }
}
