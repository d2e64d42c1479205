//! What stands in messages beside their text: files and the rest of a thread.

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use secrecy::ExposeSecret;
use serde_json::Value;
use url::{Host, Url};

use super::pace::{Limit, Method};
use super::{Slack, SlackError};

const REPLIES: Method = Method::new("conversations.replies", Limit::Tier3);
/// Not a method: a GET with the token at the file's own address.
const DOWNLOAD: Method = Method::new("url_private", Limit::Unpaced);
/// Messages of one thread that are read, in one call. Slack gives at most 1,000.
pub const REPLIES_MAX: usize = 200;

/// Part of a thread, from its first message on.
#[derive(Clone, Debug, PartialEq)]
pub struct Replies {
    /// As Slack describes them, at most `REPLIES_MAX`.
    pub messages: Vec<Value>,
    /// There are more.
    pub is_cut: bool,
}

impl Slack {
    /// The messages of the thread that begins with `ts`. Needs `channels:history` (or `groups:history`, ...) and that the
    /// bot is in the channel.
    ///
    /// # Errors
    /// As every call; `missing_scope` and `not_in_channel` are to be expected.
    pub async fn replies(&self, channel: &str, ts: &str) -> Result<Replies, SlackError> {
        let query = vec![
            ("channel", Some(channel.to_owned())),
            ("ts", Some(ts.to_owned())),
            ("limit", Some(REPLIES_MAX.to_string())),
        ];
        let answer = self.read(REPLIES, query).await?;
        let messages = answer.get("messages").and_then(Value::as_array).cloned();
        let messages = messages.ok_or_else(|| REPLIES.malformed("no messages"))?;
        let is_cut = answer.get("has_more") == Some(&Value::Bool(true));
        Ok(Replies { messages, is_cut })
    }

    /// A file of the workspace, from its `url_private`, at most `limit_bytes`. Needs `files:read`.
    ///
    /// The address comes with a message: the token is sent to Slack's own host for files and nowhere else. `size_bytes` is
    /// what the message says of it.
    ///
    /// # Errors
    /// Another host, too large (code `too_large`), or Slack does not give it.
    pub async fn download(&self, address: &str, size_bytes: u64, limit_bytes: usize) -> Result<Vec<u8>, SlackError> {
        let url = Url::parse(address).map_err(|_| DOWNLOAD.malformed("not an address"))?;
        if !self.inner.responder.allows_token(&url) {
            return Err(DOWNLOAD.malformed("not an address of Slack's files"));
        }
        let token = format!("Bearer {}", self.inner.wire.bot_token().expose_secret());
        let mut authorization = HeaderValue::from_str(&token).map_err(|_| DOWNLOAD.malformed("an unusable token"))?;
        authorization.set_sensitive(true);
        let client = self.inner.responder.client();
        let request = client.request(reqwest::Method::GET, url).header(AUTHORIZATION, authorization);
        let sent = client.send(request).await;
        let mut answer = sent.map_err(|error| {
            let detail = if error.is_timeout() { "no answer in time" } else { "the connection failed" };
            DOWNLOAD.unavailable(detail, false)
        })?;
        let status = answer.status();
        if status.is_server_error() {
            return Err(DOWNLOAD.unavailable(&format!("http status {}", status.as_u16()), false));
        }
        // Without the right to read files Slack sends its sign-in page, or sends us there. A file can be a page, too, but
        // then it has the size it should have.
        let is_page = answer.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        let is_page = is_page && answer.content_length() != Some(size_bytes);
        if status.is_redirection() || is_page || status == reqwest::StatusCode::FORBIDDEN {
            return Err(refused("missing_scope", Some("files:read")));
        }
        if !status.is_success() {
            return Err(refused("file_not_found", None));
        }
        let mut body = Vec::new();
        loop {
            match answer.chunk().await {
                Ok(Some(piece)) if body.len().saturating_add(piece.len()) > limit_bytes => {
                    return Err(refused("too_large", None));
                }
                Ok(Some(piece)) => body.extend_from_slice(&piece),
                Ok(None) => return Ok(body),
                Err(_) => return Err(DOWNLOAD.unavailable("the connection broke", false)),
            }
        }
    }
}

fn refused(code: &str, needed: Option<&str>) -> SlackError {
    SlackError::Api {
        method: DOWNLOAD.name,
        code: code.to_owned(),
        needed: needed.map(str::to_owned),
        messages: Vec::new(),
    }
}

/// Slack's own host for files. Others of Slack's hosts serve what people made, too.
pub(super) fn is_slack_files(url: &Url) -> bool {
    url.scheme() == "https"
        && url.port().is_none()
        && matches!(url.host(), Some(Host::Domain("files.slack.com" | "files.slack-gov.com")))
}
