//! Step types: what a workflow can hold in the outside world. One file a step type, one list, here.

pub mod tailscale;
pub mod tclip;
pub mod types;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

use crate::kernel::{Failure, Key, Proof, RequestId};
use crate::outside::tailscale::Tailscale;

pub use types::TYPES;

/// A live grant on a key: who holds it, until when, and what to say about it on the far side.
#[derive(Clone, Debug, PartialEq)]
pub struct Holder {
    /// Whose it is.
    pub request_id: RequestId,
    /// The requester's tailnet login.
    pub login: String,
    /// The end the far side is to be told, milliseconds since the Unix epoch.
    pub until: i64,
    /// The step's settings as pinned in the request.
    pub with: Map<String, Value>,
    /// Who approved and why it was asked, for the far side's own log; may hold anything people typed.
    pub comment: String,
    /// Not confirmed yet: whether it may be held is checked before anything is sent. Others hold it already, and nobody's
    /// letting go may fail because of them.
    pub is_new: bool,
    /// Until when it was last read back as on, milliseconds since the Unix epoch; none: not yet.
    pub confirmed_until: Option<i64>,
}

/// What the ledger knows of a key beside its holders.
#[derive(Clone, Debug, PartialEq)]
pub struct Before {
    /// What was there before the first touch, as `observe` wrote it down.
    pub found: Value,
    /// Every end the far side may have been told by us: how we recognise our own writing.
    pub untils: Vec<i64>,
    /// Whether what we wrote was ever read back with an end of ours. Until it was, what is there now and was not before us may be
    /// what became of our own writing: a far side may take a value and drop its end.
    pub confirmed: bool,
}

impl Before {
    /// Whether a write of ours may have left and was never read back.
    pub fn is_in_doubt(&self) -> bool {
        !self.confirmed && !self.untils.is_empty()
    }
}

/// One way to touch the outside world. Never "set" and later "unset": `settle` makes the outside agree with the holders.
pub trait Step: Send + Sync {
    /// The name in `uses:`.
    fn uses(&self) -> &'static str;

    /// The address of what these (rendered) settings touch; the key is this under `uses`.
    fn address(&self, with: &Map<String, Value>) -> Result<String, String>;

    /// Reads what is there, before the first touch.
    fn observe<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Value, Failure>>;

    /// Makes the outside agree with everybody who holds `key` now; nobody left: puts back what was there before, but
    /// only if what is there is ours. The proof is what was read back. Doing it again changes nothing.
    fn settle<'a>(
        &'a self,
        key: &'a Key,
        holders: &'a [Holder],
        before: &'a Before,
    ) -> BoxFuture<'a, Result<Proof, Failure>>;
}

/// Every step type there is.
#[derive(Clone)]
pub struct Steps {
    all: Arc<[Box<dyn Step>]>,
}

impl Steps {
    /// The list. A new step type is one more line here and in `types.rs`; a test compares the two.
    pub fn new(tailscale: Tailscale, pastes: Arc<dyn tclip::Keeper>, clock: crate::clock::Clock) -> Self {
        let all: Vec<Box<dyn Step>> = vec![
            Box::new(tailscale::attribute::Attribute::new(tailscale, clock.clone())),
            Box::new(tclip::paste::PasteStep::new(pastes, clock)),
        ];
        Self { all: all.into() }
    }

    /// The step type of that name.
    pub fn find(&self, uses: &str) -> Option<&dyn Step> {
        self.all.iter().find(|step| step.uses() == uses).map(AsRef::as_ref)
    }

    /// All names, for the test that compares lists.
    pub fn names(&self) -> Vec<&'static str> {
        self.all.iter().map(|step| step.uses()).collect()
    }
}
