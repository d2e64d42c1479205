//! Calls to addresses that a workflow file names: no redirect is followed, no proxy asked, and only what may be called is connected to.
//! The address that was looked at is the one that is used: names are resolved here, and nowhere else.

mod address;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{ClientBuilder, Method};
use url::{Host, Url};

use super::net::{Client, Net, NetError};

pub use address::{Allow, Forbidden};

/// Of an answer, in bytes; more is not read.
const ANSWER_MAX_BYTES: usize = 1 << 20;
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const CALL_LIMIT: Duration = Duration::from_secs(15);
/// The longest pause that an answer can ask for.
const RETRY_AFTER_MAX_MS: i64 = 900_000;

/// Makes such calls. Clones share what they keep.
#[derive(Clone)]
pub struct Guarded {
    net: Net,
    clients: Arc<Mutex<BTreeMap<Allow, Client>>>,
}

/// One call.
#[derive(Debug)]
pub struct Call {
    /// How.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// Beside those that every call has.
    pub headers: HeaderMap,
    /// What is sent.
    pub body: Option<Vec<u8>>,
    /// What may be called beyond the public internet.
    pub allow: Allow,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, if it is not longer than may be.
    pub body: Option<Vec<u8>>,
    /// How long it asks us to wait.
    pub retry_after_ms: Option<i64>,
}

/// Why a call brought no answer. Its text holds no address beyond the host's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuardedError {
    /// It may not be made: nothing was sent, and nothing will be.
    #[error("{0}")]
    Refused(String),
    /// Nothing was sent.
    #[error("{0}")]
    NotReached(String),
    /// It was sent, and may have done what it should.
    #[error("{0}")]
    Lost(String),
}

impl Guarded {
    /// Over this network.
    pub fn new(net: Net) -> Self {
        Self { net, clients: Arc::default() }
    }

    /// Makes the call.
    ///
    /// # Errors
    /// No answer, or it may not be made.
    pub async fn call(&self, call: Call) -> Result<Answer, GuardedError> {
        check(&call.url, &call.allow).map_err(GuardedError::Refused)?;
        let client = self.client(&call.allow)?;
        let mut request = client.request(call.method, call.url).headers(call.headers);
        if let Some(body) = call.body {
            request = request.body(body);
        }
        match tokio::time::timeout(CALL_LIMIT, exchange(&client, request)).await {
            Ok(answer) => answer,
            Err(_) => Err(GuardedError::Lost("no answer in time".to_owned())),
        }
    }

    /// One client for each set of what may be called: whom it connects to hangs on that.
    fn client(&self, allow: &Allow) -> Result<Client, GuardedError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(allow) {
            return Ok(client.clone());
        }
        let builder = ClientBuilder::new()
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_LIMIT)
            .dns_resolver(Arc::new(Names { allow: allow.clone() }))
            .user_agent(concat!("nightlatch/", env!("CARGO_PKG_VERSION")));
        let client = self.net.client(builder).map_err(|error| GuardedError::NotReached(error.to_string()))?;
        clients.insert(allow.clone(), client.clone());
        Ok(client)
    }
}

async fn exchange(client: &Client, request: reqwest::RequestBuilder) -> Result<Answer, GuardedError> {
    let mut response = client.send(request).await.map_err(|error| no_answer(&error))?;
    let status = response.status().as_u16();
    let retry_after_ms = response.headers().get(RETRY_AFTER).and_then(|text| text.to_str().ok()?.parse::<i64>().ok());
    let mut body = Vec::new();
    let mut is_cut = false;
    while let Some(piece) = response.chunk().await.map_err(|error| no_answer(&error.into()))? {
        body.extend_from_slice(&piece);
        if body.len() > ANSWER_MAX_BYTES {
            is_cut = true;
            break;
        }
    }
    let retry_after_ms = retry_after_ms.map(|seconds| seconds.saturating_mul(1000).clamp(0, RETRY_AFTER_MAX_MS));
    Ok(Answer { status, body: Some(body).filter(|_| !is_cut), retry_after_ms })
}

fn no_answer(error: &NetError) -> GuardedError {
    let words = error.to_string();
    if error.is_connect() { GuardedError::NotReached(words) } else { GuardedError::Lost(words) }
}

/// What can be told of an address before any name is looked up: an address instead of a name is never asked about, and plain http is only
/// for what is allowed by name or address.
///
/// # Errors
/// Why it is not called.
pub fn check(url: &Url, allow: &Allow) -> Result<(), String> {
    let host = url.host().ok_or("it names no host")?;
    let address: Option<IpAddr> = match host {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
    };
    if let Some(address) = address {
        allow.check(&host.to_string(), address).map_err(|why| format!("{address} {why}"))?;
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if allow.names(&host.to_string()) || address.is_some_and(|address| allow.holds(address)) => Ok(()),
        "http" => Err("plain http is only for what `allow` names".to_owned()),
        scheme => Err(format!("{scheme} is neither http nor https")),
    }
}

/// Looks names up and leaves out what may not be called.
struct Names {
    allow: Allow,
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let allow = self.allow.clone();
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let mut why = format!("{host} has no address");
            let mut allowed: Vec<SocketAddr> = Vec::new();
            for address in found {
                match allow.check(&host, address.ip()) {
                    Ok(()) => allowed.push(address),
                    Err(forbidden) => why = format!("{host} is {}, which {forbidden}", address.ip()),
                }
            }
            if allowed.is_empty() {
                return Err(why.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests;
