//! Channels that people of other companies are in: what is decided there does not count.

use std::time::Duration;

use crate::outside::slack::Slack;

/// A channel can start to be shared at any time.
const KEPT_MS: i64 = 60_000;
/// Part of the three seconds a press has.
const LIMIT: Duration = Duration::from_millis(1_800);

/// Whether people of another company are in it, as known a minute ago at most. When Slack does not say, no: who pressed is
/// read afresh before anything counts, and that refuses outsiders wherever they are.
pub(super) async fn has_outsiders(slack: &Slack, channel: &str) -> bool {
    let asked = tokio::time::timeout(LIMIT, slack.has_outsiders(channel, KEPT_MS)).await;
    matches!(asked, Ok(Ok(true)))
}
