//! Step types: what a workflow can hold in the outside world. One file a step type, one list, here.

pub mod filled;
pub mod golink;
pub mod http;
mod memory;
pub mod program;
pub mod slack;
pub mod tailscale;
pub mod tclip;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::clock::Clock;
use crate::config::secret::LentSecret;
use crate::kernel::{Failure, Key, Proof, RequestId, StepType};
use crate::outside::guarded::Guarded;
use crate::outside::net::Net;
use crate::outside::programs::Programs;
use crate::outside::slack::Slack;
use crate::outside::tailscale::Tailscale;

macro_rules! list {
    ($($system:ident::$thing:ident),* $(,)?) => {
        /// Every step type.
        pub const LIST: List =
            List { types: &[$($system::$thing::LISTED.about),*], makes: &[$($system::$thing::LISTED.make),*] };
    };
}

// The one list: a new step type is one more line here; a test compares it to the files of this folder.
list! {
    tailscale::attribute,
    tailscale::policy,
    tclip::paste,
    http::request,
    program::run,
    slack::user_group,
    slack::channel,
    slack::message,
    tailscale::auth_key,
    tailscale::device,
    tailscale::role,
    tailscale::invite,
    golink::link,
}

/// What the listed types say about themselves.
pub const TYPES: &[StepType] = LIST.types;

/// Step types in a list.
#[derive(Clone, Copy)]
pub struct List {
    /// What they say about themselves.
    pub types: &'static [StepType],
    /// What does them, in the same order.
    pub makes: &'static [Make],
}

/// Makes what does a step type, over the clients it needs.
pub type Make = fn(&Outside) -> Arc<dyn Step>;

/// One step type: what it says about itself, and what does it.
#[derive(Clone, Copy)]
pub struct Listed {
    /// Needs no client.
    pub about: StepType,
    /// Over the clients it needs.
    pub make: Make,
}

/// Everything that steps may touch. Made once; no step gets the engine.
#[derive(Clone)]
pub struct Outside {
    /// The workspace.
    pub slack: Slack,
    /// The tailnet.
    pub tailscale: Tailscale,
    /// Pastes, with us or at a tclip.
    pub pastes: Arc<dyn tclip::Keeper>,
    /// Go links, with us or at a golink.
    pub links: Arc<dyn golink::Keeper>,
    /// Services that workflows name.
    pub services: Services,
    /// The clock seam.
    pub clock: Clock,
}

/// How services and programs that workflows name are called.
#[derive(Clone)]
pub struct Services {
    /// What calls them.
    pub guarded: Guarded,
    /// Programs of this machine.
    pub programs: Programs,
    /// How the tailnet's policy file is treated.
    pub policy_file: tailscale::policy::Rules,
    /// What workflows name as `secret:NAME`.
    pub secrets: Arc<BTreeMap<String, LentSecret>>,
}

impl Services {
    /// Over this network, with these secrets, and without programs.
    pub fn new(net: Net, secrets: BTreeMap<String, LentSecret>) -> Self {
        Self {
            guarded: Guarded::new(net),
            programs: Programs::default(),
            policy_file: tailscale::policy::Rules::default(),
            secrets: Arc::new(secrets),
        }
    }

    /// The same with programs.
    #[must_use]
    pub fn with(self, programs: Programs) -> Self {
        Self { programs, ..self }
    }

    /// The same with other rules for the policy file.
    #[must_use]
    pub fn under(self, policy_file: tailscale::policy::Rules) -> Self {
        Self { policy_file, ..self }
    }
}

/// A live grant on a key: who holds it, until when, and what to say about it on the far side.
#[derive(Clone, Debug, PartialEq)]
pub struct Holder {
    /// Whose it is.
    pub request_id: RequestId,
    /// The requester's tailnet login.
    pub login: String,
    /// The end the far side is to be told, milliseconds since the Unix epoch.
    pub until: i64,
    /// The step's settings as pinned in the request, filled in when the step began.
    pub with: Map<String, Value>,
    /// Who approved and why it was asked, for the far side's own log; may hold anything people typed.
    pub comment: String,
    /// The workflow and the step by name, with a space between them; empty in rows from before this stood in the ledger.
    pub used_by: String,
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
    /// Those who let go and wait to hear that it was settled: what they had is what is to be taken back.
    pub leaving: Vec<Holder>,
    /// Where what was learned on the way is kept.
    pub memory: Memory,
}

/// Keeps what a step learned on the way, before it goes on: it is what `Before::found` says the next time, in place of what was there
/// before. For steps that every request has of its own.
#[derive(Clone, Default)]
pub struct Memory(Option<Arc<Remember>>);

/// Saves a value.
pub type Remember = dyn Fn(Value) -> BoxFuture<'static, Result<(), Failure>> + Send + Sync;

impl Memory {
    /// One that saves with this.
    pub fn new(remember: Arc<Remember>) -> Self {
        Self(Some(remember))
    }

    /// Returns when it is saved for good.
    ///
    /// # Errors
    /// It could not be saved: nothing that hangs on it may be sent.
    pub async fn keep(&self, value: Value) -> Result<(), Failure> {
        match &self.0 {
            Some(remember) => remember(value).await,
            None => Err(Failure {
                what: "nothing can be saved now".to_owned(),
                advice: String::new(),
                retryable: true,
                retry_after_ms: None,
            }),
        }
    }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memory")
    }
}

