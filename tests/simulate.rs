//! The simulator finds every planted fault from the seed that found it, and finds nothing in a minute of fresh seeds.

#![allow(clippy::expect_used, clippy::panic, reason = "a test stops at the first thing that is not as it should be")]

use nightlatch::planted::Fault;
use nightlatch::simulator::search::{Search, replay, search, shrink};

/// Faults and the seeds that found them. `nightlatch simulate --planted` finds others.
const FOUND_BY: &[(Fault, u64)] = &[(Fault::QuorumShort, 1)];
/// The code around a fault changes, and with it what a seed leads to: so many seeds further on it is found at the latest.
const FURTHER_MAX: u64 = 40;
/// How long fresh seeds are tried.
const FRESH_MS: i64 = 60_000;

#[test]
fn every_planted_fault_is_found() {
    let missed: Vec<&Fault> = Fault::ALL.iter().filter(|fault| !is_found(**fault)).collect();
    assert!(missed.is_empty(), "not found: {missed:?}");
}

fn is_found(fault: Fault) -> bool {
    let first = FOUND_BY.iter().find(|(one, _)| *one == fault).map_or(1, |(_, seed)| *seed);
    (first..first + FURTHER_MAX).any(|seed| {
        let (found, _) = replay(seed, Some(fault)).expect("a run");
        found.is_some()
    })
}

#[test]
fn a_minute_of_fresh_seeds_finds_nothing() {
    let seed = nightlatch::clock::Clock::system().now_ms().unsigned_abs();
    let searched = search(Search { seed, simulated_ms: None, real_ms: FRESH_MS, fault: None });
    if let Some((seed, found)) = searched.red {
        let red = shrink(seed, None).expect("a run").map(|red| (red.plan.acts, red.story.join("\n")));
        panic!("seed {seed}: {found}\n{red:#?}\nagain with: nightlatch simulate --once --seed {seed}");
    }
}

#[test]
fn a_seed_is_the_same_every_time() {
    for seed in [3, 4, 5] {
        let runs: Vec<_> =
            (0..2).map(|_| shrink(seed, Some(Fault::EndsLater)).expect("a run").map(|red| red.story)).collect();
        assert_eq!(runs.first(), runs.last(), "seed {seed}");
    }
}
