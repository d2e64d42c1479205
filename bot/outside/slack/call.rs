//! One call to the Web API: sent through slack-morphism's raw client over our own connector, limited in time, its answer checked by us.
//!
//! slack-morphism's typed calls are not used (`apis/slack.md` section 21.4): they lose fields, take "no error" for
//! success, and quote whole bodies in errors. Reads go as a POSTed form through reqwest: Slack does not read JSON bodies
//! of read methods, a form works for every method (section 11), and slack-morphism can only GET, which puts e-mail
//! addresses into the query.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use slack_morphism::errors::SlackClientError;
use slack_morphism::{SlackApiToken, SlackApiTokenValue, SlackClient, SlackClientSession};
use url::Url;

use super::connector::Connector;
use super::error::SlackError;
use super::pace::Method;
use super::{Slack, SlackSettings};
use crate::outside::contacts::Refused;
use crate::outside::net::{Client, NetError};

/// As it is called in metrics.
const SERVICE: &str = "slack";

/// The client below us and the tokens it sends.
pub(super) struct Wire {
    client: SlackClient<Connector>,
    bot_token: SecretString,
    app_token: Option<SecretString>,
    call_limit: Duration,
    reader: Client,
    api_url: String,
    scopes: Mutex<Option<BTreeSet<String>>>,
}

/// The largest answer of a read: `usergroups.list` of a big workspace is the largest we ask for.
pub(super) const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Which of the two tokens a method wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Bot,
    App,
}

