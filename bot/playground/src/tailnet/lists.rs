//! Reading: devices, users, keys, settings and the audit log.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::attributes::rfc3339;
use super::faults::Endpoint;
use super::reply::{Caller, Incoming, Reply};
use super::seed::TAILNET_ID;
use super::state::{Machine, Person, State};

/// `GET /tailnet/-/devices?fields=&<field>=<value>`
pub(super) fn devices(state: &State, incoming: &Incoming) -> Reply {
    let is_all = match fields(incoming) {
        Ok(is_all) => is_all,
        Err(refusal) => return refusal,
    };
    let filters: Vec<_> = incoming.query.iter().filter(|(name, _)| name != "fields").collect();
    let mut devices = Vec::new();
    for machine in &state.machines {
        let device = device_json(machine, is_all);
        let fits = |(name, value): &&(String, String)| match device.get(name) {
            Some(Value::Array(items)) => items.iter().any(|item| item.as_str() == Some(value)),
            Some(Value::String(text)) => text == value,
            Some(Value::Bool(is)) => value.parse() == Ok(*is),
            _ => false,
        };
        if filters.iter().all(fits) {
            devices.push(device);
        }
    }
    devices.extend(odd(state, Endpoint::Devices));
    Reply::json(&json!({ "devices": devices }))
}

/// `GET /device/{id}`
pub(super) fn device(state: &mut State, incoming: &Incoming) -> Reply {
    match (fields(incoming), state.machine_by_id(incoming.segment(1))) {
        (Err(refusal), _) => refusal,
        (_, None) => Reply::error(404, "device not found"),
        (Ok(is_all), Some(machine)) => Reply::json(&device_json(machine, is_all)),
    }
}

fn fields(incoming: &Incoming) -> Result<bool, Reply> {
    match incoming.parameter("fields") {
        None | Some("default") => Ok(false),
        Some("all") => Ok(true),
        Some(_) => Err(Reply::error(400, "fields must be default or all")),
    }
}

fn device_json(machine: &Machine, is_all: bool) -> Value {
    let mut device = json!({
        "addresses": [machine.ip(), format!("fd7a:115c:a1e0::{:x}", machine.number % 0xffff)],
        "id": machine.number.to_string(),
        "nodeId": machine.node_id,
        "user": machine.user,
        "name": machine.name,
        "hostname": machine.hostname,
        "clientVersion": "1.98.2-t0123456-g0123456",
        "updateAvailable": false,
        "os": machine.os,
        "created": if machine.is_external { String::new() } else { rfc3339(machine.created_at) },
        "connectedToControl": machine.is_connected,
        "keyExpiryDisabled": machine.is_key_expiry_disabled || !machine.tags.is_empty(),
        "expires": rfc3339(machine.created_at.saturating_add(180 * 24 * 60 * 60 * 1000)),
        "authorized": machine.is_authorized,
        "isExternal": machine.is_external,
        "machineKey": if machine.is_external { "" } else { "mkey:00" },
        "nodeKey": "nodekey:00",
        "blocksIncomingConnections": false,
        "tailnetLockKey": "nlpub:00",
        "tailnetLockError": "",
        "isEphemeral": machine.is_ephemeral,
    });
    if let Some(device) = device.as_object_mut() {
        if !machine.is_connected {
            device.insert("lastSeen".to_owned(), rfc3339(machine.last_seen_at).into());
        }
        if !machine.tags.is_empty() {
            device.insert("tags".to_owned(), machine.tags.clone().into());
        }
        if is_all {
            device.insert("enabledRoutes".to_owned(), json!(machine.routes));
            device.insert("advertisedRoutes".to_owned(), json!([]));
            device.insert("sshEnabled".to_owned(), (!machine.tags.is_empty()).into());
            device.insert("multipleConnections".to_owned(), false.into());
        }
    }
    device
}

/// `GET /tailnet/-/users?type=&role=`
pub(super) fn users(state: &State, incoming: &Incoming) -> Reply {
    let (kind, role) = (incoming.parameter("type").unwrap_or("member"), incoming.parameter("role").unwrap_or("all"));
    if !["member", "shared", "all"].contains(&kind) {
        return Reply::error(400, "type must be member, shared or all");
    }
    let fits = |person: &&Person| {
        (kind == "all" || person.is_shared == (kind == "shared")) && (role == "all" || person.role == role)
    };
    let mut counts = HashMap::new();
    for machine in state.machines.iter().filter(|machine| machine.tags.is_empty()) {
        *counts.entry(machine.user.as_str()).or_default() += 1;
    }
    let count_of = |person: &Person| counts.get(person.login.as_str()).copied().unwrap_or(0);
    let people = state.people.iter().filter(fits);
    let mut users: Vec<Value> = people.map(|person| user_json(person, count_of(person))).collect();
    users.extend(odd(state, Endpoint::Users));
    Reply::json(&json!({ "users": users }))
}

