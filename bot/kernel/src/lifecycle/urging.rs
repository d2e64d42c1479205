//! While nobody answers: those who were asked are reminded, and after a while others are asked too. Nothing of it happens once a stage is
//! decided.

use super::Change;
use crate::effect::{Effect, Notice, Recipient, Wake};
use crate::event::Failure;
use crate::request::{Asked, Request};
use crate::workflow::Tier;

/// Later reminders than this many come no more often than the last.
const DOUBLED_MAX: u32 = 10;

impl Request {
    /// Those who are asked in the stage that waits.
    fn asked_open(&self) -> Option<&Asked> {
        let open = self.approval().open().map(|open| open.index)?;
        self.asked_of(open)
    }

    /// When those who are asked are reminded the next time; nothing if they are not, or it has lapsed by then.
    pub(super) fn reminds_at(&self) -> Option<i64> {
        let asked = self.asked_open()?;
        let remind_ms = self.stages().get(asked.stage)?.remind_ms?;
        let after_ms = remind_ms.saturating_mul(1_i64 << asked.reminded.min(DOUBLED_MAX));
        Some(asked.at.saturating_add(after_ms)).filter(|at| *at < self.decided_by_at_last())
    }

    /// The tier that is asked next.
    fn next_tier(&self) -> Option<(&Asked, &Tier)> {
        let asked = self.asked_open()?;
        Some((asked, self.stages().get(asked.stage)?.escalate.get(asked.tiers)?))
    }

    /// When others are asked too; nothing if nobody is, or it has lapsed by then.
    pub(super) fn escalates_at(&self) -> Option<i64> {
        let (asked, tier) = self.next_tier()?;
        Some(asked.at.saturating_add(tier.after_ms)).filter(|at| *at < self.decided_by_at_last())
    }

    /// Those of the stage that waits who have not decided, by Slack id.
    pub fn still_asked(&self) -> Vec<String> {
        let people = self.asked_open().map(|asked| asked.people.as_slice()).unwrap_or_default();
        people.iter().filter(|id| !self.has_decided(id)).cloned().collect()
    }
}

impl Change {
    /// A stage has opened, and its people were asked.
    pub(super) fn wait_for_answers(&mut self) {
        if let Some(at) = self.request.reminds_at() {
            self.later(at, Effect::Wake { wake: Wake::Remind });
        }
        if let Some(at) = self.request.escalates_at() {
            self.later(at, Effect::Wake { wake: Wake::Escalate });
        }
    }

    fn asked_open(&mut self) -> Option<&mut Asked> {
        let (open, round) = (self.request.approval().open().map(|open| open.index)?, self.request.round());
        self.request.asked.iter_mut().find(|asked| asked.stage == open && asked.round == round)
    }

    /// Nobody decided so far: those who were asked hear of it again, and after twice the time once more. What was due while nothing ran is
    /// said once.
    pub(super) fn remind(&mut self) {
        let Some(asked) = self.asked_open() else { return };
        asked.reminded = asked.reminded.saturating_add(1);
        while self.request.reminds_at().is_some_and(|at| at <= self.moment.now) {
            let Some(asked) = self.asked_open().filter(|asked| asked.reminded < DOUBLED_MAX) else { break };
            asked.reminded = asked.reminded.saturating_add(1);
        }
        if self.request.is_shown_directly() {
            let still: Vec<Recipient> =
                self.request.still_asked().into_iter().map(|slack_id| Recipient::Person { slack_id }).collect();
            self.tell_each(still, &Notice::Reminded);
        } else {
            self.tell(Recipient::Thread, Notice::Reminded);
        }
        if let Some(at) = self.request.reminds_at().filter(|at| *at > self.moment.now) {
            self.later(at, Effect::Wake { wake: Wake::Remind });
        }
    }

    /// It takes too long: the next ones may decide from now on, and are looked for.
    pub(super) fn escalate(&mut self) {
        let Some((asked, _)) = self.request.next_tier() else { return };
        let (stage, tier) = (asked.stage, asked.tiers);
        if let Some(asked) = self.asked_open() {
            asked.tiers = tier.saturating_add(1);
        }
        self.now(Effect::FindTier { stage, tier });
        if let Some(at) = self.request.escalates_at() {
            self.later(at, Effect::Wake { wake: Wake::Escalate });
        }
        self.show();
    }

    /// They are known, and asked.
    pub(super) fn tier_found(&mut self, stage: usize, tier: usize, people: Vec<String>) {
        let is_open = self.request.approval().open().is_some_and(|open| open.index == stage);
        let round = self.request.round();
        let here = |asked: &&mut Asked| asked.stage == stage && asked.round == round;
        let Some(asked) = self.request.asked.iter_mut().find(here) else { return };
        if !is_open || asked.tiers <= tier {
            return;
        }
        let new: Vec<String> = people.into_iter().filter(|id| !asked.people.contains(id)).collect();
        asked.people.extend(new.iter().cloned());
        if self.request.is_shown_directly() {
            self.ask_directly(&new);
        } else {
            self.tell(Recipient::Thread, Notice::Escalated);
        }
        self.tell_requester(Notice::Escalated);
        self.show();
    }
}

/// Whoever asked is told, and who could change it.
pub(super) fn nobody_to_ask() -> Failure {
    Failure {
        what: "none of the approvers could be found in Slack".to_owned(),
        advice: "ask whoever looks after this workflow to check its `approve` list".to_owned(),
        retryable: false,
        retry_after_ms: None,
    }
}
