//! The real binary: `nightlatch serve` in a process of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing that is not as it should be"
)]

mod audit;
mod control;
mod crowded;
mod disks;
mod explain;
mod killed;
mod operators;
mod scene;
mod signals;