impl PartialEq for Memory {
    /// It holds nothing itself.
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Before {
    /// Whether a write of ours may have left and was never read back.
    pub fn is_in_doubt(&self) -> bool {
        !self.confirmed && !self.untils.is_empty()
    }
}

/// What a key was settled to.
#[derive(Debug)]
pub struct Settled {
    /// What was read back.
    pub proof: Proof,
    /// What it came to for each request that is new on it, by the names its type lists; for later steps and the card. Kept and
    /// logged, so never a secret.
    pub results: BTreeMap<RequestId, Map<String, Value>>,
    /// What somebody new on it gets to see once.
    pub hand_over: Vec<HandOver>,
    /// What `Before::found` says from then on, once what is handed over was handed over. For steps that every request has of its own.
    pub keep: Option<Value>,
}

/// What a key was settled to where its holders differ in what became of them.
#[derive(Debug)]
pub struct SettledEach {
    /// For everybody of whom nothing else is said.
    pub settled: Settled,
    /// By request: what was read back for it, or why it has not got what it wants while others have. Who holds the key is told of
    /// what was taken away from them even if they wait for nothing.
    pub each: BTreeMap<RequestId, Result<Proof, Failure>>,
    /// Whose was overwritten by somebody who does not know of it, and what became of that.
    pub overwritten: BTreeMap<RequestId, Overwritten>,
}

/// What somebody who writes the same thing as a whole did to what a request holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overwritten {
    /// How often so far within this hold.
    pub times: u32,
    /// How often it is put back; beyond that it is not.
    pub put_back_max: u32,
    /// Who writes it, in the words of the configuration; may be empty.
    pub note: String,
}

impl From<Proof> for Settled {
    /// Nothing came of it that anybody could name.
    fn from(proof: Proof) -> Self {
        Self { proof, results: BTreeMap::new(), hand_over: Vec::new(), keep: None }
    }
}

/// A secret that a step made for one request. It is shown once, in private, while its step is settled, and stands in no row, log,
/// proof or audit entry. If it could not be shown the step has failed, and whoever made it must be able to make another one.
#[derive(Debug)]
pub struct HandOver {
    /// Whose requester gets it.
    pub request_id: RequestId,
    /// What it is, for people, like `auth key`.
    pub what: &'static str,
    /// The secret.
    pub secret: SecretString,
}

/// What would change in a text that people keep, before anything happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Which text, for people, like `policy file`.
    pub what: &'static str,
    /// The difference, line by line.
    pub difference: String,
    /// Why the far side would not take it.
    pub refused: Option<String>,
}

/// One way to touch the outside world. Never "set" and later "unset": `settle` makes the outside agree with the holders.
pub trait Step: Send + Sync {
    /// Reads what is there, before the first touch.
    fn observe<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Value, Failure>>;

    /// Makes the outside agree with everybody who holds `key` now; nobody left: puts back what was there before, but
    /// only if what is there is ours. The proof is what was read back. Doing it again changes nothing.
    fn settle<'a>(
        &'a self,
        key: &'a Key,
        holders: &'a [Holder],
        before: &'a Before,
    ) -> BoxFuture<'a, Result<Settled, Failure>>;

    /// The same where one key is much that differs by who holds it. What cannot be done for one of them keeps no other waiting.
    fn settle_each<'a>(
        &'a self,
        key: &'a Key,
        holders: &'a [Holder],
        before: &'a Before,
    ) -> BoxFuture<'a, Result<SettledEach, Failure>> {
        async move {
            let settled = self.settle(key, holders, before).await?;
            Ok(SettledEach { settled, each: BTreeMap::new(), overwritten: BTreeMap::new() })
        }
        .boxed()
    }

    /// What would change if this holder held it. Changes nothing; nothing: there is no text that could be shown.
    fn preview<'a>(&'a self, _: &'a Holder) -> BoxFuture<'a, Result<Option<Preview>, Failure>> {
        async { Ok(None) }.boxed()
    }

    /// For how long whoever comes or goes is waited for, so that they are one write; none: it needs only whoever holds the key for
    /// longest, and is settled at once.
    fn gathers(&self) -> Option<Duration> {
        None
    }

    /// How long after what is held was read it is looked at again, in case somebody else changed it.
    fn looks_again_after(&self) -> Duration {
        Duration::from_secs(3_600)
    }
}

/// Every step type there is, ready to be used.
#[derive(Clone)]
pub struct Steps {
    all: Arc<BTreeMap<&'static str, Arc<dyn Step>>>,
    types: &'static [StepType],
}

impl Steps {
    /// The listed types over these clients.
    pub fn new(list: List, outside: &Outside) -> Self {
        let made = list.types.iter().zip(list.makes).map(|(kind, make)| (kind.uses, make(outside)));
        Self { all: Arc::new(made.collect()), types: list.types }
    }

    /// The step type of that name.
    pub fn find(&self, uses: &str) -> Option<&dyn Step> {
        self.all.get(uses).map(AsRef::as_ref)
    }

    /// What they say about themselves.
    pub fn types(&self) -> &'static [StepType] {
        self.types
    }
}

#[cfg(test)]
mod tests;
