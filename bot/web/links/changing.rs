//! Making, changing and deleting go links over HTTP. Order and meaning of the checks are golink's.

use std::collections::HashMap;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Multipart};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::showing::{NEW, editor, named, set};
use super::{Asked, BODY_LIMIT_BYTES, LinkPages, failed, redirect, text, wants_page};
use crate::engine::links::Saving;
use crate::kernel::Actor;
use crate::kernel::link::snapshot::Line;
use crate::kernel::link::{
    Draft, Editor, Expect, LinkId, LinkRefusal, check_destination, check_name, may_edit, path_escape,
};
use crate::web::fields;
use crate::web::identity::Caller;

/// Scripts in a page of elsewhere cannot set it: names that begin with `Sec-` are the browser's own.
const PROGRAM: &str = "sec-golink";

type Form = HashMap<String, String>;

/// Why a form is not read, with the status of the answer.
type Unreadable = (StatusCode, &'static str);

const TOO_LONG: Unreadable = (StatusCode::PAYLOAD_TOO_LARGE, "the form is too long, or broken");
const NO_TEXT: Unreadable = (StatusCode::BAD_REQUEST, "the form is not a text (it must be UTF-8)");

/// The fields of a form and of the query; the form's win, and of several of one name the first.
async fn form(headers: &HeaderMap, query: &str, body: Body) -> Result<Form, Unreadable> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let sent: Vec<(Vec<u8>, Vec<u8>)> =
        match kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "application/x-www-form-urlencoded" => {
                let body = to_bytes(body, BODY_LIMIT_BYTES).await.map_err(|_| TOO_LONG)?;
                fields::pairs(&body).collect()
            }
            "multipart/form-data" => {
                let body = to_bytes(body, BODY_LIMIT_BYTES).await.map_err(|_| TOO_LONG)?;
                parts(kind, Body::from(body)).await.ok_or(TOO_LONG)?
            }
            _ => Vec::new(),
        };
    let mut fields = Form::new();
    for (name, value) in sent.into_iter().chain(fields::pairs(query.as_bytes())) {
        // What is no text would be saved as another text.
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).map_err(|_| NO_TEXT);
        let value = text(value)?;
        fields.entry(text(name)?).or_insert(value);
    }
    Ok(fields)
}

/// The fields of a form that is sent in parts, as `curl -F` does.
async fn parts(kind: &str, body: Body) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let request = axum::http::Request::builder().header(header::CONTENT_TYPE, kind).body(body).ok()?;
    let mut parts = Multipart::from_request(request, &()).await.ok()?;
    let mut fields = Vec::new();
    while let Some(part) = parts.next_field().await.ok()? {
        let name = part.name().unwrap_or_default().as_bytes().to_vec();
        fields.push((name, part.bytes().await.ok()?.to_vec()));
    }
    Some(fields)
}

fn field<'f>(form: &'f Form, name: &str) -> &'f str {
    form.get(name).map(String::as_str).unwrap_or_default()
}

impl LinkPages {
    /// Who changes something; an answer if they may not.
    async fn writer(&self, asked_by: &Caller) -> Result<Editor, Response> {
        editor(asked_by).ok_or_else(|| {
            let words = match asked_by {
                Caller::Tagged => {
                    "devices with tags belong to nobody, so they change no links; use a device of your own"
                }
                caller => &format!("only people of this tailnet change links, and {}", caller.why_nobody()),
            };
            text(StatusCode::FORBIDDEN, words)
        })
    }

    fn is_authorized(&self, headers: &HeaderMap, form: &Form, login: &str, form_name: &str) -> bool {
        let is_program = headers.get(PROGRAM).is_some_and(|value| !value.is_empty());
        is_program || self.tokens.is_good(field(form, "xsrf"), login, form_name, self.now())
    }

