//! The client of tclip, the pastebin of a tailnet. Facts: tclip's source (`cmd/tclipd/main.go`) at commit c460fa2.
//!
//! tclip knows us as the device we run on: what we post is ours there, and only ours can be deleted by us. It has no
//! interface for programs but `POST /api/post`; what else is here uses its pages.

mod reading;
#[cfg(test)]
mod tests;

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use url::Url;

use super::contacts::Contacts;
use reading::{Answer, is_busy, is_missing, listed, unquoted, words};

/// No call takes longer, from our first byte to the last of the answer.
pub const CALL_LIMIT: Duration = Duration::from_secs(8);
/// Go reads forms of at most this many bytes (`net/http` `maxFormSize`); beyond it tclip answers 400.
const FORM_MAX_BYTES: usize = 10 * 1024 * 1024;
/// How many pages of its list, 25 pastes each, are looked through for a paste.
const LIST_PAGES_MAX: usize = 4;
/// Before a post is sent again that found tclip's database busy.
const BUSY_PAUSE: Duration = Duration::from_millis(150);

/// Why tclip did not do it. `Display` holds nothing of what was to be pasted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TclipError {
    /// It cannot be reached, is too slow, or failed.
    #[error("tclip at {host} {detail}")]
    Unavailable {
        /// Where.
        host: String,
        /// What happened.
        detail: String,
        /// False only if nothing can have reached it.
        may_have_happened: bool,
    },
    /// It sends callers to another address. Followed, the post would arrive there without its text.
    #[error("tclip at {host} sends callers to {to}")]
    Redirects {
        /// Where.
        host: String,
        /// Where to.
        to: String,
    },
    /// It said no.
    #[error("tclip at {host} refused: {message} (status {status})")]
    Refused {
        /// Where.
        host: String,
        /// Its status.
        status: u16,
        /// Its words.
        message: String,
    },
    /// The paste belongs to somebody else there.
    #[error("tclip at {host} lets only its owner delete that paste")]
    NotOwner {
        /// Where.
        host: String,
    },
    /// It answers something else than tclip does.
    #[error("what answers at {host} is not a tclip: {detail}")]
    NotTclip {
        /// Where.
        host: String,
        /// What was wrong.
        detail: String,
    },
    /// Its database was busy with somebody else's paste, twice. Nothing was saved.
    #[error("tclip at {host} is busy with other people's pastes")]
    Busy {
        /// Where.
        host: String,
    },
    /// Too much for one form.
    #[error("that is more than tclip takes (10 MiB as a form)")]
    TooLarge,
}

impl TclipError {
    /// What the person who runs the bot can do about it.
    pub fn advice(&self) -> Option<String> {
        Some(match self {
            Self::Redirects { to, .. } if to.starts_with("https://") => {
                format!("an admin writes `tclip: {{ url: {to} }}` in nightlatch.yaml, if that is the tclip")
            }
            Self::Redirects { .. } | Self::NotTclip { .. } => {
                "an admin checks `tclip.url` in nightlatch.yaml".to_owned()
            }
            Self::Unavailable { .. } => "check that tclip runs and that this machine may reach it".to_owned(),
            Self::Busy { .. } => "try again in a moment".to_owned(),
            Self::Refused { .. } | Self::NotOwner { .. } | Self::TooLarge => return None,
        })
    }

    /// Only the configuration of the bot sets it right.
    pub fn is_for_an_admin(&self) -> bool {
        matches!(self, Self::Redirects { .. } | Self::NotTclip { .. })
    }

    /// Whether the same call can work later without anybody changing something.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Busy { .. })
    }

    /// Whether tclip may have done it although it did not say so.
    pub fn may_have_happened(&self) -> bool {
        match self {
            Self::Unavailable { may_have_happened, .. } => *may_have_happened,
            Self::NotTclip { .. } => true,
            _ => false,
        }
    }
}

/// What became of a paste that was to be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// It was there and tclip says that it deleted it.
    Now,
    /// It was not there any more.
    Before,
}

/// One tclip. Cloning shares connections.
#[derive(Clone, Debug)]
pub struct Tclip {
    http: reqwest::Client,
    url: Url,
    call_limit: Duration,
    contacts: Contacts,
}

