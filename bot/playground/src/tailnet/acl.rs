//! The policy file's calls: read, replace under `If-Match`, validate.

use serde_json::{Value, json};

use super::policy::{DEFAULT, Policy, PolicyText, hujson};
use super::reply::{Caller, Incoming, Reply};
use super::seed::TAILNET_ID;
use super::state::{AuditEntry, State};

/// `GET /tailnet/-/acl`: HuJSON, or plain JSON when that is what is accepted.
pub(super) fn get(state: &State, incoming: &Incoming) -> Reply {
    if incoming.parameter("details").is_some() {
        return Reply::error(400, "the playground has no details of the policy file");
    }
    shown(&state.policy, incoming)
}

fn shown(policy: &PolicyText, incoming: &Incoming) -> Reply {
    let reply = if incoming.accept.contains("application/json") {
        match hujson(&policy.text) {
            Ok(value) => Reply::json(&value),
            Err(message) => return Reply::error(500, &message),
        }
    } else {
        Reply::text(200, "application/hujson", policy.text.clone())
    };
    reply.with("etag", &policy.etag)
}

/// `POST /tailnet/-/acl`
pub(super) fn set(state: &mut State, incoming: &Incoming, caller: &Caller) -> Reply {
    let is_current = match incoming.if_match.as_deref() {
        None => true,
        Some("\"ts-default\"") => state.policy.is_default,
        Some(etag) => etag == state.policy.etag,
    };
    if !is_current {
        return Reply::error(412, "precondition failed, invalid old hash");
    }
    let text = String::from_utf8_lossy(&incoming.body).into_owned();
    // An empty body resets the file (apis/tailscale.md 3.2); the real service does that too.
    let policy = if text.trim().is_empty() {
        PolicyText::new(DEFAULT.to_owned(), true)
    } else if incoming.content_type.starts_with("application/json") && serde_json::from_str::<Value>(&text).is_err() {
        return Reply::error(400, "exactly one capability scope must be populated");
    } else {
        match Policy::read(&text) {
            Err(message) => return Reply::error(400, &message),
            Ok(policy) => {
                let failing = policy.failing(&policy.tests);
                if !failing.is_empty() {
                    let body = json!({ "message": "test(s) failed", "data": failing });
                    return Reply::text(400, "application/json", body.to_string());
                }
            }
        }
        PolicyText::new(text, false)
    };
    let old = std::mem::replace(&mut state.policy, policy);
    state.audit.push(AuditEntry {
        at_ms: incoming.now_ms,
        actor: caller.actor.clone(),
        target: (TAILNET_ID.to_owned(), "example.com".to_owned(), "TAILNET"),
        property: "ACL",
        action: "UPDATE",
        old: old.text.into(),
        new: state.policy.text.clone().into(),
        details: String::new(),
    });
    shown(&state.policy, incoming)
}

/// `POST /tailnet/-/acl/validate`: 200 whatever it finds (apis/tailscale.md 3.3). An object is a whole file, an array are
/// tests to run against the present one.
pub(super) fn validate(state: &State, incoming: &Incoming) -> Reply {
    let text = String::from_utf8_lossy(&incoming.body);
    if text.trim().is_empty() {
        return Reply::error(400, "unexpected end of JSON input");
    }
    let found = match hujson(&text) {
        Ok(Value::Array(tests)) => Policy::read(&state.policy.text).map(|policy| policy.failing(&tests)),
        Ok(_) => Policy::read(&text).map(|policy| policy.failing(&policy.tests)),
        Err(message) => Err(message),
    };
    Reply::json(&match found {
        Err(message) => json!({ "message": message }),
        Ok(failing) if failing.is_empty() => json!({}),
        Ok(failing) => json!({ "message": "test(s) failed", "data": failing }),
    })
}
