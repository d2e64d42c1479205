//! The pages: one paste highlighted, raw, to download, as rendered Markdown; the list; and the form for a new one.

use axum::extract::{Path, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{PastePages, highlight, markdown};
use crate::kernel::paste::{Author, Paste, PasteId, PastePlace, UNTITLED};
use crate::notices::pastes::size;
use crate::notices::words::one_line;
use crate::web::pages::moment;

/// As many are on one page of the list, as at tclip.
const PAGE: i64 = 25;
/// Of a first line that stands for a name.
const TITLE_MAX: usize = 80;
/// Further back nobody leafs.
const PAGES_MAX: i64 = 100_000;
/// A text is shown as text: it can load nothing, run nothing, and is not what the browser guesses.
const RAW_POLICY: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";

/// What every page of a paste says about it.
fn facts(pages: &PastePages, paste: &Paste, content: &str, reader: Option<&Author>) -> Value {
    let now = pages.engine.clock().now_ms();
    json!({
        "title": title(&paste.filename, content), "is_drawn": false, "has_own_title": false, "note": "", "id": paste.id.as_str(), "filename": paste.filename, "author": paste.author.name,
        "created": moment(paste.created_at, now), "expires": paste.expires_at.map(|at| moment(at, now)), "size": size(paste.size_bytes),
        "is_markdown": markdown::is_markdown(paste),
        "can_delete": reader.is_some_and(|reader| paste.check_delete(reader, now).is_ok()),
        "user": reader.map(Author::shown).unwrap_or_default(),
    })
}

/// The paste of this address and who reads it; an answer if there is none or they may not.
async fn found(pages: &PastePages, id: &str, parts: &Parts) -> Result<(Paste, Option<Author>), Response> {
    let caller = pages.reader(&parts.headers, &parts.extensions).await?;
    let Some(id) = PasteId::read(id) else { return Err(pages.gone()) };
    let paste = pages.pastes().find(&id).await.map_err(|error| pages.failed(&error))?;
    let paste = paste.ok_or_else(|| pages.gone())?;
    match paste.place {
        PastePlace::Here => Ok((paste, caller.person().map(super::author))),
        PastePlace::Tclip { url } => Err(Redirect::temporary(&url).into_response()),
    }
}

async fn content(pages: &PastePages, paste: &Paste) -> Result<String, Response> {
    let content = pages.pastes().content(&paste.id).await.map_err(|error| pages.failed(&error))?;
    content.ok_or_else(|| pages.gone())
}

/// `GET /paste/ID`.
pub(super) async fn page(State(pages): State<PastePages>, Path(id): Path<String>, request: Request) -> Response {
    drawn(&pages, &id, &request.into_parts().0).await.unwrap_or_else(|answer| answer)
}

/// The lines of a paste; `note` says why they are shown and not the page they would make.
async fn highlighted(
    pages: &PastePages,
    (paste, reader): (&Paste, Option<&Author>),
    content: String,
    note: &str,
) -> Response {
    let mut facts = facts(pages, paste, &content, reader);
    let code = pages.highlighted.of(paste, content).await;
    if let Some(facts) = facts.as_object_mut() {
        facts.insert("code".to_owned(), json!(&*code.html));
        facts.insert("is_cut".to_owned(), json!(code.is_cut));
        facts.insert("lines_max".to_owned(), json!(highlight::LINES_MAX));
        facts.insert("note".to_owned(), json!(note));
    }
    pages.pages.page(StatusCode::OK, "pastes/show.html", &facts)
}

/// `GET /paste/ID/raw`, `dl`, `source`, `md`. As at tclip `md` of what is no Markdown leads to the paste, and `org` too: that format is
/// not drawn here.
pub(super) async fn other(
    State(pages): State<PastePages>,
    Path((id, how)): Path<(String, String)>,
    request: Request,
) -> Response {
    let parts = request.into_parts().0;
    let answer = match how.as_str() {
        "raw" => raw(&pages, &id, &parts, false).await,
        "dl" => raw(&pages, &id, &parts, true).await,
        "source" => source(&pages, &id, &parts).await,
        "md" | "org" => rendered(&pages, &id, &parts, how == "md").await,
        _ => Ok(pages.gone()),
    };
    answer.unwrap_or_else(|answer| answer)
}

async fn raw(pages: &PastePages, id: &str, parts: &Parts, is_download: bool) -> Result<Response, Response> {
    let (paste, _) = found(pages, id, parts).await?;
    let content = content(pages, &paste).await?;
    let mut headers = HeaderMap::new();
    let mut set = |name, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_TYPE, "text/plain; charset=utf-8");
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::CONTENT_SECURITY_POLICY, RAW_POLICY);
    set(header::CACHE_CONTROL, "no-store");
    set(header::REFERRER_POLICY, "no-referrer");
    if is_download && let Ok(value) = HeaderValue::from_str(&disposition(&paste.filename)) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok((headers, content).into_response())
}

/// With the name in ASCII for old programs and as it is for all others (RFC 6266, RFC 8187).
fn disposition(filename: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || " ._-+@()".contains(c);
    let ascii: String = filename.chars().map(|c| if plain(c) { c } else { '_' }).collect();
    let mut whole = String::new();
    for byte in filename.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            whole.push(char::from(byte));
        } else {
            whole.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{whole}")
}

