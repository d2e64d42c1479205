//! What makes an entry go dead by itself: an attribute with an end on the holder's device, and postures that ask for it beside
//! whatever else is asked for.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::wanted::{Rule, texts};

/// What names of our postures begin with; a hash follows.
const POSTURE: &str = "posture:nl";
/// What names of our attributes begin with; a hash follows.
const ATTRIBUTE: &str = "custom:nl_";
/// Of the hash that names a guard: 64 bits.
const HASH_CHARACTERS: usize = 16;

/// The attribute and the postures of one entry, whoever it lets through.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Guard(String);

/// What a policy file asks of every rule that asks for nothing itself, and what its postures are.
#[derive(Debug, Default)]
pub(super) struct Postures {
    pub default: Vec<String>,
    pub conditions: Map<String, Value>,
}

impl Guard {
    /// Of an entry of a workflow's step: who it is for does not count, so that all who hold the same share it.
    pub fn of(used_by: &str, rule: &Rule) -> Self {
        let mut entry = rule.entry.clone();
        entry.shift_remove("src");
        let said = Value::from(vec![Value::from(used_by), Value::from(rule.section), sorted(&Value::Object(entry))]);
        let hash: String = hex::encode(Sha256::digest(said.to_string())).chars().take(HASH_CHARACTERS).collect();
        Self(hash)
    }

    pub fn attribute(&self) -> String {
        format!("{ATTRIBUTE}{}", self.0)
    }

    fn condition(&self) -> Value {
        format!("{} == true", self.attribute()).into()
    }

    /// The postures that the entry depends on, by name, with their conditions. Any of them lets through, so each holds all that one
    /// of the asked for holds, and ours.
    ///
    /// # Errors
    /// The posture that is asked for and is not there.
    pub fn postures(&self, rule: &Rule, file: &Postures) -> Result<Vec<(String, Value)>, String> {
        let own = texts(rule.entry.get("srcPosture"));
        let asked = if own.is_empty() { &file.default } else { &own };
        if asked.is_empty() {
            return Ok(vec![(format!("{POSTURE}{}", self.0), Value::from(vec![self.condition()]))]);
        }
        let mut postures = Vec::new();
        for (name, number) in asked.iter().zip(1..) {
            let mut conditions = match file.conditions.get(name) {
                Some(Value::Array(conditions)) => conditions.clone(),
                // A condition that stands in the rule itself.
                None if !name.starts_with("posture:") => vec![Value::from(name.as_str())],
                _ => return Err(name.clone()),
            };
            conditions.push(self.condition());
            let suffix = if number == 1 { String::new() } else { format!("n{number}") };
            postures.push((format!("{POSTURE}{}{suffix}", self.0), Value::from(conditions)));
        }
        Ok(postures)
    }

    /// Whether a posture of that name is one of this guard's.
    pub fn has(&self, posture: &str) -> bool {
        posture.strip_prefix(POSTURE).is_some_and(|rest| rest.starts_with(&self.0))
    }
}

/// Whether an attribute of that name is one on which entries of ours depend.
pub fn is_guard(attribute: &str) -> bool {
    attribute.strip_prefix(ATTRIBUTE).is_some_and(is_hash)
}

/// Whether a name begins with a hash of ours.
fn is_hash(rest: &str) -> bool {
    rest.get(..HASH_CHARACTERS).is_some_and(|hash| hash.chars().all(|c| c.is_ascii_hexdigit()))
}

/// Whether a posture of that name is of our making.
pub(super) fn is_ours(posture: &str) -> bool {
    posture.strip_prefix(POSTURE).is_some_and(is_hash)
}

/// The same value whatever the order its names were written in.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut names: Vec<_> = map.iter().collect();
            names.sort_by_key(|(name, _)| *name);
            Value::Object(names.into_iter().map(|(name, value)| (name.clone(), sorted(value))).collect())
        }
        Value::Array(list) => list.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(entry: Value) -> Rule {
        Rule { section: "grants", entry: entry.as_object().unwrap().clone() }
    }

    #[test]
    fn a_guard_is_of_the_workflow_the_step_and_all_of_the_entry_but_its_src() {
        let of = |used_by: &str, entry: Value| Guard::of(used_by, &rule(entry));
        let first = of("prod-db rule", json!({ "src": ["a@b"], "dst": ["tag:x"], "ip": ["*"] }));
        assert_eq!(first, of("prod-db rule", json!({ "ip": ["*"], "dst": ["tag:x"], "src": ["c@d"] })));
        assert_ne!(first, of("prod-db rule", json!({ "src": ["a@b"], "dst": ["tag:y"], "ip": ["*"] })));
        assert_ne!(first, of("other rule", json!({ "src": ["a@b"], "dst": ["tag:x"], "ip": ["*"] })));
        let attribute = first.attribute();
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '_';
        assert!(attribute.strip_prefix("custom:").unwrap().chars().all(is_allowed), "{attribute}");
    }

    #[test]
    fn a_guard_is_and_with_every_posture_that_is_asked_for() {
        let file = Postures {
            default: vec!["posture:base".to_owned()],
            conditions:
                json!({ "posture:base": ["node:os == 'linux'"], "posture:a": ["custom:a == true", "custom:b == 1"] })
                    .as_object()
                    .unwrap()
                    .clone(),
        };
        let said = |entry: Value, file: &Postures| {
            let rule = rule(entry);
            let guard = Guard::of("w s", &rule);
            let all = guard.postures(&rule, file);
            let short = |text: String| text.replace(&guard.0, "HASH");
            match all {
                Ok(all) => {
                    all.iter().map(|(name, value)| short(format!("{name}: {value}"))).collect::<Vec<_>>().join("\n")
                }
                Err(missing) => format!("there is no {missing}"),
            }
        };
        let none = Postures::default();
        insta::assert_snapshot!(said(json!({ "src": ["a@b"] }), &none), @r#"posture:nlHASH: ["custom:nl_HASH == true"]"#);
        insta::assert_snapshot!(said(json!({ "src": ["a@b"] }), &file), @r#"posture:nlHASH: ["node:os == 'linux'","custom:nl_HASH == true"]"#);
        let own = json!({ "src": ["a@b"], "srcPosture": ["posture:a", "node:os == 'macos'"] });
        insta::assert_snapshot!(said(own.clone(), &file), @r#"
        posture:nlHASH: ["custom:a == true","custom:b == 1","custom:nl_HASH == true"]
        posture:nlHASHn2: ["node:os == 'macos'","custom:nl_HASH == true"]
        "#);
        insta::assert_snapshot!(said(own, &none), @"there is no posture:a");
    }
}
