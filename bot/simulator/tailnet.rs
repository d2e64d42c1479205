//! A tailnet in memory: devices, attributes that end by themselves, groups and tokens, as strict as Tailscale is.

use std::collections::{BTreeMap, BTreeSet};

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::company::{DBA, PEOPLE, SECRETS, devices, login, may_ask, person_by_login};

/// An attribute's value and end.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    pub value: Value,
    pub until: Option<i64>,
}

/// One attribute of one device.
pub type Place = (String, String);

/// A change of an attribute, as it happened.
#[derive(Clone, Debug)]
pub struct Write {
    pub at: i64,
    pub by_hand: bool,
    pub now: Option<Attribute>,
}

/// The tailnet.
pub struct Tailnet {
    machines: BTreeMap<String, String>,
    attributes: BTreeMap<Place, Attribute>,
    /// Every change of every attribute.
    pub writes: BTreeMap<Place, Vec<Write>>,
    /// What the bot was shown of an attribute when it last read it.
    pub shown: BTreeMap<Place, Option<Attribute>>,
    /// Numbers of people who left the group.
    pub dismissed: Vec<usize>,
    /// Numbers of people who are no users any more.
    pub quit: Vec<usize>,
    /// Nothing may be changed by the bot.
    pub is_forbidden: bool,
    tokens: Vec<(String, i64)>,
    issued: u64,
    /// Ends are dropped from what is written.
    pub drops_ends: bool,
    /// Places whose end it ever dropped.
    pub dropped: BTreeSet<Place>,
    /// Reads show what was there this long ago.
    pub lag_ms: i64,
}

/// What is answered: status and body.
pub type Reply = (StatusCode, Value);

impl Tailnet {
    pub fn new() -> Self {
        let own = |person| devices(person).into_iter().map(move |device| (device, login(person)));
        Self {
            machines: (0..PEOPLE).flat_map(own).collect(),
            attributes: BTreeMap::new(),
            writes: BTreeMap::new(),
            shown: BTreeMap::new(),
            dismissed: Vec::new(),
            quit: Vec::new(),
            is_forbidden: false,
            tokens: Vec::new(),
            issued: 0,
            drops_ends: false,
            dropped: BTreeSet::new(),
            lag_ms: 0,
        }
    }

    /// What is there at `now`.
    pub fn at(&self, place: &Place, now: i64) -> Option<&Attribute> {
        self.attributes.get(place).filter(|attribute| attribute.until.is_none_or(|until| until > now))
    }

    /// Whether there is such a device.
    pub fn has(&self, device: &str) -> bool {
        self.machines.contains_key(device)
    }

