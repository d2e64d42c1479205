//! The HTTP side of the world: finds out what is called, plays the faults that are set, answers, and notes it all down.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, IF_MATCH};
use axum::http::{HeaderMap, Method, Response, StatusCode};
use axum::response::IntoResponse;
use serde_json::Value;
use tokio::sync::watch;
use url::form_urlencoded;

use super::faults::{Endpoint, Fault};
use super::reply::{Incoming, Reply};
use super::state::{Call, Play, State};
use super::{acl, attributes, auth_keys, changes, lists, oauth, shares};
use nightlatch_clock::Clock;

/// The largest request we read; the largest sensible one is a policy file.
const BODY_LIMIT_BYTES: usize = 8 << 20;
/// How many calls are remembered; a demo may run for days.
const CALLS_LIMIT: usize = 20_000;

/// What the door and the handle share.
#[derive(Debug)]
pub(super) struct Shared {
    pub clock: Clock,
    pub inner: Mutex<Inner>,
    /// Whoever asks the machine's tailscaled who somebody is waits for whoever asked before.
    pub turn: tokio::sync::Mutex<()>,
    /// Counts changes of any kind, calls included.
    pub changed: watch::Sender<u64>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub state: State,
    pub play: Play,
}

impl Shared {
    /// The world as it is now: what has expired is gone.
    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.state.tidy(self.clock.now_ms());
        inner
    }

    pub fn touch(&self) {
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Tells watchers when an attribute expires, since no call does. Runs until dropped.
    pub async fn watch_expiries(self: Arc<Self>) {
        let mut changed = self.changed.subscribe();
        loop {
            let next_at = self.lock().state.next_expiry_at().unwrap_or(i64::MAX);
            let is_over = tokio::select! {
                () = self.clock.sleep_until(next_at) => true,
                is_open = changed.changed() => {
                    if is_open.is_err() {
                        return;
                    }
                    false
                }
            };
            if is_over {
                drop(self.lock());
                self.touch();
            }
        }
    }
}

/// The API as an axum service.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(move |request: Request| {
        let shared = shared.clone();
        async move { serve(shared, request).await }
    })
}

async fn serve(shared: Arc<Shared>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT_BYTES).await else {
        return into_response(Reply::error(413, "request body too large"), "play0");
    };
    let path = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let incoming = Incoming {
        now_ms: shared.clock.now_ms(),
        segments: segments(parts.uri.path()),
        query: form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect(),
        accept: text(&parts.headers, ACCEPT.as_str()),
        content_type: text(&parts.headers, CONTENT_TYPE.as_str()),
        if_match: parts.headers.get(IF_MATCH).and_then(|value| value.to_str().ok()).map(str::to_owned),
        authorization: text(&parts.headers, AUTHORIZATION.as_str()),
        body: body.to_vec(),
    };
    let endpoint = find(&parts.method, &incoming);
    let call = Call {
        at_ms: incoming.now_ms,
        endpoint,
        method: parts.method.to_string(),
        path,
        headers: shown_headers(&parts.headers),
        body: shown_body(endpoint, &incoming.body),
        status: None,
    };
    let (there, back) = shared.lock().play.manners.latency();
    pause(there).await;
    let (number, shown, met) = shared.arrive(call, endpoint);
    let reply = match (endpoint, met) {
        (_, Met::Refusal(reply)) => reply,
        (None, Met::Fault(_)) => Reply::error(404, "404 page not found"),
        (Some(endpoint), Met::Fault(fault)) => shared.play(endpoint, &incoming, fault).await,
    };
    shared.leave(number, reply.status);
    pause(back).await;
    into_response(reply, &shown)
}

/// What a call meets when it arrives.
enum Met {
    /// It is one too many.
    Refusal(Reply),
    /// It is answered, with this fault if one is set.
    Fault(Option<Fault>),
}

async fn pause(by: Duration) {
    if !by.is_zero() {
        tokio::time::sleep(by).await;
    }
}

