//! A tclip on loopback: as strict as the real one, with its odd answers, for tests and for those who want to look.
//!
//! Facts: tclip's source (`cmd/tclipd/main.go`) at commit c460fa2. Who calls is told by the world, not by a tailnet.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{any, get, post};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use nightlatch_clock::Ids;

/// Go's `maxFormSize`.
const FORM_MAX_BYTES: usize = 10 * 1024 * 1024;
/// As many are on one page of its list.
const PAGE: usize = 25;
/// A call that hangs is let go after this long.
const HANG_AT_MOST: Duration = Duration::from_secs(600);

/// A paste as tclip keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TclipPaste {
    /// UUID.
    pub id: String,
    /// Its file name.
    pub filename: String,
    /// Its text.
    pub content: String,
    /// Who posted it, by tailnet login or device.
    pub owner: String,
}

/// One call as it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TclipCall {
    /// `POST /api/post`.
    pub line: String,
    /// Of the request.
    pub content_type: String,
    /// Of the request.
    pub accept: String,
    /// Of the request, as it came.
    pub body: String,
    /// Of the answer; 0 while it hangs.
    pub status: u16,
}

/// What goes wrong with the calls to come, until it is taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TclipFault {
    /// No answer.
    Hang,
    /// Done, and no answer.
    LostReply,
    /// An error page.
    Fails,
    /// So many times: its database is busy with somebody else's paste.
    Busy(u32),
    /// A no, in these words.
    Refuses(String),
    /// Sent to another address, as a proxy in front would.
    Redirects(String),
    /// The bot's Accept is lost on the way.
    LosesAccept,
}

#[derive(Default)]
struct World {
    caller: String,
    pastes: Vec<TclipPaste>,
    calls: Vec<TclipCall>,
    fault: Option<TclipFault>,
}

/// A running tclip. Clones share it; it stops when the last one is dropped.
#[derive(Clone)]
pub struct TclipWorld {
    world: Arc<Mutex<World>>,
    ids: Ids,
    stopped: CancellationToken,
    address: SocketAddr,
    _life: Option<Arc<DropGuard>>,
}

impl TclipWorld {
    /// Starts one on a free loopback port; calls come from the device `caller`.
    ///
    /// # Errors
    /// No port can be bound.
    pub async fn start(caller: &str) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let stopped = CancellationToken::new();
        let served = Self {
            world: Arc::new(Mutex::new(World { caller: caller.to_owned(), ..World::default() })),
            ids: Ids::counted(),
            stopped: stopped.clone(),
            address: listener.local_addr()?,
            _life: None,
        };
        let router = Router::new()
            .route("/api/post", any(submit))
            .route("/api/delete/{id}", any(delete))
            .route("/paste/list", get(list))
            .route("/paste/{id}", get(show_page))
            .route("/paste/{id}/{how}", get(show))
            .route("/", post(not_found).get(not_found))
            .fallback(not_found)
            .layer(axum::extract::DefaultBodyLimit::max(2 * FORM_MAX_BYTES))
            .with_state(served.clone());
        let until = stopped.clone().cancelled_owned();
        tokio::spawn(async move { axum::serve(listener, router).with_graceful_shutdown(until).await });
        Ok(Self { _life: Some(Arc::new(stopped.drop_guard())), ..served })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything pasted, oldest first.
    pub fn pastes(&self) -> Vec<TclipPaste> {
        self.world().pastes.clone()
    }

    /// Every call so far.
    pub fn calls(&self) -> Vec<TclipCall> {
        self.world().calls.clone()
    }

    /// From now on calls go wrong like this, or not at all.
    pub fn fail(&self, fault: Option<TclipFault>) {
        self.world().fault = fault;
    }

