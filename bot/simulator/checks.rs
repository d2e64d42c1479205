//! What is looked for while a run goes on: the invariants, as far as they can be seen from outside and in the database.

use std::collections::BTreeSet;

use serde_json::Value;

use super::company::{CHANNEL, SECRETS, devices, is_own_allowed, may_ask, may_decide, person_of};
use super::model::{self, Must};
use super::places::{POLICY, Place, is_guard, is_of_a_device};
use super::plan::Trouble;
use super::world::{Inner, brief_text};
use crate::kernel::{Key, Request, RequestId, State, Subject};
use crate::store::still::look;

/// Facts for a decision may be this old: five seconds, and what it takes to read and count.
const FACTS_MS: i64 = 30_000;
/// The same for what is switched on, with what it takes to do it.
const OWNER_MS: i64 = 60_000;
/// The channel hears of what is stuck within this.
const ALARMED_MS: i64 = 60_000;
/// The tailnet is looked through after an older database was put back, and the channel told, within this.
const SURVEYED_MS: i64 = 120_000;
/// What a hand did is seen after this, and what was under way has arrived.
const SEEN_MS: i64 = 30_000;
/// What attributes begin with that entries of the policy file depend on.
const GUARDS: &str = "custom:nl_";
/// The far side is told an end no later than this after the latest that anybody may have.
const LATER_MS: i64 = 30_000;

impl Inner {
    /// Reads what was saved since the last look and tells the model.
    pub fn look(&mut self) {
        let Some(store) = self.store.clone() else { return };
        let Ok(entries) = look(store.audit_after(self.seen, 10_000)) else { return };
        let Some(last) = entries.last() else { return };
        let is_old = std::mem::take(&mut self.is_put_back);
        self.seen = last.seq;
        let mut ids: Vec<&str> = entries.iter().map(|entry| entry.request_id.as_str()).collect();
        ids.dedup();
        if self.story.is_some() {
            for entry in &entries {
                let line = format!("saved {} {} {}", entry.request_id, entry.state, brief_text(&entry.event));
                self.tell(|| line);
            }
        }
        for id in ids {
            let Ok(Some(request)) = look(store.find(&RequestId(id.to_owned()))) else { continue };
            self.model.saved(&request, self.now, self.ahead, is_old);
            if let Err(what) = self.deals.saved(&request, &self.places, (self.now.saturating_add(self.ahead), is_old)) {
                self.wrong(|| what);
            }
            self.check_votes(&request);
            let mut entries = look(store.audit_of(&Subject::from_stored(id))).unwrap_or_default();
            // What was typed is noted under the number that the request will have.
            entries.retain(|entry| !matches!(entry.state.as_str(), "typed" | "not_asked" | "started"));
            // I8: every change was written down, the last one with the state it led to.
            if entries.last().is_some_and(|entry| entry.state != request.state.word()) {
                self.wrong(|| format!("{id} is {}, and the log does not say so", request.state.word()));
            }
            let versions = look(store.version_of(id)).unwrap_or_default();
            if versions != i64::try_from(entries.len()).unwrap_or(i64::MAX) {
                self.wrong(|| format!("{id} was saved {versions} times, and the log has {} entries", entries.len()));
            }
        }
    }

    /// What the model says of every place, against what is there.
    pub fn check(&mut self) {
        self.look();
        if self.is_broken(Trouble::DiskFull) || self.is_broken(Trouble::Locked) {
            // Nothing can be saved, so nobody can be told; /readyz says so.
            self.alive_since = self.now;
        }
        if let Some(id) = self.model.unalarmed(self.now, self.alive_since).cloned() {
            self.wrong(|| format!("{id} cannot be taken back, and nobody is alarmed"));
        }
        // Until somebody accepts an older database, nothing that only it says was approved is switched on.
        let calm_since = if self.is_unaccepted { self.now } else { self.calm_since };
        if let Some(what) = self.deals.waits(self.now, calm_since, self.ahead) {
            self.wrong(|| what);
        }
        self.check_alarms();
        self.check_started();
        let places: Vec<Place> = self.places.all().filter(|place| !is_guard(place)).cloned().collect();
        for place in places {
            let there = self.places.at(&place, self.now).cloned();
            let must = self.model.must(&place, &self.places, self.now, (self.clear_since, self.calm_since));
            let is_on = self.places.is_on(&place, self.now);
            match must {
                Must::On if !is_on && (!is_of_a_device(&place) || self.tailnet.has(&place.0)) => {
                    self.wrong(|| format!("{} {} must be on and is not", place.0, place.1));
                }
                Must::On if place.0 == POLICY => self.check_is_guarded(&place.1),
                Must::AsFound => {
                    let found = model::as_found(&place, &self.places, self.now);
                    if found.as_ref().is_some_and(|found| *found != there) {
                        self.wrong(|| format!("{} {} must be {found:?} and is {there:?}", place.0, place.1));
                    }
                }
                _ => {}
            }
        }
    }