/// How the arguments travel.
#[derive(Clone, Debug)]
pub(super) enum Arguments {
    /// Writes: a JSON body by POST.
    Json(Value),
    /// Reads: a form by POST; `None` is left out.
    Form(Vec<(&'static str, Option<String>)>),
}

impl Wire {
    pub(super) fn new(settings: &SlackSettings, api_url: &str, client: Client) -> Self {
        Self {
            client: SlackClient::new(Connector::new(client.clone(), api_url)),
            bot_token: settings.bot_token.clone(),
            app_token: settings.app_token.clone(),
            call_limit: settings.call_limit,
            reader: client,
            api_url: api_url.to_owned(),
            scopes: Mutex::default(),
        }
    }

    pub(super) fn bot_token(&self) -> &SecretString {
        &self.bot_token
    }

    async fn send(&self, method: Method, token: Token, arguments: &Arguments) -> Result<Value, SlackError> {
        let secret = match (token, &self.app_token) {
            (Token::App, Some(app_token)) => app_token,
            _ => &self.bot_token,
        };
        match arguments {
            Arguments::Json(body) => {
                let token = SlackApiToken::new(SlackApiTokenValue(secret.expose_secret().to_owned()));
                let session: SlackClientSession<'_, Connector> = self.client.open_session(&token);
                let sent = session.http_session_api.http_post(method.name, body, None).await;
                sent.map_err(|error| translate(method, error))
            }
            Arguments::Form(fields) => self.read(method, secret, fields).await,
        }
    }

    /// What the last answer to a read with the bot token said the app may do.
    pub(super) fn scopes(&self) -> Option<BTreeSet<String>> {
        self.scopes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn read(
        &self,
        method: Method,
        secret: &SecretString,
        fields: &[(&'static str, Option<String>)],
    ) -> Result<Value, SlackError> {
        let fields: Vec<_> = fields.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
        let url = Url::parse(&format!("{}/{}", self.api_url, method.name));
        let url = url.map_err(|_| method.unavailable("not an address", false))?;
        let request = self.reader.request(reqwest::Method::POST, url).bearer_auth(secret.expose_secret()).form(&fields);
        let sent = self.reader.send(request).await;
        let mut answer = sent.map_err(|error| {
            let detail = if error.is_timeout() { "no answer in time" } else { "no connection" };
            method.unavailable(detail, !error.is_connect())
        })?;
        let scopes = answer.headers().get("x-oauth-scopes").and_then(|scopes| scopes.to_str().ok());
        if let Some(scopes) = scopes.filter(|_| std::ptr::eq(secret, &self.bot_token)) {
            let scopes = scopes.split(',').map(|scope| scope.trim().to_owned()).filter(|scope| !scope.is_empty());
            *self.scopes.lock().unwrap_or_else(PoisonError::into_inner) = Some(scopes.collect());
        }
        let status = answer.status();
        let retry_after = answer.headers().get(reqwest::header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<u32>().ok());
        if status == reqwest::StatusCode::TOO_MANY_REQUESTS {
            let asked = retry_after.map_or(super::error::RETRY_AFTER_DEFAULT_MS, |seconds| i64::from(seconds) * 1_000);
            return Err(SlackError::RateLimited { method: method.name, retry_after_ms: asked.max(1_000) });
        }
        if status.is_server_error() {
            return Err(method.unavailable(&format!("http status {}", status.as_u16()), true));
        }
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|_| method.unavailable("the connection broke", true))? {
            body.extend_from_slice(&piece);
            if body.len() > ANSWER_BYTES_MAX {
                return Err(method.malformed("an answer of more than 8 MiB"));
            }
        }
        serde_json::from_slice(&body)
            .map_err(|_| method.malformed(&format!("no JSON, http status {}", status.as_u16())))
    }
}

impl Slack {
    /// Calls `method` once, or not at all if that would be too fast. `channel` counts for posts only.
    pub(super) async fn call(
        &self,
        method: Method,
        channel: &str,
        token: Token,
        arguments: Arguments,
    ) -> Result<Value, SlackError> {
        self.inner.pace.take(method, channel)?;
        let sent = self.inner.wire.send(method, token, &arguments);
        let answer = match tokio::time::timeout(self.inner.wire.call_limit, sent).await {
            Ok(answer) => answer,
            Err(_) => return Err(method.unavailable("no answer in time", true)),
        };
        let result = match answer {
            Ok(body) if body.get("ok") == Some(&Value::Bool(true)) => Ok(body),
            Ok(body) => Err(SlackError::from_body(method.name, &body)
                .unwrap_or_else(|| method.malformed("neither ok nor an error code"))),
            Err(error) => Err(error),
        };
        self.note(method, token, &result);
        if let Err(SlackError::RateLimited { retry_after_ms, .. }) = result {
            let retry_after_ms = self.inner.pace.block(method, channel, Some(retry_after_ms));
            return Err(SlackError::RateLimited { method: method.name, retry_after_ms });
        }
        result
    }

    /// What a person has to do something about is told where it is seen.
    fn note(&self, method: Method, token: Token, result: &Result<Value, SlackError>) {
        let contacts = &self.inner.contacts;
        match result {
            Ok(_) => contacts.works(SERVICE, method.name),
            Err(error) if error.needs_a_person() => {
                let refused = Refused {
                    service: SERVICE,
                    what: error.to_string(),
                    advice: error.advice().unwrap_or_default(),
                    // The token for sockets is another one.
                    is_everything: error.is_fatal_auth() && token == Token::Bot,
                };
                contacts.refused(method.name, refused);
            }
            Err(_) => {}
        }
    }

    /// A write with the bot token.
    pub(super) async fn write(&self, method: Method, channel: &str, body: Value) -> Result<Value, SlackError> {
        self.call(method, channel, Token::Bot, Arguments::Json(body)).await
    }

    /// A read with the bot token.
    pub(super) async fn read(
        &self,
        method: Method,
        query: Vec<(&'static str, Option<String>)>,
    ) -> Result<Value, SlackError> {
        self.call(method, "", Token::Bot, Arguments::Form(query)).await
    }
}

/// Their error into ours. Theirs quotes whole bodies, so nothing of its text is kept.
fn translate(method: Method, error: SlackClientError) -> SlackError {
    match error {
        SlackClientError::ApiError(error) => {
            let body = error.http_response_body.as_deref().and_then(|body| serde_json::from_str::<Value>(body).ok());
            let body = body.unwrap_or_else(|| serde_json::json!({ "error": error.code }));
            SlackError::from_body(method.name, &body).unwrap_or_else(|| method.malformed("an error without a code"))
        }
        SlackClientError::RateLimitError(error) => {
            let wait = error.retry_after.map(|wait| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
            let retry_after_ms = wait.unwrap_or(super::error::RETRY_AFTER_DEFAULT_MS);
            SlackError::RateLimited { method: method.name, retry_after_ms }
        }
        SlackClientError::HttpError(error) => {
            let body = error.http_response_body.as_deref().and_then(|body| serde_json::from_str::<Value>(body).ok());
            let status = error.status_code;
            if status.is_server_error() {
                return method.unavailable(&format!("http status {}", status.as_u16()), true);
            }
            body.and_then(|body| SlackError::from_body(method.name, &body))
                .unwrap_or_else(|| method.malformed(&format!("http status {}", status.as_u16())))
        }
        SlackClientError::HttpProtocolError(error) => {
            let cause = error.cause.as_ref().and_then(|cause| cause.downcast_ref::<NetError>());
            match cause {
                Some(cause) if cause.is_connect() => method.unavailable("no connection", false),
                Some(cause) if cause.is_timeout() => method.unavailable("no answer in time", true),
                _ => method.unavailable("the connection broke", true),
            }
        }
        SlackClientError::ProtocolError(_) => method.malformed("not the JSON we know"),
        SlackClientError::SystemError(_)
        | SlackClientError::EndOfStream(_)
        | SlackClientError::SocketModeProtocolError(_) => method.unavailable("the call failed on our side", true),
    }
}