async fn rendered(pages: &PastePages, id: &str, parts: &Parts, is_md: bool) -> Result<Response, Response> {
    let (paste, _) = found(pages, id, parts).await?;
    if !is_md || !markdown::is_markdown(&paste) {
        return Ok(Redirect::temporary(&format!("/paste/{}", paste.id)).into_response());
    }
    drawn(pages, id, parts).await
}

async fn source(pages: &PastePages, id: &str, parts: &Parts) -> Result<Response, Response> {
    let (paste, reader) = found(pages, id, parts).await?;
    let content = content(pages, &paste).await?;
    Ok(highlighted(pages, (&paste, reader.as_ref()), content, "").await)
}

/// Markdown as the page it makes, everything else as its lines.
async fn drawn(pages: &PastePages, id: &str, parts: &Parts) -> Result<Response, Response> {
    let (paste, reader) = found(pages, id, parts).await?;
    let content = content(pages, &paste).await?;
    if !markdown::is_markdown(&paste) {
        return Ok(highlighted(pages, (&paste, reader.as_ref()), content, "").await);
    }
    let Some(html) = pages.drawing.of(content.clone()).await else {
        let note = "This Markdown is too large or too odd to be drawn, so this is its text.";
        return Ok(highlighted(pages, (&paste, reader.as_ref()), content, note).await);
    };
    let mut facts = facts(pages, &paste, &content, reader.as_ref());
    if let Some(facts) = facts.as_object_mut() {
        facts.insert("has_own_title".to_owned(), json!(html.trim_start().starts_with("<h1>")));
        facts.insert("html".to_owned(), json!(html));
        facts.insert("is_drawn".to_owned(), json!(true));
    }
    Ok(pages.pages.page(StatusCode::OK, "pastes/show.html", &facts))
}

/// What a paste is called where people look for it: its name, and without one its first line.
pub(in crate::web) fn title(filename: &str, content: &str) -> String {
    let line = content.lines().map(|line| line.trim().trim_start_matches('#').trim()).find(|line| !line.is_empty());
    match line {
        Some(line) if filename == UNTITLED => one_line(line, TITLE_MAX),
        _ => filename.to_owned(),
    }
}

/// Which page of the list.
#[derive(Deserialize)]
pub(super) struct Leaf {
    page: Option<String>,
}

/// `GET /paste/list?page=N`, from 0, as at tclip. For people the tailnet knows.
pub(super) async fn list(State(pages): State<PastePages>, Query(leaf): Query<Leaf>, request: Request) -> Response {
    let reader = match pages.person(request.headers(), request.extensions()).await {
        Ok(reader) => reader,
        Err(answer) => return answer,
    };
    if !pages.pastes().are_here() {
        return Redirect::temporary(&pages.pastes().list_page()).into_response();
    }
    // As at tclip what is no number is the first page.
    let number = leaf.page.and_then(|page| page.parse::<i64>().ok()).unwrap_or(0).clamp(0, PAGES_MAX);
    let found = match pages.pastes().page_of(PAGE + 1, number * PAGE).await {
        Ok(found) => found,
        Err(error) => return pages.failed(&error),
    };
    let has_next = found.len() > usize::try_from(PAGE).unwrap_or(usize::MAX);
    let begins = match pages.pastes().begins(&found).await {
        Ok(begins) => begins,
        Err(error) => return pages.failed(&error),
    };
    let begin = |id: &PasteId| begins.get(id).map_or("", String::as_str);
    let now = pages.engine.clock().now_ms();
    let rows: Vec<Value> = found
        .iter()
        .take(usize::try_from(PAGE).unwrap_or(0))
        .map(|paste| {
            json!({
                "id": paste.id.as_str(), "title": title(&paste.filename, begin(&paste.id)), "created": moment(paste.created_at, now),
                "author": paste.author.name, "size": size(paste.size_bytes),
                "is_mine": paste.author.is_same(&reader),
            })
        })
        .collect();
    let facts = json!({
        "title": "Pastes", "user": reader.shown(), "rows": rows, "page": number + 1,
        "previous": (number > 0).then(|| number - 1), "next": has_next.then(|| number + 1),
    });
    pages.pages.page(StatusCode::OK, "pastes/list.html", &facts)
}

/// `GET /paste/`: the form.
pub(super) async fn new(State(pages): State<PastePages>, request: Request) -> Response {
    match pages.person(request.headers(), request.extensions()).await {
        Ok(_) if !pages.pastes().are_here() => Redirect::temporary(&pages.pastes().list_page()).into_response(),
        Ok(author) => {
            let facts = json!({ "title": "New paste", "user": author.shown(), "keep": "", "content": "", "filename": "", "address": pages.pages.neighbours().here });
            pages.pages.page(StatusCode::OK, "pastes/new.html", &facts)
        }
        Err(answer) => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_has_its_name_whatever_is_in_it() {
        insta::assert_snapshot!(disposition("notes.md"), @r#"attachment; filename="notes.md"; filename*=UTF-8''notes.md"#);
        insta::assert_snapshot!(disposition("ü\"; x=\r\n.txt"), @r#"attachment; filename="___ x___.txt"; filename*=UTF-8''%C3%BC%22%3B%20x%3D%0D%0A.txt"#);
    }
}
