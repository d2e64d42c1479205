//! Walks through stored values and notes which variants of which types stand in them. Every struct is taken apart by all of its
//! fields: a new field does not compile before somebody decided whether it holds something that must have examples.

use std::collections::BTreeSet;

use nightlatch::kernel::automatic::{Automatic, DeviceFacts, Facts};
use nightlatch::kernel::effect::Effect;
use nightlatch::kernel::glass::{BreakGlass, Review, Reviewed};
use nightlatch::kernel::guardrail::{Judgement, Verdict};
use nightlatch::kernel::request::{Asked, Card, Decider, Decision, Notification, Passed, Step};
use nightlatch::kernel::window::Window;
use nightlatch::kernel::workflow::{Clause, Input, Stage};
use nightlatch::kernel::{
    Ask, Event, NotAsked, Notice, Outcome, Person, Place, Press, PressedOn, Proof, Recipient, Request, Typed, Workflow,
};

use crate::variants;

/// What was seen: `(type, variant)`.
#[derive(Default)]
pub struct Seen(BTreeSet<(&'static str, &'static str)>);

impl Seen {
    /// Every variant that has no example, as `Type::Variant`.
    pub fn missing(&self) -> Vec<String> {
        let all = variants::ALL.iter().flat_map(|(name, list)| list.iter().map(|variant| (*name, *variant)));
        let missing = all.filter(|one| !self.0.contains(one) && !variants::NEVER_WRITTEN.contains(one));
        missing.map(|(name, variant)| format!("{name}::{variant}")).collect()
    }

    pub fn note(&mut self, name: &'static str, variant: &'static str) {
        self.0.insert((name, variant));
    }

    pub fn request(&mut self, request: &Request) {
        let Request {
            ask,
            asked_at: _,
            state,
            outcome,
            stuck: _,
            steps,
            decisions,
            presses,
            presses_count: _,
            asked,
            judging: _,
            not_by_itself: _,
            review,
            approved_at: _,
            active_at: _,
            expires_at: _,
            ending_at: _,
            ended_by,
            ended_reason: _,
            ended_at: _,
            trouble: _,
            warned_at: _,
            alarm_at: _,
            alarms_count: _,
            notifications,
            pushed_by: _,
            cards,
            extensions: _,
            ends_by: _,
            extending: _,
            rounds: _,
            not_announced: _,
        } = request;
        self.ask(ask);
        self.note("State", variants::state(state));
        self.outcome(outcome.as_ref());
        ended_by.iter().for_each(|by| self.note("By", variants::by(by)));
        for Step { key: _, phase, failures: _, proof, until: _, results: _, drift: _ } in steps {
            self.note("Phase", variants::phase(phase));
            proof.iter().for_each(|proof| self.proof(proof));
        }
        for Asked { stage: _, round: _, people: _, at: _, reminded: _, tiers: _, passed } in asked {
            for Passed { from: _, to: _, rule, at: _ } in passed {
                self.note("Who", variants::who(rule));
            }
        }
        decisions.iter().for_each(|decision| self.decision(decision));
        review.iter().for_each(|review| self.review(review));
        for Press { number: _, by: _, button, channel: _, seal: _ } in presses {
            self.note("Button", variants::button(button));
        }
        for Notification { shows, to, message: _ } in notifications {
            self.note("Shows", variants::shows(shows));
            self.recipient(to);
        }
        for Card { place, message: _ } in cards {
            self.place(place);
        }
    }

    fn decision(&mut self, decision: &Decision) {
        let Decision { by, approved: _, stage: _, round: _, reason: _, hold_ms: _, at: _ } = decision;
        self.note("Decider", variants::decider(by));
        match by {
            Decider::Person { person, rule } => {
                self.person(person);
                rule.iter().for_each(|rule| self.note("Who", variants::who(rule)));
            }
            Decider::Glass { person, rule } => {
                self.person(person);
                self.note("Who", variants::who(rule));
            }
            Decider::Itself { by, words: _, facts } => {
                self.note("Passing", variants::passing(by));
                self.facts(facts);
            }
        }
    }

    fn review(&mut self, review: &Review) {
        let Review { due_at: _, remind_at: _, told_late: _, asked: _, closed } = review;
        if let Some(Reviewed { person, rule, is_fine: _, word: _, at: _ }) = closed {
            self.person(person);
            self.note("Who", variants::who(rule));
        }
    }

