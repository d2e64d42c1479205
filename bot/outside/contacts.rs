//! What came of our calls to each service: how many there were, when it last answered, and what it refuses until somebody does
//! something about it. For `/metrics`, `/readyz` and the log.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::{error, info};

use crate::clock::Clock;

/// Every service we call, as it is called in metrics.
pub const SERVICES: [&str; 5] = ["slack", "tailscale", "tailscaled", "golink", "tclip"];

/// Those that nothing else looks after: whoever types is told when one does not answer, and so is whoever asks how we are.
const NEIGHBOURS: [(&str, &str); 2] = [("golink", "go links"), ("tclip", "pastes")];

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
    /// By service: why its last call came to nothing.
    silent: BTreeMap<&'static str, String>,
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

    /// One call that is about to leave. Whoever stops waiting for it before it came to something is counted, too.
    pub fn call(&self, service: &'static str) -> Call {
        Call { contacts: self.clone(), service, is_over: false }
    }

    /// It answered, whatever it said.
    pub fn answered(&self, service: &'static str, status: u16) {
        let now = self.inner.clock.as_ref().map(Clock::now_ms);
        let mut table = self.table();
        *table.calls.entry((service, status.to_string())).or_default() += 1;
        if let Some(now) = now {
            table.last.insert(service, now);
        }
        match status {
            500.. => table.silent.insert(service, format!("answers with an error ({status})")),
            _ => table.silent.remove(service),
        };
    }

    /// No answer: `timeout`, `connect` or `broken`.
    pub fn unanswered(&self, service: &'static str, why: &'static str) {
        let mut table = self.table();
        *table.calls.entry((service, why.to_owned())).or_default() += 1;
        let words = match why {
            "timeout" => "did not answer in time",
            "connect" => "cannot be reached",
            _ => "broke off",
        };
        table.silent.insert(service, words.to_owned());
    }

    /// What is wrong with golink and tclip, where they are somebody else's: until one answers again.
    pub fn silent_neighbours(&self) -> Vec<String> {
        let table = self.table();
        let said = |(service, what): &(&str, &str)| {
            let why = table.silent.get(service)?;
            Some(format!("{service} {why}: {what} wait for it; see that it runs at the address in nightlatch.yaml"))
        };
        NEIGHBOURS.iter().filter_map(said).collect()
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

/// One call on its way.
#[must_use]
pub struct Call {
    contacts: Contacts,
    service: &'static str,
    is_over: bool,
}

impl Call {
    /// What came of it.
    pub fn came_of(mut self, sent: &Result<reqwest::Response, reqwest::Error>) {
        self.is_over = true;
        match sent {
            Ok(answer) => self.contacts.answered(self.service, answer.status().as_u16()),
            Err(error) if error.is_connect() => self.contacts.unanswered(self.service, "connect"),
            Err(error) if error.is_timeout() => self.contacts.unanswered(self.service, "timeout"),
            Err(_) => self.contacts.unanswered(self.service, "broken"),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.is_over {
            self.contacts.unanswered(self.service, "timeout");
        }
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

    #[test]
    fn a_neighbour_that_does_not_answer_is_told_until_it_answers() {
        let contacts = Contacts::default();
        contacts.unanswered("slack", "timeout");
        assert_eq!(contacts.silent_neighbours(), Vec::<String>::new());
        drop(contacts.call("tclip"));
        contacts.answered("golink", 502);
        assert_eq!(
            contacts.silent_neighbours(),
            [
                "golink answers with an error (502): go links wait for it; see that it runs at the address in nightlatch.yaml",
                "tclip did not answer in time: pastes wait for it; see that it runs at the address in nightlatch.yaml",
            ]
        );
        contacts.answered("golink", 404);
        contacts.answered("tclip", 200);
        assert_eq!(contacts.silent_neighbours(), Vec::<String>::new());
    }
}
