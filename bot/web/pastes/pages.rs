//! The pages of the pastes: templates filled in, and the headers every page has.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::Value;
use tera::{Context, Tera};

const TEMPLATES: &[(&str, &str)] = &[
    ("base.html", include_str!("../../../templates/web/pastes/base.html")),
    ("show.html", include_str!("../../../templates/web/pastes/show.html")),
    ("markdown.html", include_str!("../../../templates/web/pastes/markdown.html")),
    ("list.html", include_str!("../../../templates/web/pastes/list.html")),
    ("new.html", include_str!("../../../templates/web/pastes/new.html")),
    ("said.html", include_str!("../../../templates/web/pastes/said.html")),
];

/// No script at all, our own style sheet, no picture from anywhere: a paste can hold anything.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The templates, read once.
#[derive(Clone, Debug)]
pub(super) struct Pages {
    tera: Arc<Tera>,
}

impl Pages {
    /// # Errors
    /// Never in a build whose tests passed.
    pub(super) fn new() -> Result<Self, tera::Error> {
        let mut tera = Tera::new();
        tera.autoescape_on([".html"]);
        tera.add_raw_templates(TEMPLATES.iter().copied())?;
        Ok(Self { tera: Arc::new(tera) })
    }

    /// A page; `facts` is a map of what its template names.
    pub(super) fn page(&self, status: StatusCode, name: &str, facts: &Value) -> Response {
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
