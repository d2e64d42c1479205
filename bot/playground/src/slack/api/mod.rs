//! The Web API's front door: reads a call, checks token, scope, limits and faults, and hands it to its family's file.

mod args;
mod chat;
mod conversations;
mod people;
mod session;
mod table;
mod views;

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State as Extract};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::SlackWorld;
use super::faults::Fault;
use super::state::{ApiCall, State};
use args::{Args, Incoming};

/// A call that hangs is let go after this long, in case nobody ever gives up on it.
const HANG_AT_MOST: Duration = Duration::from_secs(600);

/// A call Slack refuses: its code and what else the answer holds.
pub(super) struct Refused {
    code: String,
    more: Map<String, Value>,
}

impl From<&str> for Refused {
    fn from(code: &str) -> Self {
        Self { code: code.to_owned(), more: Map::new() }
    }
}

impl Refused {
    fn needs_scope(state: &State, needed: &str) -> Self {
        let provided: Vec<_> = state.app.scopes.iter().map(String::as_str).collect();
        Self {
            code: "missing_scope".to_owned(),
            more: super::json::object(json!({ "needed": needed, "provided": provided.join(",") })),
        }
    }

    /// An error with `response_metadata.messages`, each naming a place by JSON pointer.
    pub(super) fn with_messages(code: &str, found: &[String]) -> Self {
        let messages: Vec<_> = found.iter().map(|message| format!("[ERROR] {message}")).collect();
        let mut more = super::json::object(json!({ "response_metadata": { "messages": messages } }));
        if code == "invalid_blocks" {
            more.insert("errors".to_owned(), json!(found));
        }
        Self { code: code.to_owned(), more }
    }
}

/// What a method answers besides `ok: true`.
type Answer = Result<Value, Refused>;

/// `/api/<method>`, any HTTP method.
pub(super) async fn serve(
    Extract(world): Extract<SlackWorld>,
    Path(name): Path<String>,
    http_method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let incoming = args::read(&http_method, &uri, &headers, &body);
    let fault = world.state().faults.next(&name);
    let shown = Value::Object(incoming.args.0.clone());
    let log = |outcome: &str| {
        world.change(|state| {
            let at_ms = state.clock.now_ms();
            let call = ApiCall { method: name.clone(), args: shown.clone(), at_ms, outcome: outcome.to_owned() };
            state.calls.push(call);
        });
    };
    if let Some(answer) = before_effect(&world, fault.as_ref(), &log).await {
        return answer;
    }
    let limited = {
        let mut state = world.state();
        let now_ms = state.clock.now_ms();
        state.limits.take(&name, &incoming.args.word("channel"), now_ms)
    };
    if let Some(seconds) = limited {
        log("ratelimited");
        return rate_limited(seconds);
    }
    let answer = world.change(|state| call(state, &name, &incoming));
    let outcome = answer.as_ref().map_or_else(|refused| refused.code.clone(), |_| "ok".to_owned());
    log(if fault == Some(Fault::LostReply) { "lost_reply" } else { &outcome });
    if fault == Some(Fault::LostReply) {
        return broken_answer();
    }
    let scopes: Vec<_> = world.state().app.scopes.iter().cloned().collect();
    let mut response = axum::Json(finish(answer, incoming.misses_charset)).into_response();
    if let Ok(scopes) = HeaderValue::from_str(&scopes.join(",")) {
        response.headers_mut().insert("x-oauth-scopes", scopes);
    }
    response
}

/// Performs what a fault does instead of the effect, or before it.
async fn before_effect(world: &SlackWorld, fault: Option<&Fault>, log: &impl Fn(&str)) -> Option<Response> {
    match fault? {
        Fault::Error(code) => {
            log(code);
            Some(axum::Json(json!({ "ok": false, "error": code })).into_response())
        }
        Fault::RateLimited(seconds) => {
            log("ratelimited");
            Some(rate_limited(*seconds))
        }
        Fault::Unavailable => {
            log("unavailable");
            let page = "<!DOCTYPE html><html><body><h1>Server Error</h1></body></html>";
            Some((StatusCode::SERVICE_UNAVAILABLE, axum::response::Html(page)).into_response())
        }
        Fault::Hang => {
            log("hang");
            drop(tokio::time::timeout(HANG_AT_MOST, world.stopped.cancelled()).await);
            Some(StatusCode::GATEWAY_TIMEOUT.into_response())
        }
        Fault::Slow(ms) => {
            tokio::time::sleep(Duration::from_millis(*ms)).await;
            None
        }
        Fault::LostReply => None,
    }
}

