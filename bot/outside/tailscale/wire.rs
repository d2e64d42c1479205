//! One exchange with Tailscale: time limit, size limit, and what each status means to a caller.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, IF_MATCH};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::{Host, Url};

use super::error::tame;
use super::pace::TooLong;
use super::records::Records;
use super::refusal::{header, words};
use super::{Credential, Said, Tailscale, TailscaleError, TailscaleSettings};
use crate::outside::net::{Client, NetError, explain};

/// The largest list we read. Lists come whole, and the devices of a big tailnet are megabytes (apis/tailscale.md 1.5); they are read
/// record by record.
pub(super) const LIST_LIMIT_BYTES: usize = 256 << 20;
/// The longest a list may take. Nobody waits in front of one.
pub(super) const LIST_LIMIT: Duration = Duration::from_secs(120);
/// The largest policy file we read.
pub(super) const POLICY_LIMIT_BYTES: usize = 32 << 20;
/// The largest single object we read.
pub(super) const OBJECT_LIMIT_BYTES: usize = 1 << 20;
/// How much of an answer that reports an error we read; the rest is dropped unread.
const ERROR_LIMIT_BYTES: usize = 64 << 10;

/// One call, not yet sent.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// What it is for, such as `listing devices`.
    pub name: &'static str,
    /// The scope it needs.
    pub scope: Option<&'static str>,
    pub method: Method,
    pub url: Url,
    pub accept: &'static str,
    pub body: Option<Value>,
    /// The largest good answer.
    pub limit_bytes: usize,
    /// The longest one exchange may take; the usual limit if it is not said.
    pub limit: Option<Duration>,
}

/// A policy file that a call sends in place of JSON.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'t> {
    pub text: &'t str,
    /// The tag of the file it was made from, as it was read; nothing where nothing is replaced.
    pub made_from: Option<&'t str>,
}

/// Where a good answer goes.
pub(super) enum Sink<'s> {
    /// Into the answer, as a whole.
    Whole,
    /// Record by record to whoever wants them; the answer's body stays empty.
    Records(Records, &'s mut (dyn FnMut(&[u8]) + Send)),
}

/// A good answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    call: &'static str,
    scope: Option<&'static str>,
    request_id: Option<String>,
}

impl Answer {
    /// Reads the body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, TailscaleError> {
        serde_json::from_slice(&self.body).map_err(|error| self.malformed(&error.to_string()))
    }

    /// An error about this answer.
    pub fn malformed(&self, message: &str) -> TailscaleError {
        TailscaleError::Malformed(Said {
            call: self.call,
            scope: self.scope,
            status: None,
            message: tame(message, &[]),
            request_id: self.request_id.clone(),
        })
    }
}

/// A client that follows no redirects (they would carry our token elsewhere). Loopback addresses never go through a proxy.
pub(super) fn client(settings: &TailscaleSettings) -> Result<Client, TailscaleError> {
    crate::outside::tls();
    if settings.api_url.cannot_be_a_base() {
        return Err(refused("reading the settings", "the address of the API cannot have a path"));
    }
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(settings.call_limit)
        .user_agent(concat!("nightlatch/", env!("CARGO_PKG_VERSION")));
    let is_loopback = match settings.api_url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if is_loopback {
        builder = builder.no_proxy();
    }
    // Plain http works on a machine that has no certificates at all.
    let builder = if settings.api_url.scheme() == "http" { builder.tls_certs_only([]) } else { builder };
    settings.net.client(builder).map_err(|error| refused("making the HTTP client", &explain(&error)))
}

/// Something we will not send.
pub(super) fn refused(call: &'static str, message: &str) -> TailscaleError {
    TailscaleError::Rejected(Said { call, scope: None, status: None, message: tame(message, &[]), request_id: None })
}