    pub fn ask(&mut self, ask: &Ask) {
        let Ask {
            id: _,
            workflow,
            requester,
            inputs: filled,
            hold_ms: _,
            reason: _,
            device: _,
            seal: _,
            channel: _,
            breaks_glass: _,
            active: _,
            asker,
            judged_asker,
            origin,
            may_be_permitted: _,
            judged,
        } = ask;
        self.note("Origin", variants::origin(origin));
        judged.iter().chain(judged_asker).for_each(|judged| self.judgement(judged));
        filled.values().for_each(|value| self.note("InputValue", variants::input_value(value)));
        [requester].into_iter().chain(asker.as_deref()).for_each(|person| self.person(person));
        let Workflow {
            name: _,
            title: _,
            description: _,
            command: _,
            inputs,
            ask,
            ask_for,
            approve,
            approve_automatically,
            break_glass,
            lapse_after_ms: _,
            steps: _,
            announce: _,
            tell,
            triggers,
            labels: _,
            extend,
            digest: _,
        } = &**workflow;
        triggers.iter().for_each(|trigger| self.note("Trigger", variants::trigger(trigger)));
        for Input { name: _, label: _, kind, help: _, when: _ } in inputs {
            self.note("InputKind", variants::input_kind(kind));
        }
        ask.iter().chain(ask_for).for_each(|who| self.note("Who", variants::who(who)));
        self.note("Tell", variants::tell(tell));
        extend.iter().for_each(|extend| self.note("ExtendApproval", variants::extend_approval(&extend.approve)));
        for Stage { name: _, clauses, own_request, denials: _, remind_ms: _, escalate: _ } in approve {
            for Clause { quorum: _, by } in clauses {
                by.iter().for_each(|who| self.note("Who", variants::who(who)));
            }
            self.note("OwnRequest", variants::own_request(own_request));
        }
        if let Some(BreakGlass { who, max_hold_ms: _, review_by, review_within_ms: _ }) = break_glass {
            who.iter().chain(review_by).for_each(|who| self.note("Who", variants::who(who)));
        }
        for Automatic { who, during, device: _, max_hold_ms: _, at_most: _ } in approve_automatically {
            who.iter().for_each(|who| self.note("Who", variants::who(who)));
            for Window { days, from: _, to: _, zone: _ } in during {
                days.iter().for_each(|day| self.note("Day", variants::day(day)));
            }
        }
    }

    pub fn facts(&mut self, facts: &Facts) {
        let Facts { person, unread, device, passed_today: _, judged, asker } = facts;
        asker.iter().for_each(|asker| self.person(asker));
        judged.iter().for_each(|judged| self.judgement(judged));
        self.person(person);
        unread.iter().for_each(|who| self.note("Who", variants::who(who)));
        if let Some(DeviceFacts { node_id: _, attributes: _, postures: _, unread: _ }) = device {}
    }

    fn judgement(&mut self, judged: &Judgement) {
        let Judgement { rules: _, facts, verdict: Verdict { ruling, by: _ } } = judged;
        self.note("Ruling", variants::ruling(ruling));
        self.note("Action", variants::action(&facts.action));
        self.person(&facts.who);
        facts.requester.iter().for_each(|requester| self.person(requester));
    }

    fn person(&mut self, person: &Person) {
        let Person { slack_id: _, name: _, email: _, login: _, standing, belongs } = person;
        self.note("Standing", variants::standing(standing));
        belongs.iter().for_each(|who| self.note("Who", variants::who(who)));
    }

    pub fn outcome(&mut self, outcome: Option<&Outcome>) {
        outcome.iter().for_each(|outcome| self.note("Outcome", variants::outcome(outcome)));
    }

    fn proof(&mut self, proof: &Proof) {
        let Proof { at: _, found } = proof;
        self.note("Found", variants::found(found));
    }

    fn recipient(&mut self, to: &Recipient) {
        self.note("Recipient", variants::recipient(to));
    }

    fn place(&mut self, place: &Place) {
        self.note("Place", variants::place(place));
    }