/// `GET /users/{id}`
pub(super) fn user(state: &State, incoming: &Incoming) -> Reply {
    match state.people.iter().find(|person| person.id == incoming.segment(1)) {
        Some(person) => {
            let is_theirs = |machine: &&Machine| machine.tags.is_empty() && machine.user == person.login;
            Reply::json(&user_json(person, state.machines.iter().filter(is_theirs).count()))
        }
        None => Reply::error(404, "user not found"),
    }
}

/// Records of a list that are not as they should be.
fn odd(state: &State, list: Endpoint) -> impl Iterator<Item = Value> + '_ {
    state.odd.iter().filter(move |(of, _)| *of == list).map(|(_, record)| record.clone())
}

fn user_json(person: &Person, device_count: usize) -> Value {
    json!({
        "id": person.id,
        "displayName": person.display_name,
        "loginName": person.login,
        "profilePicUrl": "",
        "tailnetId": TAILNET_ID,
        "created": rfc3339(person.created_at),
        "type": if person.is_shared { "shared" } else { "member" },
        "role": person.role,
        "status": if person.is_suspended { "suspended" } else { "active" },
        "deviceCount": device_count,
        "lastSeen": rfc3339(person.created_at),
        "currentlyConnected": !person.is_suspended,
    })
}

/// `GET /tailnet/-/keys/{id}`: one's own without any scope (apis/tailscale.md 1.3).
pub(super) fn key(state: &State, incoming: &Incoming, caller: &Caller) -> Reply {
    let id = incoming.segment(3);
    if id != caller.client_id && !caller.may("oauth_keys:read") {
        return forbidden();
    }
    let Some(client) = state.clients.iter().find(|client| client.id == id) else {
        return Reply::error(404, "key not found");
    };
    let mut key: Map<String, Value> = Map::new();
    key.insert("id".to_owned(), client.id.clone().into());
    key.insert("keyType".to_owned(), if client.is_oauth { "client" } else { "api" }.into());
    key.insert("created".to_owned(), "2029-01-01T00:00:00Z".into());
    if client.is_oauth {
        key.insert("scopes".to_owned(), client.scopes.clone().into());
        key.insert("tags".to_owned(), json!(client.tags));
    }
    Reply::json(&Value::Object(key))
}

/// `GET /tailnet/-/settings`; what the caller may not see is null (apis/tailscale.md 6).
pub(super) fn settings(caller: &Caller) -> Reply {
    let seen = |scope: &str, value: Value| if caller.may(scope) { value } else { Value::Null };
    Reply::json(&json!({
        "aclsExternallyManagedOn": seen("policy_file:read", json!(false)),
        "aclsExternalLink": seen("policy_file:read", json!("")),
        "devicesApprovalOn": seen("feature_settings:read", json!(false)),
        "devicesAutoUpdatesOn": seen("feature_settings:read", json!(true)),
        "devicesKeyDurationDays": seen("feature_settings:read", json!(180)),
        "usersApprovalOn": seen("feature_settings:read", json!(false)),
        "postureIdentityCollectionOn": seen("feature_settings:read", json!(false)),
        "networkFlowLoggingOn": seen("logs:network:read", json!(false)),
        "httpsEnabled": seen("networking_settings:read", json!(true)),
    }))
}

/// `GET /tailnet/-/logging/configuration?start=&end=`
pub(super) fn audit_log(state: &State, incoming: &Incoming) -> Reply {
    let at = |name: &str| incoming.parameter(name).and_then(|text| text.parse::<Timestamp>().ok());
    let (Some(start), Some(end)) = (at("start"), at("end")) else {
        return Reply::error(400, "start and end are required and must be RFC 3339 times");
    };
    let range = start.as_millisecond()..=end.as_millisecond();
    let logs: Vec<Value> = state
        .audit
        .iter()
        .filter(|entry| range.contains(&entry.at_ms))
        .map(|entry| {
            let (id, name, kind) = &entry.target;
            json!({
                "eventTime": rfc3339(entry.at_ms),
                "type": "CONFIG",
                "origin": if entry.actor.kind == "USER" { "ADMIN_CONSOLE" } else { "CONFIG_API" },
                "actor": { "id": entry.actor.id, "type": entry.actor.kind, "loginName": login(state, &entry.actor.id), "displayName": "" },
                "target": { "id": id, "name": name, "type": kind, "isEphemeral": false, "property": entry.property },
                "action": entry.action,
                "old": entry.old,
                "new": entry.new,
                "actionDetails": entry.details,
            })
        })
        .collect();
    Reply::json(&json!({ "version": "1.1", "tailnet": "example.com", "logs": logs }))
}

/// Of a person of the tailnet.
fn login(state: &State, id: &str) -> String {
    state.people.iter().find(|person| person.id == id).map(|person| person.login.clone()).unwrap_or_default()
}

pub(super) fn forbidden() -> Reply {
    Reply::error(403, "calling actor does not have enough permissions to perform this function")
}
