//! The form of a post: as tclip reads it, in either of the two ways browsers and programs send forms.

use std::collections::HashMap;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::{StatusCode, header};
use futures_util::TryStreamExt;

use crate::kernel::paste::{CONTENT_MAX_BYTES, PasteRefusal};
use crate::web::fields;

/// Go reads forms of at most this many bytes, so tclip does.
const FORM_MAX_BYTES: usize = 10 * 1024 * 1024;
/// What is sent beyond that is thrown away up to here, so that the sender, who reads no answer before all is sent,
/// learns that it was too much and not that the connection broke.
const SENT_MAX_BYTES: usize = 64 * 1024 * 1024;
/// Names and choices.
const FIELD_MAX_BYTES: usize = 4 * 1024;
/// Other fields are left out, and there are not many.
const FIELDS_MAX: usize = 16;
/// A form comes at once; whoever takes longer holds a connection for nothing.
const READ_LIMIT: Duration = Duration::from_secs(8);

/// Why a form is not read, with the status of the answer.
pub(super) type Unreadable = (StatusCode, &'static str);

const TOO_LARGE: Unreadable = (StatusCode::PAYLOAD_TOO_LARGE, "more than a paste can have");
const BROKEN: Unreadable = (StatusCode::BAD_REQUEST, "the form cannot be read");

/// The fields of a form.
#[derive(Debug, Default)]
pub(super) struct Form {
    fields: HashMap<String, Vec<u8>>,
    /// What came as a file has a name of its own.
    pub(super) file_name: Option<String>,
}

impl Form {
    /// Reads it within limits of size and time.
    pub(super) async fn read(request: Request<Body>) -> Result<Self, Unreadable> {
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_ascii_lowercase();
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_owned();
        let reading = async {
            match kind.as_str() {
                "multipart/form-data" => Self::parts(whole(request).await?).await,
                "application/x-www-form-urlencoded" => Ok(Self::pairs(whole(request).await?.body())),
                _ => Err((StatusCode::BAD_REQUEST, "bad content-type, should be a form")),
            }
        };
        let late = || (StatusCode::REQUEST_TIMEOUT, "the form did not come in time");
        let form = tokio::time::timeout(READ_LIMIT, reading).await.unwrap_or_else(|_| Err(late()))?;
        if form.fields.contains_key("filename") || form.fields.contains_key("content") {
            return Ok(form);
        }
        Err((StatusCode::BAD_REQUEST, "include form values filename and data"))
    }

    fn pairs(body: &[u8]) -> Self {
        let mut form = Self::default();
        for (name, value) in fields::pairs(body).take(FIELDS_MAX) {
            // As in Go, the first of two counts.
            form.fields.entry(String::from_utf8_lossy(&name).into_owned()).or_insert(value);
        }
        form
    }

    async fn parts(request: Request<Vec<u8>>) -> Result<Self, Unreadable> {
        let mut parts = Multipart::from_request(request.map(Body::from), &()).await.map_err(|_| BROKEN)?;
        let mut form = Self::default();
        while let Some(mut field) = parts.next_field().await.map_err(|_| BROKEN)? {
            let name = field.name().unwrap_or_default().to_owned();
            let limit = if name == "content" { CONTENT_MAX_BYTES } else { FIELD_MAX_BYTES };
            if name == "content" {
                form.file_name = field.file_name().map(str::to_owned);
            }
            let mut value = Vec::new();
            while let Some(piece) = field.chunk().await.map_err(|_| BROKEN)? {
                if value.len() + piece.len() > limit {
                    return Err(TOO_LARGE);
                }
                value.extend_from_slice(&piece);
            }
            if form.fields.len() < FIELDS_MAX {
                form.fields.entry(name).or_insert(value);
            }
        }
        Ok(form)
    }

    /// A short field as text; refused if it is none.
    pub(super) fn word(&self, name: &str) -> Result<&str, PasteRefusal> {
        let value = self.fields.get(name).map(Vec::as_slice).unwrap_or_default();
        std::str::from_utf8(value).map_err(|_| PasteRefusal::NotText)
    }

    /// A browser sends the lines of a text field with CR LF, whatever was typed; a file, and what a program sends, stays as it is.
    pub(super) fn undo_browser_lines(&mut self) {
        if self.file_name.is_none()
            && let Some(content) = self.fields.get_mut("content")
        {
            let mut before = 0;
            let pairs: Vec<bool> = content.windows(2).map(|pair| pair == b"\r\n").collect();
            content.retain(|_| {
                before += 1;
                !pairs.get(before - 1).copied().unwrap_or(false)
            });
        }
    }

    /// The text itself, taken out.
    pub(super) fn take_content(&mut self) -> Vec<u8> {
        self.fields.remove("content").unwrap_or_default()
    }
}

/// The request with its body read.
async fn whole(request: Request<Body>) -> Result<Request<Vec<u8>>, Unreadable> {
    let (parts, body) = request.into_parts();
    let mut pieces = body.into_data_stream();
    let (mut kept, mut sent) = (Vec::new(), 0_usize);
    while let Some(piece) = pieces.try_next().await.map_err(|_| BROKEN)? {
        sent = sent.saturating_add(piece.len());
        if sent > SENT_MAX_BYTES {
            break;
        }
        if sent <= FORM_MAX_BYTES {
            kept.extend_from_slice(&piece);
        }
    }
    if sent > FORM_MAX_BYTES { Err(TOO_LARGE) } else { Ok(Request::from_parts(parts, kept)) }
}
