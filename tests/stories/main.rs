//! Stories: people use the real bot in the playground's worlds. One binary, one module a subject.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod harness;

mod answers;
mod asking;
mod forms;
