//! Holding entries of the policy file: first the attributes that end them, then the text; and all that is said was read back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Rules;
use super::guards::{Guarded, Guards};
use super::planning::preview;
use super::target::Holding;
use super::wanted::Wanted;
use super::writing::{Why, Writing, Written};
use crate::clock::Clock;
use crate::hujson::Document;
use crate::kernel::kept::{self, Kept, Raise};
use crate::kernel::request::Found;
use crate::kernel::{Failure, Key, Proof, RequestId};
use crate::outside::tailscale::Tailscale;
use crate::steps::tailscale::{failure, refusal};
use crate::steps::{Before, Holder, Overwritten, Preview, Settled, SettledEach, Step};

/// Whoever comes or goes within this is one write.
const GATHERS: Duration = Duration::from_millis(300);
/// So often what a pipeline overwrites is put back within one hold; then people are told instead.
const PUT_BACK_MAX: u32 = 3;
/// Where a pipeline overwrites the file it is looked at this often.
const LOOKS_AFTER: Duration = Duration::from_secs(120);

/// The step type.
pub struct PolicyFile {
    tailscale: Tailscale,
    clock: Clock,
    rules: Rules,
}

/// Which file it was before the first touch, for whoever looks later. Nothing is put back from it: exactly our entries go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct First {
    etag: String,
    /// How often what a request holds was overwritten, by its id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    overwritten: BTreeMap<String, u32>,
}

impl Kept for First {
    const KIND: &'static str = "before of tailscale.policy";
    // The first: what was overwritten is counted.
    const RAISES: &'static [Raise] = &[Ok];
}

/// What is known of each request at the end of a run.
type Each = BTreeMap<RequestId, Result<Found, Failure>>;

impl PolicyFile {
    /// The step type over this tailnet.
    pub fn new(tailscale: Tailscale, clock: Clock) -> Self {
        Self { tailscale, clock, rules: Rules::default() }
    }

    /// The same under other rules.
    #[must_use]
    pub fn under(self, rules: Rules) -> Self {
        Self { rules, ..self }
    }

    async fn run(&self, holders: &[Holder], before: &Before) -> (Each, BTreeMap<RequestId, Overwritten>) {
        let now = self.clock.now_ms();
        let mut each = Each::new();
        let mut live: Vec<Holding> = holders.iter().map(|holder| holding(holder, now)).collect();
        let leaving: Vec<Holding> = before.leaving.iter().map(|holder| holding(holder, now)).collect();
        for holding in &live {
            if let Err(failure) = is_allowed(holding) {
                each.insert(holding.id.clone(), Err(failure));
            }
        }
        live.retain(|holding| !each.contains_key(&holding.id));
        let guards = Guards { tailscale: &self.tailscale, clock: &self.clock, before };
        let guarded = guards.settle(holders, &live, &leaving).await;
        each.extend(guarded.failed.iter().map(|(id, failure)| (id.clone(), Err(failure.clone()))));
        each.extend(guarded.taken_away.iter().map(|id| (id.clone(), Ok(Found::TakenAway))));
        let new: BTreeSet<RequestId> =
            holders.iter().filter(|holder| holder.is_new).map(|holder| holder.request_id.clone()).collect();
        // Whoever is new and has no guard is not let in; whoever is in already stays as they are.
        live.retain(|holding| !(new.contains(&holding.id) && each.contains_key(&holding.id)));
        for holding in live.iter_mut().filter(|holding| guarded.bare.contains(&holding.id)) {
            holding.wanted.device = None;
        }
        let is_granting = live.iter().any(|holding| new.contains(&holding.id));
        let tailscale = if is_granting { self.tailscale.clone() } else { self.tailscale.for_an_end() };
        let mut first = first(&before.found);
        let put_back = self.put_back(&first, &live);
        let clock = self.clock.clone();
        let writing = Writing { tailscale, clock, max_bytes: self.rules.max_bytes, put_back };
        let mut overwritten = BTreeMap::new();
        match writing.write(&live, &leaving, &new).await {
            Ok(written) => {
                if self.rules.is_managed_elsewhere {
                    overwritten = self.overwritten(&mut first, &written, before).await;
                }
                tell(&mut each, (&live, &leaving), holders, &guarded, &written);
            }
            Err(why) => tell_not_written(&mut each, &live, &leaving, &why),
        }
        (each, overwritten)
    }

