//! Nightlatch lends access on a tailnet from Slack and takes it back on time, with proof. Rooms in reading order.

#![cfg_attr(not(test), deny(clippy::string_slice, reason = "people type characters of several bytes"))]

pub mod app;
pub mod catalog;
pub mod cli;
pub mod config;
pub mod control;
pub mod engine;
pub mod explain;
pub mod hujson;
pub mod inputs;
pub mod notices;
pub mod outside;
#[cfg(feature = "simulate")]
pub mod simulator;
pub mod slack;
pub mod steps;
pub mod store;
pub mod web;

pub use nightlatch_clock as clock;
pub use nightlatch_kernel as kernel;
/// Faults planted for the simulator; below every room.
pub use nightlatch_planted as planted;
#[cfg(any(test, feature = "demo"))]
pub use nightlatch_playground as playground;
