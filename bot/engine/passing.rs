//! What has to be known to tell whether a request passes by itself: who asks and what of their device is so, read afresh and once, and how many
//! of theirs passed today, counted by the writer in the transaction that decides.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::Engine;
use super::guarding::{Wanted, all_read};
use super::people::{FRESH_MS, tailscale_failure};
use super::perform::{IDENTIFY_ATTEMPTS_MAX, put_off};
use super::performed::Performed;
use crate::kernel::automatic::{self, DeviceFacts, Facts, POSTURE};
use crate::kernel::guardrail::Action;
use crate::kernel::{Ask, Event, Failure, Purpose, Request};
use crate::outside::tailscale::TailscaleError;
use crate::planted::{Fault, is_planted};
use crate::store::{StoreError, Tx};

/// Whoever asked waits, and then people are asked: what cannot be read is tried this often.
const READ_ATTEMPTS_MAX: i64 = 2;

/// Finds out whether a request passes by itself.
pub(super) async fn look(engine: &Engine, request: &Request, attempts: i64) -> Performed {
    match facts(engine, &request.ask).await {
        Ok((_, Some(unread))) if unread.retryable && attempts < READ_ATTEMPTS_MAX => put_off(&unread, attempts),
        Ok((facts, _)) => Performed::happened(Event::Looked { facts: Box::new(facts) }),
        Err(failure) if failure.retryable && attempts < IDENTIFY_ATTEMPTS_MAX => put_off(&failure, attempts),
        Err(failure) => Performed::happened(Event::NotIdentified { purpose: Purpose::Passing, failure }),
    }
}

/// The facts, and why some of them could not be read: what is not known lets nothing pass.
async fn facts(engine: &Engine, ask: &Ask) -> Result<(Facts, Option<Failure>), Failure> {
    let workflow = &ask.workflow;
    let guardrails = engine.guardrails_for(Action::ApproveAutomatically);
    let mut rules = workflow.passers();
    rules.extend(guardrails.iter().flat_map(|guardrails| guardrails.groups().iter().cloned()));
    let about = engine.about(ask, &rules).await;
    let looked = engine.inner.people.looked_up(&ask.requester.slack_id, (&rules, &about), true).await?;
    let looked = all_read(guardrails.as_ref(), looked)?;
    let mut unread = looked.failure();
    let judged = match &guardrails {
        Some(guardrails) => {
            let wanted = Wanted {
                action: Action::ApproveAutomatically,
                ask,
                hold_ms: ask.hold_ms,
                who: &looked.person,
                stage: None,
            };
            Some(Box::new(engine.judged(guardrails, wanted).await?))
        }
        None => None,
    };
    let device = match &ask.device {
        Some(device) if workflow.device_conditions().next().is_some() => {
            let read = read_device(engine, &device.node_id, workflow.device_conditions()).await;
            Some(read.unwrap_or_else(|failure| {
                let why = Some(failure.what.clone());
                unread = Some(failure);
                DeviceFacts { node_id: device.node_id.clone(), unread: why, ..DeviceFacts::default() }
            }))
        }
        _ => None,
    };
    // It has to hold for whoever asked for somebody else, too.
    let asker = match &ask.asker {
        Some(asker) => {
            rules.extend(workflow.ask_for.iter().cloned());
            Some(engine.inner.people.looked_up(&asker.slack_id, (&rules, &about), true).await?.person)
        }
        None => None,
    };
    let unread_rules = looked.unread.into_iter().map(|(rule, _)| rule).collect();
    Ok((Facts { person: looked.person, unread: unread_rules, device, passed_today: Vec::new(), judged, asker }, unread))
}

async fn read_device<'a>(
    engine: &Engine,
    node_id: &str,
    conditions: impl Iterator<Item = &'a str>,
) -> Result<DeviceFacts, Failure> {
    let failed = |error: TailscaleError| tailscale_failure(&error);
    let tailscale = &engine.inner.tailscale;
    let attributes = tailscale.attributes(node_id).await.map_err(failed)?.attributes;
    let mut postures = BTreeMap::new();
    let named: Vec<&str> = conditions.filter(|one| one.starts_with(POSTURE)).collect();
    if !named.is_empty() {
        let policy = tailscale.policy_cached(FRESH_MS).await.map_err(failed)?;
        for name in named {
            postures.extend(policy.postures.get(name).map(|conditions| (name.to_owned(), conditions.clone())));
        }
    }
    Ok(DeviceFacts { node_id: node_id.to_owned(), attributes, postures, unread: None })
}

impl Engine {
    /// Whether this would pass by itself now, as far as can be told before it is asked: where nobody could decide it, it is asked only then.
    pub(super) async fn would_pass(&self, ask: &Ask) -> Result<bool, Failure> {
        let (mut facts, _) = facts(self, ask).await?;
        let now = self.inner.clock.now_ms();
        if let Some(since) = automatic::counted_since(&ask.workflow, now) {
            let others = self.inner.store.asked_since(&ask.workflow.name, since).await?;
            facts.passed_today = automatic::passed_today(ask, &facts.person, &others, now);
        }
        Ok(automatic::judge(ask, &facts, now).passes.is_some())
    }
}

/// The event with what is counted in this transaction, so that two requests never both pass as the last one of a day.
pub(super) async fn counted<'e>(
    tx: &mut Tx,
    request: &Request,
    event: &'e Event,
    now: i64,
) -> Result<Cow<'e, Event>, StoreError> {
    let Event::Looked { facts } = event else { return Ok(Cow::Borrowed(event)) };
    let Some(since) = automatic::counted_since(&request.workflow, now) else { return Ok(Cow::Borrowed(event)) };
    let since = if is_planted(Fault::PassesAgain) { i64::MAX } else { since };
    let others = match tx.asked_since(&request.workflow.name, since).await {
        Ok(others) => others,
        // One that cannot be read may be theirs: without a count nothing passes that is counted.
        Err(StoreError::Unreadable(why)) => {
            tracing::error!(request.id = %request.id, %why, "what passed today cannot be counted");
            return Ok(Cow::Borrowed(event));
        }
        Err(error) => return Err(error),
    };
    let passed_today = automatic::passed_today(&request.ask, &facts.person, &others, now);
    Ok(Cow::Owned(Event::Looked { facts: Box::new(Facts { passed_today, ..Facts::clone(facts) }) }))
}
