//! Who waits for the answer of what was saved to be done at a golink or a tclip. Per process: after a restart nobody waits any more, and
//! what comes of it is told otherwise.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// Those who wait, by the name of what they wait for.
pub(super) struct Awaited<T> {
    entries: Mutex<HashMap<String, Entry<T>>>,
}

struct Entry<T> {
    waiting: Vec<oneshot::Sender<T>>,
    /// It was tried in this process.
    is_begun: bool,
}

impl<T> Default for Awaited<T> {
    fn default() -> Self {
        Self { entries: Mutex::default() }
    }
}

impl<T: Clone> Awaited<T> {
    fn entries(&self) -> MutexGuard<'_, HashMap<String, Entry<T>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody is going to have this saved, and waits for what comes of it.
    pub(super) fn wait(&self, name: &str) -> oneshot::Receiver<T> {
        let (sender, receiver) = oneshot::channel();
        let mut entries = self.entries();
        let entry = entries.entry(name.to_owned()).or_insert(Entry { waiting: Vec::new(), is_begun: false });
        entry.waiting.push(sender);
        receiver
    }

    /// It is tried now. True if nothing can have been done yet: it was saved by this process, and is tried for the first time.
    pub(super) fn begin(&self, name: &str) -> bool {
        self.entries().get_mut(name).is_some_and(|entry| !std::mem::replace(&mut entry.is_begun, true))
    }

    /// Whether anybody would hear what is told.
    pub(super) fn is_awaited(&self, name: &str) -> bool {
        self.entries().get(name).is_some_and(|entry| entry.waiting.iter().any(|sender| !sender.is_closed()))
    }

    /// What came of it. Whoever stopped waiting hears nothing.
    pub(super) fn tell(&self, name: &str, what: &T) {
        let entry = self.entries().remove(name);
        for sender in entry.into_iter().flat_map(|entry| entry.waiting) {
            drop(sender.send(what.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_first_try_of_what_somebody_waits_for_can_have_done_nothing_yet() {
        let (awaited, subject) = (Awaited::<u8>::default(), "a paste");
        assert!(!awaited.begin(subject), "saved by a process that is gone");
        let (one, two) = (awaited.wait(subject), awaited.wait(subject));
        assert!(awaited.begin(subject) && !awaited.begin(subject));
        assert!(awaited.is_awaited(subject));
        drop(two);
        awaited.tell(subject, &7);
        assert_eq!(one.await, Ok(7));
        assert!(!awaited.is_awaited(subject) && !awaited.begin(subject));
    }

    #[tokio::test]
    async fn who_gave_up_waiting_is_nobody() {
        let (awaited, subject) = (Awaited::<u8>::default(), "a paste");
        drop(awaited.wait(subject));
        assert!(!awaited.is_awaited(subject));
    }
}
