//! The pages people look at: templates filled in, one style for all of them, and the headers every page has.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tera::{Context, Kwargs, State, Tera};
use url::form_urlencoded;

const TEMPLATES: &[(&str, &str)] = &[
    ("base.html", include_str!("../../templates/web/base.html")),
    ("front.html", include_str!("../../templates/web/front.html")),
    ("said.html", include_str!("../../templates/web/said.html")),
    ("links/said.html", include_str!("../../templates/web/links/said.html")),
    ("links/frame.html", include_str!("../../templates/web/links/frame.html")),
    ("links/table.html", include_str!("../../templates/web/links/table.html")),
    ("links/home.html", include_str!("../../templates/web/links/home.html")),
    ("links/list.html", include_str!("../../templates/web/links/list.html")),
    ("links/detail.html", include_str!("../../templates/web/links/detail.html")),
    ("links/done.html", include_str!("../../templates/web/links/done.html")),
    ("links/help.html", include_str!("../../templates/web/links/help.html")),
    ("pastes/frame.html", include_str!("../../templates/web/pastes/frame.html")),
    ("pastes/show.html", include_str!("../../templates/web/pastes/show.html")),
    ("pastes/list.html", include_str!("../../templates/web/pastes/list.html")),
    ("pastes/new.html", include_str!("../../templates/web/pastes/new.html")),
    ("pastes/said.html", include_str!("../../templates/web/pastes/said.html")),
];

/// Stands in every page, so that a page is one answer wherever it is mounted.
const STYLE: &str = include_str!("../../templates/web/style.css");

/// The moon, as every page and the demo show it.
pub const ICON: &str = include_str!("../../templates/web/icon.svg");

/// Which pages there are besides the one that is shown.
#[derive(Clone, Debug, Default)]
pub struct Neighbours {
    /// How people reach us, without a slash at the end.
    pub here: String,
    /// Go links stand here and not at a golink.
    pub has_links: bool,
    /// Pastes stand here and not at a tclip.
    pub has_pastes: bool,
}

/// The templates, read once. Cloning shares them.
#[derive(Clone, Debug)]
pub struct Pages {
    tera: Arc<Tera>,
    policy: HeaderValue,
    /// As an address that holds the whole picture.
    icon: Arc<str>,
    neighbours: Neighbours,
}

