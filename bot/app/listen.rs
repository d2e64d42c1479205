//! The one listener: a TCP address of this machine or the tailnet, or a unix socket.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use tokio::net::{TcpListener, UnixListener};
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

use super::StartError;
use crate::config::Listen;

/// No page and no probe takes longer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// A bound address, not yet answering.
pub(super) enum Bound {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Binds, so that a wrong address is found before anything is started.
pub(super) async fn bind(listen: &Listen) -> Result<Bound, StartError> {
    let failed = |source| StartError::Listen { address: listen.to_string(), source };
    match listen {
        Listen::Tcp(address) => TcpListener::bind(address).await.map(Bound::Tcp).map_err(failed),
        Listen::Unix(path) => {
            // Left behind by a kill: nobody answers on it any more, or the bind below says so.
            if std::os::unix::net::UnixStream::connect(path).is_err() {
                drop(std::fs::remove_file(path));
            }
            UnixListener::bind(path).map(Bound::Unix).map_err(failed)
        }
    }
}

impl Bound {
    pub(super) fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }

    /// Answers until `stop`; then finishes what is being answered.
    pub(super) async fn serve(self, router: Router, stop: CancellationToken) {
        let late = TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, ANSWER_LIMIT);
        let router = router.layer(late).layer(CatchPanicLayer::new());
        let stopped = stop.cancelled_owned();
        let served = match self {
            Self::Tcp(listener) => {
                // Whoever wants to know who calls asks the tailnet about this address.
                let router = router.into_make_service_with_connect_info::<SocketAddr>();
                axum::serve(listener, router).with_graceful_shutdown(stopped).await
            }
            Self::Unix(listener) => axum::serve(listener, router).with_graceful_shutdown(stopped).await,
        };
        if let Err(error) = served {
            tracing::error!(%error, "the listener failed");
        }
    }
}
