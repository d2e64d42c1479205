//! Guardrails, asked for one decision: the facts it hangs on are gathered once, judged, and kept with what was said.

use std::borrow::Cow;
use std::sync::PoisonError;

use serde_json::{Value, json};

use super::Engine;
use super::people::{Looked, tailscale_failure};
use super::writer::{Seen, current};
use crate::kernel::guardrail::{Action, DeviceFacts, Facts, Judgement, Local, beginnings};
use crate::kernel::kept::Note;
use crate::kernel::{Actor, Ask, Event, Failure, House, Person, RequestId, Subject, automatic};
use crate::store::{Beside, StoreError, Tx};
use nightlatch_guardrails::Guardrails;

/// Who wants to do what about this ask.
pub(super) struct Wanted<'a> {
    pub(super) action: Action,
    pub(super) ask: &'a Ask,
    /// For how long it would be held.
    pub(super) hold_ms: i64,
    /// With every group that guardrails name and they are in.
    pub(super) who: &'a Person,
    /// The stage that waits, from 1, and its `own_request`.
    pub(super) stage: Option<(i64, String)>,
}

impl Engine {
    /// The guardrails, if any that was written has a say in this.
    pub(super) fn guardrails_for(&self, action: Action) -> Option<Guardrails> {
        self.catalog().guardrails().filter(|guardrails| guardrails.has_a_say(action)).cloned()
    }

    /// Gathers the facts and has them judged.
    ///
    /// # Errors
    /// A fact could not be read: nothing is judged by half of them.
    pub(super) async fn judged(&self, guardrails: &Guardrails, wanted: Wanted<'_>) -> Result<Judgement, Failure> {
        let Wanted { action, ask, hold_ms, who, stage } = wanted;
        let now = self.inner.clock.now_ms();
        let zone = self.zone_of(who).await?;
        let requester = match ask.requester.is_same_human(who) {
            true => None,
            false => Some(self.with_groups(guardrails, ask).await?),
        };
        let requester_zone = match &requester {
            Some(requester) => Some(self.zone_of(requester).await?),
            None => None,
        };
        let there = requester_zone.as_ref().unwrap_or(&zone).clone();
        let (day, week) = beginnings(now, &there);
        let device = match &ask.device {
            Some(device) if guardrails.looks_at_device(action) => Some(device_facts(self, &device.node_id).await?),
            _ => None,
        };
        let facts = Facts {
            action,
            who: who.clone(),
            zone,
            requester,
            requester_zone,
            workflow: ask.workflow.name.clone(),
            labels: ask.workflow.labels.clone(),
            reason: ask.reason.clone(),
            hold_ms,
            local: Local::at(now, &there),
            counts: self.inner.store.asked_before(ask, (day, week), beside(action)).await?,
            device,
            stage,
        };
        Ok(judged_by(guardrails, facts))
    }

    /// The requester as they are now, with every group that guardrails name.
    async fn with_groups(&self, guardrails: &Guardrails, ask: &Ask) -> Result<Person, Failure> {
        let about = self.about(ask, guardrails.groups()).await;
        let slack_id = &ask.requester.slack_id;
        let looked = self.inner.people.looked_up(slack_id, (guardrails.groups(), &about), true).await?;
        all_read(Some(guardrails), looked).map(|looked| looked.person)
    }

    /// Where somebody is.
    async fn zone_of(&self, person: &Person) -> Result<String, Failure> {
        Ok(self.zone_known(person).await?.unwrap_or_else(|| "UTC".to_owned()))
    }

    /// Where somebody is, as `people.yaml` says it, else Slack.
    pub(super) async fn zone_known(&self, person: &Person) -> Result<Option<String>, Failure> {
        let said = self.catalog().staff().zone_of(person).map(str::to_owned);
        match said {
            Some(zone) => Ok(Some(zone)),
            None => self.inner.people.zone(&person.slack_id).await,
        }
    }
}

/// A device as it is now, with its posture attributes.
pub(super) async fn device_facts(engine: &Engine, node_id: &str) -> Result<DeviceFacts, Failure> {
    let tailscale = &engine.inner.tailscale;
    let device = tailscale.device(node_id).await.map_err(|error| tailscale_failure(&error))?;
    let attributes = tailscale.attributes(node_id).await.map_err(|error| tailscale_failure(&error))?.attributes;
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    Ok(DeviceFacts {
        node_id: device.node_id.clone(),
        name: device.short_name().to_owned(),
        os: device.os.clone(),
        online: device.connected_to_control,
        tags: device.tags.clone(),
        attributes: attributes.into_iter().map(|(key, value)| (key, text(value))).collect(),
    })
}

