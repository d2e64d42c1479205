//! A service of the company's own, as `http.request` calls one: it freezes deploys. It knows who calls by a token, does the same thing once
//! for one `Idempotency-Key`, and fails as it is told.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use axum::extract::{Path, State as From};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Who may call it.
pub const TOKEN: &str = "ci-canary-token";

/// Something that goes wrong with one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Answers this status and does nothing.
    Status(u16),
    /// Does it, and answers 500.
    LoseReply,
    /// Answers that it is elsewhere, and does nothing.
    Redirect(String),
    /// Does it, and answers something that is no JSON.
    NoJson,
    /// Does it, and answers more than anybody reads.
    Huge,
}

/// What it keeps.
#[derive(Default)]
struct Inner {
    freezes: BTreeMap<u64, Value>,
    count: u64,
    /// What was made for which key.
    made: BTreeMap<String, u64>,
    calls: Vec<String>,
    faults: VecDeque<Option<Fault>>,
}

/// The service. Clones are the same one.
#[derive(Clone)]
pub struct ServiceWorld {
    inner: Arc<Mutex<Inner>>,
    address: SocketAddr,
    serving: Arc<JoinHandle<()>>,
}

impl Drop for ServiceWorld {
    fn drop(&mut self) {
        if Arc::strong_count(&self.serving) == 1 {
            self.serving.abort();
        }
    }
}

impl ServiceWorld {
    /// Starts it on a free port of this machine.
    ///
    /// # Errors
    /// There is no port.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let inner: Arc<Mutex<Inner>> = Arc::default();
        let router = Router::new()
            .route("/freezes", post(freeze).get(list))
            .route("/freezes/{id}", get(show).delete(thaw))
            .with_state(inner.clone());
        let serving = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Ok(Self { inner, address, serving: Arc::new(serving) })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What is frozen, in order.
    pub fn freezes(&self) -> Vec<Value> {
        self.inner().freezes.values().cloned().collect()
    }

    /// Freezes something by hand.
    pub fn freeze_by_hand(&self, freeze: Value) -> u64 {
        self.inner().keep(freeze)
    }

    /// Thaws everything by hand.
    pub fn thaw_by_hand(&self) {
        self.inner().freezes.clear();
    }

    /// Every call so far, as method and path.
    pub fn calls(&self) -> Vec<String> {
        self.inner().calls.clone()
    }

    /// The next calls go wrong like this; nothing: as usual.
    pub fn fail(&self, faults: impl IntoIterator<Item = Option<Fault>>) {
        self.inner().faults = faults.into_iter().collect();
    }
}

impl Inner {
    fn keep(&mut self, freeze: Value) -> u64 {
        self.count = self.count.saturating_add(1);
        self.freezes.insert(self.count, freeze);
        self.count
    }

    /// Notes the call, and answers it at once if it goes wrong before anything is done.
    fn enter(&mut self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Option<Fault>, Box<Response>> {
        self.calls.push(format!("{method} {uri}"));
        let fault = self.faults.pop_front().flatten();
        match fault {
            Some(Fault::Status(status)) => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                return Err(Box::new((status, Json(json!({ "message": "no" }))).into_response()));
            }
            Some(Fault::Redirect(to)) => {
                return Err(Box::new((StatusCode::FOUND, [(header::LOCATION, to)]).into_response()));
            }
            _ => {}
        }
        let is_known =
            headers.get(header::AUTHORIZATION).is_some_and(|value| value == format!("Bearer {TOKEN}").as_str());
        if !is_known {
            return Err(Box::new(
                (StatusCode::UNAUTHORIZED, Json(json!({ "message": "who are you?" }))).into_response(),
            ));
        }
        Ok(fault)
    }
}

/// What it would answer, unless that goes wrong.
fn left(fault: Option<Fault>, status: StatusCode, body: &Value) -> Response {
    match fault {
        Some(Fault::LoseReply) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Some(Fault::NoJson) => (status, "<html>done</html>").into_response(),
        Some(Fault::Huge) => (status, vec![b' '; 2 << 20]).into_response(),
        _ => (status, Json(body)).into_response(),
    }
}

type Kept = From<Arc<Mutex<Inner>>>;

async fn freeze(From(inner): Kept, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let mut inner = inner.lock().unwrap_or_else(PoisonError::into_inner);
    let fault = match inner.enter(&method, &uri, &headers) {
        Ok(fault) => fault,
        Err(answer) => return *answer,
    };
    let Ok(freeze) = serde_json::from_slice::<Value>(&body) else {
        return (StatusCode::BAD_REQUEST, Json(json!({ "message": "that is no JSON" }))).into_response();
    };
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).map(str::to_owned);
    let known = key.as_ref().and_then(|key| inner.made.get(key).copied());
    let id = known.unwrap_or_else(|| inner.keep(freeze));
    if let Some(key) = key {
        inner.made.insert(key, id);
    }
    left(fault, StatusCode::CREATED, &json!({ "data": { "id": id } }))
}

async fn list(From(inner): Kept, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let mut inner = inner.lock().unwrap_or_else(PoisonError::into_inner);
    match inner.enter(&method, &uri, &headers) {
        Ok(fault) => left(fault, StatusCode::OK, &json!(inner.freezes.values().collect::<Vec<_>>())),
        Err(answer) => *answer,
    }
}

async fn show(From(inner): Kept, Path(id): Path<u64>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let mut inner = inner.lock().unwrap_or_else(PoisonError::into_inner);
    match inner.enter(&method, &uri, &headers) {
        Ok(fault) => match inner.freezes.get(&id) {
            Some(freeze) => left(fault, StatusCode::OK, freeze),
            None => (StatusCode::NOT_FOUND, Json(json!({ "message": "not frozen" }))).into_response(),
        },
        Err(answer) => *answer,
    }
}

async fn thaw(From(inner): Kept, Path(id): Path<u64>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let mut inner = inner.lock().unwrap_or_else(PoisonError::into_inner);
    match inner.enter(&method, &uri, &headers) {
        Ok(fault) => match inner.freezes.remove(&id) {
            Some(_) => left(fault, StatusCode::OK, &json!({})),
            None => (StatusCode::NOT_FOUND, Json(json!({ "message": "not frozen" }))).into_response(),
        },
        Err(answer) => *answer,
    }
}
