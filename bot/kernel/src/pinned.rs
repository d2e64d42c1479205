//! A workflow as it was when somebody asked under it: many requests share one in memory, and whoever changes theirs has a copy.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::workflow::Workflow;

/// The workflow a request was made under. It is stored and compared as the workflow itself.
#[derive(Clone, Debug)]
pub struct Pinned(Arc<Workflow>);

impl Deref for Pinned {
    type Target = Workflow;

    fn deref(&self) -> &Workflow {
        &self.0
    }
}

impl DerefMut for Pinned {
    fn deref_mut(&mut self) -> &mut Workflow {
        Arc::make_mut(&mut self.0)
    }
}

impl PartialEq for Pinned {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl From<Workflow> for Pinned {
    fn from(workflow: Workflow) -> Self {
        Self(Arc::new(workflow))
    }
}

impl From<Arc<Workflow>> for Pinned {
    fn from(workflow: Arc<Workflow>) -> Self {
        Self(workflow)
    }
}

impl Serialize for Pinned {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Pinned {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Workflow::deserialize(deserializer).map(Self::from)
    }
}
