//! The attributes that entries depend on: set with the end of whoever holds the same entry on the same device for longest, shortened when
//! they go, and taken away with the last.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use serde_json::{Map, Value};

use super::guard::Guard;
use super::target::Holding;
use super::wanted::Wanted;
use crate::clock::Clock;
use crate::kernel::drift::PUT_BACK;
use crate::kernel::request::Found;
use crate::kernel::step_type::TAGGED;
use crate::kernel::{Failure, Key, RequestId};
use crate::outside::tailscale::Tailscale;
use crate::planted::{Fault, is_planted};
use crate::steps::tailscale::attribute::Attribute;
use crate::steps::{Before, Holder, Step};

/// Attributes that are settled at once; that Tailscale is not called too often is seen to where the calls are made.
const AT_ONCE: usize = 16;
/// Attributes that are read in one look whether others changed them.
const LOOKED_AT_MAX: usize = 256;

/// One attribute of one device.
type Spot = (String, String);

/// Over which tailnet.
pub(super) struct Guards<'a> {
    pub tailscale: &'a Tailscale,
    pub clock: &'a Clock,
    pub before: &'a Before,
}

/// What became of the attributes, by request.
#[derive(Debug, Default)]
pub(super) struct Guarded {
    /// Until when they were read back as on; the earliest of them.
    pub untils: BTreeMap<RequestId, i64>,
    /// Why one of them is not as it should be.
    pub failed: BTreeMap<RequestId, Failure>,
    /// Somebody took one away.
    pub taken_away: BTreeSet<RequestId>,
    /// Somebody else changed one, and it was left as it is.
    pub left_alone: BTreeMap<RequestId, Found>,
    /// They let go, and others hold the same on the same device until then.
    pub held_by_others: BTreeMap<RequestId, i64>,
    /// The tailnet's plan has no such attributes, and these said that they do without.
    pub bare: BTreeSet<RequestId>,
}

impl Guards<'_> {
    /// Settles every attribute that somebody new, somebody who let go, or a changed end is about.
    pub async fn settle(&self, holders: &[Holder], live: &[Holding], leaving: &[Holding]) -> Guarded {
        let mut guarded = Guarded::default();
        let by_id: BTreeMap<&RequestId, &Holder> = holders.iter().map(|one| (&one.request_id, one)).collect();
        let mut held = BTreeMap::<Spot, Vec<&Holder>>::new();
        for holding in live {
            for spot in spots(holding) {
                held.entry(spot).or_default().extend(by_id.get(&holding.id));
            }
        }
        let let_go: BTreeSet<Spot> = leaving.iter().flat_map(spots).collect();
        // Nobody came, nobody goes: it is looked whether others changed something. Of very many, some at a time.
        let is_look = let_go.is_empty() && !holders.iter().any(|one| one.is_new);
        let looked_at = if is_look { self.looked_at(held.len()) } else { 0..0 };
        let mut todo: Vec<(&Spot, &[&Holder])> = Vec::new();
        for (index, (spot, holders)) in held.iter().enumerate() {
            let until = holders.iter().map(|holder| whole_second(holder.until)).max().unwrap_or_default();
            if looked_at.contains(&index)
                || let_go.contains(spot)
                || holders.iter().any(|one| one.is_new || one.confirmed_until != Some(until))
            {
                todo.push((spot, holders));
            } else {
                holders.iter().for_each(|holder| guarded.is_on(&holder.request_id, until));
            }
        }
        todo.extend(let_go.iter().filter(|spot| !held.contains_key(*spot)).map(|spot| (spot, &[] as &[&Holder])));
        let mut settled = Vec::with_capacity(todo.len());
        for some in todo.chunks(AT_ONCE) {
            let mut settling: Vec<BoxFuture<'_, Outcomes>> = Vec::with_capacity(some.len());
            for (spot, holders) in some {
                settling.push(self.settle_spot(spot, holders).boxed());
            }
            let outcomes = join_all(settling).await;
            settled.extend(some.iter().zip(outcomes).map(|((spot, holders), outcomes)| (*spot, *holders, outcomes)));
        }
        for (spot, holders, outcomes) in settled {
            let gone = leaving.iter().filter(|holding| spots(holding).any(|one| one == *spot));
            guarded.learn_of_leaving(gone, holders.is_empty(), &outcomes);
            for holder in holders {
                let outcome = if holder.is_new { &outcomes.new } else { &outcomes.old };
                let does_without =
                    live.iter().any(|holding| holding.id == holder.request_id && holding.wanted.is_unguarded);
                guarded.learn(holder, outcome, does_without);
            }
        }
        guarded
    }

    /// Which of so many attributes are read now although nothing is to be done about them: another part of them each hour.
    fn looked_at(&self, count: usize) -> Range<usize> {
        let parts = count.div_ceil(LOOKED_AT_MAX).max(1);
        let hour = usize::try_from(self.clock.now_ms().div_euclid(3_600_000)).unwrap_or_default();
        let start = hour.checked_rem(parts).unwrap_or_default().saturating_mul(LOOKED_AT_MAX);
        start..start.saturating_add(LOOKED_AT_MAX)
    }

    /// One attribute, by the step type that holds attributes. Nobody who holds it already hangs on somebody new.
    async fn settle_spot(&self, (device, attribute): &Spot, holders: &[&Holder]) -> Outcomes {
        let is_granting = holders.iter().any(|holder| holder.is_new);
        let tailscale = if is_granting { self.tailscale.clone() } else { self.tailscale.for_an_end() };
        let step = Attribute::new(tailscale, self.clock.clone());
        let key = Key::new("tailscale.attribute", &format!("{device} {attribute}"));
        let before = Before { found: Value::Null, leaving: Vec::new(), ..self.before.clone() };
        let with = |holder: &Holder| {
            let kept = [TAGGED, PUT_BACK].into_iter();
            let kept = kept.filter_map(|name| Some((name.to_owned(), holder.with.get(name)?.clone())));
            kept.chain([("value".to_owned(), Value::Bool(true))]).collect::<Map<String, Value>>()
        };
        let all: Vec<Holder> =
            holders.iter().map(|holder| Holder { with: with(holder), ..(*holder).clone() }).map(longer).collect();
        let new = step.settle(&key, &all, &before).await.map(|settled| settled.proof.found);
        let old: Vec<Holder> = all.iter().filter(|holder| !holder.is_new).cloned().collect();
        if new.is_ok() || old.len() == all.len() {
            return Outcomes { old: new.clone(), new };
        }
        let old = step.settle(&key, &old, &before).await.map(|settled| settled.proof.found);
        Outcomes { new, old }
    }
}