    /// From now on calls come from another device.
    pub fn become_caller(&self, caller: &str) {
        self.world().caller = caller.to_owned();
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a call and its answer.
    fn note(&self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8], response: &Response) {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let call = TclipCall {
            line: format!("{method} {uri}"),
            content_type: text(header::CONTENT_TYPE),
            accept: text(header::ACCEPT),
            body: String::from_utf8_lossy(body).into_owned(),
            status: response.status().as_u16(),
        };
        self.world().calls.push(call);
    }

    /// What a fault answers before anything is done.
    async fn spoil(&self) -> Option<Response> {
        let fault = self.world().fault.clone()?;
        match fault {
            TclipFault::Hang => {
                drop(tokio::time::timeout(HANG_AT_MOST, self.stopped.cancelled()).await);
                Some(StatusCode::GATEWAY_TIMEOUT.into_response())
            }
            TclipFault::Fails => Some(oh_noes("disk I/O error", StatusCode::INTERNAL_SERVER_ERROR)),
            TclipFault::Busy(times) => {
                self.world().fault = (times > 1).then(|| TclipFault::Busy(times - 1));
                Some(oh_noes("database is locked (5) (SQLITE_BUSY)", StatusCode::INTERNAL_SERVER_ERROR))
            }
            TclipFault::Refuses(why) => Some((StatusCode::BAD_REQUEST, format!("{why}\n")).into_response()),
            TclipFault::Redirects(to) => Some((StatusCode::FOUND, [(header::LOCATION, to)]).into_response()),
            TclipFault::LostReply | TclipFault::LosesAccept => None,
        }
    }
}

async fn submit(
    State(tclip): State<TclipWorld>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let response = match tclip.spoil().await {
        Some(response) => response,
        None => submitted(&tclip, &headers, &body),
    };
    tclip.note(&method, &uri, &headers, &body, &response);
    if tclip.world().fault == Some(TclipFault::LostReply) {
        drop(tokio::time::timeout(HANG_AT_MOST, tclip.stopped.cancelled()).await);
    }
    response
}

fn submitted(tclip: &TclipWorld, headers: &HeaderMap, body: &[u8]) -> Response {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let refused = |why: &str| (StatusCode::BAD_REQUEST, format!("{why}\n")).into_response();
    // Multipart is left out: nothing of ours sends it.
    if text(header::CONTENT_TYPE) != "application/x-www-form-urlencoded" {
        return refused("bad content-type, should be a form");
    }
    if body.len() > FORM_MAX_BYTES {
        return refused("http: POST too large");
    }
    let fields: std::collections::HashMap<String, String> = url::form_urlencoded::parse(body).into_owned().collect();
    if !fields.contains_key("filename") && !fields.contains_key("content") {
        return refused("include form values filename and data");
    }
    let mut world = tclip.world();
    let filename = fields.get("filename").filter(|name| !name.is_empty()).map_or("untitled", String::as_str);
    let paste = TclipPaste {
        id: tclip.ids.uuid(),
        filename: filename.to_owned(),
        content: fields.get("content").cloned().unwrap_or_default(),
        owner: world.caller.clone(),
    };
    let url = format!("https://paste.example-tailnet.ts.net/paste/{}", paste.id);
    world.pastes.push(paste);
    if text(header::ACCEPT) == "text/plain" && world.fault != Some(TclipFault::LosesAccept) {
        return url.into_response();
    }
    (StatusCode::SEE_OTHER, [(header::LOCATION, url)]).into_response()
}

async fn delete(
    State(tclip): State<TclipWorld>,
    Path(id): Path<String>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let response = match tclip.spoil().await {
        Some(response) => response,
        None if method != Method::GET => (StatusCode::METHOD_NOT_ALLOWED, "must GET\n").into_response(),
        None => deleted(&tclip, &id),
    };
    tclip.note(&method, &uri, &headers, &[], &response);
    response
}

