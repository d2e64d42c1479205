//! Where we answer: a TCP address of this machine or the tailnet, or a unix socket.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use tokio::net::{TcpListener, UnixListener};
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

use super::StartError;
use super::connections::{self, Limits};
use crate::config::Listen;

/// No page and no probe takes longer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// A bound address, not yet answering.
pub(super) enum Bound {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// The same for an address that need not be named.
pub(super) async fn bind_if_named(listen: Option<&Listen>) -> Result<Option<Bound>, StartError> {
    match listen {
        Some(listen) => bind(listen).await.map(Some),
        None => Ok(None),
    }
}

/// Binds, so that a wrong address is found before anything is started.
pub(super) async fn bind(listen: &Listen) -> Result<Bound, StartError> {
    let failed = |source| StartError::Listen { address: listen.to_string(), source };
    match listen {
        Listen::Tcp(address) => TcpListener::bind(address).await.map(Bound::Tcp).map_err(failed),
        Listen::Unix(path) => {
            clear(path).map_err(failed)?;
            UnixListener::bind(path).map(Bound::Unix).map_err(failed)
        }
    }
}

/// Takes away a socket that a killed process left behind: one on which nobody answers. Nothing else is touched.
fn clear(path: &Path) -> io::Result<()> {
    let Ok(found) = std::fs::symlink_metadata(path) else { return Ok(()) };
    if !found.file_type().is_socket() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is a file of that name, and it is no socket"));
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        // Somebody answers, or it is not ours to try: binding says so.
        _ => Ok(()),
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
    pub(super) async fn serve(self, router: Router, limits: Limits, stop: CancellationToken) {
        let late = TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, ANSWER_LIMIT);
        let router = router.layer(late).layer(CatchPanicLayer::new());
        match self {
            Self::Tcp(listener) => connections::serve(listener, router, limits, stop).await,
            Self::Unix(listener) => connections::serve(listener, router, limits, stop).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_a_socket_that_nobody_answers_on_is_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("http.sock");
        let listen = Listen::Unix(path.clone());
        // A process that was killed leaves its socket behind.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let first = bind(&listen).await;
        assert!(matches!(first, Ok(Bound::Unix(_))));
        let second = bind(&listen).await.err().expect("somebody answers there").to_string();
        assert!(second.contains("in use"), "{second}");
        drop(first);
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "the only copy of something").unwrap();
        let refused = bind(&listen).await.err().expect("it is a file").to_string();
        assert!(refused.ends_with("there is a file of that name, and it is no socket"), "{refused}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "the only copy of something");
    }
}
