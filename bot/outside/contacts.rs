//! What came of our calls to each service: how many there were, when it last answered, and what it refuses until somebody does
//! something about it. For `/metrics`, `/readyz` and the log.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::{error, info};

use crate::clock::Clock;

/// Every service we call, as it is called in metrics.
pub const SERVICES: [&str; 5] = ["slack", "tailscale", "tailscaled", "golink", "tclip"];

/// Shared by all clients of one bot. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Contacts {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    clock: Option<Clock>,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    /// By service and status, as HTTP says it or why there is none.
    calls: BTreeMap<(&'static str, String), u64>,
    /// By service: milliseconds since the epoch.
    last: BTreeMap<&'static str, i64>,
    refused: BTreeMap<(&'static str, String), Refused>,
}

/// Something a service does not let us do until a person acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// As it is called in metrics.
    pub service: &'static str,
    /// What was said.
    pub what: String,
    /// What to do.
    pub advice: String,
    /// Nothing at all works: the credential itself is refused.
    pub is_everything: bool,
}

impl Contacts {
    /// Nothing was called yet.
    pub fn new(clock: Clock) -> Self {
        Self { inner: Arc::new(Inner { clock: Some(clock), table: Mutex::default() }) }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.inner.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It answered, whatever it said.
    pub fn answered(&self, service: &'static str, status: u16) {
        let now = self.inner.clock.as_ref().map(Clock::now_ms);
        let mut table = self.table();
        *table.calls.entry((service, status.to_string())).or_default() += 1;
        if let Some(now) = now {
            table.last.insert(service, now);
        }
    }

    /// No answer: `timeout`, `connect` or `broken`.
    pub fn unanswered(&self, service: &'static str, why: &'static str) {
        *self.table().calls.entry((service, why.to_owned())).or_default() += 1;
    }

    /// What came of one call.
    pub fn came_of(&self, service: &'static str, sent: &Result<reqwest::Response, reqwest::Error>) {
        match sent {
            Ok(answer) => self.answered(service, answer.status().as_u16()),
            Err(error) if error.is_connect() => self.unanswered(service, "connect"),
            Err(error) if error.is_timeout() => self.unanswered(service, "timeout"),
            Err(_) => self.unanswered(service, "broken"),
        }
    }

    /// It says no to this call and will go on saying no. Logged once, until the call works again or another reason is given.
    pub fn refused(&self, call: &str, refused: Refused) {
        // A credential that is refused is refused to every call, and told once.
        let name = if refused.is_everything { "" } else { call };
        let key = (refused.service, name.to_owned());
        let mut table = self.table();
        let is_told = |known: &Refused| known.advice == refused.advice || *known == refused;
        if table.refused.get(&key).is_some_and(is_told) {
            return;
        }
        error!(service = refused.service, call, advice = refused.advice, "{}", refused.what);
        table.refused.insert(key, refused);
    }

    /// This call works.
    pub fn works(&self, service: &'static str, call: &str) {
        let mut table = self.table();
        if table.refused.is_empty() {
            return;
        }
        let is_over = |known: &str, refused: &Refused| known == call || refused.is_everything;
        let before = table.refused.len();
        table.refused.retain(|(one, known), refused| *one != service || !is_over(known, refused));
        if table.refused.len() < before {
            info!(service, call, "what was refused works again");
        }
    }

    /// What is refused now.
    pub fn refusals(&self) -> Vec<Refused> {
        self.table().refused.values().cloned().collect()
    }

    /// Calls by service and status; every service has its `200`, so that a series is there before the first call.
    pub fn calls(&self) -> Vec<(&'static str, String, u64)> {
        let mut calls = self.table().calls.clone();
        for service in SERVICES {
            calls.entry((service, "200".to_owned())).or_default();
        }
        calls.into_iter().map(|((service, status), count)| (service, status, count)).collect()
    }

    /// When each service last answered, in milliseconds since the epoch; 0: not since the start.
    pub fn last_contacts(&self) -> Vec<(&'static str, i64)> {
        let table = self.table();
        SERVICES.into_iter().map(|service| (service, table.last.get(service).copied().unwrap_or(0))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(what: &str, is_everything: bool) -> Refused {
        Refused { service: "slack", what: what.to_owned(), advice: "do it".to_owned(), is_everything }
    }

    #[test]
    fn calls_are_counted_and_a_refusal_lasts_until_the_call_works() {
        let contacts = Contacts::new(Clock::manual(7_000));
        contacts.answered("slack", 200);
        contacts.answered("slack", 200);
        contacts.unanswered("slack", "timeout");
        let slack: Vec<_> = contacts.calls().into_iter().filter(|(service, ..)| *service == "slack").collect();
        assert_eq!(slack, [("slack", "200".to_owned(), 2), ("slack", "timeout".to_owned(), 1)]);
        assert!(contacts.calls().contains(&("golink", "200".to_owned(), 0)));
        assert_eq!(contacts.last_contacts().first(), Some(&("slack", 7_000)));
        contacts.refused("a", refused("no scope", false));
        contacts.refused("b", refused("no scope", false));
        contacts.works("slack", "a");
        contacts.works("tailscale", "b");
        assert_eq!(contacts.refusals(), [refused("no scope", false)]);
        contacts.refused("auth", refused("no token", true));
        contacts.works("slack", "c");
        assert_eq!(contacts.refusals(), [refused("no scope", false)]);
        contacts.works("slack", "b");
        assert_eq!(contacts.refusals(), []);
    }
}
