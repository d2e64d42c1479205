//! The Slack Web API client: one method per call we make, paced, time-limited, with answers we check ourselves.

mod call;
mod channels;
mod connector;
mod error;
mod files;
mod groups;
mod members;
mod pace;
mod people;
mod respond;
mod say;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secrecy::SecretString;

pub use self::channels::OwnMessage;
pub use self::error::SlackError;
pub use self::files::{REPLIES_MAX, Replies};
pub use self::groups::UserGroup;
pub use self::people::{Conversation, Enterprise, OwnTeam, SlackUser, Standing};
pub use self::say::{Post, Posted, ViewHandle};
use super::contacts::Contacts;
use super::net::Net;
use crate::clock::Clock;

/// How long we wait for one answer of Slack, in all, unless told otherwise.
pub const CALL_LIMIT: Duration = Duration::from_secs(8);

/// Where Slack is and who we are there.
#[derive(Clone, Debug)]
pub struct SlackSettings {
    /// `https://slack.com/api` or what stands in for it; a trailing slash is dropped.
    pub api_url: String,
    /// `xoxb-...`
    pub bot_token: SecretString,
    /// `xapp-...`, only for Socket Mode.
    pub app_token: Option<SecretString>,
    /// Longest wait for one call, from our first byte to Slack's last.
    pub call_limit: Duration,
    /// How our requests travel.
    pub net: Net,
}

impl SlackSettings {
    /// Settings with the default time limit.
    pub fn new(api_url: impl Into<String>, bot_token: SecretString, app_token: Option<SecretString>) -> Self {
        Self { api_url: api_url.into(), bot_token, app_token, call_limit: CALL_LIMIT, net: Net::wire() }
    }
}

/// Why a client could not be made at all. A mistake of the configuration or of the machine.
#[derive(Debug, thiserror::Error)]
pub enum SlackSetupError {
    /// `slack.api_url` is not an http or https address.
    #[error("slack.api_url is not an http(s) address: {0}")]
    Url(String),
    /// The machine has no usable certificate store.
    #[error("cannot read the certificates of this machine: {0} (is ca-certificates installed?)")]
    Certificates(String),
}

/// A client for one workspace. Cloning shares connections, limits and the memory of people.
#[derive(Clone)]
pub struct Slack {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Clock,
    wire: call::Wire,
    pace: pace::Pace,
    people: people::People,
    channels: channels::Channels,
    responder: respond::Responder,
    contacts: Contacts,
    own_team: Mutex<Option<OwnTeam>>,
    /// Of the organisation the app is installed for; empty if it is installed in one workspace.
    workspaces: Mutex<Vec<String>>,
}

impl Slack {
    /// Makes a client; nothing is sent yet.
    pub fn new(settings: SlackSettings, clock: Clock) -> Result<Self, SlackSetupError> {
        let api_url = settings.api_url.trim_end_matches('/').to_owned();
        let parsed = url::Url::parse(&api_url).map_err(|error| SlackSetupError::Url(error.to_string()))?;
        if !matches!(parsed.scheme(), "http" | "https") || parsed.host().is_none() {
            return Err(SlackSetupError::Url("it must start with https://".to_owned()));
        }
        super::tls();
        let client = respond::client(&settings, parsed.scheme() == "http")?.telling(clock.clone(), "Slack");
        let wire = call::Wire::new(&settings, &api_url, client.clone());
        let responder = respond::Responder::new(parsed, client);
        let inner = Inner {
            pace: pace::Pace::new(clock.clone()),
            people: people::People::default(),
            channels: channels::Channels::default(),
            contacts: settings.net.contacts().clone(),
            own_team: Mutex::new(None),
            workspaces: Mutex::default(),
            clock,
            wire,
            responder,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What the last `auth_test` said about us, if there was one.
    pub fn own_team(&self) -> Option<OwnTeam> {
        self.inner.own_team.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What came of the calls to Slack, and of whatever else travels the same way.
    pub fn contacts(&self) -> &Contacts {
        &self.inner.contacts
    }

    /// What the app may do, as Slack said with its last answer; nothing before the first.
    pub fn scopes(&self) -> Option<BTreeSet<String>> {
        self.inner.wire.scopes()
    }

    /// Whether the configured address is plain http: only then may a socket be plain `ws://` too.
    pub fn is_plain_http(&self) -> bool {
        self.inner.responder.is_plain_http()
    }
}

impl std::fmt::Debug for Slack {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Slack")
    }
}
