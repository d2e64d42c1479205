//! Posture attributes as Tailscale keeps them: who may be written, what is refused, and the log of it.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::reply::{Caller, Incoming, Reply};
use super::state::{Actor, Attribute, AuditEntry, Machine, State};

/// The largest whole number JSON can hold safely.
const NUMBER_LIMIT: u64 = (1 << 53) - 1;

/// A value to write.
#[derive(Debug, Clone)]
struct Write {
    value: Value,
    expires_at: Option<i64>,
}

/// `GET /device/{id}/attributes`
pub(super) fn get(state: &mut State, incoming: &Incoming) -> Reply {
    match state.machine_by_id(incoming.segment(1)) {
        Some(machine) => Reply::json(&shown(machine)),
        None => no_device(),
    }
}

/// `POST /device/{id}/attributes/{key}`
pub(super) fn set(state: &mut State, incoming: &Incoming, caller: &Caller) -> Reply {
    let key = incoming.segment(3);
    let Ok(body) = serde_json::from_slice::<Map<String, Value>>(&incoming.body) else {
        return Reply::error(400, "invalid request body");
    };
    let result = check_writable(state, incoming.segment(1))
        .and_then(|node_id| Ok((node_id, read_comment(body.get("comment"))?, read_write(&body, incoming.now_ms)?)))
        .and_then(|(node_id, comment, write)| {
            check_key(state, key)?;
            check_type(state, key, &write.value)?;
            put(state, incoming.now_ms, &node_id, key, write, &comment, &caller.actor);
            Ok(node_id)
        });
    match result {
        Ok(node_id) => state.machine_by_id(&node_id).map_or_else(no_device, |machine| Reply::json(&shown(machine))),
        Err(refusal) => refusal,
    }
}

/// `DELETE /device/{id}/attributes/{key}`
pub(super) fn delete(state: &mut State, incoming: &Incoming, caller: &Caller) -> Reply {
    let key = incoming.segment(3);
    let is_missing_fine = state.deleting_nothing_is_fine;
    let node_id = match check_writable(state, incoming.segment(1)).and_then(|it| check_key(state, key).map(|()| it)) {
        Ok(node_id) => node_id,
        Err(refusal) => return refusal,
    };
    if take(state, incoming.now_ms, &node_id, key, "", &caller.actor) || is_missing_fine {
        Reply::empty()
    } else {
        Reply::error(404, "attribute not found")
    }
}

/// `PATCH /tailnet/-/device-attributes`: everything is checked before anything is written.
pub(super) fn batch(state: &mut State, incoming: &Incoming, caller: &Caller) -> Reply {
    let Ok(body) = serde_json::from_slice::<Map<String, Value>>(&incoming.body) else {
        return Reply::error(400, "invalid request body");
    };
    match read_batch(state, &body, incoming.now_ms) {
        Err(refusal) => refusal,
        Ok((comment, changes)) => {
            for (node_id, key, write) in changes {
                match write {
                    Some(write) => put(state, incoming.now_ms, &node_id, &key, write, &comment, &caller.actor),
                    None => drop(take(state, incoming.now_ms, &node_id, &key, &comment, &caller.actor)),
                }
            }
            Reply::text(200, "application/json", "null".to_owned())
        }
    }
}

type Change = (String, String, Option<Write>);

fn read_batch(state: &mut State, body: &Map<String, Value>, now_ms: i64) -> Result<(String, Vec<Change>), Reply> {
    let comment = read_comment(body.get("comment"))?;
    let nodes = body.get("nodes").and_then(Value::as_object).ok_or_else(|| bad("nodes is required"))?;
    let mut changes = Vec::new();
    for (id, keys) in nodes {
        let node_id = check_writable(state, id)?;
        for (key, write) in keys.as_object().ok_or_else(|| bad("attributes of a node must be an object"))? {
            check_key(state, key)?;
            let write = match write {
                Value::Null => None,
                Value::Object(write) => {
                    let write = read_write(write, now_ms)?;
                    check_type(state, key, &write.value)?;
                    Some(write)
                }
                _ => return Err(bad("an attribute must be an object or null")),
            };
            changes.push((node_id.clone(), key.clone(), write));
        }
    }
    Ok((comment, changes))
}

/// Writes without asking anything and logs it.
fn put(state: &mut State, now_ms: i64, node_id: &str, key: &str, write: Write, comment: &str, actor: &Actor) {
    state
        .keys_seen
        .entry(key.to_lowercase())
        .or_insert_with(|| (key.to_owned(), kind(&write.value).unwrap_or_default()));
    let Some(machine) = state.machine_by_id(node_id) else { return };
    let new = json!({ key: write.value });
    let attribute = Attribute { value: write.value, expires_at: write.expires_at, set_at: Some(now_ms) };
    let old = machine.attributes.insert(key.to_owned(), attribute);
    let target = (machine.node_id.clone(), machine.name.clone(), "NODE");
    let (action, old) = match old {
        Some(old) => ("UPDATE", json!({ key: old.value })),
        None => ("CREATE", json!("")),
    };
    let (actor, details) = (actor.clone(), comment.to_owned());
    state.audit.push(AuditEntry { at_ms: now_ms, actor, target, property: "ATTRIBUTES", action, old, new, details });
}

