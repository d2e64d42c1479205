//! A golink on loopback: as strict as the real one about owners, names and headers, and as broken as asked.
//!
//! Facts: golink's source (`golink.go`, `db.go`) at commit c4eca52. Who calls is told by the world, not by a tailnet.

mod answers;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use answers::{found, said};
use nightlatch_clock::Clock;
use nightlatch_golink::{Link, LinkId};

/// A call that hangs is let go after this long.
const HANG_AT_MOST: Duration = Duration::from_secs(600);
const BODY_LIMIT_BYTES: usize = 1 << 20;

/// One call as it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GolinkCall {
    /// `POST /`.
    pub line: String,
    /// Headers that matter, in lower case: `accept`, `content-type`, `sec-golink`.
    pub headers: Vec<String>,
    /// As it came.
    pub body: String,
    /// Of the answer; 0 while it hangs.
    pub status: u16,
}

/// What goes wrong with the calls to come, until it is taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GolinkFault {
    /// No answer.
    Hang,
    /// Answers as usual, so many milliseconds of real time later.
    Slow(u64),
    /// Only the list of all links is so slow.
    SlowList(u64),
    /// Done, and no answer.
    LostReply,
    /// The same for changes alone.
    LostSave,
    /// It is too old to tell how often links were followed.
    NoStats,
    /// 500.
    Fails,
    /// HTTPS was switched on: every call is sent to this address.
    MovedToHttps(String),
    /// Started with `-readonly`.
    ReadOnly,
}

struct World {
    clock: Clock,
    /// Login of whoever calls, and whether they hold the admin capability.
    caller: (String, bool),
    known: BTreeSet<String>,
    links: BTreeMap<LinkId, Link>,
    /// Where links lead whose templates only Go can fill in.
    leads: BTreeMap<LinkId, String>,
    clicks: BTreeMap<LinkId, i64>,
    calls: Vec<GolinkCall>,
    fault: Option<GolinkFault>,
}

/// A running golink. Clones share it; it stops when the last one is dropped.
#[derive(Clone)]
pub struct GolinkWorld {
    world: Arc<Mutex<World>>,
    address: SocketAddr,
    stopped: CancellationToken,
    ended: CancellationToken,
    /// Counts the answers.
    answered: watch::Sender<u64>,
    _life: Option<Arc<DropGuard>>,
}

impl GolinkWorld {
    /// Starts one on a free loopback port. The bot is a tagged device there and holds the admin capability until
    /// `caller_is` says otherwise; `known` are the logins of the tailnet.
    ///
    /// # Errors
    /// No port can be bound.
    pub async fn start(clock: Clock, known: &[&str]) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let world = World {
            clock,
            caller: ("tagged-devices".to_owned(), true),
            known: known.iter().map(|login| (*login).to_owned()).collect(),
            links: BTreeMap::new(),
            leads: BTreeMap::new(),
            clicks: BTreeMap::new(),
            calls: Vec::new(),
            fault: None,
        };
        let (stopped, address) = (CancellationToken::new(), listener.local_addr()?);
        let (world, ended) = (Arc::new(Mutex::new(world)), CancellationToken::new());
        let answered = watch::Sender::new(0);
        let served = Self { world, address, stopped: stopped.clone(), ended: ended.clone(), answered, _life: None };
        let router = Router::new().fallback(serve).with_state(served.clone());
        let until = stopped.clone().cancelled_owned();
        tokio::spawn(async move {
            drop(axum::serve(listener, router).with_graceful_shutdown(until).await);
            ended.cancel();
        });
        Ok(Self { _life: Some(Arc::new(stopped.drop_guard())), ..served })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on calls come from this login, with or without the admin capability.
    pub fn caller_is(&self, login: &str, is_admin: bool) {
        self.world().caller = (login.to_owned(), is_admin);
    }

    /// Somebody comes into the tailnet.
    pub fn knows(&self, login: &str) {
        self.world().known.insert(login.to_owned());
    }

