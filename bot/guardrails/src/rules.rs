//! What is to be known of each guardrail without judging anything: its name, its words, and what it has a say in.

use cedar_policy::{ActionConstraint, Effect, EntityUid, Policy};
use nightlatch_kernel::guardrail::Action;

/// One guardrail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its `@id`; without one the name of its file, and its place in it if there are several.
    pub id: String,
    /// Its `@reason`; may be empty.
    pub reason: String,
    /// Whether it lets pass what nobody approved; the others say no.
    pub is_permit: bool,
    /// What it has a say in.
    pub actions: Vec<Action>,
    /// Whether it looks at the device.
    pub looks_at_device: bool,
    /// Whether it looks at who somebody is, and not only at what they belong to.
    pub looks_at_names: bool,
    /// Whether it comes with the program.
    pub is_built_in: bool,
}

/// What it has a say in.
pub(crate) fn actions(policy: &Policy) -> Vec<Action> {
    let named = match policy.action_constraint() {
        ActionConstraint::Any => return Action::ALL.to_vec(),
        ActionConstraint::Eq(one) => vec![one],
        ActionConstraint::In(several) => several,
    };
    Action::ALL.into_iter().filter(|action| named.iter().any(|one| is(one, "Action", action.word()))).collect()
}

pub(crate) fn is(uid: &EntityUid, type_name: &str, id: &str) -> bool {
    uid.type_name().to_string() == type_name && uid.id().unescaped() == id
}

/// Whether it says no to everybody and everything.
pub(crate) fn forbids_everything(policy: &Policy) -> bool {
    use cedar_policy::{PrincipalConstraint, ResourceConstraint};
    policy.effect() == Effect::Forbid
        && policy.action_constraint() == ActionConstraint::Any
        && policy.principal_constraint() == PrincipalConstraint::Any
        && policy.resource_constraint() == ResourceConstraint::Any
        && policy.to_json().is_ok_and(|json| {
            json.get("conditions").and_then(|conditions| conditions.as_array().map(Vec::is_empty)).unwrap_or(true)
        })
}

/// Whether a person is named, or what they are called is looked at.
pub(crate) fn looks_at_names(policy: &Policy) -> bool {
    let names_one = policy.entity_literals().iter().any(|uid| uid.type_name().to_string() == "Person");
    let looks = |json: serde_json::Value| {
        let text = json.to_string();
        ["login", "email", "slack_id"].iter().any(|name| text.contains(&format!("\"attr\":\"{name}\"")))
    };
    names_one || policy.to_json().is_ok_and(looks)
}

/// Whether `context.device` stands anywhere in it.
pub(crate) fn looks_at_device(policy: &Policy) -> bool {
    policy.to_json().is_ok_and(|json| json.to_string().contains("\"attr\":\"device\""))
}
