//! Who is in a channel: read, let in, taken out.

use serde_json::{Value, json};

use super::pace::{Limit, Method};
use super::{Slack, SlackError};

const MEMBERS: Method = Method::new("conversations.members", Limit::Tier4);
const INVITE: Method = Method::new("conversations.invite", Limit::Tier3);
const KICK: Method = Method::new("conversations.kick", Limit::Tier3);

/// Pages of members that are read, a thousand each.
const PAGES_MAX: usize = 30;

impl Slack {
    /// The ids of everybody in a channel.
    ///
    /// # Errors
    /// As every call. Needs `channels:read`, or `groups:read` for private channels.
    pub async fn channel_members(&self, channel: &str) -> Result<Vec<String>, SlackError> {
        let (mut found, mut cursor) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let query =
                vec![("channel", Some(channel.to_owned())), ("limit", Some("1000".to_owned())), ("cursor", cursor)];
            let answer = self.read(MEMBERS, query).await?;
            let members = answer.get("members").and_then(Value::as_array);
            let members = members.ok_or_else(|| MEMBERS.malformed("no members"))?;
            found.extend(members.iter().filter_map(Value::as_str).map(str::to_owned));
            let next = answer.pointer("/response_metadata/next_cursor").and_then(Value::as_str).unwrap_or_default();
            if next.is_empty() {
                break;
            }
            cursor = Some(next.to_owned());
        }
        Ok(found)
    }

    /// Lets somebody into a channel. Being there already is success.
    ///
    /// # Errors
    /// As every call. Needs `channels:manage`, or `groups:write` for private channels, and the app in the channel.
    pub async fn invite(&self, channel: &str, user: &str) -> Result<(), SlackError> {
        let done = self.write(INVITE, "", json!({ "channel": channel, "users": user })).await.map(drop);
        unless(done, "already_in_channel")
    }

    /// Takes somebody out of a channel. Not being there is success.
    ///
    /// # Errors
    /// As every call; scopes as for `invite`.
    pub async fn kick(&self, channel: &str, user: &str) -> Result<(), SlackError> {
        unless(self.write(KICK, "", json!({ "channel": channel, "user": user })).await.map(drop), "not_in_channel")
    }
}

fn unless(done: Result<(), SlackError>, code: &str) -> Result<(), SlackError> {
    match done {
        Err(error) if error.code() == Some(code) => Ok(()),
        done => done,
    }
}
