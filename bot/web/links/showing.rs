//! Looking at go links: pages, details, exports. Changes nothing.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{Asked, LinkPages, failed, redirect, text, wants_page};
use crate::engine::links::{CAPABILITY, Counted};
use crate::kernel::link::snapshot::Line;
use crate::kernel::link::{Editor, Typed, may_edit, path_escape};
use crate::web::identity::Caller;
use crate::web::pages::moment;

/// What the home page lists at most.
const TOP_MAX: usize = 200;
/// The token of the form that makes a link; no link is called so.
pub(super) const NEW: &str = ".new";

/// Whose rights a caller has here.
pub(super) fn editor(caller: &Caller) -> Option<Editor> {
    let peer = caller.person()?;
    Some(Editor { login: peer.login.clone(), is_admin: peer.is_admin(CAPABILITY) })
}

/// The name in an escaped path.
pub(super) fn named(escaped: &str) -> Option<String> {
    // Slashes belong to the name here: such a link does not exist, and that is the answer.
    Typed::read(escaped)
        .map(|typed| if typed.path.is_empty() { typed.short } else { format!("{}/{}", typed.short, typed.path) })
}

/// Links for a table.
fn rows(counted: Vec<Counted>, now: i64) -> Vec<Value> {
    let row = |Counted { link, clicks }: Counted| {
        json!({
            "path": path_escape(&link.short), "edited": moment(link.edited_at, now), "short": link.short, "long": link.long,
            "owner": link.owner, "clicks": clicks,
        })
    };
    counted.into_iter().map(row).collect()
}

impl LinkPages {
    pub(super) fn facts(&self, asked: &Asked, caller: &Caller, title: &str) -> Value {
        let login = caller.person().map(|peer| peer.login.clone()).unwrap_or_default();
        json!({
            "root": asked.root,
            "title": title,
            "user": login,
            "xsrf": self.tokens.make(&login, NEW, self.now()),
            "short": "",
            "long": "",
            "rows": [],
        })
    }

    /// The page that lists what is followed most and has the form that makes a link.
    pub(super) async fn home(&self, asked: &Asked, status: StatusCode, short: &str) -> Response {
        let caller = match self.reader(asked).await {
            Ok(caller) => caller,
            // A click on a link that is not there is answered so even if we cannot say by whom it was made.
            Err(_) if status == StatusCode::NOT_FOUND => return text(status, "there is no such go link"),
            Err(answer) => return answer,
        };
        let mut top = match self.links().top().await {
            Ok(top) => top,
            Err(error) => return failed(&error),
        };
        top.truncate(TOP_MAX);
        let mut facts = self.facts(asked, &caller, "go/");
        set(&mut facts, "short", short.chars().take(200).collect::<String>());
        set(&mut facts, "rows", json!(rows(top, self.now())));
        self.pages.page(status, "links/home.html", &facts)
    }

    pub(super) async fn detail(&self, asked: &Asked, escaped: &str) -> Response {
        let caller = match self.reader(asked).await {
            Ok(caller) => caller,
            Err(answer) => return answer,
        };
        let Some(short) = named(escaped) else { return text(StatusCode::BAD_REQUEST, "this address cannot be read") };
        let links = self.links();
        let link = match links.find(&short).await {
            Ok(Some(link)) => link,
            Ok(None) => return text(StatusCode::NOT_FOUND, "there is no such go link"),
            Err(error) => return failed(&error),
        };
        if link.short != short {
            return redirect(StatusCode::FOUND, &format!("{}/.detail/{}", asked.root, path_escape(&link.short)));
        }
        if !wants_page(&asked.headers) {
            let body = serde_json::to_string_pretty(&Line::of(&link)).unwrap_or_default();
            return ([(header::CONTENT_TYPE, "application/json")], format!("{body}\n")).into_response();
        }
        let editor = editor(&caller);
        let can_edit = match (&editor, links.known().await) {
            (Some(editor), Ok(known)) => may_edit(Some(&link), editor, &known).is_ok(),
            (Some(editor), Err(_)) => editor.login.eq_ignore_ascii_case(&link.owner),
            (None, _) => false,
        };
        let login = editor.map(|editor| editor.login).unwrap_or_default();
        let mut facts = self.facts(asked, &caller, &format!("go/{}", link.short));
        set(&mut facts, "exists", form_urlencoded::parse(asked.query.as_bytes()).any(|(name, _)| name == "exists"));
        set(&mut facts, "can_edit", can_edit);
        set(&mut facts, "xsrf", self.tokens.make(&login, link.id().as_str(), self.now()));
        set(&mut facts, "clicks", links.clicks_of(&link.id()).await.unwrap_or(0));
        set(&mut facts, "created", moment(link.created_at, self.now()));
        set(&mut facts, "edited", moment(link.edited_at, self.now()));
        set(&mut facts, "path", path_escape(&link.short));
        set(&mut facts, "short", link.short);
        set(&mut facts, "long", link.long);
        set(&mut facts, "owner", if link.owner.is_empty() { login } else { link.owner });
        self.pages.page(StatusCode::OK, "links/detail.html", &facts)
    }

