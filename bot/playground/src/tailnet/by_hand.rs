//! What people do to a tailnet in the admin console, and how the tailnet itself may differ.

use serde_json::Value;

use super::TailnetWorld;
use super::door::Inner;
use super::policy::{Policy, PolicyText};
use super::state::{Actor, AuditEntry, Machine, Person, State};
use super::{attributes, seed};

/// There is nothing of that name in the playground's tailnet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the playground's tailnet has no {kind} {name}")]
pub struct NoSuch {
    /// `device` or `user`.
    pub kind: &'static str,
    /// What was asked for.
    pub name: String,
}

impl TailnetWorld {
    /// Somebody sets an attribute in the console, with an expiry in ms since the epoch or for ever.
    ///
    /// # Errors
    /// If there is no such device.
    pub fn set_by_hand(&self, device: &str, key: &str, value: Value, expires_at_ms: Option<i64>) -> Result<(), NoSuch> {
        self.attribute_by_hand(device, key, Some(value), expires_at_ms)
    }

    /// Somebody deletes an attribute in the console; fine if it is not there.
    ///
    /// # Errors
    /// If there is no such device.
    pub fn remove_by_hand(&self, device: &str, key: &str) -> Result<(), NoSuch> {
        self.attribute_by_hand(device, key, None, None)
    }

    fn attribute_by_hand(
        &self,
        device: &str,
        key: &str,
        value: Option<Value>,
        expires_at: Option<i64>,
    ) -> Result<(), NoSuch> {
        let now_ms = self.shared.clock.now_ms();
        let mut inner = self.shared.lock();
        let node_id = inner.state.machine(device).map(|machine| machine.node_id.clone());
        let node_id = node_id.ok_or_else(|| no_device(device))?;
        let place = (node_id.clone(), key.to_owned());
        // What goes away by itself is not missed when it is gone.
        match value.clone().filter(|_| expires_at.is_none()) {
            Some(value) => drop(inner.play.as_found.insert(place, value)),
            None => drop(inner.play.as_found.remove(&place)),
        }
        let Inner { state, play } = &mut *inner;
        play.manners.remember(state);
        attributes::put_by_hand(state, now_ms, &node_id, key, value, expires_at);
        drop(inner);
        self.shared.touch();
        Ok(())
    }

    /// A new device of `login`, untagged and connected; its id.
    pub fn add_device(&self, name: &str, os: &str, login: &str) -> String {
        let now_ms = self.shared.clock.now_ms();
        self.change(|state| {
            let number =
                state.machines.iter().map(|machine| machine.number % 1_000_000).max().unwrap_or(0).saturating_add(1);
            let node_id = format!("nNEW{number}CNTRL");
            let machine = Machine { created_at: now_ms, ..seed::machine(&node_id, name, os, login, number, now_ms) };
            state.machines.push(machine);
            node_id
        })
    }

    /// A device leaves the tailnet, with its attributes.
    ///
    /// # Errors
    /// If there is no such device.
    pub fn remove_device(&self, device: &str) -> Result<(), NoSuch> {
        self.change(|state| {
            let node_id =
                state.machine(device).map(|machine| machine.node_id.clone()).ok_or_else(|| no_device(device))?;
            state.machines.retain(|machine| machine.node_id != node_id);
            Ok(())
        })
    }

    /// A device gets another name; its id stays.
    ///
    /// # Errors
    /// If there is no such device.
    pub fn rename(&self, device: &str, name: &str) -> Result<(), NoSuch> {
        self.change_machine(device, |machine| machine.name = format!("{name}.{}", seed::DOMAIN))
    }

    /// A device is signed in to by somebody else; its id stays.
    ///
    /// # Errors
    /// If there is no such device.
    pub fn change_owner(&self, device: &str, login: &str) -> Result<(), NoSuch> {
        self.change_machine(device, |machine| login.clone_into(&mut machine.user))
    }

    /// A device becomes one of another tailnet that was shared into this one.
    ///
    /// # Errors
    /// If there is no such device.
    pub fn share(&self, device: &str) -> Result<(), NoSuch> {
        self.change_machine(device, |machine| machine.is_external = true)
    }

    /// A device gets these tags, or none, to stay.
    ///
    /// # Errors
    /// If there is no such device.
    pub fn tag(&self, device: &str, tags: &[&str]) -> Result<(), NoSuch> {
        self.change_machine(device, |machine| machine.tags = tags.iter().map(|&tag| tag.to_owned()).collect())?;
        let mut inner = self.shared.lock();
        let node_id = inner.state.machine(device).map(|machine| machine.node_id.clone()).unwrap_or_default();
        if let Some(found) = inner.play.settings_as_found.get_mut(&format!("{node_id} tags")) {
            *found = tags.join(" ");
        }
        Ok(())
    }

    /// An admin gives the bot's client these tags.
    pub fn set_client_tags(&self, tags: &[&str]) {
        self.change(|state| {
            if let Some(client) = state.clients.iter_mut().find(|client| client.is_oauth) {
                client.tags = tags.iter().map(|&tag| tag.to_owned()).collect();
            }
        });
    }