impl Shared {
    /// Notes a call and finds what it meets. The number names the call until it leaves; the text is the id that its caller is told.
    fn arrive(&self, call: Call, endpoint: Option<Endpoint>) -> (u64, String, Met) {
        let mut inner = self.lock();
        let play = &mut inner.play;
        if play.calls.len() >= CALLS_LIMIT {
            play.calls.remove(0);
            play.calls_forgotten = play.calls_forgotten.saturating_add(1);
        }
        play.calls.push(call);
        let number = play.calls_forgotten.saturating_add(play.calls.len() as u64);
        // Lists and tokens are got in the background whenever it suits; the others are numbered for themselves.
        let is_background =
            matches!(endpoint, Some(Endpoint::Devices | Endpoint::Users | Endpoint::Policy | Endpoint::Token));
        let (word, count) = match is_background {
            true => ("list", &mut play.numbers.0),
            false => ("play", &mut play.numbers.1),
        };
        *count = count.saturating_add(1);
        let shown = format!("{word}{count}");
        let met = match play.manners.refuse() {
            Some(reply) => Met::Refusal(reply),
            None => Met::Fault(endpoint.and_then(|endpoint| play.faults.take(endpoint))),
        };
        drop(inner);
        self.touch();
        (number, shown, met)
    }

    fn leave(&self, number: u64, status: u16) {
        let mut inner = self.lock();
        let at = number.saturating_sub(inner.play.calls_forgotten).saturating_sub(1);
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        if let Some(call) = inner.play.calls.get_mut(at) {
            call.status = Some(status);
        }
        drop(inner);
        self.touch();
    }

    async fn play(&self, endpoint: Endpoint, incoming: &Incoming, fault: Option<Fault>) -> Reply {
        let answer_now = || self.answer(endpoint, incoming);
        match fault {
            None => answer_now(),
            Some(Fault::Slow(by_ms)) => {
                tokio::time::sleep(Duration::from_millis(by_ms)).await;
                answer_now()
            }
            Some(Fault::Status(status)) => {
                let reason = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
                Reply::error(status, &reason.unwrap_or("unknown").to_lowercase())
            }
            Some(Fault::RateLimited(after)) => Reply::error(429, "too many requests").with("retry-after", &after),
            Some(Fault::Answer { status, headers, body }) => Reply { status, headers, body },
            Some(Fault::Hang) => self.hang().await,
            Some(Fault::HangAfterDoing) => {
                answer_now();
                self.touch();
                self.hang().await
            }
            Some(Fault::LoseReply) => {
                answer_now();
                Reply::error(500, "internal server error")
            }
            Some(Fault::Forget) => {
                let mut state = self.lock().state.clone();
                answer(&mut state, endpoint, incoming)
            }
            Some(Fault::DropExpiry) => {
                let body = serde_json::from_slice::<serde_json::Map<String, Value>>(&incoming.body);
                let without = body.ok().map(|mut body| {
                    body.remove("expiry");
                    Incoming { body: Value::Object(body).to_string().into_bytes(), ..incoming.clone() }
                });
                self.answer(endpoint, without.as_ref().unwrap_or(incoming))
            }
        }
    }

    /// Answers from what can be seen now, which may lag behind what is.
    fn answer(&self, endpoint: Endpoint, incoming: &Incoming) -> Reply {
        let mut inner = self.lock();
        let Inner { state, play } = &mut *inner;
        if endpoint.is_reading() {
            if let Some(mut seen) = play.manners.seen(state) {
                seen.tidy(incoming.now_ms);
                return answer(&mut seen, endpoint, incoming);
            }
        } else if endpoint != Endpoint::Token {
            play.manners.remember(state);
        }
        answer(state, endpoint, incoming)
    }

    async fn hang(&self) -> Reply {
        let mut changed = self.changed.subscribe();
        let cleared = || self.lock().play.faults.cleared;
        let before = cleared();
        while cleared() == before && changed.changed().await.is_ok() {}
        Reply::error(504, "request took too long to process, please try again later")
    }
}

