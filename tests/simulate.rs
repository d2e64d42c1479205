//! The simulator finds planted faults again from the seeds that found them, is the same every time, and looks at fresh seeds for a
//! minute. By hand: `cargo test --features simulate --test simulate`.

#![allow(clippy::expect_used, clippy::panic, reason = "a test stops at the first thing that is not as it should be")]

use nightlatch::planted::Fault;
use nightlatch::simulator::search::{Search, is_by, replay, search, shrink};

/// Faults that were found, and the seeds that found them; `nightlatch simulate --planted` looks for all.
const FOUND_BY: &[(Fault, u64)] = &[
    (Fault::QuorumShort, 1),
    (Fault::CountsTwice, 1),
    (Fault::CountsLate, 1),
    (Fault::EndsLater, 1),
    (Fault::KeepsStep, 1),
    (Fault::ForgetsHeld, 1),
    (Fault::SettlesForAll, 1),
    (Fault::AcksFirst, 1),
    (Fault::TakesOutFirst, 1),
    (Fault::LeavesOutAudit, 1),
    (Fault::ReleasesForAll, 1),
    (Fault::NeverLapses, 1),
    (Fault::TellsNoEnd, 1),
    (Fault::LosesOwn, 1),
    (Fault::WrongDevice, 1),
];
/// The code around a fault changes, and with it what a seed leads to: so many seeds further on it is found at the latest.
const FURTHER_MAX: u64 = 40;
/// How long fresh seeds are tried.
const FRESH_MS: i64 = 60_000;

#[test]
fn planted_faults_are_found_again() {
    let missed: Vec<_> = FOUND_BY.iter().filter(|(fault, first)| !is_found(*fault, *first)).collect();
    assert!(missed.is_empty(), "not found: {missed:?}");
}

fn is_found(fault: Fault, first: u64) -> bool {
    (first..first + FURTHER_MAX).any(|seed| {
        let (found, _) = replay(seed, Some(fault)).expect("a run");
        found.is_some() && is_by(seed, Some(fault))
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
