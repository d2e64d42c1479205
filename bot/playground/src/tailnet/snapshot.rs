//! The world as one JSON value, for the demo's page.

use serde_json::{Value, json};

use super::TailnetWorld;
use super::door::Inner;
use super::policy::{Policy, Source};
use super::state::{Machine, State};

/// Which rules of the policy file are open for a device now, one line each.
pub(super) fn open_rules(state: &State, machine: &Machine) -> Vec<String> {
    rules(state, machine, true)
}

/// The rules about a device that are open, or those that are not.
fn rules(state: &State, machine: &Machine, is_open: bool) -> Vec<String> {
    // A file that cannot be read opens nothing; the world refuses to save such a file.
    let Ok(policy) = Policy::read(&state.policy.text) else { return Vec::new() };
    let is_shut_out = state.people.iter().any(|person| person.is_suspended && person.login == machine.user);
    let is_shut_out = is_shut_out && machine.tags.is_empty();
    let source = Source { user: &machine.user, tags: &machine.tags, is_external: machine.is_external };
    let attribute = |key: &str| machine.posture(key);
    let about = policy.rules.iter().filter(|rule| policy.names(rule, &source));
    let found = about.filter(|rule| (!is_shut_out && policy.is_open(rule, &source, &attribute)) == is_open);
    found.map(super::policy::Rule::words).collect()
}

impl TailnetWorld {
    /// Everything there is to see, for the demo's page:
    ///
    /// - `now_at`, `tailnet`, `policy` (HuJSON text)
    /// - `users`: `login`, `name`, `role`, `status`
    /// - `devices`: `name`, `node_id`, `os`, `owner` (nothing if tagged), `tags`, `is_external`, `rules` (open now, one line
    ///   each), `rules_shut` (about this device and not open), `attributes`: `key`, `value`, `expires_at`, `set_at`, `left_ms`, `was_found` (there before the bot)
    /// - `api`: `url`, `calls`, `tokens_issued`, `tokens_alive`, `last_call` (`at_ms`, `method`, `path`, `status`)
    /// - `faults`: `endpoint`, `fault`, `times_left`
    pub fn snapshot(&self) -> Value {
        let now_ms = self.shared.clock.now_ms();
        let inner = self.shared.lock();
        let Inner { state, play } = &*inner;
        let users = state.people.iter().filter(|person| !person.is_shared).map(|person| {
            json!({
                "login": person.login,
                "name": person.display_name,
                "role": person.role,
                "status": if person.is_suspended { "suspended" } else { "active" },
            })
        });
        let devices = state.machines.iter().map(|machine| {
            let attributes = machine.attributes.iter().map(|(key, attribute)| {
                let found = play.as_found.get(&(machine.node_id.clone(), key.clone()));
                json!({
                    "key": key,
                    "value": attribute.value,
                    "expires_at": attribute.expires_at,
                    "set_at": attribute.set_at,
                    "left_ms": attribute.expires_at.map(|at| at.saturating_sub(now_ms).max(0)),
                    "was_found": found == Some(&attribute.value),
                })
            });
            json!({
                "name": machine.short_name(),
                "node_id": machine.node_id,
                "os": machine.os,
                "owner": Some(&machine.user).filter(|_| machine.tags.is_empty()),
                "tags": machine.tags,
                "is_external": machine.is_external,
                "attributes": attributes.collect::<Vec<_>>(),
                "rules": open_rules(state, machine),
                "rules_shut": rules(state, machine, false),
            })
        });
        let last_call = play.calls.last().map(
            |call| json!({ "at_ms": call.at_ms, "method": call.method, "path": call.path, "status": call.status }),
        );
        json!({
            "now_at": now_ms,
            "tailnet": super::seed::DOMAIN,
            "policy": state.policy.text,
            "users": users.collect::<Vec<_>>(),
            "devices": devices.collect::<Vec<_>>(),
            "api": {
                "url": self.url().as_str(),
                "calls": play.calls_forgotten.saturating_add(play.calls.len() as u64),
                "tokens_issued": state.tokens_issued,
                "tokens_alive": state.tokens.iter().filter(|token| token.expires_at > now_ms).count(),
                "last_call": last_call,
            },
            "faults": play.faults.set,
        })
    }
}
