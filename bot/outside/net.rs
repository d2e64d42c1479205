//! The network seam: every request to Tailscale and Slack leaves through here, over the wire or, in simulations and benchmarks, into memory.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::header::{DATE, HeaderMap};
use reqwest::{ClientBuilder, Method, Request, RequestBuilder, Response};
use url::Url;

use super::contacts::{Contacts, SERVICES};
use crate::clock::Clock;

/// Connections that nobody uses are closed soon and kept in small number: files may be scarce.
const IDLE_LIMIT: Duration = Duration::from_secs(15);
const IDLE_MAX: usize = 32;

/// What stands in for the rest of the world: takes a whole request and answers it, late, wrongly or not at all.
pub type World = Arc<dyn Fn(http::Request<Vec<u8>>) -> BoxFuture<'static, Answered> + Send + Sync>;

/// What a world says to one request.
pub type Answered = Result<http::Response<Vec<u8>>, NetError>;

/// Where requests go.
#[derive(Clone, Default)]
pub struct Net {
    world: Option<World>,
    contacts: Contacts,
}

impl Net {
    /// Over the wire.
    pub fn wire() -> Self {
        Self::default()
    }

    /// To `world`, without a socket.
    pub fn memory(world: World) -> Self {
        Self { world: Some(world), contacts: Contacts::default() }
    }

    /// The same, and what comes of its calls is told to `contacts`.
    #[must_use]
    pub fn telling(self, contacts: Contacts) -> Self {
        Self { contacts, ..self }
    }

    /// What came of the calls.
    pub fn contacts(&self) -> &Contacts {
        &self.contacts
    }

    /// A client of its own, with its own idea of redirects, limits and certificates.
    pub(crate) fn client(&self, builder: ClientBuilder) -> Result<Client, reqwest::Error> {
        super::tls();
        let builder = builder.pool_idle_timeout(IDLE_LIMIT).pool_max_idle_per_host(IDLE_MAX);
        // In memory the inner client only puts requests together: it needs no certificates, which take long to read.
        let builder = if self.world.is_some() { ClientBuilder::new().tls_certs_only([]) } else { builder };
        Ok(Client { http: builder.build()?, world: self.world.clone(), contacts: self.contacts.clone(), clock: None })
    }
}

impl fmt::Debug for Net {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.world.is_some() { "Net::memory" } else { "Net::wire" })
    }
}

/// Sends requests. Clones share the connections.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    world: Option<World>,
    contacts: Contacts,
    /// Told what time it is at the far side of that name, with every answer.
    clock: Option<(Clock, &'static str)>,
}

impl Client {
    /// A request to be put together and given to `send`.
    pub(crate) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.http.request(method, url)
    }

    /// Sends what was put together.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response, NetError> {
        self.execute(request.build()?).await
    }

    /// The same client; `clock` is told the time that `who`'s answers give.
    pub(crate) fn telling(self, clock: Clock, who: &'static str) -> Self {
        Self { clock: Some((clock, who)), ..self }
    }

    /// Sends a request. Returns when the head of the answer is there.
    pub(crate) async fn execute(&self, request: Request) -> Result<Response, NetError> {
        let Some((clock, who)) = &self.clock else { return self.carry(request).await };
        let service = SERVICES.into_iter().find(|service| service.eq_ignore_ascii_case(who)).unwrap_or_default();
        let sent = clock.stamp();
        let answer = match self.carry(request).await {
            Ok(answer) => answer,
            Err(error) => {
                self.contacts.unanswered(service, error.kind());
                return Err(error);
            }
        };
        self.contacts.answered(service, answer.status().as_u16());
        if let Some(said_ms) = date_ms(answer.headers()) {
            clock.heard(who, said_ms, sent);
        }
        Ok(answer)
    }

    async fn carry(&self, request: Request) -> Result<Response, NetError> {
        let Some(world) = &self.world else { return Ok(self.http.execute(request).await?) };
        let request = http::Request::try_from(request)?;
        let request = request.map(|body| body.as_bytes().map(<[u8]>::to_vec).unwrap_or_default());
        world(request).await.map(Response::from)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Client")
    }
}

