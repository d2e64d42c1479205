//! Conditions on a device's attributes, as postures of the policy file have them: `node:os == 'macos'`. Read and decided here the way
//! <https://tailscale.com/kb/1288/device-posture> describes them.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::Value;

/// One condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The attribute, like `node:os`.
    pub key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    Is(Value),
    IsNot(Value),
    /// Which orders of the attribute and the value are fine.
    Order(&'static [Ordering], Value),
    In(Vec<Value>),
    NotIn(Vec<Value>),
    IsSet,
    NotSet,
}

const LESS: &[Ordering] = &[Ordering::Less];
const AT_MOST: &[Ordering] = &[Ordering::Less, Ordering::Equal];
const AT_LEAST: &[Ordering] = &[Ordering::Greater, Ordering::Equal];
const MORE: &[Ordering] = &[Ordering::Greater];

impl Condition {
    /// Reads `KEY OPERATOR VALUE`; none if it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let ends = |c: char| c.is_whitespace() || "=!<>".contains(c);
        let (key, rest) = text.split_at_checked(text.find(ends)?)?;
        let is_key = key.split_once(':').is_some_and(|(space, name)| !space.is_empty() && !name.is_empty())
            && key.chars().all(|c| c.is_ascii_alphanumeric() || ":_-.".contains(c));
        let rest = rest.trim();
        let words: Vec<String> = rest.split_whitespace().take(2).map(str::to_uppercase).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let list = || items(rest.split_at_checked(rest.find('[')?)?.1);
        let test = match words.as_slice() {
            ["IS", "SET"] if rest.split_whitespace().count() == 2 => Test::IsSet,
            ["NOT", "SET"] if rest.split_whitespace().count() == 2 => Test::NotSet,
            ["NOT", word] if word.starts_with("IN") && starts_list(rest, &["NOT", "IN"]) => Test::NotIn(list()?),
            [word, ..] if word.starts_with("IN") && starts_list(rest, &["IN"]) => Test::In(list()?),
            _ => compared(rest)?,
        };
        is_key.then(|| Self { key: key.to_owned(), test })
    }

    /// Whether it holds for a device with these attributes. Of an attribute that is not set only `NOT SET` holds.
    pub fn holds(&self, attributes: &BTreeMap<String, Value>) -> bool {
        let Some(value) = attributes.get(&self.key) else { return self.test == Test::NotSet };
        match &self.test {
            Test::Is(wanted) => is_same(value, wanted),
            Test::IsNot(unwanted) => !is_same(value, unwanted),
            Test::Order(fine, other) => order(value, other).is_some_and(|order| fine.contains(&order)),
            Test::In(wanted) => wanted.iter().any(|one| is_same(value, one)),
            Test::NotIn(unwanted) => !unwanted.iter().any(|one| is_same(value, one)),
            Test::IsSet => true,
            Test::NotSet => false,
        }
    }
}

/// Whether nothing but these words stands before the list.
fn starts_list(rest: &str, words: &[&str]) -> bool {
    let before = rest.split('[').next().unwrap_or_default();
    before.split_whitespace().map(str::to_uppercase).eq(words.iter().map(|word| (*word).to_owned()))
}

fn compared(rest: &str) -> Option<Test> {
    let value = |sign: &str| literal(rest.strip_prefix(sign)?);
    let ordered = |sign: &str, fine| Some(Test::Order(fine, value(sign).filter(|value| !value.is_boolean())?));
    if rest.starts_with("==") {
        value("==").map(Test::Is)
    } else if rest.starts_with("!=") {
        value("!=").map(Test::IsNot)
    } else if rest.starts_with("<=") {
        ordered("<=", AT_MOST)
    } else if rest.starts_with(">=") {
        ordered(">=", AT_LEAST)
    } else if rest.starts_with('<') {
        ordered("<", LESS)
    } else {
        ordered(">", MORE)
    }
}

/// `['macos', 'linux']`.
fn items(text: &str) -> Option<Vec<Value>> {
    let mut rest = text.strip_prefix('[')?.strip_suffix(']')?.trim();
    let mut items = Vec::new();
    while !rest.is_empty() {
        let end = match rest.chars().next() {
            Some(quote @ ('\'' | '"')) => rest.match_indices(quote).nth(1)?.0.checked_add(1)?,
            _ => rest.find(',').unwrap_or(rest.len()),
        };
        let (item, behind) = rest.split_at_checked(end)?;
        items.push(literal(item)?);
        let behind = behind.trim_start();
        rest = match behind.strip_prefix(',') {
            Some(more) if !more.trim().is_empty() => more.trim_start(),
            None if behind.is_empty() => behind,
            _ => return None,
        };
    }
    (!items.is_empty()).then_some(items)
}

