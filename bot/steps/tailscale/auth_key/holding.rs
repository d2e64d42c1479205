//! Holding an auth key: found by its description whatever was lost on the way, handed over once, revoked.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::Clock;
use crate::kernel::kept::{Kept, Raise};
use crate::kernel::request::Found;
use crate::kernel::{Failure, Key, Proof, room_ms};
use crate::outside::tailscale::{AuthKey, Device, NewAuthKey, Tailscale};
use crate::planted::{Fault, is_planted};
use crate::steps::memory::{put_down, read_back};
use crate::steps::tailscale::failure;
use crate::steps::{Before, HandOver, Holder, Settled, Step};

/// In a message, that many devices are named.
const NAMED_MAX: usize = 10;

/// The step type.
pub struct AuthKeyStep {
    tailscale: Tailscale,
    clock: Clock,
}

/// What is known of the key. Nothing was there before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Known {
    /// Keys that end too early, by id: another one takes their place, and has not been handed over yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    replaced: Vec<String>,
}

impl Kept for Known {
    const KIND: &'static str = "before of tailscale.auth_key";
    const RAISES: &'static [Raise] = &[nothing_was_known];
}

/// At first nothing was ever known.
fn nothing_was_known(_: Value) -> Result<Value, String> {
    Ok(Value::Object(Map::new()))
}

impl AuthKeyStep {
    /// The step type over this tailnet.
    pub fn new(tailscale: Tailscale, clock: Clock) -> Self {
        Self { tailscale, clock }
    }

    fn proof(&self, found: Found) -> Proof {
        Proof { at: self.clock.now_ms(), found }
    }

    /// Ours that are good, by the description that only this request's step gives.
    async fn ours(&self, key: &Key) -> Result<Vec<AuthKey>, Failure> {
        Ok(self.ever_ours(key).await?.into_iter().filter(|one| !one.invalid).collect())
    }

    /// The same with those that were used up, revoked or are over, as far as they are still listed.
    async fn ever_ours(&self, key: &Key) -> Result<Vec<AuthKey>, Failure> {
        let description = description(key);
        let all = self.tailscale.auth_keys().await.map_err(|error| failure(&error))?;
        Ok(all.into_iter().filter(|one| one.description == description).collect())
    }

    async fn revoke(&self, all: &[AuthKey]) -> Result<(), Failure> {
        for one in all {
            self.tailscale.revoke_auth_key(&one.id).await.map_err(|error| failure(&error))?;
        }
        Ok(())
    }

    /// What was made for somebody new, and perhaps never handed over, is of no use: another one takes its place.
    async fn hold(&self, key: &Key, holder: &Holder, before: &Before) -> Result<Settled, Failure> {
        if !holder.is_new {
            return self.go_on(key, holder, before).await;
        }
        if !is_planted(Fault::MakesSecondKey) {
            self.revoke(&self.ours(key).await?).await?;
        }
        self.make(key, holder).await
    }

    /// No key can be made to last longer: one that ends too early is good until another one is there, and that one is handed over. Which
    /// ones are replaced is written down first, so that a key that was made and not handed over is not taken for one that was.
    async fn go_on(&self, key: &Key, holder: &Holder, before: &Before) -> Result<Settled, Failure> {
        let mut known: Known = read_back(&before.found, Known::default)?;
        let is_too_short = |one: &AuthKey| one.expires.is_some_and(|at| at.as_millisecond() < holder.until);
        let ours = self.ours(key).await?;
        if known.replaced.is_empty() {
            known.replaced = ours.iter().filter(|one| is_too_short(one)).map(|one| one.id.clone()).collect();
            if known.replaced.is_empty() {
                // One that was used up is good no more; whether it was taken away cannot be told from that.
                return Ok(self.proof(Found::On { until: Some(holder.until) }).into());
            }
            if !is_planted(Fault::ReplacesUnsaved) {
                before.memory.keep(put_down(&known)?).await?;
            }
        }
        let (old, unseen): (Vec<AuthKey>, Vec<AuthKey>) =
            ours.into_iter().partition(|one| known.replaced.contains(&one.id));
        self.revoke(&unseen).await?;
        let kept = Some(put_down(&Known::default())?);
        // It is not to last longer any more.
        if !old.is_empty() && !old.iter().any(is_too_short) {
            return Ok(Settled { keep: kept, ..self.proof(Found::On { until: Some(holder.until) }).into() });
        }
        let made = self.make(key, holder).await?;
        self.revoke(&old).await?;
        Ok(Settled { keep: kept, ..made })
    }

    async fn make(&self, key: &Key, holder: &Holder) -> Result<Settled, Failure> {
        let flag = |name: &str, usual: bool| holder.with.get(name).and_then(Value::as_bool).unwrap_or(usual);
        let tags = holder.with.get("tags").and_then(Value::as_array).into_iter().flatten();
        let left_ms = holder.until.saturating_sub(self.clock.now_ms());
        let new = NewAuthKey {
            description: description(key),
            tags: tags.filter_map(Value::as_str).map(str::to_owned).collect(),
            ephemeral: flag("ephemeral", true),
            preauthorized: flag("preauthorized", false),
            reusable: flag("reusable", false),
            // Room for an end that comes a little later: switching on takes a while, and the hold begins after it.
            expiry_seconds: left_ms.saturating_add(room_ms(left_ms)).div_euclid(1_000).max(1).saturating_add(1),
        };
        let made = self.tailscale.make_auth_key(&new).await.map_err(|error| failure(&error))?;
        if !self.ours(key).await?.iter().any(|one| one.id == made.id) {
            return Err(Failure {
                what: "tailscale made an auth key, but it does not read back".to_owned(),
                advice: String::new(),
                retryable: true,
                retry_after_ms: None,
            });
        }
        let results: Map<String, Value> = [("id".to_owned(), made.id.into())].into_iter().collect();
        Ok(Settled {
            results: [(holder.request_id.clone(), results)].into(),
            hand_over: vec![HandOver { request_id: holder.request_id.clone(), what: "auth key", secret: made.key }],
            ..self.proof(Found::On { until: Some(holder.until) }).into()
        })
    }

