//! What can be counted: events, effects and how late access was taken back, in Prometheus' format.

use std::fmt::Write as _;
use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Counters of one engine. Cloning shares them.
#[derive(Clone)]
pub struct Metrics {
    events: Family<EventLabels, Counter>,
    effects: Family<EffectLabels, Counter>,
    lateness: Histogram,
    registry: Arc<Registry>,
}

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
        Self { events, effects, lateness, registry: Arc::new(registry) }
    }

    pub(super) fn count_event(&self, event: &'static str) {
        self.events.get_or_create(&EventLabels { event }).inc();
    }

    pub(super) fn count_effect(&self, effect: &'static str, result: &'static str) {
        self.effects.get_or_create(&EffectLabels { effect, result }).inc();
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
