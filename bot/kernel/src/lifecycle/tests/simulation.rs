//! A small worker and a small far side around the rules: whatever people press and whatever fails, a request is
//! always on its way to its end, and what is over is off.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::people::{alice, ask, bob, carol, dave, guest, workflow_with};
use super::story::{Story, approve, deny, failure, pressed, revoke};
use crate::effect::Due;
use crate::workflow::OwnRequest;
use crate::{Button, Effect, Event, Found, Ledger, Person, Proof, Purpose, State, Wake};

/// What somebody or something does next.
#[derive(Clone, Debug)]
enum Move {
    Press(usize, usize),
    /// The earliest waiting effect is performed, this well.
    Work(Luck),
    /// The earliest waiting settle is performed; its answer stays on the way.
    Begin(Luck),
    /// What is on the way arrives.
    Arrive,
    Pass(i64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Luck {
    Good,
    /// Nothing happened.
    Refused,
    /// It happened, and was reported as a failure.
    Lost,
    /// It happened, the report died with the process, and the effect is still there.
    Crashed,
    /// Nothing happened, and nothing will.
    Final,
}

/// An effect that waits, with its place in the queue.
#[derive(Clone, Debug)]
struct Row {
    number: u64,
    due: Due,
}

struct World {
    story: Story,
    rows: Vec<Row>,
    rows_count: u64,
    /// Steps the ledger says are held.
    live: BTreeSet<usize>,
    /// Steps that are on at the far side.
    on: BTreeSet<usize>,
    /// A settle that was performed and not yet reported.
    on_the_way: Option<(Row, Event)>,
}

fn people() -> [Person; 5] {
    [alice(), bob(), carol(), dave(), guest(carol())]
}

fn buttons() -> [Button; 6] {
    [approve(), deny(), Button::Withdraw, Button::Return, revoke(), Button::Retry]
}

/// A newer effect takes the place of one that waits in the same slot, as in the outbox.
fn same_slot(one: &Effect, other: &Effect) -> bool {
    match (one, other) {
        (Effect::Tell { .. }, _) => false,
        (Effect::Wake { wake: one }, Effect::Wake { wake: other }) => one == other,
        (one, other) => one == other,
    }
}

impl World {
    fn new(quorum: u32) -> Self {
        let story = Story::of(ask(workflow_with(quorum, OwnRequest::Never)));
        let mut world = Self { story, rows: vec![], rows_count: 0, live: [].into(), on: [].into(), on_the_way: None };
        world.keep();
        world
    }

    /// Keeps what the newest event led to, in one go with the state.
    fn keep(&mut self) {
        let applied = self.story.last.clone();
        let step_of = |key: &crate::Key| self.story.request.step_of(key).unwrap();
        for entry in &applied.ledger {
            match entry {
                Ledger::Hold { key, .. } => drop(self.live.insert(step_of(key))),
                Ledger::Release { key } => drop(self.live.remove(&step_of(key))),
                Ledger::Remember { .. } | Ledger::Confirm { .. } => {}
                Ledger::Leave { key } => assert!(!self.on.contains(&step_of(key)), "left, but on"),
            }
        }
        for due in applied.effects {
            self.rows.retain(|row| !same_slot(&due.effect, &row.due.effect));
            self.rows_count += 1;
            self.rows.push(Row { number: self.rows_count, due });
        }
        self.check();
    }

    fn tell(&mut self, event: Event) {
        self.story.tell(event);
        self.keep();
    }

    /// What must hold at every moment.
    fn check(&self) {
        let request = &self.story.request;
        let waits = |wanted: &dyn Fn(&Effect) -> bool| {
            let on_the_way = self.on_the_way.iter().map(|(row, _)| row);
            self.rows.iter().chain(on_the_way).any(|row| wanted(&row.due.effect))
        };
        let wakes = |wake: Wake| waits(&|effect| *effect == Effect::Wake { wake });
        match request.state {
            State::Pending => assert!(wakes(Wake::Lapse), "a request that waits lapses"),
            State::Approved => assert!(
                waits(&|effect| matches!(effect, Effect::Identify { purpose: Purpose::Start, .. })),
                "an approved request starts"
            ),
            State::Activating => {
                assert!(waits(&|effect| matches!(effect, Effect::Settle { .. })), "granting goes on");
            }
            State::Active => assert!(wakes(Wake::Expire), "what is on expires"),
            State::Ending => {
                assert!(waits(&|effect| matches!(effect, Effect::Settle { .. })), "taking back is tried for ever");
                assert!(wakes(Wake::Alarm), "people are alarmed");
            }
            State::Ended => assert!(self.on.is_empty() && self.live.is_empty(), "what is over is off: {:?}", self.on),
        }
        for step in &self.on {
            assert!(request.steps[*step].may_be_on(), "step {step} is on, and we do not know");
        }
    }

    /// The row that is performed next: the earliest due, unless its lane is busy.
    fn earliest(&mut self, only_settles: bool) -> Option<Row> {
        let busy = self.on_the_way.as_ref().map(|(row, _)| row.due.effect.clone());
        let free = |row: &&Row| {
            Some(&row.due.effect) != busy.as_ref() && (!only_settles || matches!(row.due.effect, Effect::Settle { .. }))
        };
        let row = self.rows.iter().filter(free).min_by_key(|row| (row.due.at, row.number))?.clone();
        self.story.now = self.story.now.max(row.due.at);
        Some(row)
    }

    fn work(&mut self, luck: Luck) {
        let Some(row) = self.earliest(false) else { return };
        let event = self.perform(&row.due.effect, luck);
        if luck != Luck::Crashed {
            self.report(&row, event);
        }
    }

    fn begin(&mut self, luck: Luck) {
        if self.on_the_way.is_some() {
            return;
        }
        let Some(row) = self.earliest(true) else { return };
        if let Some(event) = self.perform(&row.due.effect, luck) {
            self.on_the_way = Some((row, event));
        }
    }

    fn arrive(&mut self) {
        if let Some((row, event)) = self.on_the_way.take() {
            self.report(&row, Some(event));
        }
    }

    /// Takes the effect out and tells what came of it, in one transaction.
    fn report(&mut self, row: &Row, event: Option<Event>) {
        self.rows.retain(|one| one.number != row.number);
        if let Some(event) = event {
            self.tell(event);
        }
    }

    fn perform(&mut self, effect: &Effect, luck: Luck) -> Option<Event> {
        match effect {
            Effect::FindApprovers { .. } => {
                Some(Event::ApproversFound { stage: 0, people: vec![bob().slack_id, carol().slack_id] })
            }
            Effect::FindTier { stage, tier } => {
                Some(Event::TierFound { stage: *stage, tier: *tier, people: vec![carol().slack_id] })
            }
            Effect::FindReviewers => Some(Event::ReviewersFound { people: vec![carol().slack_id] }),
            Effect::Identify { purpose, .. } if luck == Luck::Final => {
                Some(Event::NotIdentified { purpose: purpose.clone(), failure: failure(true) })
            }
            Effect::Identify { slack_id, purpose } => {
                let person = people().into_iter().find(|person| person.slack_id == *slack_id).unwrap();
                Some(Event::identified(purpose.clone(), person))
            }
            Effect::Settle { key } => {
                let step = self.story.request.step_of(key).unwrap();
                self.settle(step, luck)
            }
            Effect::Show { place } => Some(super::story::shown(place.clone())),
            Effect::Tell { .. } | Effect::Rewrite { .. } => None,
            Effect::Say { .. } | Effect::ExpirePaste { .. } => panic!("requests tell, they do not say"),
            Effect::SaveLink { .. }
            | Effect::PostPaste { .. }
            | Effect::DeletePaste { .. }
            | Effect::Look { .. }
            | Effect::StartWorkflow { .. } => {
                panic!("these are of no request")
            }
            Effect::Complete { .. } | Effect::Answer { .. } => panic!("it is a request already"),
            Effect::Wake { wake } => Some(Event::Woke { wake: *wake }),
        }
    }

    fn settle(&mut self, step: usize, luck: Luck) -> Option<Event> {
        if !self.story.request.steps[step].may_be_on() {
            return None;
        }
        let wanted = self.live.contains(&step);
        if matches!(luck, Luck::Good | Luck::Lost | Luck::Crashed) {
            if wanted {
                self.on.insert(step)
            } else {
                self.on.remove(&step)
            };
        }
        let at = self.story.now;
        let found = if wanted { Found::On { until: None } } else { Found::Gone };
        match luck {
            Luck::Good | Luck::Crashed => Some(Event::settled(step, Proof { at, found })),
            Luck::Lost | Luck::Refused => Some(Event::SettleFailed { step, failure: failure(true) }),
            Luck::Final => Some(Event::SettleFailed { step, failure: failure(false) }),
        }
    }

    fn go(&mut self, one: &Move) {
        match one {
            Move::Press(person, button) => {
                self.tell(pressed(&people()[*person], buttons()[*button].clone()));
            }
            Move::Work(luck) => self.work(*luck),
            Move::Begin(luck) => self.begin(*luck),
            Move::Arrive => self.arrive(),
            Move::Pass(ms) => self.story.pass(*ms),
        }
    }

    /// From here on everything works.
    fn all_is_well(&mut self) {
        self.arrive();
        for _ in 0..200 {
            if self.rows.is_empty() {
                return;
            }
            self.work(Luck::Good);
        }
        panic!("it never comes to rest: {:?}", self.rows);
    }
}

fn luck() -> impl Strategy<Value = Luck> {
    prop_oneof![
        6 => Just(Luck::Good),
        2 => Just(Luck::Refused),
        2 => Just(Luck::Lost),
        1 => Just(Luck::Crashed),
        1 => Just(Luck::Final)
    ]
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        4 => (0..5_usize, 0..6_usize).prop_map(|(person, button)| Move::Press(person, button)),
        8 => luck().prop_map(Move::Work),
        4 => luck().prop_map(Move::Begin),
        3 => Just(Move::Arrive),
        1 => (0..10_000_000_i64).prop_map(Move::Pass),
    ];
    prop::collection::vec(one, 0..60)
}

/// Random presses rarely get this far: half of the lives start with an approval.
fn world(quorum: u32, approved: bool) -> World {
    let mut world = World::new(quorum);
    if approved {
        for by in [bob(), carol()] {
            world.tell(pressed(&by, approve()));
        }
    }
    world
}

proptest! {
    #[test]
    fn whatever_happened_it_ends_and_is_off_once_everything_works(
        quorum in 1..3_u32, approved: bool, moves in moves(),
    ) {
        let mut world = world(quorum, approved);
        for one in &moves {
            world.go(one);
        }
        world.all_is_well();
        prop_assert_eq!(world.story.request.state, State::Ended);
        prop_assert!(world.story.request.outcome.is_some() && !world.story.request.stuck);
        prop_assert!(world.on.is_empty() && world.live.is_empty());
    }

    #[test]
    fn while_taking_back_fails_it_is_stuck_with_an_alarm_and_a_next_attempt(
        approved: bool, moves in moves(), hangs: bool,
    ) {
        let mut world = world(1, approved);
        for one in &moves {
            world.go(one);
        }
        world.arrive();
        let mut rounds = 0;
        // Everything else works, so that it gets active and expires, or ends before.
        while rounds < 120 && !world.rows.is_empty() && !world.story.request.stuck {
            rounds += 1;
            let Some(row) = world.earliest(false) else { break };
            let taking_back = matches!(row.due.effect, Effect::Settle { .. })
                && world.story.request.state == State::Ending;
            if taking_back && hangs {
                // The worker puts it off and reports nothing.
                let at = world.story.now + 30_000;
                world.rows.iter_mut().filter(|one| one.number == row.number).for_each(|one| one.due.at = at);
            } else {
                world.work(if taking_back { Luck::Refused } else { Luck::Good });
            }
        }
        if world.story.request.stuck {
            let soonest = world.rows.iter().filter(|row| matches!(row.due.effect, Effect::Settle { .. }));
            prop_assert!(soonest.map(|row| row.due.at).min().unwrap() <= world.story.now + 75_000);
            let told = world.rows.iter().any(|row| {
                matches!(&row.due.effect, Effect::Tell { to: crate::Recipient::Channel, notice: crate::Notice::Stuck })
            });
            prop_assert!(told || rounds == 0, "people are alarmed");
            world.all_is_well();
        }
        prop_assert_eq!(world.story.request.state, State::Ended);
    }
}

#[test]
fn a_life_without_trouble() {
    let mut world = world(1, true);
    world.all_is_well();
    assert_eq!(world.story.fate(), (State::Ended, Some(crate::Outcome::Expired)));
}
