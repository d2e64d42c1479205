//! Posture attributes of a device: read, set with an expiry, delete.

use std::collections::BTreeMap;

use jiff::Timestamp;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::cut;
use super::wire::{Call, OBJECT_LIMIT_BYTES, at_ms, is_id, refused};
use super::{Tailscale, TailscaleError};
use crate::planted::{Fault, is_planted};

/// The longest comment, in bytes. Tailscale says characters and not whether it counts bytes (apis/tailscale.md 2.2).
const COMMENT_LIMIT_BYTES: usize = 200;

/// What is known about a device's posture.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attributes {
    /// All attributes by key, such as `custom:jit_prod_db` or `node:os`.
    pub attributes: BTreeMap<String, Value>,
    /// When Tailscale removes an attribute by itself (within minutes after), in ms since the epoch; only those that have
    /// such a time.
    pub expiries: BTreeMap<String, i64>,
}

/// How a deletion ended; both leave the attribute absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deletion {
    /// Tailscale accepted the deletion.
    Deleted,
    /// There was nothing to delete: no such attribute, or no such device any more.
    AlreadyGone,
}

impl Tailscale {
    /// The attributes of a device, read now. Scope `devices:posture_attributes:read`.
    ///
    /// # Errors
    /// `NotFound` if the device left the tailnet; see `TailscaleError`.
    pub async fn attributes(&self, node_id: &str) -> Result<Attributes, TailscaleError> {
        #[derive(Deserialize)]
        struct Wire {
            #[serde(default)]
            attributes: Option<BTreeMap<String, Value>>,
            #[serde(default)]
            expiries: Option<BTreeMap<String, String>>,
        }
        const NAME: &str = "reading attributes";
        if !is_id(node_id) {
            return Err(refused(NAME, "that is not the id of a device"));
        }
        let answer = self
            .send(Call {
                name: NAME,
                scope: Some("devices:posture_attributes:read"),
                method: Method::GET,
                url: self.url(&["device", node_id, "attributes"]),
                accept: "application/json",
                body: None,
                limit_bytes: OBJECT_LIMIT_BYTES,
                limit: None,
            })
            .await?;
        let wire: Wire = answer.json()?;
        let mut expiries = BTreeMap::new();
        for (key, text) in wire.expiries.unwrap_or_default() {
            // Go's zero time means that there is none.
            if text.is_empty() || text.starts_with("0001-01-01") {
                continue;
            }
            let at = at_ms(&text).ok_or_else(|| answer.malformed("an expiry is not a time"))?;
            expiries.insert(key, at);
        }
        Ok(Attributes { attributes: wire.attributes.unwrap_or_default(), expiries })
    }

    /// Sets `key` on a device, whatever it was: the last write wins, and Tailscale has no way to say "only if". Without
    /// `expires_at_ms` the attribute stays for ever, even if it had an expiry before. The expiry is sent in whole seconds,
    /// rounded up; `comment` goes to the tailnet's audit log only and is cut at 200 bytes. The answer is not looked at: read
    /// back with `attributes`. Scope `devices:posture_attributes`.
    ///
    /// # Errors
    /// `Rejected` for a key outside `custom:`, a value of another type than the key's first one in this tailnet, or an
    /// expiry in the past; `NotFound` also for devices shared in; see `TailscaleError`.
    pub async fn set_attribute(
        &self,
        node_id: &str,
        key: &str,
        value: &Value,
        expires_at_ms: Option<i64>,
        comment: &str,
    ) -> Result<(), TailscaleError> {
        const NAME: &str = "setting an attribute";
        check(NAME, node_id, key)?;
        let mut body = Map::from_iter([("value".to_owned(), value.clone())]);
        if let Some(expires_at_ms) = expires_at_ms.filter(|_| !is_planted(Fault::TellsNoEnd)) {
            let text = whole_seconds(expires_at_ms).ok_or_else(|| refused(NAME, "no calendar has that expiry"))?;
            body.insert("expiry".to_owned(), text.into());
        }
        if !comment.is_empty() {
            body.insert("comment".to_owned(), cut(comment, COMMENT_LIMIT_BYTES).into());
        }
        let call = self.write(NAME, Method::POST, node_id, key, Some(Value::Object(body)));
        self.send(call).await.map(drop)
    }

    /// Deletes `key` from a device. Not being there is success. Scope `devices:posture_attributes`.
    ///
    /// # Errors
    /// `Rejected` for a key outside `custom:`; see `TailscaleError`.
    pub async fn delete_attribute(&self, node_id: &str, key: &str) -> Result<Deletion, TailscaleError> {
        const NAME: &str = "deleting an attribute";
        check(NAME, node_id, key)?;
        match self.send(self.write(NAME, Method::DELETE, node_id, key, None)).await {
            Ok(_) => Ok(Deletion::Deleted),
            Err(TailscaleError::NotFound(_)) => Ok(Deletion::AlreadyGone),
            Err(error) => Err(error),
        }
    }

    fn write(&self, name: &'static str, method: Method, node_id: &str, key: &str, body: Option<Value>) -> Call {
        Call {
            name,
            scope: Some("devices:posture_attributes"),
            method,
            url: self.url(&[
                "device",
                if is_planted(Fault::WrongDevice) { "nP00aCNTRL" } else { node_id },
                "attributes",
                key,
            ]),
            accept: "application/json",
            body,
            limit_bytes: OBJECT_LIMIT_BYTES,
            limit: None,
        }
    }
}

/// Only `custom:` attributes may be written: at most 128 letters, digits, `_` and `:` (apis/tailscale.md 2.2).
fn check(call: &'static str, node_id: &str, key: &str) -> Result<(), TailscaleError> {
    let is_key =
        |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_:".contains(&byte));
    if !is_id(node_id) {
        return Err(refused(call, "that is not the id of a device"));
    }
    match key.strip_prefix("custom:") {
        Some(name) if key.len() <= 128 && is_key(name) => Ok(()),
        _ => Err(refused(
            call,
            "an attribute we may write is `custom:` and letters, digits, `_`, `:`, at most 128 in all",
        )),
    }
}

/// RFC 3339 in whole seconds, never earlier than asked for.
fn whole_seconds(at_ms: i64) -> Option<String> {
    let seconds = at_ms.div_euclid(1000) + i64::from(at_ms.rem_euclid(1000) != 0);
    Some(Timestamp::from_second(seconds).ok()?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_rounded_up_to_a_whole_second() {
        assert_eq!(whole_seconds(1_893_456_000_000).as_deref(), Some("2030-01-01T00:00:00Z"));
        assert_eq!(whole_seconds(1_893_456_000_001).as_deref(), Some("2030-01-01T00:00:01Z"));
        assert_eq!(whole_seconds(i64::MAX), None);
    }

    #[test]
    fn only_custom_keys_and_plain_ids_make_a_path() {
        assert!(check("trying", "n1CNTRL", "custom:jit_prod_db").is_ok());
        for (node_id, key) in [
            ("n1CNTRL", "node:os"),
            ("n1CNTRL", "custom:"),
            ("n1CNTRL", "custom:a/../b"),
            ("..", "custom:a"),
            ("", "custom:a"),
        ] {
            assert!(check("trying", node_id, key).is_err(), "{node_id} {key}");
        }
    }
}
