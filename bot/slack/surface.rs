//! What people do in Slack, handed to the engine.

use futures_util::FutureExt;

use super::answer::Answer;
use super::edge::Handler;
use super::envelope::Delivery;
use crate::engine::Engine;

/// The bot's side of the two doors.
#[derive(Clone)]
pub struct Surface {
    engine: Engine,
}

impl Surface {
    /// What the doors call for each delivery.
    pub fn handler(engine: Engine) -> Handler {
        let surface = Self { engine };
        std::sync::Arc::new(move |delivery| {
            let surface = surface.clone();
            async move { surface.handle(delivery).await }.boxed()
        })
    }

    async fn handle(&self, delivery: Delivery) -> Answer {
        tracing::info!(slack.kind = delivery.what.name(), catalog = self.engine.catalog().len(), "not answered yet");
        Answer::Nothing
    }
}
