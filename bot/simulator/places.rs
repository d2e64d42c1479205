//! Everything that can be on somewhere: attributes of devices, members of groups, entries of the policy file, what a service was told; and
//! every change of it, so that it can be said what is whose.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::kernel::Key;

/// A value and its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    pub value: Value,
    pub until: Option<i64>,
}

/// One thing: an attribute of a device; a person in a user group; a request in the policy file or at the service.
pub type Place = (String, String);

/// What stands first in the place of a request's entries in the policy file.
pub const POLICY: &str = "policy";
/// The same for what the service was told.
pub const SERVICE: &str = "service";

/// The same for auth keys.
pub const AUTH_KEY: &str = "auth key";
/// What stands first in the place of a user's role.
pub const ROLE: &str = "role";
/// What stands in the place of a device whose key does not expire.
pub const KEY_EXPIRY: &str = "key expiry";

/// A change of one thing, as it happened.
#[derive(Clone, Debug)]
pub struct Write {
    pub at: i64,
    pub by_hand: bool,
    pub now: Option<Attribute>,
}

/// All of them.
#[derive(Default)]
pub struct Places {
    there: BTreeMap<Place, Attribute>,
    writes: BTreeMap<Place, Vec<Write>>,
    /// What the bot was shown of it when it last read it.
    pub shown: BTreeMap<Place, Option<Attribute>>,
    /// Places whose end was ever dropped.
    pub dropped: BTreeSet<Place>,
}

/// Where a key's thing is; nothing for what is not looked at, such as pastes.
pub fn place_of(key: &Key) -> Option<Place> {
    let (first, rest) = key.address().split_once(' ').unwrap_or((key.address(), ""));
    match key.uses() {
        "tailscale.attribute" | "slack.user_group" | "slack.channel" => Some((first.to_owned(), rest.to_owned())),
        "http.request" => Some((SERVICE.to_owned(), first.to_owned())),
        "tailscale.auth_key" => Some((AUTH_KEY.to_owned(), first.to_owned())),
        "tailscale.role" => Some((ROLE.to_owned(), first.to_owned())),
        "tailscale.device" => Some((first.to_owned(), KEY_EXPIRY.to_owned())),
        _ => None,
    }
}

/// Where the thing of a request's step is.
pub fn place_for(key: &Key, id: &str) -> Option<Place> {
    if key.uses() == "tailscale.policy" { Some((POLICY.to_owned(), id.to_owned())) } else { place_of(key) }
}

/// Whether this is something of a device, and goes with it.
pub fn is_of_a_device(place: &Place) -> bool {
    place.1.starts_with("custom:") || place.1 == KEY_EXPIRY
}

/// Whether this is an attribute of a device that a workflow sets itself.
pub fn is_attribute(place: &Place) -> bool {
    place.1.starts_with("custom:jit_")
}

/// Whether this is an attribute that entries of the policy file depend on.
pub fn is_guard(place: &Place) -> bool {
    place.1.starts_with("custom:nl_")
}

impl Places {
    /// What is there at `now`.
    pub fn at(&self, place: &Place, now: i64) -> Option<&Attribute> {
        self.there.get(place).filter(|attribute| attribute.until.is_none_or(|until| until > now))
    }

    /// Whether it is on at `now`.
    pub fn is_on(&self, place: &Place, now: i64) -> bool {
        self.at(place, now).is_some_and(|there| there.value == Value::Bool(true))
    }

    /// Places that were ever written.
    pub fn all(&self) -> impl Iterator<Item = &Place> {
        self.writes.keys()
    }

    /// Every change of one, oldest first.
    pub fn writes(&self, place: &Place) -> &[Write] {
        self.writes.get(place).map(Vec::as_slice).unwrap_or_default()
    }

    /// Everything of a device that is or was there.
    pub fn of<'p>(&'p self, device: &'p str) -> impl Iterator<Item = &'p Place> + 'p {
        self.writes.keys().filter(move |place| place.0 == device)
    }

    /// Something changes.
    pub fn write(&mut self, place: &Place, attribute: Option<Attribute>, now: i64, by_hand: bool) {
        match &attribute {
            Some(attribute) => self.there.insert(place.clone(), attribute.clone()),
            None => self.there.remove(place),
        };
        self.writes.entry(place.clone()).or_default().push(Write { at: now, by_hand, now: attribute });
    }

    /// Somebody or something is there from now on, or no longer.
    pub fn switch(&mut self, place: &Place, is_on: bool, now: i64, by_hand: bool) {
        self.switch_until(place, (is_on, None), now, by_hand);
    }

    /// The same with an end.
    pub fn switch_until(&mut self, place: &Place, (is_on, until): (bool, Option<i64>), now: i64, by_hand: bool) {
        self.write(place, is_on.then(|| Attribute { value: Value::Bool(true), until }), now, by_hand);
    }
}
