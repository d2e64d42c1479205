//! The format of workflow files: what was accepted once is read for ever with the same meaning, and the page that describes it is
//! made from the code that reads it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod frozen;
mod guardrails;
mod page;
