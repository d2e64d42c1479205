//! Pages and probes on the tailnet. So far: whether we are alive, whether we can work, and what can be counted.

mod fields;
pub mod front;
pub mod identity;
pub mod links;
pub mod pages;
pub mod pastes;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::engine::Engine;
use crate::outside::tailscaled::Tailscaled;

/// Why we cannot work right now, one sentence each; empty when we can.
pub type Troubles = Arc<dyn Fn() -> Vec<String> + Send + Sync>;
/// How many sockets to Slack are connected; nothing if Slack comes in another way.
pub type SocketCount = Arc<dyn Fn() -> Option<usize> + Send + Sync>;

#[derive(Clone)]
struct Web {
    engine: Engine,
    troubles: Troubles,
    sockets: SocketCount,
    tailscaled: Tailscaled,
}

/// `/healthz`: the process answers. `/readyz`: we can do what we are for, or why not; what else is missing is a warning. `/metrics`: Prometheus.
pub fn router(engine: Engine, troubles: Troubles, sockets: SocketCount, tailscaled: Tailscaled) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(Web { engine, troubles, sockets, tailscaled })
}

async fn ready(State(web): State<Web>) -> Response {
    let mut troubles = (web.troubles)();
    if let Err(error) = web.engine.store().counts().await {
        troubles.push(error.to_string());
    }
    let checkup = web.engine.checkup().await;
    troubles.extend(checkup.troubles);
    let (status, mut lines) = if troubles.is_empty() {
        (StatusCode::OK, vec!["ready".to_owned()])
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, troubles)
    };
    if let Some(trouble) = web.tailscaled.trouble().await {
        lines.push(format!("warning: nobody who opens a page can be recognised: {trouble}"));
    }
    lines.extend(checkup.warnings.iter().map(|warning| format!("warning: {warning}")));
    (status, lines.join("\n") + "\n").into_response()
}

async fn metrics(State(web): State<Web>) -> Response {
    match web.engine.measures((web.sockets)()).await {
        Ok(text) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}

/// Whether a browser asks for something to look at; programs do not name HTML.
fn wants_page(headers: &HeaderMap) -> bool {
    let accepts = headers.get_all(header::ACCEPT).iter().filter_map(|accept| accept.to_str().ok());
    accepts.into_iter().any(|accept| accept.to_ascii_lowercase().contains("text/html"))
}
