//! The directory: who and what there is, as Slack and the tailnet last told it, read in the background and kept in the database.
//!
//! It draws forms, suggests, and is enough to take an ask; nobody waits for a list. It is a cache and never the truth: what it knows
//! lets somebody ask, what it does not know is read afresh before anybody is refused, and whatever counts a decision or switches
//! something on never looks here.

mod keeping;
mod lists;
mod reading;
mod watched;
mod writing;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};

use super::{TellError, jobs};
use crate::clock::Clock;
use crate::kernel::{Actor, Failure};
use crate::outside::slack::Slack;
use crate::outside::tailscale::Tailscale;
use crate::store::{Store, StoreError};

use watched::Watched;

pub(super) use keeping::keep;
pub use reading::Whose;
pub(super) use writing::{DirectoryWork, write};

/// Whoever needs a list that is just being read waits so long in one go.
const READING_WAITS: Duration = Duration::from_secs(10);
/// A list that could not be read is not asked for again sooner, whoever wants it.
const FAILED_PAUSE_MS: i64 = 1_000;
/// So long after somebody was looked up, the lists are kept as warm as ever.
const QUIET_AFTER_MS: i64 = 900_000;

/// A list that is read as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// Everybody in the workspace.
    People,
    /// Everybody in the tailnet.
    Users,
    /// Every device of the tailnet.
    Devices,
    /// The groups of the policy file.
    Policy,
    /// The workspace's user groups that workflows name.
    Groups,
}

impl List {
    /// All.
    pub const ALL: [Self; 5] = [Self::People, Self::Users, Self::Devices, Self::Policy, Self::Groups];

    /// Its name in the database.
    fn word(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::Users => "users",
            Self::Devices => "devices",
            Self::Policy => "policy",
            Self::Groups => "groups",
        }
    }

    /// What people call it.
    fn called(self) -> &'static str {
        match self {
            Self::People => "Slack's list of people",
            Self::Users => "Tailscale's list of users",
            Self::Devices => "Tailscale's list of devices",
            Self::Policy => "Tailscale's policy file",
            Self::Groups => "Slack's user groups",
        }
    }

    /// It is read anew after so long. Slack tells what changes about people and groups.
    fn age_max_ms(self) -> i64 {
        match self {
            Self::People => 3_600_000,
            Self::Users => 300_000,
            Self::Devices => 120_000,
            Self::Policy => 60_000,
            Self::Groups => 600_000,
        }
    }
}

/// How far the reading of one list is.
#[derive(Clone, Debug, Default)]
struct Progress {
    /// When the reading began that is kept now, by the clock.
    read_at: Option<i64>,
    /// How long it took.
    took_ms: i64,
    /// Somebody needs a reading that began then or later.
    wanted_at: Option<i64>,
    /// When reading it failed last, and why.
    failed: Option<(i64, Failure)>,
    /// Failures in a row.
    failures: u32,
    /// Failures altogether, so that one can be told from the one before.
    failed_count: u64,
}

#[derive(Default)]
struct Listed {
    progress: Watched<Progress>,
    wanted: Notify,
}

/// The directory. Cloning shares it.
#[derive(Clone)]
pub struct Directory {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    slack: Slack,
    tailscale: Tailscale,
    clock: Clock,
    jobs: jobs::Jobs,
    /// When somebody was looked up last, by the clock.
    used_at: AtomicI64,
    /// Slack id to tailnet login, from the configuration.
    logins: Arc<BTreeMap<String, String>>,
    people: Listed,
    users: Listed,
    devices: Listed,
    policy: Listed,
    groups: Listed,
}

impl Directory {
    /// Reads nothing yet.
    pub(super) fn new(
        store: Store,
        (slack, tailscale): (Slack, Tailscale),
        logins: Arc<BTreeMap<String, String>>,
        clock: Clock,
        jobs: jobs::Jobs,
    ) -> Self {
        let (people, users, devices) = (Listed::default(), Listed::default(), Listed::default());
        let (policy, groups) = (Listed::default(), Listed::default());
        let used_at = AtomicI64::new(clock.now_ms());
        let inner =
            Inner { store, slack, tailscale, clock, jobs, used_at, logins, people, users, devices, policy, groups };
        Self { inner: Arc::new(inner) }
    }

    fn listed(&self, list: List) -> &Listed {
        match list {
            List::People => &self.inner.people,
            List::Users => &self.inner.users,
            List::Devices => &self.inner.devices,
            List::Policy => &self.inner.policy,
            List::Groups => &self.inner.groups,
        }
    }