    pub fn effect(&mut self, effect: &Effect) {
        self.note("Effect", variants::effect(effect));
        match effect {
            Effect::FindApprovers { stage: _ }
            | Effect::FindTier { stage: _, tier: _ }
            | Effect::FindReviewers
            | Effect::Settle { .. }
            | Effect::Look { .. }
            | Effect::ExpirePaste { .. } => {}
            Effect::SaveLink { change: _, by: _ }
            | Effect::PostPaste { posting: _ }
            | Effect::DeletePaste { deletion: _ } => {}
            Effect::Say { channel: _, thread: _, by: _, text: _, blocks: _ } => {}
            Effect::Identify { slack_id: _, purpose } => self.note("Purpose", variants::purpose(purpose)),
            Effect::Show { place } => self.place(place),
            Effect::Tell { to, notice } => self.notice(to, notice),
            Effect::Rewrite { message: _, to, notice } => self.notice(to, notice),
            Effect::StartWorkflow { start: _ } => {}
            Effect::Wake { wake } => self.note("Wake", variants::wake(wake)),
            Effect::Complete { typed } => Self::typed(typed),
            Effect::Answer { typed, not_asked } => {
                Self::typed(typed);
                not_asked.iter().for_each(|why| self.not_asked(why));
            }
        }
    }

    fn typed(typed: &Typed) {
        let Typed {
            by: _,
            workflow: _,
            values: _,
            channel: _,
            view: _,
            at: _,
            origin: _,
            breaks_glass: _,
            for_whom: _,
        } = typed;
    }

    fn not_asked(&mut self, why: &NotAsked) {
        self.note("NotAsked", variants::not_asked(why));
        match why {
            NotAsked::Refused { why } => self.note("Refusal", variants::refusal(why)),
            NotAsked::Wrong { inputs: _ }
            | NotAsked::Missing { inputs: _, devices: _ }
            | NotAsked::NobodyCanApprove
            | NotAsked::NoManager { .. }
            | NotAsked::NoTailnetUser { email: _ }
            | NotAsked::NoDevice
            | NotAsked::NotLent
            | NotAsked::Failed { failure: _ } => {}
        }
    }

    fn notice(&mut self, to: &Recipient, notice: &Notice) {
        self.recipient(to);
        self.note("Notice", variants::notice(notice));
        match notice {
            Notice::Refused { why } => {
                self.note("Refusal", variants::refusal(why));
                self.refusal(why);
            }
            Notice::PutBack { by } | Notice::Decided { by, approved: _, reason: _, extends: _ } => {
                self.note("By", variants::by(by))
            }
            Notice::StageOpened
            | Notice::AskedFor
            | Notice::Reminded
            | Notice::Extended
            | Notice::ExtensionAsked
            | Notice::NotExtended { why: _, again: _ }
            | Notice::Escalated
            | Notice::PassedOn { .. }
            | Notice::PassedByItself
            | Notice::GlassBroken
            | Notice::ReviewOpened
            | Notice::ReviewLate
            | Notice::Reviewed
            | Notice::Active
            | Notice::Drifted
            | Notice::EndsSoon
            | Notice::Ended
            | Notice::Lapsed
            | Notice::Failed
            | Notice::Stuck
            | Notice::LeftOn
            | Notice::Unstuck
            | Notice::Moved
            | Notice::NotIdentified { why: _ } => {}
        }
    }

    pub fn event(&mut self, event: &Event) {
        self.note("Event", variants::event(event));
        match event {
            Event::Asked | Event::ApproversFound { .. } | Event::Denied { .. } | Event::Revoked { .. } => {}
            Event::Pressed { by: _, button, channel: _, seal: _, on } => {
                self.note("Button", variants::button(button));
                if let Some(PressedOn { shows, message: _ }) = on {
                    self.note("Shows", variants::shows(shows));
                }
            }
            Event::Identified { purpose, person, judged } => {
                judged.iter().for_each(|judged| self.judgement(judged));
                self.note("Purpose", variants::purpose(purpose));
                self.person(person);
            }
            Event::ReviewersFound { people: _ } | Event::TierFound { stage: _, tier: _, people: _ } => {}
            Event::Looked { facts } => self.facts(facts),
            Event::NotIdentified { purpose, failure: _ } => self.note("Purpose", variants::purpose(purpose)),
            Event::Settled { step: _, proof, results: _ } => self.proof(proof),
            Event::SettleFailed { .. } | Event::Observed { .. } | Event::Drifted { .. } => {}
            Event::Shown { place, channel: _, ts: _ } | Event::NotShown { place, failure: _ } => self.place(place),
            Event::Notified { shows, to, channel: _, ts: _ } => {
                self.note("Shows", variants::shows(shows));
                self.recipient(to);
            }
            Event::Woke { wake } => self.note("Wake", variants::wake(wake)),
        }
    }
}
