//! A tailnet in memory: devices, attributes that end by themselves, groups and tokens, as strict as Tailscale is.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::company::{PEOPLE, SECRETS, devices, login, person_by_login};
use super::places::{Attribute, POLICY, Place, Places};
use super::policy_file::PolicyFile;
use super::tailnet_settings::{self, AuthKeys, Switched, key_expiry_of, role_name, role_of};

/// The tailnet.
pub struct Tailnet {
    machines: BTreeMap<String, String>,
    pub policy: PolicyFile,
    /// Auth keys.
    pub keys: AuthKeys,
    /// What was switched by what was answered last.
    pub switched: Vec<Switched>,
    /// What should not have been asked for.
    pub mistakes: Vec<String>,
    /// Numbers of people who are no users any more.
    pub quit: Vec<usize>,
    /// Nothing may be changed by the bot.
    pub is_forbidden: bool,
    tokens: Vec<(String, i64)>,
    issued: u64,
    /// Ends are dropped from what is written.
    pub drops_ends: bool,
    /// Reads show what was there this long ago.
    pub lag_ms: i64,
}

/// What is asked.
pub struct Asked<'a> {
    pub method: &'a Method,
    pub path: &'a str,
    pub bearer: &'a str,
    pub body: &'a [u8],
    /// `If-Match`.
    pub made_from: &'a str,
}

/// What is answered.
pub struct Reply {
    pub status: StatusCode,
    pub body: Vec<u8>,
    pub etag: Option<String>,
}

impl From<(StatusCode, Value)> for Reply {
    fn from((status, body): (StatusCode, Value)) -> Self {
        Self { status, body: body.to_string().into_bytes(), etag: None }
    }
}

impl Tailnet {
    pub fn new(now: i64) -> Self {
        let own = |person| devices(person).into_iter().map(move |device| (device, login(person)));
        Self {
            machines: (0..PEOPLE).flat_map(own).collect(),
            policy: PolicyFile::new(now),
            keys: AuthKeys::default(),
            switched: Vec::new(),
            mistakes: Vec::new(),
            quit: Vec::new(),
            is_forbidden: false,
            tokens: Vec::new(),
            issued: 0,
            drops_ends: false,
            lag_ms: 0,
        }
    }

    /// Whether there is such a device.
    pub fn has(&self, device: &str) -> bool {
        self.machines.contains_key(device)
    }

    /// A device becomes somebody else's, with all it has.
    pub fn passes(&mut self, device: &str, to: usize) {
        if let Some(owner) = self.machines.get_mut(device) {
            *owner = login(to);
        }
    }

    /// A device leaves with all it has, or is there again.
    pub fn leaves(&mut self, device: &str, places: &mut Places, now: i64) {
        self.machines.remove(device);
        let gone: Vec<Place> = places.of(device).filter(|place| places.at(place, now).is_some()).cloned().collect();
        for place in gone {
            places.write(&place, None, now, true);
        }
    }

    /// What a device's attributes look like to whoever reads them.
    fn shown(&self, device: &str, places: &mut Places, now: i64) -> Value {
        let (mut attributes, mut expiries) = (Map::new(), Map::new());
        let seen_at = now.saturating_sub(self.lag_ms);
        let of: Vec<Place> = places.of(device).filter(|place| place.1.starts_with("custom:")).cloned().collect();
        for place in of {
            let writes = places.writes(&place).iter().rev();
            let last = { writes }.find(|write| write.at <= seen_at).and_then(|write| write.now.clone());
            let last = last.filter(|found| found.until.is_none_or(|until| until > now));
            places.shown.insert(place.clone(), last.clone());
            let Some(found) = last else { continue };
            attributes.insert(place.1.clone(), found.value.clone());
            if let Some(until) = found.until {
                expiries.insert(place.1.clone(), rfc3339(until).into());
            }
        }
        attributes.insert("node:os".to_owned(), "linux".into());
        json!({ "attributes": attributes, "expiries": expiries })
    }