/// What the real service would answer.
fn answer(state: &mut State, endpoint: Endpoint, incoming: &Incoming) -> Reply {
    if endpoint == Endpoint::Token {
        return oauth::token(state, incoming);
    }
    let caller = match oauth::caller_of(state, incoming) {
        Ok(caller) => caller,
        Err(refusal) => return refusal,
    };
    if scope(endpoint).is_some_and(|scope| !caller.may(scope)) {
        return lists::forbidden();
    }
    match endpoint {
        Endpoint::Devices => lists::devices(state, incoming),
        Endpoint::Device => lists::device(state, incoming),
        Endpoint::Attributes => attributes::get(state, incoming),
        Endpoint::SetAttribute => attributes::set(state, incoming, &caller),
        Endpoint::DeleteAttribute => attributes::delete(state, incoming, &caller),
        Endpoint::BatchAttributes => attributes::batch(state, incoming, &caller),
        Endpoint::Users => lists::users(state, incoming),
        Endpoint::User => lists::user(state, incoming),
        Endpoint::Policy => acl::get(state, incoming),
        Endpoint::SetPolicy => acl::set(state, incoming, &caller),
        Endpoint::ValidatePolicy => acl::validate(state, incoming),
        Endpoint::Key => lists::key(state, incoming, &caller),
        Endpoint::Keys => auth_keys::list(state, incoming),
        Endpoint::MakeKey => auth_keys::make(state, incoming, &caller),
        Endpoint::RevokeKey => auth_keys::revoke(state, incoming),
        Endpoint::Authorize => changes::authorize(state, incoming),
        Endpoint::KeyExpiry => changes::key_expiry(state, incoming),
        Endpoint::Routes => changes::routes(state, incoming),
        Endpoint::Tags => changes::tags(state, incoming, &caller),
        Endpoint::Shares => shares::list(state, incoming),
        Endpoint::Share => shares::make(state, incoming, &caller),
        Endpoint::WithdrawShare => shares::withdraw(state, incoming),
        Endpoint::Role => changes::role(state, incoming),
        Endpoint::Suspend => changes::suspend(state, incoming),
        Endpoint::DeleteUser => changes::delete(state, incoming),
        Endpoint::Invites => changes::invites(state, &caller),
        Endpoint::Invite => changes::invite(state, incoming, &caller),
        Endpoint::WithdrawInvite => changes::withdraw(state, incoming, &caller),
        Endpoint::Settings => lists::settings(&caller),
        Endpoint::AuditLog => lists::audit_log(state, incoming),
        Endpoint::Any | Endpoint::Token => Reply::error(404, "404 page not found"),
    }
}

/// The scope a call needs (apis/tailscale.md 1.3 and 13).
fn scope(endpoint: Endpoint) -> Option<&'static str> {
    match endpoint {
        Endpoint::Devices | Endpoint::Device => Some("devices:core:read"),
        Endpoint::Attributes => Some("devices:posture_attributes:read"),
        Endpoint::SetAttribute | Endpoint::DeleteAttribute | Endpoint::BatchAttributes => {
            Some("devices:posture_attributes")
        }
        Endpoint::Users | Endpoint::User => Some("users:read"),
        Endpoint::Policy | Endpoint::ValidatePolicy => Some("policy_file:read"),
        Endpoint::SetPolicy => Some("policy_file"),
        Endpoint::AuditLog => Some("logs:configuration:read"),
        Endpoint::Keys => Some("auth_keys:read"),
        Endpoint::MakeKey | Endpoint::RevokeKey => Some("auth_keys"),
        Endpoint::Authorize | Endpoint::KeyExpiry | Endpoint::Tags => Some("devices:core"),
        Endpoint::Shares => Some("device_invites:read"),
        Endpoint::Share | Endpoint::WithdrawShare => Some("device_invites"),
        Endpoint::Routes => Some("devices:routes"),
        Endpoint::Role | Endpoint::Suspend | Endpoint::DeleteUser => Some("users"),
        // Of people only, whatever their rights.
        Endpoint::Invites | Endpoint::Invite | Endpoint::WithdrawInvite => None,
        Endpoint::Any | Endpoint::Token | Endpoint::Key | Endpoint::Settings => None,
    }
}

