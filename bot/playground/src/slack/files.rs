//! Messages with rich text and files, as people write them; and the files themselves, given to whoever has the token.

use axum::extract::{Path, State as Extract};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value, json};

use super::SlackWorld;
use super::act::CannotAct;
use super::state::{Message, MessageRef};

/// A file of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub name: String,
    /// E.g. `text/plain`.
    pub mimetype: String,
    /// What is in it.
    pub content: Vec<u8>,
}

impl File {
    /// A text file.
    pub fn text(name: &str, content: &str) -> Self {
        Self { name: name.to_owned(), mimetype: "text/plain".to_owned(), content: content.as_bytes().to_vec() }
    }
}

/// What a person writes besides plain text.
#[derive(Clone, Debug, Default)]
pub struct Writing {
    /// The text, in Slack's markup.
    pub text: String,
    /// The same as rich text.
    pub blocks: Vec<Value>,
    /// Files with it.
    pub files: Vec<File>,
    /// The thread it is in.
    pub thread_ts: Option<String>,
}

impl SlackWorld {
    /// `user` writes a message with rich text or files; the app hears nothing of it.
    ///
    /// # Errors
    /// When there is no such person, or they are not in the channel.
    pub fn write(&self, user: &str, channel: &str, writing: Writing) -> Result<MessageRef, CannotAct> {
        self.change(|state| {
            let user = state.person_id(user)?;
            let channel = state.channel_of(&user, channel)?;
            let mut files = Vec::new();
            for file in writing.files {
                let id = state.next_id("F");
                let kind = file.name.rsplit_once('.').map_or("text", |(_, kind)| kind).to_owned();
                let address = format!("{}/files-pri/{}-{id}/{}", state.base_url, state.team.id, file.name);
                files.push(json!({
                    "id": id, "name": file.name, "title": file.name, "mimetype": file.mimetype, "filetype": kind,
                    "mode": "snippet", "size": file.content.len(), "is_external": false, "user": user,
                    "url_private": address, "url_private_download": address,
                }));
                state.files.insert(format!("{}-{id}", state.team.id), file);
            }
            let Writing { text, blocks, thread_ts, .. } = writing;
            let ts = state.post(&channel, Message { blocks, files, thread_ts, ..Message::by(&user, text) });
            Ok(MessageRef { channel, ts })
        })
    }
}

/// `GET /files-pri/<team>-<file>/<name>`. Whoever may not read files is sent to the sign-in page, as Slack does.
pub(super) async fn serve(
    Extract(world): Extract<SlackWorld>,
    Path((id, _)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let state = world.state();
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let may_read = token == format!("Bearer {}", state.app.bot_token) && state.app.scopes.contains("files:read");
    match state.files.get(&id) {
        _ if !may_read => Html("<!DOCTYPE html><html><title>Sign in | Slack</title></html>").into_response(),
        Some(file) => ([(header::CONTENT_TYPE, file.mimetype.clone())], file.content.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
