//! What is looked for while a run goes on: the invariants, as far as they can be seen from outside and in the database.

use std::collections::BTreeSet;

use serde_json::Value;

use super::company::{SECRETS, may_decide, person_of, rules};
use super::model::{self, Must};
use super::tailnet::Place;
use super::world::{Inner, brief_text};
use crate::kernel::{Key, Request, RequestId, State};
use crate::store::still::look;

/// Facts for a decision may be this old: five seconds, and what it takes to read and count.
const FACTS_MS: i64 = 20_000;

impl Inner {
    /// Reads what was saved since the last look and tells the model.
    pub fn look(&mut self) {
        let Some(store) = self.store.clone() else { return };
        let Ok(entries) = look(store.audit_after(self.seen, 10_000)) else { return };
        let Some(last) = entries.last() else { return };
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
            if let Some(what) = self.model.saved(&request, self.now, self.ahead) {
                self.wrong(|| what);
            }
            self.check_votes(&request);
            let entries = look(store.audit_of(id)).unwrap_or_default();
            // I8: what was saved last was written down.
            if entries.last().is_some_and(|entry| entry.state != request.state.word()) {
                self.wrong(|| format!("{id} is {}, and the log does not say so", request.state.word()));
            }
        }
    }

    /// What the model says of every place, against what is there.
    pub fn check(&mut self) {
        self.look();
        if self.is_broken(super::plan::Trouble::DiskFull) {
            // Nothing can be saved, so nobody can be told; /readyz says so.
            self.alive_since = self.now;
        }
        if let Some(id) = self.model.unalarmed(self.now, self.alive_since).cloned() {
            self.wrong(|| format!("{id} cannot be taken back, and nobody is alarmed"));
        }
        let places: Vec<Place> = self.tailnet.places().cloned().collect();
        for place in places {
            let there = self.tailnet.at(&place, self.now).cloned();
            let must = self.model.must(&place, &self.tailnet, self.now, self.calm_since);
            let is_on = there.as_ref().is_some_and(|there| there.value == Value::Bool(true));
            match must {
                Must::On if !is_on && self.tailnet.has(&place.0) => {
                    self.wrong(|| format!("{} {} must be on and is not", place.0, place.1));
                }
                Must::AsFound => {
                    let found = model::as_found(&place, &self.tailnet, self.now);
                    if found.as_ref().is_some_and(|found| *found != there) {
                        self.wrong(|| format!("{} {} must be {found:?} and is {there:?}", place.0, place.1));
                    }
                }
                _ => {}
            }
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
        let (quorum, _) = rules(&request.workflow.name);
        if request.approvals_count() < quorum || request.approved_at.is_none() {
            self.wrong(|| format!("a write for {id} without enough approvals"));
        }
        if matches!(request.state, State::Pending | State::Approved | State::Ended) {
            self.wrong(|| format!("a write for {id}, which is {}", request.state.word()));
        }
        let key = request.steps.iter().find(|step| {
            let address = step.key.as_ref().map(Key::address).unwrap_or_default();
            let (device, name) = address.split_once(' ').unwrap_or_default();
            path.contains(device) && path.replace("%3A", ":").contains(name)
        });
        if !key.is_some_and(|step| step.may_be_on()) {
            self.wrong(|| format!("a write for {id} at a place that is not in its ledger"));
        }
        if body.get("expiry").is_none() {
            self.wrong(|| format!("a write for {id} without an end"));
        }
    }

    /// I6: every vote is of somebody who pressed, may decide, and is counted once.
    fn check_votes(&mut self, request: &Request) {
        let (quorum, own) = rules(&request.workflow.name);
        let mut voters = BTreeSet::new();
        for decision in &request.decisions {
            let by = &decision.person.slack_id;
            let may = person_of(by).is_some_and(|person| may_decide(person, &request.workflow.name));
            let is_own = decision.approved && !own && *by == request.requester.slack_id;
            let may = may
                && self
                    .dismissed
                    .get(by)
                    .is_none_or(|at| decision.at.saturating_sub(self.ahead) < at.saturating_add(FACTS_MS));
            let has_pressed = self.pressed.contains(&(by.clone(), request.id.to_string()));
            if !may || is_own || !has_pressed || !voters.insert(by.clone()) {
                self.wrong(|| format!("the vote of {by} on {} must not count", request.id));
            }
        }
        if request.approved_at.is_some() && request.approvals_count() < quorum {
            self.wrong(|| format!("{} was approved by {}", request.id, request.approvals_count()));
        }
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