pub(super) fn rate_limited(seconds: u64) -> Response {
    let body = axum::Json(json!({ "ok": false, "error": "ratelimited" }));
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds.to_string())], body).into_response()
}

/// Headers arrive, the body breaks off: the caller cannot know what happened.
pub(super) fn broken_answer() -> Response {
    let broken = futures_util::stream::iter([Err::<Bytes, _>(std::io::Error::other("connection lost"))]);
    Body::from_stream(broken).into_response()
}

/// What a fault does to something that is not an API method (response_url): the response, or none to go on.
pub(super) async fn fault_elsewhere(
    world: &SlackWorld,
    fault: Option<&Fault>,
    log: &impl Fn(&str),
) -> Option<Response> {
    before_effect(world, fault, log).await
}

fn finish(answer: Answer, misses_charset: bool) -> Value {
    let mut body = Map::new();
    match answer {
        Ok(value) => {
            body.insert("ok".to_owned(), json!(true));
            body.extend(super::json::object(value));
        }
        Err(refused) => {
            body.insert("ok".to_owned(), json!(false));
            body.insert("error".to_owned(), json!(refused.code));
            body.extend(refused.more);
        }
    }
    if misses_charset && !body.contains_key("response_metadata") {
        body.insert("warning".to_owned(), json!("missing_charset"));
        body.insert("response_metadata".to_owned(), json!({ "warnings": ["missing_charset"] }));
    }
    Value::Object(body)
}

fn call(state: &mut State, name: &str, incoming: &Incoming) -> Answer {
    lint(state, name, incoming);
    let Some(method) = table::find(name) else { return Err("unknown_method".into()) };
    check_token(state, name, incoming)?;
    if !method.scope.is_empty() && !state.app.scopes.contains(method.scope) {
        return Err(Refused::needs_scope(state, method.scope));
    }
    if incoming.is_unreadable {
        return Err("invalid_json".into());
    }
    let unseen = Args::default();
    let args = if incoming.is_json && !method.takes_json { &unseen } else { &incoming.args };
    for required in method.required {
        if args.text(required).is_none() {
            let message = format!("missing required field: {required}");
            return Err(Refused::with_messages("invalid_arguments", &[message]));
        }
    }
    heed(state, args);
    match name.split('.').next().unwrap_or_default() {
        "chat" => chat::call(state, name, args),
        "views" => views::call(state, name, args),
        "users" | "usergroups" | "bots" => people::call(state, name, args),
        "conversations" => conversations::call(state, name, args),
        _ => session::call(state, name, incoming.is_get),
    }
}

/// Keeps what the call makes visible or stores; ids and tickets are plumbing.
fn heed(state: &mut State, args: &Args) {
    for name in ["text", "markdown_text", "blocks", "attachments", "metadata", "view", "username", "status"] {
        if let Some(value) = args.0.get(name) {
            state.heard(value);
        }
    }
}

fn check_token(state: &State, name: &str, incoming: &Incoming) -> Result<(), Refused> {
    let wants_app = name == "apps.connections.open";
    match incoming.token.as_deref() {
        None => Err("not_authed".into()),
        Some(token) if token == state.app.bot_token && !wants_app => Ok(()),
        Some(token) if token == state.app.app_token && wants_app => Ok(()),
        Some(token) if token == state.app.bot_token || token == state.app.app_token => {
            Err("not_allowed_token_type".into())
        }
        Some(_) => Err("invalid_auth".into()),
    }
}

/// Notes what a careful app would not do, whether or not Slack lets it pass.
fn lint(state: &mut State, name: &str, incoming: &Incoming) {
    let mut note = |what: String| state.violations.push(format!("{name}: {what}"));
    let Some(method) = table::find(name) else {
        note("unknown method".to_owned());
        return;
    };
    if incoming.token_in_query {
        note("the token is in the query string".to_owned());
    }
    if incoming.is_json && !method.takes_json && !incoming.args.0.is_empty() {
        note("takes no JSON body".to_owned());
    }
    // Every method takes team_id, and Bolt always sends it (slack.md section 17).
    let is_known = |argument: &str| argument == "team_id" || method.args.contains(&argument);
    for argument in incoming.args.0.keys().filter(|argument| !is_known(argument)) {
        note(format!("unknown argument {argument}"));
    }
    if matches!(name, "chat.postMessage" | "chat.postEphemeral" | "chat.update") && incoming.args.text("text").is_none()
    {
        note("no top-level text for notifications and screen readers".to_owned());
    }
}
