//! What the golink in the playground answers: the checks, their order and their words are golink's.
//!
//! Facts: golink's source (`golink.go`) at commit c4eca52.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use url::form_urlencoded;

use super::World;
use nightlatch_golink::snapshot::Line;
use nightlatch_golink::{Link, LinkId, Typed, Visit, check, check_name, expand, path_escape, without_punctuation};

/// Owner of what tagged devices make; no user, so their links are anybody's.
const TAGGED: &str = "tagged-devices";

pub(super) fn said(status: StatusCode, words: &str) -> Response {
    (status, format!("{words}\n")).into_response()
}

pub(super) fn found(to: &str) -> Response {
    (StatusCode::FOUND, [(header::LOCATION, to.to_owned())]).into_response()
}

impl World {
    pub(super) fn answer(
        &mut self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        body: &str,
        is_read_only: bool,
    ) -> Response {
        let (place, query) = path.split_once('?').unwrap_or((path, ""));
        if place == "/" {
            return match method.as_str() {
                "POST" if is_read_only => said(StatusCode::METHOD_NOT_ALLOWED, "golink is in read-only mode"),
                "POST" => self.save(headers, body),
                "GET" => said(StatusCode::OK, "<html>home</html>"),
                _ => StatusCode::OK.into_response(),
            };
        }
        if let Some(short) = place.strip_prefix("/.delete/") {
            return self.delete(short, is_read_only);
        }
        if let Some(short) = place.strip_prefix("/.detail/") {
            return self.detail(short);
        }
        match place {
            "/.export" => {
                let mut links: Vec<&Link> = self.links.values().collect();
                links.sort_by(|one, other| one.short.cmp(&other.short));
                links.into_iter().map(|link| Line::of(link).to_text() + "\n").collect::<String>().into_response()
            }
            "/.export-stats" => {
                let at = self.clock.now_ms() / 1000;
                let line = |(id, clicks): (&LinkId, &i64)| format!("{id},{at},{clicks}\n");
                self.clicks.iter().map(line).collect::<String>().into_response()
            }
            place if place.starts_with("/.") => said(StatusCode::NOT_FOUND, "404 page not found"),
            place => self.follow(place, query),
        }
    }

    fn detail(&self, escaped: &str) -> Response {
        let short = Typed::read(escaped).unwrap_or_default().short;
        match self.links.get(&LinkId::of(&short)) {
            None => said(StatusCode::NOT_FOUND, "404 page not found"),
            Some(link) if link.short != short => found(&format!("/.detail/{}", path_escape(&link.short))),
            Some(link) => json(link),
        }
    }

    fn save(&mut self, headers: &HeaderMap, body: &str) -> Response {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        // Go reads nothing else as a form.
        let body = if kind.starts_with("application/x-www-form-urlencoded") { body } else { "" };
        let form: BTreeMap<String, String> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let field = |name: &str| form.get(name).cloned().unwrap_or_default();
        let (short, long, owner) = (field("short"), field("long"), field("owner"));
        if short.is_empty() || long.is_empty() {
            return said(StatusCode::BAD_REQUEST, "short and long required");
        }
        if check_name(&short).is_err() {
            return said(StatusCode::BAD_REQUEST, "short may only contain letters, numbers, dash, and period");
        }
        if let Err(why) = check(&long) {
            return said(StatusCode::BAD_REQUEST, &format!("long contains an invalid template: {why}"));
        }
        let caller = self.caller.0.clone();
        let before = self.links.get(&LinkId::of(&short)).cloned();
        if let Some(link) = before.as_ref().filter(|link| !self.may_edit(link)) {
            return said(StatusCode::FORBIDDEN, &format!("cannot update link owned by {:?}", link.owner));
        }
        if headers.get("sec-golink").is_none_or(|value| value.is_empty()) {
            return said(StatusCode::BAD_REQUEST, "invalid XSRF token");
        }
        if !owner.is_empty() && !self.is_user(&owner) {
            return said(StatusCode::BAD_REQUEST, &format!("new owner not a valid user: {owner}"));
        }
        let now = self.clock.now_ms();
        let owner = if owner.is_empty() { caller } else { owner };
        let created_at = before.map_or(now, |link| link.created_at);
        let link = Link { short, long, owner, created_at, edited_at: now };
        let answer = json(&link);
        self.links.insert(link.id(), link);
        answer
    }

    /// The real one compares as it is: another case is another user.
    fn may_edit(&self, link: &Link) -> bool {
        let (caller, is_admin) = &self.caller;
        link.owner.is_empty() || *is_admin || link.owner == *caller || !self.is_user(&link.owner)
    }

    fn is_user(&self, login: &str) -> bool {
        login != TAGGED && self.known.contains(login)
    }

    /// No program can: the token is only in golink's own page.
    fn delete(&self, escaped: &str, is_read_only: bool) -> Response {
        if is_read_only {
            return said(StatusCode::METHOD_NOT_ALLOWED, "golink is in read-only mode");
        }
        let short = Typed::read(escaped).unwrap_or_default().short;
        match self.links.get(&LinkId::of(&short)) {
            None if short.is_empty() => said(StatusCode::BAD_REQUEST, "short required"),
            None => said(StatusCode::NOT_FOUND, "404 page not found"),
            Some(link) if !self.may_edit(link) => {
                said(StatusCode::FORBIDDEN, &format!("cannot delete link owned by {:?}", link.owner))
            }
            Some(_) => said(StatusCode::BAD_REQUEST, "invalid XSRF token"),
        }
    }

    fn follow(&mut self, place: &str, query: &str) -> Response {
        let typed = Typed::read(&format!("{place}?{query}")).unwrap_or_default();
        if let Some(short) = typed.short.strip_suffix('+') {
            return found(&format!("/.detail/{short}"));
        }
        let bare = LinkId::of(without_punctuation(&typed.short));
        let found_as = [LinkId::of(&typed.short), bare].into_iter().find(|id| self.links.contains_key(id));
        let Some((id, link)) = found_as.and_then(|id| self.links.get(&id).cloned().map(|link| (id, link))) else {
            return said(StatusCode::NOT_FOUND, "<html>home</html>");
        };
        *self.clicks.entry(id.clone()).or_insert(0) += 1;
        if let Some(to) = self.leads.get(&id) {
            return found(to);
        }
        let caller = &self.caller.0;
        let visit = Visit { path: &typed.path, query: &typed.query, user: Some(caller), now: self.clock.now_ms() };
        match expand(&link.long, &visit) {
            Ok(target) => found(&target.address),
            Err(why) => said(StatusCode::INTERNAL_SERVER_ERROR, &why.to_string()),
        }
    }
}

fn json(link: &Link) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], Line::of(link).to_text() + "\n").into_response()
}