    /// `POST /`: makes or replaces a link.
    pub(super) async fn save(&self, asked: Asked, body: Body) -> Response {
        let form = match form(&asked.headers, &asked.query, body).await {
            Ok(form) => form,
            Err((status, why)) => return text(status, why),
        };
        let (short, long) = (field(&form, "short"), field(&form, "long"));
        if short.is_empty() || long.is_empty() {
            return text(StatusCode::BAD_REQUEST, "`short` and `long` must both be given");
        }
        if let Err(why) = check_name(short) {
            return text(StatusCode::BAD_REQUEST, &format!("`short`: {why}"));
        }
        let long = match check_destination(long) {
            Ok(long) => long,
            Err(LinkRefusal::Template { why }) => {
                return text(StatusCode::BAD_REQUEST, &format!("`long` is no good template: {why}"));
            }
            Err(refusal) => return text(StatusCode::BAD_REQUEST, &format!("`long`: {refusal}")),
        };
        if self.links().is_own_circle(short, long) {
            return text(StatusCode::BAD_REQUEST, "`long`: the link would lead to itself");
        }
        let caller = match self.reader(&asked).await {
            Ok(caller) => caller,
            Err(answer) => return answer,
        };
        let editor = match self.writer(&caller).await {
            Ok(editor) => editor,
            Err(answer) => return answer,
        };
        let links = self.links();
        let (before, known) = match (links.find(short).await, links.known().await) {
            (Ok(before), Ok(known)) => (before, known),
            (Err(error), _) | (_, Err(error)) => return failed(&error),
        };
        if let Err(refusal) = may_edit(before.as_ref(), &editor, &known) {
            return failed(&refusal.into());
        }
        // The form that makes links must not replace one: that is the form on the link's own page.
        let form_name = before.as_ref().map_or_else(|| NEW.to_owned(), |link| link.id().to_string());
        if !self.is_authorized(&asked.headers, &form, &editor.login, &form_name) {
            let is_new_form = before.is_some() && self.is_authorized(&asked.headers, &form, &editor.login, NEW);
            if is_new_form {
                let page = format!("{}/.detail/{}?exists=1", asked.root, path_escape(short));
                return redirect(StatusCode::SEE_OTHER, &page);
            }
            return text(
                StatusCode::BAD_REQUEST,
                "the form is too old or not ours; open the page again (programs send Sec-Golink: 1)",
            );
        }
        let owner = Some(field(&form, "owner").to_owned()).filter(|owner| !owner.is_empty());
        let draft = Draft { short: short.to_owned(), long: long.to_owned(), owner };
        let actor = Actor::Visitor { login: editor.login.clone() };
        match links.save(Saving { actor, editor, draft, expect: Expect::Anything, delivery: None }).await {
            Ok(link) if wants_page(&asked.headers) => {
                let mut facts = self.facts(&asked, &caller, "go/");
                set(&mut facts, "path", path_escape(&link.short));
                set(&mut facts, "short", link.short);
                set(&mut facts, "is_deleted", false);
                self.pages.page(StatusCode::OK, "links/done.html", &facts)
            }
            Ok(link) => {
                let line = Line::of(&link).to_text() + "\n";
                ([(header::CONTENT_TYPE, "application/json")], line).into_response()
            }
            Err(error) => failed(&error),
        }
    }

    /// `POST /.delete/NAME`: only with the token of the link's own page, as in golink.
    pub(super) async fn delete(&self, asked: Asked, escaped: &str, body: Body) -> Response {
        let form = match form(&asked.headers, "", body).await {
            Ok(form) => form,
            Err((status, why)) => return text(status, why),
        };
        let Some(short) = named(escaped).filter(|short| !short.is_empty()) else {
            return text(StatusCode::BAD_REQUEST, "say which link");
        };
        let caller = match self.reader(&asked).await {
            Ok(caller) => caller,
            Err(answer) => return answer,
        };
        let links = self.links();
        let (before, known) = match (links.find(&short).await, links.known().await) {
            (Ok(Some(before)), Ok(known)) => (before, known),
            (Ok(None), _) => return text(StatusCode::NOT_FOUND, "there is no such go link"),
            (Err(error), _) | (_, Err(error)) => return failed(&error),
        };
        let editor = match self.writer(&caller).await {
            Ok(editor) => editor,
            Err(answer) => return answer,
        };
        if let Err(refusal) = may_edit(Some(&before), &editor, &known) {
            return failed(&refusal.into());
        }
        if !self.tokens.is_good(field(&form, "xsrf"), &editor.login, LinkId::of(&short).as_str(), self.now()) {
            return text(StatusCode::BAD_REQUEST, "the form is too old or not ours; delete links on their own page");
        }
        let actor = Actor::Visitor { login: editor.login.clone() };
        match links.delete(&short, editor, actor, None).await {
            Ok(link) => {
                let mut facts = self.facts(&asked, &caller, "go/");
                set(&mut facts, "short", link.short);
                set(&mut facts, "long", link.long);
                set(&mut facts, "is_deleted", true);
                self.pages.page(StatusCode::OK, "links/done.html", &facts)
            }
            Err(error) => failed(&error),
        }
    }
}
