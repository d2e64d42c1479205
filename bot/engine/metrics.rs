//! What can be counted: events, effects and how late access was taken back, in Prometheus' format.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::measures::Reload;

/// Counters of one engine. Cloning shares them.
#[derive(Clone)]
pub struct Metrics {
    events: Family<EventLabels, Counter>,
    effects: Family<EffectLabels, Counter>,
    lateness: Histogram,
    saved: Arc<AtomicU64>,
    registry: Arc<Registry>,
    pub(super) reload: Arc<Reload>,
}

/// Every event there is.
const EVENTS: [&str; 18] = [
    "asked",
    "approvers_found",
    "tier_found",
    "reviewers_found",
    "pressed",
    "denied",
    "revoked",
    "identified",
    "looked",
    "not_identified",
    "settled",
    "settle_failed",
    "drifted",
    "observed",
    "shown",
    "not_shown",
    "notified",
    "woke",
];
/// What can come of one.
const RESULTS: [&str; 4] = ["done", "failed", "postponed", "set_aside"];
/// Every effect there is.
const EFFECTS: [&str; 18] = [
    "find_approvers",
    "find_tier",
    "find_reviewers",
    "identify",
    "settle",
    "look",
    "show",
    "tell",
    "rewrite",
    "wake",
    "say",
    "complete",
    "answer",
    "start_workflow",
    "expire_paste",
    "save_link",
    "post_paste",
    "delete_paste",
];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct EventLabels {
    event: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct EffectLabels {
    effect: &'static str,
    result: &'static str,
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("nightlatch");
        let events = Family::<EventLabels, Counter>::default();
        let effects = Family::<EffectLabels, Counter>::default();
        let lateness = Histogram::new([0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 3600.0]);
        registry.register("events", "Events saved", events.clone());
        registry.register("effects", "Effects performed", effects.clone());
        registry.register(
            "end_lateness_seconds",
            "From the deadline to the proof that access is gone",
            lateness.clone(),
        );
        // Series that are not there before the first event make rates and `absent()` lie.
        for event in EVENTS {
            drop(events.get_or_create(&EventLabels { event }));
        }
        for effect in EFFECTS {
            for result in RESULTS {
                drop(effects.get_or_create(&EffectLabels { effect, result }));
            }
        }
        Self { events, effects, lateness, saved: Arc::default(), registry: Arc::new(registry), reload: Arc::default() }
    }

    /// The workflows were read again, or refused.
    pub fn note_reload(&self, worked: bool, now_ms: i64) {
        self.reload.note(worked, now_ms);
    }

    pub(super) fn count_event(&self, event: &'static str) {
        self.events.get_or_create(&EventLabels { event }).inc();
    }

    pub(super) fn count_effect(&self, effect: &'static str, result: &'static str) {
        self.effects.get_or_create(&EffectLabels { effect, result }).inc();
    }

    /// What came of so many effects is saved.
    pub(super) fn note_saved(&self, count: usize) {
        self.saved.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Of how many effects it was saved what came of them, since this engine began.
    pub fn effects_saved(&self) -> u64 {
        self.saved.load(Ordering::Relaxed)
    }

    pub(super) fn observe_lateness(&self, late_ms: i64) {
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of lateness stay far under 2^52")]
        self.lateness.observe(late_ms.max(0) as f64 / 1000.0);
    }

    /// Everything as text; `states` and `stuck` are read from the store by the caller.
    pub fn text(&self, states: &[(String, i64)], stuck: i64) -> String {
        let mut text = String::new();
        let mut gauges = String::from(
            "# HELP nightlatch_requests Requests that have not ended, by state.\n# TYPE nightlatch_requests gauge\n",
        );
        for (state, count) in states {
            let _ = writeln!(gauges, "nightlatch_requests{{state=\"{state}\"}} {count}");
        }
        let _ = writeln!(
            gauges,
            "# HELP nightlatch_stuck Requests that could not be taken back yet.\n# TYPE nightlatch_stuck gauge\nnightlatch_stuck {stuck}"
        );
        let _ = encode(&mut text, &self.registry);
        gauges + &text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a `match` of names gives, read from the source: a variant that is new there is missing here.
    fn named(source: &str) -> Vec<&str> {
        let (_, body) = source.split_once("pub fn name(&self) -> &'static str {").expect("a list of names");
        let (body, _) = body.split_once("\n    }\n").expect("its end");
        body.lines().filter_map(|line| line.split_once("=> \"")?.1.split('"').next()).collect()
    }

    #[test]
    fn every_series_is_there_before_the_first_event() {
        assert_eq!(named(include_str!("../kernel/src/event.rs")), EVENTS);
        assert_eq!(named(include_str!("../kernel/src/effect.rs")), EFFECTS);
        let text = Metrics::new().text(&[], 0);
        for series in EVENTS.map(|event| format!("nightlatch_events_total{{event=\"{event}\"}} 0")) {
            assert!(text.contains(&series), "{series}\n{text}");
        }
        assert!(text.contains("nightlatch_effects_total{effect=\"settle\",result="), "{text}");
    }
}
