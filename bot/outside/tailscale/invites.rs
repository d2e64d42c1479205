//! Invitations by e-mail, into the tailnet or to one device of it: only a person's own API key may send them.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::wire::{Answer, Call, LIST_LIMIT_BYTES, OBJECT_LIMIT_BYTES, is_id, refused};
use super::{Credential, Tailscale, TailscaleError};

/// What somebody is invited to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitedTo<'a> {
    /// The tailnet, as a user of it.
    Tailnet,
    /// One device of it, as somebody of another tailnet.
    Device(&'a str),
}

/// An invitation. Its address, which lets in whoever has it, is not read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invite {
    /// Its id.
    pub id: String,
    /// Where it was sent; empty if nowhere.
    #[serde(default)]
    pub email: String,
    /// Whether somebody accepted it. Those into the tailnet are listed only until then.
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

impl Invite {
    /// Whether it was sent there.
    pub fn is_to(&self, email: &str) -> bool {
        self.email.eq_ignore_ascii_case(email)
    }

    /// Whoever accepted it, for people.
    pub fn whose(&self) -> &str {
        let login = self.accepted_by.as_ref().map(|by| by.login_name.as_str()).filter(|login| !login.is_empty());
        login.unwrap_or(&self.email)
    }
}

/// What these calls are called in logs and sentences.
struct Names {
    listing: &'static str,
    sending: &'static str,
    withdrawing: &'static str,
    /// The collection in addresses.
    path: &'static str,
}

impl InvitedTo<'_> {
    const fn names(self) -> Names {
        match self {
            Self::Tailnet => Names {
                listing: "listing invitations",
                sending: "inviting somebody",
                withdrawing: "withdrawing an invitation",
                path: "user-invites",
            },
            Self::Device(_) => Names {
                listing: "listing invitations to a device",
                sending: "sharing a device",
                withdrawing: "withdrawing an invitation to a device",
                path: "device-invites",
            },
        }
    }
}

impl Tailscale {
    /// Whether we are known by a person's API key, and not as an OAuth client.
    pub fn is_a_person(&self) -> bool {
        matches!(self.inner.settings.credential, Credential::ApiKey(_))
    }

    /// Every invitation to that.
    ///
    /// # Errors
    /// `NotFound` if the device left the tailnet; see `TailscaleError`.
    pub async fn invites(&self, to: InvitedTo<'_>) -> Result<Vec<Invite>, TailscaleError> {
        let answer = self.about_invites(to, to.names().listing, None).await?;
        Ok(answer.json::<Option<Vec<Invite>>>()?.unwrap_or_default())
    }

    /// Invites somebody by e-mail into the tailnet.
    ///
    /// # Errors
    /// See `TailscaleError`.
    pub async fn invite(&self, email: &str, role: &str) -> Result<Invite, TailscaleError> {
        self.send_invite(InvitedTo::Tailnet, json!([{ "email": email, "role": role }])).await
    }

    /// Invites somebody by e-mail to a device, once and not as an exit node.
    ///
    /// # Errors
    /// See `TailscaleError`.
    pub async fn invite_to_device(&self, node_id: &str, email: &str) -> Result<Invite, TailscaleError> {
        let body = json!([{ "multiUse": false, "allowExitNode": false, "email": email }]);
        self.send_invite(InvitedTo::Device(node_id), body).await
    }

    /// Withdraws an invitation. Not being there is success.
    ///
    /// # Errors
    /// See `TailscaleError`.
    pub async fn withdraw_invite(&self, to: InvitedTo<'_>, id: &str) -> Result<(), TailscaleError> {
        let Names { withdrawing, path, .. } = to.names();
        if !is_id(id) {
            return Err(refused(withdrawing, "that is not the id of an invitation"));
        }
        let call = Call {
            name: withdrawing,
            scope: None,
            method: Method::DELETE,
            url: self.url(&[path, id]),
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

    async fn send_invite(&self, to: InvitedTo<'_>, body: Value) -> Result<Invite, TailscaleError> {
        let answer = self.about_invites(to, to.names().sending, Some(body)).await?;
        let mut made: Vec<Invite> = answer.json()?;
        match (made.pop(), made.is_empty()) {
            (Some(one), true) => Ok(one),
            _ => Err(answer.malformed("not one invitation")),
        }
    }

    /// Reads them, or makes one.
    async fn about_invites(
        &self,
        to: InvitedTo<'_>,
        name: &'static str,
        body: Option<Value>,
    ) -> Result<Answer, TailscaleError> {
        let path = to.names().path;
        let url = match to {
            InvitedTo::Tailnet => self.tailnet_url(&[path]),
            InvitedTo::Device(node_id) if is_id(node_id) => self.url(&["device", node_id, path]),
            InvitedTo::Device(_) => return Err(refused(name, "that is not the id of a device")),
        };
        let (method, limit_bytes) = match &body {
            None => (Method::GET, LIST_LIMIT_BYTES),
            Some(_) => (Method::POST, OBJECT_LIMIT_BYTES),
        };
        let accept = "application/json";
        self.send(Call { name, scope: None, method, url, accept, body, limit_bytes, limit: None }).await
    }
}
