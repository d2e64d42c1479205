//! The Tailscale API v2 client: one struct, about ten calls, each limited in time and size and never redirected.
//!
//! Facts with their sources are in Tailscale's OpenAPI document and its guides on OAuth clients and device posture.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::net::{Client, Net};
use crate::clock::{Clock, Stamp};
use crate::planted::{Fault, is_planted};

mod attributes;
mod auth_keys;
mod changes;
mod configuration_log;
mod devices;
mod error;
mod invites;
mod key;
mod noting;
mod pace;
mod policy;
mod rate;
mod records;
mod refusal;
mod shared;
mod token;
mod users;
mod wire;

pub use attributes::{Attributes, Deletion};
pub use auth_keys::{AuthKey, MadeAuthKey, NewAuthKey};
pub use changes::DeviceSettings;
pub use configuration_log::Changed;
pub use devices::{Device, NotOwned};
pub use error::{Said, TailscaleError};
pub use invites::{Invite, InvitedTo};
pub use key::Key;
pub use policy::{PolicyFile, PolicyText, Replaced, Verdict};
pub use users::{User, UserKind, UserStatus};

use pace::{Pace, Turn};
use records::Odd;
use shared::Shared;
use token::Token;

/// How the bot proves to Tailscale who it is. Debug shows no secret.
#[derive(Clone, Debug)]
pub enum Credential {
    /// An OAuth client: gives tokens of one hour with the scopes chosen in the admin console. The better choice.
    ClientCredentials {
        /// The client's id, not secret.
        client_id: String,
        /// The client's secret (`tskey-client-...`).
        secret: SecretString,
    },
    /// An API access token (`tskey-api-...`) of a person: all of that person's rights, gone when the person is.
    ApiKey(SecretString),
}

/// Where Tailscale is and who we are there.
#[derive(Clone, Debug)]
pub struct TailscaleSettings {
    /// Without `/api/v2`; `https://api.tailscale.com` for the real one.
    pub api_url: Url,
    /// How we prove who we are.
    pub credential: Credential,
    /// The tailnet's id, or `-` for the one the credential belongs to.
    pub tailnet: String,
    /// The longest one exchange may take, to the last byte of the answer. A call is at most four exchanges: a token, the
    /// call itself, and both again when the token was refused.
    pub call_limit: Duration,
    /// How our requests travel.
    pub net: Net,
}

impl TailscaleSettings {
    /// Settings with the usual tailnet (`-`) and call limit (10 seconds).
    pub fn new(api_url: Url, credential: Credential) -> Self {
        Self { api_url, credential, tailnet: "-".to_owned(), call_limit: Duration::from_secs(10), net: Net::wire() }
    }
}

/// The Tailscale API of one tailnet. Clones share the connections, the token and what is kept for a short while.
#[derive(Clone, Debug)]
pub struct Tailscale {
    inner: Arc<Inner>,
    turn: Turn,
}

#[derive(Debug)]
struct Inner {
    settings: TailscaleSettings,
    clock: Clock,
    http: Client,
    pace: Pace,
    token: Shared<Token>,
    devices: Shared<Kept<Vec<Device>>>,
    users: Shared<Kept<Vec<User>>>,
    policy: Shared<Kept<PolicyFile>>,
    odd: Odd,
}

/// Something read from Tailscale and when the reading began, so that its age is never understated.
#[derive(Debug)]
struct Kept<T> {
    at: Stamp,
    value: Arc<T>,
}

impl<T> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Self { at: self.at, value: self.value.clone() }
    }
}

impl Tailscale {
    /// A client for `settings`. Calls nobody.
    ///
    /// # Errors
    /// `Rejected` if `api_url` cannot hold a path or the HTTP client cannot be made (no certificate roots).
    pub fn new(settings: TailscaleSettings, clock: Clock) -> Result<Self, TailscaleError> {
        let http = wire::client(&settings)?.telling(clock.clone(), "Tailscale");
        let inner = Inner {
            settings,
            http,
            pace: Pace::new(clock.clone()),
            clock,
            token: Shared::new(),
            devices: Shared::new(),
            users: Shared::new(),
            policy: Shared::new(),
            odd: Odd::default(),
        };
        Ok(Self { inner: Arc::new(inner), turn: Turn::Other })
    }

    /// The same client for whoever takes access back: its calls go before all others, and before those of handles that were made
    /// later. One handle an end.
    #[must_use]
    pub fn for_an_end(&self) -> Self {
        Self { inner: self.inner.clone(), turn: Turn::End(self.inner.pace.number()) }
    }

    /// `devices`, or what it brought at most `max_age_ms` ago. Callers at the same time share one call; errors are not kept.
    ///
    /// # Errors
    /// As `devices`.
    pub async fn devices_cached(&self, max_age_ms: i64) -> Result<Arc<Vec<Device>>, TailscaleError> {
        self.kept(&self.inner.devices, max_age_ms, async || self.devices().await).await
    }

    /// `users`, or what it brought at most `max_age_ms` ago. Callers at the same time share one call; errors are not kept.
    ///
    /// # Errors
    /// As `users`.
    pub async fn users_cached(&self, max_age_ms: i64) -> Result<Arc<Vec<User>>, TailscaleError> {
        self.kept(&self.inner.users, max_age_ms, async || self.users().await).await
    }

    /// `policy`, or what it brought at most `max_age_ms` ago. Callers at the same time share one call; errors are not kept.
    ///
    /// # Errors
    /// As `policy`.
    pub async fn policy_cached(&self, max_age_ms: i64) -> Result<Arc<PolicyFile>, TailscaleError> {
        self.kept(&self.inner.policy, max_age_ms, async || self.policy().await).await
    }

    async fn kept<T>(
        &self,
        place: &Shared<Kept<T>>,
        max_age_ms: i64,
        load: impl AsyncFnOnce() -> Result<T, TailscaleError>,
    ) -> Result<Arc<T>, TailscaleError> {
        let clock = &self.inner.clock;
        let is_fresh = |kept: &Kept<T>| is_planted(Fault::StaleFacts) || clock.age_ms(kept.at) <= max_age_ms;
        let kept = place
            .get(is_fresh, async |_| {
                let at = clock.stamp();
                let value = Arc::new(load().await?);
                Ok(Kept { at, value })
            })
            .await?;
        Ok(kept.value)
    }
}

#[cfg(test)]
pub(crate) mod tests;
