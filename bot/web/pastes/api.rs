//! Posting and deleting, as tclip's own clients do it and from our pages.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::form::Form;
use super::{PastePages, is_from_another_site};
use crate::engine::pastes::{PasteError, Pasting};
use crate::kernel::hold;
use crate::kernel::paste::{Author, PasteId, Text};
use crate::web::wants_page;

/// `POST /api/post`: `filename` and `content` as a form. With `Accept: text/plain` the answer is the address without a
/// line end, else a redirect there. Ours beside tclip's: `language`, and `keep` (`1d`) for how long.
pub(super) async fn submit(State(pages): State<PastePages>, request: Request<Body>) -> Response {
    if request.method() != Method::POST {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "must POST");
    }
    let (headers, extensions) = (request.headers().clone(), request.extensions().clone());
    let author = match pages.person(&headers, &extensions).await {
        Ok(author) => author,
        Err(answer) => return answer,
    };
    if is_from_another_site(&headers) {
        return plain(StatusCode::FORBIDDEN, "a page of another site may not paste here");
    }
    if !pages.pastes().are_here() {
        return plain(StatusCode::CONFLICT, "pastes go to tclip; post there");
    }
    let form = match Form::read(request).await {
        Ok(form) => form,
        Err((status, why)) => return plain(status, why),
    };
    match posted(&pages, author, form, &headers).await {
        Ok(answer) => answer,
        Err(error) => pages.failed(&error),
    }
}

async fn posted(
    pages: &PastePages,
    author: Author,
    mut form: Form,
    headers: &HeaderMap,
) -> Result<Response, PasteError> {
    if is_browser(headers) {
        form.undo_browser_lines();
    }
    let content = form.take_content();
    let filename = match (form.word("filename")?, &form.file_name) {
        ("", Some(name)) => name.clone(),
        (name, _) => name.to_owned(),
    };
    let language = Some(form.word("language")?).filter(|language| !language.is_empty());
    let keep = form.word("keep")?;
    let now = pages.engine.clock().now_ms();
    let expires_at = hold::parse(keep).ok().map(|length_ms| now.saturating_add(length_ms));
    if expires_at.is_none() && !matches!(keep, "" | "ever") {
        return Ok(plain(StatusCode::BAD_REQUEST, "keep is a length of time, like 1h, 7d, or ever"));
    }
    let text = Text::from_bytes(&filename, language, content)?;
    // A program cannot be asked, and would take the question for its paste; a person is, by the form coming back.
    if wants_page(headers) && form.word("anyway")?.is_empty() {
        let suspects = pages.pastes().doubts(&text).suspects;
        if let Some(first) = suspects.first() {
            let note = format!("This looks like it holds {} ({}). Nothing was pasted yet.", first.kind, first.place());
            let facts = json!({
                "title": "Are you sure?", "user": author.shown(), "note": note, "anyway": true, "filename": text.filename,
                "content": text.content, "keep": keep, "address": pages.pages.neighbours().here, "language": text.language,
            });
            return Ok(pages.pages.page(StatusCode::OK, "pastes/new.html", &facts));
        }
    }
    let pasting = Pasting { expires_at, ..Pasting::new(author, text) };
    let paste = pages.pastes().create(pasting, None).await?;
    let page = pages.pastes().page(&paste);
    if headers.get(header::ACCEPT).is_some_and(|accept| accept == "text/plain") {
        return Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], page).into_response());
    }
    // Where they are, which may not be the address we are known by.
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, format!("/paste/{}", paste.id))]).into_response())
}

/// `GET /api/delete/ID`, as tclip has it: for programs. A browser would follow a link here that somebody put into a paste, so
/// browsers are sent to the page with the button.
pub(super) async fn delete(
    State(pages): State<PastePages>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Response {
    if request.method() != Method::GET {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "must GET");
    }
    let headers = request.headers();
    let Some(id) = PasteId::read(&id) else { return pages.gone() };
    if is_browser(headers) {
        return (StatusCode::SEE_OTHER, [(header::LOCATION, format!("/paste/{id}"))]).into_response();
    }
    match deleted(&pages, &id, headers, request.extensions()).await {
        Ok(()) => (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "/paste/list")]).into_response(),
        Err(answer) => answer,
    }
}

/// Whether a browser asks. By plain http it sends none of the headers that tell where a request comes from, and a picture
/// in a page of another site is not asked for as HTML; but each says what it is and which languages its reader wants.
fn is_browser(headers: &HeaderMap) -> bool {
    let tells =
        ["sec-fetch-site", "sec-fetch-mode", "origin", "referer", "accept-language", "upgrade-insecure-requests"];
    let begins = |name: header::HeaderName, word: &str| {
        headers.get_all(name).iter().any(|value| value.as_bytes().starts_with(word.as_bytes()))
    };
    tells.iter().any(|name| headers.contains_key(*name))
        || begins(header::USER_AGENT, "Mozilla/")
        || begins(header::ACCEPT, "text/html")
}

/// The button on a paste's page.
pub(super) async fn delete_from_page(
    State(pages): State<PastePages>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Response {
    let Some(id) = PasteId::read(&id) else { return pages.gone() };
    if is_from_another_site(request.headers()) {
        return plain(StatusCode::FORBIDDEN, "a page of another site may not delete here");
    }
    match deleted(&pages, &id, request.headers(), request.extensions()).await {
        Ok(()) => (StatusCode::SEE_OTHER, [(header::LOCATION, "/paste/list")]).into_response(),
        Err(answer) => answer,
    }
}

async fn deleted(
    pages: &PastePages,
    id: &PasteId,
    headers: &HeaderMap,
    extensions: &axum::http::Extensions,
) -> Result<(), Response> {
    let who = pages.person(headers, extensions).await?;
    pages.pastes().delete(id, &who, None).await.map(drop).map_err(|error| pages.failed(&error))
}

/// A line of text.
pub(super) fn plain(status: StatusCode, words: &str) -> Response {
    (status, [(header::X_CONTENT_TYPE_OPTIONS, "nosniff")], format!("{words}\n")).into_response()
}
