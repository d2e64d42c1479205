//! What of the types that are stored stands in a refusal.

use nightlatch::kernel::Refusal;

use crate::seen::Seen;
use crate::variants;

impl Seen {
    pub fn refusal(&mut self, why: &Refusal) {
        match why {
            Refusal::MayNotAsk { ask: whos }
            | Refusal::NotAnApprover { by: whos }
            | Refusal::StageIsOver { by: whos }
            | Refusal::StageComesLater { by: whos }
            | Refusal::MayNotAskFor { ask_for: whos }
            | Refusal::NotForThem { slack_id: _, ask: whos }
            | Refusal::NotNeeded { by: whos }
            | Refusal::MayNotBreakGlass { who: whos }
            | Refusal::CannotTakeOver { slack_id: _, by: whos }
            | Refusal::NotAReviewer { by: whos } => {
                whos.iter().for_each(|who| self.note("Who", variants::who(who)));
            }
            Refusal::TooLate { state, outcome, by: _ } => {
                self.note("State", variants::state(state));
                self.outcome(outcome.as_ref());
            }
            Refusal::TooEarly { state } => self.note("State", variants::state(state)),
            Refusal::Standing { standing } => self.note("Standing", variants::standing(standing)),
            Refusal::OwnRequest
            | Refusal::GlassForAnother
            | Refusal::OwnDenial
            | Refusal::ConfirmOwnRequest { .. }
            | Refusal::LongerThanAsked { .. }
            | Refusal::ExtensionAsAsked
            | Refusal::PassedToThemselves
            | Refusal::PassedToRequester { .. }
            | Refusal::TheyDecided { .. }
            | Refusal::DecidedBefore
            | Refusal::NotYours
            | Refusal::Altered
            | Refusal::HoldTooLong { max_ms: _ }
            | Refusal::TooManyPending { most: _ }
            | Refusal::HadAlready { id: _ }
            | Refusal::Forbidden { rule: _, is_broken: _ }
            | Refusal::NoReason
            | Refusal::OwnReview
            | Refusal::NoOpenReview { by: _ }
            | Refusal::NotExtended
            | Refusal::ExtendedEnough { times: _ }
            | Refusal::ExtendedAlready { until: _ }
            | Refusal::BeingExtended { until: _ }
            | Refusal::ExtensionDecided { until: _ }
            | Refusal::NoWord
            | Refusal::NoDrift
            | Refusal::Unusable { missing: _ } => {}
        }
    }
}
