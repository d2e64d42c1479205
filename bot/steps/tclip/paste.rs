//! `tclip.paste`: a paste that lives as long as the grant. Two grants with the same text share one paste.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::Keeper;
use crate::clock::Clock;
use crate::kernel::kept::{self, Kept, Raise};
use crate::kernel::paste::{Text, UNTITLED};
use crate::kernel::{Failure, Key, Proof};
use crate::steps::{Before, Holder, Step};

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

/// The text in (rendered) settings.
fn text(with: &Map<String, Value>) -> Result<Text, String> {
    let setting = |name: &str| with.get(name).and_then(Value::as_str);
    let content = setting("content").ok_or("no content")?;
    let filename = setting("filename").unwrap_or(UNTITLED);
    Text::new(filename, setting("language"), content.to_owned()).map_err(|why| why.to_string())
}

impl Step for PasteStep {
    fn uses(&self) -> &'static str {
        "tclip.paste"
    }

    /// A fingerprint: keys are logged, and texts must not be.
    fn address(&self, with: &Map<String, Value>) -> Result<String, String> {
        let text = text(with)?;
        let mut digest = Sha256::new();
        for part in [&text.filename, text.language.as_deref().unwrap_or_default(), text.content.as_str()] {
            let part: &str = part;
            digest.update(part.len().to_be_bytes());
            digest.update(part.as_bytes());
        }
        Ok(hex::encode(digest.finalize()).chars().take(32).collect())
    }

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
    ) -> BoxFuture<'a, Result<Proof, Failure>> {
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
            Ok(Proof { at: self.clock.now_ms(), found })
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
            serde_json::from_str(include_str!("../../../tests/stored/next/before of tclip.paste.json")).unwrap();
        assert_eq!(kept::to_value(&Nothing).unwrap(), examples["nothing"]);
        assert!(kept::KINDS.contains(&(Nothing::KIND, kept::shape_of::<Nothing>())));
    }
}