impl Tailscale {
    /// `{api_url}/api/v2/{segments}`, each segment escaped.
    pub(super) fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.inner.settings.api_url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["api", "v2"]).extend(segments);
        }
        url
    }

    /// The same below `/tailnet/{tailnet}`.
    pub(super) fn tailnet_url(&self, segments: &[&str]) -> Url {
        let mut url = self.url(&["tailnet", &self.inner.settings.tailnet]);
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(segments);
        }
        url
    }

    /// Sends `call` with our credential; once more with a fresh token if the token was refused, which is safe because a
    /// refused call did nothing.
    pub(super) async fn send(&self, call: Call) -> Result<Answer, TailscaleError> {
        self.send_into(&call, None, &mut Sink::Whole).await
    }

    /// The same with HuJSON as its body. An empty one is never sent: Tailscale takes it for "back to the beginning".
    pub(super) async fn send_text(&self, call: Call, text: Text<'_>) -> Result<Answer, TailscaleError> {
        if text.text.trim().is_empty() {
            return Err(refused(call.name, "an empty policy file is never sent"));
        }
        self.send_into(&call, Some(text), &mut Sink::Whole).await
    }

    /// Sends `call`, whose answer has a list called `field`, and reads the list record by record. One that cannot be read leaves
    /// out itself, and is named in the log the first time.
    pub(super) async fn list<T: DeserializeOwned + Send>(
        &self,
        call: Call,
        field: &'static str,
    ) -> Result<Vec<T>, TailscaleError> {
        let (mut found, odd) = (Vec::new(), &self.inner.odd);
        let mut take = |record: &[u8]| match serde_json::from_slice(record) {
            Ok(one) => found.push(one),
            Err(error) => odd.note(call.name, record, &error),
        };
        let mut sink = Sink::Records(Records::new(field), &mut take);
        let answer = self.send_into(&call, None, &mut sink).await?;
        if let Sink::Records(records, _) = sink {
            records.finish().map_err(|why| answer.malformed(why))?;
        }
        Ok(found)
    }

    async fn send_into(
        &self,
        call: &Call,
        text: Option<Text<'_>>,
        sink: &mut Sink<'_>,
    ) -> Result<Answer, TailscaleError> {
        let answer = self.send_unnoted(call, text, sink).await;
        self.note(call, &answer);
        answer
    }

    async fn send_unnoted(
        &self,
        call: &Call,
        text: Option<Text<'_>>,
        sink: &mut Sink<'_>,
    ) -> Result<Answer, TailscaleError> {
        match &self.inner.settings.credential {
            Credential::ApiKey(key) => self.send_as(call, text, key, sink).await,
            Credential::ClientCredentials { client_id, secret } => {
                let token = self.token(client_id, secret, None).await?;
                match self.send_as(call, text, &token.secret, sink).await {
                    Err(TailscaleError::Unauthorized(_)) => {
                        let fresh = self.token(client_id, secret, Some(token.number)).await?;
                        self.send_as(call, text, &fresh.secret, sink).await
                    }
                    other => other,
                }
            }
        }
    }

    async fn send_as(
        &self,
        call: &Call,
        text: Option<Text<'_>>,
        bearer: &SecretString,
        sink: &mut Sink<'_>,
    ) -> Result<Answer, TailscaleError> {
        let bearer = bearer.expose_secret();
        let mut authorization = HeaderValue::from_str(&format!("Bearer {bearer}"))
            .map_err(|_| refused(call.name, "the credential holds characters no header can"))?;
        authorization.set_sensitive(true);
        let mut request = self.inner.http.request(call.method.clone(), call.url.clone());
        request = request.header(AUTHORIZATION, authorization).header(ACCEPT, call.accept);
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        if let Some(Text { text, made_from }) = text {
            request = request.header(CONTENT_TYPE, "application/hujson").body(text.to_owned());
            if let Some(tag) = made_from {
                request = request.header(IF_MATCH, tag);
            }
        }
        let request = request.build().map_err(|error| refused(call.name, &explain(&error)))?;
        self.exchange(call, request, &[bearer], sink).await
    }

    /// One request and its whole answer, in its turn; again after a while if there were too many. `secrets` are kept out of
    /// errors.
    pub(super) async fn exchange(
        &self,
        call: &Call,
        request: reqwest::Request,
        secrets: &[&str],
        sink: &mut Sink<'_>,
    ) -> Result<Answer, TailscaleError> {
        let patience = self.inner.pace.patience(self.turn);
        let mut refused = None;
        loop {
            let again = request.try_clone().ok_or_else(|| refused_to_clone(call))?;
            let place = match self.inner.pace.turn(patience).await {
                Ok(place) => place,
                Err(TooLong { left }) => return Err(too_long(call, refused, left)),
            };
            let answer = self.exchange_now(call, again, secrets, sink).await;
            match &answer {
                Err(TailscaleError::RateLimited { retry_after_ms, .. }) => {
                    let asked = retry_after_ms.map(|ms| Duration::from_millis(ms.unsigned_abs()));
                    place.refused(asked);
                    refused = answer.err();
                    continue;
                }
                Err(TailscaleError::Unavailable { .. }) => drop(place),
                _ => place.answered(),
            }
            return answer;
        }
    }

    /// One request and its whole answer within the call limit.
    async fn exchange_now(
        &self,
        call: &Call,
        request: reqwest::Request,
        secrets: &[&str],
        sink: &mut Sink<'_>,
    ) -> Result<Answer, TailscaleError> {
        let limit = call.limit.unwrap_or(self.inner.settings.call_limit);
        let is_write = request.method() != Method::GET;
        let exchange = self.exchange_without_limit(call, request, secrets, sink);
        tokio::time::timeout(limit, exchange).await.unwrap_or_else(|_| {
            let message = format!("no answer for {} s", limit.as_secs_f32());
            Err(unavailable(said(call, &message), is_write))
        })
    }

    async fn exchange_without_limit(
        &self,
        call: &Call,
        request: reqwest::Request,
        secrets: &[&str],
        sink: &mut Sink<'_>,
    ) -> Result<Answer, TailscaleError> {
        let is_write = request.method() != Method::GET;
        let lost = |error: &NetError| {
            let message = tame(&error.to_string(), secrets);
            unavailable(said(call, &message), is_write && !error.is_connect())
        };
        let mut response = self.inner.http.execute(request).await.map_err(|error| lost(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let request_id = header(&headers, "x-tailscale-request-id").map(|id| tame(id, secrets));
        tracing::debug!(
            call = call.name,
            status = status.as_u16(),
            tailscale.request_id = request_id.as_deref().unwrap_or_default(),
            "tailscale answered"
        );
        let limit_bytes = if status.is_success() { call.limit_bytes } else { ERROR_LIMIT_BYTES };
        let mut body = Vec::new();
        let (mut is_cut, mut room) = (false, limit_bytes);
        loop {
            match response.chunk().await {
                Ok(Some(piece)) => {
                    is_cut = piece.len() > room;
                    let fits = piece.get(..room).unwrap_or(&piece);
                    room = room.saturating_sub(fits.len());
                    match sink {
                        Sink::Records(records, take) if status.is_success() => records.feed(fits, take),
                        _ => body.extend_from_slice(fits),
                    }
                }
                Ok(None) => break,
                Err(error) if status.is_success() => return Err(lost(&error.into())),
                Err(_) => break,
            }
            if is_cut {
                break;
            }
        }
        if !status.is_success() {
            let said = Said { status: Some(status.as_u16()), request_id, ..said(call, &words(&body, status, secrets)) };
            return Err(self.sort(said, status, &headers, &body, is_write));
        }
        let answer = Answer { headers, body, call: call.name, scope: call.scope, request_id };
        if is_cut { Err(answer.malformed(&format!("larger than {limit_bytes} bytes"))) } else { Ok(answer) }
    }
}

/// Milliseconds of an RFC 3339 time; `None` for nothing, for Go's zero time and for what is no time.
pub(super) fn at_ms(text: &str) -> Option<i64> {
    let at: Timestamp = text.parse().ok()?;
    Some(at.as_millisecond()).filter(|_| !text.starts_with("0001-01-01"))
}

/// Device, user and key ids have only these letters; anything else would change the path of the call.
pub(super) fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 128
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn refused_to_clone(call: &Call) -> TailscaleError {
    refused(call.name, "its body cannot be sent twice")
}

/// What a call ends with that would wait too long for its turn: what Tailscale said, and how long it is until then.
fn too_long(call: &Call, refused: Option<TailscaleError>, left: Duration) -> TailscaleError {
    let left_ms = i64::try_from(left.as_millis()).ok().filter(|left| *left > 0);
    match refused {
        Some(TailscaleError::RateLimited { said, retry_after_ms }) => {
            TailscaleError::RateLimited { said, retry_after_ms: retry_after_ms.or(left_ms) }
        }
        _ => {
            let said = said(call, "it limits our calls, and many wait");
            TailscaleError::RateLimited { said, retry_after_ms: left_ms }
        }
    }
}

fn said(call: &Call, message: &str) -> Said {
    Said { call: call.name, scope: call.scope, status: None, message: message.to_owned(), request_id: None }
}

fn unavailable(said: Said, may_have_happened: bool) -> TailscaleError {
    TailscaleError::Unavailable { said, retry_after_ms: None, may_have_happened }
}
