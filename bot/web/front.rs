//! The front door: what there is, what the reader holds and what waits for them; and the page of every address that is none.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use super::identity::{Caller, Identity};
use super::pages::{ICON, Pages, moment};
use super::wants_page;
use crate::engine::Engine;
use crate::engine::reading::ReadError;
use crate::kernel::link::path_escape;
use crate::kernel::paste::PasteId;
use crate::kernel::{Request as Asked, State as Life};
use crate::notices::pastes::size;
use crate::notices::words;
use crate::web::pastes::{author, title};

/// Of each list.
const EACH_MAX: usize = 8;

/// The front door as a surface. Cloning is cheap.
#[derive(Clone)]
pub struct FrontPage {
    engine: Engine,
    identity: Identity,
    pages: Pages,
}

impl FrontPage {
    /// For these pages of this engine.
    pub fn new(engine: Engine, identity: Identity, pages: Pages) -> Self {
        Self { engine, identity, pages }
    }

    /// `/`, the icon, and whatever nobody else answers.
    pub fn router(self) -> Router {
        Router::new()
            // Nothing is ever sent here, under whatever name: that is no address of ours.
            .route("/", get(front).fallback(nothing_here))
            .route("/favicon.ico", get(icon))
            .route("/icon.svg", get(icon))
            .fallback(nothing_here)
            .with_state(self)
    }

    /// `router`, with an answer to whoever uses an address of it in another way than it can be used.
    pub fn around(&self, router: Router) -> Router {
        let front = self.clone();
        router.method_not_allowed_fallback(async move |request: Request| not_so(&front, &request))
    }

    async fn facts(&self, caller: &Caller) -> Result<Value, String> {
        let mut facts = json!({
            "title": "Nightlatch", "user": "", "name": "", "is_known": false, "why_nobody": words::sentence(caller.why_nobody()),
            "waiting": [], "held": [], "asked": [], "links": self.links().await?, "pastes": [],
        });
        let Some(peer) = caller.person() else { return Ok(facts) };
        let mut set = |name: &str, value: Value| {
            if let Some(map) = facts.as_object_mut() {
                map.insert(name.to_owned(), value);
            }
        };
        set("user", json!(peer.login));
        set("name", json!(if peer.name.is_empty() { &peer.login } else { &peer.name }));
        set("pastes", self.pastes(caller).await?);
        let account = self.engine.account_of(&peer.login).await.map_err(told)?;
        if let Some(slack_id) = account {
            let (waiting, mine) =
                tokio::try_join!(self.engine.waiting_for(&slack_id), self.engine.mine(&slack_id)).map_err(told)?;
            let of = |wanted: fn(Life) -> bool| {
                rows(mine.iter().filter(|one| wanted(one.state)), self.engine.clock().now_ms())
            };
            set("is_known", json!(true));
            set("waiting", rows(waiting.iter(), self.engine.clock().now_ms()));
            set("held", of(|state| !matches!(state, Life::Pending | Life::Ended)));
            set("asked", of(|state| state == Life::Pending));
        }
        Ok(facts)
    }

    async fn links(&self) -> Result<Value, String> {
        if !self.pages.neighbours().has_links {
            return Ok(json!([]));
        }
        let links = self.engine.links();
        let mut top = links.top().await.map_err(|error| error.to_string())?;
        if top.is_empty() {
            // Nothing was followed yet.
            top = links.all().await.map_err(|error| error.to_string())?;
            top.sort_by_key(|counted| std::cmp::Reverse(counted.link.edited_at));
        }
        let row = |link: &crate::kernel::link::Link| json!({ "short": link.short, "path": path_escape(&link.short), "long": link.long });
        Ok(top.iter().take(EACH_MAX).map(|counted| row(&counted.link)).collect())
    }

