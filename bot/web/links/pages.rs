//! The pages of the go links: templates filled in, and the headers every page has.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use tera::{Context, Tera};

use crate::engine::links::Counted;
use crate::kernel::link::path_escape;

const TEMPLATES: &[(&str, &str)] = &[
    ("base.html", include_str!("../../../templates/web/links/base.html")),
    ("table.html", include_str!("../../../templates/web/links/table.html")),
    ("home.html", include_str!("../../../templates/web/links/home.html")),
    ("list.html", include_str!("../../../templates/web/links/list.html")),
    ("detail.html", include_str!("../../../templates/web/links/detail.html")),
    ("done.html", include_str!("../../../templates/web/links/done.html")),
    ("help.html", include_str!("../../../templates/web/links/help.html")),
];

/// No script, nothing from elsewhere, no frame around it.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// One link in a table.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    short: String,
    path: String,
    long: String,
    owner: String,
    edited: String,
    clicks: i64,
}

impl Row {
    pub(super) fn of(Counted { link, clicks }: Counted) -> Self {
        let (path, edited) = (path_escape(&link.short), day(link.edited_at));
        Self { short: link.short, path, long: link.long, owner: link.owner, edited, clicks }
    }
}

/// A day, for people.
pub(super) fn day(at: i64) -> String {
    Timestamp::from_millisecond(at).map(|at| at.strftime("%Y-%m-%d").to_string()).unwrap_or_default()
}

/// The templates, read once.
#[derive(Clone, Debug)]
pub(super) struct Pages {
    tera: std::sync::Arc<Tera>,
}

impl Pages {
    /// # Errors
    /// Never in a build whose tests passed.
    pub(super) fn new() -> Result<Self, tera::Error> {
        let mut tera = Tera::new();
        tera.autoescape_on([".html"]);
        tera.add_raw_templates(TEMPLATES.iter().copied())?;
        Ok(Self { tera: std::sync::Arc::new(tera) })
    }

    /// A page; `facts` is a map of what its template names.
    pub(super) fn page(&self, status: StatusCode, name: &str, facts: &serde_json::Value) -> Response {
        let page = Context::from_serialize(facts).and_then(|context| self.tera.render(name, &context));
        match page {
            Ok(page) => {
                let mut headers = HeaderMap::new();
                headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_page_is_drawn_and_what_people_typed_is_text() {
        let pages = Pages::new().unwrap();
        let nasty = "<script>alert(1)</script>\"'{{ x }}";
        let row = serde_json::json!({
            "short": nasty, "path": path_escape(nasty), "long": nasty, "owner": nasty, "edited": "", "clicks": 3,
        });
        let facts = serde_json::json!({
            "root": "/go", "title": nasty, "user": nasty, "xsrf": "t", "short": nasty, "path": path_escape(nasty), "long": nasty,
            "owner": nasty, "rows": [row], "exists": true, "can_edit": true, "created": "", "edited": "", "clicks": 1,
            "is_deleted": true, "address": "http://go",
        });
        for name in ["home.html", "list.html", "detail.html", "done.html", "help.html"] {
            let answer = pages.page(StatusCode::OK, name, &facts);
            assert_eq!(answer.status(), StatusCode::OK, "{name}");
            let page = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
            let page = String::from_utf8(page.to_vec()).unwrap();
            assert!(!page.contains("<script") && !page.contains("\"'{{"), "{name}: {page}");
        }
    }
}
