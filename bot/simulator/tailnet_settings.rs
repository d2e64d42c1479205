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

/// Whoever was shown a key joins with it after so long.
const JOINS_MS: i64 = 60_000;

/// A key that takes the place of another one lasts so much longer.
const REPLACED_MS: i64 = 5_000;

/// One auth key.
struct AuthKey {
    id: String,
    description: String,
    made_at: i64,
    until: i64,
    is_revoked: bool,
    /// When its requester was shown it.
    shown_at: Option<i64>,
    /// It was said that it was used.
    is_noted: bool,
}

impl AuthKey {
    fn is_good(&self, now: i64) -> bool {
        !self.is_revoked && self.until > now && !self.is_used(now)
    }

    /// Whoever was shown one joins with it a little later, some of them.
    fn is_used(&self, now: i64) -> bool {
        let joins = self.id.trim_start_matches('k').starts_with(['1', '4', '7']);
        joins && self.shown_at.is_some_and(|at| at.saturating_add(JOINS_MS) < now)
    }
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

    fn good<'k>(&'k self, of: &'k Place, now: i64) -> impl Iterator<Item = &'k AuthKey> {
        self.all.iter().filter(move |key| key.is_good(now) && place_of(&key.description) == *of)
    }

    /// These were shown to their requesters.
    pub fn shown(&mut self, ids: &[String], now: i64) {
        for key in self.all.iter_mut().filter(|key| ids.contains(&key.id)) {
            key.shown_at.get_or_insert(now);
        }
    }

    /// A key of this request that is good, was made before, and that its requester was never shown.
    pub fn unseen(&self, request: &str, made_before: i64, now: i64) -> Option<String> {
        let place = (AUTH_KEY.to_owned(), request.to_owned());
        let mut unseen = self.good(&place, now).filter(|key| key.shown_at.is_none() && key.made_at < made_before);
        unseen.next().map(|key| key.id.clone())
    }

    /// Whether a request has a key that is good.
    fn has_good(&self, of: &Place, now: i64) -> bool {
        self.good(of, now).next().is_some()
    }

    /// Shows all of them. Those with which somebody joined meanwhile are good no more.
    pub fn list(&mut self, places: &mut Places, now: i64) -> (StatusCode, Value) {
        for key in self.all.iter_mut().filter(|key| !key.is_noted && key.is_used(now)) {
            key.is_noted = true;
            places.switch(&place_of(&key.description), false, now, true);
        }
        for place in self.all.iter().map(|key| place_of(&key.description)) {
            let there = places.at(&place, now).cloned();
            places.shown.insert(place, there);
        }
        let one = |key: &AuthKey| {
            json!({"id": key.id, "description": key.description, "invalid": !key.is_good(now), "expires": at(key.until),
                "created": at(key.made_at)})
        };
        (StatusCode::OK, json!({ "keys": self.all.iter().map(one).collect::<Vec<_>>() }))
    }

    /// Makes one; a second good one of the same request is a mistake, which is said, but where it is to last longer.
    pub fn make(&mut self, body: &[u8], now: i64) -> ((StatusCode, Value), Option<Switched>, Option<String>) {
        let asked: Value = serde_json::from_slice(body).unwrap_or_default();
        let description = asked.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
        let seconds = asked.get("expirySeconds").and_then(Value::as_i64).unwrap_or_default();
        if !description.starts_with("nightlatch ") || seconds <= 0 {
            let mistake = format!("an auth key that is nobody's, or has no end: {asked}");
            return (refusal(StatusCode::BAD_REQUEST, "invalid request body"), None, Some(mistake));
        }
        let place = place_of(&description);
        let (id, until) = (format!("k{}CNTRL", self.all.len()), now.saturating_add(seconds.saturating_mul(1_000)));
        let is_second = self.good(&place, now).any(|key| key.until.saturating_add(REPLACED_MS) >= until);
        let mistake = is_second.then(|| format!("a second auth key of {}", place.1));
        self.all.push(AuthKey {
            id: id.clone(),
            description,
            made_at: now,
            until,
            is_revoked: false,
            shown_at: None,
            is_noted: false,
        });
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

fn at(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map(|at| at.to_string()).unwrap_or_default()
}

/// A key says in its description whose it is: `nightlatch REQUEST-STEP`.
fn place_of(description: &str) -> Place {
    let id = description.trim_start_matches("nightlatch ").split('-').next().unwrap_or_default();
    (AUTH_KEY.to_owned(), id.to_owned())
}
