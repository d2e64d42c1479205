//! A golink on loopback: as strict as the real one about owners, names and headers, and as broken as asked.
//!
//! Facts: golink's source (`golink.go`, `db.go`) at commit c4eca52. Who calls is told by the world, not by a tailnet.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use url::form_urlencoded;

use crate::clock::Clock;
use crate::kernel::link::snapshot::Line;
use crate::kernel::link::{Link, LinkId, Typed, Visit, check, check_name, expand, path_escape, without_punctuation};

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
    /// Done, and no answer.
    LostReply,
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
            clicks: BTreeMap::new(),
            calls: Vec::new(),
            fault: None,
        };
        let (stopped, address) = (CancellationToken::new(), listener.local_addr()?);
        let served = Self { world: Arc::new(Mutex::new(world)), address, stopped: stopped.clone(), _life: None };
        let router = Router::new().fallback(serve).with_state(served.clone());
        let until = stopped.clone().cancelled_owned();
        tokio::spawn(async move { axum::serve(listener, router).with_graceful_shutdown(until).await });
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

    /// From now on calls go wrong like this, or not at all.
    pub fn fail(&self, fault: Option<GolinkFault>) {
        self.world().fault = fault;
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
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
    let answer = match &fault {
        Some(GolinkFault::Hang) => return golink.hang().await,
        Some(GolinkFault::Fails) => said(StatusCode::INTERNAL_SERVER_ERROR, "something broke"),
        Some(GolinkFault::MovedToHttps(to)) => found(&format!("{to}{path}")),
        _ => {
            let is_read_only = fault == Some(GolinkFault::ReadOnly);
            golink.world().answer(&parts.method, &path, &parts.headers, &body, is_read_only)
        }
    };
    if fault == Some(GolinkFault::LostReply) {
        return golink.hang().await;
    }
    if let Some(call) = golink.world().calls.get_mut(number) {
        call.status = answer.status().as_u16();
    }
    answer
}

fn said(status: StatusCode, words: &str) -> Response {
    (status, format!("{words}\n")).into_response()
}

fn found(to: &str) -> Response {
    (StatusCode::FOUND, [(header::LOCATION, to.to_owned())]).into_response()
}

impl World {
    fn answer(
        &mut self,
        method: &axum::http::Method,
        path: &str,
        headers: &HeaderMap,
        body: &str,
        is_read_only: bool,
    ) -> Response {
        let (place, query) = path.split_once('?').unwrap_or((path, ""));
        if place == "/" {
            return match method.as_str() {
                "POST" if is_read_only => said(StatusCode::METHOD_NOT_ALLOWED, "read-only"),
                "POST" => self.save(headers, body),
                _ => said(StatusCode::OK, "<html>home</html>"),
            };
        }
        if let Some(short) = place.strip_prefix("/.detail/") {
            return self.detail(short);
        }
        match place {
            "/.export" => {
                let mut links: Vec<&Link> = self.links.values().collect();
                links.sort_by(|one, other| one.short.cmp(&other.short));
                links.into_iter().map(|link| Line::of(link).to_text() + "\n").collect::<String>().into_response()
            }
            "/.export-stats" => {
                let at = self.clock.now_ms() / 1000;
                let line = |(id, clicks): (&LinkId, &i64)| format!("{id},{at},{clicks}\n");
                self.clicks.iter().map(line).collect::<String>().into_response()
            }
            place if place.starts_with("/.") => said(StatusCode::NOT_FOUND, "404 page not found"),
            place => self.follow(place, query),
        }
    }

    fn detail(&self, escaped: &str) -> Response {
        let short = Typed::read(escaped).unwrap_or_default().short;
        match self.links.get(&LinkId::of(&short)) {
            None => said(StatusCode::NOT_FOUND, "404 page not found"),
            Some(link) if link.short != short => found(&format!("/.detail/{}", path_escape(&link.short))),
            Some(link) => json(link),
        }
    }

    fn save(&mut self, headers: &HeaderMap, body: &str) -> Response {
        let form: BTreeMap<String, String> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let field = |name: &str| form.get(name).cloned().unwrap_or_default();
        let (short, long, owner) = (field("short"), field("long"), field("owner"));
        if short.is_empty() || long.is_empty() {
            return said(StatusCode::BAD_REQUEST, "short and long required");
        }
        if check_name(&short).is_err() {
            return said(StatusCode::BAD_REQUEST, "short may only contain certain characters");
        }
        if let Err(why) = check(&long) {
            return said(StatusCode::BAD_REQUEST, &format!("long is no template: {why}"));
        }
        let (caller, is_admin) = self.caller.clone();
        let before = self.links.get(&LinkId::of(&short)).cloned();
        // The real one compares as it is: another case is another user.
        let may = |link: &Link| {
            link.owner.is_empty() || is_admin || link.owner == caller || !self.known.contains(&link.owner)
        };
        if let Some(link) = before.as_ref().filter(|link| !may(link)) {
            return said(StatusCode::FORBIDDEN, &format!("cannot update link owned by {:?}", link.owner));
        }
        if headers.get("sec-golink").is_none_or(|value| value.is_empty()) {
            return said(StatusCode::BAD_REQUEST, "invalid XSRF token");
        }
        if !owner.is_empty() && !self.known.contains(&owner) {
            return said(StatusCode::BAD_REQUEST, &format!("new owner not a valid user: {owner}"));
        }
        let now = self.clock.now_ms();
        let owner = if owner.is_empty() { caller } else { owner };
        let created_at = before.map_or(now, |link| link.created_at);
        let link = Link { short, long, owner, created_at, edited_at: now };
        let answer = json(&link);
        self.links.insert(link.id(), link);
        answer
    }

    fn follow(&mut self, place: &str, query: &str) -> Response {
        let typed = Typed::read(&format!("{place}?{query}")).unwrap_or_default();
        let bare = LinkId::of(without_punctuation(&typed.short));
        let found_as = [LinkId::of(&typed.short), bare].into_iter().find(|id| self.links.contains_key(id));
        let Some((id, link)) = found_as.and_then(|id| self.links.get(&id).cloned().map(|link| (id, link))) else {
            return said(StatusCode::NOT_FOUND, "<html>home</html>");
        };
        *self.clicks.entry(id).or_insert(0) += 1;
        let (caller, _) = &self.caller;
        let visit = Visit { path: &typed.path, query: &typed.query, user: Some(caller), now: self.clock.now_ms() };
        match expand(&link.long, &visit) {
            Ok(target) => found(&target.address),
            Err(why) => said(StatusCode::INTERNAL_SERVER_ERROR, &why.to_string()),
        }
    }
}

fn json(link: &Link) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], Line::of(link).to_text() + "\n").into_response()
}
