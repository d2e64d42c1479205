//! Holding a posture attribute: setting it with an end, reading it back, and taking away what is ours.

mod reading;

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::clock::Clock;
use crate::kernel::drift::PUT_BACK;
use crate::kernel::kept;
use crate::kernel::request::Found;
use crate::kernel::{Failure, Key, Proof};
use crate::outside::tailscale::{Tailscale, TailscaleError};
use crate::planted::{Fault, is_planted};
use crate::steps::tailscale::{check_device, failure, refusal};
use crate::steps::{Before, Holder, Settled, Step};
use reading::{Reading, UNSET, whole_second};

/// Pauses before it is read again after a write: readings may lag behind what was written.
const READ_AGAIN_AFTER: [Duration; 4] =
    [Duration::from_millis(250), Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2)];

/// The step type.
pub struct Attribute {
    tailscale: Tailscale,
    clock: Clock,
}

/// Where: the device and the attribute's name.
struct Address<'k> {
    device: &'k str,
    name: &'k str,
}

impl Attribute {
    /// The step type over this tailnet.
    pub fn new(tailscale: Tailscale, clock: Clock) -> Self {
        Self { tailscale, clock }
    }

    async fn read(&self, address: &Address<'_>) -> Result<Reading, TailscaleError> {
        let all = self.tailscale.attributes(address.device).await?;
        let value = all.attributes.get(address.name).cloned();
        let expires_at = value.as_ref().and_then(|_| all.expiries.get(address.name).copied());
        Ok(Reading { value, expires_at })
    }

    fn left_alone(&self, address: &Address<'_>, now: &Reading, lent: Option<&Value>) -> Proof {
        let is_on = now.is_open(lent);
        self.proof(Found::LeftAlone { what: seen(address, now), is_on })
    }

    fn proof(&self, found: Found) -> Proof {
        Proof { at: self.clock.now_ms(), found }
    }

    async fn hold(&self, address: &Address<'_>, holders: &[Holder], before: &Before) -> Result<Proof, Failure> {
        let value = wanted(holders)?;
        let ends = holders.iter().map(|holder| holder.until);
        let until = if is_planted(Fault::ShortestWins) { ends.min() } else { ends.max() }.unwrap_or(0);
        let expires_at = whole_second(until);
        let is_granting = holders.iter().any(|holder| holder.is_new);
        if is_granting && !is_planted(Fault::ChecksNoOwner) {
            check_device(&self.tailscale, address.device, holders, &[]).await?;
        }
        let now = self.read(address).await.map_err(|error| failure(&error))?;
        if is_taken_away(&now, &value, holders, self.clock.now_ms()) {
            return Ok(self.proof(Found::TakenAway));
        }
        if now.has(&value, expires_at) {
            return Ok(self.proof(Found::On { until: Some(expires_at) }));
        }
        let first: Reading = stored(&before.found)?;
        if now == first && now.covers(&value, expires_at) {
            return Ok(self.proof(Found::OnBefore));
        }
        let is_foreign = !now.is_unset() && now != first && !now.is_ours(&first, before);
        if is_foreign && !is_to_be_put_back(address, &now, holders) && !is_planted(Fault::Overwrites) {
            if !is_granting {
                return Ok(self.left_alone(address, &now, Some(&value)));
            }
            let what = format!("somebody else set {} to {}", address.name, now.words());
            return Err(refusal(what, "find out who needs it, remove it, then try again"));
        }
        let comment = holders.iter().max_by_key(|holder| &holder.request_id).map_or("", |holder| &holder.comment);
        let set = self.tailscale.set_attribute(address.device, address.name, &value, Some(expires_at), comment).await;
        if is_planted(Fault::ReadsNothingBack) {
            return Ok(self.proof(Found::On { until: Some(expires_at) }));
        }
        // What is to end earlier than it does must read back as just that.
        let is_right = |found: &Reading| {
            found.has(&value, expires_at)
                || (is_granting && found.lasts(&value, expires_at) && found.has_our_end(before))
        };
        match self.confirm(address, set.err(), is_right).await {
            Ok(found) => Ok(self.proof(Found::On { until: found.expires_at.map(whole_second).or(Some(expires_at)) })),
            Err(Unconfirmed::Reads(found)) if found.value.as_ref() == Some(&value) && found.expires_at.is_none() => {
                self.undo(address, &now).await?;
                let what = format!("tailscale kept the value of {} but not its end", address.name);
                Err(refusal(what, "nothing is lent that would not end by itself; ask Tailscale why, then try again"))
            }
            Err(error) => Err(error.failure(address)),
        }
    }

