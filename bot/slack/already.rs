//! What somebody is told who asked for what they hold, or have asked for, already.

use crate::engine::Engine;
use crate::kernel::RequestId;
use crate::notices::Said;

/// With a link to the card and what can be done; nothing if the request cannot be read.
pub(super) async fn already(engine: &Engine, id: &RequestId) -> Option<Said> {
    let request = engine.request(id).await.ok().flatten()?;
    let link = request.thread().and_then(|card| engine.slack().own_team()?.link_to(&card.channel, &card.ts));
    Some(engine.notices().already(&request, link.as_deref(), engine.clock().now_ms()))
}