    /// Whose entries are put back if others took them out.
    fn put_back(&self, first: &First, live: &[Holding]) -> BTreeSet<RequestId> {
        let may = |id: &&RequestId| first.overwritten.get(id.as_str()).is_none_or(|times| *times < PUT_BACK_MAX);
        let ids = live.iter().map(|holding| &holding.id).filter(|_| self.rules.is_managed_elsewhere);
        ids.filter(may).cloned().collect()
    }

    /// Counts what was overwritten. That it could not be counted keeps nobody waiting: it is put back once more then.
    async fn overwritten(
        &self,
        first: &mut First,
        written: &Written,
        before: &Before,
    ) -> BTreeMap<RequestId, Overwritten> {
        let mut all = BTreeMap::new();
        for id in written.put_back.iter().chain(&written.taken_away) {
            let count = first.overwritten.entry(id.to_string()).or_default();
            *count = count.saturating_add(1);
            let note = self.rules.note.clone();
            all.insert(id.clone(), Overwritten { times: *count, put_back_max: PUT_BACK_MAX, note });
        }
        if !all.is_empty() {
            let kept = match kept::to_value(first) {
                Ok(value) => before.memory.keep(value).await.map_err(|failure| failure.what),
                Err(error) => Err(error.to_string()),
            };
            if let Err(why) = kept {
                tracing::warn!(why, "that the policy file was overwritten could not be counted");
            }
        }
        all
    }
}

/// What was written down; nothing that anything hangs on but the counts.
fn first(found: &Value) -> First {
    let read = kept::from_value(found.clone());
    read.unwrap_or_else(|_| First { etag: String::new(), overwritten: BTreeMap::new() })
}

/// What a holder wants, and whether they were told that they have it.
fn holding(holder: &Holder, now: i64) -> Holding {
    let is_ahead = holder.confirmed_until.is_some_and(|until| until.min(holder.until) > now);
    Holding {
        id: holder.request_id.clone(),
        login: holder.login.clone(),
        used_by: holder.used_by.clone(),
        wanted: Wanted::of(&holder.with),
        is_confirmed: !holder.is_new && is_ahead,
    }
}

/// What is filled in may be another kind of source than the file could tell.
pub(super) fn is_allowed(holding: &Holding) -> Result<(), Failure> {
    let wanted = &holding.wanted;
    if holding.is_confirmed || wanted.is_unguarded || wanted.is_all_guarded() {
        return Ok(());
    }
    let open = wanted.rules.iter().find(|rule| !wanted.is_guarded(rule));
    let what = match open {
        Some(rule) if wanted.device.is_some() => {
            format!("no posture holds back the sources {} of an entry of `{}`", rule.src().join(", "), rule.section)
        }
        _ => "no posture holds back what it adds to the policy file".to_owned(),
    };
    Err(refusal(what, "it would not go dead by itself; the workflow can say unguarded: true"))
}

fn tell(
    each: &mut Each,
    (live, leaving): (&[Holding], &[Holding]),
    holders: &[Holder],
    guarded: &Guarded,
    written: &Written,
) {
    each.extend(written.refused.iter().map(|(id, failure)| (id.clone(), Err(failure.clone()))));
    for holding in live {
        let id = &holding.id;
        let found = match (written.taken_away.contains(id), guarded.left_alone.get(id)) {
            (true, _) => Found::TakenAway,
            (false, Some(found)) => found.clone(),
            (false, None) if !holding.wanted.is_all_guarded() => Found::On { until: None },
            (false, None) => Found::On { until: guarded.untils.get(id).copied() },
        };
        each.entry(id.clone()).or_insert(Ok(found));
    }
    for holding in leaving {
        let id = &holding.id;
        let open =
            || written.left_alone.get(id).map(|(what, is_on)| Found::LeftAlone { what: what.clone(), is_on: *is_on });
        let others = guarded.held_by_others.get(id).copied().or_else(|| shared_until(holding, live, holders));
        let found = match (others, guarded.left_alone.get(id).cloned().or_else(open)) {
            (Some(until), _) => Found::HeldByOthers { until },
            (None, Some(found)) => found,
            (None, None) => Found::Gone,
        };
        each.entry(id.clone()).or_insert(Ok(found));
    }
}

