//! Watching the audit log: its chain is walked at the start and every night, and its head is kept in a second place.

mod anchoring;
mod posting;
mod survey;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::Engine;
use crate::clock::Clock;
use crate::kernel::kept::{self, Note};
use crate::kernel::{Actor, House, Request, Subject};
use crate::planted::{Fault, is_planted};
use crate::store::{AnchorFile, AuditLog, Mismatch, Store, StoreError, Tampered, Walked};

pub(super) use anchoring::keep_anchored;
pub(super) use posting::keep_posted;
pub(super) use survey::survey;

/// What concerns the log itself and no request stands in it under this name.
pub(super) const SUBJECT: Subject = Subject::House(House::Log);
/// Between two looks at a few entries each: whatever is due goes first.
const BREATH: Duration = Duration::from_millis(2);
/// When the database could not be read, the walk begins anew after this.
const AGAIN: Duration = Duration::from_secs(60);
const DAY_MS: i64 = 86_400_000;
/// The nightly walk begins at two o'clock, UTC.
const NIGHT_MS: i64 = 2 * 3_600_000;

/// How the log is, as far as we looked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogHealth {
    /// What the last whole walk found: how many entries fit, or the first that does not; none before the first has ended.
    pub walked: Option<Result<i64, Tampered>>,
    /// The log does not go on from its anchor, and nobody has accepted that.
    pub mismatch: Option<Mismatch>,
    /// How many things are on in the tailnet that the ledger of such a database does not know; none before that was looked at.
    pub unknown: Option<usize>,
    /// Why the anchor could not be written.
    pub not_anchored: Option<String>,
}

impl LogHealth {
    /// Why nobody should rely on the log, one sentence each.
    pub fn troubles(&self) -> Vec<String> {
        let tampered = match &self.walked {
            Some(Err(tampered)) => Some(format!("the audit log does not verify: {tampered}")),
            _ => None,
        };
        let unknown = self.unknown.map_or_else(String::new, |count| format!(" ({count} on that it does not know)"));
        let mismatch = self.mismatch.as_ref().map(|mismatch| {
            format!("{mismatch}; look at what is on in the tailnet{unknown}, then run `nightlatch audit accept`")
        });
        tampered.into_iter().chain(mismatch).collect()
    }

    /// What somebody should see to, one sentence each.
    pub fn warnings(&self) -> Vec<String> {
        self.not_anchored.iter().map(|why| format!("the anchor of the audit log cannot be written: {why}")).collect()
    }
}

impl LogHealth {
    /// The same in Prometheus' format. What nobody has looked at yet is left out.
    pub fn gauges(&self) -> String {
        let gauge = |name: &str, help: &str, value: i64| {
            format!("# HELP nightlatch_{name} {help}\n# TYPE nightlatch_{name} gauge\nnightlatch_{name} {value}\n")
        };
        let mut text = String::new();
        if let Some(walked) = &self.walked {
            let help = "1 if the audit log fitted when it was last verified, 0 if it did not.";
            text += &gauge("audit_verified", help, i64::from(walked.is_ok()));
        }
        if let Some(Ok(entries)) = self.walked {
            text += &gauge("audit_entries", "Entries of the audit log when it was last verified.", entries);
        }
        let help = "1 while the audit log goes on from its anchor, 0 if the database is older or another one.";
        text + &gauge("audit_anchored", help, i64::from(self.mismatch.is_none()))
    }
}

/// The log under watch. Cloning shares it.
#[derive(Clone)]
pub struct Logbook {
    inner: Arc<Inner>,
}

struct Inner {
    log: AuditLog,
    anchor: AnchorFile,
    clock: Clock,
    /// When we began to look, milliseconds since the Unix epoch.
    opened_at: i64,
    /// Where the head of the log is said too.
    channel: Option<String>,
    health: watch::Sender<LogHealth>,
    /// Rings when something was saved.
    saved: Notify,
}

