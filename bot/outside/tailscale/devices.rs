//! Devices of the tailnet and whose they are.

use reqwest::Method;
use serde::{Deserialize, Deserializer};

use super::wire::{Call, LIST_LIMIT, LIST_LIMIT_BYTES, OBJECT_LIMIT_BYTES, at_ms, is_id, refused};
use super::{Tailscale, TailscaleError};

const SCOPE: &str = "devices:core:read";

/// A machine in the tailnet, as the API shows it; unknown fields are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// `n...CNTRL`; the id to remember. A machine that registers anew may get another one.
    pub node_id: String,
    /// The login that registered it. On a tagged device that is not an owner.
    #[serde(default)]
    pub user: String,
    /// Full DNS name without the last dot; people may change it.
    #[serde(default)]
    pub name: String,
    /// What the machine calls itself.
    #[serde(default)]
    pub hostname: String,
    /// As shown to people: `macOS`, `linux`, `windows`, `iOS`.
    #[serde(default)]
    pub os: String,
    /// Tags such as `tag:prod-db`; empty for people's devices.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub tags: Vec<String>,
    /// Its addresses in the tailnet.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub addresses: Vec<String>,
    /// Shared in from another tailnet: readable, but its attributes cannot be written.
    #[serde(default)]
    pub is_external: bool,
    /// Whether it leaves the tailnet by itself when it is gone for a while.
    #[serde(default)]
    pub is_ephemeral: bool,
    /// Whether it is connected now.
    #[serde(default)]
    pub connected_to_control: bool,
    /// When it was last seen, in ms since the epoch; nothing while it is connected or when it never was.
    #[serde(default, rename = "lastSeen", deserialize_with = "lenient_at")]
    pub last_seen_at: Option<i64>,
    /// When it joined, in ms since the epoch; nothing for devices shared in.
    #[serde(default, rename = "created", deserialize_with = "lenient_at")]
    pub created_at: Option<i64>,
}

/// Why a device is not somebody's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotOwned {
    /// A tagged device belongs to its tags, whoever registered it.
    #[error("the device is tagged, so it belongs to no person")]
    Tagged,
    /// From another tailnet.
    #[error("the device is shared in from another tailnet")]
    SharedIn,
    /// Registered by another login.
    #[error("the device belongs to somebody else")]
    SomebodyElses,
    /// It carries none of the tags it must carry one of.
    #[error("the device does not carry the tag it must have")]
    OtherTags,
}

impl Device {
    /// Whether the device is `login`'s own: untagged, of this tailnet, registered by that login (case does not matter).
    ///
    /// # Errors
    /// The first reason why not.
    pub fn is_owned_by(&self, login: &str) -> Result<(), NotOwned> {
        if !self.tags.is_empty() {
            Err(NotOwned::Tagged)
        } else if self.is_external {
            Err(NotOwned::SharedIn)
        } else if login.is_empty() || self.user.to_lowercase() != login.to_lowercase() {
            Err(NotOwned::SomebodyElses)
        } else {
            Ok(())
        }
    }

    /// Whether the device is of this tailnet and carries one of these tags: then it is nobody's own.
    ///
    /// # Errors
    /// The first reason why not.
    pub fn is_tagged(&self, tags: &[String]) -> Result<(), NotOwned> {
        if self.is_external {
            Err(NotOwned::SharedIn)
        } else if !self.tags.iter().any(|tag| tags.contains(tag)) {
            Err(NotOwned::OtherTags)
        } else {
            Ok(())
        }
    }

    /// The first part of the DNS name, which is what people call the device; its host name if it has none.
    pub fn short_name(&self) -> &str {
        match self.name.split('.').next() {
            Some(first) if !first.is_empty() => first,
            _ => &self.hostname,
        }
    }
}

impl Tailscale {
    /// All devices of the tailnet that can be read, those shared in too. May take long. Scope `devices:core:read`.
    ///
    /// # Errors
    /// See `TailscaleError`.
    pub async fn devices(&self) -> Result<Vec<Device>, TailscaleError> {
        let call = Call {
            name: "listing devices",
            scope: Some(SCOPE),
            method: Method::GET,
            url: self.tailnet_url(&["devices"]),
            accept: "application/json",
            body: None,
            limit_bytes: LIST_LIMIT_BYTES,
            limit: Some(LIST_LIMIT),
        };
        self.list(call, "devices").await
    }

    /// Every device that carries this tag. Scope `devices:core:read`.
    ///
    /// # Errors
    /// See `TailscaleError`.
    pub async fn devices_with(&self, tag: &str) -> Result<Vec<Device>, TailscaleError> {
        let mut url = self.tailnet_url(&["devices"]);
        url.query_pairs_mut().append_pair("tags", tag);
        let call = Call {
            name: "listing devices with a tag",
            scope: Some(SCOPE),
            method: Method::GET,
            url,
            accept: "application/json",
            body: None,
            limit_bytes: LIST_LIMIT_BYTES,
            limit: Some(LIST_LIMIT),
        };
        let all: Vec<Device> = self.list(call, "devices").await?;
        // A far side that does not know the filter lists them all.
        Ok(all.into_iter().filter(|device| device.tags.iter().any(|one| one == tag)).collect())
    }

    /// One device, read now. Scope `devices:core:read`.
    ///
    /// # Errors
    /// `NotFound` if it left the tailnet; see `TailscaleError`.
    pub async fn device(&self, node_id: &str) -> Result<Device, TailscaleError> {
        const NAME: &str = "reading a device";
        if !is_id(node_id) {
            return Err(refused(NAME, "that is not the id of a device"));
        }
        let answer = self
            .send(Call {
                name: NAME,
                scope: Some(SCOPE),
                method: Method::GET,
                url: self.url(&["device", node_id]),
                accept: "application/json",
                body: None,
                limit_bytes: OBJECT_LIMIT_BYTES,
                limit: None,
            })
            .await?;
        answer.json()
    }
}

/// Go prints an empty list as `null`.
pub(super) fn null_as_empty<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::<Vec<T>>::deserialize(from)?.unwrap_or_default())
}

/// A time that is only shown: what cannot be read is left out.
pub(super) fn lenient_at<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.as_deref().and_then(at_ms))
}
