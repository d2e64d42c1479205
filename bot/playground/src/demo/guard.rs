//! Who may talk to the demo: this machine's own browser tabs of the demo, and programs; never another site's page.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Everything comes from here; nothing is inlined, so nothing written by people can become a script or a style.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Refuses names that are not this machine's (a site can point its own name at 127.0.0.1) and writes that another site's
/// page sends, and adds the headers that keep the page to itself.
pub(super) async fn keep_out(request: Request, next: Next) -> Response {
    let mut response = match refusal(request.method(), request.headers()) {
        None => next.run(request).await,
        Some(why) => (StatusCode::FORBIDDEN, why).into_response(),
    };
    let headers = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn refusal(method: &Method, headers: &HeaderMap) -> Option<&'static str> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).unwrap_or_default();
    if !is_this_machine(host) {
        return Some("the demo answers only to 127.0.0.1 and localhost");
    }
    if method == Method::GET || method == Method::HEAD {
        return None;
    }
    let site = text(HeaderName::from_static("sec-fetch-site")).unwrap_or("none");
    if !matches!(site, "same-origin" | "none") {
        return Some("the demo is not changed by other sites");
    }
    let is_own = |origin: &str| origin.split_once("://").is_some_and(|(_, from)| from == host);
    if text(header::ORIGIN).is_some_and(|origin| !is_own(origin)) {
        return Some("the demo is not changed by other sites");
    }
    // A form of another site cannot send JSON without asking first, and we never say yes.
    let kind = text(header::CONTENT_TYPE).unwrap_or_default();
    (!kind.starts_with("application/json")).then_some("write JSON")
}

/// Any port: people forward ports.
fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "127.0.0.1" | "localhost" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(method: Method, pairs: &[(&'static str, &'static str)]) -> Option<&'static str> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        refusal(&method, &headers)
    }

    #[test]
    fn a_name_that_only_points_here_is_refused() {
        assert_eq!(told(Method::GET, &[("host", "localhost:7466")]), None);
        assert_eq!(told(Method::GET, &[("host", "[::1]:7466")]), None);
        assert!(told(Method::GET, &[("host", "evil.example:7466")]).is_some());
        assert!(told(Method::GET, &[("host", "127.0.0.1.evil.example")]).is_some());
        assert!(told(Method::GET, &[]).is_some());
    }

    #[test]
    fn another_sites_page_changes_nothing() {
        let own = [("host", "127.0.0.1:7466"), ("content-type", "application/json")];
        assert_eq!(told(Method::POST, &own), None);
        let with = |extra| told(Method::POST, &[own[0], own[1], extra]);
        assert_eq!(with(("origin", "http://127.0.0.1:7466")), None);
        assert_eq!(with(("sec-fetch-site", "same-origin")), None);
        assert!(with(("origin", "https://evil.example")).is_some());
        assert!(with(("origin", "null")).is_some());
        assert!(with(("sec-fetch-site", "cross-site")).is_some());
        assert!(with(("sec-fetch-site", "same-site")).is_some());
        assert!(told(Method::POST, &[own[0], ("content-type", "text/plain")]).is_some());
    }
}
