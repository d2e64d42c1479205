//! What we say in Slack: messages, direct messages, modals and the home tab.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::call::{Arguments, Token};
use super::pace::{Limit, Method};
use super::{Slack, SlackError};

const POST_MESSAGE: Method = Method::new("chat.postMessage", Limit::PerChannel);
const UPDATE: Method = Method::new("chat.update", Limit::Updates);
const POST_EPHEMERAL: Method = Method::new("chat.postEphemeral", Limit::Tier4);
const VIEWS_OPEN: Method = Method::new("views.open", Limit::Tier4);
const VIEWS_PUSH: Method = Method::new("views.push", Limit::Tier4);
const VIEWS_UPDATE: Method = Method::new("views.update", Limit::Tier4);
const VIEWS_PUBLISH: Method = Method::new("views.publish", Limit::Tier4);
// Slack's own clients count this as tier 1, its method data as tier 3; the socket's backoff is slower than both.
const CONNECTIONS_OPEN: Method = Method::new("apps.connections.open", Limit::Unpaced);

/// A message to be posted. Links are never unfurled: Slack would fetch them, and could use up a one-time link.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Post {
    /// `C...`, `G...`, `D...`, or `U...` for a direct message.
    pub channel: String,
    /// What notifications and screen readers say; always set, never a secret, at most 4,000 characters.
    pub text: String,
    /// At most 50 blocks; `None` shows the text alone.
    pub blocks: Option<Value>,
    /// The `ts` of the message whose thread this belongs to.
    pub thread_ts: Option<String>,
    /// Also show a thread's message in the channel.
    pub reply_broadcast: bool,
}

/// Where a message is: what `chat.update` wants. A message posted to `U...` is in a `D...` channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// The channel it really went to.
    pub channel: String,
    /// Its id in that channel; a text, never a number.
    pub ts: String,
}

/// An open modal or a published home tab, as Slack knows it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewHandle {
    /// `V...`
    pub id: String,
    /// Pass it to the next update to notice that someone else updated in between (`hash_conflict`).
    pub hash: Option<String>,
}

impl Slack {
    /// Posts a message. After a timeout it may exist: look at `may_have_happened` before repeating.
    pub async fn post_message(&self, post: &Post) -> Result<Posted, SlackError> {
        let mut body = json!({
            "channel": post.channel,
            "text": post.text,
            "unfurl_links": false,
            "unfurl_media": false,
        });
        insert(&mut body, "blocks", post.blocks.clone());
        insert(&mut body, "thread_ts", post.thread_ts.clone().map(Value::String));
        insert(&mut body, "reply_broadcast", post.reply_broadcast.then_some(Value::Bool(true)));
        let answer = self.write(POST_MESSAGE, &post.channel, body).await?;
        let channel = text(&answer, "/channel").unwrap_or_else(|| post.channel.clone());
        let ts = text(&answer, "/ts").ok_or_else(|| POST_MESSAGE.malformed("no ts"))?;
        Ok(Posted { channel, ts })
    }

    /// Replaces one of our own messages. Blocks that are not sent are removed.
    pub async fn update_message(&self, at: &Posted, text: &str, blocks: Option<&Value>) -> Result<(), SlackError> {
        let mut body = json!({ "channel": at.channel, "ts": at.ts, "text": text });
        insert(&mut body, "blocks", Some(blocks.cloned().unwrap_or_else(|| json!([]))));
        self.write(UPDATE, "", body).await.map(drop)
    }

    /// A line only `user` sees, only if they are in the channel and looking; gone on reload, never to be updated.
    pub async fn post_ephemeral(
        &self,
        channel: &str,
        user: &str,
        text: &str,
        blocks: Option<&Value>,
        thread_ts: Option<&str>,
    ) -> Result<(), SlackError> {
        let mut body = json!({ "channel": channel, "user": user, "text": text });
        insert(&mut body, "blocks", blocks.cloned());
        insert(&mut body, "thread_ts", thread_ts.map(|ts| Value::String(ts.to_owned())));
        self.write(POST_EPHEMERAL, "", body).await.map(drop)
    }

    /// Opens a modal; the trigger lives 3 seconds and works once.
    pub async fn views_open(&self, trigger_id: &SecretString, view: &Value) -> Result<ViewHandle, SlackError> {
        self.view(VIEWS_OPEN, json!({ "trigger_id": trigger_id.expose_secret(), "view": view })).await
    }

    /// Puts a modal on top of the open one (three at most).
    pub async fn views_push(&self, trigger_id: &SecretString, view: &Value) -> Result<ViewHandle, SlackError> {
        self.view(VIEWS_PUSH, json!({ "trigger_id": trigger_id.expose_secret(), "view": view })).await
    }

    /// Redraws an open modal. With a `hash` that is not the newest Slack answers `hash_conflict`.
    pub async fn views_update(
        &self,
        view_id: &str,
        hash: Option<&str>,
        view: &Value,
    ) -> Result<ViewHandle, SlackError> {
        let mut body = json!({ "view_id": view_id, "view": view });
        insert(&mut body, "hash", hash.map(|hash| Value::String(hash.to_owned())));
        self.view(VIEWS_UPDATE, body).await
    }

    /// Draws the home tab of one person.
    pub async fn views_publish(&self, user: &str, hash: Option<&str>, view: &Value) -> Result<ViewHandle, SlackError> {
        let mut body = json!({ "user_id": user, "view": view });
        insert(&mut body, "hash", hash.map(|hash| Value::String(hash.to_owned())));
        self.view(VIEWS_PUBLISH, body).await
    }

    /// A fresh address for one Socket Mode connection. It is a secret: it lets anyone be us.
    pub async fn connections_open(&self) -> Result<SecretString, SlackError> {
        let answer = self.call(CONNECTIONS_OPEN, "", Token::App, Arguments::Json(json!({}))).await?;
        let address = text(&answer, "/url").ok_or_else(|| CONNECTIONS_OPEN.malformed("no url"))?;
        let is_good = address.starts_with("wss://") || (self.is_plain_http() && address.starts_with("ws://"));
        if is_good { Ok(SecretString::from(address)) } else { Err(CONNECTIONS_OPEN.malformed("not a wss address")) }
    }

    async fn view(&self, method: Method, body: Value) -> Result<ViewHandle, SlackError> {
        let answer = self.write(method, "", body).await?;
        let id = text(&answer, "/view/id").ok_or_else(|| method.malformed("no view id"))?;
        Ok(ViewHandle { id, hash: text(&answer, "/view/hash") })
    }
}

fn insert(body: &mut Value, name: &str, value: Option<Value>) {
    if let (Some(map), Some(value)) = (body.as_object_mut(), value) {
        map.insert(name.to_owned(), value);
    }
}

fn text(answer: &Value, pointer: &str) -> Option<String> {
    answer.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}
