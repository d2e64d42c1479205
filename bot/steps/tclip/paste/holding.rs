//! Holding a paste: what is done with it is its keeper's business.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::Value;

use super::text;
use crate::clock::Clock;
use crate::kernel::kept::{self, Kept, Raise};
use crate::kernel::{Failure, Key, Proof};
use crate::steps::tclip::Keeper;
use crate::steps::{Before, Holder, Settled, Step};

/// The step type.
pub struct PasteStep {
    keeper: Arc<dyn Keeper>,
    clock: Clock,
}

/// What was there before: never anything.
#[derive(Serialize)]
struct Nothing;

impl Kept for Nothing {
    const KIND: &'static str = "before of tclip.paste";
    const RAISES: &'static [Raise] = &[];
}

impl PasteStep {
    /// The step type over what keeps pastes.
    pub fn new(keeper: Arc<dyn Keeper>, clock: Clock) -> Self {
        Self { keeper, clock }
    }
}

impl Step for PasteStep {
    /// Nothing can have been there before: the paste is ours alone.
    fn observe<'a>(&'a self, _: &'a Key) -> BoxFuture<'a, Result<Value, Failure>> {
        async {
            let nothing = kept::to_value(&Nothing);
            nothing.map_err(|error| Failure {
                what: error.to_string(),
                advice: String::new(),
                retryable: false,
                retry_after_ms: None,
            })
        }
        .boxed()
    }

    fn settle<'a>(
        &'a self,
        key: &'a Key,
        holders: &'a [Holder],
        _: &'a Before,
    ) -> BoxFuture<'a, Result<Settled, Failure>> {
        async move {
            let found = match holders.first() {
                None => self.keeper.let_go(key).await?,
                Some(holder) => {
                    let text = text(&holder.with).map_err(|what| Failure {
                        what: format!("the text cannot be pasted: {what}"),
                        advice: "correct the step's settings and ask again".to_owned(),
                        retryable: false,
                        retry_after_ms: None,
                    })?;
                    self.keeper.keep(key, text, holders).await?
                }
            };
            Ok(Proof { at: self.clock.now_ms(), found }.into())
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_nothing_was_there_is_written_as_the_examples_say() {
        let examples: Value =
            serde_json::from_str(include_str!("../../../../tests/stored/next/before of tclip.paste.json")).unwrap();
        assert_eq!(kept::to_value(&Nothing).unwrap(), examples["nothing"]);
        assert!(kept::KINDS.contains(&(Nothing::KIND, kept::shape_of::<Nothing>())));
    }
}
