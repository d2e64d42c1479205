//! What any release wrote down as having been there before is read, and today's is written as `tests/stored/next` says.

use serde_json::Map;

use super::*;
use crate::kernel::kept::{KINDS, Kept};

const NOON: i64 = 1_772_377_200_000;

fn meant(name: &str) -> Reading {
    let (value, expires_at) = match name {
        "not set" => (None, None),
        "set for ever" => (Some(Value::Bool(true)), None),
        "set until" => (Some(Value::Bool(true)), Some(NOON)),
        "a text" => (Some(Value::from("by hand")), None),
        other => panic!("what does `{other}` mean today?"),
    };
    Reading { value, expires_at }
}

#[test]
fn what_was_there_before_is_read_for_ever() {
    let first = include_str!("../../../../../tests/stored/a65b63b/before of tailscale.attribute.json");
    let next = include_str!("../../../../../tests/stored/next/before of tailscale.attribute.json");
    for text in [first, next] {
        let examples: Map<String, Value> = serde_json::from_str(text).unwrap();
        for (name, stored) in &examples {
            assert_eq!(super::stored(stored).unwrap(), meant(name), "{name}");
        }
    }
    let examples: Map<String, Value> = serde_json::from_str(next).unwrap();
    for (name, stored) in examples {
        assert_eq!(kept::to_value(&meant(&name)).unwrap(), stored, "{name}");
    }
    assert!(KINDS.contains(&(Reading::KIND, kept::shape_of::<Reading>())), "{KINDS:?}");
}
