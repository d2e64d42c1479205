//! Changing devices and users, and inviting people (apis/tailscale.md 4 and 6).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::TailnetWorld;
use super::auth_keys::not_permitted;
use super::by_hand::NoSuch;
use super::reply::{Caller, Incoming, Reply};
use super::shares;
use super::state::{Actor, AuditEntry, Invite, Machine, Person, State};

/// Roles there are.
const ROLES: [&str; 7] = ["owner", "member", "admin", "it-admin", "network-admin", "billing-admin", "auditor"];

pub(super) fn body(incoming: &Incoming) -> Value {
    serde_json::from_slice(&incoming.body).unwrap_or_default()
}

/// `POST /device/{id}/authorized`
pub(super) fn authorize(state: &mut State, incoming: &Incoming) -> Reply {
    let body = body(incoming);
    let Some(authorized) = body.get("authorized").and_then(Value::as_bool) else {
        return Reply::error(400, "authorized is required");
    };
    change_machine(state, incoming, |machine| machine.is_authorized = authorized)
}

/// `POST /device/{id}/key`
pub(super) fn key_expiry(state: &mut State, incoming: &Incoming) -> Reply {
    let body = body(incoming);
    let Some(disabled) = body.get("keyExpiryDisabled").and_then(Value::as_bool) else {
        return Reply::error(400, "keyExpiryDisabled is required");
    };
    change_machine(state, incoming, |machine| machine.is_key_expiry_disabled = disabled)
}

/// `POST /device/{id}/routes`: replaces the whole list.
pub(super) fn routes(state: &mut State, incoming: &Incoming) -> Reply {
    let body = body(incoming);
    let Some(list) = body.get("routes").and_then(Value::as_array) else {
        return Reply::error(400, "routes is required");
    };
    let routes: Vec<String> = list.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    if let Some(wrong) = routes.iter().find(|route| !route.contains('/')) {
        return Reply::error(400, &format!("invalid route {wrong:?}: no '/'"));
    }
    let answer = json!({ "advertisedRoutes": [], "enabledRoutes": routes });
    match change_machine(state, incoming, |machine| machine.routes = routes) {
        Reply { status: 200, .. } => Reply::json(&answer),
        refused => refused,
    }
}

/// `POST /device/{id}/tags`: replaces the whole list, which cannot be made empty.
pub(super) fn tags(state: &mut State, incoming: &Incoming, caller: &Caller) -> Reply {
    let body = body(incoming);
    let Some(list) = body.get("tags").and_then(Value::as_array) else {
        return Reply::error(400, "tags is required");
    };
    let tags: Vec<String> = list.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let is_tagged = state.machine_by_id(incoming.segment(1)).is_some_and(|machine| !machine.tags.is_empty());
    if is_tagged && tags.is_empty() {
        return Reply::error(400, "tagged nodes cannot be untagged without reauth");
    }
    match not_permitted(state, caller, &tags) {
        Some(refusal) => refusal,
        None => change_machine(state, incoming, |machine| machine.tags = tags),
    }
}

fn change_machine(state: &mut State, incoming: &Incoming, how: impl FnOnce(&mut Machine)) -> Reply {
    match state.machine_by_id(incoming.segment(1)) {
        Some(machine) if machine.is_external => Reply::error(404, "no manageable device matching this ID found"),
        Some(machine) => {
            how(machine);
            Reply::json(&json!({}))
        }
        None => Reply::error(404, "device not found"),
    }
}

/// `POST /users/{id}/role`
pub(super) fn role(state: &mut State, incoming: &Incoming) -> Reply {
    let body = body(incoming);
    let wanted = body.get("role").and_then(Value::as_str).unwrap_or_default();
    let Some(role) = ROLES.into_iter().find(|role| *role == wanted) else {
        return Reply::error(400, "invalid role");
    };
    change_person(state, incoming, |person| {
        if person.role == "owner" || role == "owner" {
            return Err("the owner's role cannot be changed here");
        }
        person.role = role;
        Ok(())
    })
}

/// `POST /users/{id}/suspend`
pub(super) fn suspend(state: &mut State, incoming: &Incoming) -> Reply {
    change_person(state, incoming, |person| {
        person.is_suspended = true;
        Ok(())
    })
}

