//! The simulator finds planted faults again from the seeds that found them, is the same every time, and looks at fresh seeds for up to a
//! minute. Needs the feature: `cargo test --features simulate --test simulate`; `NIGHTLATCH_SEED` says which seeds are fresh.

#![allow(clippy::expect_used, clippy::panic, reason = "a test stops at the first thing that is not as it should be")]

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use nightlatch::planted::Fault;
use nightlatch::simulator::life::run;
use nightlatch::simulator::plan::Plan;
use nightlatch::simulator::search::{Search, is_by, replay, search, shrink};

/// Planted faults, each with the seed that found it; `nightlatch simulate --planted` looks for all.
const FOUND_BY: &[(Fault, u64)] = &[
    (Fault::AcksFirst, 1),
    (Fault::AnybodyAsks, 1),
    (Fault::AnybodyDecides, 1),
    (Fault::BelievesAhead, 46),
    (Fault::CallsAnew, 28),
    (Fault::ChecksNoOwner, 18),
    (Fault::CountsForAll, 17),
    (Fault::CountsLate, 1),
    (Fault::CountsTwice, 17),
    (Fault::EndsLater, 1),
    (Fault::ExtendsMore, 19),
    (Fault::FailsSilently, 3),
    (Fault::ForgetsBefore, 1),
    (Fault::ForgetsHeld, 1),
    (Fault::ForgetsNext, 11),
    (Fault::GivesUp, 19),
    (Fault::GuardsLonger, 3),
    (Fault::IgnoresAnchor, 23),
    (Fault::IgnoresGuardrails, 2),
    (Fault::IgnoresSeal, 27),
    (Fault::KeepsBroken, 48),
    (Fault::KeepsMember, 29),
    (Fault::KeepsSettings, 5),
    (Fault::KeepsStep, 1),
    (Fault::LeavesCard, 1),
    (Fault::LeavesOutAudit, 1),
    (Fault::LetsNothingGo, 11),
    (Fault::LosesOwn, 9),
    (Fault::LosesPostponed, 3),
    (Fault::MakesSecondKey, 64),
    (Fault::NapsLong, 140),
    (Fault::NeverLapses, 1),
    (Fault::PassesAgain, 6),
    (Fault::PassesLonger, 2),
    (Fault::QuorumShort, 14),
    (Fault::ReadsNothingBack, 1),
    (Fault::ReleasesForAll, 2),
    (Fault::ReplacesUnsaved, 55),
    (Fault::SaysActiveEarly, 1),
    (Fault::SaysGone, 9),
    (Fault::SettlesForAll, 59),
    (Fault::ShortestWins, 6),
    (Fault::SkipsStages, 17),
    (Fault::StaleFacts, 10),
    (Fault::StartsAgain, 2),
    (Fault::StopsAtUnreadable, 17),
    (Fault::TakesForeign, 31),
    (Fault::TakesOutFirst, 3),
    (Fault::TellsNoEnd, 1),
    (Fault::TellsTooEarly, 10),
    (Fault::TellsUnsaved, 1),
    (Fault::WrongDevice, 1),
];
/// Found by more runs than a test has time for, as `simulate --planted` says; not replayed here.
const SOUGHT: &[Fault] = &[
    Fault::CountsOwn,
    Fault::LaneTwice,
    Fault::BelievesWall,
    Fault::AlarmsNobody,
    Fault::Overwrites,
    Fault::WakesNobody,
    Fault::AlarmsInPrivate,
    Fault::LeaversDecide,
    Fault::TakesTwice,
    Fault::NeverRests,
    Fault::AnybodyBreaks,
    Fault::ReviewsOwn,
    Fault::OverwritesPolicy,
    Fault::ExtendsAgain,
    Fault::ExtendsUnread,
];
/// The code around a fault changes, and with it what a seed leads to: so many seeds further on it is found at the latest.
const FURTHER_MAX: u64 = 40;
/// So many are run twice.
const SAME_SEEDS: u64 = 3;
/// So many fresh seeds are tried, for so long at most.
const FRESH_RUNS: u64 = 60;
const FRESH_MS: i64 = 60_000;

#[test]
fn planted_faults_are_found_again() {
    let missed = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some((fault, first)) = FOUND_BY.get(next.fetch_add(1, Ordering::SeqCst)) {
            if !is_found(*fault, *first) {
                missed.lock().expect("nobody panicked").push(*fault);
            }
        }
    };
    let hands = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| (0..hands).for_each(|_| drop(scope.spawn(work))));
    let missed = missed.into_inner().expect("nobody panicked");
    assert!(missed.is_empty(), "not found: {missed:?}");
}

fn is_found(fault: Fault, first: u64) -> bool {
    (first..first + FURTHER_MAX).any(|seed| {
        let (found, _) = replay(seed, Some(fault)).expect("a run");
        let is_found = found.is_some() && is_by(seed, Some(fault));
        if is_found && seed != first {
            eprintln!("{fault:?} is found by seed {seed} now");
        }
        is_found
    })
}

#[test]
fn every_planted_fault_is_listed() {
    let is_listed = |fault: &Fault| SOUGHT.contains(fault) || FOUND_BY.iter().any(|(found, _)| found == fault);
    let missing: Vec<_> = Fault::ALL.iter().filter(|fault| !is_listed(fault)).collect();
    assert!(missing.is_empty(), "neither found nor sought: {missing:?}");
}

#[test]
fn fresh_seeds_find_nothing() {
    let now = || nightlatch::clock::Clock::system().now_ms().unsigned_abs();
    let seed = std::env::var("NIGHTLATCH_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(now);
    let how = Search { seed, simulated_ms: None, is_long: false, real_ms: FRESH_MS, runs_max: FRESH_RUNS, fault: None };
    let searched = search(how);
    if let Some((seed, found)) = searched.red {
        let red = shrink(Plan::of(seed, None)).expect("a run").map(|red| (red.plan.acts, red.story.join("\n")));
        panic!("seed {seed}: {found}\n{red:#?}\nagain with: nightlatch simulate --once --seed {seed}");
    }
    eprintln!("{} runs from seed {seed} on, and nothing was wrong", searched.runs);
}

#[test]
fn a_seed_is_the_same_every_time() {
    for seed in 1..=SAME_SEEDS {
        let mut stories = (0..2).map(|_| run(&Plan::of(seed, None), true).expect("a run").story);
        let (first, second) = (stories.next().expect("a story"), stories.next().expect("a story"));
        let differing = first.iter().zip(&second).position(|(one, other)| one != other);
        if let Some(at) = differing {
            let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
            for (name, story) in [("first", &first), ("second", &second)] {
                std::fs::write(folder.join(format!("{name}.txt")), story.join("\n")).expect("written");
            }
            panic!("seed {seed} differs from line {} on; both are in {}", at + 1, folder.display());
        }
        assert_eq!(first.len(), second.len(), "seed {seed}");
    }
}
