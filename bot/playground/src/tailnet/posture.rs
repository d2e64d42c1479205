//! Posture conditions such as `custom:jit_prod_db == true`: reading and deciding them.

use std::cmp::Ordering;

use serde_json::Value;

/// One condition of a posture.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Condition {
    key: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    Is(Value),
    IsNot(Value),
    /// Less, equal or greater, and which of these are fine.
    Order(Vec<Ordering>, Value),
    In(Vec<Value>),
    NotIn(Vec<Value>),
    IsSet,
    NotSet,
}

impl Condition {
    /// Reads `key operator value`.
    pub fn read(text: &str) -> Result<Self, String> {
        let wrong = || format!("invalid posture condition: \"{text}\"");
        let (key, rest) = text.trim().split_once(char::is_whitespace).ok_or_else(wrong)?;
        let rest = rest.trim();
        let upper = rest.to_uppercase();
        let list = |prefix: usize| -> Result<Vec<Value>, String> {
            let inner = rest.get(prefix..).map(str::trim).and_then(|it| it.strip_prefix('[')?.strip_suffix(']'));
            inner.ok_or_else(wrong)?.split(',').map(|item| literal(item).ok_or_else(wrong)).collect()
        };
        let orders = [
            ("<=", vec![Ordering::Less, Ordering::Equal]),
            (">=", vec![Ordering::Greater, Ordering::Equal]),
            ("<", vec![Ordering::Less]),
            (">", vec![Ordering::Greater]),
        ];
        let test = if upper == "IS SET" {
            Test::IsSet
        } else if upper == "NOT SET" {
            Test::NotSet
        } else if upper.starts_with("NOT IN") {
            Test::NotIn(list(6)?)
        } else if upper.starts_with("IN") {
            Test::In(list(2)?)
        } else if let Some(value) = rest.strip_prefix("==") {
            Test::Is(literal(value).ok_or_else(wrong)?)
        } else if let Some(value) = rest.strip_prefix("!=") {
            Test::IsNot(literal(value).ok_or_else(wrong)?)
        } else if let Some((sign, fine)) = orders.into_iter().find(|(sign, _)| rest.starts_with(sign)) {
            Test::Order(fine, rest.strip_prefix(sign).and_then(literal).ok_or_else(wrong)?)
        } else {
            return Err(wrong());
        };
        Ok(Self { key: key.to_owned(), test })
    }
}

/// Whether the condition holds. An attribute that is missing makes everything false but `NOT SET`.
pub(super) fn holds(condition: &Condition, attribute: &dyn Fn(&str) -> Option<Value>) -> bool {
    let Some(value) = attribute(&condition.key) else { return condition.test == Test::NotSet };
    match &condition.test {
        Test::Is(wanted) => value == *wanted,
        Test::IsNot(unwanted) => value != *unwanted,
        Test::Order(fine, other) => compare(&value, other).is_some_and(|order| fine.contains(&order)),
        Test::In(wanted) => wanted.contains(&value),
        Test::NotIn(unwanted) => !unwanted.contains(&value),
        Test::IsSet => true,
        Test::NotSet => false,
    }
}

fn literal(text: &str) -> Option<Value> {
    let text = text.trim();
    let unquoted = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    match unquoted('\'').or_else(|| unquoted('"')) {
        Some(inner) => Some(inner.into()),
        None => serde_json::from_str(text).ok().filter(|value: &Value| value.is_boolean() || value.is_number()),
    }
}

/// Numbers by size, texts as versions: part by part, numbers by size.
fn compare(one: &Value, other: &Value) -> Option<Ordering> {
    if let (Some(one), Some(other)) = (one.as_f64(), other.as_f64()) {
        return one.partial_cmp(&other);
    }
    let parts = |text: &str| text.split(['.', '-']).map(|part| part.parse().unwrap_or(0)).collect::<Vec<u64>>();
    Some(parts(one.as_str()?).cmp(&parts(other.as_str()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_hold_as_the_guide_says() {
        let attribute = |key: &str| match key {
            "custom:jit" => Some(Value::Bool(true)),
            "node:os" => Some("macos".into()),
            "node:tsVersion" => Some("1.98.2".into()),
            "custom:tier" => Some(3.into()),
            _ => None,
        };
        for (text, expected) in [
            ("custom:jit == true", true),
            ("custom:jit == false", false),
            ("custom:jit != true", false),
            ("custom:other == true", false),
            ("custom:other != true", false),
            ("custom:other NOT SET", true),
            ("custom:jit IS SET", true),
            ("node:os IN ['linux', 'macos']", true),
            ("node:os NOT IN ['linux', 'macos']", false),
            ("node:tsVersion >= '1.100'", false),
            ("node:tsVersion >= '1.90'", true),
            ("custom:tier < 4", true),
        ] {
            let condition = Condition::read(text).expect(text);
            assert_eq!(holds(&condition, &attribute), expected, "{text}");
        }
        for text in ["", "custom:jit", "custom:jit = true", "custom:jit == yes", "custom:jit IN true"] {
            assert!(Condition::read(text).is_err(), "{text}");
        }
    }
}