    /// Somebody asks, decides or looks: after a quiet time the lists are read as often as ever again.
    fn note_use(&self) {
        let now = self.inner.clock.now_ms();
        let was_quiet = self.is_quiet();
        self.inner.used_at.store(now, Ordering::Relaxed);
        if was_quiet {
            List::ALL.iter().for_each(|list| self.listed(*list).wanted.notify_one());
        }
    }

    /// Whether nobody was looked up for a while.
    fn is_quiet(&self) -> bool {
        let used_at = self.inner.used_at.load(Ordering::Relaxed);
        self.inner.clock.now_ms().saturating_sub(used_at) > QUIET_AFTER_MS
    }

    /// Whether a list was ever read.
    pub fn has_read(&self, list: List) -> bool {
        self.listed(list).progress.look().read_at.is_some()
    }

    /// How old the reading of a list is that is kept; none: it was never read.
    pub(in crate::engine) fn age_ms(&self, list: List) -> Option<i64> {
        let read_at = self.listed(list).progress.look().read_at?;
        Some(self.inner.clock.now_ms().saturating_sub(read_at))
    }

    /// Returns when every list has been read once, or could not be.
    pub async fn tried(&self) {
        for list in List::ALL {
            self.listed(list).progress.until(|progress| progress.read_at.is_some() || progress.failed_count > 0).await;
        }
    }

    /// Waits for a list that was never read, unless it cannot be read now: then whoever needs it does without.
    pub(in crate::engine) async fn first_reading(&self, list: List) -> Result<(), Failure> {
        let is_coming = || {
            let progress = self.listed(list).progress.look();
            progress.read_at.is_none() && progress.failed_count == 0
        };
        match is_coming() {
            true => self.read_since(list, 0).await.or_else(|failure| if is_coming() { Err(failure) } else { Ok(()) }),
            false => Ok(()),
        }
    }

    /// Has a list read again soon: something in it was seen to be wrong.
    pub fn want(&self, list: List) {
        self.want_since(list, self.inner.clock.now_ms());
    }

    fn want_since(&self, list: List, at: i64) {
        let listed = self.listed(list);
        listed.progress.change(|progress| progress.wanted_at = progress.wanted_at.max(Some(at)));
        listed.wanted.notify_one();
    }

    /// Returns when a reading of the list that began at this time or later is kept.
    ///
    /// # Errors
    /// It could not be read, or takes longer than one waits in one go; it goes on being read.
    pub async fn read_since(&self, list: List, at: i64) -> Result<(), Failure> {
        let progress = &self.listed(list).progress;
        let before = progress.look().clone();
        if before.read_at.is_some_and(|read_at| read_at >= at) {
            return Ok(());
        }
        let now = self.inner.clock.now_ms();
        if let Some((failed_at, failure)) = before.failed.filter(|(failed_at, _)| now - failed_at < FAILED_PAUSE_MS) {
            let left = FAILED_PAUSE_MS - now.saturating_sub(failed_at).max(0);
            return Err(Failure { retry_after_ms: Some(left.max(failure.retry_after_ms.unwrap_or(0))), ..failure });
        }
        self.want_since(list, at);
        let ended = progress.until(|progress| {
            progress.failed_count != before.failed_count || progress.read_at.is_some_and(|read_at| read_at >= at)
        });
        match tokio::time::timeout(READING_WAITS, ended).await {
            Ok(progress) => match progress.failed {
                Some((_, failure)) if progress.failed_count != before.failed_count => Err(failure),
                _ => Ok(()),
            },
            Err(_) => Err(passing(&format!("{} takes long", list.called()))),
        }
    }

    async fn save(&self, work: DirectoryWork) -> Result<(), TellError> {
        let (answer, answered) = oneshot::channel();
        let stopping = || TellError::NotSaved("nightlatch is stopping".to_owned());
        let work = jobs::Work::Directory(Box::new(work));
        let job = jobs::Job { work, actor: Actor::Worker, delivery: None, done: None, answer };
        self.inner.jobs.send(job).await.map_err(|()| stopping())?;
        answered.await.map_err(|_| stopping())?.map(drop)
    }
}

fn passing(what: &str) -> Failure {
    Failure { what: what.to_owned(), advice: String::new(), retryable: true, retry_after_ms: None }
}

/// The database did not answer.
fn unread(error: &StoreError) -> Failure {
    tracing::error!(%error, "what is known of people and devices cannot be read");
    passing("my records could not be read")
}
