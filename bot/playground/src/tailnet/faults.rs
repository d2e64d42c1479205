//! What can be made to go wrong, per endpoint and for so many calls.

use serde::{Deserialize, Serialize};

/// A call of the API that faults can be set on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Endpoint {
    /// Every call, the token endpoint too.
    Any,
    /// `POST /oauth/token`
    Token,
    /// `GET /tailnet/-/devices`
    Devices,
    /// `GET /device/{id}`
    Device,
    /// `GET /device/{id}/attributes`
    Attributes,
    /// `POST /device/{id}/attributes/{key}`
    SetAttribute,
    /// `DELETE /device/{id}/attributes/{key}`
    DeleteAttribute,
    /// `PATCH /tailnet/-/device-attributes`
    BatchAttributes,
    /// `GET /tailnet/-/users`
    Users,
    /// `GET /users/{id}`
    User,
    /// `GET /tailnet/-/acl`
    Policy,
    /// `POST /tailnet/-/acl`
    SetPolicy,
    /// `POST /tailnet/-/acl/validate`
    ValidatePolicy,
    /// `GET /tailnet/-/keys/{id}`
    Key,
    /// `GET /tailnet/-/keys`
    Keys,
    /// `POST /tailnet/-/keys`
    MakeKey,
    /// `DELETE /tailnet/-/keys/{id}`
    RevokeKey,
    /// `POST /device/{id}/authorized`
    Authorize,
    /// `POST /device/{id}/key`
    KeyExpiry,
    /// `POST /device/{id}/routes`
    Routes,
    /// `POST /device/{id}/tags`
    Tags,
    /// `GET /device/{id}/device-invites`
    Shares,
    /// `POST /device/{id}/device-invites`
    Share,
    /// `DELETE /device-invites/{id}`
    WithdrawShare,
    /// `POST /users/{id}/role`
    Role,
    /// `POST /users/{id}/suspend`
    Suspend,
    /// `POST /users/{id}/delete`
    DeleteUser,
    /// `GET /tailnet/-/user-invites`
    Invites,
    /// `POST /tailnet/-/user-invites`
    Invite,
    /// `DELETE /user-invites/{id}`
    WithdrawInvite,
    /// `GET /tailnet/-/settings`
    Settings,
    /// `GET /tailnet/-/logging/configuration`
    AuditLog,
}

impl Endpoint {
    /// Whether it changes nothing.
    pub(super) fn is_reading(self) -> bool {
        !matches!(
            self,
            Self::Any
                | Self::Token
                | Self::SetAttribute
                | Self::DeleteAttribute
                | Self::BatchAttributes
                | Self::SetPolicy
                | Self::MakeKey
                | Self::RevokeKey
                | Self::Authorize
                | Self::KeyExpiry
                | Self::Routes
                | Self::Tags
                | Self::Share
                | Self::WithdrawShare
                | Self::Role
                | Self::Suspend
                | Self::DeleteUser
                | Self::Invite
                | Self::WithdrawInvite
        )
    }
}

/// Something that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Answers this status, does nothing.
    Status(u16),
    /// Answers 429 with this `Retry-After` (seconds or an HTTP date), does nothing.
    RateLimited(String),
    /// Does nothing and does not answer until the fault is cleared; then 504.
    Hang,
    /// Does it and does not answer until the fault is cleared; then 504.
    HangAfterDoing,
    /// Answers as usual, so many ms of real time later.
    Slow(u64),
    /// Does it, then answers 500.
    LoseReply,
    /// Answers as usual, and has forgotten it the next moment.
    Forget,
    /// Takes the value of an attribute and drops the end it came with; answers as usual.
    DropExpiry,
    /// Answers exactly this, does nothing.
    Answer {
        /// HTTP status.
        status: u16,
        /// Header names and values.
        headers: Vec<(String, String)>,
        /// The body.
        body: String,
    },
}

/// A fault that is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetFault {
    /// What it is set on.
    pub endpoint: Endpoint,
    /// What goes wrong.
    pub fault: Fault,
    /// For how many more calls; nothing means until cleared.
    pub times_left: Option<u32>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Faults {
    pub set: Vec<SetFault>,
    /// Grows whenever faults are cleared; a call that hangs waits for that.
    pub cleared: u64,
}

impl Faults {
    /// The first fault that hits a call of `endpoint`; counts down.
    pub fn take(&mut self, endpoint: Endpoint) -> Option<Fault> {
        let hits = |set: &SetFault| set.endpoint == endpoint || set.endpoint == Endpoint::Any;
        let at = self.set.iter().position(hits)?;
        let set = self.set.get_mut(at)?;
        let fault = set.fault.clone();
        if let Some(left) = &mut set.times_left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.set.remove(at);
            }
        }
        Some(fault)
    }

    /// Ends the faults on `endpoint`; `Any` ends all of them.
    pub fn clear(&mut self, endpoint: Endpoint) {
        self.set.retain(|set| endpoint != Endpoint::Any && set.endpoint != endpoint);
        self.cleared = self.cleared.wrapping_add(1);
    }
}
