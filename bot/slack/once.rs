//! The same delivery twice gets the same answer twice. That nothing is *done* twice is the database's promise; this is
//! so that nobody is told "the form could not be opened" because a repetition found the trigger used up.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, WeakShared};

use super::answer::Answer;

/// Slack repeats within minutes.
const KEPT_MS: i64 = 600_000;
/// Above this many, the old ones are dropped.
const KEPT_MAX: usize = 2_048;

/// An answer.
enum Given {
    /// Being worked out, by those who wait for it: what nobody waits for keeps nothing else alive.
    Soon(WeakShared<BoxFuture<'static, Answer>>),
    /// Given.
    Now(Answer),
}

/// Answers lately given, or still being worked out.
#[derive(Default)]
pub(super) struct Once {
    /// With when each came.
    answers: Mutex<HashMap<String, (i64, Given)>>,
}

impl Once {
    /// The answer under this key; `work` is only done if there is none yet.
    pub(super) async fn answer(&self, key: &str, now: i64, work: BoxFuture<'static, Answer>) -> Answer {
        let working = {
            let mut answers = self.answers();
            if answers.len() >= KEPT_MAX {
                answers.retain(|_, (at, _)| now.saturating_sub(*at) < KEPT_MS);
            }
            if answers.len() >= KEPT_MAX {
                answers.clear();
            }
            let before = match answers.get(key) {
                Some((_, Given::Now(answer))) => return answer.clone(),
                Some((_, Given::Soon(working))) => working.upgrade(),
                None => None,
            };
            let working = before.unwrap_or_else(|| work.shared());
            if let Some(soon) = working.downgrade() {
                answers.insert(key.to_owned(), (now, Given::Soon(soon)));
            }
            working
        };
        let answer = working.await;
        self.answers().insert(key.to_owned(), (now, Given::Now(answer.clone())));
        answer
    }

    fn answers(&self) -> MutexGuard<'_, HashMap<String, (i64, Given)>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_repeated_delivery_gets_the_first_answer_and_no_second_go() {
        let (once, count) = (Once::default(), Arc::new(AtomicU32::new(0)));
        let work = || {
            let count = count.clone();
            async move { Answer::ephemeral(count.fetch_add(1, Ordering::SeqCst).to_string()) }.boxed()
        };
        let (first, second) = tokio::join!(once.answer("a", 0, work()), once.answer("a", 1, work()));
        assert_eq!((first.clone(), second), (first, Answer::ephemeral("0")));
        assert_eq!(once.answer("b", 2, work()).await, Answer::ephemeral("1"));
    }
}
