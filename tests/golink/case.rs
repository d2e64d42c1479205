//! One call to a server of go links, what must be so of its answer, and how to ask.

use serde_json::Value;

/// One call.
pub struct Case {
    /// A sentence.
    pub name: &'static str,
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Path and query, sent as they are.
    pub path: &'static str,
    /// Fields of a form.
    pub form: &'static [(&'static str, &'static str)],
    /// Sends `Sec-Golink`.
    pub is_program: bool,
    /// Accepts HTML.
    pub wants_page: bool,
    /// Accepts this, spelled so.
    pub accept: Option<&'static str>,
    /// The form has parts.
    pub is_multipart: bool,
    /// What must be so.
    pub expected: &'static [Expected],
    /// Where we differ on purpose, why.
    pub ours_alone: Option<&'static str>,
}

/// Something about an answer.
pub enum Expected {
    Status(u16),
    /// The header `Location`, byte for byte.
    Location(&'static str),
    /// A field of the JSON object in the body.
    Field(&'static str, &'static str),
    /// The header `Content-Type` begins so.
    Kind(&'static str),
    /// A line of the body is a JSON object with these `Short`, `Long` and `Owner`.
    Line(&'static str, &'static str, &'static str),
    /// A line of the body begins so.
    LineBegins(&'static str),
    /// The body has this text.
    Has(&'static str),
}

use Expected::{Field, Has, Kind, Line, LineBegins, Location, Status};

/// An answer.
pub struct Got {
    pub status: u16,
    pub location: Option<String>,
    pub kind: String,
    pub body: String,
}

/// Makes the call.
pub async fn call(client: &reqwest::Client, base: &str, case: &Case) -> Got {
    let method = case.method.parse().expect("a method");
    let mut call = client.request(method, format!("{base}{}", case.path));
    let accept = if case.wants_page { "text/html,*/*" } else { "*/*" };
    call = call.header("accept", case.accept.unwrap_or(accept));
    if case.is_program {
        call = call.header("sec-golink", "1");
    }
    if case.is_multipart {
        let part = |(name, value): &(&str, &str)| {
            format!("--nlc\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let body = case.form.iter().map(part).collect::<String>() + "--nlc--\r\n";
        call = call.header("content-type", "multipart/form-data; boundary=nlc").body(body);
    } else if case.method == "POST" {
        call = call.form(case.form);
    }
    let answer = call.send().await.unwrap_or_else(|why| panic!("{}: {why}", case.name));
    let header =
        |name: &str| answer.headers().get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let (status, location) = (answer.status().as_u16(), header("location"));
    let kind = header("content-type").unwrap_or_default();
    let body = answer.text().await.expect("a body");
    Got { status, location, kind, body }
}

/// What is not as expected.
pub fn differs(expected: &Expected, got: &Got) -> Option<String> {
    let json = || serde_json::from_str::<Value>(&got.body).unwrap_or_default();
    let lines = || got.body.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    match expected {
        Status(status) => (got.status != *status).then(|| format!("status {} and not {status}", got.status)),
        Location(to) => {
            let location = got.location.as_deref().unwrap_or_default();
            (location != *to).then(|| format!("leads to {location} and not to {to}"))
        }
        Kind(kind) => (!got.kind.starts_with(kind)).then(|| format!("is {} and not {kind}", got.kind)),
        Field(name, value) => (json()[name] != *value).then(|| format!("{name} is {} and not {value}", json()[name])),
        Line(short, long, owner) => {
            let is = |line: &Value| line["Short"] == *short && line["Long"] == *long && line["Owner"] == *owner;
            (!lines().any(|line| is(&line))).then(|| format!("no line is {short} {long} {owner}"))
        }
        LineBegins(start) => {
            (!got.body.lines().any(|line| line.starts_with(start))).then(|| format!("no line begins with {start}"))
        }
        Has(text) => (!got.body.contains(text)).then(|| format!("has no {text}")),
    }
}

impl std::fmt::Debug for Got {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { status, location, kind, body } = self;
        let body: String = body.chars().take(160).collect();
        write!(f, "{status} {kind} to {location:?}: {body:?}")
    }
}
