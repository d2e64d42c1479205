//! Whether a request really comes from Slack: its signature over the raw body, and its age.
//!
//! Facts: `apis/slack.md` section 1.1 (base string `v0:{timestamp}:{body}`, HMAC-SHA256, 300 seconds).

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// Older or newer than this, and a request is a replay (or a clock is wrong).
const AGE_MAX_SECONDS: i64 = 300;

/// The signing secrets that are good now: one, or two while the secret is being changed.
#[derive(Clone, Debug)]
pub struct SigningSecrets {
    secrets: Vec<SecretString>,
}

/// There is no secret to check with: everything could be signed by anyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signing secret is empty (copy it from the Slack app's Basic Information page)")]
pub struct EmptySecret;

impl SigningSecrets {
    /// Refuses an empty list and an empty secret.
    pub fn new(secrets: Vec<SecretString>) -> Result<Self, EmptySecret> {
        if secrets.is_empty() || secrets.iter().any(|secret| secret.expose_secret().trim().is_empty()) {
            return Err(EmptySecret);
        }
        Ok(Self { secrets })
    }

    /// Whether `signature` (`v0=` and hex) is one of ours over `timestamp` and `body`. Constant time per secret.
    pub fn verify(&self, timestamp: &str, body: &[u8], signature: &str) -> bool {
        let Some(claimed) = signature.strip_prefix("v0=").and_then(|hex| hex::decode(hex).ok()) else { return false };
        self.secrets.iter().fold(false, |found, secret| {
            let is_this = mac(secret, timestamp, body).is_some_and(|mac| mac.verify_slice(&claimed).is_ok());
            found | is_this
        })
    }
}

/// Whether a timestamp header is near enough to `now_ms`. Also false for what is not a plain number of seconds.
pub fn is_fresh(timestamp: &str, now_ms: i64) -> bool {
    let is_number = !timestamp.is_empty() && timestamp.len() <= 12 && timestamp.bytes().all(|b| b.is_ascii_digit());
    let Some(at) = timestamp.parse::<i64>().ok().filter(|_| is_number) else { return false };
    now_ms.div_euclid(1_000).abs_diff(at) <= AGE_MAX_SECONDS.unsigned_abs()
}

/// The signature header Slack would send; for the playground and tests.
pub fn sign(secret: &SecretString, timestamp: &str, body: &[u8]) -> String {
    let digest = mac(secret, timestamp, body).map(|mac| mac.finalize().into_bytes());
    format!("v0={}", digest.map(hex::encode).unwrap_or_default())
}

fn mac(secret: &SecretString, timestamp: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).ok()?;
    mac.update(b"v0:");
    mac.update(timestamp.as_bytes());
    mac.update(b":");
    mac.update(body);
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_vectors_verify_and_changed_ones_do_not() {
        let vectors = include_str!("../../../tests/fixtures/slack/signature_vectors.json");
        let vectors: Vec<serde_json::Value> = serde_json::from_str(vectors).expect("the fixture is JSON");
        assert!(vectors.len() >= 5);
        for vector in &vectors {
            let field = |name: &str| vector.get(name).and_then(|value| value.as_str()).expect("a text");
            let secret = SecretString::from(field("secret"));
            let (timestamp, body, signature) = (field("timestamp"), field("body"), field("signature"));
            assert_eq!(sign(&secret, timestamp, body.as_bytes()), signature, "{}", field("name"));
            let good = SigningSecrets::new(vec![secret]).expect("a secret");
            assert!(good.verify(timestamp, body.as_bytes(), signature));
            assert!(!good.verify(timestamp, format!("{body} ").as_bytes(), signature));
            assert!(!good.verify("1531420619", body.as_bytes(), signature));
            assert!(!good.verify(timestamp, body.as_bytes(), signature.trim_start_matches("v0=")));
            let other = SigningSecrets::new(vec![SecretString::from("another")]).expect("a secret");
            assert!(!other.verify(timestamp, body.as_bytes(), signature));
        }
    }

    #[test]
    fn two_secrets_serve_at_once_while_one_replaces_the_other() {
        let (old, new) = (SecretString::from("old"), SecretString::from("new"));
        let both = SigningSecrets::new(vec![new.clone(), old.clone()]).expect("secrets");
        for secret in [&old, &new] {
            assert!(both.verify("1", b"x", &sign(secret, "1", b"x")));
        }
        assert!(!both.verify("1", b"x", &sign(&SecretString::from("third"), "1", b"x")));
    }

    #[test]
    fn an_empty_secret_is_refused() {
        assert_eq!(SigningSecrets::new(vec![]).err(), Some(EmptySecret));
        assert_eq!(SigningSecrets::new(vec![SecretString::from(" ")]).err(), Some(EmptySecret));
        let half = vec![SecretString::from("good"), SecretString::from("")];
        assert_eq!(SigningSecrets::new(half).err(), Some(EmptySecret));
    }

    #[test]
    fn requests_are_fresh_for_five_minutes_either_way() {
        let now_ms = 1_767_225_600_999;
        for (timestamp, is_good) in [
            ("1767225600", true),
            ("1767225300", true),
            ("1767225299", false),
            ("1767225900", true),
            ("1767225901", false),
            ("", false),
            ("-1767225600", false),
            ("+1767225600", false),
            ("1767225600.5", false),
            ("99999999999999999999", false),
        ] {
            assert_eq!(is_fresh(timestamp, now_ms), is_good, "{timestamp}");
        }
    }
}
