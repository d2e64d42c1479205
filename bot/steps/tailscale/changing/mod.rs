//! What of the tailnet is changed for a while and then put back as it was: a role, the settings of a device. Tailscale has no end for
//! these, so the bot alone takes them back; what somebody else changed in between is left alone and said.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

use crate::clock::Clock;
use crate::kernel::request::Found;
use crate::kernel::{Failure, Proof};
use crate::outside::tailscale::{Tailscale, TailscaleError};
use crate::planted::{Fault, is_planted};
use crate::steps::tailscale::{failure, refusal};
use crate::steps::{Before, Holder};

#[cfg(test)]
mod tests;

/// What a thing is set to, by name.
pub(in crate::steps::tailscale) type State = Map<String, Value>;

/// One kind of thing.
pub(in crate::steps::tailscale) trait Thing: Send + Sync {
    /// What it is set to now; nothing: it is not there any more.
    fn read<'a>(
        &'a self,
        tailnet: &'a Tailscale,
        address: &'a str,
    ) -> BoxFuture<'a, Result<Option<State>, TailscaleError>>;

    /// Sets one of them.
    fn set<'a>(
        &'a self,
        tailnet: &'a Tailscale,
        address: &'a str,
        name: &'a str,
        value: &'a Value,
    ) -> BoxFuture<'a, Result<(), TailscaleError>>;

    /// Whether it may be changed for those who are new on it; `first` is what it was set to before the first touch.
    fn check<'a>(
        &'a self,
        tailnet: &'a Tailscale,
        address: &'a str,
        holders: &'a [Holder],
        first: &'a State,
    ) -> BoxFuture<'a, Result<(), Failure>>;

    /// What these filled settings want of it.
    fn wanted(&self, with: &Map<String, Value>) -> State;
}

/// Changes things and puts them back.
pub(in crate::steps::tailscale) struct Changing<T> {
    tailscale: Tailscale,
    clock: Clock,
    thing: T,
}

impl<T: Thing> Changing<T> {
    pub(in crate::steps::tailscale) fn new(tailscale: Tailscale, clock: Clock, thing: T) -> Self {
        Self { tailscale, clock, thing }
    }

    /// What it is set to before anything was done; nothing of what is not there.
    pub(in crate::steps::tailscale) async fn observe(&self, address: &str) -> Result<State, Failure> {
        let read = self.thing.read(&self.tailscale, address).await.map_err(|error| failure(&error))?;
        Ok(read.unwrap_or_default())
    }

    pub(in crate::steps::tailscale) async fn settle(
        &self,
        address: &str,
        holders: &[Holder],
        before: &Before,
        first: &State,
    ) -> Result<Proof, Failure> {
        let found = match holders.is_empty() {
            false => self.hold(address, holders, before, first).await?,
            true => self.release(address, before, first).await?,
        };
        Ok(Proof { at: self.clock.now_ms(), found })
    }

    async fn hold(&self, address: &str, holders: &[Holder], before: &Before, first: &State) -> Result<Found, Failure> {
        let wanted = self.agreed(holders)?;
        if holders.iter().any(|holder| holder.is_new) {
            self.thing.check(&self.tailscale, address, holders, first).await?;
        }
        let read = self.thing.read(&self.tailscale, address).await.map_err(|error| failure(&error))?;
        let Some(now) = read else {
            return Err(refusal(format!("{address} is not in the tailnet any more"), "ask again when it is back"));
        };
        let differs: Vec<(&String, &Value)> =
            wanted.iter().filter(|(name, value)| now.get(*name) != Some(value)).collect();
        if differs.is_empty() {
            let was_so = wanted.iter().all(|(name, value)| first.get(name) == Some(value));
            return Ok(if was_so { Found::OnBefore } else { Found::On { until: None } });
        }
        if holders.iter().any(|holder| !holder.is_new && holder.confirmed_until.is_some()) {
            return Ok(Found::TakenAway);
        }
        if let Some((name, _)) = differs.iter().find(|(name, _)| now.get(*name) != first.get(*name)) {
            let is_leaving = |value| self.wanted_by(&before.leaving).get(*name).is_some_and(|all| all.contains(value));
            if now.get(*name).is_some_and(is_leaving) {
                return Err(not_yet(format!("what another grant had of {address} is only just being put back")));
            }
            let what = format!("somebody else changed {name} of {address} to {}", words_of(now.get(*name)));
            return Err(refusal(what, "find out who needs it, then ask again"));
        }
        for (name, value) in differs {
            self.set(&self.tailscale, address, name, value).await?;
        }
        let read = self.thing.read(&self.tailscale, address).await.map_err(|error| failure(&error))?;
        match read.is_some_and(|now| wanted.iter().all(|(name, value)| now.get(name) == Some(value))) {
            true => Ok(Found::On { until: None }),
            false => Err(not_yet(format!("tailscale took it, but {address} does not read back as {}", words(&wanted)))),
        }
    }

