//! What Prometheus reads beside the counters: how things are at the moment somebody asks, and the process as every program tells it.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use super::Engine;
use crate::kernel::State;

/// The last reading of the workflows.
#[derive(Debug, Default)]
pub(super) struct Reload {
    failed: AtomicBool,
    at_ms: AtomicI64,
}

impl Reload {
    pub(super) fn note(&self, worked: bool, now_ms: i64) {
        self.failed.store(!worked, Ordering::Relaxed);
        self.at_ms.store(now_ms, Ordering::Relaxed);
    }
}

/// A family of gauges or counters in the text format.
struct Family<'t> {
    text: &'t mut String,
    name: &'static str,
}

impl<'t> Family<'t> {
    fn new(text: &'t mut String, name: &'static str, kind: &str, help: &str) -> Self {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        Self { text, name }
    }

    /// One sample; `labels` as they stand between the braces. Counters are written with `_total` behind their name.
    fn sample(&mut self, suffix: &str, labels: &str, value: impl std::fmt::Display) -> &mut Self {
        let labels = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
        let _ = writeln!(self.text, "{}{suffix}{labels} {value}", self.name);
        self
    }
}

fn seconds(ms: i64) -> String {
    format!("{}.{:03}", ms / 1_000, ms.rem_euclid(1_000))
}

impl Engine {
    /// Everything as Prometheus reads it. `sockets`: connections to Slack, if it comes in that way.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn measures(&self, sockets: Option<usize>) -> Result<String, crate::store::StoreError> {
        let store = &self.inner.store;
        let now = self.inner.clock.now_ms();
        let (counted, stuck) = store.counts().await?;
        let of = |state: &str| counted.iter().find(|(known, _)| known == state).map_or(0, |(_, count)| *count);
        let open = State::ALL.into_iter().filter(|state| *state != State::Ended);
        let states: Vec<(String, i64)> = open.map(|state| (state.word().to_owned(), of(state.word()))).collect();
        let load = store.load_now(now).await?;
        let mut text = self.gauges().await;
        let mut family =
            Family::new(&mut text, "nightlatch_outbox_due", "gauge", "Effects whose time has come, by class.");
        for (class, count, _) in &load.due {
            family.sample("", &format!("class=\"{}\"", class.name()), *count);
        }
        family.sample("", "class=\"set_aside\"", load.set_aside);
        let oldest = load.due.iter().filter_map(|(.., at)| *at).min().unwrap_or(now);
        Family::new(
            &mut text,
            "nightlatch_outbox_oldest_due_seconds",
            "gauge",
            "How long the oldest due effect waits.",
        )
        .sample("", "", seconds((now - oldest).max(0)));
        let pending = load.oldest_pending.unwrap_or(now);
        Family::new(
            &mut text,
            "nightlatch_oldest_pending_seconds",
            "gauge",
            "How long the oldest undecided request waits.",
        )
        .sample("", "", seconds((now - pending).max(0)));
        Family::new(&mut text, "nightlatch_database_bytes", "gauge", "Size of the database.")
            .sample("", "", load.bytes);
        if let Some(sockets) = sockets {
            Family::new(&mut text, "nightlatch_slack_sockets", "gauge", "Connected sockets to Slack.")
                .sample("", "", sockets);
        }
        let checkup = self.checkup().await;
        Family::new(&mut text, "nightlatch_warnings", "gauge", "What /readyz says that somebody should look at.")
            .sample("", "", checkup.warnings.len());
        Family::new(&mut text, "nightlatch_troubles", "gauge", "Why /readyz says that the bot cannot work.").sample(
            "",
            "",
            checkup.troubles.len(),
        );
        self.write_contacts(&mut text);
        let reload = &self.inner.metrics.reload;
        Family::new(
            &mut text,
            "nightlatch_config_last_reload_successful",
            "gauge",
            "Whether the last reading of the workflows was taken over.",
        )
        .sample("", "", u8::from(!reload.failed.load(Ordering::Relaxed)));
        let at = reload.at_ms.load(Ordering::Relaxed);
        Family::new(
            &mut text,
            "nightlatch_config_last_reload_timestamp_seconds",
            "gauge",
            "When the workflows were read last; 0 means at the start only.",
        )
        .sample("", "", seconds(at));
        Family::new(&mut text, "nightlatch_build", "info", "Which build this is.").sample(
            "_info",
            concat!("version=\"", env!("CARGO_PKG_VERSION"), "\""),
            1,
        );
        super::process::write(&mut text);
        Ok(text + &self.inner.metrics.text(&states, stuck))
    }

    fn write_contacts(&self, text: &mut String) {
        let contacts = self.inner.slack.contacts();
        let mut family =
            Family::new(text, "nightlatch_calls", "counter", "Calls to other services, by what came of them.");
        for (service, status, count) in contacts.calls() {
            family.sample("_total", &format!("service=\"{service}\",status=\"{status}\""), count);
        }
        let help = "When a service last answered; 0 means not since the start.";
        let mut family = Family::new(text, "nightlatch_last_contact_timestamp_seconds", "gauge", help);
        for (service, at) in contacts.last_contacts() {
            family.sample("", &format!("service=\"{service}\""), seconds(at));
        }
        let help = "Calls a service refuses until somebody does something about it.";
        let mut family = Family::new(text, "nightlatch_refused_calls", "gauge", help);
        let refusals = contacts.refusals();
        for service in crate::outside::contacts::SERVICES {
            let count = refusals.iter().filter(|refused| refused.service == service).count();
            family.sample("", &format!("service=\"{service}\""), count);
        }
    }
}