impl Tclip {
    /// A client of the tclip at `url`; nothing is sent yet.
    ///
    /// # Errors
    /// The machine's certificates cannot be read.
    pub fn new(url: Url) -> Result<Self, TclipError> {
        super::tls();
        let builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("nightlatch/", env!("CARGO_PKG_VERSION")));
        // Plain http works on a machine that has no certificates at all.
        let builder = if url.scheme() == "http" { builder.tls_certs_only([]) } else { builder };
        let builder = if super::is_loopback(&url) { builder.no_proxy() } else { builder };
        let http = builder.build().map_err(|error| TclipError::Unavailable {
            host: url.to_string(),
            detail: format!("cannot be called: {error}"),
            may_have_happened: false,
        })?;
        Ok(Self { http, url, call_limit: CALL_LIMIT, contacts: Contacts::default() })
    }

    /// The same, and what comes of its calls is told to `contacts`.
    #[must_use]
    pub fn telling(self, contacts: Contacts) -> Self {
        Self { contacts, ..self }
    }

    /// The same with another time limit.
    pub fn with_limit(mut self, call_limit: Duration) -> Self {
        self.call_limit = call_limit;
        self
    }

    /// Where people look at a paste.
    pub fn page(&self, id: &str) -> String {
        self.at(&["paste", id]).to_string()
    }

    /// Where people see all pastes.
    pub fn list_page(&self) -> String {
        self.at(&["paste", "list"]).to_string()
    }

    /// Pastes a text and returns its page's address.
    ///
    /// # Errors
    /// tclip did not do it, or did not say so.
    pub async fn post(&self, filename: &str, content: &str) -> Result<Url, TclipError> {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("filename", filename)
            .append_pair("content", content)
            .finish();
        if body.len() > FORM_MAX_BYTES {
            return Err(TclipError::TooLarge);
        }
        // tclip compares both headers as they are: with a charset it says 400, with another Accept it redirects.
        let request = self
            .http
            .post(self.at(&["api", "post"]))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))
            .header(ACCEPT, HeaderValue::from_static("text/plain"))
            .body(body);
        let again = request.try_clone();
        let mut answer = self.exchange(request, true).await?;
        // Two people at once, and its database was busy: it saved nothing, and a moment later it mostly does.
        if let Some(again) = again.filter(|_| is_busy(&answer)) {
            tokio::time::sleep(BUSY_PAUSE).await;
            answer = self.exchange(again, true).await?;
        }
        match answer.status {
            _ if is_busy(&answer) => Err(TclipError::Busy { host: self.host() }),
            StatusCode::OK => self.posted(answer.text.trim()),
            // Something on the way changed our Accept; the paste is made, and this is its page.
            StatusCode::SEE_OTHER => self.posted(answer.location.as_deref().unwrap_or_default()),
            _ => Err(self.error(&answer, true)),
        }
    }

    fn posted(&self, said: &str) -> Result<Url, TclipError> {
        let url = self.url.join(said).ok().filter(|_| !said.is_empty());
        let is_page = |url: &Url| {
            let path: Vec<&str> = url.path_segments().map(Iterator::collect).unwrap_or_default();
            matches!(url.scheme(), "http" | "https") && matches!(path.as_slice(), [.., "paste", id] if !id.is_empty())
        };
        url.filter(is_page).ok_or_else(|| self.not_tclip("it named no paste after a post"))
    }

    /// What a paste of that id is called; none if there is no such paste.
    ///
    /// # Errors
    /// tclip did not say.
    pub async fn name_of(&self, id: &str) -> Result<Option<String>, TclipError> {
        let answer = self.exchange(self.http.get(self.at(&["paste", id, "dl"])), false).await?;
        match answer.status {
            StatusCode::OK => match answer.download.as_deref().and_then(unquoted) {
                Some(name) => Ok(Some(name)),
                None => Err(self.not_tclip("a download has no name")),
            },
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::INTERNAL_SERVER_ERROR if is_missing(&answer, id) => Ok(None),
            _ => Err(self.error(&answer, false)),
        }
    }

    /// Whether there is a paste of that id.
    ///
    /// # Errors
    /// tclip did not say.
    pub async fn is_there(&self, id: &str) -> Result<bool, TclipError> {
        let answer = self.exchange(self.http.get(self.at(&["paste", id, "raw"])), false).await?;
        match answer.status {
            StatusCode::OK => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            StatusCode::INTERNAL_SERVER_ERROR if is_missing(&answer, id) => Ok(false),
            _ => Err(self.error(&answer, false)),
        }
    }

    /// Whether the paste of that id has this text, as far as its page is read.
    ///
    /// # Errors
    /// tclip did not say.
    pub async fn has_text(&self, id: &str, content: &str) -> Result<bool, TclipError> {
        let answer = self.exchange(self.http.get(self.at(&["paste", id, "raw"])), false).await?;
        match answer.status {
            StatusCode::OK => Ok(answer.is_all_of(content)),
            StatusCode::NOT_FOUND => Ok(false),
            StatusCode::INTERNAL_SERVER_ERROR if is_missing(&answer, id) => Ok(false),
            _ => Err(self.error(&answer, false)),
        }
    }

    /// Deletes one of our own pastes. tclip deletes on GET, and only for the device that posted.
    ///
    /// # Errors
    /// tclip did not do it.
    pub async fn delete(&self, id: &str) -> Result<Deleted, TclipError> {
        let answer = self.exchange(self.http.get(self.at(&["api", "delete", id])), true).await?;
        match answer.status {
            StatusCode::TEMPORARY_REDIRECT if answer.location.as_deref() == Some("/") => Ok(Deleted::Now),
            StatusCode::FORBIDDEN => Err(TclipError::NotOwner { host: self.host() }),
            StatusCode::INTERNAL_SERVER_ERROR if answer.text.contains("no rows in result set") => Ok(Deleted::Before),
            StatusCode::NOT_FOUND => Ok(Deleted::Before),
            _ => Err(self.error(&answer, true)),
        }
    }

    /// The page of the newest paste with exactly this file name, looked for in tclip's list: how a post whose answer was
    /// lost is found again.
    ///
    /// # Errors
    /// tclip did not say.
    pub async fn find(&self, filename: &str) -> Result<Option<Url>, TclipError> {
        Ok(self.all_called(filename).await?.into_iter().next())
    }

    /// The pages of all pastes with exactly this file name, the newest first, as far back as is looked.
    ///
    /// # Errors
    /// tclip did not say.
    pub async fn all_called(&self, filename: &str) -> Result<Vec<Url>, TclipError> {
        let mut found = Vec::new();
        for page in 0..LIST_PAGES_MAX {
            let mut url = self.at(&["paste", "list"]);
            url.query_pairs_mut().append_pair("page", &page.to_string());
            let answer = self.exchange(self.http.get(url), false).await?;
            if answer.status != StatusCode::OK {
                return Err(self.error(&answer, false));
            }
            let listed = listed(&answer.text);
            for (path, _) in listed.iter().filter(|(_, name)| name == filename) {
                found.push(self.posted(path)?);
            }
            if listed.is_empty() {
                break;
            }
        }
        Ok(found)
    }

    fn at(&self, segments: &[&str]) -> Url {
        let mut url = self.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// Its address, for people.
    pub fn host(&self) -> String {
        self.url.as_str().trim_end_matches('/').to_owned()
    }

    fn not_tclip(&self, detail: &str) -> TclipError {
        TclipError::NotTclip { host: self.host(), detail: detail.to_owned() }
    }

    async fn exchange(&self, request: reqwest::RequestBuilder, is_write: bool) -> Result<Answer, TclipError> {
        let unavailable = |detail: String, may_have_happened: bool| TclipError::Unavailable {
            host: self.host(),
            detail,
            may_have_happened,
        };
        let whole = async {
            let one = self.contacts.call("tclip");
            let sent = request.send().await;
            one.came_of(&sent);
            let sent = sent.map_err(|error| {
                let detail = if error.is_connect() { "cannot be reached" } else { "broke off" };
                unavailable(detail.to_owned(), is_write && !error.is_connect())
            })?;
            Answer::read(sent).await.map_err(|()| unavailable("broke off".to_owned(), is_write))
        };
        match tokio::time::timeout(self.call_limit, whole).await {
            Ok(result) => result,
            Err(_) => Err(unavailable(format!("did not answer within {} ms", self.call_limit.as_millis()), is_write)),
        }
    }

    fn error(&self, answer: &Answer, is_write: bool) -> TclipError {
        if answer.status.is_redirection() {
            let to = answer.location.as_deref().and_then(|to| self.url.join(to).ok());
            return match to {
                Some(to) => TclipError::Redirects { host: self.host(), to: to.origin().ascii_serialization() },
                None => self.not_tclip("it redirects to nowhere"),
            };
        }
        let message = words(&answer.text);
        if answer.status.is_server_error() {
            let detail = format!("failed: {message} (status {})", answer.status.as_u16());
            return TclipError::Unavailable { host: self.host(), detail, may_have_happened: is_write };
        }
        match answer.status {
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                self.not_tclip(&format!("it has no such address (status {})", answer.status.as_u16()))
            }
            status => TclipError::Refused { host: self.host(), status: status.as_u16(), message },
        }
    }
}
