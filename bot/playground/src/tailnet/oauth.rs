//! Tokens: given out for client credentials, asked for on every other call.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use url::form_urlencoded;

use super::reply::{Caller, Incoming, Reply};
use super::state::{Actor, Client, State, Token};

/// The life of a token; fixed by Tailscale (apis/tailscale.md 1.2).
const LIFE_SECONDS: i64 = 3600;

/// `POST /oauth/token`: the secret in the form or as HTTP Basic.
pub(super) fn token(state: &mut State, incoming: &Incoming) -> Reply {
    if !incoming.content_type.starts_with("application/x-www-form-urlencoded") {
        return refusal(400, "invalid_request", "the body must be a form");
    }
    let form: Vec<(String, String)> = form_urlencoded::parse(&incoming.body).into_owned().collect();
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    if field("grant_type").is_some_and(|grant| grant != "client_credentials") {
        return refusal(400, "unsupported_grant_type", "grant_type must be client_credentials");
    }
    let by_form = || Some((field("client_id")?, field("client_secret")?));
    let Some((id, secret)) = basic(&incoming.authorization).or_else(by_form) else {
        return refusal(401, "invalid_client", "client authentication is missing");
    };
    let is_it = |client: &&Client| client.is_oauth && client.id == id && client.secret == secret;
    let Some(client) = state.clients.iter().find(is_it).cloned() else {
        return refusal(401, "invalid_client", "unknown client or wrong secret");
    };
    let scopes: Vec<String> = match field("scope").filter(|scope| !scope.is_empty()) {
        Some(scope) => scope.split(' ').map(str::to_owned).collect(),
        None => client.scopes.clone(),
    };
    let has = |scope: &String| caller(&client, client.scopes.clone()).may(scope);
    if !scopes.iter().all(has) {
        return refusal(400, "invalid_scope", "the client does not have that scope");
    }
    state.tokens_issued = state.tokens_issued.saturating_add(1);
    let text = format!("tskey-api-{}-canarytailscaletoken{:06}", client.id, state.tokens_issued);
    state.tokens.retain(|token| token.expires_at > incoming.now_ms);
    state.tokens.push(Token {
        text: text.clone(),
        client_id: client.id,
        scopes: scopes.clone(),
        expires_at: incoming.now_ms.saturating_add(LIFE_SECONDS * 1000),
    });
    Reply::json(&json!({
        "access_token": text,
        "token_type": "Bearer",
        "expires_in": LIFE_SECONDS,
        "scope": scopes.join(" "),
    }))
}

/// Who calls; one answer for a missing, wrong, expired and revoked token (apis/tailscale.md 1.4).
pub(super) fn caller_of(state: &State, incoming: &Incoming) -> Result<Caller, Reply> {
    let bearer = incoming.authorization.strip_prefix("Bearer ").map(str::to_owned);
    let text = bearer.or_else(|| basic(&incoming.authorization).map(|(name, _)| name)).unwrap_or_default();
    let client_of = |id: &str| state.clients.iter().find(|client| client.id == id);
    if let Some(key) = state.clients.iter().find(|client| !client.is_oauth && client.secret == text) {
        return Ok(caller(key, key.scopes.clone()));
    }
    let is_it = |token: &&Token| token.text == text && token.expires_at > incoming.now_ms;
    let token = state.tokens.iter().find(is_it);
    token
        .and_then(|token| Some(caller(client_of(&token.client_id)?, token.scopes.clone())))
        .ok_or_else(|| Reply::error(401, "API token invalid"))
}

fn caller(client: &Client, scopes: Vec<String>) -> Caller {
    let kind = if client.is_oauth { "OAUTH_CLIENT" } else { "USER" };
    Caller { client_id: client.id.clone(), scopes, actor: Actor { id: client.id.clone(), kind } }
}

fn basic(authorization: &str) -> Option<(String, String)> {
    let bytes = STANDARD.decode(authorization.strip_prefix("Basic ")?).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

/// RFC 6749, 5.2.
fn refusal(status: u16, error: &str, description: &str) -> Reply {
    Reply::text(status, "application/json", json!({ "error": error, "error_description": description }).to_string())
}
