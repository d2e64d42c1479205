//! golink's HTTP interface: one struct, five calls, each limited in time and size and never redirected elsewhere.
//!
//! Facts: golink's source at commit c4eca52. It has no versioned API; answers are JSON when HTML is not asked for.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{ACCEPT, LOCATION};
use reqwest::{Method, Response, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::contacts::Contacts;

mod error;

pub use error::GolinkError;

/// Two calls fit into what Slack waits for.
pub const CALL_LIMIT: Duration = Duration::from_millis(900);
/// All links at once; a hundred thousand are some twenty megabytes.
const LIST_LIMIT_BYTES: usize = 64 << 20;
/// A list may take longer; who waits for it has a limit of their own.
const LIST_LIMIT: Duration = Duration::from_secs(20);
const OBJECT_LIMIT_BYTES: usize = 256 << 10;
/// Lets a call through that does not come from golink's own page. Any value will do.
const SECRET_HEADER: &str = "Sec-Golink";

/// A golink server. Clones share the connections.
#[derive(Clone, Debug)]
pub struct Golink {
    http: reqwest::Client,
    base: Url,
    contacts: Contacts,
}

/// A link as golink writes it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Line {
    /// The name as its owner wrote it.
    pub short: String,
    /// Where it leads: an address or a template.
    #[serde(default)]
    pub long: String,
    /// When it was made.
    #[serde(default)]
    pub created: Timestamp,
    /// When it was last changed.
    #[serde(default)]
    pub last_edit: Timestamp,
    /// Login; empty: nobody's.
    #[serde(default)]
    pub owner: String,
}

/// Where a link leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// There.
    To(String),
    /// There is no such link.
    Unknown,
}