impl Logbook {
    /// Compares the log with its anchor, before anything of an older copy is acted upon.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn open(
        store: &Store,
        (anchor, channel): (AnchorFile, Option<String>),
        clock: Clock,
    ) -> Result<Self, StoreError> {
        let log = store.audit_log();
        if matches!(anchor.read(), Ok(None)) && log.head().await?.seq > 0 {
            warn!(file = %anchor.path().display(), "the audit log has no anchor; it is made now, from the log as it is");
        }
        let mismatch = match anchor.compare(&log).await {
            Ok(mismatch) => mismatch.filter(|_| !is_planted(Fault::IgnoresAnchor)),
            Err(error) => Some(Mismatch::Unknown(format!("the log cannot be compared with its anchor: {error}"))),
        };
        if let Some(mismatch) = &mismatch {
            error!(anchor = %anchor.path().display(), "{mismatch}");
            note_mismatch(store, mismatch, clock.now_ms()).await?;
        }
        let health = watch::Sender::new(LogHealth { mismatch, ..LogHealth::default() });
        let opened_at = clock.now_ms();
        Ok(Self { inner: Arc::new(Inner { log, anchor, clock, opened_at, channel, health, saved: Notify::new() }) })
    }

    /// How the log is, as far as we looked.
    pub fn health(&self) -> watch::Receiver<LogHealth> {
        self.inner.health.subscribe()
    }

    /// Something was saved.
    pub(super) fn saved(&self) {
        self.inner.saved.notify_one();
    }

    /// Walks over the whole log, a few entries at a time.
    async fn walk(&self) -> Result<Result<i64, Tampered>, StoreError> {
        let mut walk = self.inner.log.walk().await?;
        loop {
            match self.inner.log.step(&mut walk).await? {
                Walked::On => self.inner.clock.pause(BREATH).await,
                Walked::Fits(count) => return Ok(Ok(count)),
                Walked::Broken(tampered) => return Ok(Err(tampered)),
            }
        }
    }

    async fn keep_walking(&self) {
        loop {
            match self.walk().await {
                Ok(walked) => {
                    match &walked {
                        Ok(entries) => info!(entries, "the audit log fits"),
                        Err(tampered) => error!("the audit log does not verify: {tampered}"),
                    }
                    self.inner.health.send_modify(|health| health.walked = Some(walked));
                }
                Err(error) => {
                    warn!(error = %error, "the audit log could not be verified; trying again");
                    self.inner.clock.pause(AGAIN).await;
                    continue;
                }
            }
            self.inner.clock.sleep_until(next_night(self.inner.clock.now_ms())).await;
        }
    }
}

fn next_night(now: i64) -> i64 {
    let today = now.div_euclid(DAY_MS) * DAY_MS + NIGHT_MS;
    if today > now { today } else { today + DAY_MS }
}

/// Verifies the log now and every night, until `stop`.
pub(super) async fn keep_verified(logbook: Logbook, stop: CancellationToken) {
    tokio::select! {
        biased;
        () = logbook.keep_walking() => {}
        () = stop.cancelled() => {}
    }
}

/// Writes down that this database is not what was anchored: once for each anchor, however often we start.
async fn note_mismatch(store: &Store, mismatch: &Mismatch, now: i64) -> Result<(), StoreError> {
    let (about, event) = match mismatch {
        Mismatch::Older { anchor, end } => {
            ("older", json!({ "event": "log_is_older", "anchor": anchor, "end": end.seq }))
        }
        Mismatch::Other { anchor, end } => {
            ("other", json!({ "event": "log_is_another", "anchor": anchor, "end": end.seq }))
        }
        Mismatch::Unknown(_) => return Ok(()),
    };
    let known = store.audit_of(&SUBJECT).await?.iter().any(|entry| is_about(&entry.event, &event));
    if known {
        return Ok(());
    }
    let mut tx = store.begin().await?;
    tx.know_only_told_ends().await?;
    tx.note(&SUBJECT, &Actor::Clock, &Note(event), about, now).await?;
    tx.commit().await
}

fn is_about(stored: &str, event: &serde_json::Value) -> bool {
    let Ok(Note(stored)) = kept::read::<Note>(stored) else { return false };
    stored.get("anchor").is_some_and(|anchor| Some(anchor) == event.get("anchor"))
}

impl Engine {
    /// Whether the database is an older copy, or another one, and nobody accepted it yet.
    pub(super) fn is_restored(&self) -> bool {
        self.inner.logbook.inner.health.borrow().mismatch.is_some()
    }

    /// Whether only an older copy of the database, which nobody accepted yet, says that this was approved: it may have been used and given
    /// back since, and is not switched on.
    pub(super) fn is_of_a_copy(&self, request: &Request) -> bool {
        self.is_restored() && request.approved_at.is_none_or(|at| at <= self.inner.logbook.inner.opened_at)
    }

    /// How the audit log is, as far as we looked; it changes when we look again.
    pub fn log_health(&self) -> watch::Receiver<LogHealth> {
        self.inner.logbook.health()
    }
}
