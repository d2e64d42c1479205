//! The rules of Nightlatch: events in, effects out. No clock, no network, no storage: the time is an argument.
//!
//! Read in this order: who people are (`person`), what a workflow says (`workflow`), what a request is (`request`),
//! where its approval stands (`approval`), what can happen (`event`), what must then be done (`effect`), and the transitions (`lifecycle`).

#![cfg_attr(not(test), deny(clippy::string_slice, reason = "people type characters of several bytes"))]

mod already;
pub mod approval;
mod asker;
pub mod automatic;
pub mod condition;
mod decision;
pub mod drift;
pub mod effect;
pub mod event;
mod extension;
pub mod fill;
pub mod glass;
pub mod guardrail;
pub mod hold;
pub mod holding;
pub mod id;
pub mod input;
pub mod kept;
mod lifecycle;
pub mod link;
pub mod matching;
pub mod operator;
pub mod origin;
pub mod paste;
pub mod person;
mod pinned;
pub mod policy;
pub mod posture;
pub mod proof;
pub mod reference;
pub mod refusal;
pub mod request;
pub mod staff;
pub mod step_type;
pub mod subject;
pub mod typed;
pub mod window;
pub mod workflow;

pub use approval::Approval;
pub use effect::{Applied, Effect, Ledger, Notice, Recipient, Wake};
pub use event::{Actor, Button, Event, Failure, Press, PressedOn, Purpose, Shows};
pub use holding::Holding;
pub use id::{Key, RequestId};
pub use lifecycle::{GRACE_MS, room_ms};
pub use operator::{By, Operator};
pub use person::{Person, Standing, Who};
pub use pinned::Pinned;
pub use refusal::Refusal;
pub use request::{Ask, Found, Outcome, Place, Proof, Request, State};
pub use staff::Staff;
pub use step_type::StepType;
pub use subject::{House, Subject};
pub use typed::{NotAsked, Typed};
pub use workflow::Workflow;

/// What the outside hands in with every event: the time, a fraction in `0.0..1.0` that spreads retries, and the step types there are.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Milliseconds since the Unix epoch.
    pub now: i64,
    /// Jitter for retries, so that many requests do not come back in the same millisecond.
    pub jitter: f64,
    /// Every step type this version knows: what a step touches is told by its type when it begins.
    pub types: &'static [step_type::StepType],
}