/// `POST /users/{id}/delete`: their devices go too.
pub(super) fn delete(state: &mut State, incoming: &Incoming) -> Reply {
    let Some(at) = state.people.iter().position(|person| person.id == incoming.segment(1)) else {
        return Reply::error(404, "user not found");
    };
    let gone = state.people.remove(at);
    state.machines.retain(|machine| machine.user != gone.login || !machine.tags.is_empty());
    Reply::json(&json!({}))
}

fn change_person(
    state: &mut State,
    incoming: &Incoming,
    how: impl FnOnce(&mut Person) -> Result<(), &'static str>,
) -> Reply {
    match state.people.iter_mut().find(|person| person.id == incoming.segment(1)) {
        Some(person) => match how(person) {
            Ok(()) => Reply::json(&json!({})),
            Err(why) => Reply::error(400, why),
        },
        None => Reply::error(404, "user not found"),
    }
}

fn shown(invite: &Invite) -> Value {
    json!({
        "id": invite.id, "role": invite.role, "email": invite.email, "tailnetId": 12345, "inviterId": 34567,
        "inviteUrl": format!("https://login.tailscale.com/uinv/canaryinvite{}", invite.id),
    })
}

/// Only people may see and send invitations.
pub(super) fn is_a_person(state: &State, caller: &Caller) -> bool {
    state.clients.iter().any(|client| client.id == caller.client_id && !client.is_oauth)
}

pub(super) fn not_a_person() -> Reply {
    Reply::error(403, "this operation is only permitted for user-owned keys")
}

/// `GET /tailnet/-/user-invites`
pub(super) fn invites(state: &State, caller: &Caller) -> Reply {
    if !is_a_person(state, caller) {
        return not_a_person();
    }
    Reply::json(&state.invites.iter().map(shown).collect::<Vec<_>>().into())
}

/// `POST /tailnet/-/user-invites`: a list of them.
pub(super) fn invite(state: &mut State, incoming: &Incoming, caller: &Caller) -> Reply {
    if !is_a_person(state, caller) {
        return not_a_person();
    }
    let Some(list) = body(incoming).as_array().cloned() else { return Reply::error(400, "a list is expected") };
    let mut made = Vec::new();
    for one in list {
        let text = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (email, role) = (text("email"), if text("role").is_empty() { "member".to_owned() } else { text("role") });
        if role == "owner" || !ROLES.contains(&role.as_str()) {
            return Reply::error(400, "invalid role");
        }
        state.invites_made = state.invites_made.saturating_add(1);
        let invite = Invite { id: format!("{}", 29_000 + state.invites_made), email, role };
        made.push(shown(&invite));
        state.invites.push(invite);
    }
    Reply::json(&made.into())
}

/// `DELETE /user-invites/{id}`
pub(super) fn withdraw(state: &mut State, incoming: &Incoming, caller: &Caller) -> Reply {
    if !is_a_person(state, caller) {
        return not_a_person();
    }
    let before = state.invites.len();
    state.invites.retain(|invite| invite.id != incoming.segment(1));
    match state.invites.len() < before {
        true => Reply::json(&json!({})),
        false => Reply::error(404, "user invite not found"),
    }
}

/// What can be changed of everybody and everything, by what it is.
pub(super) fn settings(state: &State) -> BTreeMap<String, String> {
    let people = state.people.iter().map(|person| (format!("{} role", person.login), person.role.to_owned()));
    let of = |machine: &Machine| {
        let name = machine.node_id.clone();
        [
            (format!("{name} authorized"), machine.is_authorized.to_string()),
            (format!("{name} key expiry disabled"), machine.is_key_expiry_disabled.to_string()),
            (format!("{name} routes"), machine.routes.join(" ")),
            (format!("{name} tags"), machine.tags.join(" ")),
        ]
    };
    people.chain(state.machines.iter().flat_map(of)).collect()
}

/// What of it is not as it was found. Who came or went since is somebody's own doing.
pub(super) fn differing(state: &State, found: &BTreeMap<String, String>) -> Vec<String> {
    let now = settings(state);
    let differs = |(what, was): (&String, &String)| {
        let is = now.get(what).filter(|is| *is != was)?;
        Some(format!("{what} is {is}, was {was}"))
    };
    let open = state.invites.iter().map(|invite| format!("invitation of {}", invite.email));
    found.iter().filter_map(differs).chain(open).chain(shares::open(state)).collect()
}