    /// Answers a call to the API.
    pub fn answer(&mut self, places: &mut Places, call: Asked<'_>, now: i64) -> Reply {
        let Asked { method, path, bearer, body, made_from } = call;
        let path = path.replace("%3A", ":");
        let parts: Vec<&str> = path.trim_start_matches("/api/v2/").split('/').collect();
        if parts.as_slice() == ["oauth", "token"] {
            return self.token(body, now).into();
        }
        if !self.tokens.iter().any(|(token, until)| token == bearer && *until > now) {
            return refusal(StatusCode::UNAUTHORIZED, "API token invalid").into();
        }
        let answer = match (method.as_str(), parts.as_slice()) {
            ("GET", ["tailnet", "-", "devices"]) => {
                let devices: Vec<Value> = self.machines.keys().map(|id| self.machine(places, id, now)).collect();
                (StatusCode::OK, json!({ "devices": devices }))
            }
            ("GET", ["tailnet", "-", "users"]) => {
                let users: Vec<Value> = (0..PEOPLE).map(|person| self.user(places, person, now)).collect();
                (StatusCode::OK, json!({ "users": users }))
            }
            ("GET", ["users", id]) => match (0..PEOPLE).find(|person| user_id(*person) == *id) {
                Some(person) => (StatusCode::OK, self.user(places, person, now)),
                None => refusal(StatusCode::NOT_FOUND, "user not found"),
            },
            ("GET", ["tailnet", "-", "acl"]) => return self.policy.read(places, now.saturating_sub(self.lag_ms)),
            ("POST", ["tailnet", "-", "acl", "validate"]) => return PolicyFile::validate(body),
            (_, ["device", id, ..]) if !self.has(id) => refusal(StatusCode::NOT_FOUND, "device not found"),
            ("GET", ["device", id]) => (StatusCode::OK, self.machine(places, id, now)),
            ("GET", ["tailnet", "-", "keys"]) => self.keys.list(places, now),
            ("GET", ["device", id, "attributes"]) => (StatusCode::OK, self.shown(id, places, now)),
            ("POST" | "DELETE", _) if self.is_forbidden => refusal(
                StatusCode::FORBIDDEN,
                "calling actor does not have enough permissions to perform this function",
            ),
            ("POST", ["tailnet", "-", "acl"]) => {
                let (reply, change) = self.policy.replace(body, made_from, now);
                let of =
                    |ids: Vec<String>, is_on| ids.into_iter().map(move |id| ((POLICY.to_owned(), id), is_on, None));
                self.switched.extend(of(change.went, false).chain(of(change.came, true)));
                return reply;
            }
            ("POST" | "DELETE", ["tailnet", "-", "keys", ..])
            | ("POST", ["users", _, "role"] | ["device", _, "key"]) => {
                self.settings(places, (method.as_str(), &parts), body, now)
            }
            ("POST", ["device", id, "attributes", key]) => {
                self.set(places, &((*id).to_owned(), (*key).to_owned()), body, now)
            }
            ("DELETE", ["device", id, "attributes", key]) => {
                let place = ((*id).to_owned(), (*key).to_owned());
                if places.at(&place, now).is_none() {
                    return refusal(StatusCode::NOT_FOUND, "attribute not found").into();
                }
                places.write(&place, None, now, false);
                (StatusCode::OK, Value::Null)
            }
            _ => refusal(StatusCode::NOT_FOUND, "404 page not found"),
        };
        answer.into()
    }

    /// Answers what is about auth keys, roles and the keys of devices.
    fn settings(
        &mut self,
        places: &Places,
        (method, parts): (&str, &[&str]),
        body: &[u8],
        now: i64,
    ) -> (StatusCode, Value) {
        match (method, parts) {
            ("POST", ["tailnet", "-", "keys"]) => {
                let (answer, switched, mistake) = self.keys.make(body, now);
                self.switched.extend(switched);
                self.mistakes.extend(mistake);
                answer
            }
            ("DELETE", ["tailnet", "-", "keys", id]) => {
                let (answer, switched) = self.keys.revoke(id, now);
                self.switched.extend(switched);
                answer
            }
            ("POST", ["users", id, "role"]) => match (0..PEOPLE).find(|person| user_id(*person) == *id) {
                Some(person) => self.change(places, (body, "role"), role_of(person), now),
                None => refusal(StatusCode::NOT_FOUND, "user not found"),
            },
            ("POST", ["device", id, "key"]) => self.change(places, (body, "keyExpiryDisabled"), key_expiry_of(id), now),
            _ => refusal(StatusCode::NOT_FOUND, "404 page not found"),
        }
    }

