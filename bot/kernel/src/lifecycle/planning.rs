//! What each step touches: as far as that can be told when it is asked, and for good when the step begins.

use crate::event::Failure;
use crate::fill::{Missing, fill_step};
use crate::id::Key;
use crate::refusal::Refusal;
use crate::request::{Ask, Request};
use crate::step_type::{StepType, find};

/// The key of every step, as far as it does not hang on what an earlier step comes to. What can never be filled in is refused
/// before anybody is asked. A step that the request goes without touches nothing.
pub(super) fn plan(ask: &Ask, types: &[StepType]) -> Result<Vec<Option<Key>>, Refusal> {
    let unusable = |missing: String| Refusal::Unusable { missing };
    let mut keys: Vec<Option<Key>> = Vec::with_capacity(ask.workflow.steps.len());
    for (index, step) in ask.workflow.steps.iter().enumerate() {
        if ask.leaves_out(index) {
            keys.push(None);
            continue;
        }
        let kind = find(types, &step.uses).ok_or_else(|| unusable(format!("step type {}", step.uses)))?;
        let key = match fill_step(step, &ask.scope(index), types) {
            Ok(with) => {
                let useless = |why| unusable(format!("settings that {} can use: {why}", step.uses));
                Some(kind.key(&with, &ask.id, index).map_err(useless)?)
            }
            Err(Missing::NotYet(_)) => None,
            Err(Missing::Nothing(name)) => return Err(unusable(format!("value for {{{{ {name} }}}}"))),
            Err(missing) => return Err(unusable(format!("settings that can be read: {missing}"))),
        };
        if let Some(key) = &key
            && keys.iter().flatten().any(|other| other == key)
        {
            return Err(unusable(format!("thing of its own for step {}: an earlier one touches {key}", index + 1)));
        }
        keys.push(key);
    }
    Ok(keys)
}

impl Ask {
    /// The steps whose settings name what an earlier one comes to: what they touch is another thing each time.
    pub(super) fn hanging(&self, types: &[StepType]) -> Vec<usize> {
        let hangs = |index, step| matches!(fill_step(step, &self.scope(index), types), Err(Missing::NotYet(_)));
        let steps = self.workflow.steps.iter().enumerate();
        steps.filter(|(index, step)| hangs(*index, step)).map(|(index, _)| index).collect()
    }
}

impl Request {
    /// What the step at `index` touches with all its settings filled in. A key that is known stays: what was begun is taken back under
    /// the key it was begun with.
    pub(super) fn begun(&self, index: usize, types: &[StepType]) -> Result<Key, Failure> {
        let with = self.filled(index, types)?;
        if let Some(key) = self.steps.get(index).and_then(|step| step.key.clone()) {
            return Ok(key);
        }
        let uses = self.workflow.steps.get(index).map(|step| step.uses.as_str()).unwrap_or_default();
        let kind = find(types, uses).ok_or_else(|| lasting(format!("there is no step type {uses}")))?;
        let key = kind.key(&with, &self.id, index).map_err(|why| lasting(format!("{uses} cannot be held: {why}")))?;
        match self.step_of(&key) {
            Some(other) => Err(lasting(format!("steps {} and {} both touch {key}", other + 1, index + 1))),
            None => Ok(key),
        }
    }
}

impl From<Missing> for Failure {
    fn from(missing: Missing) -> Self {
        lasting(format!("a setting of a step cannot be filled in: {missing}"))
    }
}

fn lasting(what: String) -> Failure {
    let advice = "ask whoever looks after this workflow to correct its steps".to_owned();
    Failure { what, advice, retryable: false, retry_after_ms: None }
}