    /// I3: who is stuck was alarmed about, in the channel; where there is none, to those who decide.
    fn check_alarms(&mut self) {
        let stuck: Vec<(String, Vec<String>)> = self
            .deals
            .all()
            .filter(|request| request.stuck)
            .map(|request| (request.id.to_string(), watchers(request)))
            .collect();
        self.stuck.retain(|id, _| stuck.iter().any(|(stuck, _)| stuck == id));
        for (id, watchers) in stuck {
            let since = *self.stuck.entry(id.clone()).or_insert(self.now);
            let since = since.max(self.heard_since).max(self.alive_since);
            let is_told = watchers.iter().any(|place| self.slack.has_said(place, &["STUCK", &id]));
            if self.now.saturating_sub(since) > ALARMED_MS && !is_told {
                self.wrong(|| format!("{id} is stuck, and {} never heard of it", watchers.join(", ")));
            }
        }
        let unknown = std::mem::take(&mut self.unknown);
        let is_due = self.now.saturating_sub(self.calm_since.max(self.alive_since)) > SURVEYED_MS;
        for place in &unknown {
            let device = place.0.to_lowercase();
            if is_due && !self.slack.has_said(CHANNEL.0, &["Attention", &device, &place.1]) {
                self.wrong(|| {
                    format!("{} {} is on, the database does not know it, and nobody is told", place.0, place.1)
                });
            }
        }
        if !is_due {
            self.unknown = unknown;
        }
    }

    /// I5: nothing is taken away from somebody who holds it.
    pub fn check_removal(&mut self, place: &Place) {
        let must = || self.model.must(place, &self.places, self.now, (self.clear_since, self.calm_since));
        if self.places.is_on(place, self.now) && must() == Must::On {
            self.wrong(|| format!("{} {} is taken away, and somebody holds it", place.0, place.1));
        }
    }

    /// I1, I2: whatever switches access on was approved by enough people and is in the ledger, before its first byte leaves.
    pub fn check_authority(&mut self, path: &str, body: &[u8]) {
        let Some(store) = self.store.clone() else { return };
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let comment = body.get("comment").and_then(Value::as_str).unwrap_or_default().to_owned();
        if comment.starts_with("put back") {
            return;
        }
        let id = RequestId(comment.split(' ').next().unwrap_or_default().to_owned());
        let Ok(Some(request)) = look(store.find(&id)) else {
            return self.wrong(|| format!("a write of no request: {comment}"));
        };
        self.check_approved(&request);
        let key = request.steps.iter().find(|step| {
            let address = step.key.as_ref().map(Key::address).unwrap_or_default();
            let (device, name) = address.split_once(' ').unwrap_or_default();
            !name.is_empty() && path.contains(device) && path.replace("%3A", ":").contains(name)
        });
        let requester = person_of(&request.requester.slack_id);
        if !requester.is_some_and(|person| devices(person).iter().any(|device| path.contains(device.as_str()))) {
            self.wrong(|| format!("a write for {id} on a device of somebody else"));
        }
        let approved_at = request.approved_at.map_or(0, |at| at.saturating_sub(self.ahead));
        let mut passed = self.passed.iter().filter(|(device, at)| path.contains(device.as_str()) && **at < approved_at);
        if request.state == State::Activating && passed.next().is_some() {
            self.wrong(|| format!("a write for {id} on a device that had become somebody else's"));
        }
        let has_quit = |at: i64| at.saturating_add(OWNER_MS) < self.now;
        if request.state == State::Activating
            && requester.and_then(|one| self.quit.get(&one).copied()).is_some_and(has_quit)
        {
            self.wrong(|| format!("a write for {id}, whose requester has left"));
        }
        if let Some(name) = path.replace("%3A", ":").split_once("/attributes/").map(|(_, name)| name.to_owned())
            && name.starts_with(GUARDS)
        {
            return self.check_guard(&request, &body);
        }
        let is_known = key.is_some_and(|step| {
            let Some(key) = &step.key else { return false };
            look(store.held(key)).is_ok_and(|held| {
                let is_told = held.ends.iter().any(|end| body.get("expiry").is_none_or(|at| is_same(at, *end)));
                is_told && held.before.is_some() && held.holders.iter().any(|holder| holder.request_id == id)
            })
        });
        if !is_known || !key.is_some_and(|step| step.may_be_on()) {
            self.wrong(|| format!("a write for {id} at a place, or with an end, that is not in the ledger"));
        }
        let Some(until) = body.get("expiry").and_then(Value::as_str).and_then(|at| at.parse::<jiff::Timestamp>().ok())
        else {
            return self.wrong(|| format!("a write for {id} without an end"));
        };
        if let Some(key) = key.and_then(|step| step.key.as_ref()) {
            self.check_end(key, &request, until.as_millisecond());
        }
    }

