//! What of a tailnet is set and has no end there: roles of users, whether a device's key expires; and auth keys, which have one.

use http::StatusCode;
use serde_json::{Value, json};

use super::company::login;
use super::places::{AUTH_KEY, KEY_EXPIRY, Place, Places, ROLE};
use super::tailnet::refusal;

/// What users are, and what is lent to them.
const ROLES: [&str; 2] = ["member", "auditor"];

/// Something that was switched: what, whether on, and until when.
pub type Switched = (Place, bool, Option<i64>);

/// Where a user's role is.
pub fn role_of(person: usize) -> Place {
    (ROLE.to_owned(), login(person))
}

/// Where it is whether a device's key never expires.
pub fn key_expiry_of(device: &str) -> Place {
    (device.to_owned(), KEY_EXPIRY.to_owned())
}

/// Changes a role, or a device's key expiry, by what is asked for in `field`.
pub fn set(body: &[u8], field: &str, place: Place) -> ((StatusCode, Value), Option<Switched>) {
    let asked: Value = serde_json::from_slice(body).unwrap_or_default();
    let is_on = match asked.get(field) {
        Some(Value::Bool(is_on)) => Some(*is_on),
        Some(Value::String(role)) => ROLES.iter().position(|known| known == role).map(|at| at > 0),
        _ => None,
    };
    match is_on {
        None => (refusal(StatusCode::BAD_REQUEST, "invalid request body"), None),
        Some(is_on) => ((StatusCode::OK, Value::Null), Some((place, is_on, None))),
    }
}

/// What a role is called.
pub fn role_name(places: &mut Places, person: usize, now: i64) -> &'static str {
    let place = role_of(person);
    let is_on = places.is_on(&place, now);
    let there = places.at(&place, now).cloned();
    places.shown.insert(place, there);
    if is_on { "auditor" } else { "member" }
}

/// One auth key.
struct AuthKey {
    id: String,
    description: String,
    until: i64,
    is_revoked: bool,
}

/// Auth keys, each of one request.
#[derive(Default)]
pub struct AuthKeys {
    all: Vec<AuthKey>,
}

impl AuthKeys {
    /// Whose key this is.
    fn place(&self, id: &str) -> Option<Place> {
        self.all.iter().find(|key| key.id == id).map(|key| place_of(&key.description))
    }

    /// Whether a request has a key that is good.
    fn has_good(&self, of: &Place, now: i64) -> bool {
        self.all.iter().any(|key| !key.is_revoked && key.until > now && place_of(&key.description) == *of)
    }

    /// Shows all of them.
    pub fn list(&self, places: &mut Places, now: i64) -> (StatusCode, Value) {
        for place in self.all.iter().map(|key| place_of(&key.description)) {
            let there = places.at(&place, now).cloned();
            places.shown.insert(place, there);
        }
        let one = |key: &AuthKey| {
            let is_invalid = key.is_revoked || key.until <= now;
            json!({"id": key.id, "description": key.description, "invalid": is_invalid})
        };
        (StatusCode::OK, json!({ "keys": self.all.iter().map(one).collect::<Vec<_>>() }))
    }

    /// Makes one; a second good one of the same request is a mistake, which is said.
    pub fn make(&mut self, body: &[u8], now: i64) -> ((StatusCode, Value), Option<Switched>, Option<String>) {
        let asked: Value = serde_json::from_slice(body).unwrap_or_default();
        let description = asked.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
        let seconds = asked.get("expirySeconds").and_then(Value::as_i64).unwrap_or_default();
        if !description.starts_with("nightlatch ") || seconds <= 0 {
            let mistake = format!("an auth key that is nobody's, or has no end: {asked}");
            return (refusal(StatusCode::BAD_REQUEST, "invalid request body"), None, Some(mistake));
        }
        let place = place_of(&description);
        let mistake = self.has_good(&place, now).then(|| format!("a second auth key of {}", place.1));
        let (id, until) = (format!("k{}CNTRL", self.all.len()), now.saturating_add(seconds.saturating_mul(1_000)));
        self.all.push(AuthKey { id: id.clone(), description, until, is_revoked: false });
        let key = format!("{}{id}", super::company::AUTH_KEY_SECRET);
        ((StatusCode::OK, json!({ "id": id, "key": key })), Some((place, true, Some(until))), mistake)
    }

    /// Revokes one.
    pub fn revoke(&mut self, id: &str, now: i64) -> ((StatusCode, Value), Option<Switched>) {
        let place = self.place(id);
        let key = self.all.iter_mut().find(|key| key.id == id && !key.is_revoked);
        let (Some(key), Some(place)) = (key, place) else {
            return (refusal(StatusCode::NOT_FOUND, "key not found"), None);
        };
        key.is_revoked = true;
        let switched = (!self.has_good(&place, now)).then_some((place, false, None));
        ((StatusCode::OK, Value::Null), switched)
    }
}

/// A key says in its description whose it is: `nightlatch REQUEST-STEP`.
fn place_of(description: &str) -> Place {
    let id = description.trim_start_matches("nightlatch ").split('-').next().unwrap_or_default();
    (AUTH_KEY.to_owned(), id.to_owned())
}