    async fn release(&self, address: &str, before: &Before, first: &State) -> Result<Found, Failure> {
        let tailnet = self.tailscale.for_an_end();
        let ours = self.wanted_by(&before.leaving);
        let Some(now) = self.thing.read(&tailnet, address).await.map_err(|error| failure(&error))? else {
            // What is not there holds nothing.
            return Ok(Found::Gone);
        };
        if is_planted(Fault::KeepsSettings) {
            return Ok(Found::Gone);
        }
        let mut foreign = State::new();
        let mut is_mine = false;
        for (name, values) in &ours {
            let (was, is) = (first.get(name), now.get(name));
            if values.iter().all(|value| was == Some(value)) {
                continue;
            }
            is_mine = true;
            match (is, was) {
                (is, was) if is == was => {}
                (Some(is), Some(was)) if values.contains(is) => self.set(&tailnet, address, name, was).await?,
                (Some(is), None) if values.contains(is) => {
                    let what =
                        format!("{name} of {address} is {}, and what it was before is not known", words_of(Some(is)));
                    return Err(refusal(what, "set it by hand as it should be"));
                }
                (is, _) => drop(foreign.insert(name.clone(), is.cloned().unwrap_or_default())),
            }
        }
        let Some(now) = self.thing.read(&tailnet, address).await.map_err(|error| failure(&error))? else {
            return Ok(Found::Gone);
        };
        let is_one = |(name, values): &(&String, &Vec<Value>)| now.get(*name).is_some_and(|is| values.contains(is));
        let still: State = ours
            .iter()
            .filter(|one| first.get(one.0) != now.get(one.0) && is_one(one))
            .filter_map(|(name, _)| now.get(name).map(|is| (name.clone(), is.clone())))
            .collect();
        if !still.is_empty() {
            return Err(not_yet(format!("tailscale took it, but {address} still reads back as {}", words(&still))));
        }
        if !foreign.is_empty() {
            return Ok(Found::LeftAlone { what: words(&foreign), is_on: false });
        }
        let is_on = !is_mine && !ours.is_empty() && ours.iter().all(|one| is_one(&one));
        let shown: State = now.iter().filter(|(name, _)| ours.contains_key(*name)).map(owned).collect();
        Ok(Found::PutBack { what: words(&shown), is_on })
    }

    /// What any of those wanted of it, by name: two that go at once need not have wanted the same, if one was refused because of the
    /// other.
    fn wanted_by(&self, holders: &[Holder]) -> BTreeMap<String, Vec<Value>> {
        let mut all = BTreeMap::<String, Vec<Value>>::new();
        for (name, value) in holders.iter().flat_map(|holder| self.thing.wanted(&holder.with)) {
            all.entry(name).or_default().push(value);
        }
        all
    }

    /// A call that was not answered may have worked: what is read afterwards says so.
    async fn set(&self, tailnet: &Tailscale, address: &str, name: &str, value: &Value) -> Result<(), Failure> {
        match self.thing.set(tailnet, address, name, value).await {
            Err(error) if !error.may_have_happened() => Err(failure(&error)),
            _ => Ok(()),
        }
    }

    /// Everybody who holds it wants the same of it.
    fn agreed(&self, holders: &[Holder]) -> Result<State, Failure> {
        let mut all = holders.iter().map(|holder| self.thing.wanted(&holder.with));
        let first = all.next().unwrap_or_default();
        if all.any(|other| other != first) {
            let advice = "wait until it has ended, or make one workflow of the two";
            return Err(refusal("another grant holds the same with other settings".to_owned(), advice));
        }
        Ok(first)
    }
}

fn owned((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

fn not_yet(what: String) -> Failure {
    Failure { what, advice: String::new(), retryable: true, retry_after_ms: None }
}

/// For people: `role member`, `authorized true, routes 10.0.0.0/8 10.1.0.0/16`.
pub(in crate::steps::tailscale) fn words(state: &State) -> String {
    let one = |(name, value): (&String, &Value)| format!("{} {}", name.replace('_', " "), words_of(Some(value)));
    state.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn words_of(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "not set".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) if list.is_empty() => "none".to_owned(),
        Some(Value::Array(list)) => list.iter().map(|one| words_of(Some(one))).collect::<Vec<_>>().join(" "),
        Some(other) => other.to_string(),
    }
}
