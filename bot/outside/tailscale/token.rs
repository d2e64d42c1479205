//! OAuth client credentials: one token for many calls, renewed early, and by one caller for all.

use oauth2::basic::{BasicClient, BasicErrorResponse};
use oauth2::{AuthType, ClientId, ClientSecret, HttpRequest, HttpResponse, RequestTokenError, TokenResponse, TokenUrl};
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};

use super::pace::Turn;
use super::wire::{Call, OBJECT_LIMIT_BYTES, Sink, refused};
use super::{Tailscale, TailscaleError};

/// When a token says nothing about its life; Tailscale says 3600 seconds (apis/tailscale.md 1.2).
const LIFE_UNSAID_MS: i64 = 5 * 60 * 1000;
/// How long we go on with a living token after an early renewal failed.
const RENEWAL_PAUSE_MS: i64 = 60 * 1000;

/// A token that calls can be made with.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub secret: SecretString,
    /// 1 for the first; tells a refused token from its successor.
    pub number: u64,
    /// From here on it is renewed before it is used: at 5/6 of its life, 50 minutes for Tailscale's hour.
    renew_at: i64,
    expires_at: i64,
}

impl Tailscale {
    /// A token that is not number `refused_number` and is not due for renewal.
    pub(super) async fn token(
        &self,
        client_id: &str,
        secret: &SecretString,
        refused_number: Option<u64>,
    ) -> Result<Token, TailscaleError> {
        let clock = &self.inner.clock;
        let was_refused = |token: &Token| refused_number == Some(token.number);
        let is_fresh = |token: &Token| !was_refused(token) && clock.now_ms() < token.renew_at;
        self.inner
            .token
            .get(is_fresh, async |last| {
                let number = last.as_ref().map_or(1, |last| last.number.saturating_add(1));
                let failure = match self.new_token(client_id, secret, number).await {
                    Ok(token) => return Ok(token),
                    Err(failure) => failure,
                };
                let now_ms = clock.now_ms();
                match last.filter(|last| !was_refused(last) && now_ms < last.expires_at) {
                    Some(last) => {
                        tracing::warn!(error = %failure, "renewing the tailscale token failed, the old one still lives");
                        Ok(Token { renew_at: now_ms.saturating_add(RENEWAL_PAUSE_MS).min(last.expires_at), ..last })
                    }
                    None => Err(failure),
                }
            })
            .await
    }

    async fn new_token(&self, client_id: &str, secret: &SecretString, number: u64) -> Result<Token, TailscaleError> {
        const NAME: &str = "getting a token";
        let url = self.url(&["oauth", "token"]);
        let token_url = TokenUrl::new(url.to_string()).map_err(|error| refused(NAME, &error.to_string()))?;
        let client = BasicClient::new(ClientId::new(client_id.to_owned()))
            .set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()))
            .set_token_uri(token_url)
            .set_auth_type(AuthType::RequestBody);
        let call = Call {
            name: NAME,
            scope: None,
            method: Method::POST,
            url,
            accept: "application/json",
            body: None,
            limit_bytes: OBJECT_LIMIT_BYTES,
            limit: None,
        };
        let asked_at = self.inner.clock.now_ms();
        // Ends may wait for it too, so it goes first.
        let (tailscale, secret) = (Self { turn: Turn::End(0), ..self.clone() }, secret.clone());
        let http = move |request: HttpRequest| {
            // Owns what it uses: a future that borrows from a closure's surroundings cannot be sent to another thread.
            let (tailscale, call, secret) = (tailscale.clone(), call.clone(), secret.clone());
            async move { tailscale.exchange_for_oauth(&call, request, secret.expose_secret()).await }
        };
        let token = client.exchange_client_credentials().request_async(&http).await.map_err(|error| match error {
            RequestTokenError::Request(error) => error,
            // These hold the answer, which may hold a token: only say that there is something wrong with it.
            RequestTokenError::Parse(..) | RequestTokenError::Other(_) => no_token(NAME),
            RequestTokenError::ServerResponse(response) => refused_token(NAME, &response),
        })?;
        let life_ms =
            token.expires_in().map_or(LIFE_UNSAID_MS, |life| i64::try_from(life.as_millis()).unwrap_or(i64::MAX));
        Ok(Token {
            secret: SecretString::from(token.access_token().secret().to_owned()),
            number,
            renew_at: asked_at.saturating_add(life_ms / 6 * 5),
            expires_at: asked_at.saturating_add(life_ms),
        })
    }

    /// Our exchange in the shape the `oauth2` crate wants its HTTP client to have.
    async fn exchange_for_oauth(
        &self,
        call: &Call,
        request: HttpRequest,
        secret: &str,
    ) -> Result<HttpResponse, TailscaleError> {
        let request =
            reqwest::Request::try_from(request).map_err(|_| refused(call.name, "no request could be made"))?;
        let answer = self.exchange(call, request, &[secret], &mut Sink::Whole).await.map_err(refused_client)?;
        let mut response = HttpResponse::new(answer.body);
        *response.headers_mut() = answer.headers;
        Ok(response)
    }
}

/// Whatever 4xx the token endpoint answers, it is about our credential: `invalid_client` comes as 400 or 401 (RFC 6749,
/// 5.2), and a client that was just made is unknown for a moment (apis/tailscale.md 1.2).
fn refused_client(error: TailscaleError) -> TailscaleError {
    match error {
        TailscaleError::Rejected(said) if said.status.is_some_and(|status| status < 400) => {
            TailscaleError::Rejected(said)
        }
        TailscaleError::Rejected(said) | TailscaleError::NotFound(said) | TailscaleError::MissingScopeOrPlan(said)
            if said.status.is_some() =>
        {
            TailscaleError::Unauthorized(said)
        }
        other => other,
    }
}

fn no_token(call: &'static str) -> TailscaleError {
    TailscaleError::Malformed(super::Said {
        call,
        scope: None,
        status: Some(200),
        message: "there is no token in it".to_owned(),
        request_id: None,
    })
}

fn refused_token(call: &'static str, response: &BasicErrorResponse) -> TailscaleError {
    refused(call, &response.to_string())
}
