//! The same delivery twice gets the same answer twice. That nothing is *done* twice is the database's promise; this is
//! so that nobody is told "the form could not be opened" because a repetition found the trigger used up.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

use super::answer::Answer;

/// Slack repeats within minutes.
const KEPT_MS: i64 = 600_000;
/// Above this many, the old ones are dropped.
const KEPT_MAX: usize = 2_048;

/// When it came, and the answer, maybe still being worked out.
type Given = (i64, Shared<BoxFuture<'static, Answer>>);

/// Answers lately given, or still being worked out.
#[derive(Default)]
pub(super) struct Once {
    answers: Mutex<HashMap<String, Given>>,
}

impl Once {
    /// The answer under this key; `work` is only done if there is none yet.
    pub(super) async fn answer(&self, key: &str, now: i64, work: BoxFuture<'static, Answer>) -> Answer {
        let answer = {
            let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
            if answers.len() >= KEPT_MAX {
                answers.retain(|_, (at, _)| now.saturating_sub(*at) < KEPT_MS);
            }
            if answers.len() >= KEPT_MAX {
                answers.clear();
            }
            answers.entry(key.to_owned()).or_insert_with(|| (now, work.shared())).1.clone()
        };
        answer.await
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