    async fn release(&self, key: &Key) -> Result<Settled, Failure> {
        let before = self.ever_ours(key).await?;
        let good: Vec<AuthKey> = before.iter().filter(|one| !one.invalid).cloned().collect();
        self.revoke(&good).await?;
        if !self.ours(key).await?.is_empty() {
            return Err(Failure {
                what: "tailscale took the revocation, but the auth key still reads back as good".to_owned(),
                advice: String::new(),
                retryable: true,
                retry_after_ms: None,
            });
        }
        Ok(self.proof(self.what_came_of_it(&before).await).into())
    }

    /// Devices that may have joined with it. With which key a device joined Tailscale does not say; only that it was since the key was
    /// made, and with its tags. The key is gone in any case: that they could not be read keeps nothing waiting.
    async fn what_came_of_it(&self, keys: &[AuthKey]) -> Found {
        let Some(made_at) = keys.iter().filter_map(|key| key.created_at).min() else { return Found::Gone };
        let Some(tags) = keys.first().map(AuthKey::tags).filter(|tags| !tags.is_empty()) else { return Found::Gone };
        let Some(first) = tags.first() else { return Found::Gone };
        let is_like_it = |device: &Device| {
            // Tailscale's times are whole seconds.
            let is_new = device.created_at.is_some_and(|at| at >= made_at.saturating_sub(made_at.rem_euclid(1_000)));
            is_new && device.tags.len() == tags.len() && device.tags.iter().all(|tag| tags.contains(tag))
        };
        let joined: Vec<String> = match self.tailscale.devices_with(first).await {
            Ok(all) => all.iter().filter(|device| is_like_it(device)).map(named).collect(),
            Err(error) => {
                let (why, _) = error.for_people();
                return Found::GoneBut { what: format!("which devices joined with it could not be read: {why}") };
            }
        };
        if joined.is_empty() {
            return Found::Gone;
        }
        let more = joined.len().saturating_sub(NAMED_MAX);
        let mut named = joined.into_iter().take(NAMED_MAX).collect::<Vec<_>>().join(", ");
        if more > 0 {
            named = format!("{named} and {more} more");
        }
        let what = format!("since it was made joined with its tags: {named} (with which key Tailscale does not say)");
        Found::GoneBut { what }
    }
}

fn named(device: &Device) -> String {
    let leaves = if device.is_ephemeral { " (ephemeral)" } else { "" };
    format!("{}{leaves}", device.short_name())
}

/// By which it is found: the request and the number of its step.
fn description(key: &Key) -> String {
    let words: Vec<&str> = key.address().split(' ').take(2).collect();
    format!("nightlatch {}", words.join("-"))
}

impl Step for AuthKeyStep {
    /// Nothing can have been there before: the key is this request's alone.
    fn observe<'a>(&'a self, _: &'a Key) -> BoxFuture<'a, Result<Value, Failure>> {
        async { put_down(&Known::default()) }.boxed()
    }

    fn settle<'a>(
        &'a self,
        key: &'a Key,
        holders: &'a [Holder],
        before: &'a Before,
    ) -> BoxFuture<'a, Result<Settled, Failure>> {
        async move {
            match holders.first() {
                Some(holder) => self.hold(key, holder, before).await,
                None => {
                    let visit = Self { tailscale: self.tailscale.for_an_end(), clock: self.clock.clone() };
                    visit.release(key).await
                }
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::kept::{self, KINDS};

    #[test]
    fn what_is_known_is_written_and_read_as_the_examples_say() {
        let text = include_str!("../../../../tests/stored/next/before of tailscale.auth_key.json");
        let examples: Value = serde_json::from_str(text).unwrap();
        let replacing = Known { replaced: vec!["kAbC1CNTRL".to_owned()] };
        assert_eq!(put_down(&Known::default()).unwrap(), examples["nothing"]);
        assert_eq!(put_down(&replacing).unwrap(), examples["another one takes its place"]);
        assert_eq!(read_back(&examples["another one takes its place"], Known::default).unwrap(), replacing);
        let first: Value = serde_json::from_str(r#"{"shape":1,"kept":null}"#).unwrap();
        assert_eq!(read_back(&first, || replacing).unwrap(), Known::default());
        assert!(KINDS.contains(&(Known::KIND, kept::shape_of::<Known>())));
    }

    #[test]
    fn a_description_names_the_request_and_fits() {
        let key = Key::new("tailscale.auth_key", "01kjmma2g000000001 12");
        assert_eq!(description(&key), "nightlatch 01kjmma2g000000001-12");
        assert!(description(&key).len() <= 50);
    }
}
