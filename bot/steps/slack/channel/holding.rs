//! Holding a place in a channel: what was so before is remembered, and what Slack says is read back.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Clock;
use crate::kernel::kept::{Kept, Raise};
use crate::kernel::{Failure, Key};
use crate::outside::slack::Slack;
use crate::steps::memory::{put_down, read_back};
use crate::steps::slack::{Membership, Place};
use crate::steps::{Before, Holder, Settled, Step};

/// The step type.
pub struct ChannelStep(Membership);

/// What was so before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Was {
    /// They were in it.
    member: bool,
}

impl Kept for Was {
    const KIND: &'static str = "before of slack.channel";
    const RAISES: &'static [Raise] = &[];
}

impl ChannelStep {
    /// The step type over this workspace.
    pub fn new(slack: Slack, clock: Clock) -> Self {
        Self(Membership::new(slack, clock, Place::Channel))
    }
}

impl Step for ChannelStep {
    fn observe<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Value, Failure>> {
        async move {
            let was = Was { member: self.0.was_member(key).await? };
            put_down(&was)
        }
        .boxed()
    }

    fn settle<'a>(
        &'a self,
        key: &'a Key,
        holders: &'a [Holder],
        before: &'a Before,
    ) -> BoxFuture<'a, Result<Settled, Failure>> {
        async move {
            let was = stored(&before.found)?;
            self.0.settle(key, holders, before, was.member).await.map(Settled::from)
        }
        .boxed()
    }
}

fn stored(found: &Value) -> Result<Was, Failure> {
    read_back(found, || Was { member: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::kept::{self, KINDS};

    #[test]
    fn what_was_there_is_written_as_the_examples_say() {
        let text = include_str!("../../../../tests/stored/next/before of slack.channel.json");
        let examples: serde_json::Map<String, Value> = serde_json::from_str(text).unwrap();
        for (name, member) in [("a member", true), ("no member", false)] {
            assert_eq!(kept::to_value(&Was { member }).unwrap(), examples[name]);
            assert_eq!(stored(&examples[name]).unwrap(), Was { member });
        }
        assert!(KINDS.contains(&(Was::KIND, kept::shape_of::<Was>())));
    }
}
