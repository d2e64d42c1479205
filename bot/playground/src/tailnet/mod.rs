//! A tailnet in this process that speaks Tailscale's API v2 on loopback, as strict as the real one and as broken as asked.
//!
//! Tests and the demo hold a `TailnetWorld`; the bot only ever sees its address. What is public here changes the world the
//! way people do in the admin console, looks at it, or breaks it.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use secrecy::SecretString;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;
use url::Url;

use nightlatch_clock::Clock;

mod acl;
mod attributes;
mod auth_keys;
mod by_hand;
mod changes;
mod crowd;
mod door;
mod faults;
mod lists;
mod localapi;
mod manners;
mod oauth;
mod policy;
mod posture;
mod reply;
mod seed;
mod serve;
mod shares;
mod snapshot;
mod state;
#[cfg(test)]
mod tests;

pub use by_hand::NoSuch;
pub use crowd::{crowd_login, crowd_node_id};
pub use faults::{Endpoint, Fault, SetFault};
pub use serve::Serving;
pub use state::Call;

use door::{Inner, Shared};
use state::Play;

/// The playground's tailnet. Clones are the same tailnet; it closes when the last one is dropped.
#[derive(Clone, Debug)]
pub struct TailnetWorld {
    shared: Arc<Shared>,
    url: Url,
    socket: Arc<localapi::Socket>,
    /// Ends the server when it is dropped.
    _tasks: Arc<JoinSet<()>>,
}

