//! People of the tailnet and whether they may still act.

use reqwest::Method;
use serde::Deserialize;

use super::devices::lenient_at;
use super::wire::{Call, LIST_LIMIT, LIST_LIMIT_BYTES, OBJECT_LIMIT_BYTES, is_id, refused};
use super::{Tailscale, TailscaleError};

const SCOPE: &str = "users:read";

/// A user of the tailnet, as the API shows it; unknown fields are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// `u...CNTRL`.
    pub id: String,
    /// The login: an e-mail, or `name@github`, `name@passkey`. Compare without case.
    pub login_name: String,
    /// A name for people; never decides anything.
    #[serde(default)]
    pub display_name: String,
    /// Of this tailnet, or of another that shared a device.
    #[serde(rename = "type", default)]
    pub kind: UserKind,
    /// `owner`, `admin`, `it-admin`, `network-admin`, `billing-admin`, `auditor`, `member`.
    #[serde(default)]
    pub role: String,
    /// Whether the user may use the tailnet.
    #[serde(default)]
    pub status: UserStatus,
    /// When they joined, in ms since the epoch, if that is said.
    #[serde(default, rename = "created", deserialize_with = "lenient_at")]
    pub created_at: Option<i64>,
}

/// Whose user it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserKind {
    /// Of this tailnet; also when it is not said, since we only ask for these.
    #[default]
    Member,
    /// Of another tailnet.
    Shared,
    /// A word we do not know.
    #[serde(other)]
    Unknown,
}

/// Whether a user may use the tailnet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserStatus {
    /// Seen within 28 days.
    Active,
    /// Not seen for 28 days; may act all the same.
    Idle,
    /// Shut out by an admin.
    Suspended,
    /// Waits for an admin.
    NeedsApproval,
    /// Shut out until the bill is settled.
    OverBillingLimit,
    /// Not said, or a word we do not know.
    #[default]
    #[serde(other)]
    Unknown,
}

impl User {
    /// A user of this tailnet whom nothing shuts out. A status we do not know counts as shut out.
    pub fn may_act(&self) -> bool {
        self.kind == UserKind::Member && matches!(self.status, UserStatus::Active | UserStatus::Idle)
    }

    /// Whether this is the user with that login; case does not matter.
    pub fn has_login(&self, login: &str) -> bool {
        !login.is_empty() && self.login_name.to_lowercase() == login.to_lowercase()
    }
}

impl Tailscale {
    /// All users of this tailnet that can be read, also suspended ones (look at `may_act`), without those who only shared something in.
    /// May take long. Scope `users:read`.
    ///
    /// # Errors
    /// See `TailscaleError`.
    pub async fn users(&self) -> Result<Vec<User>, TailscaleError> {
        self.list_users("listing users", "type=member").await
    }

    /// The users of this tailnet who have this role, read now. Scope `users:read`.
    ///
    /// # Errors
    /// See `TailscaleError`.
    pub async fn users_in_role(&self, role: &str) -> Result<Vec<User>, TailscaleError> {
        const NAME: &str = "listing users of a role";
        if !role.chars().all(|c| c.is_ascii_lowercase() || c == '-') {
            return Err(refused(NAME, "that is not a role"));
        }
        let mut users = self.list_users(NAME, &format!("type=member&role={role}")).await?;
        users.retain(|user| user.role == role);
        Ok(users)
    }

    async fn list_users(&self, name: &'static str, query: &str) -> Result<Vec<User>, TailscaleError> {
        let mut url = self.tailnet_url(&["users"]);
        url.set_query(Some(query));
        let call = Call {
            name,
            scope: Some(SCOPE),
            method: Method::GET,
            url,
            accept: "application/json",
            body: None,
            limit_bytes: LIST_LIMIT_BYTES,
            limit: Some(LIST_LIMIT),
        };
        self.list(call, "users").await
    }

    /// One user, read now. Scope `users:read`.
    ///
    /// # Errors
    /// `NotFound` if they left the tailnet; see `TailscaleError`.
    pub async fn user(&self, id: &str) -> Result<User, TailscaleError> {
        const NAME: &str = "reading a user";
        if !is_id(id) {
            return Err(refused(NAME, "that is not the id of a user"));
        }
        let call = Call {
            name: NAME,
            scope: Some(SCOPE),
            method: Method::GET,
            url: self.url(&["users", id]),
            accept: "application/json",
            body: None,
            limit_bytes: OBJECT_LIMIT_BYTES,
            limit: None,
        };
        let answer = self.send(call).await?;
        let user: User = answer.json()?;
        // Somebody else's record must never decide about this person.
        if user.id == id { Ok(user) } else { Err(answer.malformed("a record of someone else")) }
    }
}
