//! How we are: what parts of the bot wrote down and what is looked up when somebody asks. `/readyz` is this in words.
//!
//! A trouble makes `/readyz` answer 503: nothing can be saved, Slack or Tailscale refuses us, an end is a minute late, or the log does not
//! verify. Everything else that is missing is a warning, and we are ready.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::watch::{LATE_MS, overdue_ms};
use super::{Engine, drift};
use crate::kernel::Request;

/// A small table of facts. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Health {
    facts: Arc<Mutex<BTreeMap<&'static str, Fact>>>,
}

#[derive(Clone, Debug)]
struct Fact {
    is_trouble: bool,
    what: Vec<String>,
}

/// How we are right now, one sentence each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkup {
    /// Why we cannot do what we are for.
    pub troubles: Vec<String>,
    /// What somebody should look at.
    pub warnings: Vec<String>,
}

impl Health {
    /// While this lasts we are not ready. `about` names the fact; `None` says that it is over.
    pub fn trouble(&self, about: &'static str, what: Option<String>) {
        self.set(about, what.map(|what| Fact { is_trouble: true, what: vec![what] }));
    }

    /// Somebody should look at this; we are ready all the same. `None` says that it is over.
    pub fn warning(&self, about: &'static str, what: Option<String>) {
        self.warnings(about, what.into_iter().collect());
    }

    /// The same of several things at once; none: it is over.
    pub fn warnings(&self, about: &'static str, what: Vec<String>) {
        self.set(about, Some(Fact { is_trouble: false, what }).filter(|fact| !fact.what.is_empty()));
    }

    fn set(&self, about: &'static str, fact: Option<Fact>) {
        let mut facts = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        match fact {
            Some(fact) => drop(facts.insert(about, fact)),
            None => drop(facts.remove(about)),
        }
    }

    fn read(&self) -> Checkup {
        let facts = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        let (troubles, warnings): (Vec<Fact>, Vec<Fact>) = facts.values().cloned().partition(|fact| fact.is_trouble);
        let words = |facts: Vec<Fact>| facts.into_iter().flat_map(|fact| fact.what).collect();
        Checkup { troubles: words(troubles), warnings: words(warnings) }
    }
}

impl Engine {
    /// The table of facts, for whoever has one.
    pub fn health(&self) -> &Health {
        &self.inner.health
    }

    /// How we are right now: the table, and what is cheap to look up.
    pub async fn checkup(&self) -> Checkup {
        let (store, clock) = (&self.inner.store, &self.inner.clock);
        let mut checkup = self.inner.health.read();
        for refused in self.inner.slack.contacts().refusals() {
            let said =
                if refused.advice.is_empty() { refused.what } else { format!("{}; {}", refused.what, refused.advice) };
            let list = if refused.is_everything { &mut checkup.troubles } else { &mut checkup.warnings };
            // The same may have been found when everything was tried out.
            if !list.iter().any(|known: &String| known.ends_with(&said)) {
                list.push(said);
            }
        }
        checkup.warnings.extend(self.inner.slack.contacts().silent_neighbours());
        let log = self.log_health().borrow().clone();
        checkup.troubles.extend(log.troubles());
        checkup.warnings.extend(log.warnings());
        checkup.troubles.extend(self.inner.watch.trouble(clock));
        match overdue_ms(self).await {
            Ok(late_ms) if late_ms > LATE_MS => {
                checkup.troubles.push(format!("the oldest end is {} s late", late_ms / 1_000));
            }
            Ok(_) => {}
            Err(failure) => checkup.troubles.push(store.judge(failure).to_string()),
        }
        if let Some(trouble) = store.file_trouble() {
            let list = if trouble.is_fatal() { &mut checkup.troubles } else { &mut checkup.warnings };
            list.push(trouble.to_string());
        }
        if let Ok(count @ 1..) = store.set_aside_count().await {
            checkup.warnings.push(format!("{count} effects are set aside: this version cannot read them"));
        }
        checkup.warnings.extend(drift::given_up(self).await.unwrap_or_default());
        let now = clock.now_ms();
        let is_late = |request: &&Request| request.open_review().is_some_and(|review| review.due_at <= now);
        let reviews = self.open_reviews().await.unwrap_or_default();
        match reviews.iter().filter(is_late).count() {
            0 => {}
            late => checkup
                .warnings
                .push(format!("{late} reviews of broken glass are late; their cards say who closes them")),
        }
        if store.is_without_reserve() {
            checkup.warnings.push("no room is kept on the disk for ends; make room".to_owned());
        }
        checkup.warnings.extend(clock.troubles());
        checkup
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_set_replaced_and_over() {
        let health = Health::default();
        health.trouble("log", Some("the log does not verify from entry 7".to_owned()));
        health.warning("anchor", Some("there is no anchor".to_owned()));
        health.warning("anchor", Some("the anchor cannot be written".to_owned()));
        let told = health.read();
        assert_eq!(told.troubles, ["the log does not verify from entry 7"]);
        assert_eq!(told.warnings, ["the anchor cannot be written"]);
        health.trouble("log", None);
        health.warning("anchor", None);
        assert_eq!(health.read(), Checkup::default());
    }
}