impl TailnetWorld {
    /// Opens a tailnet on a free port of 127.0.0.1, and its tailscaled on a unix socket. `clock` decides when tokens and attributes expire.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn start(clock: Clock) -> io::Result<Self> {
        let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let address = listener.local_addr()?;
        let url = Url::parse(&format!("http://{address}")).map_err(io::Error::other)?;
        let (socket, local) = localapi::bind(address.port())?;
        let state = seed::tailnet(clock.now_ms());
        let mut as_found = BTreeMap::new();
        for machine in &state.machines {
            for (key, attribute) in &machine.attributes {
                as_found.insert((machine.node_id.clone(), key.clone()), attribute.value.clone());
            }
        }
        let settings_as_found = changes::settings(&state);
        let policy_as_found = state.policy.text.clone();
        let play = Play { as_found, policy_as_found, settings_as_found, ..Play::default() };
        let inner = std::sync::Mutex::new(Inner { state, play });
        let shared =
            Arc::new(Shared { clock, inner, turn: tokio::sync::Mutex::default(), changed: watch::Sender::new(0) });
        let mut tasks = JoinSet::new();
        let router = super::dated(door::router(shared.clone()), shared.clock.clone());
        tasks.spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the playground's tailnet closed");
            }
        });
        let router = localapi::router(shared.clone());
        tasks.spawn(async move {
            if let Err(error) = axum::serve(local, router).await {
                tracing::error!(%error, "the playground's tailscaled closed");
            }
        });
        tasks.spawn(shared.clone().watch_expiries());
        Ok(Self { shared, url, socket: Arc::new(socket), _tasks: Arc::new(tasks) })
    }

    /// What `tailscale.api_url` is to be: `http://127.0.0.1:PORT/`.
    pub fn url(&self) -> Url {
        self.url.clone()
    }

    /// The OAuth client the bot uses; it has the scopes the bot needs until `set_scopes` says otherwise.
    pub fn client_id(&self) -> String {
        seed::CLIENT_ID.to_owned()
    }

    /// That client's secret.
    pub fn client_secret(&self) -> SecretString {
        SecretString::from(seed::CLIENT_SECRET)
    }

    /// An API key with all rights.
    pub fn api_key(&self) -> SecretString {
        SecretString::from(seed::API_KEY)
    }

    /// Everything that must never be seen outside: the client's secret, the API key, all tokens in use.
    pub fn secrets(&self) -> Vec<String> {
        let inner = self.shared.lock();
        let tokens = inner.state.tokens.iter().map(|token| token.text.clone());
        [seed::CLIENT_SECRET.to_owned(), seed::API_KEY.to_owned()].into_iter().chain(tokens).collect()
    }

    /// A device's custom or built-in attribute; nothing if it has none, if it expired, or if there is no such device.
    pub fn attribute(&self, device: &str, key: &str) -> Option<Value> {
        self.shared.lock().state.machine(device)?.posture(key)
    }

    /// When a device's custom attribute expires, in ms since the epoch.
    pub fn expiry(&self, device: &str, key: &str) -> Option<i64> {
        self.shared.lock().state.machine(device)?.attributes.get(key)?.expires_at
    }

    /// The id of the device called `device`.
    pub fn node_id(&self, device: &str) -> Option<String> {
        self.shared.lock().state.machine(device).map(|machine| machine.node_id.clone())
    }

    /// Which rules of the policy file are open for a device with the attributes it has now, such as
    /// `tag:prod-db tcp:5432 by posture:jitProdDb`. Empty if there is no such device or its user is suspended.
    pub fn rules_open_for(&self, device: &str) -> Vec<String> {
        let inner = self.shared.lock();
        inner.state.machine(device).map(|machine| snapshot::open_rules(&inner.state, machine)).unwrap_or_default()
    }

    /// The policy file as it is, HuJSON with comments.
    pub fn policy(&self) -> String {
        self.shared.lock().state.policy.text.clone()
    }

    /// Custom attributes that are not as they were found, one line each: `alice-laptop custom:jit_prod_db = true`, and whether the policy
    /// file is not, to the byte. What a hand changes (`set_by_hand`, `remove_by_hand`, `set_policy`, `edit_policy`) counts as found.
    pub fn leftovers(&self) -> Vec<String> {
        let inner = self.shared.lock();
        let mut missing = inner.play.as_found.clone();
        let mut leftovers = Vec::new();
        for machine in &inner.state.machines {
            for (key, attribute) in &machine.attributes {
                if missing.remove(&(machine.node_id.clone(), key.clone())).as_ref() != Some(&attribute.value) {
                    leftovers.push(format!("{} {key} = {}", machine.short_name(), attribute.value));
                }
            }
        }
        for ((node_id, key), value) in missing {
            if let Some(machine) = inner.state.machine(&node_id) {
                leftovers.push(format!("{} {key} is missing, was {value}", machine.short_name()));
            }
        }
        if inner.state.policy.text != inner.play.policy_as_found {
            leftovers.push("the policy file is not as it was found".to_owned());
        }
        leftovers.extend(changes::differing(&inner.state, &inner.play.settings_as_found));
        leftovers.extend(self.good_keys(&inner).map(|description| format!("auth key {description}")));
        leftovers
    }

    /// The descriptions of the auth keys that are still good, in the order they were made.
    pub fn auth_keys(&self) -> Vec<String> {
        let inner = self.shared.lock();
        self.good_keys(&inner).map(str::to_owned).collect()
    }

    fn good_keys<'i>(&self, inner: &'i door::Inner) -> impl Iterator<Item = &'i str> + use<'i> {
        let now_ms = self.shared.clock.now_ms();
        let good = inner
            .state
            .auth_keys
            .iter()
            .filter(move |key| !key.is_revoked && !key.is_used_up && key.expires_at > now_ms);
        good.map(|key| key.description.as_str())
    }

    /// Every call so far, oldest first; a demo that runs for days forgets the oldest after 20,000.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.lock().play.calls.clone()
    }

    /// How often `endpoint` was called.
    pub fn calls_of(&self, endpoint: Endpoint) -> usize {
        let calls = self.calls();
        calls.iter().filter(|call| endpoint == Endpoint::Any || call.endpoint == Some(endpoint)).count()
    }

    /// Comments the configuration audit log holds for attribute writes, oldest first.
    pub fn comments(&self) -> Vec<String> {
        let inner = self.shared.lock();
        let entries = inner.state.audit.iter().filter(|entry| entry.property == "ATTRIBUTES");
        entries.map(|entry| entry.details.clone()).filter(|details| !details.is_empty()).collect()
    }

    /// All that was ever said to this tailnet, to look for secrets in: paths, headers and bodies, without the credentials
    /// that calls are made with.
    pub fn everything_said(&self) -> String {
        let mut said = String::new();
        for call in self.calls() {
            said.push_str(&format!("{} {}\n", call.method, call.path));
            for (name, value) in &call.headers {
                said.push_str(&format!("{name}: {value}\n"));
            }
            said.push_str(&call.body);
            said.push('\n');
        }
        said
    }

    /// Fires on every change: calls, writes, expiries, faults, hands. Watch it, then look at `snapshot`.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.shared.changed.subscribe()
    }

    /// Makes calls of `endpoint` go wrong, `times` times or until cleared. Faults set earlier hit first.
    pub fn fault(&self, endpoint: Endpoint, fault: Fault, times: Option<u32>) {
        if times != Some(0) {
            self.shared.lock().play.faults.set.push(SetFault { endpoint, fault, times_left: times });
        }
        self.shared.touch();
    }

    /// Ends the faults set on `endpoint` (`Any`: all faults), and lets calls that hang end with 504.
    pub fn clear_faults(&self, endpoint: Endpoint) {
        self.shared.lock().play.faults.clear(endpoint);
        self.shared.touch();
    }

    /// The faults that are set.
    pub fn faults(&self) -> Vec<SetFault> {
        self.shared.lock().play.faults.set.clone()
    }
}
