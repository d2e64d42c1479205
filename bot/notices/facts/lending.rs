//! What each step of a request lends, in words, and what somebody else made of it.

use serde::Serialize;

use super::one_line;
use crate::kernel::drift::Drift;
use crate::kernel::step_type::{Lends, StepType, find};
use crate::kernel::{Request, State};

/// Of what one step lends, in characters.
const WORDS_MAX: usize = 200;
/// Steps that are named.
const STEPS_MAX: usize = 5;

/// What templates can name of it.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Lending {
    /// What the names of what is touched do not say.
    lends: Vec<String>,
    /// What somebody else changed.
    drifts: Vec<DriftAs>,
    /// Whether people are to decide what becomes of that.
    open_drift: bool,
}

/// What somebody else made of what a step lends.
#[derive(Clone, Debug, Serialize)]
struct DriftAs {
    /// What is lent; empty where it has no words.
    expected: String,
    found: String,
    gone: bool,
    by: String,
    at: i64,
    /// Slack id of whoever has it put back.
    put_back_by: String,
    adopted: bool,
}

impl Lending {
    pub(super) fn of(request: &Request, types: &[StepType]) -> Self {
        let said: Vec<Lends> = (0..request.steps.len()).map(|index| lent_by(request, index, types)).collect();
        let words = |lends: &Lends| one_line(&lends.words, WORDS_MAX);
        let more = said.iter().filter(|lends| !lends.is_in_key && !lends.words.is_empty());
        let drifted = request.steps.iter().zip(&said).filter_map(|(step, lends)| Some((step.drift.as_ref()?, lends)));
        // What ended it is of no interest while it is switched on again.
        let is_told = |drift: &Drift| !drift.is_gone || matches!(request.state, State::Ending | State::Ended);
        Self {
            lends: more.map(words).take(STEPS_MAX).collect(),
            drifts: drifted
                .filter(|(drift, _)| is_told(drift))
                .map(|(drift, lends)| DriftAs::of(drift, words(lends)))
                .take(STEPS_MAX)
                .collect(),
            open_drift: request.is_drifted(),
        }
    }
}

impl DriftAs {
    fn of(drift: &Drift, expected: String) -> Self {
        Self {
            expected,
            found: one_line(&drift.found, 300),
            gone: drift.is_gone,
            by: drift.by.as_deref().map(|by| one_line(by, 100)).unwrap_or_default(),
            at: drift.at,
            put_back_by: drift.put_back_by.clone().unwrap_or_default(),
            adopted: drift.is_adopted,
        }
    }
}

/// What a step lends, as far as everything it hangs on is known.
fn lent_by(request: &Request, index: usize, types: &[StepType]) -> Lends {
    let is_taken = request.steps.get(index).is_some_and(crate::kernel::request::Step::is_taken);
    let kind = request.workflow.steps.get(index).filter(|_| is_taken).and_then(|step| find(types, &step.uses));
    let device = request.device.as_ref().map(|device| device.name.as_str()).unwrap_or_default();
    let with = request.filled(index, types).ok();
    kind.zip(with).map(|(kind, with)| (kind.lends)(&with, device)).unwrap_or_default()
}
