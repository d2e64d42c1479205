//! Links that stand at a golink: read through it, remembered for seconds.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

use super::{Counted, LinkError};
use crate::clock::{Clock, Stamp};
use crate::engine::awaited::Awaited;
use crate::kernel::link::{Link, LinkId, Target, Typed, check_name, without_punctuation};
use crate::outside::golink::{Golink, GolinkError, Line, Resolved};

/// One link is at most this old.
const ONE_MS: i64 = 2_000;
/// The list of all is at most this old.
const ALL_MS: i64 = 5_000;
/// Links remembered one by one.
const ONES_MAX: usize = 10_000;
/// One link, with golink's detour to the spelling of its owner, gets this much of Slack's three seconds.
const ONE_LIMIT: Duration = Duration::from_millis(1_000);
/// Whoever asks for all waits this long; the reading goes on, and the next one who asks finds them read.
const ALL_LIMIT: Duration = Duration::from_millis(1_000);

/// Every link of a golink.
pub(super) struct All {
    read_at: Stamp,
    pub(super) links: Vec<Counted>,
    /// Why it is not known how often they were followed.
    uncounted: Option<GolinkError>,
}

impl All {
    /// # Errors
    /// It is not known how often they were followed.
    pub(super) fn counted(&self) -> Result<(), GolinkError> {
        self.uncounted.clone().map_or(Ok(()), Err)
    }
}

type Reading = Shared<BoxFuture<'static, Result<Arc<All>, GolinkError>>>;

/// What golink said last.
#[derive(Default)]
struct Said {
    ones: HashMap<LinkId, (Stamp, Option<Link>)>,
    /// Begun and perhaps finished.
    all: Option<Reading>,
    /// Counts the changes: what was asked before one is not remembered after it.
    changes: u64,
}

/// A golink, and what it said last.
pub(super) struct Far {
    pub(super) golink: Golink,
    clock: Clock,
    said: Mutex<Said>,
    /// One change at a time: golink itself cannot say "only if it is still so".
    pub(super) changing: tokio::sync::Mutex<()>,
    /// Who waits for what golink makes of a change.
    pub(super) awaited: Awaited<Result<Link, LinkError>>,
}

impl Far {
    pub(super) fn new(golink: Golink, clock: Clock) -> Self {
        Self {
            golink,
            clock,
            said: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
            awaited: Awaited::default(),
        }
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn late(&self) -> GolinkError {
        GolinkError::Late { base: self.golink.base().as_str().trim_end_matches('/').to_owned() }
    }

    pub(super) async fn find(&self, short: &str) -> Result<Option<Link>, GolinkError> {
        let is_fresh = |at: Stamp| self.clock.age_ms(at) <= ONE_MS;
        let remembered = self.said().ones.get(&LinkId::of(short)).filter(|(at, _)| is_fresh(*at)).cloned();
        match remembered {
            Some((_, link)) => Ok(link),
            None => self.find_fresh(short).await,
        }
    }

    /// Asks golink now, whatever is remembered.
    pub(super) async fn find_fresh(&self, short: &str) -> Result<Option<Link>, GolinkError> {
        // golink has no such names, and an address cannot hold all of them.
        if check_name(without_punctuation(short)).is_err() {
            return Ok(None);
        }
        let (now, changes) = (self.clock.stamp(), self.said().changes);
        let found = tokio::time::timeout(ONE_LIMIT, self.golink.detail(short)).await;
        let link = found.unwrap_or_else(|_| Err(self.late()))?.map(link);
        let mut said = self.said();
        if said.ones.len() >= ONES_MAX {
            said.ones.retain(|_, (at, _)| self.clock.age_ms(*at) <= ONE_MS);
        }
        if said.changes == changes && said.ones.len() < ONES_MAX {
            said.ones.insert(LinkId::of(short), (now, link.clone()));
        }
        Ok(link)
    }

    /// Where golink itself leads; it counts that as a click.
    pub(super) async fn lead(&self, short: &str, typed: &Typed) -> Result<Option<Target>, GolinkError> {
        let query: Vec<_> = url::form_urlencoded::parse(typed.query.as_bytes()).collect();
        let query: Vec<(&str, &str)> = query.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
        let asking = self.golink.resolve(short, &typed.path, &query);
        let resolved = tokio::time::timeout(ONE_LIMIT, asking).await.unwrap_or_else(|_| Err(self.late()));
        match resolved {
            Ok(Resolved::To(address)) => {
                let scheme = url::Url::parse(&address).map(|url| url.scheme().to_owned()).unwrap_or_default();
                Ok(Some(Target { address, scheme }))
            }
            // Golink cannot fill it in either.
            Ok(Resolved::Unknown) | Err(GolinkError::Refused { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Every link. Callers at the same time share one call.
    pub(super) async fn all(self: &Arc<Self>) -> Result<Arc<All>, GolinkError> {
        let read = tokio::time::timeout(ALL_LIMIT, self.reading()).await;
        read.unwrap_or_else(|_| Err(self.late()))
    }

    /// What is being read or was read lately; if there is none, reading begins.
    fn reading(self: &Arc<Self>) -> Reading {
        let now = self.clock.stamp();
        let mut said = self.said();
        let is_good = |reading: &Reading| match reading.peek() {
            None => true,
            Some(Ok(all)) => self.clock.age_ms(all.read_at) <= ALL_MS,
            Some(Err(_)) => false,
        };
        if let Some(reading) = said.all.as_ref().filter(|reading| is_good(reading)) {
            return reading.clone();
        }
        let far = self.clone();
        let reading = async move { far.read_all(now).await }.boxed().shared();
        said.all = Some(reading.clone());
        tokio::spawn(reading.clone());
        reading
    }

    async fn read_all(&self, read_at: Stamp) -> Result<Arc<All>, GolinkError> {
        let (lines, clicks) = tokio::join!(self.golink.export(), self.golink.clicks());
        // Links are worth showing without.
        let (clicks, uncounted) = match clicks {
            Ok(clicks) => (clicks, None),
            Err(error) => (BTreeMap::new(), Some(error)),
        };
        let counted = |link: Link| {
            let clicks = clicks.get(link.id().as_str()).copied().unwrap_or(0);
            Counted { link, clicks }
        };
        Ok(Arc::new(All { read_at, links: lines?.into_iter().map(link).map(counted).collect(), uncounted }))
    }

    /// Something was changed: nothing remembered is right any more, and what is on its way may not be.
    pub(super) fn forget(&self) {
        let mut said = self.said();
        let changes = said.changes.wrapping_add(1);
        *said = Said { changes, ..Said::default() };
    }
}

/// The same thing in two rooms that may not know each other.
pub(super) fn link(line: Line) -> Link {
    let (created_at, edited_at) = (line.created.as_millisecond(), line.last_edit.as_millisecond());
    Link { short: line.short, long: line.long, owner: line.owner, created_at, edited_at }
}
