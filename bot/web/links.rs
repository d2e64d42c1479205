//! Go links in the browser and for programs: golink's HTTP interface, under `/go/` and wherever the host is called `go`.

mod changing;
mod showing;
mod token;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};

use serde_json::json;

use super::identity::{Caller, Identity, is_from_internet, name_they_came_by};
use super::pages::Pages;
use super::wants_page;
use crate::clock::Ids;
use crate::engine::Engine;
use crate::engine::links::{LinkError, Links};
use crate::kernel::link::{ExpandError, LinkRefusal, Typed};
use token::Tokens;

/// Under this path we have the links, whatever we are called.
const ROOT: &str = "/go";
/// A form is a name, a destination and an owner.
const BODY_LIMIT_BYTES: usize = 64 << 10;

/// The go links as a surface. Cloning is cheap.
#[derive(Clone)]
pub struct LinkPages {
    engine: Engine,
    identity: Identity,
    pages: Pages,
    tokens: Tokens,
}

/// One request, taken apart.
struct Asked {
    method: Method,
    /// Where we are mounted: `/go`, or nothing.
    root: &'static str,
    /// The path behind that, escaped, with its slash.
    path: String,
    query: String,
    headers: HeaderMap,
    extensions: axum::http::Extensions,
}

impl LinkPages {
    /// The links of this engine.
    pub fn new(engine: Engine, identity: Identity, pages: Pages, ids: &Ids) -> Self {
        Self { engine, identity, pages, tokens: Tokens::new(ids) }
    }

    /// `router` with the links beside it: below `/go`, and in place of everything where the host's first name is `go`.
    pub fn beside(self, router: Router) -> Router {
        router.layer(from_fn_with_state(self, route))
    }

    fn links(&self) -> Links {
        self.engine.links()
    }

    fn now(&self) -> i64 {
        self.engine.clock().now_ms()
    }

    /// Who asks; an answer if that is not known or they may not look.
    async fn reader(&self, asked: &Asked) -> Result<Caller, Response> {
        match self.identity.of(&asked.headers, &asked.extensions).await {
            Ok(caller) => match caller.refusal() {
                Some(why) => Err(text(StatusCode::FORBIDDEN, why)),
                None => Ok(caller),
            },
            Err(error) => {
                tracing::warn!(%error, "it is not known who asks for go links");
                Err(text(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()))
            }
        }
    }

    async fn serve(&self, asked: Asked, body: Body) -> Response {
        if is_from_internet(&asked.headers) {
            return text(StatusCode::FORBIDDEN, "go links are for the people of this tailnet");
        }
        match asked.path.strip_prefix("/.") {
            Some(page) => {
                let (page, rest) = page.split_once('/').unwrap_or((page, ""));
                let (page, rest) = (page.to_owned(), rest.to_owned());
                self.page(&page, &rest, asked, body).await
            }
            None if asked.path != "/" => self.follow(asked).await,
            None if asked.method == Method::POST => self.save(asked, body).await,
            None => self.home(&asked, StatusCode::OK, "").await,
        }
    }

    async fn page(&self, page: &str, rest: &str, asked: Asked, body: Body) -> Response {
        match page {
            "detail" => self.detail(&asked, rest).await,
            "delete" if asked.method == Method::POST => self.delete(asked, rest, body).await,
            "export" => self.export(&asked).await,
            "export-stats" => self.export_clicks(&asked).await,
            "all" => self.all(&asked).await,
            "search" => self.search(&asked).await,
            "help" => self.help(&asked).await,
            "opensearch" => self.opensearch(),
            _ => text(StatusCode::NOT_FOUND, "there is no such page"),
        }
    }

