//! Links that stand at a golink: read through it, remembered for seconds.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Counted;
use crate::clock::Clock;
use crate::kernel::link::{Link, LinkId, check_name, without_punctuation};
use crate::outside::golink::{Golink, GolinkError, Line};

/// One link is at most this old.
const ONE_MS: i64 = 2_000;
/// The list of all is at most this old.
const ALL_MS: i64 = 5_000;
/// Links remembered one by one.
const ONES_MAX: usize = 10_000;

/// A golink, and what it said last.
pub(super) struct Far {
    pub(super) golink: Golink,
    clock: Clock,
    ones: Mutex<HashMap<LinkId, (i64, Option<Link>)>>,
    all: tokio::sync::Mutex<Option<(i64, Arc<Vec<Counted>>)>>,
    /// One change at a time: golink itself cannot say "only if it is still so".
    pub(super) changing: tokio::sync::Mutex<()>,
}

impl Far {
    pub(super) fn new(golink: Golink, clock: Clock) -> Self {
        let (ones, all, changing) = (Mutex::default(), tokio::sync::Mutex::default(), tokio::sync::Mutex::default());
        Self { golink, clock, ones, all, changing }
    }

    fn ones(&self) -> MutexGuard<'_, HashMap<LinkId, (i64, Option<Link>)>> {
        self.ones.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn find(&self, short: &str) -> Result<Option<Link>, GolinkError> {
        let now = self.clock.now_ms();
        let remembered = self.ones().get(&LinkId::of(short)).filter(|(at, _)| now - at <= ONE_MS).cloned();
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
        let now = self.clock.now_ms();
        let link = self.golink.detail(short).await?.map(link);
        let mut ones = self.ones();
        if ones.len() >= ONES_MAX {
            ones.retain(|_, (at, _)| now - *at <= ONE_MS);
        }
        ones.insert(LinkId::of(short), (now, link.clone()));
        Ok(link)
    }

    /// Every link. Callers at the same time share one call.
    pub(super) async fn all(&self) -> Result<Vec<Counted>, GolinkError> {
        let mut all = self.all.lock().await;
        let now = self.clock.now_ms();
        if let Some((_, list)) = all.as_ref().filter(|(at, _)| now - at <= ALL_MS) {
            return Ok(list.as_ref().clone());
        }
        let (lines, clicks) = tokio::join!(self.golink.export(), self.golink.clicks());
        // Old golinks have no statistics; links are worth showing without.
        let clicks = clicks.unwrap_or_else(|_| BTreeMap::new());
        let counted = |link: Link| {
            let clicks = clicks.get(link.id().as_str()).copied().unwrap_or(0);
            Counted { link, clicks }
        };
        let list: Vec<Counted> = lines?.into_iter().map(link).map(counted).collect();
        *all = Some((now, Arc::new(list.clone())));
        Ok(list)
    }

    /// Something was changed: nothing remembered is right any more.
    pub(super) async fn forget(&self) {
        self.ones().clear();
        *self.all.lock().await = None;
    }
}

/// The same thing in two rooms that may not know each other.
pub(super) fn link(line: Line) -> Link {
    let (created_at, edited_at) = (line.created.as_millisecond(), line.last_edit.as_millisecond());
    Link { short: line.short, long: line.long, owner: line.owner, created_at, edited_at }
}
