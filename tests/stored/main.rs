//! What any release stored is read by today's build and means the same, and its open requests are run to their end.
//!
//! `<release>/` holds what the build of that release wrote: one file of examples a kind of JSON, and a whole database. `next/` holds
//! what today's build writes; at a release it becomes the release's folder. ARCHITECTURE.md says more ("What is stored").

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod approving;
mod database;
mod examples;
mod judged;
mod making;
mod newer;
mod refused;
mod requests;
mod seen;
mod seen_beside;
mod typed;
mod variants;
mod written;

#[path = "../stories/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the stories use the rest of it")]
mod harness;