    /// The click itself. Nobody is asked who it is unless the link wants to know.
    async fn follow(&self, asked: Asked) -> Response {
        let escaped = format!("{}?{}", asked.path, asked.query);
        let Some(typed) = Typed::read(&escaped) else {
            return text(StatusCode::BAD_REQUEST, "this address cannot be read");
        };
        if let Some(short) = typed.short.strip_suffix('+') {
            let short = crate::kernel::link::path_escape(short);
            return redirect(StatusCode::FOUND, &format!("{}/.detail/{short}", asked.root));
        }
        let links = self.links();
        let link = match links.find_forgiving(&typed.short).await {
            Ok(Some(link)) => link,
            Ok(None) => return self.home(&asked, StatusCode::NOT_FOUND, &typed.short).await,
            Err(error) => return failed(&error),
        };
        links.clicked(&link);
        let mut lead = links.lead(&link, &typed, None);
        let mut why_nobody = "";
        if lead == Err(ExpandError::NoUser) {
            match self.identity.of(&asked.headers, &asked.extensions).await {
                Ok(Caller::Person(peer)) => lead = links.lead(&link, &typed, Some(&peer.login)),
                Ok(caller) => why_nobody = caller.why_nobody(),
                Err(error) => return text(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
            }
        }
        match lead {
            // Links that name other links begin with a slash, and the links may not stand at the root.
            Ok(target) if target.address.starts_with('/') && !target.address.starts_with("//") => {
                redirect(StatusCode::FOUND, &format!("{}{}", asked.root, target.address))
            }
            Ok(target) => redirect(StatusCode::FOUND, &target.address),
            Err(ExpandError::NoUser) => {
                text(StatusCode::UNAUTHORIZED, &format!("this link depends on who follows it, and {why_nobody}"))
            }
            Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
        }
    }
}

/// Sends requests for links to them and all others on.
async fn route(State(pages): State<LinkPages>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_for_slack = request.method() == Method::POST && path.starts_with("/slack/");
    let root = if is_for_slack {
        return next.run(request).await;
    } else if is_called_go(name_they_came_by(request.headers(), request.extensions())) {
        ""
    } else if path == ROOT || path.starts_with("/go/") {
        ROOT
    } else {
        return next.run(request).await;
    };
    let path = path.strip_prefix(root).filter(|path| !path.is_empty()).unwrap_or("/").to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let (parts, body) = request.into_parts();
    let asked = Asked { method: parts.method, root, path, query, headers: parts.headers, extensions: parts.extensions };
    let (wants_page, facts) = (wants_page(&asked.headers), json!({ "root": root, "user": "" }));
    let answer = pages.serve(asked, body).await;
    match answer.extensions().get::<Said>() {
        Some(Said(words)) if wants_page => {
            let mut facts = facts;
            showing::set(&mut facts, "title", "Go links");
            showing::set(&mut facts, "words", format!("{words}."));
            pages.pages.page(answer.status(), "links/said.html", &facts)
        }
        _ => answer,
    }
}

/// What an answer says in words: a line for programs, a page for people.
#[derive(Clone)]
struct Said(Arc<str>);

/// `go`, `go:80`, `go.example.ts.net`.
fn is_called_go(host: Option<&str>) -> bool {
    host.unwrap_or_default().split(['.', ':']).next().is_some_and(|name| name.eq_ignore_ascii_case("go"))
}

/// Whether a page is wanted and not an answer for a program; golink's rule.
fn text(status: StatusCode, words: &str) -> Response {
    let mut answer = (status, [(header::X_CONTENT_TYPE_OPTIONS, "nosniff")], format!("{words}\n")).into_response();
    answer.extensions_mut().insert(Said(words.trim_end_matches('.').into()));
    answer
}

fn redirect(status: StatusCode, to: &str) -> Response {
    match HeaderValue::from_bytes(to.as_bytes()) {
        Ok(to) => (status, [(header::LOCATION, to)]).into_response(),
        Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, "the destination is no address"),
    }
}

/// What a refusal or failure is in HTTP.
fn failed(error: &LinkError) -> Response {
    let status = match error {
        LinkError::Refused(refusal) => match refusal {
            LinkRefusal::NotYours { .. } | LinkRefusal::Shadows { .. } => StatusCode::FORBIDDEN,
            LinkRefusal::NoSuchLink { .. } => StatusCode::NOT_FOUND,
            LinkRefusal::Exists { .. } | LinkRefusal::Changed { .. } => StatusCode::CONFLICT,
            _ => StatusCode::BAD_REQUEST,
        },
        LinkError::NotMember(_) | LinkError::NoTailnetUser { .. } => StatusCode::FORBIDDEN,
        LinkError::Nowhere(_) | LinkError::NotSaved(_) => StatusCode::INTERNAL_SERVER_ERROR,
        LinkError::Failed(_) | LinkError::NotKnown(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let words = match error {
        LinkError::Refused(refusal) => refusal.to_string(),
        error => error.to_string(),
    };
    text(status, &words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_decides_by_its_first_name() {
        for host in ["go", "GO:80", "go.example-tailnet.ts.net", "go.example-tailnet.ts.net:443"] {
            assert!(is_called_go(Some(host)), "{host}");
        }
        for host in ["google.com", "nightlatch.example.ts.net", "127.0.0.1:7465", "ago", ""] {
            assert!(!is_called_go(Some(host)), "{host}");
        }
        assert!(!is_called_go(None));
    }
}