    /// What we just wrote was kept without its end, and later nobody could tell it from what others wrote: it is made as it was, or is
    /// not set at all.
    async fn undo(&self, address: &Address<'_>, was: &Reading) -> Result<(), Failure> {
        let is_ahead = was.expires_at.is_none_or(|at| at > self.clock.now_ms());
        if let (Some(value), true) = (&was.value, is_ahead) {
            let comment = "put back as it was";
            let set = self.tailscale.set_attribute(address.device, address.name, value, was.expires_at, comment).await;
            if self.confirm(address, set.err(), |found| found == was).await.is_ok() {
                return Ok(());
            }
        }
        let deleted = self.tailscale.delete_attribute(address.device, address.name).await;
        self.gone(address, deleted.err()).await.map(drop)
    }

    async fn release(&self, address: &Address<'_>, before: &Before) -> Result<Proof, Failure> {
        let now = match self.read(address).await {
            Ok(now) => now,
            // A device that left the tailnet took its attributes with it.
            Err(TailscaleError::NotFound(_)) => return Ok(self.proof(Found::Gone)),
            Err(error) => return Err(failure(&error)),
        };
        let first: Reading = stored(&before.found)?;
        let lent = before.leaving.iter().find_map(|holder| holder.with.get("value").cloned());
        let lasting = !first.is_unset() && first.expires_at.is_none_or(|at| at > self.clock.now_ms());
        if now == first && first.is_unset() && before.is_in_doubt() {
            return self.clear(address).await;
        }
        if now == first {
            return Ok(self.proof(if first.is_unset() { Found::Gone } else { first.put_back(lent.as_ref()) }));
        }
        let expired = before.untils.iter().all(|until| whole_second(*until) <= self.clock.now_ms());
        // What was on by somebody else's doing, and long enough, was never written by us: if it is not set now, somebody took it away.
        let ended_by_itself = now.is_unset() && expired && lasting && before.confirmed;
        let ours = now.is_ours(&first, before) || ended_by_itself;
        if now.is_unset() && !ours {
            return Ok(self.proof(Found::Gone));
        }
        if !ours && !is_planted(Fault::TakesForeign) {
            return Ok(self.left_alone(address, &now, lent.as_ref()));
        }
        if lasting {
            return self.put_back(address, &first, lent.as_ref()).await;
        }
        if is_planted(Fault::SaysGone) {
            return Ok(self.proof(Found::Gone));
        }
        let deleted = self.tailscale.delete_attribute(address.device, address.name).await;
        self.gone(address, deleted.err()).await
    }

    /// Makes it what it was before us, with the end it had. What would let somebody through for ever because its end was dropped is
    /// deleted instead; what lets nobody through stays, and is told as it reads.
    async fn put_back(&self, address: &Address<'_>, first: &Reading, lent: Option<&Value>) -> Result<Proof, Failure> {
        let value = first.value.clone().unwrap_or(Value::Null);
        let (end, comment) = (first.expires_at.map(whole_second), "put back as it was");
        let set = self.tailscale.set_attribute(address.device, address.name, &value, first.expires_at, comment).await;
        let is_right = |found: &Reading| found.value == first.value && found.expires_at.map(whole_second) == end;
        match self.confirm(address, set.err(), is_right).await {
            Err(Unconfirmed::Reads(found)) if found.is_endless(first) && found.is_open(lent) => {
                let deleted = self.tailscale.delete_attribute(address.device, address.name).await;
                self.gone(address, deleted.err()).await
            }
            Err(Unconfirmed::Reads(found)) if found.is_endless(first) => Ok(self.proof(found.put_back(lent))),
            found => Ok(self.proof(found.map_err(|error| error.failure(address))?.put_back(lent))),
        }
    }

    /// Not set, as far as it reads, but a write of ours was on its way and never read back: it may come late, or the reading
    /// may be old. Deleting what is not there changes nothing.
    async fn clear(&self, address: &Address<'_>) -> Result<Proof, Failure> {
        match self.tailscale.delete_attribute(address.device, address.name).await {
            // What may not delete could not set it either.
            Err(error) if !error.is_retryable() => Ok(self.proof(Found::Gone)),
            deleted => self.gone(address, deleted.err()).await,
        }
    }

    async fn gone(&self, address: &Address<'_>, failed: Option<TailscaleError>) -> Result<Proof, Failure> {
        let gone = self.confirm(address, failed, Reading::is_unset).await;
        gone.map_err(|error| error.failure(address))?;
        Ok(self.proof(Found::Gone))
    }

