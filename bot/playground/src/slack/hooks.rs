//! `response_url`: answers to a command or a click without a token, five times within thirty minutes (slack.md 3.4).

use axum::body::Bytes;
use axum::extract::State as Extract;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::SlackWorld;
use super::api;
use super::blocks;
use super::faults::Fault;
use super::json;
use super::pick::fill_in_ids;
use super::state::{ApiCall, Hook, State};

const USES_MAX: u32 = 5;
const OPEN_MS: i64 = 30 * 60 * 1000;

/// `POST /<kind>/<team>/<number>/<secret>`.
pub(super) async fn serve(Extract(world): Extract<SlackWorld>, uri: Uri, body: Bytes) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let fault = world.state().faults.next("response_url");
    let log = |outcome: &str| {
        world.change(|state| {
            let at_ms = state.clock.now_ms();
            let (method, args, outcome) = ("response_url".to_owned(), body.clone(), outcome.to_owned());
            state.calls.push(ApiCall { method, args, at_ms, outcome });
        });
    };
    if let Some(answer) = api::fault_elsewhere(&world, fault.as_ref(), &log).await {
        return answer;
    }
    let outcome = world.change(|state| state.take_hook(uri.path(), &body));
    log(outcome.err().unwrap_or("ok"));
    if fault == Some(Fault::LostReply) {
        return api::broken_answer();
    }
    match outcome {
        Ok(()) => "ok".into_response(),
        Err(code) => (StatusCode::NOT_FOUND, axum::Json(json!({ "ok": false, "error": code }))).into_response(),
    }
}

impl State {
    fn take_hook(&mut self, path: &str, body: &Value) -> Result<(), &'static str> {
        self.heard(body);
        let now_ms = self.clock.now_ms();
        let hook = self.hooks.get_mut(path).ok_or("no_such_hook")?;
        if now_ms.saturating_sub(hook.at_ms) > OPEN_MS {
            return Err("expired_url");
        }
        if hook.uses >= USES_MAX {
            return Err("used_url");
        }
        hook.uses += 1;
        let hook = hook.clone();
        if !body.is_object() {
            self.violations.push("response_url: the body is not a JSON object".to_owned());
            return Err("invalid_payload");
        }
        let found = blocks::check_message(body);
        if !found.is_empty() {
            self.violations.extend(found.iter().map(|what| format!("response_url: {what}")));
            return Err("invalid_blocks");
        }
        self.answer_hook(&hook, body)
    }

    fn answer_hook(&mut self, hook: &Hook, body: &Value) -> Result<(), &'static str> {
        let replaces = json::flag(body, "/replace_original");
        let deletes = json::flag(body, "/delete_original");
        let original = hook.message_ts.clone().filter(|_| replaces || deletes);
        if let Some(ts) = original {
            let mut new_blocks = json::list(body, "/blocks").to_vec();
            fill_in_ids(self, &mut new_blocks);
            let channel = self.channels.get_mut(&hook.channel).ok_or("channel_not_found")?;
            if deletes {
                channel.messages.retain(|message| message.ts != ts);
                return Ok(());
            }
            let message = channel.messages.iter_mut().find(|message| message.ts == ts).ok_or("message_not_found")?;
            message.text = json::text(body, "/text").to_owned();
            message.blocks = new_blocks;
            return Ok(());
        }
        let is_public = json::text(body, "/response_type") == "in_channel";
        let only_for = (!is_public).then(|| hook.user.clone());
        let thread = body.get("thread_ts").and_then(Value::as_str).map(str::to_owned);
        if self.say(&hook.channel, only_for, thread, body, "response_url") { Ok(()) } else { Err("no_text") }
    }
}