/// Until when others hold the same without a guard: who is in a group, or lets the same source through.
fn shared_until(gone: &Holding, live: &[Holding], holders: &[Holder]) -> Option<i64> {
    let shares = |holding: &&Holding| {
        let members = holding.wanted.members.iter().any(|member| gone.wanted.members.contains(member));
        let open = |rule: &&super::wanted::Rule| !gone.wanted.is_guarded(rule);
        members || gone.wanted.rules.iter().filter(open).any(|rule| holding.wanted.rules.contains(rule))
    };
    let ids: BTreeSet<&RequestId> = live.iter().filter(shares).map(|holding| &holding.id).collect();
    holders.iter().filter(|holder| ids.contains(&holder.request_id)).map(|holder| holder.until).max()
}

fn tell_not_written(each: &mut Each, live: &[Holding], leaving: &[Holding], why: &Why) {
    let failure = why.failure();
    for holding in live {
        each.entry(holding.id.clone()).or_insert_with(|| Err(failure.clone()));
    }
    for holding in leaving {
        let what = match holding.wanted.is_all_guarded() {
            true => format!("its rule opens nothing any more, and still stands in the policy file: {}", failure.what),
            false => failure.what.clone(),
        };
        each.entry(holding.id.clone()).or_insert_with(|| Err(Failure { what, retryable: true, ..failure.clone() }));
    }
}

impl Step for PolicyFile {
    fn observe<'a>(&'a self, _: &'a Key) -> BoxFuture<'a, Result<Value, Failure>> {
        async move {
            let file = self.tailscale.policy_text().await.map_err(|error| failure(&error))?;
            Document::read(&file.text, self.rules.max_bytes).map_err(|error| Why::from(error).failure())?;
            kept::to_value(&First { etag: file.etag, overwritten: BTreeMap::new() })
                .map_err(|error| refusal(format!("a reading cannot be kept: {error}"), ""))
        }
        .boxed()
    }

    fn settle<'a>(
        &'a self,
        key: &'a Key,
        holders: &'a [Holder],
        before: &'a Before,
    ) -> BoxFuture<'a, Result<Settled, Failure>> {
        async move { self.settle_each(key, holders, before).await.map(|each| each.settled) }.boxed()
    }

    fn settle_each<'a>(
        &'a self,
        _: &'a Key,
        holders: &'a [Holder],
        before: &'a Before,
    ) -> BoxFuture<'a, Result<SettledEach, Failure>> {
        async move {
            let (each, overwritten) = self.run(holders, before).await;
            let at = self.clock.now_ms();
            let found = if holders.is_empty() { Found::Gone } else { Found::On { until: None } };
            let each = each.into_iter().map(|(id, found)| (id, found.map(|found| Proof { at, found }))).collect();
            Ok(SettledEach { settled: Settled::from(Proof { at, found }), each, overwritten })
        }
        .boxed()
    }

    fn preview<'a>(&'a self, holder: &'a Holder) -> BoxFuture<'a, Result<Option<Preview>, Failure>> {
        preview(&self.tailscale, holder, self.rules.max_bytes).map(|preview| preview.map(Some)).boxed()
    }

    fn gathers(&self) -> Option<Duration> {
        Some(GATHERS)
    }

    fn looks_again_after(&self) -> Duration {
        if self.rules.is_managed_elsewhere { LOOKS_AFTER } else { Duration::from_secs(3_600) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_down_before_the_first_touch_is_read() {
        let stored = include_str!("../../../../tests/stored/next/before of tailscale.policy.json");
        let all: serde_json::Map<String, Value> = serde_json::from_str(stored).unwrap();
        assert!(!all.is_empty());
        for (name, found) in all {
            let first: First = kept::from_value(found).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(first.etag.starts_with('"'), "{name}");
        }
    }
}
