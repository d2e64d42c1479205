//! After an older database was put back: what is on in the tailnet that it does not know is looked for, and people are alarmed.

mod policy;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::engine::{Engine, TellError, jobs, showing};
use crate::kernel::effect::Effect;
use crate::kernel::{Actor, Key, Workflow};
use crate::notices::restored::{Unknown, alarm};
use crate::outside::tailscale::{Attributes, Device, Tailscale, TailscaleError};
use crate::steps::tailscale::policy::is_guard;
use crate::store::{Mismatch, StoreError};
use policy::Known;

/// The step type whose traces are looked for; its key is a device and an attribute.
const USES: &str = "tailscale.attribute";
/// When Tailscale or the database does not answer, it is looked again after this.
const AGAIN: Duration = Duration::from_secs(15);

/// Why there was no looking.
#[derive(Debug, thiserror::Error)]
pub(super) enum SurveyError {
    #[error("{0}")]
    Tailscale(#[from] TailscaleError),
    #[error("{0}")]
    Store(#[from] StoreError),
    #[error("{0}")]
    Tell(#[from] TellError),
}

/// Looks once, if the log does not go on from its anchor, and tells the channels of the workflows.
pub(in crate::engine) async fn survey(engine: Engine, tailscale: Tailscale, stop: CancellationToken) {
    let Some(mismatch) = engine.log_health().borrow().mismatch.clone() else { return };
    let looking = async {
        loop {
            match look(&engine, &tailscale, &mismatch).await {
                Ok(count) => {
                    engine.inner.logbook.inner.health.send_modify(|health| health.unknown = Some(count));
                    return;
                }
                Err(error) => {
                    warn!(error = %error, "what is on in the tailnet cannot be compared with the database; trying again");
                    engine.inner.clock.pause(AGAIN).await;
                }
            }
        }
    };
    tokio::select! {
        biased;
        () = looking => {}
        () = stop.cancelled() => {}
    }
}

async fn look(engine: &Engine, tailscale: &Tailscale, mismatch: &Mismatch) -> Result<usize, SurveyError> {
    let channels = channels(engine);
    let unknown = unknown(engine, tailscale, &channels).await?;
    for one in &unknown {
        error!(
            device = one.device,
            owner = one.owner,
            attribute = one.attribute,
            ends_at = one.ends_at,
            is_held = one.is_held,
            "this is on in the tailnet and the database does not know it like this"
        );
    }
    let all: BTreeSet<&String> = channels.values().flatten().collect();
    for channel in all {
        let is_here = |one: &&Unknown| channels.get(subject(one)).is_some_and(|channels| channels.contains(channel));
        let here: Vec<&Unknown> = unknown.iter().filter(is_here).collect();
        say(engine, channel, alarm(&mismatch.to_string(), &here), &about(mismatch, channel, &here)).await?;
    }
    Ok(unknown.len())
}

/// By what something unknown is looked for: an attribute by its name, what has to do with the policy file by that.
fn subject(one: &Unknown) -> &str {
    if one.device == policy::FILE || is_guard(&one.attribute) { policy::USES } else { &one.attribute }
}

/// The attributes of the workflows in use, and the policy file, each with the channels that hear of it.
fn channels(engine: &Engine) -> BTreeMap<String, BTreeSet<String>> {
    let mut channels = BTreeMap::<String, BTreeSet<String>>::new();
    for workflow in engine.catalog().workflows() {
        for attribute in attributes(workflow) {
            channels.entry(attribute).or_default().extend(workflow.announce.clone());
        }
        if workflow.steps.iter().any(|step| step.uses == policy::USES) {
            channels.entry(policy::USES.to_owned()).or_default().extend(workflow.announce.clone());
        }
    }
    channels
}

fn attributes(workflow: &Workflow) -> impl Iterator<Item = String> + '_ {
    let steps = workflow.steps.iter().filter(|step| step.uses == USES);
    steps.filter_map(|step| step.with.get("key").and_then(Value::as_str).map(str::to_owned))
}

/// One device after the other: whatever ends meanwhile goes first.
async fn unknown(
    engine: &Engine,
    tailscale: &Tailscale,
    channels: &BTreeMap<String, BTreeSet<String>>,
) -> Result<Vec<Unknown>, SurveyError> {
    let mut unknown = Vec::new();
    if channels.is_empty() {
        return Ok(unknown);
    }
    let known = match channels.contains_key(policy::USES) {
        true => Some(Known::read(engine).await?),
        false => None,
    };
    if let Some(known) = &known {
        unknown.extend(known.unknown_in_file(tailscale).await?);
    }
    for device in tailscale.devices().await? {
        // Attributes of what is shared in from elsewhere cannot be written, so none of them is ours.
        if device.is_external {
            continue;
        }
        let found = match tailscale.attributes(&device.node_id).await {
            Ok(found) => found,
            Err(TailscaleError::NotFound(_)) => continue,
            Err(error) => return Err(error.into()),
        };
        unknown.extend(known.iter().flat_map(|known| known.unknown_on(&device, &found)));
        for name in channels.keys().filter(|name| found.attributes.contains_key(*name)) {
            unknown.extend(compared(engine, &device, name, &found).await?);
        }
    }
    Ok(unknown)
}

/// Nothing if the ledger knows it with just this end: told by us, or there before us.
async fn compared(
    engine: &Engine,
    device: &Device,
    name: &str,
    found: &Attributes,
) -> Result<Option<Unknown>, StoreError> {
    let key = Key::from_stored(format!("{USES} {} {name}", device.node_id));
    let held = engine.inner.store.held(&key).await?;
    let ends_at = found.expiries.get(name).copied();
    let second = |at: i64| at.saturating_add(999).div_euclid(1000);
    let is_told = ends_at.is_some_and(|at| held.ends.iter().any(|end| second(*end) == second(at)));
    let before =
        held.before.as_ref().map(|before| (before.get("value"), before.get("expires_at").and_then(Value::as_i64)));
    let is_before = before.is_some_and(|before| before == (found.attributes.get(name), ends_at));
    Ok((!is_told && !is_before).then(|| Unknown {
        device: device.short_name().to_owned(),
        owner: device.user.clone(),
        attribute: name.to_owned(),
        ends_at,
        is_held: !held.ends.is_empty(),
        request: None,
    }))
}

/// The same for the same things in the same channel, so that the next start does not tell them again.
fn about(mismatch: &Mismatch, channel: &str, unknown: &[&Unknown]) -> String {
    let things = unknown.iter().map(|one| (&one.device, &one.attribute, one.ends_at)).collect::<Vec<_>>();
    let digest = Sha256::digest(serde_json::json!([channel, mismatch.anchor(), things]).to_string().as_bytes());
    format!("log {}", hex::encode(digest))
}

/// Saved first and said by the worker.
async fn say(engine: &Engine, channel: &str, text: String, about: &str) -> Result<(), TellError> {
    if matches!(showing::has_outsiders(engine, channel).await, Ok(true)) {
        error!(channel, "the channel is shared with another company, so what is on is not told there");
        return Ok(());
    }
    let effect = Effect::Say {
        channel: channel.to_owned(),
        thread: None,
        // Nobody asked for it, so nobody is told if Slack does not take it: that is logged.
        by: channel.to_owned(),
        text,
        blocks: Value::Null,
    };
    let work = jobs::Work::Say { about: super::SUBJECT, effect: Box::new(effect) };
    engine.submit(work, Actor::Clock, Some(about.to_owned()), None).await.map(drop)
}