    /// A device goes off line, or comes back.
    ///
    /// # Errors
    /// If there is no such device.
    pub fn set_connected(&self, device: &str, is_connected: bool) -> Result<(), NoSuch> {
        let now_ms = self.shared.clock.now_ms();
        self.change_machine(device, |machine| {
            machine.is_connected = is_connected;
            machine.last_seen_at = now_ms;
        })
    }

    /// A new user of the tailnet.
    pub fn add_user(&self, login: &str, display_name: &str) {
        let created_at = self.shared.clock.now_ms();
        self.change(|state| {
            state.people.push(Person {
                id: format!("uNEW{}CNTRL", state.people.len()),
                login: login.to_owned(),
                display_name: display_name.to_owned(),
                is_shared: false,
                role: "member",
                is_suspended: false,
                created_at,
            });
        });
    }

    /// An admin suspends a user.
    ///
    /// # Errors
    /// If there is no such user.
    pub fn suspend(&self, login: &str) -> Result<(), NoSuch> {
        self.change_person(login, |person| person.is_suspended = true)
    }

    /// An admin lets a suspended user in again.
    ///
    /// # Errors
    /// If there is no such user.
    pub fn restore(&self, login: &str) -> Result<(), NoSuch> {
        self.change_person(login, |person| person.is_suspended = false)
    }

    /// Somebody saves another policy file in the console.
    ///
    /// # Errors
    /// What Tailscale would say is wrong with it; nothing is saved then.
    pub fn set_policy(&self, text: &str) -> Result<(), String> {
        self.edit_policy(|_| text.to_owned())
    }

    /// Somebody edits the policy file in the console as it stands there, and would have edited it like that without us.
    ///
    /// # Errors
    /// What Tailscale would say is wrong with it; nothing is saved then.
    pub fn edit_policy(&self, edit: impl Fn(&str) -> String) -> Result<(), String> {
        let now_ms = self.shared.clock.now_ms();
        let mut inner = self.shared.lock();
        let Inner { state, play } = &mut *inner;
        let text = edit(&state.policy.text);
        Policy::read(&text)?;
        play.manners.remember(state);
        play.policy_as_found = edit(&play.policy_as_found);
        let old = std::mem::replace(&mut state.policy, PolicyText::new(text.clone(), false));
        state.audit.push(AuditEntry {
            at_ms: now_ms,
            actor: Actor { id: "uBOBCNTRL".to_owned(), kind: "USER" },
            target: (seed::TAILNET_ID.to_owned(), "example.com".to_owned(), "TAILNET"),
            property: "ACL",
            action: "UPDATE",
            old: old.text.into(),
            new: text.into(),
            details: String::new(),
        });
        drop(inner);
        self.shared.touch();
        Ok(())
    }

    /// The bot's OAuth client gets these scopes instead; tokens already issued keep theirs.
    pub fn set_scopes(&self, scopes: &[&str]) {
        self.change(|state| {
            for client in state.clients.iter_mut().filter(|client| client.id == seed::CLIENT_ID) {
                client.scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
            }
        });
    }

    /// Makes every token given out invalid, as when somebody revokes them.
    pub fn revoke_tokens(&self) {
        self.change(|state| state.tokens.clear());
    }

    /// Whether the tailnet's plan has custom attributes (Premium and up); if not, writing them is refused with 403.
    pub fn set_plan_has_custom_attributes(&self, has: bool) {
        self.change(|state| state.plan_has_custom_attributes = has);
    }

    /// Whether deleting an attribute that is not there is 200 instead of 404.
    pub fn set_deleting_nothing_is_fine(&self, is_fine: bool) {
        self.change(|state| state.deleting_nothing_is_fine = is_fine);
    }

    /// How long after its expiry Tailscale removes an attribute; 0 until set. The real one takes up to minutes.
    pub fn set_expiry_lag_ms(&self, lag_ms: i64) {
        self.change(|state| state.expiry_lag_ms = lag_ms);
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.shared.clock.now_ms()
    }

    pub(super) fn change<T>(&self, how: impl FnOnce(&mut State) -> T) -> T {
        let mut inner = self.shared.lock();
        let Inner { state, play } = &mut *inner;
        play.manners.remember(state);
        let result = how(state);
        drop(inner);
        self.shared.touch();
        result
    }

    fn change_machine(&self, device: &str, how: impl FnOnce(&mut Machine)) -> Result<(), NoSuch> {
        self.change(|state| state.machine_mut(device).map(how).ok_or_else(|| no_device(device)))
    }

    fn change_person(&self, login: &str, how: impl FnOnce(&mut Person)) -> Result<(), NoSuch> {
        let missing = || NoSuch { kind: "user", name: login.to_owned() };
        self.change(|state| state.person_mut(login).map(how).ok_or_else(missing))
    }
}

fn no_device(name: &str) -> NoSuch {
    NoSuch { kind: "device", name: name.to_owned() }
}
