//! Texts that a step puts together itself: what was filled in stays data, and secrets stand only in what the file says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::config::secret::LentSecret;
use crate::kernel::fill::{Part, parts};
use crate::kernel::reference::Reference;
use crate::kernel::workflow::{Input, InputKind};

/// What a secret is called behind.
const SECRET: &str = "secret:";

/// Secrets by name.
pub type Secrets = BTreeMap<String, LentSecret>;

/// Why something cannot be put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotPut {
    /// It names something that the step has not come to.
    Unknown(String),
    /// It would be wrong.
    Wrong(String),
}

/// What the step itself came to.
pub(super) fn own_value<'o>(name: &str, own: &'o Map<String, Value>) -> Result<&'o Value, NotPut> {
    own.get(name).ok_or_else(|| NotPut::Unknown(name.to_owned()))
}

/// A value within a text.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// A text with everything in it; secrets stand only in what the file says.
pub(super) fn text(
    value: &Value,
    own: &Map<String, Value>,
    secret: &dyn Fn(&str) -> Result<String, NotPut>,
) -> Result<String, NotPut> {
    let mut all = String::new();
    for part in parts(value).ok_or_else(|| NotPut::Wrong("what should be text is none".to_owned()))? {
        match part {
            Part::Literal(literal) => all.push_str(&with_secrets(&literal, secret)?),
            Part::Filled(value) => all.push_str(&plain(&value)),
            Part::Own(name) => all.push_str(&plain(own_value(&name, own)?)),
        }
    }
    Ok(all)
}

fn with_secrets(literal: &str, secret: &dyn Fn(&str) -> Result<String, NotPut>) -> Result<String, NotPut> {
    let mut all = String::new();
    let mut rest = literal;
    while let Some((before, after)) = rest.split_once(SECRET) {
        let (name, behind) = name_at(after);
        all.push_str(before);
        all.push_str(&secret(name)?);
        rest = behind;
    }
    all.push_str(rest);
    Ok(all)
}

fn name_at(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// The names of the secrets in what the file says, however deep.
pub fn secrets_named(value: &Value) -> BTreeSet<String> {
    match value {
        Value::String(text) => {
            let behind = text.split(SECRET).skip(1);
            behind.map(|text| name_at(text).0.to_owned()).collect()
        }
        Value::Array(items) => items.iter().flat_map(secrets_named).collect(),
        Value::Object(map) => map.values().flat_map(secrets_named).collect(),
        _ => BTreeSet::new(),
    }
}

/// Whether what it names is chosen by whoever wrote the file, or known of who asks, and never typed freely.
pub(super) fn is_chosen(reference: Reference<'_>, inputs: &[Input]) -> bool {
    match reference {
        Reference::Requester(_) | Reference::Device(_) => true,
        Reference::Input(name) => inputs.iter().any(|input| {
            let is_chosen =
                matches!(input.kind, InputKind::Choice { .. } | InputKind::Device { .. } | InputKind::Person { .. });
            input.name == name && is_chosen
        }),
        Reference::Request(_) | Reference::House(_) | Reference::Result { .. } => false,
    }
}