/// Which call it is; a tailnet is `-` or the playground's own id.
fn find(method: &Method, incoming: &Incoming) -> Option<Endpoint> {
    let segments: Vec<&str> = incoming.segments.iter().map(String::as_str).collect();
    let found = match (method.as_str(), segments.as_slice()) {
        ("POST", ["oauth", "token"]) => Endpoint::Token,
        ("GET", ["device", _]) => Endpoint::Device,
        ("GET", ["device", _, "attributes"]) => Endpoint::Attributes,
        ("POST", ["device", _, "attributes", _]) => Endpoint::SetAttribute,
        ("DELETE", ["device", _, "attributes", _]) => Endpoint::DeleteAttribute,
        ("GET", ["users", _]) => Endpoint::User,
        ("POST", ["device", _, "authorized"]) => Endpoint::Authorize,
        ("POST", ["device", _, "key"]) => Endpoint::KeyExpiry,
        ("POST", ["device", _, "routes"]) => Endpoint::Routes,
        ("POST", ["device", _, "tags"]) => Endpoint::Tags,
        ("GET", ["device", _, "device-invites"]) => Endpoint::Shares,
        ("POST", ["device", _, "device-invites"]) => Endpoint::Share,
        ("DELETE", ["device-invites", _]) => Endpoint::WithdrawShare,
        ("POST", ["users", _, "role"]) => Endpoint::Role,
        ("POST", ["users", _, "suspend"]) => Endpoint::Suspend,
        ("POST", ["users", _, "delete"]) => Endpoint::DeleteUser,
        ("DELETE", ["user-invites", _]) => Endpoint::WithdrawInvite,
        (method, ["tailnet", "-" | super::seed::TAILNET_ID, rest @ ..]) => match (method, rest) {
            ("GET", ["devices"]) => Endpoint::Devices,
            ("PATCH", ["device-attributes"]) => Endpoint::BatchAttributes,
            ("GET", ["users"]) => Endpoint::Users,
            ("GET", ["acl"]) => Endpoint::Policy,
            ("POST", ["acl"]) => Endpoint::SetPolicy,
            ("POST", ["acl", "validate"]) => Endpoint::ValidatePolicy,
            ("GET", ["user-invites"]) => Endpoint::Invites,
            ("POST", ["user-invites"]) => Endpoint::Invite,
            ("GET", ["keys"]) => Endpoint::Keys,
            ("POST", ["keys"]) => Endpoint::MakeKey,
            ("GET", ["keys", _]) => Endpoint::Key,
            ("DELETE", ["keys", _]) => Endpoint::RevokeKey,
            ("GET", ["settings"]) => Endpoint::Settings,
            ("GET", ["logging", "configuration"]) => Endpoint::AuditLog,
            _ => return None,
        },
        _ => return None,
    };
    Some(found)
}

/// The parts of the path below `/api/v2`, decoded; empty for any other path.
fn segments(path: &str) -> Vec<String> {
    let rest = path.strip_prefix("/api/v2/").unwrap_or_default();
    rest.split('/').map(decode).collect()
}

/// Percent-decodes one part of a path. A form decoder reads `+` as a space, so that is escaped first.
fn decode(part: &str) -> String {
    let part = format!("part={}", part.replace('+', "%2B").replace('&', "%26"));
    form_urlencoded::parse(part.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

fn text(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

fn shown_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let is_shown = |name: &str| name != AUTHORIZATION.as_str() && name != COOKIE.as_str();
    let shown = headers.iter().filter(|(name, _)| is_shown(name.as_str()));
    shown.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect()
}

/// The body for the log. The token endpoint is where the secret belongs, so there it is left out.
fn shown_body(endpoint: Option<Endpoint>, body: &[u8]) -> String {
    if endpoint != Some(Endpoint::Token) {
        return String::from_utf8_lossy(body).into_owned();
    }
    let fields = form_urlencoded::parse(body).filter(|(name, _)| name != "client_secret");
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn into_response(reply: Reply, id: &str) -> Response<Body> {
    let mut response = Response::builder().status(reply.status).header("x-tailscale-request-id", id);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(reply.body)).unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}
