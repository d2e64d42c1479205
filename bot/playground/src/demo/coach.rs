//! The guided first minute: which steps are behind us, told by how the worlds are and not by what was clicked.

use serde_json::{Value, json};

use super::Worlds;
use super::state::lent;
use crate::tailnet::{Call, Endpoint};

/// What has been seen so far. Once seen stays seen: the story moves on when things end.
#[derive(Debug, Default)]
pub(super) struct Coach {
    asked: bool,
    approved: bool,
    opened: bool,
    reached_the_end: bool,
    verified: bool,
    linked: bool,
    /// Somebody broke something.
    pub was_broken: bool,
    /// When what was lent last expires, in ms since the epoch.
    expires_at: Option<i64>,
}

impl Coach {
    /// Looks at the worlds. `calls` are the tailnet's, oldest first.
    pub fn look(&mut self, worlds: &Worlds, calls: &[Call]) {
        let slack = &worlds.slack;
        let bot = slack.app().bot_user;
        let mut cards = slack.messages("#access").into_iter().filter(|message| message.user == bot);
        self.asked |= cards.any(|card| card.only_for.is_none());
        self.approved |= calls.iter().any(|call| call.endpoint == Some(Endpoint::SetAttribute));
        let now = lent(worlds).max_by_key(|(_, _, expires_at)| *expires_at);
        if let Some((device, _, expires_at)) = &now {
            self.expires_at = *expires_at;
            self.opened |= worlds.tailnet.rules_open_for(device).iter().any(|rule| rule.contains("posture"));
        }
        let is_over = self.expires_at.is_some_and(|at_ms| at_ms <= worlds.clock.now_ms());
        self.reached_the_end |= self.opened && (is_over || now.is_none());
        // It is gone, and the bot has looked: it was read after it was deleted, or after Tailscale itself let it expire.
        let deleted = calls.iter().rposition(|call| call.endpoint == Some(Endpoint::DeleteAttribute));
        let read_back = calls.iter().enumerate().any(|(at, call)| {
            let is_late = deleted.is_some_and(|deleted| deleted < at)
                || self.expires_at.is_some_and(|expires_at| expires_at <= call.at_ms);
            is_late && call.endpoint == Some(Endpoint::Attributes) && call.status == Some(200)
        });
        self.linked = self.linked || slack.everything_said().contains("/go/");
        self.verified |= self.reached_the_end && now.is_none() && read_back;
    }

    /// The steps in order, and whether each is behind us. `is_well`: nothing is broken at the moment.
    pub fn steps(&self, is_well: bool) -> Value {
        json!([
            { "id": "ask", "done": self.asked },
            { "id": "approve", "done": self.approved },
            { "id": "open", "done": self.opened },
            { "id": "wait", "done": self.reached_the_end },
            { "id": "gone", "done": self.verified },
            { "id": "links", "done": self.linked },
            { "id": "break", "done": self.was_broken && is_well, "begun": self.was_broken },
        ])
    }
}