/// When an answer was given, by the clock of whoever gave it, in ms since the epoch.
pub(crate) fn date_ms(headers: &HeaderMap) -> Option<i64> {
    http_date_ms(headers.get(DATE)?.to_str().ok()?)
}

/// A date as HTTP writes it, in ms since the epoch.
pub(crate) fn http_date_ms(text: &str) -> Option<i64> {
    jiff::fmt::rfc2822::parse(text).ok().map(|at| at.timestamp().as_millisecond())
}

/// Why a request brought no answer. Its text holds no address.
#[derive(Debug)]
pub enum NetError {
    /// What the HTTP client says.
    Wire(reqwest::Error),
    /// Nothing was sent: nobody is there.
    NoConnection,
    /// It was sent, and no answer came in time.
    NoAnswer,
    /// It was sent, and the connection broke.
    Broken,
}

impl NetError {
    /// Whether nothing can have reached the far side.
    pub fn is_connect(&self) -> bool {
        matches!(self, Self::NoConnection) || matches!(self, Self::Wire(error) if error.is_connect())
    }

    /// In one word, for counting.
    pub fn kind(&self) -> &'static str {
        match self {
            error if error.is_connect() => "connect",
            error if error.is_timeout() => "timeout",
            _ => "broken",
        }
    }

    /// Whether a limit of time ended it.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::NoAnswer) || matches!(self, Self::Wire(error) if error.is_timeout())
    }
}

impl fmt::Display for NetError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wire(error) => formatter.write_str(&explain(error)),
            Self::NoConnection => formatter.write_str("nobody is there"),
            Self::NoAnswer => formatter.write_str("no answer in time"),
            Self::Broken => formatter.write_str("the exchange broke off"),
        }
    }
}

impl Error for NetError {}

impl From<reqwest::Error> for NetError {
    fn from(error: reqwest::Error) -> Self {
        Self::Wire(error)
    }
}

/// An error of the HTTP client with its causes, without the address.
pub(crate) fn explain(error: &reqwest::Error) -> String {
    let mut words = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push(error.to_string());
        cause = error.source();
    }
    if words.is_empty() { "the exchange broke off".to_owned() } else { words.join(": ") }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::clock::Clock;
    use crate::outside::slack::{Slack, SlackSettings};
    use crate::outside::tailscale::{Credential, Tailscale, TailscaleSettings};

    #[tokio::test]
    async fn both_clients_reach_a_world_in_memory_and_lose_their_answers_there() {
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = said.clone();
        let net = Net::memory(Arc::new(move |request: http::Request<Vec<u8>>| {
            let line = format!("{} {}", request.method(), request.uri());
            heard.lock().expect("a lock").push(line);
            let answer = match request.uri().path() {
                "/api/v2/tailnet/-/users" => Ok(http::Response::new(br#"{"users":[]}"#.to_vec())),
                "/api/v2/tailnet/-/devices" => Err(NetError::NoConnection),
                _ => Err(NetError::Broken),
            };
            Box::pin(std::future::ready(answer))
        }));
        let api_url = Url::parse("https://tailnet.test").expect("an address");
        let settings = TailscaleSettings::new(api_url, Credential::ApiKey("tskey-api-s3cret".into()));
        let tailscale =
            Tailscale::new(TailscaleSettings { net: net.clone(), ..settings }, Clock::manual(0)).expect("a client");
        assert_eq!(tailscale.users().await.expect("nobody"), []);
        assert!(!tailscale.devices().await.expect_err("nobody there").may_have_happened());
        let deleted = tailscale.delete_attribute("n1CNTRL", "custom:a").await;
        assert!(deleted.expect_err("lost").may_have_happened());

        let settings = SlackSettings::new("https://slack.test/api", "xoxb-s3cret".into(), None);
        let slack = Slack::new(SlackSettings { net, ..settings }, Clock::manual(0)).expect("a client");
        assert!(slack.auth_test().await.expect_err("lost").may_have_happened());
        let said = said.lock().expect("a lock").join("\n");
        assert!(said.contains("POST https://slack.test/api/auth.test"), "{said}");
    }
}
