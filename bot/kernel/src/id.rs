//! Names of things: newtypes, so that one cannot be taken for another.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Names one request. Sorts by the time it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(pub String);

impl RequestId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a step touches in the outside world: the step type, a space, and the address in that system, for example
/// `tailscale.attribute n123CNTRL custom:jit_prod_db`. Two requests with the same key share one thing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(String);

impl Key {
    /// The key of `address` under the step type `uses`.
    pub fn new(uses: &str, address: &str) -> Self {
        Self(format!("{uses} {address}"))
    }

    /// A key that was stored before.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The step type, for example `tailscale.attribute`.
    pub fn uses(&self) -> &str {
        self.0.split_once(' ').map_or(self.0.as_str(), |(uses, _)| uses)
    }

    /// Where in that system, for example `n123CNTRL custom:jit_prod_db`.
    pub fn address(&self) -> &str {
        self.0.split_once(' ').map_or("", |(_, address)| address)
    }

    /// The whole key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