    async fn pastes(&self, caller: &Caller) -> Result<Value, String> {
        let Some(peer) = caller.person().filter(|_| self.pages.neighbours().has_pastes) else { return Ok(json!([])) };
        let (pastes, now) = (self.engine.pastes(), self.engine.clock().now_ms());
        let mine = pastes.mine(&author(peer)).await.map_err(|error| error.to_string())?;
        let begins = pastes.begins(&mine).await.map_err(|error| error.to_string())?;
        let begin = |id: &PasteId| begins.get(id).map_or("", String::as_str);
        let row = |paste: &crate::kernel::paste::Paste| {
            json!({
                "id": paste.id.as_str(), "title": title(&paste.filename, begin(&paste.id)),
                "created": moment(paste.created_at, now), "size": size(paste.size_bytes),
            })
        };
        Ok(mine.iter().take(EACH_MAX).map(row).collect())
    }
}

fn told(error: ReadError) -> String {
    error.to_string()
}

fn rows<'r>(requests: impl Iterator<Item = &'r Asked>, now: i64) -> Value {
    let row = |request: &Asked| {
        json!({
            "emoji": words::emoji(request), "state": words::state_line(request),
            "title": words::one_line(&request.workflow.title, 80), "name": request.workflow.name,
            "who": words::one_line(&request.requester.name, 60),
            "device": request.device.as_ref().map(|device| words::one_line(&device.name, 63)).unwrap_or_default(),
            "hold": words::hold(request.lent_ms()), "reason": words::one_line(&request.reason, 200),
            "lapses": moment(request.lapses_at(), now), "ends": request.expires_at.map(|at| moment(at, now)),
        })
    };
    requests.take(EACH_MAX).map(row).collect()
}

/// `GET /`.
async fn front(State(front): State<FrontPage>, request: Request) -> Response {
    let caller = match front.identity.of(request.headers(), request.extensions()).await {
        Ok(caller) => caller,
        Err(error) => {
            tracing::warn!(%error, "it is not known who opens the front page");
            return front.said(StatusCode::SERVICE_UNAVAILABLE, "Nightlatch", &error.to_string());
        }
    };
    if let Some(why) = caller.refusal() {
        return front.said(StatusCode::FORBIDDEN, "Nightlatch", why);
    }
    match front.facts(&caller).await {
        Ok(facts) => front.pages.page(StatusCode::OK, "front.html", &facts),
        Err(error) => {
            tracing::error!(error, "the front page cannot be read");
            front.said(
                StatusCode::INTERNAL_SERVER_ERROR,
                "Nightlatch",
                "That could not be read just now; try again in a moment",
            )
        }
    }
}

impl FrontPage {
    fn said(&self, status: StatusCode, title: &str, words: &str) -> Response {
        self.pages.said(status, "said.html", title, &format!("{}.", words.trim_end_matches('.')))
    }
}

/// An address that is none: a page with the way to those that are; programs get a line.
async fn nothing_here(State(front): State<FrontPage>, request: Request) -> Response {
    if wants_page(request.headers()) {
        let words = "There is no page at this address. The menu above leads to those that are here";
        return front.said(StatusCode::NOT_FOUND, "Not found", words);
    }
    (StatusCode::NOT_FOUND, "there is nothing at this address\n").into_response()
}

/// An address that only answers to other methods: what is here can be read, and pastes of programs have an address of their own.
fn not_so(front: &FrontPage, request: &Request) -> Response {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    if wants_page(request.headers()) {
        let words = "Nothing was changed: this address cannot be used that way. Go back and try the button again";
        return front.said(status, "Not possible", words);
    }
    let (method, path) = (request.method(), request.uri().path());
    let hint = if path.starts_with("/paste") { "; programs post to /api/post" } else { "" };
    (status, format!("{method} is not possible at this address; nothing was changed{hint}\n")).into_response()
}

async fn icon() -> Response {
    let kept = HeaderValue::from_static("max-age=86400");
    ([(header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml")), (header::CACHE_CONTROL, kept)], ICON)
        .into_response()
}
