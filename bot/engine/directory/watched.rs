//! A value that others wait for: whoever waited first goes on first, so that a simulated run is the same every time.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// A value that changes, and whoever waits until it is so and so. Tokio's watch channel wakes its waiters in a random order.
#[derive(Default)]
pub(super) struct Watched<T> {
    value: Mutex<T>,
    changed: Notify,
}

impl<T: Clone> Watched<T> {
    /// The value as it is; nobody can change it meanwhile, so it is not kept over an await.
    pub(super) fn look(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn change(&self, how: impl FnOnce(&mut T)) {
        how(&mut self.look());
        self.changed.notify_waiters();
    }

    /// Waits until it is so, and returns what it is then.
    pub(super) async fn until(&self, is_so: impl Fn(&T) -> bool) -> T {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // Whatever changes from here on is heard of, also before we wait.
            changed.as_mut().enable();
            let value = self.look().clone();
            if is_so(&value) {
                return value;
            }
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn whoever_waited_first_goes_on_first() {
        let (watched, woken) = (Arc::new(Watched::<u32>::default()), Arc::new(Mutex::new(Vec::new())));
        let mut waiters = tokio::task::JoinSet::new();
        for number in 0..40 {
            let (watched, woken) = (watched.clone(), woken.clone());
            waiters.spawn(async move {
                assert_eq!(watched.until(|value| *value > 1).await, 2);
                woken.lock().unwrap().push(number);
            });
            tokio::task::yield_now().await;
        }
        watched.change(|value| *value = 1);
        tokio::task::yield_now().await;
        assert!(woken.lock().unwrap().is_empty(), "it is not so yet");
        watched.change(|value| *value = 2);
        waiters.join_all().await;
        assert_eq!(*woken.lock().unwrap(), (0..40).collect::<Vec<_>>());
        assert_eq!(watched.until(|value| *value == 2).await, 2, "already so");
    }
}
