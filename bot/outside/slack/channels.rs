//! Channels: the id behind a name, who is in them, and what of ours stands there already.

use std::collections::HashMap;
use std::sync::PoisonError;

use serde_json::Value;
use tokio::sync::Mutex;

use super::pace::{Limit, Method};
use super::{Posted, Slack, SlackError};
use crate::clock::Stamp;

const CONVERSATIONS_LIST: Method = Method::new("conversations.list", Limit::Tier2);
const HISTORY: Method = Method::new("conversations.history", Limit::Tier3);

/// Pages of channels that are read, a thousand each.
const PAGES_MAX: usize = 30;
/// A name leads to the same channel for this long; a renamed one is found again after it.
const NAMES_KEPT_MS: i64 = 600_000;
/// A name that was not there is not looked for again before.
const LOOK_AGAIN_MS: i64 = 30_000;
/// Of one reading of a channel; Slack recommends no more than 200.
const MESSAGES_MAX: usize = 200;

/// More channels than this are not remembered.
const SHARED_MAX: usize = 1_024;

/// What was read about channels lately, and when that was.
#[derive(Default)]
pub(super) struct Channels {
    /// Ids by name.
    names: Mutex<Option<(Stamp, HashMap<String, String>)>>,
    /// Whether people of another company are in them, by id.
    shared: std::sync::Mutex<HashMap<String, (Stamp, bool)>>,
}

/// One of the newest messages of a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnMessage {
    /// Where it is.
    pub at: Posted,
    /// As Slack keeps them.
    pub blocks: Value,
}

impl Slack {
    /// The id of a channel that is named `#like-this`; an id is returned as it is. `None`: there is no such channel that we
    /// can see (a private one without the bot, an archived one).
    ///
    /// # Errors
    /// As every call. Needs `channels:read` and `groups:read`.
    pub async fn channel_id(&self, name: &str) -> Result<Option<String>, SlackError> {
        let Some(name) = name.strip_prefix('#') else { return Ok(Some(name.to_owned())) };
        let now = self.inner.clock.stamp();
        let mut known = self.inner.channels.names.lock().await;
        if let Some((read_at, names)) = known.as_ref() {
            let kept_ms = if names.contains_key(name) { NAMES_KEPT_MS } else { LOOK_AGAIN_MS };
            if self.inner.clock.age_ms(*read_at) < kept_ms {
                return Ok(names.get(name).cloned());
            }
        }
        let names = self.channel_names().await?;
        let found = names.get(name).cloned();
        *known = Some((now, names));
        Ok(found)
    }

    /// Whether people of another company are in a channel, as Slack said at most `max_age_ms` ago: a channel can start to be
    /// shared at any time.
    ///
    /// # Errors
    /// As every call. Needs `channels:read`, or `groups:read` for private channels.
    pub async fn has_outsiders(&self, channel: &str, max_age_ms: i64) -> Result<bool, SlackError> {
        if channel.starts_with('D') {
            return Ok(false);
        }
        let now = self.inner.clock.stamp();
        let shared = || self.inner.channels.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let is_fresh = |(read_at, _): &&(Stamp, bool)| self.inner.clock.age_ms(*read_at) < max_age_ms;
        if let Some((_, is_shared)) = shared().get(channel).filter(is_fresh) {
            return Ok(*is_shared);
        }
        let found = self.conversations_info(channel).await?;
        let mut shared = shared();
        if shared.len() >= SHARED_MAX {
            shared.clear();
        }
        shared.insert(channel.to_owned(), (now, found.is_shared_outside));
        Ok(found.is_shared_outside)
    }

    async fn channel_names(&self) -> Result<HashMap<String, String>, SlackError> {
        let mut found = HashMap::new();
        for team_id in self.team_arguments() {
            let mut cursor = None;
            for _ in 0..PAGES_MAX {
                let query = vec![
                    ("types", Some("public_channel,private_channel".to_owned())),
                    ("exclude_archived", Some("true".to_owned())),
                    ("limit", Some("1000".to_owned())),
                    ("team_id", team_id.clone()),
                    ("cursor", cursor),
                ];
                let answer = self.read(CONVERSATIONS_LIST, query).await?;
                let channels = answer.get("channels").and_then(Value::as_array);
                for channel in channels.ok_or_else(|| CONVERSATIONS_LIST.malformed("no channels"))? {
                    let text = |name: &str| channel.get(name).and_then(Value::as_str).map(str::to_owned);
                    if let (Some(id), Some(name)) = (text("id"), text("name")) {
                        found.entry(name).or_insert(id);
                    }
                }
                let next = answer.pointer("/response_metadata/next_cursor").and_then(Value::as_str).unwrap_or_default();
                if next.is_empty() {
                    break;
                }
                cursor = Some(next.to_owned());
            }
        }
        Ok(found)
    }

    /// Our own messages among the newest in a channel, none older than `since_ms`, the newest first.
    ///
    /// # Errors
    /// As every call; `missing_scope` (`channels:history`, `groups:history`) and `not_in_channel` are to be expected.
    pub async fn own_messages(&self, channel: &str, since_ms: i64) -> Result<Vec<OwnMessage>, SlackError> {
        let query = vec![
            ("channel", Some(channel.to_owned())),
            ("oldest", Some(format!("{}.{:03}000", since_ms / 1_000, since_ms.rem_euclid(1_000)))),
            ("limit", Some(MESSAGES_MAX.to_string())),
        ];
        let answer = self.read(HISTORY, query).await?;
        let messages = answer.get("messages").and_then(Value::as_array);
        let messages = messages.ok_or_else(|| HISTORY.malformed("no messages"))?;
        let own = self.own_team();
        let is_own = |message: &Value| {
            let text = |name: &str| message.get(name).and_then(Value::as_str);
            own.as_ref().is_some_and(|own| {
                text("user") == Some(&own.bot_user_id)
                    || (own.bot_id.is_some() && text("bot_id") == own.bot_id.as_deref())
            })
        };
        let read = |message: &Value| {
            let ts = message.get("ts").and_then(Value::as_str)?.to_owned();
            let blocks = message.get("blocks").cloned().unwrap_or_default();
            Some(OwnMessage { at: Posted { channel: channel.to_owned(), ts }, blocks })
        };
        Ok(messages.iter().filter(|message| is_own(message)).filter_map(read).collect())
    }
}