    /// What is told lasts no longer than anybody may have it, and is not set again after a hand took it away.
    fn check_end(&mut self, key: &Key, request: &Request, until: i64) {
        let id = &request.id;
        let (device, name) = key.address().split_once(' ').unwrap_or_default();
        let place = (device.to_owned(), name.to_owned());
        if self.model.holders(&place).any(|id| self.deals.is_spoilt(id.as_str())) {
            return;
        }
        let ends = self.model.holders(&place).filter_map(|id| self.deals.find(id.as_str()));
        let now = self.now.saturating_add(self.ahead);
        let ends = ends.chain([request]).map(|one| self.latest_end(one));
        let is_removed = |write: &super::places::Write| write.by_hand && write.now.is_none();
        let last = self.places.writes(&place).last().filter(|write| is_removed(write));
        let is_again = last.is_some_and(|write| {
            let since = request.active_at.map_or(i64::MAX, |at| at.saturating_sub(self.ahead));
            write.at > since.saturating_add(SEEN_MS) && write.at < self.now.saturating_sub(SEEN_MS)
        });
        let latest = ends.max().unwrap_or(now).saturating_add(LATER_MS);
        if until > latest {
            self.wrong(|| format!("a write for {id} with a later end than anybody may have"));
        }
        if is_again && request.state == State::Active {
            self.wrong(|| format!("{device} {name} is set again for {id}, and a hand had taken it away"));
        }
    }

    /// I6: every vote is of somebody who pressed, may decide, and is counted once.
    fn check_votes(&mut self, request: &Request) {
        let own = is_own_allowed(&request.workflow.name);
        if !person_of(&request.requester.slack_id).is_some_and(|person| may_ask(person, &request.workflow.name)) {
            self.wrong(|| format!("{} must not ask for {}", request.requester.slack_id, request.workflow.name));
        }
        let mut voters = BTreeSet::new();
        for decision in &request.decisions {
            let Some(person) = decision.person() else { continue };
            let by = &person.slack_id;
            let may = person_of(by).is_some_and(|person| may_decide(person, &request.workflow.name));
            let is_own = decision.approved && !own && *by == request.requester.slack_id;
            let decided_at = decision.at.saturating_sub(self.ahead);
            let is_in_time = |since: Option<&i64>| since.is_none_or(|at| decided_at < at.saturating_add(FACTS_MS));
            let has_left = person_of(by).and_then(|person| self.quit.get(&person));
            let is_in_group = request.workflow.name == "own" || is_in_time(self.dismissed.get(by));
            let may = may && is_in_group && is_in_time(has_left);
            let has_pressed = self.pressed.contains(&(by.clone(), request.id.to_string()));
            if !may || is_own || !has_pressed || !voters.insert(by.clone()) {
                self.wrong(|| format!("the vote of {by} on {} must not count", request.id));
            }
        }
        if request.approved_at.is_some() && !self.is_allowed(request) {
            self.wrong(|| format!("{} was approved by {:?}", request.id, request.decisions));
        }
        self.check_rules(request);
        let is_final =
            matches!(request.outcome, Some(crate::kernel::Outcome::Withdrawn | crate::kernel::Outcome::Denied));
        if is_final && request.may_be_on() {
            self.wrong(|| format!("{} may be on and was never to be", request.id));
        }
    }

    /// I10: no secret in anything that leaves, but in the header it belongs into.
    pub fn check_leak(&mut self, path: &str, body: &[u8]) {
        if path.ends_with("/oauth/token") {
            return;
        }
        let body = String::from_utf8_lossy(body);
        if let Some(secret) = SECRETS.iter().find(|secret| path.contains(**secret) || body.contains(**secret)) {
            self.wrong(|| format!("{secret} leaves in {path}"));
        }
    }
}

/// Whether the far side is told just this end: in whole seconds, rounded up.
fn is_same(told: &Value, end: i64) -> bool {
    let told = told.as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok()).map(jiff::Timestamp::as_millisecond);
    told.is_some_and(|told| told.div_euclid(1_000) == end.saturating_add(999).div_euclid(1_000))
}

/// Where it is to be said that a request is stuck.
fn watchers(request: &Request) -> Vec<String> {
    match request.workflow.announce {
        Some(_) => vec![CHANNEL.0.to_owned()],
        None => request.everybody_asked().into_iter().map(|slack_id| format!("D{slack_id}")).collect(),
    }
}
