//! Changing what people and devices of the tailnet may: roles, approval, routes, key expiry.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::devices::null_as_empty;
use super::wire::{Call, OBJECT_LIMIT_BYTES, is_id, refused};
use super::{Tailscale, TailscaleError};

/// What of a device can be changed, as it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceSettings {
    /// Whether it may be in the tailnet.
    #[serde(default)]
    pub authorized: bool,
    /// Whether its key never expires.
    #[serde(default)]
    pub key_expiry_disabled: bool,
    /// Whom it belongs to instead of a person; empty: a person.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub tags: Vec<String>,
    /// Which routes are on, advertised or not.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub enabled_routes: Vec<String>,
}

impl Tailscale {
    /// What of a device can be changed, read now. Scope `devices:core:read`.
    ///
    /// # Errors
    /// `NotFound` if it left the tailnet; see `TailscaleError`.
    pub async fn device_settings(&self, node_id: &str) -> Result<DeviceSettings, TailscaleError> {
        const NAME: &str = "reading a device";
        if !is_id(node_id) {
            return Err(refused(NAME, "that is not the id of a device"));
        }
        let mut url = self.url(&["device", node_id]);
        url.set_query(Some("fields=all"));
        let call = Call {
            name: NAME,
            scope: Some("devices:core:read"),
            method: Method::GET,
            url,
            accept: "application/json",
            body: None,
            limit_bytes: OBJECT_LIMIT_BYTES,
            limit: None,
        };
        self.send(call).await?.json()
    }

    /// Lets a device into the tailnet, or out of it. Scope `devices:core`.
    ///
    /// # Errors
    /// See `TailscaleError`.
    pub async fn set_authorized(&self, node_id: &str, authorized: bool) -> Result<(), TailscaleError> {
        let body = json!({ "authorized": authorized });
        self.change_device(("approving a device", "devices:core"), node_id, "authorized", body).await
    }

    /// Whether a device's key never expires. Scope `devices:core`.
    ///
    /// # Errors
    /// See `TailscaleError`.
    pub async fn set_key_expiry_disabled(&self, node_id: &str, disabled: bool) -> Result<(), TailscaleError> {
        let body = json!({ "keyExpiryDisabled": disabled });
        self.change_device(("changing a device's key expiry", "devices:core"), node_id, "key", body).await
    }

    /// Exactly these routes of a device are on. Scope `devices:routes`.
    ///
    /// # Errors
    /// See `TailscaleError`.
    pub async fn set_routes(&self, node_id: &str, routes: &Value) -> Result<(), TailscaleError> {
        let body = json!({ "routes": routes });
        self.change_device(("setting a device's routes", "devices:routes"), node_id, "routes", body).await
    }

    /// Exactly these tags are a device's. An OAuth client may give only tags that it owns. Scope `devices:core`.
    ///
    /// # Errors
    /// `Rejected` for tags that are not its own, and for none; see `TailscaleError`.
    pub async fn set_tags(&self, node_id: &str, tags: &Value) -> Result<(), TailscaleError> {
        let body = json!({ "tags": tags });
        self.change_device(("setting a device's tags", "devices:core"), node_id, "tags", body).await
    }

    /// Gives a user this role. Scope `users`.
    ///
    /// # Errors
    /// See `TailscaleError`.
    pub async fn set_role(&self, user_id: &str, role: &str) -> Result<(), TailscaleError> {
        self.change_user("changing a role", user_id, "role", Some(json!({ "role": role }))).await
    }

    /// Shuts a user out of the tailnet. Scope `users`.
    ///
    /// # Errors
    /// See `TailscaleError`.
    pub async fn suspend_user(&self, user_id: &str) -> Result<(), TailscaleError> {
        self.change_user("suspending a user", user_id, "suspend", None).await
    }

    /// Removes a user and their devices from the tailnet. Not being there is success. Scope `users`.
    ///
    /// # Errors
    /// See `TailscaleError`.
    pub async fn delete_user(&self, user_id: &str) -> Result<(), TailscaleError> {
        match self.change_user("deleting a user", user_id, "delete", None).await {
            Err(TailscaleError::NotFound(_)) => Ok(()),
            done => done,
        }
    }

    async fn change_device(
        &self,
        (name, scope): (&'static str, &'static str),
        node_id: &str,
        what: &str,
        body: Value,
    ) -> Result<(), TailscaleError> {
        if !is_id(node_id) {
            return Err(refused(name, "that is not the id of a device"));
        }
        self.change((name, scope), self.url(&["device", node_id, what]), Some(body)).await
    }

    async fn change_user(
        &self,
        name: &'static str,
        user_id: &str,
        what: &str,
        body: Option<Value>,
    ) -> Result<(), TailscaleError> {
        if !is_id(user_id) {
            return Err(refused(name, "that is not the id of a user"));
        }
        self.change((name, "users"), self.url(&["users", user_id, what]), body).await
    }

    /// What it answers beside its status says nothing: it is read back.
    async fn change(
        &self,
        (name, scope): (&'static str, &'static str),
        url: Url,
        body: Option<Value>,
    ) -> Result<(), TailscaleError> {
        let call = Call {
            name,
            scope: Some(scope),
            method: Method::POST,
            url,
            accept: "application/json",
            body,
            limit_bytes: OBJECT_LIMIT_BYTES,
            limit: None,
        };
        self.send(call).await.map(drop)
    }
}
