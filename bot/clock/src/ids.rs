//! The seam for ids and randomness: random for real use, counted where everything must be the same every time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Makes ids and random numbers. `random` for real use; `counted` gives tests the same ids every time.
#[derive(Clone, Debug)]
pub struct Ids {
    counted: Option<Arc<AtomicU64>>,
    /// What is counted is mixed with this.
    seed: Option<u64>,
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

impl Ids {
    /// Unpredictable ids.
    pub fn random() -> Self {
        Self { counted: None, seed: None }
    }

    /// Predictable ids: 1, 2, 3 ...
    pub fn counted() -> Self {
        Self { counted: Some(Arc::new(AtomicU64::new(0))), seed: None }
    }

    /// The same for the same seed, and different each time.
    pub fn seeded(seed: u64) -> Self {
        Self { seed: Some(seed), ..Self::counted() }
    }

    /// A new id that sorts by time: ten characters of milliseconds, eight of randomness (40 bits).
    pub fn next(&self, now_ms: i64) -> String {
        let low = self.number() & 0xff_ffff_ffff;
        let high = now_ms.unsigned_abs() & 0x3_ffff_ffff_ffff;
        let mut text = String::with_capacity(18);
        push_base32(&mut text, high, 10);
        push_base32(&mut text, low, 8);
        text
    }

    /// A name nobody can guess: 122 random bits as a UUID of version 4 (RFC 9562, 5.4).
    pub fn uuid(&self) -> String {
        let (high, low) = match &self.counted {
            Some(_) => (0, self.number()),
            None => (self.number(), self.number()),
        };
        let (high, low) = (high & !0xf000 | 0x4000, low & !(3 << 62) | 1 << 63);
        let (node, sequence) = (low & 0xffff_ffff_ffff, low >> 48);
        format!("{:08x}-{:04x}-{:04x}-{sequence:04x}-{node:012x}", high >> 32, high >> 16 & 0xffff, high & 0xffff)
    }

    /// A key of 256 random bits. Always the same one when counted, and nothing is counted for it.
    pub fn key(&self) -> [u8; 32] {
        if self.counted.is_some() { [7; 32] } else { rand::random() }
    }

    /// A fraction in `0.0..1.0`, for jitter. Always one half when counted.
    pub fn fraction(&self) -> f64 {
        match (&self.counted, self.seed) {
            (None, _) => rand::random::<f64>(),
            (Some(_), None) => 0.5,
            #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
            (Some(_), Some(_)) => (self.number() >> 11) as f64 / (1_u64 << 53) as f64,
        }
    }

    fn number(&self) -> u64 {
        match &self.counted {
            Some(last) => {
                let number = last.fetch_add(1, Ordering::Relaxed) + 1;
                self.seed.map_or(number, |seed| mixed(seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15))))
            }
            None => rand::random::<u64>(),
        }
    }
}

/// SplitMix64.
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

fn push_base32(text: &mut String, value: u64, digits: u32) {
    for digit in (0..digits).rev() {
        let index = usize::try_from((value >> (digit * 5)) & 31).unwrap_or(0);
        text.extend(ALPHABET.get(index).copied().map(char::from));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time() {
        let ids = Ids::random();
        let (early, late) = (ids.next(1_767_225_600_000), ids.next(1_767_225_600_001));
        assert!(early < late, "{early} {late}");
        assert_eq!(early.len(), 18);
    }

    #[test]
    fn uuids_are_of_version_4_and_differ() {
        let uuids: std::collections::BTreeSet<String> = (0..100).map(|_| Ids::random().uuid()).collect();
        assert_eq!(uuids.len(), 100);
        for uuid in uuids {
            let parts: Vec<&str> = uuid.split('-').collect();
            assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{uuid}");
            assert!(parts[2].starts_with('4') && parts[3].starts_with(['8', '9', 'a', 'b']), "{uuid}");
        }
        assert_eq!(Ids::counted().uuid(), "00000000-0000-4000-8000-000000000001");
    }
}
