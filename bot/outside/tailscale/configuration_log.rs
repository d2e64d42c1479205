//! Tailscale's configuration log: who changed what. Entries may come late; what it does not say yet is not known.

use reqwest::Method;
use serde::Deserialize;

use super::wire::{Call, LIST_LIMIT_BYTES};
use super::{Credential, Tailscale, TailscaleError};

/// What was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed<'c> {
    /// The tailnet's policy file.
    PolicyFile,
    /// An attribute of a device, by node id.
    Attribute {
        /// Its node id.
        device: &'c str,
        /// Its name.
        attribute: &'c str,
    },
    /// A device, by node id.
    Device {
        /// Its node id.
        device: &'c str,
    },
    /// A user.
    User {
        /// Their login.
        login: &'c str,
    },
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Log {
    logs: Option<Vec<Entry>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Entry {
    event_time: String,
    actor: Actor,
    target: Target,
    old: serde_json::Value,
    new: serde_json::Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Actor {
    id: String,
    login_name: String,
    display_name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Target {
    id: String,
    name: String,
    property: String,
}

impl Tailscale {
    /// Who changed this last between these times (milliseconds since the Unix epoch), beside us. Nothing: the log does not say. Scope
    /// `logs:configuration:read`.
    ///
    /// # Errors
    /// See `TailscaleError`.
    pub async fn changed_by(
        &self,
        what: Changed<'_>,
        (start_ms, end_ms): (i64, i64),
    ) -> Result<Option<String>, TailscaleError> {
        let mut url = self.tailnet_url(&["logging", "configuration"]);
        let at = |ms: i64| jiff::Timestamp::from_millisecond(ms).map(|at| at.to_string()).unwrap_or_default();
        url.query_pairs_mut().append_pair("start", &at(start_ms)).append_pair("end", &at(end_ms));
        let call = Call {
            name: "reading the configuration log",
            scope: Some("logs:configuration:read"),
            method: Method::GET,
            url,
            accept: "application/json",
            body: None,
            limit_bytes: LIST_LIMIT_BYTES,
            limit: None,
        };
        let log: Log = self.send(call).await?.json()?;
        let own = match &self.inner.settings.credential {
            Credential::ClientCredentials { client_id, .. } => client_id.as_str(),
            Credential::ApiKey(_) => "",
        };
        let is_it = |entry: &&Entry| what.is_of(entry) && (own.is_empty() || entry.actor.id != own);
        let last = log.logs.iter().flatten().filter(is_it).max_by(|one, other| one.event_time.cmp(&other.event_time));
        Ok(last.map(|entry| entry.actor.name()).filter(|name| !name.is_empty()))
    }
}

impl Actor {
    fn name(&self) -> String {
        [&self.login_name, &self.display_name, &self.id]
            .into_iter()
            .find(|name| !name.is_empty())
            .cloned()
            .unwrap_or_default()
    }
}

impl Changed<'_> {
    fn is_of(self, entry: &Entry) -> bool {
        let Entry { target, old, new, .. } = entry;
        match self {
            Self::PolicyFile => target.property == "ACL",
            Self::Attribute { device, attribute } => {
                let names = |value: &serde_json::Value| value.to_string().contains(attribute);
                target.id == device && target.property == "ATTRIBUTES" && (names(old) || names(new))
            }
            Self::Device { device } => target.id == device && target.property != "ATTRIBUTES",
            Self::User { login } => target.name.eq_ignore_ascii_case(login),
        }
    }
}