impl Golink {
    /// The golink at `base`, for example `http://go`. Calls nobody.
    ///
    /// # Errors
    /// Only if no HTTP client can be made.
    pub fn new(base: Url) -> Result<Self, GolinkError> {
        super::tls();
        let builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CALL_LIMIT)
            .user_agent(concat!("nightlatch/", env!("CARGO_PKG_VERSION")));
        let builder = if super::is_loopback(&base) { builder.no_proxy() } else { builder };
        // Plain http works on a machine that has no certificates at all.
        let builder = if base.scheme() == "http" { builder.tls_certs_only([]) } else { builder };
        let http = builder.build().map_err(|error| GolinkError::Setup(error.to_string()))?;
        Ok(Self { http, base, contacts: Contacts::default() })
    }

    /// The same, and what comes of its calls is told to `contacts`.
    #[must_use]
    pub fn telling(self, contacts: Contacts) -> Self {
        Self { contacts, ..self }
    }

    /// Its address.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// The link of that name, in any spelling; nothing if there is none.
    ///
    /// # Errors
    /// golink did not say.
    pub async fn detail(&self, short: &str) -> Result<Option<Line>, GolinkError> {
        let mut url = self.url(&[".detail", short]);
        // Once more if it is spelled otherwise there.
        for _ in 0..2 {
            let answer = self.send(self.http.request(Method::GET, url), CALL_LIMIT).await?;
            match answer.status() {
                StatusCode::OK => return json(answer, OBJECT_LIMIT_BYTES).await.map(Some),
                StatusCode::NOT_FOUND => return Ok(None),
                StatusCode::FOUND => match self.detail_elsewhere(&answer) {
                    Some(to) => url = to,
                    None => return Err(self.moved(&answer)),
                },
                _ => return Err(refused(answer).await),
            }
        }
        Err(GolinkError::Malformed("a link's details are redirected in circles".to_owned()))
    }

    /// Makes or replaces a link. golink has no precondition: look first.
    ///
    /// # Errors
    /// golink did not do it, or it is not known whether it did (`may_have_happened`).
    pub async fn save(&self, short: &str, long: &str, owner: &str) -> Result<Line, GolinkError> {
        let form = [("short", short), ("long", long), ("owner", owner)];
        let call = self.http.request(Method::POST, self.url(&[])).header(SECRET_HEADER, "1").form(&form);
        let answer = self.send(call, CALL_LIMIT).await?;
        match answer.status() {
            StatusCode::OK => json(answer, OBJECT_LIMIT_BYTES).await,
            status if status.is_redirection() => Err(self.moved(&answer)),
            _ => Err(refused(answer).await),
        }
    }

    /// All links.
    ///
    /// # Errors
    /// golink did not say.
    pub async fn export(&self) -> Result<Vec<Line>, GolinkError> {
        let text = self.list(".export").await?;
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        lines
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()
            .map_err(|error| GolinkError::Malformed(format!("a line of the export cannot be read: {error}")))
    }

    /// How often each link was followed, by its id (lower case, no dashes).
    ///
    /// # Errors
    /// golink did not say.
    pub async fn clicks(&self) -> Result<BTreeMap<String, i64>, GolinkError> {
        let text = self.list(".export-stats").await?;
        let mut clicks = BTreeMap::new();
        for line in text.lines() {
            // `id,seconds,clicks`; an id has no comma.
            let mut parts = line.split(',');
            if let (Some(id), Some(_), Some(count)) = (parts.next(), parts.next(), parts.next())
                && let Ok(count) = count.trim().parse::<i64>()
            {
                *clicks.entry(id.to_owned()).or_insert(0) += count;
            }
        }
        Ok(clicks)
    }

    /// Where `name/path` with `query` leads for us; golink counts it as a click.
    ///
    /// # Errors
    /// golink did not say.
    pub async fn resolve(&self, name: &str, path: &str, query: &[(&str, &str)]) -> Result<Resolved, GolinkError> {
        let path = path.split('/').filter(|_| !path.is_empty());
        let segments: Vec<&str> = std::iter::once(name).chain(path).collect();
        let mut url = self.url(&segments);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let answer = self.send(self.http.request(Method::GET, url), CALL_LIMIT).await?;
        match answer.status() {
            StatusCode::FOUND => Ok(Resolved::To(location(&answer).unwrap_or_default())),
            StatusCode::NOT_FOUND => Ok(Resolved::Unknown),
            _ => Err(refused(answer).await),
        }
    }

    /// Where people see and delete a link.
    pub fn detail_page(&self, short: &str) -> String {
        self.url(&[".detail", short]).to_string()
    }

    /// The base with these segments behind it, each escaped.
    fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
            if segments.is_empty() {
                path.push("");
            }
        }
        url
    }

    async fn list(&self, path: &str) -> Result<String, GolinkError> {
        let answer = self.send(self.http.request(Method::GET, self.url(&[path])), LIST_LIMIT).await?;
        match answer.status() {
            StatusCode::OK => {
                let body = body(answer, LIST_LIMIT_BYTES).await?;
                String::from_utf8(body).map_err(|_| GolinkError::Malformed("a list is not UTF-8".to_owned()))
            }
            status if status.is_redirection() => Err(self.moved(&answer)),
            _ => Err(refused(answer).await),
        }
    }

    async fn send(&self, call: reqwest::RequestBuilder, limit: Duration) -> Result<Response, GolinkError> {
        let one = self.contacts.call("golink");
        let sent = call.header(ACCEPT, "application/json").timeout(limit).send().await;
        one.came_of(&sent);
        sent.map_err(|error| match error {
            error if error.is_connect() => GolinkError::Unreachable { base: self.shown_base() },
            error if error.is_timeout() => GolinkError::Late { base: self.shown_base() },
            _ => GolinkError::Broken { base: self.shown_base() },
        })
    }

    /// Where an answer sends us for a link's details, if that is on the same server.
    fn detail_elsewhere(&self, answer: &Response) -> Option<Url> {
        let to = answer.url().join(&location(answer)?).ok()?;
        let is_detail = to.path().starts_with(self.url(&[".detail", ""]).path());
        (to.origin() == self.base.origin() && is_detail).then_some(to)
    }

    /// An http golink sends everybody to its https address once HTTPS is on in the tailnet; a POST would become a GET.
    fn moved(&self, answer: &Response) -> GolinkError {
        let to = location(answer).and_then(|to| answer.url().join(&to).ok());
        match to {
            Some(mut to) if self.base.scheme() == "http" && to.scheme() == "https" => {
                to.set_path("");
                to.set_query(None);
                GolinkError::MovedToHttps {
                    base: self.shown_base(),
                    to: to.to_string().trim_end_matches('/').to_owned(),
                }
            }
            _ => GolinkError::Malformed("it redirects elsewhere".to_owned()),
        }
    }

    fn shown_base(&self) -> String {
        self.base.as_str().trim_end_matches('/').to_owned()
    }
}

fn location(answer: &Response) -> Option<String> {
    answer.headers().get(LOCATION).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

async fn body(mut answer: Response, limit: usize) -> Result<Vec<u8>, GolinkError> {
    let mut body = Vec::new();
    let broken = |_| GolinkError::Malformed("the answer broke off".to_owned());
    while let Some(chunk) = answer.chunk().await.map_err(broken)? {
        body.extend_from_slice(&chunk);
        if body.len() > limit {
            return Err(GolinkError::Malformed("the answer is too long".to_owned()));
        }
    }
    Ok(body)
}

async fn json<T: DeserializeOwned>(answer: Response, limit: usize) -> Result<T, GolinkError> {
    let body = body(answer, limit).await?;
    serde_json::from_slice(&body).map_err(|_| GolinkError::Malformed("the answer is not a link".to_owned()))
}

/// What golink says to an answer that is no success: plain text, cut to a line.
async fn refused(answer: Response) -> GolinkError {
    let status = answer.status().as_u16();
    let said = body(answer, 64 << 10).await.unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let said: String = said.lines().next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(200).collect();
    GolinkError::Refused { status, said }
}
