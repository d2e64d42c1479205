//! Pastes in the browser and for programs: tclip's HTTP interface (`/api/post`, `/paste/ID`, `raw`, `dl`, `md`) and pages.
//!
//! Whoever knows the address of a paste and is in the tailnet may read it, as at tclip; to paste, list or delete the tailnet
//! must know who it is. Where tclip answers a missing paste with an error page and status 500, we say 404.

mod api;
mod form;
mod highlight;
mod markdown;
mod show;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{Extensions, HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{any, get, post};

use super::identity::{Caller, Identity};
use super::pages::Pages;
use super::wants_page;
use crate::engine::Engine;
use crate::engine::pastes::{PasteError, Pastes};
use crate::kernel::paste::{Author, PasteRefusal};
use highlight::Highlighted;
use markdown::Drawing;
pub(super) use show::title;

/// The pastes as a surface. Cloning is cheap.
#[derive(Clone)]
pub struct PastePages {
    engine: Engine,
    identity: Identity,
    pages: Pages,
    highlighted: Highlighted,
    drawing: Drawing,
}

impl PastePages {
    /// The pastes of this engine.
    pub fn new(engine: Engine, identity: Identity, pages: Pages) -> Self {
        Self { engine, identity, pages, highlighted: Highlighted::default(), drawing: Drawing::default() }
    }

    /// The addresses, all below `/paste` and `/api`.
    pub fn router(self) -> Router {
        Router::new()
            .route("/api/post", any(api::submit))
            .route("/api/delete/{id}", any(api::delete))
            .route("/paste", get(show::new))
            .route("/paste/", get(show::new))
            .route("/paste/list", get(show::list))
            .route("/paste/{id}", get(show::page))
            .route("/paste/{id}/delete", post(api::delete_from_page))
            .route("/paste/{id}/{how}", get(show::other))
            // `form` sees to the size; a text in three bytes a byte is larger than axum's own limit.
            .layer(DefaultBodyLimit::disable())
            .layer(middleware::from_fn(in_plain_words))
            .with_state(self)
    }

    fn pastes(&self) -> &Pastes {
        self.engine.pastes()
    }

    /// Who asks; an answer if they may not look.
    async fn reader(&self, headers: &HeaderMap, extensions: &Extensions) -> Result<Caller, Response> {
        match self.identity.of(headers, extensions).await {
            Ok(caller) => match caller.refusal() {
                Some(why) => Err(self.said(StatusCode::FORBIDDEN, &format!("{why}."))),
                None => Ok(caller),
            },
            Err(error) => {
                tracing::warn!(%error, "it is not known who asks for pastes");
                Err(self.said(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()))
            }
        }
    }

    /// The person of the tailnet who asks; an answer if it is none.
    async fn person(&self, headers: &HeaderMap, extensions: &Extensions) -> Result<Author, Response> {
        let caller = self.reader(headers, extensions).await?;
        caller.person().map(author).ok_or_else(|| {
            let words = format!(
                "For this the tailnet must know who you are: come from a device of your own in the tailnet, not from a \
                 tagged one; {}. Reading a paste needs only its address.",
                caller.why_nobody()
            );
            self.said(StatusCode::FORBIDDEN, &words)
        })
    }

    /// A page with a sentence or two; programs get the sentence alone.
    fn said(&self, status: StatusCode, words: &str) -> Response {
        let mut page = self.pages.said(status, "pastes/said.html", "Pastes", words);
        page.extensions_mut().insert(Said(words.into()));
        page
    }

    /// What a refusal or failure is in HTTP.
    fn failed(&self, error: &PasteError) -> Response {
        let status = match error {
            PasteError::Refused(PasteRefusal::Gone) => StatusCode::NOT_FOUND,
            PasteError::Refused(PasteRefusal::NotYours { .. } | PasteRefusal::Held) | PasteError::NotYou(_) => {
                StatusCode::FORBIDDEN
            }
            PasteError::Refused(PasteRefusal::TooLarge { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
            PasteError::Refused(_) => StatusCode::BAD_REQUEST,
            PasteError::Elsewhere { .. } => StatusCode::CONFLICT,
            PasteError::Unknown(_) | PasteError::Tclip(_) => StatusCode::SERVICE_UNAVAILABLE,
            PasteError::NotSaved(error) => {
                tracing::error!(error, "a paste could not be saved or read");
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        let words = match error {
            PasteError::Refused(why) => why.to_string(),
            PasteError::NotSaved(_) => "that could not be saved or read just now; try again in a moment".to_owned(),
            other => other.to_string(),
        };
        self.said(status, &format!("{words}."))
    }

    fn gone(&self) -> Response {
        let words = "There is no paste here. It was deleted, or its time was up, or the address is not whole.";
        self.said(StatusCode::NOT_FOUND, words)
    }
}

/// What a page says, beside the page.
#[derive(Clone)]
struct Said(Arc<str>);

/// Who does not ask for a page, like curl and tclip's own client, reads what was said as a line of text.
async fn in_plain_words(request: Request, next: Next) -> Response {
    let wants_page = wants_page(request.headers());
    let answer = next.run(request).await;
    match answer.extensions().get::<Said>() {
        Some(Said(words)) if !wants_page => api::plain(answer.status(), words),
        _ => answer,
    }
}

pub(super) fn author(peer: &crate::outside::tailscaled::Peer) -> Author {
    let name = if peer.name.is_empty() { peer.login.clone() } else { peer.name.clone() };
    Author { slack_id: None, login: Some(peer.login.to_lowercase()), name }
}

/// Whether a browser sends this because of another site. Programs send none of these headers.
fn is_from_another_site(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text("sec-fetch-site") {
        return !matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text(header::ORIGIN.as_str()) else { return false };
    let host = text("x-forwarded-host").or_else(|| text(header::HOST.as_str())).unwrap_or_default();
    origin.split_once("://").is_none_or(|(_, authority)| authority != host)
}
