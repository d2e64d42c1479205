//! Invitations that share a device with somebody of another tailnet: only a person's own API key may send them.

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::devices::lenient_at;
use super::wire::{Call, LIST_LIMIT_BYTES, OBJECT_LIMIT_BYTES, is_id, refused};
use super::{Tailscale, TailscaleError};

/// An invitation to a device, open or accepted. Its address, which lets in whoever has it, is not read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceInvite {
    /// Its id.
    pub id: String,
    /// Where it was sent; empty if nowhere.
    #[serde(default)]
    pub email: String,
    /// When it was made, in ms since the epoch.
    #[serde(default, rename = "created", deserialize_with = "lenient_at")]
    pub created_at: Option<i64>,
    /// Whether somebody accepted it.
    #[serde(default)]
    pub accepted: bool,
    /// Who did.
    #[serde(default)]
    pub accepted_by: Option<AcceptedBy>,
}

/// Somebody of another tailnet.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AcceptedBy {
    /// Their login.
    #[serde(default)]
    pub login_name: String,
}

impl DeviceInvite {
    /// Whoever accepted it, for people.
    pub fn whose(&self) -> &str {
        let login = self.accepted_by.as_ref().map(|by| by.login_name.as_str()).filter(|login| !login.is_empty());
        login.unwrap_or(&self.email)
    }
}

impl Tailscale {
    /// Every invitation to a device.
    ///
    /// # Errors
    /// `NotFound` if the device left the tailnet; see `TailscaleError`.
    pub async fn device_invites(&self, node_id: &str) -> Result<Vec<DeviceInvite>, TailscaleError> {
        const NAME: &str = "listing invitations to a device";
        if !is_id(node_id) {
            return Err(refused(NAME, "that is not the id of a device"));
        }
        let call = Call {
            name: NAME,
            scope: None,
            method: Method::GET,
            url: self.url(&["device", node_id, "device-invites"]),
            accept: "application/json",
            body: None,
            limit_bytes: LIST_LIMIT_BYTES,
            limit: None,
        };
        let answer = self.send(call).await?;
        Ok(answer.json::<Option<Vec<DeviceInvite>>>()?.unwrap_or_default())
    }

    /// Invites somebody by e-mail to a device, once and not as an exit node. What came of it is read afterwards.
    ///
    /// # Errors
    /// See `TailscaleError`.
    pub async fn invite_to_device(&self, node_id: &str, email: &str) -> Result<(), TailscaleError> {
        const NAME: &str = "sharing a device";
        if !is_id(node_id) {
            return Err(refused(NAME, "that is not the id of a device"));
        }
        let call = Call {
            name: NAME,
            scope: None,
            method: Method::POST,
            url: self.url(&["device", node_id, "device-invites"]),
            accept: "application/json",
            body: Some(json!([{ "multiUse": false, "allowExitNode": false, "email": email }])),
            limit_bytes: OBJECT_LIMIT_BYTES,
            limit: None,
        };
        self.send(call).await.map(drop)
    }

    /// Deletes an invitation to a device. Not being there is success.
    ///
    /// # Errors
    /// See `TailscaleError`.
    pub async fn delete_device_invite(&self, id: &str) -> Result<(), TailscaleError> {
        const NAME: &str = "withdrawing an invitation to a device";
        if !is_id(id) {
            return Err(refused(NAME, "that is not the id of an invitation"));
        }
        let call = Call {
            name: NAME,
            scope: None,
            method: Method::DELETE,
            url: self.url(&["device-invites", id]),
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