    /// Reads back: a call that failed may have worked, and one that worked may not have. What was taken and does not read back as
    /// right is read again a few times before that counts.
    async fn confirm(
        &self,
        address: &Address<'_>,
        mut failed: Option<TailscaleError>,
        is_right: impl Fn(&Reading) -> bool,
    ) -> Result<Reading, Unconfirmed> {
        if let Some(error) = failed.as_ref().filter(|error| !error.may_have_happened()) {
            return Err(Unconfirmed::Said(error.clone()));
        }
        let mut pauses = READ_AGAIN_AFTER.into_iter();
        loop {
            let found = match self.read(address).await {
                Ok(found) => found,
                Err(TailscaleError::NotFound(_)) if is_right(&UNSET) => UNSET,
                Err(error) => return Err(Unconfirmed::Said(failed.unwrap_or(error))),
            };
            if is_right(&found) {
                return Ok(found);
            }
            if let Some(error) = failed.take() {
                return Err(Unconfirmed::Said(error));
            }
            let Some(pause) = pauses.next() else { return Err(Unconfirmed::Reads(found)) };
            self.clock.pause(pause).await;
        }
    }
}

/// Why a change does not count.
enum Unconfirmed {
    /// Tailscale did not take it, or did not answer.
    Said(TailscaleError),
    /// Tailscale took it, and then this was there.
    Reads(Reading),
}

impl Unconfirmed {
    fn failure(self, address: &Address<'_>) -> Failure {
        match self {
            Self::Said(error) => failure(&error),
            Self::Reads(found) => Failure {
                what: format!("tailscale accepted the change, but {} reads back as {}", address.name, found.words()),
                advice: String::new(),
                retryable: true,
                retry_after_ms: None,
            },
        }
    }
}

impl Step for Attribute {
    fn observe<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Value, Failure>> {
        async move {
            let reading = match self.read(&address(key)?).await {
                // A device that is not there has no attributes; granting says so, and nothing has to be taken back.
                Err(TailscaleError::NotFound(_)) => UNSET,
                read => read.map_err(|error| failure(&error))?,
            };
            kept::to_value(&reading).map_err(|error| refusal(format!("a reading cannot be kept: {error}"), ""))
        }
        .boxed()
    }

    fn settle<'a>(
        &'a self,
        key: &'a Key,
        holders: &'a [Holder],
        before: &'a Before,
    ) -> BoxFuture<'a, Result<Settled, Failure>> {
        async move {
            let address = address(key)?;
            // Whoever lets go must not wait behind whoever looks something up or is granted something.
            let is_granting = holders.iter().any(|holder| holder.is_new);
            let tailscale = if is_granting { self.tailscale.clone() } else { self.tailscale.for_an_end() };
            let visit = Self { tailscale, clock: self.clock.clone() };
            let proof = if holders.is_empty() {
                visit.release(&address, before).await
            } else {
                visit.hold(&address, holders, before).await
            };
            proof.map(Settled::from)
        }
        .boxed()
    }
}

fn address(key: &Key) -> Result<Address<'_>, Failure> {
    let (device, name) = key
        .address()
        .split_once(' ')
        .ok_or_else(|| refusal(format!("`{key}` is not a device and an attribute"), "this is a bug of ours"))?;
    Ok(Address { device, name })
}

fn stored(found: &Value) -> Result<Reading, Failure> {
    if found.is_null() {
        // It was on by us, and what was before is lost: nothing is put back.
        return Ok(UNSET);
    }
    kept::from_value(found.clone()).map_err(|error| refusal(format!("what was there before is not known: {error}"), ""))
}

/// It was read back as on until a time that is still ahead, and it is not on: Tailscale ends nothing early, so a person did.
/// What they took away is not set again for those who held it.
fn is_taken_away(now: &Reading, value: &Value, holders: &[Holder], now_ms: i64) -> bool {
    let is_ahead = |holder: &Holder| holder.confirmed_until.is_some_and(|until| until.min(holder.until) > now_ms);
    now.value.as_ref() != Some(value) && holders.iter().any(|holder| !holder.is_new && is_ahead(holder))
}

/// Somebody who decides said of just this that it is to be overwritten.
fn is_to_be_put_back(address: &Address<'_>, now: &Reading, holders: &[Holder]) -> bool {
    let found = Value::from(seen(address, now));
    holders.iter().any(|holder| holder.with.get(PUT_BACK) == Some(&found))
}

/// What is there, for people.
fn seen(address: &Address<'_>, now: &Reading) -> String {
    format!("{} is {}", address.name, now.words())
}

/// The value all holders want; an attribute has only one.
fn wanted(holders: &[Holder]) -> Result<Value, Failure> {
    let mut values = holders.iter().map(|holder| holder.with.get("value").cloned().unwrap_or(Value::Bool(true)));
    let first = values.next().unwrap_or(Value::Bool(true));
    if values.any(|value| value != first) {
        let advice = "give the two workflows different attributes";
        return Err(refusal("another grant holds the same attribute with another value".to_owned(), advice));
    }
    Ok(first)
}

#[cfg(test)]
mod tests;
