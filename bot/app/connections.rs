//! The connections to one listener: how many there are, how long they may say nothing, and which goes first when there
//! are too many.
//!
//! Whoever only holds a connection loses it to whoever asks something. So a thousand idle ones keep nobody waiting, and
//! the files they would take are there for the calls that end access.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::add_extension::AddExtension;

use crate::web::identity::Reached;

/// The head of a request is there at once, or it is none; a connection kept for the next request waits no longer either.
const HEAD_LIMIT: Duration = Duration::from_secs(10);
/// A head is a few kilobytes; an address with a query may be longer.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// After a connection could not be taken, for want of files for example.
const PAUSE: Duration = Duration::from_millis(50);

/// Where connections come from.
pub(super) trait Accepts: Send + Sync + 'static {
    /// The connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;
    /// The next one, and how it reached us.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, Reached)>> + Send;
}

impl Accepts for TcpListener {
    type Stream = tokio::net::TcpStream;
    async fn accept(&self) -> io::Result<(Self::Stream, Reached)> {
        let (stream, address) = Self::accept(self).await?;
        // Answers are small and wanted at once.
        drop(stream.set_nodelay(true));
        Ok((stream, Reached::Tcp(address)))
    }
}

impl Accepts for UnixListener {
    type Stream = tokio::net::UnixStream;
    async fn accept(&self) -> io::Result<(Self::Stream, Reached)> {
        let (stream, _) = Self::accept(self).await?;
        let user = stream.peer_cred().ok().map(|peer| peer.uid());
        Ok((stream, Reached::Unix(user)))
    }
}

/// What one listener allows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Connections at once.
    most: usize,
    /// How long the head of a request may take, from the end of the one before.
    head: Duration,
}

impl Limits {
    pub(super) fn of(connections: usize) -> Self {
        Self { most: connections, head: HEAD_LIMIT }
    }
}

/// Answers until `stop`; then finishes what is being answered.
pub(super) async fn serve(listener: impl Accepts, router: Router, limits: Limits, stop: CancellationToken) {
    let router = router.layer(from_fn(attended));
    let places = Arc::new(Places::new(limits.most));
    let open = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let (stream, reached) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                places.send_away_the_longest();
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let place = tokio::select! {
            place = places.take() => place,
            () = stop.cancelled() => break,
        };
        let line = Line::new(places.clone(), reached);
        let (router, stop) = (router.clone(), stop.clone());
        open.spawn(async move {
            attend(stream, router, &line, limits.head, stop).await;
            line.gone();
            drop(place);
        });
    }
    drop(listener);
    open.close();
    open.wait().await;
}

async fn attend<S>(stream: S, router: Router, line: &Line, head: Duration, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(head).max_buf_size(HEAD_BYTES_MAX);
    let service = TowerToHyperService::new(AddExtension::new(router, line.clone()));
    let mut serving = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let may_end = tokio::select! {
        // Broken, closed, too slow: the other end knows, and nothing can be said to it any more.
        _ = serving.as_mut() => return,
        () = line.inner.away.cancelled() => line.turn().is_some(),
        // Nothing was asked on it yet, and nothing that is asked now would be answered.
        () = stop.cancelled() => !line.inner.was_asked.load(Ordering::Acquire),
    };
    if !may_end {
        serving.as_mut().graceful_shutdown();
        drop(serving.await);
    }
}

/// Notes on its connection that something is being answered, and tells whoever answers how it was reached.
async fn attended(mut request: Request, next: Next) -> Result<Response, Infallible> {
    let Some(line) = request.extensions_mut().remove::<Line>() else { return Ok(next.run(request).await) };
    request.extensions_mut().insert(line.inner.reached);
    let _answering = Answering::begin(line);
    Ok(next.run(request).await)
}

/// One connection. Clones are the same.
#[derive(Clone)]
struct Line {
    inner: Arc<Inner>,
}

struct Inner {
    places: Arc<Places>,
    reached: Reached,
    /// Under which number it waits; nothing while something is being answered.
    turn: Mutex<Option<u64>>,
    was_asked: AtomicBool,
    /// Cancelled when its place is needed.
    away: CancellationToken,
}

impl Line {
    fn new(places: Arc<Places>, reached: Reached) -> Self {
        let away = CancellationToken::new();
        let turn = Mutex::new(Some(places.wait(away.clone())));
        Self { inner: Arc::new(Inner { places, reached, turn, was_asked: AtomicBool::new(false), away }) }
    }

    fn turn(&self) -> MutexGuard<'_, Option<u64>> {
        self.inner.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits no more.
    fn gone(&self) {
        if let Some(turn) = self.turn().take() {
            self.inner.places.leave(turn);
        }
    }
}

/// While something is answered on a connection it keeps its place.
struct Answering(Line);

impl Answering {
    fn begin(line: Line) -> Self {
        line.inner.was_asked.store(true, Ordering::Release);
        line.gone();
        Self(line)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        let turn = self.0.inner.places.wait(self.0.inner.away.clone());
        *self.0.turn() = Some(turn);
    }
}

/// The places of a listener, and the connections on which nothing is being answered.
struct Places {
    free: Arc<Semaphore>,
    waiting: Mutex<Waiting>,
    one_waits: Notify,
}

#[derive(Default)]
struct Waiting {
    last: u64,
    /// By number: the one that has waited longest is the first.
    lines: BTreeMap<u64, CancellationToken>,
}

impl Places {
    fn new(most: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(most)), waiting: Mutex::default(), one_waits: Notify::new() }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, away: CancellationToken) -> u64 {
        let turn = {
            let mut waiting = self.waiting();
            waiting.last = waiting.last.wrapping_add(1);
            let turn = waiting.last;
            waiting.lines.insert(turn, away);
            turn
        };
        self.one_waits.notify_one();
        turn
    }

    fn leave(&self, turn: u64) {
        self.waiting().lines.remove(&turn);
    }

    /// Ends the connection that has been silent for longest; none, if something is being answered on every one.
    fn send_away_the_longest(&self) {
        let longest = self.waiting().lines.pop_first();
        if let Some((_, away)) = longest {
            away.cancel();
        }
    }

    /// A place, if need be that of somebody who only holds theirs.
    async fn take(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = self.free.clone().try_acquire_owned() {
            return Some(place);
        }
        let mut place = pin!(self.free.clone().acquire_owned());
        loop {
            self.send_away_the_longest();
            tokio::select! {
                biased;
                place = place.as_mut() => return place.ok(),
                () = self.one_waits.notified() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
