//! What came in and what goes out, as plain values, so that the answers are plain functions.

use serde_json::{Value, json};

use super::state::Actor;

/// A call that arrived.
#[derive(Debug, Clone)]
pub(super) struct Incoming {
    pub now_ms: i64,
    /// Path below `/api/v2`, decoded, in parts.
    pub segments: Vec<String>,
    pub query: Vec<(String, String)>,
    pub accept: String,
    pub content_type: String,
    pub if_match: Option<String>,
    pub authorization: String,
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// Who is calling, once that is known.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub client_id: String,
    pub scopes: Vec<String>,
    pub actor: Actor,
}

impl Incoming {
    /// A parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Part number `at` of the path; empty if there is none.
    pub fn segment(&self, at: usize) -> &str {
        self.segments.get(at).map(String::as_str).unwrap_or_default()
    }
}

impl Reply {
    pub fn json(body: &Value) -> Self {
        Self::text(200, "application/json", body.to_string())
    }

    pub fn text(status: u16, content_type: &str, body: String) -> Self {
        Self { status, headers: vec![("content-type".to_owned(), content_type.to_owned())], body }
    }

    /// 200 without a body.
    pub fn empty() -> Self {
        Self { status: 200, headers: Vec::new(), body: String::new() }
    }

    /// `{"message": ...}`, the shape of every error (apis/tailscale.md 1.4).
    pub fn error(status: u16, message: &str) -> Self {
        Self::text(status, "application/json", json!({ "message": message }).to_string())
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl Caller {
    /// Whether the caller has `scope`; writing includes reading, `all` everything (apis/tailscale.md 1.3).
    pub fn may(&self, scope: &str) -> bool {
        let write = scope.strip_suffix(":read");
        self.scopes.iter().any(|held| {
            held == scope || held == "all" || write.is_some_and(|write| held == write || held == "all:read")
        })
    }
}
