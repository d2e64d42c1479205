//! Tokens in forms: a page elsewhere can make a browser send a form here, but cannot know the token in ours.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::clock::Ids;

/// A form may stay open for a day.
const LIFE_MS: i64 = 24 * 60 * 60 * 1000;

/// Makes tokens, and knows its own until the process ends.
#[derive(Clone)]
pub(super) struct Tokens {
    key: [u8; 32],
}

impl Tokens {
    pub(super) fn new(ids: &Ids) -> Self {
        Self { key: ids.key() }
    }

    /// A token for this person and this form.
    pub(super) fn make(&self, login: &str, form: &str, now: i64) -> String {
        format!(
            "{:x}.{}",
            now.max(0),
            self.mac(login, form, now.max(0)).map(|mac| hex::encode(mac.finalize().into_bytes())).unwrap_or_default()
        )
    }

    /// Whether it is one we made for them and this form within a day.
    pub(super) fn is_good(&self, token: &str, login: &str, form: &str, now: i64) -> bool {
        let Some((made_at, signature)) = token.split_once('.') else { return false };
        let Ok(made_at) = i64::from_str_radix(made_at, 16) else { return false };
        let Ok(signature) = hex::decode(signature) else { return false };
        let is_fresh = made_at <= now && now.saturating_sub(made_at) <= LIFE_MS;
        // `verify_slice` takes the same time whatever is wrong.
        is_fresh && self.mac(login, form, made_at).is_some_and(|mac| mac.verify_slice(&signature).is_ok())
    }

    fn mac(&self, login: &str, form: &str, made_at: i64) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        for part in [login, form, &made_at.to_string()] {
            mac.update(&part.len().to_be_bytes());
            mac.update(part.as_bytes());
        }
        Some(mac)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_one_person_one_form_and_one_day() {
        let tokens = Tokens::new(&Ids::random());
        let token = tokens.make("alice@example.com", "prod", 1_000);
        assert!(tokens.is_good(&token, "alice@example.com", "prod", 2_000));
        assert!(!tokens.is_good(&token, "bob@example.com", "prod", 2_000));
        assert!(!tokens.is_good(&token, "alice@example.com", "other", 2_000));
        assert!(!tokens.is_good(&token, "alice@example.com", "prod", 1_001 + LIFE_MS));
        assert!(!tokens.is_good(&token, "alice@example.com", "prod", 999));
        assert!(!Tokens::new(&Ids::random()).is_good(&token, "alice@example.com", "prod", 2_000));
        for bad in ["", ".", "1.", "zz.00", "3e8.00"] {
            assert!(!tokens.is_good(bad, "alice@example.com", "prod", 2_000), "{bad}");
        }
    }
}
