//! What the playground's tailnet holds: people, machines, attributes, the policy file, credentials and what was said.

use std::collections::BTreeMap;

use serde_json::Value;

use super::faults::{Endpoint, Faults};
use super::manners::Manners;
use super::policy::PolicyText;

/// Everything the world knows. Cloned to play "said yes and forgot".
#[derive(Debug, Clone)]
pub(super) struct State {
    pub people: Vec<Person>,
    pub machines: Vec<Machine>,
    /// Records that a list has beside those, whatever they are.
    pub odd: Vec<(Endpoint, Value)>,
    pub policy: PolicyText,
    /// Attribute keys in their first spelling by their lower-case form, with the type their first write gave them. Both last
    /// for the tailnet's life (apis/tailscale.md 2.2).
    pub keys_seen: BTreeMap<String, (String, &'static str)>,
    pub clients: Vec<Client>,
    pub tokens: Vec<Token>,
    pub tokens_issued: u64,
    pub audit: Vec<AuditEntry>,
    pub auth_keys: Vec<AuthKey>,
    pub invites: Vec<Invite>,
    pub invites_made: u64,
    pub shares: Vec<Share>,
    pub plan_has_custom_attributes: bool,
    /// Whether deleting an attribute that is not there answers 200 instead of 404; nobody has said which the real one does.
    pub deleting_nothing_is_fine: bool,
    /// How long after its expiry an attribute is still there.
    pub expiry_lag_ms: i64,
}

/// What is not part of the tailnet but of the play.
#[derive(Debug, Default)]
pub(super) struct Play {
    pub faults: Faults,
    pub manners: Manners,
    pub calls: Vec<Call>,
    pub calls_forgotten: u64,
    /// Lists and tokens, and other calls, that were numbered so far.
    pub numbers: (u64, u64),
    /// Which device sits at an address (an IP, or an IP with a port).
    pub seats: BTreeMap<String, String>,
    /// Every address that tailscaled was asked about.
    pub asked: Vec<String>,
    /// What app grants give a device on the bot's machine.
    pub capabilities: BTreeMap<String, serde_json::Map<String, Value>>,
    /// The policy file as found: what the seed or somebody's hand put there.
    pub policy_as_found: String,
    /// Roles and settings of devices as found, by what they are.
    pub settings_as_found: BTreeMap<String, String>,
    /// Custom attributes as found, by device id and key: what the seed or somebody's hand put there.
    pub as_found: BTreeMap<(String, String), Value>,
}

/// A user of the tailnet.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub id: String,
    pub login: String,
    pub display_name: String,
    pub is_shared: bool,
    pub role: &'static str,
    pub is_suspended: bool,
    pub created_at: i64,
}

/// A device of the tailnet.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    pub node_id: String,
    pub number: u64,
    pub user: String,
    pub name: String,
    pub hostname: String,
    pub os: String,
    pub tags: Vec<String>,
    pub is_external: bool,
    pub is_connected: bool,
    pub created_at: i64,
    pub last_seen_at: i64,
    pub attributes: BTreeMap<String, Attribute>,
    pub is_authorized: bool,
    pub is_key_expiry_disabled: bool,
    pub is_ephemeral: bool,
    pub routes: Vec<String>,
}

/// A custom attribute of a device.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Attribute {
    pub value: Value,
    pub expires_at: Option<i64>,
    /// When it was set last; nothing for what was always there.
    pub set_at: Option<i64>,
}

/// Somebody who may call the API.
#[derive(Debug, Clone)]
pub(super) struct Client {
    pub id: String,
    pub secret: String,
    pub scopes: Vec<String>,
    /// What it may give to devices and keys, beside what these own.
    pub tags: Vec<String>,
    pub is_oauth: bool,
}

/// A token given out for a client.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub text: String,
    pub client_id: String,
    pub scopes: Vec<String>,
    pub expires_at: i64,
}

/// A key that a device joins with.
#[derive(Debug, Clone)]
pub(super) struct AuthKey {
    pub id: String,
    pub description: String,
    pub tags: Vec<String>,
    pub is_ephemeral: bool,
    pub is_reusable: bool,
    pub made_at: i64,
    pub expires_at: i64,
    pub is_revoked: bool,
    /// A device joined with it, and no other can.
    pub is_used_up: bool,
}

/// An invitation that nobody accepted so far.
#[derive(Debug, Clone)]
pub(super) struct Invite {
    pub id: String,
    pub email: String,
    pub role: String,
}

