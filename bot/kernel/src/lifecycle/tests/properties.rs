//! Any events in any order, fitting or not: what must hold after each of them.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::people::{HOLD_MS, alice, ask, bob, bobs_other_account, carol, dave, guest, workflow_with};
use super::story::{START, Story, failure, moment};
use crate::request::Phase;
use crate::workflow::OwnRequest;
use crate::{
    Applied, Button, Effect, Event, Found, Ledger, Notice, Person, Place, Proof, Purpose, Request, Standing, State,
    Wake,
};

fn someone() -> impl Strategy<Value = Person> {
    let other_alice = Person { slack_id: "UALICE2".to_owned(), login: None, ..alice() };
    let all = vec![alice(), other_alice, bob(), bob(), bobs_other_account(), carol(), carol(), dave(), guest(bob())];
    prop::sample::select(all)
}

fn button() -> impl Strategy<Value = Button> {
    let deny = Button::Deny { reason: "no".to_owned() };
    let revoke = Button::Revoke { reason: String::new() };
    let confirmed = Button::Approve { confirmed: true, hold_ms: None };
    let approve = Button::Approve { confirmed: false, hold_ms: None };
    let all = vec![
        approve.clone(),
        approve.clone(),
        approve,
        confirmed,
        deny,
        Button::Withdraw,
        Button::Return,
        revoke,
        Button::Retry,
    ];
    prop::sample::select(all)
}

fn purpose() -> impl Strategy<Value = Purpose> {
    prop_oneof![2 => (0..8_u32).prop_map(|number| Purpose::Press { number }), 1 => Just(Purpose::Start)]
}

fn found() -> impl Strategy<Value = Found> {
    let what = || String::from("x");
    let until = START + HOLD_MS;
    prop::sample::select(vec![
        Found::On { until: None },
        Found::On { until: Some(until) },
        Found::OnBefore,
        Found::Gone,
        Found::Gone,
        Found::GoneBut { what: what() },
        Found::PutBack { what: what(), is_on: true },
        Found::LeftAlone { what: what(), is_on: true },
        Found::TakenAway,
        Found::HeldByOthers { until },
    ])
}

fn place() -> impl Strategy<Value = Place> {
    prop::sample::select(vec![
        Place::Channel("#access".to_owned()),
        Place::Approver(bob().slack_id),
        Place::Approver(carol().slack_id),
    ])
}

fn reasons() -> impl Strategy<Value = crate::Failure> {
    (any::<bool>(), prop::option::of(any::<i64>()))
        .prop_map(|(retryable, retry_after_ms)| crate::Failure { retry_after_ms, ..failure(retryable) })
}

fn event() -> impl Strategy<Value = Event> {
    let ids = prop::sample::subsequence(vec![bob().slack_id, carol().slack_id], 0..3);
    let text = || "t".to_owned();
    prop_oneof![
        1 => Just(Event::Asked),
        2 => ids.prop_map(|people| Event::ApproversFound { stage: 0, people }),
        6 => (someone(), button(), prop::bool::weighted(0.95)).prop_map(|(by, button, sealed)| Event::Pressed {
            by: by.slack_id, button, channel: None, seal: if sealed { "seal" } else { "other" }.to_owned(), on: None,
        }),
        8 => (purpose(), someone()).prop_map(|(purpose, person)| Event::identified(purpose, person)),
        4 => Just(Event::identified(Purpose::Start, alice())),
        1 => (purpose(), reasons()).prop_map(|(purpose, failure)| Event::NotIdentified { purpose, failure }),
        8 => (0..3_usize, found(), any::<bool>()).prop_map(|(step, found, early)| {
            Event::settled(step, Proof { at: if early { 0 } else { i64::MAX }, found })
        }),
        3 => (0..3_usize, reasons()).prop_map(|(step, failure)| Event::SettleFailed { step, failure }),
        1 => (0..3_usize).prop_map(|step| Event::Observed { step, before: serde_json::Value::Null, again: false }),
        1 => place().prop_map(move |place| Event::Shown { place, channel: text(), ts: text() }),
        1 => (place(), reasons()).prop_map(|(place, failure)| Event::NotShown { place, failure }),
        1 => proptest::sample::select(crate::Shows::ALL.to_vec())
            .prop_map(move |shows| Event::Notified { shows, to: crate::Recipient::Channel, channel: text(), ts: text() }),
        2 => prop::sample::select(vec![Wake::Lapse, Wake::Warn, Wake::Expire, Wake::Alarm])
            .prop_map(|wake| Event::Woke { wake }),
    ]
}

/// Whoever a waiting press is waiting for mostly comes: random people alone would hardly ever be the right ones.
fn fitting(request: &Request, event: Event) -> Event {
    match event {
        Event::Identified { purpose: Purpose::Press { number }, person, .. } if number % 4 != 0 => {
            let Some(press) = request.presses.first() else {
                return Event::identified(Purpose::Press { number }, person);
            };
            let all = [alice(), bob(), bobs_other_account(), carol(), dave()];
            let person = all.into_iter().find(|one| one.slack_id == press.by).unwrap_or(person);
            Event::identified(Purpose::Press { number: press.number }, person)
        }
        event => event,
    }
}