fn longer(holder: Holder) -> Holder {
    let extra_ms = if is_planted(Fault::GuardsLonger) { 3_600_000 } else { 0 };
    Holder { until: holder.until.saturating_add(extra_ms), ..holder }
}

/// What was found for who is new on it and for who holds it already.
struct Outcomes {
    new: Result<Found, Failure>,
    old: Result<Found, Failure>,
}

impl Guarded {
    fn is_on(&mut self, id: &RequestId, until: i64) {
        let earliest = self.untils.entry(id.clone()).or_insert(until);
        *earliest = until.min(*earliest);
    }

    fn learn(&mut self, holder: &Holder, outcome: &Result<Found, Failure>, does_without: bool) {
        let id = &holder.request_id;
        match outcome {
            Ok(Found::On { until }) => self.is_on(id, until.unwrap_or(i64::MAX)),
            Ok(Found::OnBefore) => self.is_on(id, i64::MAX),
            Ok(Found::TakenAway) if holder.is_new => {
                let what = "somebody took the same access away from another request at this moment".to_owned();
                let failure = Failure { what, advice: String::new(), retryable: true, retry_after_ms: None };
                self.failed.insert(id.clone(), failure);
            }
            Ok(Found::TakenAway) => drop(self.taken_away.insert(id.clone())),
            Ok(found) => drop(self.left_alone.insert(id.clone(), found.clone())),
            Err(failure) if does_without && is_about_the_plan(failure) => drop(self.bare.insert(id.clone())),
            Err(failure) if is_about_the_plan(failure) => {
                let advice =
                    "on this plan nothing goes dead by itself: the workflow can say unguarded: true".to_owned();
                self.failed.insert(id.clone(), Failure { advice, ..failure.clone() });
            }
            Err(failure) => drop(self.failed.insert(id.clone(), failure.clone())),
        }
    }

    fn learn_of_leaving<'h>(&mut self, gone: impl Iterator<Item = &'h Holding>, is_free: bool, outcomes: &Outcomes) {
        for holding in gone {
            let id = holding.id.clone();
            match &outcomes.old {
                Ok(Found::On { until }) => drop(self.held_by_others.insert(id, until.unwrap_or(i64::MAX))),
                Ok(found @ Found::LeftAlone { .. }) => drop(self.left_alone.insert(id, found.clone())),
                Ok(_) => {}
                // Only somebody new holds it, and does not get it: it was never on for them, and is taken away when they go.
                Err(failure) if is_about_the_plan(failure) && (is_free || holding.wanted.is_unguarded) => {}
                Err(failure) => drop(self.failed.insert(id, failure.clone())),
            }
        }
    }
}

/// Every attribute, by device, on which what these filled settings of a workflow's step add to the policy file depends.
pub fn guards_of(used_by: &str, with: &Map<String, Value>) -> Vec<(String, String)> {
    let wanted = Wanted::of(with);
    let attributes = wanted.guarded().map(|rule| Guard::of(used_by, rule).attribute()).collect::<BTreeSet<String>>();
    let device = wanted.device.clone();
    attributes.into_iter().filter_map(|attribute| Some((device.clone()?, attribute))).collect()
}

/// Every attribute that entries of this holder depend on.
fn spots(holding: &Holding) -> impl Iterator<Item = Spot> + '_ {
    let device = holding.wanted.device.clone();
    let attributes: BTreeSet<String> = holding.guards().map(|guard| guard.attribute()).collect();
    attributes.into_iter().filter_map(move |attribute| Some((device.clone()?, attribute)))
}

/// Tailscale says 403 for a missing scope too; only its words tell.
fn is_about_the_plan(failure: &Failure) -> bool {
    !failure.retryable && failure.what.contains("plan")
}

/// Tailscale keeps whole seconds; ours are rounded up, so that it ends nothing early.
pub(super) fn whole_second(at: i64) -> i64 {
    at.saturating_add(999).div_euclid(1000).saturating_mul(1000)
}
