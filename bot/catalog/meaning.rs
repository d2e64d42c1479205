//! What a workflow file means, as JSON with everything that was left out filled in. These names are public: keys are only added.

use serde_json::{Value, json};

use crate::kernel::Workflow;
use crate::kernel::automatic::Automatic;
use crate::kernel::glass::BreakGlass;
use crate::kernel::workflow::{Clause, Extend, Input, Stage, StepUse, Tell};

/// The meaning of one file.
pub fn meaning(workflow: &Workflow) -> Value {
    let mut said = json!({
        "name": workflow.name,
        "title": workflow.title,
        "description": workflow.description,
        "command": workflow.command,
        "inputs": workflow.inputs.iter().map(input).collect::<Vec<_>>(),
        "ask": workflow.ask,
        "approve": workflow.approve.iter().map(stage).collect::<Vec<_>>(),
        "approve_automatically": workflow.approve_automatically.iter().map(automatic).collect::<Vec<_>>(),
        "break_glass": workflow.break_glass.as_ref().map(break_glass),
        "lapse_after_ms": workflow.lapse_after_ms,
        "steps": workflow.steps.iter().map(step).collect::<Vec<_>>(),
        "announce": workflow.announce,
    });
    if let (Some(said), false) = (said.as_object_mut(), workflow.triggers.is_empty()) {
        said.insert("triggers".to_owned(), json!(workflow.triggers));
    }
    if let (Some(said), Some(extend)) = (said.as_object_mut(), &workflow.extend) {
        said.insert("extend".to_owned(), extension(extend));
    }
    // What most files do not say is not there.
    if let (Some(said), false) = (said.as_object_mut(), workflow.ask_for.is_empty()) {
        said.insert("ask_for".to_owned(), json!(workflow.ask_for));
    }
    if let (Some(said), Tell::People) = (said.as_object_mut(), workflow.tell) {
        said.insert("tell".to_owned(), json!(workflow.tell));
    }
    if let (Some(said), false) = (said.as_object_mut(), workflow.labels.is_empty()) {
        said.insert("labels".to_owned(), json!(workflow.labels));
    }
    said
}

/// With what its kind says: `type` and, for example, `max_ms`.
fn input(input: &Input) -> Value {
    let mut said = json!({ "name": input.name, "label": input.label });
    if let (Some(said), Some(help)) = (said.as_object_mut(), &input.help) {
        said.insert("help".to_owned(), help.as_str().into());
    }
    if let (Some(said), false) = (said.as_object_mut(), input.when.is_empty()) {
        said.insert("when".to_owned(), input.when.0.clone().into());
    }
    if let (Some(said), Ok(Value::Object(kind))) = (said.as_object_mut(), serde_json::to_value(&input.kind)) {
        said.extend(kind);
    }
    said
}

/// A stage of one clause is said as it is mostly written.
fn stage(stage: &Stage) -> Value {
    let clause = |clause: &Clause| json!({ "quorum": clause.quorum, "by": clause.by });
    let mut said = match stage.clauses.as_slice() {
        [one] => clause(one),
        several => json!({ "all_of": several.iter().map(clause).collect::<Vec<_>>() }),
    };
    let more = json!({ "name": stage.name, "own_request": stage.own_request, "denials": stage.denials });
    if let (Some(said), Value::Object(more)) = (said.as_object_mut(), more) {
        said.extend(more);
    }
    // What most stages do not say is not there.
    if let Some(said) = said.as_object_mut() {
        said.extend(stage.remind_ms.map(|remind_ms| ("remind_ms".to_owned(), remind_ms.into())));
        said.extend((!stage.escalate.is_empty()).then(|| ("escalate".to_owned(), json!(stage.escalate))));
    }
    said
}

fn extension(extend: &Extend) -> Value {
    let mut said = json!({ "times": extend.times, "max_ms": extend.max_ms, "approve": extend.approve });
    if let (Some(said), false) = (said.as_object_mut(), extend.stages.is_empty()) {
        said.insert("stages".to_owned(), extend.stages.iter().map(stage).collect());
    }
    said
}

fn automatic(rule: &Automatic) -> Value {
    json!({
        "who": rule.who,
        "during": rule.during.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "device": rule.device,
        "max_hold_ms": rule.max_hold_ms,
        "at_most_per_day": rule.at_most,
    })
}

fn break_glass(glass: &BreakGlass) -> Value {
    json!({
        "who": glass.who,
        "max_hold_ms": glass.max_hold_ms,
        "review": { "by": glass.review_by, "within_ms": glass.review_within_ms },
    })
}

fn step(step: &StepUse) -> Value {
    let mut said = json!({ "name": step.name(), "uses": step.uses, "with": step.with });
    if let (Some(said), false) = (said.as_object_mut(), step.when.is_empty()) {
        said.insert("when".to_owned(), step.when.0.clone().into());
    }
    said
}
