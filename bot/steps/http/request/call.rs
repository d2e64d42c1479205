//! One call put together: values go where they belong and stay what they are, secrets go to their hosts only.

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret;
use serde_json::{Map, Value};
use url::Url;

use crate::kernel::fill::{Part, parts};
use crate::outside::guarded::{Allow, Call};
use crate::steps::filled::{NotPut, Secrets, own_value, plain, text};

/// The header by which a service knows that it did something already.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// What a call is put together with.
pub(super) struct With<'w> {
    /// What the step came to.
    pub(super) own: &'w Map<String, Value>,
    pub(super) secrets: &'w Secrets,
    pub(super) allow: Allow,
    /// The same whenever the same call is made; none for calls that change nothing.
    pub(super) idempotency_key: Option<String>,
    pub(super) usual_method: Method,
}

/// Puts the call of this setting together.
pub(super) fn assemble(setting: &Value, with: With<'_>) -> Result<Call, NotPut> {
    let wrong = |what: &str| NotPut::Wrong(what.to_owned());
    let field = |name: &str| setting.get(name);
    let method = match field("method").and_then(Value::as_str) {
        Some(method) => Method::from_bytes(method.as_bytes()).map_err(|_| wrong("its method is none"))?,
        None => with.usual_method.clone(),
    };
    let url = url(field("url").ok_or_else(|| wrong("it has no url"))?, with.own)?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let secret = |name: &str| lent(name, &host, with.secrets);
    let mut headers = HeaderMap::new();
    for (name, value) in field("headers").and_then(Value::as_object).into_iter().flatten() {
        let text = text(value, with.own, &secret)?;
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("a header has no name"))?;
        let mut value = HeaderValue::from_bytes(text.as_bytes()).map_err(|_| {
            NotPut::Wrong(format!("the header {name} would hold a line end or another control character"))
        })?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    if let Some(key) = with.idempotency_key {
        headers.insert(
            HeaderName::from_static(IDEMPOTENCY_KEY),
            HeaderValue::from_str(&key).map_err(|_| wrong("no key"))?,
        );
    }
    let body = match field("body") {
        None | Some(Value::Null) => None,
        Some(body) => {
            let is_text = parts(body).is_some();
            let kind = if is_text { "text/plain; charset=utf-8" } else { "application/json" };
            headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(kind));
            Some(if is_text { text(body, with.own, &secret)? } else { json(body, with.own, &secret)?.to_string() })
        }
    };
    Ok(Call { method, url, headers, body: body.map(String::into_bytes), allow: with.allow })
}

/// A secret for a host it may go to.
fn lent(name: &str, host: &str, secrets: &Secrets) -> Result<String, NotPut> {
    let secret =
        secrets.get(name).ok_or_else(|| NotPut::Wrong(format!("there is no secret {name} in nightlatch.yaml")))?;
    if !secret.hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host)) {
        return Err(NotPut::Wrong(format!("the secret {name} may not go to {host}: its `hosts` do not name it")));
    }
    Ok(secret.secret.expose_secret().to_owned())
}

/// JSON with everything in it: what is one value and nothing else keeps its kind.
fn json(
    value: &Value,
    own: &Map<String, Value>,
    secret: &dyn Fn(&str) -> Result<String, NotPut>,
) -> Result<Value, NotPut> {
    if let Some(found) = parts(value) {
        return match found.as_slice() {
            [Part::Filled(value)] => Ok(value.clone()),
            [Part::Own(name)] => own_value(name, own).cloned(),
            _ => text(value, own, secret).map(Value::String),
        };
    }
    match value {
        Value::Array(items) => {
            items.iter().map(|item| json(item, own, secret)).collect::<Result<_, _>>().map(Value::Array)
        }
        Value::Object(map) => {
            let each = map.iter().map(|(name, value)| Ok((name.clone(), json(value, own, secret)?)));
            each.collect::<Result<Map<_, _>, _>>().map(Value::Object)
        }
        other => Ok(other.clone()),
    }
}

/// Where in a URL something stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Host,
    Path,
    Query,
}

fn place_behind(text: &str) -> Place {
    let Some((_, behind)) = text.split_once("://") else { return Place::Host };
    match (behind.contains(['?', '#']), behind.contains('/')) {
        (true, _) => Place::Query,
        (false, true) => Place::Path,
        (false, false) => Place::Host,
    }
}

/// The address with every value as one segment or query value.
fn url(value: &Value, own: &Map<String, Value>) -> Result<Url, NotPut> {
    let wrong = |what: String| NotPut::Wrong(what);
    let mut all = String::new();
    for part in parts(value).ok_or_else(|| wrong("its url is no text".to_owned()))? {
        let text = match part {
            Part::Literal(literal) => {
                all.push_str(&literal);
                continue;
            }
            Part::Filled(value) => plain(&value),
            Part::Own(name) => plain(own_value(&name, own)?),
        };
        match place_behind(&all) {
            Place::Host if text.is_empty() || !text.bytes().all(is_of_host) => {
                return Err(wrong(format!(
                    "a value in the host of its url is not a part of a name: {}",
                    shortened(&text)
                )));
            }
            // A path of dots leads elsewhere, however it is written.
            Place::Path if text.bytes().all(|byte| byte == b'.') => {
                return Err(wrong("a value in the path of its url is empty, or is only dots".to_owned()));
            }
            Place::Host => all.push_str(&text),
            Place::Path | Place::Query => all.push_str(&encoded(&text)),
        }
    }
    if let Some(why) = leads_elsewhere(&all) {
        return Err(wrong(format!("its url {why}")));
    }
    Url::parse(&all).map_err(|error| wrong(format!("its url is none: {error}")))
}

/// What readers of addresses leave out or take for a slash: with it a value could stand in the host where it reads as if it stood in the
/// path. As a fragment for people.
pub(super) fn leads_elsewhere(url: &str) -> Option<&'static str> {
    let behind = url.split_once("://").map(|(_, behind)| behind)?;
    match () {
        () if behind.starts_with('/') => Some("has a third slash, so that its host stands where a path should"),
        () if url.contains(['\\', ' ']) || url.contains(char::is_control) => {
            Some("holds a backslash, a space or a control character")
        }
        () => None,
    }
}

fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

fn is_of_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-'
}

/// Everything but unreserved characters (RFC 3986, 2.3) percent-encoded.
fn encoded(text: &str) -> String {
    let mut all = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => all.push(char::from(byte)),
            other => all.push_str(&format!("%{other:02X}")),
        }
    }
    all
}

/// The host of a URL as it is written, if the file says it.
pub fn host_of(url: &str) -> Option<String> {
    let behind = url.split_once("://")?.1;
    let host = behind.split(['/', '?', '#']).next()?;
    if host.contains("{{") {
        return None;
    }
    Url::parse(url.split("{{").next()?).ok()?.host_str().map(str::to_owned)
}

#[cfg(test)]
mod tests;
