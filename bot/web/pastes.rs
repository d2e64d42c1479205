//! Pastes as plain text, for the people of this tailnet, below `/paste/`. Pages with highlighting are still to come.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::identity::{Identity, is_from_internet};
use crate::engine::Engine;
use crate::kernel::paste::PasteId;

#[derive(Clone)]
struct Pages {
    engine: Engine,
    identity: Identity,
}

/// `/paste/{id}` and `/paste/{id}/raw`: the text as it was pasted; 404 once it is deleted or its time is up.
pub fn router(engine: Engine, identity: Identity) -> Router {
    Router::new()
        .route("/paste/list", get(list))
        .route("/paste/{id}", get(show))
        .route("/paste/{id}/raw", get(show))
        .with_state(Pages { engine, identity })
}

fn says(status: StatusCode, text: &str) -> Response {
    (status, format!("{text}\n")).into_response()
}

/// Never anything a browser would run, whatever was pasted.
fn plain(text: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, text).into_response()
}

impl Pages {
    /// An answer for those who may not read.
    async fn refusal(&self, asked: &Parts) -> Option<Response> {
        const NOT_YOU: &str = "pastes are for the people of this tailnet";
        if is_from_internet(&asked.headers) {
            return Some(says(StatusCode::FORBIDDEN, NOT_YOU));
        }
        match self.identity.of(&asked.headers, &asked.extensions).await {
            Ok(caller) if caller.may_read() => None,
            Ok(_) => Some(says(StatusCode::FORBIDDEN, NOT_YOU)),
            Err(error) => Some(says(StatusCode::SERVICE_UNAVAILABLE, &error.to_string())),
        }
    }
}

/// The newest hundred, an address and a name a line.
async fn list(State(pages): State<Pages>, asked: Parts) -> Response {
    if let Some(refusal) = pages.refusal(&asked).await {
        return refusal;
    }
    let pastes = pages.engine.pastes();
    match pastes.page_of(100, 0).await {
        Ok(found) => plain(found.iter().map(|paste| format!("{}  {}\n", pastes.page(paste), paste.filename)).collect()),
        Err(error) => says(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

async fn show(State(pages): State<Pages>, Path(id): Path<String>, asked: Parts) -> Response {
    if let Some(refusal) = pages.refusal(&asked).await {
        return refusal;
    }
    let gone = || says(StatusCode::NOT_FOUND, "there is no such paste, or it is gone");
    let Some(id) = PasteId::read(&id) else { return gone() };
    let pastes = pages.engine.pastes();
    let found = match pastes.find(&id).await {
        Ok(Some(_)) => pastes.content(&id).await,
        Ok(None) => return gone(),
        Err(error) => Err(error),
    };
    match found {
        Ok(Some(text)) => plain(text),
        Ok(None) => gone(),
        Err(error) => says(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}