    pub(super) async fn export(&self, asked: &Asked) -> Response {
        if let Err(answer) = self.reader(asked).await {
            return answer;
        }
        match self.links().all().await {
            Ok(all) => {
                let lines: String = all.iter().map(|counted| Line::of(&counted.link).to_text() + "\n").collect();
                ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], lines).into_response()
            }
            Err(error) => failed(&error),
        }
    }

    /// `id,seconds,clicks` a line, clicks added up by the hour.
    pub(super) async fn export_clicks(&self, asked: &Asked) -> Response {
        if let Err(answer) = self.reader(asked).await {
            return answer;
        }
        match self.links().click_hours().await {
            Ok(hours) => {
                let line = |(id, at, clicks): &(String, i64, i64)| format!("{id},{},{clicks}\n", at.div_euclid(1000));
                hours.iter().map(line).collect::<String>().into_response()
            }
            Err(error) => failed(&error),
        }
    }

    pub(super) async fn all(&self, asked: &Asked) -> Response {
        let caller = match self.reader(asked).await {
            Ok(caller) => caller,
            Err(answer) => return answer,
        };
        match self.links().all().await {
            Ok(all) => self.list(asked, &caller, "All links", all),
            Err(error) => failed(&error),
        }
    }

    /// `?q=owner:LOGIN`, and any words.
    pub(super) async fn search(&self, asked: &Asked) -> Response {
        let caller = match self.reader(asked).await {
            Ok(caller) => caller,
            Err(answer) => return answer,
        };
        let query = form_urlencoded::parse(asked.query.as_bytes()).find(|(name, _)| name == "q");
        let words = query.map(|(_, words)| words.into_owned()).unwrap_or_default();
        let found = match words.strip_prefix("owner:") {
            Some(owner) => self.links().owned_by(owner).await,
            None if words.trim().is_empty() => {
                return text(StatusCode::BAD_REQUEST, "say what to search for: ?q=words or ?q=owner:login");
            }
            None => self.links().search(&words).await,
        };
        match found {
            Ok(found) => self.list(asked, &caller, "Found", found),
            Err(error) => failed(&error),
        }
    }

    fn list(&self, asked: &Asked, caller: &Caller, title: &str, counted: Vec<Counted>) -> Response {
        let mut facts = self.facts(asked, caller, title);
        set(&mut facts, "rows", json!(rows(counted, self.now())));
        self.pages.page(StatusCode::OK, "links/list.html", &facts)
    }

    pub(super) async fn help(&self, asked: &Asked) -> Response {
        let caller = match self.reader(asked).await {
            Ok(caller) => caller,
            Err(answer) => return answer,
        };
        let mut facts = self.facts(asked, &caller, "Go links");
        set(&mut facts, "address", self.links().address_of("").trim_end_matches('/').to_owned());
        self.pages.page(StatusCode::OK, "links/help.html", &facts)
    }

    /// Lets browsers search for links as they search elsewhere.
    pub(super) fn opensearch(&self) -> Response {
        let address = self.links().address_of("").trim_end_matches('/').replace('&', "&amp;").replace('<', "&lt;");
        let body = format!(
            "<OpenSearchDescription xmlns=\"http://a9.com/-/spec/opensearch/1.1/\"><ShortName>go</ShortName>\
             <Description>Go links</Description><InputEncoding>UTF-8</InputEncoding>\
             <Url type=\"text/html\" method=\"get\" template=\"{address}/{{searchTerms}}\"/></OpenSearchDescription>\n"
        );
        ([(header::CONTENT_TYPE, "application/opensearchdescription+xml")], body).into_response()
    }
}

pub(super) fn set(facts: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(map) = facts.as_object_mut() {
        map.insert(name.to_owned(), value.into());
    }
}