struct Step<'a> {
    before: &'a Request,
    event: &'a Event,
    applied: &'a Applied,
    now: i64,
}

impl Step<'_> {
    fn check(&self, live: &mut BTreeSet<usize>) {
        self.nothing_begins_without_the_quorum();
        self.one_human_decides_once();
        self.own_requests_are_decided_as_the_workflow_says();
        self.the_end_is_computed_once();
        self.the_ledger_comes_first(live);
        self.leaving_needs_proof();
        self.what_is_over_stays_over();
        assert_eq!(self.applied.request.ask, self.before.ask, "what was asked never changes");
        assert!(self.applied.effects.iter().all(|due| due.at >= self.now), "nothing is due in the past");
    }

    fn nothing_begins_without_the_quorum(&self) {
        let request = &self.applied.request;
        let begun = request.steps.iter().any(|step| step.phase != Phase::Waiting);
        if begun || matches!(request.state, State::Approved | State::Activating | State::Active) {
            let approvals: Vec<&Person> =
                request.decisions.iter().filter(|one| one.approved).filter_map(|one| one.person()).collect();
            let clause = &request.workflow.approve[0].clauses[0];
            assert!(approvals.len() >= clause.quorum as usize, "the quorum");
            for person in approvals {
                assert_eq!(person.standing, Standing::Member);
                assert!(person.belongs.iter().any(|who| clause.by.contains(who)), "{} is eligible", person.name);
            }
            assert!(request.decisions.iter().all(|one| one.approved), "nobody said no");
        }
    }

    fn one_human_decides_once(&self) {
        let decisions = &self.applied.request.decisions;
        assert!(decisions.starts_with(&self.before.decisions), "decisions are never rewritten");
        for (index, one) in decisions.iter().enumerate() {
            let person = one.person().unwrap();
            let again = decisions[..index].iter().find(|other| other.is_by(person));
            assert!(again.is_none(), "{} decided twice", person.name);
        }
    }

    fn own_requests_are_decided_as_the_workflow_says(&self) {
        let (before, after) = (self.before, &self.applied.request);
        let Some(new) = after.decisions.get(before.decisions.len()) else { return };
        if !new.approved || !after.is_requester(new.person().unwrap()) {
            return;
        }
        let Event::Identified { purpose: Purpose::Press { number }, .. } = self.event else {
            panic!("a decision comes from a press")
        };
        let press = before.presses.iter().find(|press| press.number == *number).unwrap();
        let confirmed = press.button == Button::Approve { confirmed: true, hold_ms: None };
        match after.workflow.approve[0].own_request {
            OwnRequest::Never => panic!("four eyes"),
            OwnRequest::Confirm => assert!(confirmed, "not without a second press"),
            OwnRequest::Allow => {}
        }
    }

    fn the_end_is_computed_once(&self) {
        let (before, after) = (self.before, &self.applied.request);
        if before.expires_at.is_some() {
            assert_eq!(before.expires_at, after.expires_at);
        }
        assert_eq!(after.expires_at, after.active_at.map(|at| at + after.hold_ms));
        assert_eq!(after.state == State::Active, after.expires_at.is_some() && after.outcome.is_none());
    }

    /// Saved with the state, and so before anything is sent: who holds what while a step may be switched on.
    fn the_ledger_comes_first(&self, live: &mut BTreeSet<usize>) {
        let request = &self.applied.request;
        let step_of = |key: &crate::Key| request.step_of(key).unwrap();
        for entry in &self.applied.ledger {
            match entry {
                Ledger::Hold { key, holding } => {
                    live.insert(step_of(key));
                    assert!(holding.until >= self.now + request.hold_ms || request.expires_at == Some(holding.until));
                }
                Ledger::Release { key } => assert!(live.remove(&step_of(key)), "only what was held is released"),
                Ledger::Confirm { key, .. } => assert!(live.contains(&step_of(key)), "only what is held is confirmed"),
                Ledger::Remember { .. } | Ledger::Leave { .. } => {}
            }
        }
        for (index, step) in request.steps.iter().enumerate() {
            let holds = matches!(step.phase, Phase::Begun | Phase::Held);
            assert_eq!(holds, live.contains(&index), "step {index} is {:?}", step.phase);
        }
        for due in &self.applied.effects {
            if let Effect::Settle { key } = &due.effect {
                assert!(request.steps[step_of(key)].may_be_on(), "only what was begun is settled");
            }
        }
        if matches!(request.state, State::Ending | State::Ended) {
            assert!(live.is_empty(), "from the moment the end begins nothing is held");
        }
    }

    fn leaving_needs_proof(&self) {
        for entry in &self.applied.ledger {
            let Ledger::Leave { key } = entry else { continue };
            let Event::Settled { step, proof, .. } = self.event else { panic!("left without proof") };
            assert!(self.before.steps[*step].touches(key));
            assert!(!proof.found.is_on(), "left while on");
            let was_on = self.before.steps[*step].proof.as_ref().is_some_and(|proof| proof.found.is_on());
            assert!(!was_on || proof.found != Found::Untouched, "what was on is over only when it was read again");
        }
        for (before, after) in self.before.steps.iter().zip(&self.applied.request.steps) {
            if after.phase == Phase::Gone && before.phase != Phase::Gone {
                assert_eq!(before.phase, Phase::Releasing);
                assert!(after.proof.as_ref().is_some_and(|proof| !proof.found.is_on()), "gone is read, not hoped");
            }
        }
    }

    fn what_is_over_stays_over(&self) {
        let (before, after) = (self.before, &self.applied.request);
        if before.state == State::Ended && after.state != State::Ended {
            assert_eq!(after.state, State::Approved);
            assert!(before.can_restart(self.now), "only a failed grant starts again");
        }
        if before.state == State::Ending {
            assert!(matches!(after.state, State::Ending | State::Ended));
            assert_eq!(before.outcome, after.outcome);
        }
    }

    /// The same event once more, right after: the request is as it was, nobody is told again, nothing is looked up,
    /// held or released again. Showing a card, rewriting a message and setting a clock once more are harmless: they replace what waits.
    fn told_twice(&self) {
        let after = &self.applied.request;
        let again = after.apply(self.event.clone(), moment(self.now));
        if matches!(self.event, Event::SettleFailed { .. }) || self.reads_back_wrong(self.before) {
            // Each report of a failure is one more failure: that is how attempts are counted.
            return;
        }
        assert_eq!(again.request, *after);
        let harmless = |effect: &Effect| match effect {
            Effect::Show { .. } | Effect::Wake { .. } | Effect::Rewrite { .. } => true,
            Effect::Tell { notice, .. } => {
                matches!(self.event, Event::Pressed { .. }) && matches!(notice, Notice::Refused { .. })
            }
            _ => false,
        };
        assert!(again.effects.iter().all(|due| harmless(&due.effect)), "{:?}", again.effects);
        assert!(
            again.ledger.iter().all(|entry| matches!(entry, Ledger::Remember { .. } | Ledger::Confirm { .. })),
            "{:?}",
            again.ledger
        );
    }

    fn reads_back_wrong(&self, request: &Request) -> bool {
        let Event::Settled { step, proof, .. } = self.event else { return false };
        let Some(step) = request.steps.get(*step) else { return false };
        match step.phase {
            Phase::Begun => !proof.found.is_on(),
            Phase::Releasing => proof.found.is_on() || proof.found == Found::Untouched,
            _ => false,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_events_in_any_order_break_a_promise(
        quorum in 1..3_u32,
        own in prop::sample::select(vec![OwnRequest::Never, OwnRequest::Confirm, OwnRequest::Allow]),
        in_channel: bool,
        begin in 0..4_usize,
        events in prop::collection::vec((event(), 0..4_000_000_i64), 0..50),
    ) {
        let mut workflow = workflow_with(quorum, own);
        if !in_channel {
            workflow.announce = None;
        }
        let mut story = Story::of(ask(workflow));
        let mut live = BTreeSet::new();
        // Most lives get somewhere: presses by both approvers, looked up, before chance takes over.
        let mut all: Vec<(Event, i64)> = Vec::new();
        if begin > 0 {
            all.push((Event::ApproversFound { stage: 0, people: vec![bob().slack_id, carol().slack_id] }, 0));
            for (number, by) in (1..).zip([bob(), carol()]) {
                all.push((super::story::pressed(&by, super::story::approve()), 0));
                all.push((Event::identified(Purpose::Press { number }, by), 0));
            }
        }
        if begin > 1 {
            all.push((super::story::started(), 0));
        }
        for step in 0..2 {
            if begin > 2 {
                all.push((super::story::settled(step, Found::On { until: None }), 0));
            }
        }
        all.extend(events);
        for (event, pause_ms) in all {
            story.pass(pause_ms);
            let before = story.request.clone();
            let event = fitting(&before, event);
            story.tell(event.clone());
            let step = Step { before: &before, event: &event, applied: &story.last, now: story.now };
            step.check(&mut live);
            step.told_twice();
        }
    }

    #[test]
    fn no_time_makes_it_panic(
        events in prop::collection::vec((event(), any::<i64>(), any::<f64>()), 0..20),
        begin in prop::sample::select(State::ALL.to_vec()),
    ) {
        let mut request = Story::request_in(begin).request;
        for (event, now, jitter) in events {
            request = request.apply(event, crate::Moment { jitter, ..moment(now) }).request;
        }
    }
}
