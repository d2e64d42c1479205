//! What of ours stands in the policy file, or guards its entries, and no request in the ledger knows.

use std::collections::{BTreeMap, BTreeSet};

use super::SurveyError;
use crate::engine::Engine;
use crate::hujson::{Document, Entry, Place};
use crate::kernel::{Holding, Key};
use crate::notices::restored::Unknown;
use crate::outside::tailscale::{Attributes, Device, Tailscale};
use crate::steps::tailscale::policy::{MAX_BYTES, guards_of, is_guard};
use crate::store::{Held, StoreError};

/// The step type, and its one key.
pub(super) const USES: &str = "tailscale.policy";
const ADDRESS: &str = "file";
/// What it is called in an alarm, in place of a device.
pub(super) const FILE: &str = "policy file";
/// Of an entry, in characters.
const SHOWN_MAX: usize = 120;

/// What the ledger knows of the policy file.
pub(super) struct Known {
    held: Held,
    /// Attributes by device, with the ends the holders of each were told.
    guards: BTreeMap<(String, String), Vec<i64>>,
}

impl Known {
    pub(super) async fn read(engine: &Engine) -> Result<Self, StoreError> {
        let held = engine.inner.store.held_by_all(&Key::new(USES, ADDRESS)).await?;
        let mut guards = BTreeMap::<(String, String), Vec<i64>>::new();
        for Holding { used_by, with, .. } in held.holders.iter().filter_map(|row| row.holding.as_ref()) {
            for spot in guards_of(used_by, with) {
                guards.entry(spot).or_insert_with(|| held.ends.clone());
            }
        }
        Ok(Self { held, guards })
    }

    /// Guards on this device that nobody holds, or that end at another time than anybody was told.
    pub(super) fn unknown_on(&self, device: &Device, found: &Attributes) -> Vec<Unknown> {
        let names = found.attributes.keys().filter(|name| is_guard(name));
        let unknown = names.filter_map(|name| {
            let ends_at = found.expiries.get(name).copied();
            let ends = self.guards.get(&(device.node_id.clone(), name.clone()));
            let second = |at: i64| at.saturating_add(999).div_euclid(1000);
            let is_told =
                |ends: &&Vec<i64>| ends_at.is_some_and(|at| ends.iter().any(|end| second(*end) == second(at)));
            ends.filter(is_told).is_none().then(|| Unknown {
                device: device.short_name().to_owned(),
                owner: device.user.clone(),
                attribute: name.clone(),
                ends_at,
                is_held: ends.is_some(),
                request: None,
            })
        });
        unknown.collect()
    }

    /// Entries of the file with our comment that nobody holds.
    pub(super) async fn unknown_in_file(&self, tailscale: &Tailscale) -> Result<Vec<Unknown>, SurveyError> {
        let file = tailscale.policy_text().await?;
        let document = match Document::read(&file.text, MAX_BYTES) {
            Ok(document) => document,
            Err(error) => {
                tracing::warn!(%error, "the policy file cannot be looked through for what nobody knows");
                return Ok(Vec::new());
            }
        };
        let known: BTreeSet<&str> = self.held.holders.iter().map(|row| row.request_id.as_str()).collect();
        let entries = document.entries().into_iter().filter(|entry| {
            let ids = &entry.mark.requests;
            !ids.is_empty() && !ids.iter().all(|id| known.contains(id.as_str()))
        });
        Ok(entries.map(|entry| shown(&entry)).collect())
    }
}

fn shown(entry: &Entry) -> Unknown {
    let place = match &entry.place {
        Place::List(section) | Place::Under(section) => section.clone(),
        Place::ListUnder(section, name) => format!("{section} {name}"),
    };
    let text: String = format!("{place} {}", entry.value).chars().take(SHOWN_MAX).collect();
    let ids: Vec<&str> = entry.mark.requests.iter().map(String::as_str).collect();
    Unknown {
        device: FILE.to_owned(),
        owner: entry.mark.words.clone(),
        attribute: text,
        ends_at: None,
        is_held: false,
        request: Some(ids.join(", ")),
    }
}
