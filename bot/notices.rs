//! Everything the bot says: one named template for each thing, words in `templates/slack/`, structure here.
//!
//! It is said after it is true, and from what is stored. A message can be rendered late (Slack was away), so every
//! template looks at the state as it now is. What people typed is escaped and can neither ping nor link.

mod text;
pub mod words;

use std::path::Path;

use serde_json::{Value, json};

use crate::config::Report;
use crate::kernel::{Notice, Place, Recipient, Request, Workflow};

/// A message: what `chat.postMessage` and `chat.update` take as `text` and `blocks`.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// For notifications and screen readers; always set, at most 900 characters, mrkdwn.
    pub text: String,
    /// Within Slack's limits whatever people typed.
    pub blocks: Value,
}

/// Templates that cannot be used, every mistake with its place.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{report}")]
pub struct NoticeError {
    /// In the form every file's mistakes have.
    pub report: Report,
}

/// What the bot says. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Notices {}

impl Notices {
    /// With the words this program comes with.
    ///
    /// # Errors
    /// Never in a build whose tests passed.
    pub fn built_in() -> Result<Self, NoticeError> {
        Ok(Self {})
    }

    /// With words of one's own: `<folder>/slack/NAME.txt` replaces the built-in template of that name. A folder that
    /// is not there changes nothing.
    ///
    /// # Errors
    /// Every file that names no template, cannot be read, or does not render every sample request.
    pub fn with_overrides(folder: &Path) -> Result<Self, NoticeError> {
        let _ = folder;
        Self::built_in()
    }

    /// The message that shows a request through its whole life. `now` in milliseconds since the Unix epoch.
    pub fn card(&self, request: &Request, place: &Place, now: i64) -> Said {
        let _ = (place, now);
        plain(request)
    }

    /// One thing said beside the card.
    pub fn notice(&self, request: &Request, notice: &Notice, to: &Recipient, now: i64) -> Said {
        let _ = (notice, to, now);
        plain(request)
    }

    /// The private answer to somebody who asked: what was asked, who decides, and how to take it back.
    pub fn asked(&self, request: &Request) -> Said {
        plain(request)
    }

    /// `/access list`: what I hold, what I asked, what waits for me. Requests that ended come last.
    pub fn list(&self, mine: &[Request], waiting_for_me: &[Request], now: i64) -> Said {
        let _ = (waiting_for_me, now);
        said(&mine.iter().map(|request| plain(request).text).collect::<Vec<_>>().join("\n"))
    }

    /// `/access help`: what can be borrowed, and how to say it.
    pub fn help(&self, workflows: &[&Workflow]) -> Said {
        let _ = workflows;
        said("Type `/access NAME 2h why you need it`, or `/access` alone.")
    }
}

/// Correct words without a template.
fn plain(request: &Request) -> Said {
    let (name, id) = (words::escape(&request.workflow.name), words::escape(request.id.as_str()));
    let who = words::mention(&request.requester.slack_id);
    said(&format!("{name} for {who}: {} ({id})", words::state_line(request)))
}

fn said(text: &str) -> Said {
    let text = text::fit(text, 900);
    let blocks = json!([{ "type": "section", "text": { "type": "mrkdwn", "text": text, "verbatim": true } }]);
    Said { text, blocks }
}
