//! The arguments of one Web API call, however they came: query, form or JSON, and the token beside them.

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Uri, header};
use serde_json::{Map, Value};
use url::form_urlencoded;

use super::super::json;

/// One call, read but not yet judged.
pub(super) struct Incoming {
    pub(super) args: Args,
    pub(super) token: Option<String>,
    pub(super) is_get: bool,
    pub(super) is_json: bool,
    pub(super) misses_charset: bool,
    pub(super) token_in_query: bool,
    pub(super) is_unreadable: bool,
}

/// Arguments by name.
#[derive(Default)]
pub(crate) struct Args(pub(super) Map<String, Value>);

/// These arrive as JSON text inside forms.
const NESTED: &[&str] = &["attachments", "blocks", "metadata", "view"];

impl Args {
    /// The argument as text; numbers and booleans read as they are written. Absent, null and empty are the same.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match self.0.get(name)? {
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => Some(text.clone()),
            Value::Null => None,
            other => Some(other.to_string()),
        }
    }

    /// The argument as text, or "".
    pub(crate) fn word(&self, name: &str) -> String {
        self.text(name).unwrap_or_default()
    }

    /// Whether it reads `true` or `1`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.word(name).as_str(), "true" | "1")
    }

    /// A nested argument; JSON text that does not parse stays text.
    pub(crate) fn nested(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null() && **value != "")
    }
}

pub(super) fn read(method: &Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Incoming {
    let mut args = Map::new();
    let query = uri.query().unwrap_or_default();
    read_pairs(query.as_bytes(), &mut args);
    let token_in_query = args.contains_key("token");
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_json = content_type.starts_with("application/json");
    let mut is_unreadable = false;
    if is_json && !body.is_empty() {
        match serde_json::from_slice::<Value>(body) {
            Ok(Value::Object(map)) => args.extend(map),
            Ok(_) | Err(_) => is_unreadable = true,
        }
    } else if content_type.starts_with("application/x-www-form-urlencoded") {
        read_pairs(body, &mut args);
    }
    for name in NESTED {
        if let Some(Value::String(text)) = args.get(*name)
            && let Ok(value) = serde_json::from_str::<Value>(text)
        {
            args.insert((*name).to_owned(), value);
        }
    }
    let in_body = args.remove("token").map(|token| json::text(&token, "").to_owned());
    let token = bearer(headers).or(in_body).filter(|token| !token.is_empty());
    Incoming {
        args: Args(args),
        token,
        is_get: method == Method::GET,
        is_json,
        misses_charset: is_json && !content_type.contains("charset"),
        token_in_query,
        is_unreadable,
    }
}

fn read_pairs(bytes: &[u8], args: &mut Map<String, Value>) {
    for (name, value) in form_urlencoded::parse(bytes) {
        args.insert(name.into_owned(), Value::String(value.into_owned()));
    }
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    Some(value.strip_prefix("Bearer ")?.trim().to_owned())
}