    /// Changes what has no end; what is so already is not switched.
    fn change(&mut self, places: &Places, (body, field): (&[u8], &str), place: Place, now: i64) -> (StatusCode, Value) {
        let (answer, switched) = tailnet_settings::set(body, field, place);
        self.switched.extend(switched.filter(|(place, is_on, _)| places.is_on(place, now) != *is_on));
        answer
    }

    fn set(&self, places: &mut Places, place: &Place, body: &[u8], now: i64) -> (StatusCode, Value) {
        let bad = |message: &str| refusal(StatusCode::BAD_REQUEST, message);
        let Ok(body) = serde_json::from_slice::<Value>(body) else { return bad("invalid request body") };
        if !place.1.starts_with("custom:") {
            return bad("attribute key must be in the custom: namespace");
        }
        let Some(value) = body.get("value").filter(|value| value.is_boolean()) else {
            return bad("attribute value must be of type boolean, as it was first set in this tailnet");
        };
        if body.get("comment").and_then(Value::as_str).is_some_and(|comment| comment.len() > 200) {
            return bad("comment must be a string of at most 200 characters");
        }
        let until = match body.get("expiry").and_then(Value::as_str).map(str::parse::<Timestamp>) {
            None => None,
            Some(Err(_)) => return bad("expiry must be an RFC 3339 time"),
            Some(Ok(at)) if at.as_millisecond() <= now => return bad("expiry must be in the future"),
            Some(Ok(at)) => Some(at.as_millisecond()),
        };
        if until.is_some() && self.drops_ends {
            places.dropped.insert(place.clone());
        }
        let until = until.filter(|_| !self.drops_ends);
        places.write(place, Some(Attribute { value: value.clone(), until }), now, false);
        (StatusCode::OK, Value::Null)
    }

    fn token(&mut self, body: &[u8], now: i64) -> (StatusCode, Value) {
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(body).into_owned().collect();
        if form.get("client_secret").map(String::as_str) != SECRETS.get(1).copied() {
            return (StatusCode::UNAUTHORIZED, json!({ "error": "invalid_client" }));
        }
        self.issued = self.issued.saturating_add(1);
        let token = format!("tskey-api-{}{}", SECRETS.last().unwrap_or(&""), self.issued);
        self.tokens.retain(|(_, until)| *until > now);
        self.tokens.push((token.clone(), now.saturating_add(3_600_000)));
        (StatusCode::OK, json!({ "access_token": token, "token_type": "Bearer", "expires_in": 3600 }))
    }

    /// The tokens given out are worth nothing any more.
    pub fn revoke_tokens(&mut self) {
        self.tokens.clear();
    }

    fn user(&self, places: &mut Places, person: usize, now: i64) -> Value {
        let status = if self.quit.contains(&person) { "suspended" } else { "active" };
        let role = role_name(places, person, now);
        json!({"id": user_id(person), "loginName": login(person), "type": "member", "role": role, "status": status})
    }

    fn machine(&self, places: &mut Places, id: &str, now: i64) -> Value {
        let place = key_expiry_of(id);
        let there = places.at(&place, now).cloned();
        let is_on = there.is_some();
        places.shown.insert(place, there);
        let owner = self.machines.get(id).map(String::as_str).unwrap_or_default();
        let name = format!("{}-{}", person_by_login(owner).unwrap_or(0), id.to_lowercase());
        json!({
            "id": id, "nodeId": id, "user": owner, "name": format!("{name}.sim.ts.net"), "hostname": name, "os": "linux",
            "created": "2030-01-01T00:00:00Z", "isExternal": false, "connectedToControl": true, "authorized": true,
            "keyExpiryDisabled": is_on,
        })
    }
}

fn user_id(person: usize) -> String {
    format!("u{person}CNTRL")
}

/// A refusal as the API words it.
pub fn refusal(status: StatusCode, message: &str) -> (StatusCode, Value) {
    (status, json!({ "message": message }))
}

fn rfc3339(at: i64) -> String {
    Timestamp::from_millisecond(at).map(|at| at.to_string()).unwrap_or_default()
}