/// Of requests that wait to pass by themselves, one is the first; whatever else is judged counts all others.
fn beside(action: Action) -> Beside {
    if action == Action::ApproveAutomatically { Beside::Earlier } else { Beside::All }
}

/// A group that a guardrail names and that could not be read leaves nothing to be judged.
pub(super) fn all_read(guardrails: Option<&Guardrails>, looked: Looked) -> Result<Looked, Failure> {
    let named = |rule| guardrails.is_some_and(|guardrails| guardrails.groups().contains(rule));
    match looked.unread.iter().any(|(rule, _)| named(rule)) {
        true => Err(looked.failure().unwrap_or_else(nobody_knows)),
        false => Ok(looked),
    }
}

fn nobody_knows() -> Failure {
    Failure {
        what: "a group that a guardrail names cannot be read now".to_owned(),
        advice: String::new(),
        retryable: true,
        retry_after_ms: None,
    }
}

/// An ask as it is to be saved: what was counted for its guardrails is counted anew in the transaction that saves it, so that of two who
/// ask at once each sees the other. Guardrails that were read meanwhile may look at what was not looked up: those of then have decided, and
/// today's are asked before anything is switched on.
pub(super) async fn recounted(engine: &Engine, tx: &mut Tx, ask: &Ask, now: i64) -> Result<Option<Ask>, StoreError> {
    let Some(judged) = &ask.judged else { return Ok(None) };
    let guardrails = engine.guardrails_for(judged.facts.action).filter(|now| now.digest() == judged.rules);
    let Some(guardrails) = guardrails else { return Ok(None) };
    let zone = judged.facts.requester_zone.as_ref().unwrap_or(&judged.facts.zone);
    let counts = tx.asked_before(ask, beginnings(now, zone), Beside::All).await?;
    let judged = judged_by(&guardrails, Facts { counts, ..judged.facts.clone() });
    Ok(Some(Ask { judged: Some(Box::new(judged)), ..ask.clone() }))
}

/// What was found out to tell whether a request passes by itself, counted anew in the transaction that decides.
pub(super) async fn counted<'e>(
    engine: &Engine,
    (tx, seen): (&mut Tx, &mut Seen),
    id: &RequestId,
    event: &'e Event,
    now: i64,
) -> Result<Cow<'e, Event>, StoreError> {
    let Event::Looked { facts } = event else { return Ok(Cow::Borrowed(event)) };
    let Some(judged) = &facts.judged else { return Ok(Cow::Borrowed(event)) };
    let guardrails = engine.guardrails_for(Action::ApproveAutomatically).filter(|now| now.digest() == judged.rules);
    let Some(guardrails) = guardrails else { return Ok(Cow::Borrowed(event)) };
    let request = match current(tx, seen, id).await {
        Ok(request) => request,
        // Whoever tells the request says so.
        Err(StoreError::NoSuchRequest(_) | StoreError::Unreadable(_)) => return Ok(Cow::Borrowed(event)),
        Err(error) => return Err(error),
    };
    let counts = tx.asked_before(&request.ask, beginnings(now, &judged.facts.zone), Beside::Earlier).await?;
    let judged = judged_by(&guardrails, Facts { counts, ..judged.facts.clone() });
    let facts = automatic::Facts { judged: Some(Box::new(judged)), ..automatic::Facts::clone(facts) };
    Ok(Cow::Owned(Event::Looked { facts: Box::new(facts) }))
}

fn judged_by(guardrails: &Guardrails, facts: Facts) -> Judgement {
    let verdict = guardrails.judge(&facts);
    Judgement { rules: guardrails.digest().to_owned(), facts, verdict }
}

/// Writes the text of the guardrails into the log before anything that was decided by them, so that it can be judged again from the log
/// alone. Returns their fingerprint if it did.
pub(super) async fn pin(engine: &Engine, tx: &mut Tx, now: i64) -> Result<Option<String>, StoreError> {
    let catalog = engine.catalog();
    let Some(guardrails) = catalog.guardrails() else { return Ok(None) };
    let digest = guardrails.digest();
    if engine.inner.pinned.lock().unwrap_or_else(PoisonError::into_inner).as_deref() == Some(digest) {
        return Ok(None);
    }
    let note = json!({ "event": "guardrails", "rules": digest, "text": guardrails.text() });
    tx.note(&Subject::House(House::Log), &Actor::Worker, &Note(note), "guardrails", now).await?;
    Ok(Some(digest.to_owned()))
}

/// Remembers that they stand in the log.
pub(super) fn pinned(engine: &Engine, digest: Option<String>) {
    if digest.is_some() {
        *engine.inner.pinned.lock().unwrap_or_else(PoisonError::into_inner) = digest;
    }
}
