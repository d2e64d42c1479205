//! Invitations into the tailnet by e-mail: only a person's own API key may send them.

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::wire::{Call, LIST_LIMIT_BYTES, OBJECT_LIMIT_BYTES, is_id, refused};
use super::{Credential, Tailscale, TailscaleError};

/// An invitation that nobody accepted so far. Its address, which lets in whoever has it, is not read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invite {
    /// Its id.
    pub id: String,
    /// Where it was sent; empty if nowhere.
    #[serde(default)]
    pub email: String,
    /// What whoever accepts it becomes.
    #[serde(default)]
    pub role: String,
}

impl Tailscale {
    /// Whether we are known by a person's API key, and not as an OAuth client.
    pub fn is_a_person(&self) -> bool {
        matches!(self.inner.settings.credential, Credential::ApiKey(_))
    }

    /// Every invitation that is open.
    ///
    /// # Errors
    /// See `TailscaleError`.
    pub async fn invites(&self) -> Result<Vec<Invite>, TailscaleError> {
        let call = Call {
            name: "listing invitations",
            scope: None,
            method: Method::GET,
            url: self.tailnet_url(&["user-invites"]),
            accept: "application/json",
            body: None,
            limit_bytes: LIST_LIMIT_BYTES,
            limit: None,
        };
        let answer = self.send(call).await?;
        Ok(answer.json::<Option<Vec<Invite>>>()?.unwrap_or_default())
    }

    /// Invites somebody by e-mail.
    ///
    /// # Errors
    /// See `TailscaleError`.
    pub async fn invite(&self, email: &str, role: &str) -> Result<Invite, TailscaleError> {
        let call = Call {
            name: "inviting somebody",
            scope: None,
            method: Method::POST,
            url: self.tailnet_url(&["user-invites"]),
            accept: "application/json",
            body: Some(json!([{ "email": email, "role": role }])),
            limit_bytes: OBJECT_LIMIT_BYTES,
            limit: None,
        };
        let answer = self.send(call).await?;
        let mut made: Vec<Invite> = answer.json()?;
        match (made.pop(), made.is_empty()) {
            (Some(one), true) => Ok(one),
            _ => Err(answer.malformed("not one invitation")),
        }
    }

    /// Withdraws an invitation. Not being there is success.
    ///
    /// # Errors
    /// See `TailscaleError`.
    pub async fn withdraw_invite(&self, id: &str) -> Result<(), TailscaleError> {
        const NAME: &str = "withdrawing an invitation";
        if !is_id(id) {
            return Err(refused(NAME, "that is not the id of an invitation"));
        }
        let call = Call {
            name: NAME,
            scope: None,
            method: Method::DELETE,
            url: self.url(&["user-invites", id]),
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
