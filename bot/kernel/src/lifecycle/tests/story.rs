//! A request led through its life by real events only, so that no test looks at a state that cannot be.

use super::people::{TYPES, alice, ask, bob, carol, workflow};
use crate::request::Step;
use crate::{
    Applied, Ask, Button, Event, Failure, Found, Moment, Outcome, Person, Place, Proof, Purpose, Request, State, Wake,
};

/// When every story begins.
pub(super) const START: i64 = 1_700_000_000_000;

pub(super) fn moment(now: i64) -> Moment {
    Moment { now, jitter: 0.0, types: TYPES }
}

/// One request, the time, and what the newest event led to.
#[derive(Clone)]
pub(super) struct Story {
    pub(super) request: Request,
    pub(super) now: i64,
    pub(super) last: Applied,
}

impl Story {
    pub(super) fn of(ask: Ask) -> Self {
        let last = Request::ask(ask, moment(START)).unwrap();
        Self { request: last.request.clone(), now: START, last }
    }

    /// Asked, approvers found, card posted.
    pub(super) fn pending() -> Self {
        Self::pending_under(workflow())
    }

    pub(super) fn pending_under(workflow: crate::Workflow) -> Self {
        let mut story = Self::of(ask(workflow));
        story.tell(Event::ApproversFound { stage: 0, people: vec![bob().slack_id, carol().slack_id] });
        story.tell(shown(Place::Channel("#access".to_owned())));
        story.pass(60_000);
        story
    }

    pub(super) fn approved() -> Self {
        let mut story = Self::pending();
        story.press(&bob(), approve());
        story
    }

    pub(super) fn activating() -> Self {
        let mut story = Self::approved();
        story.tell(started());
        story
    }

    pub(super) fn active() -> Self {
        let mut story = Self::activating();
        story.tell(settled(0, on(&story)));
        story.tell(settled(1, on(&story)));
        story
    }

    pub(super) fn ending() -> Self {
        let mut story = Self::active();
        story.now = story.request.expires_at.unwrap();
        story.tell(Event::Woke { wake: Wake::Expire });
        story
    }

    /// The last step could not be taken back five times; the first one could.
    pub(super) fn stuck() -> Self {
        let mut story = Self::ending();
        for _ in 0..super::super::STUCK_AFTER_FAILURES {
            story.tell(Event::SettleFailed { step: 1, failure: failure(true) });
        }
        story.tell(settled(0, Found::Gone));
        story
    }

    pub(super) fn expired() -> Self {
        let mut story = Self::ending();
        story.tell(settled(1, Found::Gone));
        story.tell(settled(0, Found::Gone));
        story
    }

    /// The second step could not be granted, and everything was taken back: may be tried again.
    pub(super) fn failed() -> Self {
        let mut story = Self::activating();
        story.tell(settled(0, on(&story)));
        story.tell(Event::SettleFailed { step: 1, failure: failure(false) });
        story.tell(settled(1, Found::Gone));
        story.tell(settled(0, Found::Gone));
        story
    }

    /// By real transitions; the seven stories every table is made for.
    pub(super) fn request_in(state: State) -> Self {
        let story = match state {
            State::Pending => Self::pending(),
            State::Approved => Self::approved(),
            State::Activating => Self::activating(),
            State::Active => Self::active(),
            State::Ending => Self::ending(),
            State::Ended => Self::expired(),
        };
        assert_eq!(story.request.state, state);
        story
    }

    pub(super) fn pass(&mut self, ms: i64) {
        self.now += ms;
    }

    pub(super) fn tell(&mut self, event: Event) -> &Applied {
        self.last = self.request.apply(event, moment(self.now));
        self.request = self.last.request.clone();
        &self.last
    }

    /// Presses a button; returns its number if it now waits to be counted.
    pub(super) fn begin_press(&mut self, by: &Person, button: Button) -> Option<u32> {
        self.tell(pressed(by, button));
        self.last.effects.iter().find_map(|due| match &due.effect {
            crate::Effect::Identify { purpose: Purpose::Press { number }, .. } => Some(*number),
            _ => None,
        })
    }

    pub(super) fn end_press(&mut self, number: u32, person: Person) {
        self.tell(Event::identified(Purpose::Press { number }, person));
    }

    /// Presses a button and, if it is not refused at once, finds out who pressed.
    pub(super) fn press(&mut self, by: &Person, button: Button) {
        if let Some(number) = self.begin_press(by, button) {
            self.end_press(number, by.clone());
        }
    }

    /// What became of it, in two words.
    pub(super) fn fate(&self) -> (State, Option<Outcome>) {
        (self.request.state, self.request.outcome)
    }

    pub(super) fn step(&self, index: usize) -> &Step {
        &self.request.steps[index]
    }
}

pub(super) fn approve() -> Button {
    Button::Approve { confirmed: false, hold_ms: None }
}

pub(super) fn deny() -> Button {
    Button::Deny { reason: "not today".to_owned() }
}

pub(super) fn revoke() -> Button {
    Button::Revoke { reason: "incident".to_owned() }
}

pub(super) fn pressed(by: &Person, button: Button) -> Event {
    Event::Pressed { by: by.slack_id.clone(), button, channel: None, seal: "seal".to_owned(), on: None }
}

pub(super) fn started() -> Event {
    Event::identified(Purpose::Start, alice())
}

pub(super) fn shown(place: Place) -> Event {
    Event::Shown { place, channel: "C1".to_owned(), ts: "1.1".to_owned() }
}

pub(super) fn settled(step: usize, found: Found) -> Event {
    Event::settled(step, Proof { at: i64::MAX, found })
}

pub(super) fn on(story: &Story) -> Found {
    Found::On { until: Some(story.now + story.request.hold_ms) }
}

pub(super) fn failure(retryable: bool) -> Failure {
    Failure { what: "no".to_owned(), advice: String::new(), retryable, retry_after_ms: None }
}
