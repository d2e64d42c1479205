//! What is wrong with the settings of `http.request`, as far as a file can tell.

use std::str::FromStr;

use reqwest::header::HeaderName;
use serde_json::{Map, Value};
use url::Url;

use super::call::leads_elsewhere;
use crate::kernel::reference::{Piece, pieces};
use crate::kernel::step_type::{STAYS, SettingMistake};
use crate::kernel::workflow::Input;
use crate::outside::guarded::{self, Allow};
use crate::steps::filled::{is_chosen, secrets_named};

const KEYS: [&str; 6] = ["method", "url", "headers", "body", "expect", "capture"];
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
/// Of the connection and not of what is sent, or ours.
const HEADERS_OF_OURS: [&str; 9] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
    "trailer",
    "expect",
    "idempotency-key",
];
const HELP: &str = "write do: { url: \"https://ci.example.com/freezes\", body: { ... } }";

pub(super) fn check(with: &Map<String, Value>, inputs: &[Input]) -> Vec<SettingMistake> {
    let mut mistakes = Vec::new();
    let allow = match allow(with.get("allow")) {
        Ok(allow) => allow,
        Err(mistake) => {
            mistakes.push(mistake);
            Allow::default()
        }
    };
    if !with.contains_key("do") {
        mistakes.push(SettingMistake::new("do", "`do` is missing", HELP));
    }
    if with.contains_key("do") && !with.contains_key("undo") && !with.contains_key(STAYS) {
        let help = "add undo: { method: DELETE, url: ... }, or stays: true beside `uses` if it can stay";
        mistakes.push(SettingMistake::new("do", "nothing says how it is taken back", help));
    }
    for name in ["do", "undo", "check"] {
        if let Some(call) = with.get(name) {
            let found = call_mistakes(call, inputs, &allow);
            mistakes.extend(
                found.into_iter().map(|(what, help)| SettingMistake::new(name, format!("`{name}`: {what}"), help)),
            );
        }
    }
    mistakes
}

fn allow(value: Option<&Value>) -> Result<Allow, SettingMistake> {
    const HELP: &str = "write allow: [ci.example.com, 100.64.0.0/10]";
    let texts: Option<Vec<&str>> = match value {
        None => return Ok(Allow::default()),
        Some(Value::Array(items)) => items.iter().map(Value::as_str).collect(),
        Some(_) => None,
    };
    let texts = texts.ok_or_else(|| SettingMistake::new("allow", "`allow` must be a list of texts", HELP))?;
    let wrong =
        |entry| SettingMistake::new("allow", format!("`{entry}` is neither a host nor an address nor a CIDR"), HELP);
    Allow::read(texts).map_err(wrong)
}

type Found = Vec<(String, String)>;

fn call_mistakes(call: &Value, inputs: &[Input], allow: &Allow) -> Found {
    let mut found = Found::new();
    let mut wrong = |what: &str, help: &str| found.push((what.to_owned(), help.to_owned()));
    let Value::Object(call) = call else {
        wrong("it is not a map", HELP);
        return found;
    };
    for name in call.keys().filter(|name| !KEYS.contains(&name.as_str())) {
        wrong(&format!("unknown key `{name}`"), &format!("a call knows: {}", KEYS.join(", ")));
    }
    if let Some(method) = call.get("method")
        && !method.as_str().is_some_and(|method| METHODS.contains(&method))
    {
        wrong("its `method` is none", &format!("one of: {}", METHODS.join(", ")));
    }
    if let Some((what, help)) = url_mistake(call.get("url"), inputs, allow) {
        wrong(&what, &help);
    }
    match call.get("headers") {
        None | Some(Value::Object(_)) => {}
        Some(_) => wrong("its `headers` are not a map", "write headers: { Authorization: \"Bearer secret:ci\" }"),
    }
    for (name, value) in call.get("headers").and_then(Value::as_object).into_iter().flatten() {
        if HeaderName::from_str(name).is_err() || HEADERS_OF_OURS.contains(&name.to_lowercase().as_str()) {
            wrong(&format!("`{name}` cannot be set as a header"), "choose another name, or leave it out");
        }
        if !value.is_string() {
            wrong(&format!("the header `{name}` must be a text"), "write it in quotes");
        }
    }
    let is_status = |value: &Value| value.as_u64().is_some_and(|status| (100..=599).contains(&status));
    let is_expected = match call.get("expect") {
        None => true,
        Some(Value::Array(all)) => !all.is_empty() && all.iter().all(is_status),
        Some(one) => is_status(one),
    };
    if !is_expected {
        wrong("its `expect` is neither a status nor a list of them", "write expect: 201, or expect: [200, 409]");
    }
    let pointers = match call.get("capture") {
        None => true,
        Some(Value::Object(all)) => all.iter().all(|(name, pointer)| is_capture(name, pointer)),
        Some(_) => false,
    };
    if !pointers {
        wrong("its `capture` is not a map of names and JSON Pointers", "write capture: { id: /data/id }");
    }
    found
}

fn is_capture(name: &str, pointer: &Value) -> bool {
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    is_name && pointer.as_str().is_some_and(|pointer| pointer.starts_with('/'))
}

/// In its host only what cannot be typed freely may stand.
fn url_mistake(url: Option<&Value>, inputs: &[Input], allow: &Allow) -> Option<(String, String)> {
    let told = |what: &str, help: &str| Some((what.to_owned(), help.to_owned()));
    let Some(text) = url.and_then(Value::as_str) else { return told("its `url` is missing, or is no text", HELP) };
    if !secrets_named(&Value::from(text)).is_empty() {
        return told("a secret stands in its `url`", "addresses are logged on the way; send it in a header");
    }
    let literals = pieces(text).ok()?.into_iter().map(|piece| match piece {
        Piece::Text(text) => text,
        Piece::Reference(_) => "x",
    });
    if let Some(why) = leads_elsewhere(&literals.collect::<String>()) {
        return told(&format!("its `url` {why}"), "write it as https://HOST/PATH");
    }
    let mut tried = String::new();
    for piece in pieces(text).ok()? {
        let reference = match piece {
            Piece::Text(text) => {
                tried.push_str(text);
                continue;
            }
            Piece::Reference(reference) => reference,
        };
        let is_in_host = tried.split_once("://").is_none_or(|(_, behind)| !behind.contains(['/', '?', '#']));
        if is_in_host && !is_chosen(reference, inputs) {
            let help = "in a host only the requester, the device and inputs of type choice, device or person may stand";
            return told("what is typed stands in the host of its `url`", help);
        }
        tried.push('x');
    }
    match Url::parse(&tried) {
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            told("its `url` holds a user or password", "send it in a header, as secret:NAME")
        }
        Ok(url) => guarded::check(&url, allow).err().map(|why| {
            let help = "name the host or address in allow:, or call it over https";
            (format!("its `url` is not called: {why}"), help.to_owned())
        }),
        Err(error) => Some((format!("its `url` is none: {error}"), "write it with https:// in front".to_owned())),
    }
}