/// An invitation that shares a device with somebody of another tailnet. It is listed when it was accepted, too.
#[derive(Debug, Clone)]
pub(super) struct Share {
    pub id: String,
    pub node_id: String,
    pub email: String,
    pub made_at: i64,
    pub accepted_by: Option<String>,
}

/// A line of the configuration audit log.
#[derive(Debug, Clone)]
pub(super) struct AuditEntry {
    pub at_ms: i64,
    pub actor: Actor,
    pub target: (String, String, &'static str),
    pub property: &'static str,
    pub action: &'static str,
    pub old: Value,
    pub new: Value,
    pub details: String,
}

/// Who called, as the audit log shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Actor {
    pub id: String,
    pub kind: &'static str,
}

/// A call the world received, in the order of arrival.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// When it arrived, by the world's clock, in ms since the epoch.
    pub at_ms: i64,
    /// What was called; nothing if there is no such endpoint.
    pub endpoint: Option<Endpoint>,
    /// `GET`, `POST`, ...
    pub method: String,
    /// The path with its query, as sent.
    pub path: String,
    /// Headers in lower case, without credentials.
    pub headers: Vec<(String, String)>,
    /// The body as text; of the token endpoint without the secret.
    pub body: String,
    /// The answer's status; nothing while it has none (a call that hangs).
    pub status: Option<u16>,
}

impl State {
    /// Removes what has expired; says whether anything was.
    pub fn tidy(&mut self, now_ms: i64) -> bool {
        let lag_ms = self.expiry_lag_ms;
        let is_over =
            |attribute: &Attribute| attribute.expires_at.is_some_and(|at| at.saturating_add(lag_ms) <= now_ms);
        let mut is_changed = false;
        for machine in &mut self.machines {
            let before = machine.attributes.len();
            machine.attributes.retain(|_, attribute| !is_over(attribute));
            is_changed |= machine.attributes.len() != before;
        }
        is_changed
    }

    /// When `tidy` will next have something to do.
    pub fn next_expiry_at(&self) -> Option<i64> {
        let attributes = self.machines.iter().flat_map(|machine| machine.attributes.values());
        attributes.filter_map(|attribute| attribute.expires_at).min().map(|at| at.saturating_add(self.expiry_lag_ms))
    }

    /// The device people call `name`: its short name, full name or id.
    pub fn machine(&self, name: &str) -> Option<&Machine> {
        self.machines.iter().find(|machine| machine.is_called(name))
    }

    /// The same, to change it.
    pub fn machine_mut(&mut self, name: &str) -> Option<&mut Machine> {
        self.machines.iter_mut().find(|machine| machine.is_called(name))
    }

    /// The device with that id, new (`n...CNTRL`) or old (a number).
    pub fn machine_by_id(&mut self, id: &str) -> Option<&mut Machine> {
        self.machines.iter_mut().find(|machine| machine.node_id == id || machine.number.to_string() == id)
    }

    pub fn person_mut(&mut self, login: &str) -> Option<&mut Person> {
        self.people.iter_mut().find(|person| person.login.eq_ignore_ascii_case(login))
    }
}

impl Machine {
    /// The first part of its name.
    pub fn short_name(&self) -> &str {
        self.name.split('.').next().unwrap_or_default()
    }

    /// Its IPv4 address in the tailnet.
    pub fn ip(&self) -> String {
        format!("100.64.0.{}", self.number % 250 + 1)
    }

    fn is_called(&self, name: &str) -> bool {
        self.short_name() == name || self.name == name || self.node_id == name
    }

    /// The attributes Tailscale itself keeps about a device (apis/tailscale.md 2.5).
    pub fn built_in(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("node:os", self.os.to_lowercase().into()),
            ("node:osVersion", "15.5.0".into()),
            ("node:tsVersion", "1.98.2".into()),
            ("node:tsReleaseTrack", "stable".into()),
            ("node:tsAutoUpdate", true.into()),
            ("node:tsStateEncrypted", true.into()),
        ]
    }

    /// An attribute of any kind.
    pub fn posture(&self, key: &str) -> Option<Value> {
        let custom = self.attributes.get(key).map(|attribute| attribute.value.clone());
        custom.or_else(|| self.built_in().into_iter().find(|(name, _)| *name == key).map(|(_, value)| value))
    }
}
