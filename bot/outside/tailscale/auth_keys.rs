//! Auth keys: made with the secret told once, found again by their description, revoked.

use reqwest::Method;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use super::devices::{lenient_at, null_as_empty};
use super::wire::{Call, LIST_LIMIT_BYTES, OBJECT_LIMIT_BYTES, is_id, refused};
use super::{Tailscale, TailscaleError};

const SCOPE: &str = "auth_keys";
/// Of a description: letters, digits, dashes and spaces.
const DESCRIPTION_MAX: usize = 50;

/// What a new auth key is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAuthKey {
    /// By which it is found again; at most 50 letters, digits, `-` and spaces.
    pub description: String,
    /// Of the devices that join with it.
    pub tags: Vec<String>,
    /// Devices that joined with it leave when they are gone for a while.
    pub ephemeral: bool,
    /// Devices that join with it need no approval.
    pub preauthorized: bool,
    /// More than one device may join with it.
    pub reusable: bool,
    /// How long it is good, in seconds.
    pub expiry_seconds: i64,
}

/// One that was just made. Debug shows no secret.
#[derive(Debug)]
pub struct MadeAuthKey {
    /// Its id.
    pub id: String,
    /// What a device joins with; told only now.
    pub key: SecretString,
}

/// One as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthKey {
    /// Its id.
    pub id: String,
    /// As it was given.
    #[serde(default)]
    pub description: String,
    /// When it is good no more.
    #[serde(default)]
    pub expires: Option<jiff::Timestamp>,
    /// Revoked or used up; it is listed for a while all the same.
    #[serde(default)]
    pub invalid: bool,
    /// When it was made, in ms since the epoch, if that is told.
    #[serde(default, rename = "created", deserialize_with = "lenient_at")]
    pub created_at: Option<i64>,
    /// What it makes of devices.
    #[serde(default)]
    pub capabilities: Capabilities,
}

/// What devices become that join with a key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Capabilities {
    /// Of devices.
    #[serde(default)]
    pub devices: OfDevices,
}

/// The same, one level further in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct OfDevices {
    /// Of new ones.
    #[serde(default)]
    pub create: OfNewDevices,
}

/// What new devices become.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct OfNewDevices {
    /// The tags they get.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub tags: Vec<String>,
}

impl AuthKey {
    /// The tags of devices that join with it.
    pub fn tags(&self) -> &[String] {
        &self.capabilities.devices.create.tags
    }
}

impl Tailscale {
    /// Makes an auth key. An OAuth client must give it tags that it owns. Scope `auth_keys`.
    ///
    /// # Errors
    /// `Rejected` for tags that are not its own; see `TailscaleError`.
    pub async fn make_auth_key(&self, new: &NewAuthKey) -> Result<MadeAuthKey, TailscaleError> {
        #[derive(Deserialize)]
        struct Wire {
            id: String,
            key: SecretString,
        }
        const NAME: &str = "making an auth key";
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == ' ';
        if new.description.len() > DESCRIPTION_MAX || !new.description.chars().all(is_plain) {
            return Err(refused(
                NAME,
                "its description is too long, or has other signs than letters, digits and dashes",
            ));
        }
        let create = json!({
            "reusable": new.reusable, "ephemeral": new.ephemeral, "preauthorized": new.preauthorized, "tags": new.tags,
        });
        let body = json!({
            "keyType": "auth",
            "description": new.description,
            "expirySeconds": new.expiry_seconds,
            "capabilities": { "devices": { "create": create } },
        });
        let answer = self
            .send(Call {
                name: NAME,
                scope: Some(SCOPE),
                method: Method::POST,
                url: self.tailnet_url(&["keys"]),
                accept: "application/json",
                body: Some(body),
                limit_bytes: OBJECT_LIMIT_BYTES,
                limit: None,
            })
            .await?;
        let Wire { id, key } = answer.json()?;
        Ok(MadeAuthKey { id, key })
    }

    /// Every auth key that is listed, also those that are not good any more, with its description. Scope `auth_keys:read`.
    ///
    /// # Errors
    /// See `TailscaleError`.
    pub async fn auth_keys(&self) -> Result<Vec<AuthKey>, TailscaleError> {
        #[derive(Deserialize)]
        struct Wire {
            #[serde(default)]
            keys: Vec<AuthKey>,
        }
        let mut url = self.tailnet_url(&["keys"]);
        url.set_query(Some("all=true"));
        let answer = self
            .send(Call {
                name: "listing keys",
                scope: Some("auth_keys:read"),
                method: Method::GET,
                url,
                accept: "application/json",
                body: None,
                limit_bytes: LIST_LIMIT_BYTES,
                limit: None,
            })
            .await?;
        let wire: Wire = answer.json()?;
        Ok(wire.keys)
    }

    /// Revokes an auth key. Not being there is success. Scope `auth_keys`.
    ///
    /// # Errors
    /// See `TailscaleError`.
    pub async fn revoke_auth_key(&self, id: &str) -> Result<(), TailscaleError> {
        const NAME: &str = "revoking an auth key";
        if !is_id(id) {
            return Err(refused(NAME, "that is not the id of a key"));
        }
        let call = Call {
            name: NAME,
            scope: Some(SCOPE),
            method: Method::DELETE,
            url: self.tailnet_url(&["keys", id]),
            accept: "application/json",
            body: None,
            limit_bytes: OBJECT_LIMIT_BYTES,
            limit: None,
        };
        match self.send(call).await {
            Ok(_) | Err(TailscaleError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
