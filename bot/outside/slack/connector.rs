//! slack-morphism's calls through our network seam: limited in size, never redirected, with its own errors.

use std::future::ready;

use futures_util::future::{BoxFuture, FutureExt};
use http::StatusCode;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use serde::{Deserialize, Serialize};
use slack_morphism::errors::{
    SlackClientApiError, SlackClientError, SlackClientHttpError, SlackClientHttpProtocolError,
    SlackClientProtocolError, SlackClientSystemError, SlackRateLimitError,
};
use slack_morphism::multipart_form::FileMultipartData;
use slack_morphism::{
    ClientResult, SlackClientApiCallContext, SlackClientHttpConnector, SlackClientId, SlackClientSecret,
    SlackEnvelopeMessage,
};
use url::Url;

use super::call::ANSWER_BYTES_MAX;
use crate::outside::net::{Client, NetError};

/// Sends what slack-morphism puts together.
pub(super) struct Connector {
    client: Client,
    api_url: String,
}

impl Connector {
    pub(super) fn new(client: Client, api_url: &str) -> Self {
        Self { client, api_url: api_url.to_owned() }
    }

    async fn exchange<RS: for<'de> Deserialize<'de>>(
        &self,
        request: reqwest::RequestBuilder,
        context: SlackClientApiCallContext<'_>,
    ) -> ClientResult<RS> {
        let request = match context.token {
            Some(token) => request.bearer_auth(&token.token_value.0),
            None => request,
        };
        let mut answer = self.client.send(request).await.map_err(broken)?;
        let status = answer.status();
        let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|text| text.parse().ok()).map(std::time::Duration::from_secs);
        let is_json =
            answer.headers().get(CONTENT_TYPE).is_none_or(|kind| kind.as_bytes().starts_with(b"application/json"));
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|error| broken(error.into()))? {
            body.extend_from_slice(&piece);
            if body.len() > ANSWER_BYTES_MAX {
                return Err(system("an answer of more than 8 MiB"));
            }
        }
        match status {
            StatusCode::OK if is_json => read(&body),
            // An answer that is no JSON says nothing; whoever called sees that it does not even say `ok`.
            StatusCode::OK | StatusCode::NO_CONTENT => serde_json::from_slice(b"{}").map_err(unreadable),
            StatusCode::TOO_MANY_REQUESTS => {
                Err(SlackClientError::RateLimitError(SlackRateLimitError::new().opt_retry_after(retry_after)))
            }
            status => {
                let body = String::from_utf8_lossy(&body).into_owned();
                let error = SlackClientHttpError::new(status).with_http_response_body(body);
                Err(SlackClientError::HttpError(error))
            }
        }
    }
}

/// An answer that may hold an error instead of what was asked for.
fn read<RS: for<'de> Deserialize<'de>>(body: &[u8]) -> ClientResult<RS> {
    let envelope: SlackEnvelopeMessage = serde_json::from_slice(body).map_err(unreadable)?;
    match envelope.error {
        None => serde_json::from_slice(body).map_err(unreadable),
        Some(code) => {
            let body = String::from_utf8_lossy(body).into_owned();
            Err(SlackClientError::ApiError(SlackClientApiError::new(code).with_http_response_body(body)))
        }
    }
}

fn unreadable(error: serde_json::Error) -> SlackClientError {
    SlackClientError::ProtocolError(SlackClientProtocolError { json_error: error, json_body: None })
}

fn broken(error: NetError) -> SlackClientError {
    SlackClientError::HttpProtocolError(SlackClientHttpProtocolError::new().with_cause(Box::new(error)))
}

fn system(what: &str) -> SlackClientError {
    SlackClientError::SystemError(SlackClientSystemError::new().with_message(what.to_owned()))
}

fn unused<'a, RS: Send + 'a>() -> BoxFuture<'a, ClientResult<RS>> {
    ready(Err(system("a kind of call that we do not make"))).boxed()
}

impl SlackClientHttpConnector for Connector {
    fn http_get_uri<'a, RS>(
        &'a self,
        full_uri: Url,
        context: SlackClientApiCallContext<'a>,
    ) -> BoxFuture<'a, ClientResult<RS>>
    where
        RS: for<'de> Deserialize<'de> + Send + 'a,
    {
        self.exchange(self.client.request(reqwest::Method::GET, full_uri), context).boxed()
    }

    fn http_get_with_client_secret<'a, RS>(
        &'a self,
        _: Url,
        _: &'a SlackClientId,
        _: &'a SlackClientSecret,
    ) -> BoxFuture<'a, ClientResult<RS>>
    where
        RS: for<'de> Deserialize<'de> + Send + 'a,
    {
        unused()
    }

    fn http_post_uri<'a, RQ, RS>(
        &'a self,
        full_uri: Url,
        request_body: &'a RQ,
        context: SlackClientApiCallContext<'a>,
    ) -> BoxFuture<'a, ClientResult<RS>>
    where
        RQ: Serialize + Send + Sync,
        RS: for<'de> Deserialize<'de> + Send + 'a,
    {
        let body = match serde_json::to_vec(request_body) {
            Ok(body) => body,
            Err(_) => return ready(Err(system("a body that cannot be written as JSON"))).boxed(),
        };
        let request = self.client.request(reqwest::Method::POST, full_uri);
        self.exchange(request.header(CONTENT_TYPE, "application/json; charset=utf-8").body(body), context).boxed()
    }

    fn http_post_uri_multipart_form<'a, 'p, RS, PT, TS>(
        &'a self,
        _: Url,
        _: Option<FileMultipartData<'p>>,
        _: &'p PT,
        _: SlackClientApiCallContext<'a>,
    ) -> BoxFuture<'a, ClientResult<RS>>
    where
        RS: for<'de> Deserialize<'de> + Send + 'a,
        PT: IntoIterator<Item = (&'p str, Option<TS>)> + Clone,
        TS: AsRef<str> + 'p + Send,
    {
        unused()
    }

    fn http_post_uri_binary<'a, 'p, RS>(
        &'a self,
        _: Url,
        _: String,
        _: &'a [u8],
        _: SlackClientApiCallContext<'a>,
    ) -> BoxFuture<'a, ClientResult<RS>>
    where
        RS: for<'de> Deserialize<'de> + Send + 'a,
    {
        unused()
    }

    fn create_method_uri_path(&self, method_relative_uri: &str) -> ClientResult<Url> {
        Ok(format!("{}/{method_relative_uri}", self.api_url).parse()?)
    }
}
