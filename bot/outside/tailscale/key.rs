//! Our own credential as Tailscale sees it, to compare its scopes with those we need.

use reqwest::Method;
use serde::Deserialize;

use super::devices::null_as_empty;
use super::wire::{Call, OBJECT_LIMIT_BYTES, is_id, refused};
use super::{Tailscale, TailscaleError};

/// A key or OAuth client, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Key {
    /// The id; an OAuth client's id is its `client_id`.
    pub id: String,
    /// `client`, `federated`, `api` or `auth`.
    #[serde(default)]
    pub key_type: String,
    /// What it may do. Empty for an API key, which may do all its person may.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub scopes: Vec<String>,
    /// Tags it may give to devices.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub tags: Vec<String>,
}

impl Key {
    /// Whether it has `scope`; writing includes reading, and `all` includes everything.
    pub fn has_scope(&self, scope: &str) -> bool {
        let write = scope.strip_suffix(":read");
        self.scopes
            .iter()
            .any(|held| held == scope || held == "all" || write.is_some_and(|it| held == it || held == "all:read"))
    }
}

impl Tailscale {
    /// A key by its id. Every credential may read its own without any scope.
    ///
    /// # Errors
    /// See `TailscaleError`.
    pub async fn own_key(&self, id: &str) -> Result<Key, TailscaleError> {
        const NAME: &str = "reading our own key";
        if !is_id(id) {
            return Err(refused(NAME, "that is not the id of a key"));
        }
        let answer = self
            .send(Call {
                name: NAME,
                scope: None,
                method: Method::GET,
                url: self.tailnet_url(&["keys", id]),
                accept: "application/json",
                body: None,
                limit_bytes: OBJECT_LIMIT_BYTES,
                limit: None,
            })
            .await?;
        answer.json()
    }
}
