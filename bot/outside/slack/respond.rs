//! Answers through a `response_url`: five posts within thirty minutes, no token, so the address itself is the secret.
//!
//! This one call goes through reqwest: slack-morphism offers no `response_type` and no way to refuse redirects.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::{Host, Url};

use super::error::{RETRY_AFTER_DEFAULT_MS, SlackError};
use super::pace::{Limit, Method};
use super::{Slack, SlackSettings, SlackSetupError};
use crate::outside::net::Client;

const RESPOND: Method = Method::new("response_url", Limit::Unpaced);

/// Sends to `response_url`s, and only to addresses that are Slack's.
pub(super) struct Responder {
    client: Client,
    api: Url,
}

impl Responder {
    pub(super) fn new(api: Url, client: Client) -> Self {
        Self { client, api }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Whether the bot token may be sent there: Slack's host for files, or what stands in for Slack, at its own origin.
    pub(super) fn allows_token(&self, target: &Url) -> bool {
        if is_slack(&self.api) {
            super::files::is_slack_files(target) && self.allows(target)
        } else {
            self.allows(target)
        }
    }

    pub(super) fn is_plain_http(&self) -> bool {
        self.api.scheme() == "http"
    }

    /// Only Slack's own hosts; or, when something stands in for Slack, that thing's own origin (any port of this
    /// machine if it is on this machine).
    fn allows(&self, target: &Url) -> bool {
        if !target.username().is_empty() || target.password().is_some() {
            return false;
        }
        if target.scheme() == "https" && is_slack(target) {
            return true;
        }
        if is_slack(&self.api) {
            return false;
        }
        self.api.origin() == target.origin()
            || (self.api.scheme() == target.scheme() && is_loopback(&self.api) && is_loopback(target))
    }
}

/// A client that follows no redirects: our token and what people typed go where we send them, or nowhere.
pub(super) fn client(settings: &SlackSettings, is_plain_http: bool) -> Result<Client, SlackSetupError> {
    let builder = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(settings.call_limit);
    // Plain http (the playground): works on a machine that has no certificates at all.
    let builder = if is_plain_http { builder.tls_certs_only([]) } else { builder };
    settings.net.client(builder).map_err(|error| SlackSetupError::Certificates(error.to_string()))
}

fn is_slack(url: &Url) -> bool {
    let Some(Host::Domain(host)) = url.host() else { return false };
    ["slack.com", "slack-gov.com"]
        .iter()
        .any(|domain| host == *domain || host.strip_suffix(domain).is_some_and(|subdomain| subdomain.ends_with('.')))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl Slack {
    /// Posts `body` (a message with `response_type`, `replace_original`, `delete_original` as Slack documents them)
    /// to where a click or command came from. After 30 minutes or 5 uses Slack refuses: code `used_url`/`expired_url`.
    pub async fn respond(&self, response_url: &SecretString, body: &Value) -> Result<(), SlackError> {
        let responder = &self.inner.responder;
        let target = Url::parse(response_url.expose_secret()).map_err(|_| RESPOND.malformed("not an address"))?;
        if !responder.allows(&target) {
            return Err(RESPOND.malformed("not an address of Slack"));
        }
        let request = responder.client.request(reqwest::Method::POST, target).json(body);
        let answer = responder.client.send(request).await;
        let mut answer = answer.map_err(|error| {
            let detail = if error.is_timeout() { "no answer in time" } else { "the connection failed" };
            RESPOND.unavailable(detail, !error.is_connect())
        })?;
        let status = answer.status();
        if status.is_success() {
            // Slack answers `ok`, and can say no under 200 as everywhere else.
            let said = match answer.chunk().await {
                Ok(said) => said.unwrap_or_default(),
                Err(_) => return Err(RESPOND.unavailable("the connection broke", true)),
            };
            let said: Value = serde_json::from_slice(&said).unwrap_or_default();
            return SlackError::from_body(RESPOND.name, &said).map_or(Ok(()), Err);
        }
        if status == reqwest::StatusCode::TOO_MANY_REQUESTS {
            let seconds = answer.headers().get(reqwest::header::RETRY_AFTER);
            let seconds = seconds.and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<u32>().ok());
            let retry_after_ms =
                seconds.map_or(RETRY_AFTER_DEFAULT_MS, |seconds| i64::from(seconds) * 1_000).max(1_000);
            return Err(SlackError::RateLimited { method: RESPOND.name, retry_after_ms });
        }
        if status.is_server_error() {
            return Err(RESPOND.unavailable(&format!("http status {}", status.as_u16()), true));
        }
        // Slack says why in the body (`used_url`, `expired_url`), but the status is enough to know it is over.
        let code = format!("http_{}", status.as_u16());
        Err(SlackError::Api { method: RESPOND.name, code, needed: None, messages: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> Client {
        crate::outside::net::Net::wire().client(reqwest::Client::builder()).expect("a client")
    }

    fn allows(api: &str, target: &str) -> bool {
        let api = Url::parse(api).expect("an address");
        let responder = Responder::new(api, client());
        Url::parse(target).is_ok_and(|target| responder.allows(&target))
    }

    #[test]
    fn answers_go_to_slack_and_nowhere_else() {
        let api = "https://slack.com/api";
        assert!(allows(api, "https://hooks.slack.com/commands/T0/1/abc"));
        assert!(allows(api, "https://hooks.slack-gov.com/commands/T0/1/abc"));
        for foreign in [
            "http://hooks.slack.com/commands/T0/1/abc",
            "https://slack.com.evil.test/x",
            "https://evilslack.com/x",
            "https://hooks.slack.com@evil.test/x",
            "https://user@hooks.slack.com/x",
            "http://127.0.0.1:9/x",
            "https://169.254.169.254/latest/meta-data",
            "file:///etc/passwd",
        ] {
            assert!(!allows(api, foreign), "{foreign}");
        }
    }

    #[test]
    fn the_token_goes_to_slacks_files_and_nowhere_else() {
        let allows = |api: &str, target: &str| {
            let responder = Responder::new(Url::parse(api).expect("an address"), client());
            Url::parse(target).is_ok_and(|target| responder.allows_token(&target))
        };
        let api = "https://slack.com/api";
        assert!(allows(api, "https://files.slack.com/files-pri/T1-F1/a.txt"));
        for foreign in [
            "http://files.slack.com/a",
            "https://files.slack.com:444/a",
            "https://user@files.slack.com/a",
            "https://acme.slack.com/files/a",
            "https://hooks.slack.com/a",
            "https://files.slack.com.evil.test/a",
            "https://evil.test/files.slack.com",
        ] {
            assert!(!allows(api, foreign), "{foreign}");
        }
        assert!(allows("http://127.0.0.1:8801/api", "http://127.0.0.1:8801/files-pri/T1-F1/a.txt"));
        assert!(!allows("http://127.0.0.1:8801/api", "https://evil.test/a"));
        assert!(!allows("https://slack.example.test/api", "https://files.slack.example.test/a"));
    }

    #[test]
    fn a_stand_in_gets_answers_at_its_own_origin() {
        assert!(allows("https://slack.example.test/api", "https://slack.example.test/respond/1"));
        assert!(!allows("https://slack.example.test/api", "https://other.example.test/respond/1"));
        assert!(allows("http://127.0.0.1:8801/api", "http://localhost:8802/respond/1"));
        assert!(!allows("http://10.1.1.1:8801/api", "http://127.0.0.1:8802/respond/1"));
    }
}