/// Deletes and logs it; says whether there was something.
fn take(state: &mut State, now_ms: i64, node_id: &str, key: &str, comment: &str, actor: &Actor) -> bool {
    let Some(machine) = state.machine_by_id(node_id) else { return false };
    let Some(old) = machine.attributes.remove(key) else { return false };
    let target = (machine.node_id.clone(), machine.name.clone(), "NODE");
    state.audit.push(AuditEntry {
        at_ms: now_ms,
        actor: actor.clone(),
        target,
        property: "ATTRIBUTES",
        action: "DELETE",
        old: json!({ key: old.value }),
        new: json!(""),
        details: comment.to_owned(),
    });
    true
}

/// A write by somebody in the admin console: same log, no limits of the API.
pub(super) fn put_by_hand(
    state: &mut State,
    now_ms: i64,
    node_id: &str,
    key: &str,
    value: Option<Value>,
    expires_at: Option<i64>,
) {
    let actor = Actor { id: "uBOBCNTRL".to_owned(), kind: "USER" };
    match value {
        Some(value) => put(state, now_ms, node_id, key, Write { value, expires_at }, "by hand", &actor),
        None => drop(take(state, now_ms, node_id, key, "by hand", &actor)),
    }
}

fn shown(machine: &Machine) -> Value {
    let custom = machine.attributes.iter();
    let mut attributes: Map<String, Value> =
        custom.clone().map(|(key, attribute)| (key.clone(), attribute.value.clone())).collect();
    attributes.extend(machine.built_in().into_iter().map(|(key, value)| (key.to_owned(), value)));
    let expiries: Map<String, Value> = custom
        .filter_map(|(key, attribute)| Some((key.clone(), Value::from(rfc3339(attribute.expires_at?)))))
        .collect();
    // Left out when there is none (apis/tailscale.md 2.1).
    if expiries.is_empty() {
        json!({ "attributes": attributes })
    } else {
        json!({ "attributes": attributes, "expiries": expiries })
    }
}

fn check_writable(state: &mut State, id: &str) -> Result<String, Reply> {
    let has_plan = state.plan_has_custom_attributes;
    let machine = state.machine_by_id(id).ok_or_else(no_device)?;
    if machine.is_external {
        return Err(Reply::error(404, "no manageable device matching this ID found"));
    }
    if !has_plan {
        return Err(Reply::error(403, "feature not available on current billing plan"));
    }
    Ok(machine.node_id.clone())
}

fn check_key(state: &State, key: &str) -> Result<(), Reply> {
    let name = key.strip_prefix("custom:").ok_or_else(|| bad("attribute key must be in the custom: namespace"))?;
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':';
    if name.is_empty() || key.len() > 128 || !name.bytes().all(is_fine) {
        return Err(bad("invalid attribute key"));
    }
    match state.keys_seen.get(&key.to_lowercase()) {
        Some((seen, _)) if seen != key => Err(bad("attribute key differs only by case from an existing one")),
        _ => Ok(()),
    }
}

fn check_type(state: &State, key: &str, value: &Value) -> Result<(), Reply> {
    let Some(kind) = kind(value) else { return Err(bad("value must be a string, integer or boolean")) };
    match state.keys_seen.get(&key.to_lowercase()) {
        Some((_, first)) if *first != kind => {
            Err(bad(&format!("attribute value must be of type {first}, as it was first set in this tailnet")))
        }
        _ => Ok(()),
    }
}

fn kind(value: &Value) -> Option<&'static str> {
    match value {
        Value::Bool(_) => Some("boolean"),
        Value::Number(number) => {
            let size = number.as_i64().map(i64::unsigned_abs).or_else(|| number.as_u64());
            size.filter(|size| *size <= NUMBER_LIMIT).map(|_| "integer")
        }
        Value::String(text) => {
            let is_fine = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '.';
            (text.len() <= 50 && text.chars().all(is_fine)).then_some("string")
        }
        _ => None,
    }
}

fn read_write(body: &Map<String, Value>, now_ms: i64) -> Result<Write, Reply> {
    let value = body.get("value").cloned().ok_or_else(|| bad("value is required"))?;
    let expires_at = match body.get("expiry") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => {
            let at: Timestamp = text.parse().map_err(|_| bad("expiry must be an RFC 3339 time"))?;
            // The vendor's Go client sends Go's zero time for "none" (apis/tailscale.md 2.2).
            let at = Some(at.as_millisecond()).filter(|_| !text.starts_with("0001-01-01T00:00:00"));
            if at.is_some_and(|at| at <= now_ms) {
                return Err(bad("expiry must be in the future"));
            }
            at
        }
        Some(_) => return Err(bad("expiry must be an RFC 3339 time")),
    };
    Ok(Write { value, expires_at })
}

fn read_comment(comment: Option<&Value>) -> Result<String, Reply> {
    match comment {
        None | Some(Value::Null) => Ok(String::new()),
        // The stricter reading of "200 characters": bytes.
        Some(Value::String(text)) if text.len() <= 200 => Ok(text.clone()),
        Some(_) => Err(bad("comment must be a string of at most 200 characters")),
    }
}

fn no_device() -> Reply {
    Reply::error(404, "device not found")
}

fn bad(message: &str) -> Reply {
    Reply::error(400, message)
}

/// A time as the API writes it.
pub(super) fn rfc3339(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms).map(|at| at.to_string()).unwrap_or_default()
}
