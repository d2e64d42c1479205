//! Guardrails: Cedar policies over facts that were gathered for one decision. Read, checked and judged here; nothing else knows Cedar.
//!
//! A guardrail says no to what workflows would allow, or lets something pass without anybody; it never allows anything else. What
//! cannot be worked out is a no.

mod judge;
mod nesting;
mod read;
mod rules;

use std::sync::Arc;

use cedar_policy::{Authorizer, PolicySet, Schema};
use nightlatch_kernel::Who;
use nightlatch_kernel::guardrail::Action;

pub use read::{FILE_MAX_BYTES, Known, Mistake, SourceFile, digest, read};
pub use rules::Told;

/// The schema, as text: what guardrails can be written over.
pub const SCHEMA: &str = include_str!("schema.cedarschema");
/// What is forbidden whatever else is written, as text.
pub const BUILT_IN: &str = include_str!("built_in.cedar");

/// A checked set of guardrails, with those that are built in. Cloning shares it.
#[derive(Clone)]
pub struct Guardrails {
    inner: Arc<Inner>,
}

struct Inner {
    set: PolicySet,
    schema: Schema,
    authorizer: Authorizer,
    told: Vec<Told>,
    groups: Vec<Who>,
    people: Vec<Who>,
    /// Everything that was read, so that what was decided by it can be decided again.
    text: String,
    digest: String,
}

impl Guardrails {
    /// Every guardrail, in the order of their ids.
    pub fn told(&self) -> &[Told] {
        &self.inner.told
    }

    /// How many were written; those that are built in not counted.
    pub fn count(&self) -> usize {
        self.inner.told.iter().filter(|one| !one.is_built_in).count()
    }

    /// Every group that one of them names: whether somebody is in it has to be known before anything can be judged.
    pub fn groups(&self) -> &[Who] {
        &self.inner.groups
    }

    /// Everybody whom one of them names alone, by e-mail address or login.
    pub fn people(&self) -> &[Who] {
        &self.inner.people
    }

    /// Whether any that was written has a say in this.
    pub fn has_a_say(&self, action: Action) -> bool {
        self.inner.told.iter().any(|one| !one.is_built_in && one.actions.contains(&action))
    }

    /// Whether any lets something pass that nobody approved.
    pub fn has_permits(&self) -> bool {
        self.inner.told.iter().any(|one| one.is_permit)
    }

    /// Whether any that has a say in this looks at the device.
    pub fn looks_at_device(&self, action: Action) -> bool {
        self.inner.told.iter().any(|one| one.looks_at_device && one.actions.contains(&action))
    }

    /// The fingerprint of their text.
    pub fn digest(&self) -> &str {
        &self.inner.digest
    }

    /// Whether any looks at who somebody is, and not only at what they belong to.
    pub fn look_at_names(&self) -> bool {
        self.inner.told.iter().any(|one| one.looks_at_names)
    }

    /// All of their text, as `again` reads it.
    pub fn text(&self) -> &str {
        &self.inner.text
    }
}

impl std::fmt::Debug for Guardrails {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guardrails").field("told", &self.inner.told).finish()
    }
}

impl PartialEq for Guardrails {
    fn eq(&self, other: &Self) -> bool {
        self.inner.text == other.inner.text
    }
}

#[cfg(test)]
mod tests;
