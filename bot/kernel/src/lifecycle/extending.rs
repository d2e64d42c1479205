//! Holding it for longer: the far side is told the later end, and only when everything was read back with it the end is that one.

use super::granting::warning_ms;
use super::{Change, GRACE_MS};
use crate::effect::{Effect, Notice, Recipient, Wake};
use crate::event::{Button, Failure, Purpose};
use crate::guardrail::Judgement;
use crate::person::Person;
use crate::policy;
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
        let extend = self.workflow.extend.as_ref().filter(|extend| extend.approve != ExtendApproval::Unknown)?;
        let is_left = self.extensions.len() < usize::try_from(extend.times).unwrap_or(usize::MAX);
        let is_left = is_left || is_planted(Fault::ExtendsMore);
        (is_left && !self.broke_glass()).then_some(extend.max_ms)
    }

    /// By how much the button extends it, where nobody says more: as long as it is lent for, if that may be.
    pub fn extends_by(&self) -> Option<i64> {
        self.can_extend().map(|max_ms| self.lent_ms().min(max_ms))
    }

    /// For how long it would be held in all if this button counted now.
    pub fn hold_with(&self, button: &Button) -> i64 {
        let (Some(from), Some(since)) = (self.expires_at, self.active_at) else {
            return match button {
                Button::Approve { hold_ms: Some(hold_ms), .. } => self.lent_ms().min(*hold_ms),
                _ => self.lent_ms(),
            };
        };
        let until = match (button, &self.extending) {
            (Button::Extend { length_ms }, _) => {
                let usual_ms = || self.may_ever_extend().map_or(0, |max_ms| self.lent_ms().min(max_ms));
                from.saturating_add(if *length_ms > 0 { *length_ms } else { usual_ms() })
            }
            (Button::Approve { .. }, Some(extending)) => extending.until,
            _ => return self.lent_ms(),
        };
        until.saturating_sub(since)
    }

    /// What a press of this button has to carry, so that it counts only for what was shown with it: the seal of the request, for
    /// an extension the end that it puts off, and for a decision on one the end it would have.
    pub fn seal_for(&self, button: &Button) -> String {
        match self.end_shown_with(button) {
            Some(until) => format!("{}{SHOWN_UNTIL}{until}", self.seal),
            None => self.seal.clone(),
        }
    }

    fn end_shown_with(&self, button: &Button) -> Option<i64> {
        match button {
            Button::Extend { .. } => self.expires_at,
            Button::PutBack | Button::Adopt => self.drifted_at(),
            Button::Approve { .. } | Button::Deny { .. } | Button::Pass { .. } if self.is_extension_asked() => {
                self.extending.as_ref().map(|extending| extending.until)
            }
            _ => None,
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
        let shown = seal.split_once(SHOWN_UNTIL).map(|(_, shown)| shown.parse().unwrap_or(i64::MIN));
        let is = self.end_shown_with(button);
        match (button, shown, is) {
            (Button::Extend { .. }, shown, Some(until)) => {
                // A message of an older version named no end: it showed the first one.
                let first = || self.extensions.first().map_or(until, |first| first.from);
                let is_same = shown.unwrap_or_else(first) == until || is_planted(Fault::ExtendsAgain);
                if is_same { Ok(()) } else { Err(Refusal::ExtendedAlready { until }) }
            }
            _ if shown == is => Ok(()),
            _ => Err(Refusal::Altered),
        }
    }

    /// A decision on an extension that waits no longer says nothing to the request itself.
    pub(super) fn is_extension_open(&self, button: &Button, seal: &str) -> Result<(), Refusal> {
        let decides = matches!(button, Button::Approve { .. } | Button::Deny { .. } | Button::Pass { .. })
            && seal.contains(SHOWN_UNTIL);
        match (self.state, self.expires_at) {
            (State::Active, Some(until)) if decides && !self.is_extension_asked() => {
                Err(Refusal::ExtensionDecided { until })
            }
            _ => Ok(()),
        }
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
        let approve = self.request.workflow.extend.as_ref().map(|extend| extend.approve);
        let waits_in = (approve != Some(ExtendApproval::Automatic)).then(|| self.request.rounds.saturating_add(1));
        self.request.rounds = waits_in.unwrap_or(self.request.rounds);
        self.request.extending = Some(Extending {
            length_ms,
            until,
            at: waits_in.is_none().then_some(self.moment.now),
            is_told: false,
            waits_in,
        });
        match waits_in {
            Some(_) => self.now(Effect::FindApprovers { stage: 0 }),
            None => self.tell_far_side(until),
        }
        self.show();
    }

    /// Everybody whom it takes said yes to it. The holder is looked at once more before anything is told.
    pub(super) fn extension_approved(&mut self) {
        if let Some(extending) = &mut self.request.extending {
            extending.waits_in = None;
        }
        let slack_id = self.request.requester.slack_id.clone();
        self.now(Effect::Identify { slack_id, purpose: Purpose::Extending });
        self.show();
    }

    /// It is known who the holder is now.
    pub(super) fn extension_begins(&mut self, person: &Person, judged: Option<&Judgement>) {
        let changed = !self.request.is_requester(person) || person.login != self.request.requester.login;
        if changed || policy::may_ask(&self.request.workflow, person).is_err() {
            return self.extension_ends(lasting("its holder may no longer ask for this".to_owned()));
        }
        if let Err(Refusal::Forbidden { rule, .. }) = Judgement::let_through(judged) {
            return self.extension_ends(lasting(format!("a guardrail forbids it now, {}", rule.in_words())));
        }
        let now = self.moment.now;
        let Some(extending) = self.request.extending.as_mut().filter(|one| one.waits_in.is_none()) else { return };
        extending.at = Some(now);
        let until = extending.until;
        self.tell_far_side(until);
        self.show();
    }

    /// Nothing becomes of it, and nothing was told to the far side.
    pub(super) fn extension_ends(&mut self, why: Failure) {
        if self.request.state == State::Active && self.request.extending.take().is_some() {
            self.tell_requester(Notice::NotExtended { why, again: false });
            self.show();
        }
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
        let (Some(from), Some(Extending { length_ms, until, at: Some(at), .. })) =
            (self.request.expires_at, self.request.extending.clone())
        else {
            return;
        };
        let is_lasting = is_planted(Fault::ExtendsUnread)
            || self.request.steps.iter().filter(|step| step.is_taken()).all(|step| step.lasts(at, until));
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
        // While people decide, or the holder is looked at, nothing was told that could fail.
        let is_on_its_way = |one: &&mut Extending| one.at.is_some();
        let Some(extending) = self.request.extending.as_mut().filter(is_on_its_way) else { return };
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

fn lasting(what: String) -> Failure {
    Failure { what, advice: String::new(), retryable: false, retry_after_ms: None }
}
