//! Many runs, on every core, until something is wrong; and what is left of a red run when everything is taken out that it does not need.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::life::{Mishap, run};
use super::plan::Plan;
use crate::clock::Clock;
use crate::planted::Fault;

/// What a search is for, and when it ends.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    /// The first seed; the next runs have the next ones.
    pub seed: u64,
    /// Ends after so much simulated time.
    pub simulated_ms: Option<i64>,
    /// Every run is long and mostly quiet.
    pub is_long: bool,
    /// Ends after so much real time.
    pub real_ms: i64,
    /// Ends after so many runs.
    pub runs_max: u64,
    /// Planted in every run.
    pub fault: Option<Fault>,
}

/// What a search came to.
#[derive(Clone, Debug)]
pub struct Searched {
    /// How many runs.
    pub runs: u64,
    /// How much time passed in them.
    pub simulated_ms: i64,
    /// How long it took.
    pub real_ms: i64,
    /// The first red run: its seed, and what was found wrong.
    pub red: Option<(u64, String)>,
}

/// A red run, as small as it gets.
#[derive(Clone, Debug)]
pub struct Red {
    /// What was found wrong.
    pub found: String,
    /// The least of its plan that is still red.
    pub plan: Plan,
    /// What happened in that.
    pub story: Vec<String>,
}

/// Runs seed after seed.
pub fn search(how: Search) -> Searched {
    let (next, simulated) = (AtomicU64::new(how.seed), AtomicI64::new(0));
    let red = Mutex::new(None);
    let clock = Clock::system();
    let begun = clock.stamp();
    let goes_on = || {
        let is_time = match how.simulated_ms {
            Some(limit) => simulated.load(Ordering::SeqCst) < limit,
            None => clock.age_ms(begun) < how.real_ms,
        };
        is_time && red.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    };
    let work = || {
        while goes_on() {
            let seed = next.fetch_add(1, Ordering::SeqCst);
            if seed.saturating_sub(how.seed) >= how.runs_max {
                break;
            }
            let plan = if how.is_long { Plan::long(seed, how.fault) } else { Plan::of(seed, how.fault) };
            let found = run(&plan, false).map(|outcome| (outcome.found, outcome.lasted_ms));
            let found = found.unwrap_or_else(|mishap| (Some(format!("it could not be run: {mishap}")), 0));
            simulated.fetch_add(found.1, Ordering::SeqCst);
            if let Some(what) = found.0.filter(|_| how.is_long || is_by(seed, how.fault)) {
                red.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert((seed, what));
            }
        }
    };
    let hands = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| (0..hands).for_each(|_| drop(scope.spawn(work))));
    Searched {
        runs: next.load(Ordering::SeqCst).saturating_sub(how.seed).min(how.runs_max),
        simulated_ms: simulated.load(Ordering::SeqCst),
        real_ms: clock.age_ms(begun),
        red: red.into_inner().unwrap_or_else(PoisonError::into_inner),
    }
}

/// Whether a red run is the planted fault's doing: a seed that is red without it says nothing of it.
pub fn is_by(seed: u64, fault: Option<Fault>) -> bool {
    fault.is_none() || replay(seed, None).is_ok_and(|(found, _)| found.is_none())
}

/// Runs one seed: what was found wrong, and how much time passed in it.
///
/// # Errors
/// See `run`.
pub fn replay(seed: u64, fault: Option<Fault>) -> Result<(Option<String>, i64), Mishap> {
    run(&Plan::of(seed, fault), false).map(|outcome| (outcome.found, outcome.lasted_ms))
}

/// What is wrong, whatever it is about: words without a digit.
fn kind(found: &str) -> String {
    found.split_whitespace().filter(|word| !word.contains(|letter: char| letter.is_ascii_digit())).collect()
}

/// A run as it is, with what happened in it; if nothing is wrong, that is what was found.
///
/// # Errors
/// See `run`.
pub fn tell(plan: Plan) -> Result<Option<Red>, Mishap> {
    let outcome = run(&plan, true)?;
    let found = outcome.found.unwrap_or_else(|| "nothing is wrong".to_owned());
    Ok(Some(Red { found, plan, story: outcome.story }))
}

/// Takes out of a red plan what it does not need.
///
/// # Errors
/// See `run`.
pub fn shrink(mut plan: Plan) -> Result<Option<Red>, Mishap> {
    let Some(mut found) = run(&plan, false)?.found else { return Ok(None) };
    let mut size = plan.acts.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        while at < plan.acts.len() {
            let mut smaller = plan.clone();
            smaller.acts.drain(at..at.saturating_add(size).min(plan.acts.len()));
            match run(&smaller, false)?.found {
                Some(what) if kind(&what) == kind(&found) => (plan, found) = (smaller, what),
                _ => at = at.saturating_add(size),
            }
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
    let story = run(&plan, true)?.story;
    Ok(Some(Red { found, plan, story }))
}