impl TailnetWorld {
    /// Somebody's role in the tailnet; empty if there is no such user.
    pub fn role(&self, login: &str) -> String {
        let inner = self.shared.lock();
        let person = inner.state.people.iter().find(|person| person.login.eq_ignore_ascii_case(login));
        person.map(|person| person.role.to_owned()).unwrap_or_default()
    }

    /// Which routes of a device are on, whether it is approved, and whether its key never expires.
    pub fn device_settings(&self, device: &str) -> Option<(Vec<String>, bool, bool)> {
        let inner = self.shared.lock();
        let machine = inner.state.machine(device)?;
        Some((machine.routes.clone(), machine.is_authorized, machine.is_key_expiry_disabled))
    }

    /// The tags of a device; none if there is no such device.
    pub fn tags(&self, device: &str) -> Vec<String> {
        self.shared.lock().state.machine(device).map(|machine| machine.tags.clone()).unwrap_or_default()
    }

    /// The addresses to which invitations are open.
    pub fn invitations(&self) -> Vec<String> {
        self.shared.lock().state.invites.iter().map(|invite| invite.email.clone()).collect()
    }

    /// Whether somebody is a user who is not shut out.
    pub fn is_active(&self, login: &str) -> bool {
        self.shared.lock().state.people.iter().any(|person| person.login == login && !person.is_suspended)
    }

    /// An admin gives somebody another role in the console, to stay.
    ///
    /// # Errors
    /// If there is no such user or role.
    pub fn set_role_by_hand(&self, login: &str, role: &str) -> Result<(), NoSuch> {
        let missing = |kind, name: &str| NoSuch { kind, name: name.to_owned() };
        let role = ROLES.into_iter().find(|known| *known == role).ok_or_else(|| missing("role", role))?;
        let at_ms = self.shared.clock.now_ms();
        self.change(|state| match state.person_mut(login) {
            Some(person) => {
                let old = std::mem::replace(&mut person.role, role);
                let target = (person.id.clone(), person.login.clone(), "USER");
                let (old, new) = (json!(old), json!(role));
                let actor = Actor { id: "uBOBCNTRL".to_owned(), kind: "USER" };
                let (property, action, details) = ("USER_ROLES", "UPDATE", String::new());
                state.audit.push(AuditEntry { at_ms, actor, target, property, action, old, new, details });
                Ok(())
            }
            None => Err(missing("user", login)),
        })?;
        self.shared.lock().play.settings_as_found.insert(format!("{login} role"), role.to_owned());
        Ok(())
    }

    /// An admin turns these routes of a device on in the console, to stay.
    ///
    /// # Errors
    /// If there is no such device.
    pub fn set_routes_by_hand(&self, device: &str, routes: &[&str]) -> Result<(), NoSuch> {
        let routes: Vec<String> = routes.iter().map(|&route| route.to_owned()).collect();
        let node_id = self.change(|state| {
            let machine = state.machine_mut(device)?;
            machine.routes.clone_from(&routes);
            Some(machine.node_id.clone())
        });
        let node_id = node_id.ok_or_else(|| NoSuch { kind: "device", name: device.to_owned() })?;
        self.shared.lock().play.settings_as_found.insert(format!("{node_id} routes"), routes.join(" "));
        Ok(())
    }

    /// Whoever was invited accepts it, and becomes a user.
    ///
    /// # Errors
    /// If they were not invited.
    pub fn accept_invitation(&self, email: &str) -> Result<(), NoSuch> {
        self.accept_invitation_as(email, email)
    }

    /// The same with another login than the address it was sent to.
    ///
    /// # Errors
    /// If they were not invited.
    pub fn accept_invitation_as(&self, email: &str, login: &str) -> Result<(), NoSuch> {
        let taken = self.change(|state| {
            let at = state.invites.iter().position(|invite| invite.email == email)?;
            Some(state.invites.remove(at))
        });
        let invite = taken.ok_or_else(|| NoSuch { kind: "invitation", name: email.to_owned() })?;
        self.add_user(login, login);
        self.set_role_by_hand(login, &invite.role)
    }
}
