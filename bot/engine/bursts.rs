//! Whoever was approved for many things within a short time without anybody deciding it: those who would have decided hear of it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::kernel::effect::Effect;
use crate::kernel::kept::Note;
use crate::kernel::{Actor, Event, Request};
use crate::notices::bursts::said;
use crate::store::{StoreError, Tx};

/// So far is looked back, in milliseconds.
const WITHIN_MS: i64 = 1_800_000;
/// So many workflows are a burst.
const WORKFLOWS_MIN: usize = 4;
/// So many people hear of one at most.
const TOLD_MAX: usize = 20;

/// Looks at it when a request has passed by itself. Told at most once each half hour of the clock for one person.
pub(super) async fn look(tx: &mut Tx, request: &Request, event: &Event, now: i64) -> Result<(), StoreError> {
    if !matches!(event, Event::Looked { .. }) || !request.passed_by_itself() {
        return Ok(());
    }
    let by = &request.requester.slack_id;
    let asked = tx.asked_by_since(by, now.saturating_sub(WITHIN_MS)).await?;
    let passed: Vec<&Request> = asked.iter().filter(|one| one.passed_by_itself()).collect();
    let names: BTreeSet<&str> = passed.iter().map(|one| one.workflow.name.as_str()).collect();
    if names.len() < WORKFLOWS_MIN {
        return Ok(());
    }
    let once = format!("burst {by} {}", now.div_euclid(WITHIN_MS));
    if tx.first_delivery(&once, &(&request.id).into(), now).await?.is_some() {
        return Ok(());
    }
    tracing::warn!(request.id = %request.id, actor = %by, workflows = ?names, "one person was approved for much without anybody deciding it");
    let note = json!({ "event": "burst", "workflows": names });
    tx.note(&(&request.id).into(), &Actor::Worker, &Note(note), request.state.word(), now).await?;
    let text = said(by, &names.iter().copied().collect::<Vec<_>>(), WITHIN_MS);
    let people: BTreeSet<String> = passed.iter().flat_map(|one| one.everybody_asked()).collect();
    for slack_id in people.into_iter().filter(|slack_id| slack_id != by).take(TOLD_MAX) {
        let (channel, text) = (slack_id.clone(), text.clone());
        let effect = Effect::Say { channel, thread: None, by: slack_id, text, blocks: Value::Array(Vec::new()) };
        tx.enqueue_for(&(&request.id).into(), effect, now).await?;
    }
    Ok(())
}
