//! The world as somebody else's client would find it.

use std::time::Duration;

use super::*;

mod strict;
mod whois;

/// 2026-01-01T00:00:00Z.
const START_AT: i64 = 1_767_225_600_000;
const KEY: &str = "custom:jit_prod_db";

async fn world() -> (TailnetWorld, Clock) {
    let clock = Clock::manual(START_AT);
    (TailnetWorld::start(clock.clone()).await.expect("a free port"), clock)
}
