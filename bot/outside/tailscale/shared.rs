//! One load shared by everybody who wants the same thing at the same time; failures are shared by those who waited for
//! them and then forgotten.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

use super::TailscaleError;

/// The last good value and how to get the next one.
#[derive(Debug)]
pub(super) struct Shared<T> {
    /// How many loads have ended. Who waited for the lock compares it to know whether a load ended meanwhile.
    ended: AtomicU64,
    state: Mutex<State<T>>,
}

#[derive(Debug)]
struct State<T> {
    value: Option<T>,
    failure: Option<TailscaleError>,
}

impl<T: Clone> Shared<T> {
    pub(super) fn new() -> Self {
        Self { ended: AtomicU64::new(0), state: Mutex::new(State { value: None, failure: None }) }
    }

    /// The kept value if `is_fresh` likes it, else what `load` brings; `load` also gets the kept value. Of many callers one
    /// loads, the others take its result, good or bad; if its caller goes away, the next one loads.
    pub(super) async fn get<F, L>(&self, is_fresh: impl Fn(&T) -> bool, load: F) -> Result<T, TailscaleError>
    where
        F: FnOnce(Option<T>) -> L,
        L: Future<Output = Result<T, TailscaleError>>,
    {
        let ended_before = self.ended.load(Ordering::Acquire);
        let mut state = self.state.lock().await;
        if let Some(value) = state.value.as_ref().filter(|value| is_fresh(value)) {
            return Ok(value.clone());
        }
        if self.ended.load(Ordering::Acquire) != ended_before
            && let Some(failure) = &state.failure
        {
            return Err(failure.clone());
        }
        let loaded = load(state.value.clone()).await;
        self.ended.fetch_add(1, Ordering::AcqRel);
        match &loaded {
            Ok(value) => *state = State { value: Some(value.clone()), failure: None },
            Err(failure) => state.failure = Some(failure.clone()),
        }
        loaded
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::error::Said;
    use super::*;

    fn failure() -> TailscaleError {
        let said = Said { call: "trying", scope: None, status: None, message: String::new(), request_id: None };
        TailscaleError::Malformed(said)
    }

    #[tokio::test]
    async fn callers_at_the_same_time_share_one_load_and_its_failure() {
        let shared = Arc::new(Shared::<u32>::new());
        let loads = Arc::new(AtomicU64::new(0));
        let call = |result: Result<u32, TailscaleError>| {
            let (shared, loads) = (shared.clone(), loads.clone());
            async move {
                shared
                    .get(
                        |_| true,
                        async |_| {
                            loads.fetch_add(1, Ordering::Relaxed);
                            tokio::task::yield_now().await;
                            result
                        },
                    )
                    .await
            }
        };
        let (first, second) = tokio::join!(call(Err(failure())), call(Err(failure())));
        assert!(first.is_err() && second.is_err());
        assert_eq!(loads.load(Ordering::Relaxed), 1, "the second took the first one's failure");
        let (first, second) = tokio::join!(call(Ok(1)), call(Ok(2)));
        assert_eq!((first, second), (Ok(1), Ok(1)), "and the failure was forgotten");
        assert_eq!(loads.load(Ordering::Relaxed), 2);
    }
}