    /// Places that were ever written.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.writes.keys()
    }

    /// Somebody sets or removes an attribute in the console.
    pub fn by_hand(&mut self, place: &Place, attribute: Option<Attribute>, now: i64) {
        if self.has(&place.0) {
            self.write(place, attribute, now, true);
        }
    }

    /// A device becomes somebody else's, with all it has.
    pub fn passes(&mut self, device: &str, to: usize) {
        if let Some(owner) = self.machines.get_mut(device) {
            *owner = login(to);
        }
    }

    /// A device leaves with all it has, or is there again.
    pub fn leaves(&mut self, device: &str, now: i64) {
        self.machines.remove(device);
        let gone: Vec<Place> = self.attributes.keys().filter(|place| place.0 == device).cloned().collect();
        for place in gone {
            self.write(&place, None, now, true);
        }
    }

    fn write(&mut self, place: &Place, attribute: Option<Attribute>, now: i64, by_hand: bool) {
        match &attribute {
            Some(attribute) => self.attributes.insert(place.clone(), attribute.clone()),
            None => self.attributes.remove(place),
        };
        self.writes.entry(place.clone()).or_default().push(Write { at: now, by_hand, now: attribute });
    }

    /// What a device's attributes look like to whoever reads them.
    fn shown(&mut self, device: &str, now: i64) -> Value {
        let (mut attributes, mut expiries) = (Map::new(), Map::new());
        let seen_at = now.saturating_sub(self.lag_ms);
        for (place, writes) in self.writes.iter().filter(|(place, _)| place.0 == device) {
            let last = writes.iter().rev().find(|write| write.at <= seen_at).and_then(|write| write.now.as_ref());
            let last = last.filter(|found| found.until.is_none_or(|until| until > now));
            self.shown.insert(place.clone(), last.cloned());
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
    pub fn answer(&mut self, method: &Method, path: &str, bearer: &str, body: &[u8], now: i64) -> Reply {
        let path = path.replace("%3A", ":");
        let parts: Vec<&str> = path.trim_start_matches("/api/v2/").split('/').collect();
        if parts.as_slice() == ["oauth", "token"] {
            return self.token(body, now);
        }
        if !self.tokens.iter().any(|(token, until)| token == bearer && *until > now) {
            return refusal(StatusCode::UNAUTHORIZED, "API token invalid");
        }
        match (method.as_str(), parts.as_slice()) {
            ("GET", ["tailnet", "-", "devices"]) => {
                let devices: Vec<Value> = self.machines.keys().map(|id| self.machine(id)).collect();
                (StatusCode::OK, json!({ "devices": devices }))
            }
            ("GET", ["tailnet", "-", "users"]) => {
                (StatusCode::OK, json!({ "users": (0..PEOPLE).map(|person| self.user(person)).collect::<Vec<_>>() }))
            }
            ("GET", ["users", id]) => match (0..PEOPLE).find(|person| user_id(*person) == *id) {
                Some(person) => (StatusCode::OK, self.user(person)),
                None => refusal(StatusCode::NOT_FOUND, "user not found"),
            },
            ("GET", ["tailnet", "-", "acl"]) => {
                let all: Vec<String> = (0..PEOPLE).map(login).collect();
                let dba: Vec<String> = DBA.into_iter().filter(|one| !self.dismissed.contains(one)).map(login).collect();
                let writers: Vec<String> = (0..PEOPLE).filter(|one| may_ask(*one, "prod-write")).map(login).collect();
                let groups = json!({ "group:engineering": all, "group:dba": dba, "group:writers": writers });
                (StatusCode::OK, json!({ "groups": groups }))
            }
            (_, ["device", id, ..]) if !self.has(id) => refusal(StatusCode::NOT_FOUND, "device not found"),
            ("GET", ["device", id]) => (StatusCode::OK, self.machine(id)),
            ("GET", ["device", id, "attributes"]) => (StatusCode::OK, self.shown(id, now)),
            ("POST" | "DELETE", _) if self.is_forbidden => refusal(
                StatusCode::FORBIDDEN,
                "calling actor does not have enough permissions to perform this function",
            ),
            ("POST", ["device", id, "attributes", key]) => self.set(&((*id).to_owned(), (*key).to_owned()), body, now),
            ("DELETE", ["device", id, "attributes", key]) => {
                let place = ((*id).to_owned(), (*key).to_owned());
                if self.at(&place, now).is_none() {
                    return refusal(StatusCode::NOT_FOUND, "attribute not found");
                }
                self.write(&place, None, now, false);
                (StatusCode::OK, Value::Null)
            }
            _ => refusal(StatusCode::NOT_FOUND, "404 page not found"),
        }
    }

    fn set(&mut self, place: &Place, body: &[u8], now: i64) -> Reply {
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
            self.dropped.insert(place.clone());
        }
        let until = until.filter(|_| !self.drops_ends);
        self.write(place, Some(Attribute { value: value.clone(), until }), now, false);
        (StatusCode::OK, Value::Null)
    }

    fn token(&mut self, body: &[u8], now: i64) -> Reply {
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

    fn user(&self, person: usize) -> Value {
        let status = if self.quit.contains(&person) { "suspended" } else { "active" };
        json!({"id": user_id(person), "loginName": login(person), "type": "member", "role": "member", "status": status})
    }

    fn machine(&self, id: &str) -> Value {
        let owner = self.machines.get(id).map(String::as_str).unwrap_or_default();
        let name = format!("{}-{}", person_by_login(owner).unwrap_or(0), id.to_lowercase());
        json!({
            "id": id, "nodeId": id, "user": owner, "name": format!("{name}.sim.ts.net"), "hostname": name, "os": "linux",
            "created": "2030-01-01T00:00:00Z", "isExternal": false, "connectedToControl": true, "authorized": true,
        })
    }
}

fn user_id(person: usize) -> String {
    format!("u{person}CNTRL")
}

/// A refusal as the API words it.
pub fn refusal(status: StatusCode, message: &str) -> Reply {
    (status, json!({ "message": message }))
}

fn rfc3339(at: i64) -> String {
    Timestamp::from_millisecond(at).map(|at| at.to_string()).unwrap_or_default()
}