fn deleted(tclip: &TclipWorld, id: &str) -> Response {
    let mut world = tclip.world();
    let Some(paste) = world.pastes.iter().find(|paste| paste.id == id) else {
        return oh_noes("sql: no rows in result set", StatusCode::INTERNAL_SERVER_ERROR);
    };
    if paste.owner != world.caller {
        return oh_noes("can only delete your pastes", StatusCode::FORBIDDEN);
    }
    world.pastes.retain(|paste| paste.id != id);
    (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "/")]).into_response()
}

#[derive(Deserialize)]
struct Page {
    page: Option<usize>,
}

async fn list(State(tclip): State<TclipWorld>, Query(page): Query<Page>, uri: Uri, headers: HeaderMap) -> Response {
    let response = match tclip.spoil().await {
        Some(response) => response,
        None => {
            let world = tclip.world();
            let listed = world.pastes.iter().rev().skip(page.page.unwrap_or(0).saturating_mul(PAGE)).take(PAGE);
            let lines: String = listed
                .map(|paste| {
                    let (id, name, owner) = (&paste.id, escaped(&paste.filename), escaped(&paste.owner));
                    format!(
                        "<li>\n<a class=\"x\"\n href=\"/paste/{id}\">{name}</a> - 2026-01-01 10:00 - {owner}\n</li>\n"
                    )
                })
                .collect();
            Html(format!("<html><ul>{lines}</ul><a href=\"/paste/list?page=1\">Next</a></html>")).into_response()
        }
    };
    tclip.note(&Method::GET, &uri, &headers, &[], &response);
    response
}

async fn show_page(state: State<TclipWorld>, Path(id): Path<String>, uri: Uri, headers: HeaderMap) -> Response {
    show(state, Path((id, String::new())), uri, headers).await
}

async fn show(
    State(tclip): State<TclipWorld>,
    Path((id, how)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let response = match tclip.spoil().await {
        Some(response) => response,
        None => {
            let paste = tclip.world().pastes.iter().find(|paste| paste.id == id).cloned();
            let plain = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
            match (paste, how.as_str()) {
                (None, _) => {
                    let why = format!("can't find paste {id}: sql: no rows in result set");
                    oh_noes(&why, StatusCode::INTERNAL_SERVER_ERROR)
                }
                (Some(paste), "raw") => (plain, paste.content).into_response(),
                (Some(paste), "dl") => downloaded(&paste),
                (Some(paste), _) => Html(format!("<pre>{}</pre>", escaped(&paste.content))).into_response(),
            }
        }
    };
    tclip.note(&Method::GET, &uri, &headers, &[], &response);
    response
}

fn downloaded(paste: &TclipPaste) -> Response {
    let mut answer = paste.content.clone().into_response();
    // Go's `%q`, as far as names of files need it; what is not ASCII goes as it is.
    let quoted = paste.filename.replace('\\', "\\\\").replace('"', "\\\"");
    if let Ok(value) = header::HeaderValue::from_bytes(format!("attachment; filename=\"{quoted}\"").as_bytes()) {
        answer.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    answer
}

async fn not_found() -> Html<&'static str> {
    // With status 200, as tclip does.
    Html("<html><body>Not found</body></html>")
}

/// Built as tclip's is: what went wrong stands last and preformatted, below a heading and some kind words.
fn oh_noes(why: &str, status: StatusCode) -> Response {
    let kind_words = "Something went wrong with what you asked for. ".repeat(5);
    let page = format!(
        "<!DOCTYPE html>\n<html><head><title>Oh noes!</title></head><body><h1><a href=\"/\">tclip/</a></h1>\n\
         <h1 class=\"x\">Oh noes!</h1>\n<p>{kind_words}</p>\n<code>\n<pre class=\"x\">\n            {}\n</pre>\n</code>\n\
         <footer>tclip</footer></body></html>",
        escaped(why)
    );
    (status, Html(page)).into_response()
}

/// As Go's `html/template` does.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&#34;").replace('\'', "&#39;").replace('+', "&#43;")
}
