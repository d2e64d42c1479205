//! Holding settings of a device: what they were is remembered, and what Tailscale says is read back.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{CHANGED, network};
use crate::clock::Clock;
use crate::kernel::kept::{Kept, Raise};
use crate::kernel::{Failure, Key};
use crate::outside::tailscale::{Tailscale, TailscaleError};
use crate::steps::memory::{put_down, read_back};
use crate::steps::tailscale::changing::{Changing, State, Thing};
use crate::steps::tailscale::{check_device, failure, refusal};
use crate::steps::{Before, Holder, Settled, Step};

/// The step type.
pub struct DeviceStep(Changing<DeviceSettings>);

/// What it was before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
struct Was(State);

impl Kept for Was {
    const KIND: &'static str = "before of tailscale.device";
    const RAISES: &'static [Raise] = &[];
}

struct DeviceSettings;

/// In one order and one spelling, so that the same routes or tags are the same.
fn sorted(routes: impl Iterator<Item = String>) -> Value {
    let mut routes: Vec<String> = routes.map(|route| network(&route).unwrap_or(route)).collect();
    routes.sort();
    routes.dedup();
    routes.into()
}

impl Thing for DeviceSettings {
    fn read<'a>(
        &'a self,
        tailnet: &'a Tailscale,
        address: &'a str,
    ) -> BoxFuture<'a, Result<Option<State>, TailscaleError>> {
        async move {
            let now = match tailnet.device_settings(address).await {
                Ok(now) => now,
                Err(TailscaleError::NotFound(_)) => return Ok(None),
                Err(error) => return Err(error),
            };
            let state = json!({
                "authorized": now.authorized,
                "key_expiry_disabled": now.key_expiry_disabled,
                "tags": sorted(now.tags.into_iter()),
                "routes": sorted(now.enabled_routes.into_iter()),
            });
            Ok(state.as_object().cloned())
        }
        .boxed()
    }

    fn set<'a>(
        &'a self,
        tailnet: &'a Tailscale,
        address: &'a str,
        name: &'a str,
        value: &'a Value,
    ) -> BoxFuture<'a, Result<(), TailscaleError>> {
        async move {
            match name {
                "authorized" => tailnet.set_authorized(address, value == &Value::Bool(true)).await,
                "key_expiry_disabled" => tailnet.set_key_expiry_disabled(address, value == &Value::Bool(true)).await,
                "tags" => tailnet.set_tags(address, value).await,
                _ => tailnet.set_routes(address, value).await,
            }
        }
        .boxed()
    }

    fn check<'a>(
        &'a self,
        tailnet: &'a Tailscale,
        address: &'a str,
        holders: &'a [Holder],
        first: &'a State,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        async move {
            let wants_tags = holders.iter().any(|holder| holder.with.contains_key("tags"));
            let before = texts(first.get("tags"));
            // What we gave it already is no reason why it may not have it: it is judged by the tags it had.
            let had: &[String] = if wants_tags { &before } else { &[] };
            check_device(tailnet, address, holders, had).await?;
            if wants_tags { can_put_back(tailnet, address, &before).await } else { Ok(()) }
        }
        .boxed()
    }

    fn wanted(&self, with: &Map<String, Value>) -> State {
        let known = with.iter().filter(|(name, _)| CHANGED.contains(&name.as_str()));
        let one = |(name, value): (&String, &Value)| {
            let value = match value.as_array() {
                Some(list) => sorted(list.iter().filter_map(Value::as_str).map(str::to_owned)),
                None => value.clone(),
            };
            (name.clone(), value)
        };
        known.map(one).collect()
    }
}

/// Whether we may give a device the tags it had: they are given once before others are. What cannot be put back is not changed.
async fn can_put_back(tailnet: &Tailscale, node_id: &str, before: &[String]) -> Result<(), Failure> {
    if before.is_empty() {
        let what = "the device has no tags, and one that gets some can never be without again".to_owned();
        return Err(refusal(what, "choose a device that has tags"));
    }
    let now = tailnet.device_settings(node_id).await.map_err(|error| failure(&error))?;
    if sorted(now.tags.into_iter()) != sorted(before.iter().cloned()) {
        // Ours already, or somebody else's: both are seen when it is read.
        return Ok(());
    }
    match tailnet.set_tags(node_id, &before.to_vec().into()).await {
        Err(error @ TailscaleError::Rejected(_)) => {
            let why = error.for_people().0;
            let what = format!("its tags could not be put back afterwards ({}): {why}", before.join(", "));
            Err(refusal(what, "let the bot's OAuth client own these tags (tagOwners), then ask again"))
        }
        Err(error) if !error.may_have_happened() => Err(failure(&error)),
        _ => Ok(()),
    }
}

fn texts(list: Option<&Value>) -> Vec<String> {
    let list = list.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

impl DeviceStep {
    /// The step type over this tailnet.
    pub fn new(tailscale: Tailscale, clock: Clock) -> Self {
        Self(Changing::new(tailscale, clock, DeviceSettings))
    }
}

impl Step for DeviceStep {
    fn observe<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Value, Failure>> {
        async move {
            let was = Was(self.0.observe(key.address()).await?);
            put_down(&was)
        }
        .boxed()
    }

    fn settle<'a>(
        &'a self,
        key: &'a Key,
        holders: &'a [Holder],
        before: &'a Before,
    ) -> BoxFuture<'a, Result<Settled, Failure>> {
        async move {
            let was = stored(&before.found)?;
            self.0.settle(key.address(), holders, before, &was.0).await.map(Settled::from)
        }
        .boxed()
    }
}

fn stored(found: &Value) -> Result<Was, Failure> {
    read_back(found, || Was(State::new()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::kept::{self, KINDS};

    #[test]
    fn what_was_there_is_written_as_the_examples_say() {
        let text = include_str!("../../../../tests/stored/next/before of tailscale.device.json");
        let examples: Map<String, Value> = serde_json::from_str(text).unwrap();
        let was = json!({ "authorized": true, "key_expiry_disabled": false, "routes": ["10.0.0.0/16"] });
        let was = Was(was.as_object().cloned().unwrap());
        for (name, was) in [("settings", was), ("no device", Was(State::new()))] {
            assert_eq!(kept::to_value(&was).unwrap(), examples[name]);
            assert_eq!(stored(&examples[name]).unwrap(), was);
        }
        assert!(KINDS.contains(&(Was::KIND, kept::shape_of::<Was>())));
    }

    #[test]
    fn the_same_routes_are_the_same_however_they_are_written() {
        let with = json!({ "routes": ["10.1.0.0/16", "FD7A::/16", "10.0.0.0/16", "10.1.0.0/16"], "authorized": true, "device": "n1" });
        let wanted = DeviceSettings.wanted(with.as_object().unwrap());
        assert_eq!(
            Value::Object(wanted),
            json!({ "routes": ["10.0.0.0/16", "10.1.0.0/16", "fd7a::/16"], "authorized": true })
        );
    }
}