    /// Somebody leaves the tailnet.
    pub fn leaves(&self, login: &str) {
        self.world().known.remove(login);
    }

    /// Puts a link there, as its owner would in a browser.
    pub fn put(&self, short: &str, long: &str, owner: &str) {
        let mut world = self.world();
        let now = world.clock.now_ms();
        let (short, long, owner) = (short.to_owned(), long.to_owned(), owner.to_owned());
        let link = Link { short, long, owner, created_at: now, edited_at: now };
        world.links.insert(link.id(), link);
    }

    /// The link of that name, in any spelling.
    pub fn link(&self, short: &str) -> Option<Link> {
        self.world().links.get(&LinkId::of(short)).cloned()
    }

    /// Every call so far.
    pub fn calls(&self) -> Vec<GolinkCall> {
        self.world().calls.clone()
    }

    /// What golink makes of a destination that is beyond us.
    pub fn leads(&self, short: &str, to: &str) {
        self.world().leads.insert(LinkId::of(short), to.to_owned());
    }

    /// Waits until this is so; it is looked at after every answer.
    pub async fn until(&self, is_so: impl Fn(&Self) -> bool) {
        let mut answered = self.answered.subscribe();
        while !is_so(self) && answered.changed().await.is_ok() {}
    }

    /// From now on calls go wrong like this, or not at all.
    pub fn fail(&self, fault: Option<GolinkFault>) {
        self.world().fault = fault;
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The program ends: nobody listens any more. Links and calls can still be looked at.
    pub async fn ends(&self) {
        self.stopped.cancel();
        self.ended.clone().cancelled().await;
    }

    async fn hang(&self) -> Response {
        tokio::select! {
            () = tokio::time::sleep(HANG_AT_MOST) => {}
            () = self.stopped.cancelled() => {}
        }
        StatusCode::GATEWAY_TIMEOUT.into_response()
    }
}

async fn serve(State(golink): State<GolinkWorld>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_LIMIT_BYTES).await.unwrap_or_default();
    let body = String::from_utf8_lossy(&body).into_owned();
    let path = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let shown = |name: &str| {
        let value = parts.headers.get(name)?.to_str().ok()?;
        Some(format!("{name}: {value}"))
    };
    let headers = ["accept", "content-type", "sec-golink"].into_iter().filter_map(shown).collect();
    let line = format!("{} {path}", parts.method);
    let (number, fault) = {
        let mut world = golink.world();
        world.calls.push(GolinkCall { line, headers, body: body.clone(), status: 0 });
        (world.calls.len() - 1, world.fault.clone())
    };
    let is_list = path == "/.export";
    match &fault {
        Some(GolinkFault::Slow(ms)) => tokio::time::sleep(Duration::from_millis(*ms)).await,
        Some(GolinkFault::SlowList(ms)) if is_list => tokio::time::sleep(Duration::from_millis(*ms)).await,
        _ => {}
    }
    let answer = match &fault {
        Some(GolinkFault::Hang) => return golink.hang().await,
        Some(GolinkFault::NoStats) if path == "/.export-stats" => said(StatusCode::NOT_FOUND, "404 page not found"),
        Some(GolinkFault::Fails) => said(StatusCode::INTERNAL_SERVER_ERROR, "something broke"),
        Some(GolinkFault::MovedToHttps(to)) => found(&format!("{to}{path}")),
        _ => {
            let is_read_only = fault == Some(GolinkFault::ReadOnly);
            golink.world().answer(&parts.method, &path, &parts.headers, &body, is_read_only)
        }
    };
    let is_lost = match fault {
        Some(GolinkFault::LostReply) => true,
        Some(GolinkFault::LostSave) => parts.method == Method::POST,
        _ => false,
    };
    if is_lost {
        return golink.hang().await;
    }
    if let Some(call) = golink.world().calls.get_mut(number) {
        call.status = answer.status().as_u16();
    }
    golink.answered.send_modify(|count| *count += 1);
    answer
}