impl Pages {
    /// # Errors
    /// Never in a build whose tests passed.
    pub fn new(neighbours: Neighbours) -> Result<Self, tera::Error> {
        let mut tera = Tera::new();
        tera.autoescape_on([".html"]);
        tera.register_filter("query", |text: &str, _: Kwargs, _: &State| -> String {
            form_urlencoded::byte_serialize(text.as_bytes()).collect()
        });
        tera.add_raw_templates(TEMPLATES.iter().copied())?;
        // No script, no picture but our own icon in the page itself, nothing from anywhere else and no other style: a paste can hold anything.
        let style = STANDARD.encode(Sha256::digest(STYLE));
        let policy = format!(
            "default-src 'none'; img-src data:; style-src 'sha256-{style}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        );
        let policy = HeaderValue::from_str(&policy).map_err(|error| tera::Error::message(error.to_string()))?;
        let icon = format!("data:image/svg+xml;base64,{}", STANDARD.encode(ICON.trim())).into();
        Ok(Self { tera: Arc::new(tera), policy, icon, neighbours })
    }

    /// A page; `facts` is a map of what its template names. `root` in it is where go links are mounted.
    pub(super) fn page(&self, status: StatusCode, name: &str, facts: &Value) -> Response {
        let page = Context::from_serialize(facts).and_then(|mut context| {
            context.insert("style", STYLE);
            context.insert("icon", &*self.icon);
            context.insert("nav", &self.nav(name, facts));
            self.tera.render(name, &context)
        });
        match page {
            Ok(page) => {
                let mut headers = HeaderMap::new();
                headers.insert(header::CONTENT_SECURITY_POLICY, self.policy.clone());
                headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
                headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
                headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
                (status, headers, Html(page)).into_response()
            }
            Err(error) => {
                tracing::error!(template = name, %error, "a page cannot be drawn");
                (StatusCode::INTERNAL_SERVER_ERROR, "this page cannot be drawn\n").into_response()
            }
        }
    }

    /// Addresses of the neighbours; null for one that is not here.
    fn nav(&self, name: &str, facts: &Value) -> Value {
        let Neighbours { here, has_links, has_pastes } = &self.neighbours;
        let root = facts.get("root").and_then(Value::as_str).unwrap_or("/go");
        // Where the host is called `go`, everything below `/` is a link.
        let pastes = if root.is_empty() { format!("{here}/paste/") } else { "/paste/".to_owned() };
        json!({
            "front": if root.is_empty() { format!("{here}/") } else { "/".to_owned() },
            "links": has_links.then(|| format!("{root}/")),
            "pastes": has_pastes.then_some(pastes),
            "at": name.split(['/', '.']).next(),
        })
    }

    /// Which pages there are.
    pub(super) fn neighbours(&self) -> &Neighbours {
        &self.neighbours
    }

    /// A page with a sentence or two; `name` is its template.
    pub(super) fn said(&self, status: StatusCode, name: &str, title: &str, words: &str) -> Response {
        self.page(status, name, &json!({ "title": title, "words": words, "user": "" }))
    }
}

/// A time, for people whose zone is not known: how long ago, with the whole of it behind.
pub(super) fn moment(at: i64, now: i64) -> Value {
    let at_utc = Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
    json!({
        "iso": at_utc.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "full": at_utc.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        "said": said(at, now, || at_utc.strftime("%Y-%m-%d").to_string()),
    })
}

fn said(at: i64, now: i64, day: impl FnOnce() -> String) -> String {
    let seconds = now.saturating_sub(at).unsigned_abs() / 1000;
    let (count, unit) = match seconds {
        0..60 => return if at <= now { "just now".to_owned() } else { "in a moment".to_owned() },
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        86_400..2_592_000 => (seconds / 86_400, "day"),
        _ => return format!("on {}", day()),
    };
    let length = format!("{count} {unit}{}", if count == 1 { "" } else { "s" });
    if at <= now { format!("{length} ago") } else { format!("in {length}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::link::path_escape;

    #[tokio::test]
    async fn every_page_is_drawn_and_what_people_typed_is_text() {
        let here = Neighbours { here: "http://n".to_owned(), has_links: true, has_pastes: true };
        let pages = Pages::new(here).unwrap();
        let nasty = "<script>alert(1)</script>\"'{{ x }}";
        let at = moment(0, 120_000);
        let row = json!({
            "short": nasty, "path": path_escape(nasty), "long": nasty, "owner": nasty, "edited": at, "clicks": 3,
            "id": "i", "filename": nasty, "author": nasty, "created": at, "size": "1 byte", "is_mine": true, "title": nasty,
        });
        let ask = json!({
            "title": nasty, "who": nasty, "device": nasty, "reason": nasty, "hold": "1h", "name": nasty, "lapses": at, "ends": at,
            "emoji": "🟢", "state": "active",
        });
        let mut facts = json!({
            "root": "", "title": nasty, "user": nasty, "xsrf": "t", "short": nasty, "path": path_escape(nasty), "long": nasty,
            "owner": nasty, "rows": [row], "exists": true, "can_edit": true, "created": at, "edited": at, "clicks": 1,
            "is_deleted": true, "address": "http://go", "query": nasty, "words": nasty, "id": "i", "filename": nasty,
            "author": nasty, "expires": at, "size": "1 byte", "is_markdown": true, "can_delete": true, "code": "", "html": "",
            "is_cut": true, "lines_max": 1, "note": nasty, "anyway": true, "keep": "1h", "content": nasty, "page": 1,
            "previous": 0, "next": 2,
        });
        let front = json!({
            "name": nasty, "why_nobody": nasty, "is_known": true, "waiting": [ask], "held": [ask], "asked": [ask], "links": [row],
            "pastes": [row], "is_drawn": false, "has_own_title": false,
        });
        if let (Some(facts), Value::Object(front)) = (facts.as_object_mut(), front) {
            facts.extend(front);
        }
        for (name, _) in TEMPLATES {
            let answer = pages.page(StatusCode::OK, name, &facts);
            assert_eq!(answer.status(), StatusCode::OK, "{name}");
            let page = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
            let page = String::from_utf8(page.to_vec()).unwrap();
            assert!(!page.contains("<script") && !page.contains("\"'{{"), "{name}: {page}");
            assert!(page.contains("http://n/paste/") || name.ends_with("table.html"), "{name}: {page}");
        }
    }

    #[tokio::test]
    async fn the_style_in_a_page_is_the_one_its_policy_lets_in() {
        let pages = Pages::new(Neighbours::default()).unwrap();
        let answer = pages.page(StatusCode::OK, "pastes/said.html", &json!({ "title": "", "user": "", "words": "" }));
        let policy = answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        let page = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        let page = String::from_utf8(page.to_vec()).unwrap();
        let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
        let digest = STANDARD.encode(Sha256::digest(style));
        assert!(policy.contains(&format!("style-src 'sha256-{digest}'")), "{policy}");
    }

    #[test]
    fn times_are_told_as_distances() {
        let now = 100 * 86_400_000;
        let told = |seconds: i64| moment(now + seconds * 1000, now)["said"].as_str().unwrap().to_owned();
        let all = [0, -59, -60, -7_199, -86_400, -2_592_000, 30, 3_600, 172_800].map(told).join("\n");
        insta::assert_snapshot!(all, @"
        just now
        just now
        1 minute ago
        1 hour ago
        1 day ago
        on 1970-03-12
        in a moment
        in 1 hour
        in 2 days
        ");
    }
}