fn literal(text: &str) -> Option<Value> {
    let text = text.trim();
    for quote in ['\'', '"'] {
        if let Some(inner) = text.strip_prefix(quote) {
            return inner.strip_suffix(quote).filter(|inner| !inner.contains(quote)).map(Value::from);
        }
    }
    serde_json::from_str(text).ok().filter(|value: &Value| value.is_boolean() || value.is_number())
}

/// `1` and `1.0` are one number.
fn is_same(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one.total_cmp(&other) == Ordering::Equal,
        _ => one == other,
    }
}

/// Numbers by size; texts as versions: part by part, where numbers count by size. What is no version has no order.
fn order(one: &Value, other: &Value) -> Option<Ordering> {
    if let (Some(one), Some(other)) = (one.as_f64(), other.as_f64()) {
        return one.partial_cmp(&other);
    }
    let (one, other) = (version(one.as_str()?)?, version(other.as_str()?)?);
    let length = one.len().max(other.len());
    let padded = |parts: Vec<u64>| parts.into_iter().chain(std::iter::repeat(0)).take(length).collect::<Vec<_>>();
    Some(padded(one).cmp(&padded(other)))
}

/// `1.98.2-t12ab` is 1, 98, 2.
fn version(text: &str) -> Option<Vec<u64>> {
    let numbers = text.split('-').next()?;
    numbers.split('.').map(|part| part.trim().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn attributes() -> BTreeMap<String, Value> {
        let known = json!({
            "custom:jit": true, "node:os": "macos", "node:tsVersion": "1.98.2-t12ab", "custom:tier": 3, "custom:empty": "",
        });
        known.as_object().cloned().unwrap_or_default().into_iter().collect()
    }

    #[test]
    fn conditions_hold_as_the_policy_file_means_them() {
        for (text, holds) in [
            ("custom:jit == true", true),
            ("custom:jit == false", false),
            ("custom:jit == 'true'", false),
            ("custom:jit != true", false),
            ("custom:other == true", false),
            ("custom:other != true", false),
            ("custom:other NOT IN ['a']", false),
            ("custom:other NOT SET", true),
            ("custom:jit not set", false),
            ("custom:jit IS SET", true),
            ("custom:empty IS SET", true),
            ("node:os == 'macos'", true),
            ("node:os=='macos'", true),
            ("node:os == \"macos\"", true),
            ("node:os == 'macOS'", false),
            ("node:os IN ['linux', 'macos']", true),
            ("node:os IN['linux','windows']", false),
            ("node:os NOT IN ['linux', 'macos']", false),
            ("node:os IN ['a, b', 'macos']", true),
            ("node:tsVersion >= '1.100'", false),
            ("node:tsVersion >= '1.98'", true),
            ("node:tsVersion > '1.98.2'", false),
            ("node:tsVersion >= '1.98.2'", true),
            ("node:tsVersion < '1.98.10'", true),
            ("node:os >= '1'", false),
            ("custom:tier < 4", true),
            ("custom:tier <= 3.0", true),
            ("custom:tier == 3.0", true),
            ("custom:tier > 3", false),
            ("custom:tier >= '3'", false),
        ] {
            let condition = Condition::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(condition.holds(&attributes()), holds, "{text}");
        }
    }

    #[test]
    fn what_is_no_condition_is_none() {
        for text in [
            "",
            "posture:healthy",
            "macos == node:os",
            "node:os",
            "node:os macos",
            "node:os == macos",
            "node:os = 'macos'",
            "node:os IN 'macos'",
            "node:os IN []",
            "node:os IN ['a' 'b']",
            "node:os IN ['a',]",
            "node:os == 'ma'cos'",
            "node:os > true",
            "node:os IS SET now",
            ":os == 'a'",
            "os == 'macos'",
            "node:os == 'macos",
            "node:os ==",
        ] {
            assert_eq!(Condition::parse(text), None, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(node:os|custom:a)? ?(==|IN|NOT|IS|<|>=)? ?[\\['a-z, \\]\"0-9.é]{0,20}") {
            if let Some(condition) = Condition::parse(&text) {
                let _ = condition.holds(&attributes());
            }
        }
    }
}
