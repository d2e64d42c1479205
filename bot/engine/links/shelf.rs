//! Links that stand here, all in memory: following one asks nobody. The writer puts every change in after its commit.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::sync::Notify;

use super::Counted;
use crate::kernel::link::{Link, LinkId};
use crate::store::{Store, StoreError};

/// The links.
pub(in crate::engine) struct Shelf {
    inner: RwLock<Inner>,
    /// Rings at the first click after a flush.
    pub(in crate::engine) clicked: Notify,
}

#[derive(Default)]
struct Inner {
    links: HashMap<LinkId, Link>,
    clicks: HashMap<LinkId, i64>,
    /// Clicks that are in `clicks` and not in the database.
    unsaved: HashMap<LinkId, i64>,
}

impl Shelf {
    pub(super) async fn open(store: &Store) -> Result<Self, StoreError> {
        let mut inner = Inner::default();
        let clicks = store.link_clicks().await?;
        for link in store.links().await? {
            let id = link.id();
            if let Some(count) = clicks.get(id.as_str()) {
                inner.clicks.insert(id.clone(), *count);
            }
            inner.links.insert(id, link);
        }
        Ok(Self { inner: RwLock::new(inner), clicked: Notify::new() })
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn find(&self, id: &LinkId) -> Option<Link> {
        self.read().links.get(id).cloned()
    }

    pub(super) fn all(&self) -> Vec<Counted> {
        let inner = self.read();
        let clicks = |id: &LinkId| inner.clicks.get(id).copied().unwrap_or(0);
        inner.links.iter().map(|(id, link)| Counted { link: link.clone(), clicks: clicks(id) }).collect()
    }

    pub(super) fn clicks_of(&self, id: &LinkId) -> i64 {
        self.read().clicks.get(id).copied().unwrap_or(0)
    }

    /// A link was saved. Only the writer calls this, so that memory sees changes in the order of the commits.
    pub(in crate::engine) fn put(&self, link: Link) {
        self.write().links.insert(link.id(), link);
    }

    /// A link was deleted.
    pub(in crate::engine) fn remove(&self, id: &LinkId) {
        let mut inner = self.write();
        inner.links.remove(id);
        inner.clicks.remove(id);
        inner.unsaved.remove(id);
    }

    /// Somebody followed it.
    pub(super) fn click(&self, id: &LinkId) {
        let mut inner = self.write();
        *inner.clicks.entry(id.clone()).or_insert(0) += 1;
        let is_first = inner.unsaved.is_empty();
        *inner.unsaved.entry(id.clone()).or_insert(0) += 1;
        drop(inner);
        if is_first {
            self.clicked.notify_one();
        }
    }

    /// The clicks to be saved; if that fails, they come back with `keep`.
    pub(in crate::engine) fn take_unsaved(&self) -> Vec<(LinkId, i64)> {
        self.write().unsaved.drain().collect()
    }

    pub(in crate::engine) fn keep(&self, clicks: Vec<(LinkId, i64)>) {
        let mut inner = self.write();
        for (id, count) in clicks {
            *inner.unsaved.entry(id).or_insert(0) += count;
        }
    }
}
