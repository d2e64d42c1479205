//! Who may have what, by the company's own rules and not by the bot's: enough people, by itself, by breaking glass, and guardrails.

use serde_json::Value;

use super::company::{
    self, EXTENDABLE, EXTENDED, GLASS_MS, GUARDED_MS, PASSES, REPORT_EVERY_MS, REPORTER, UNDER_GUARD, is_enough,
    is_writer, person_of,
};
use super::places::{Place, is_guard, place_for};
use super::world::Inner;

use crate::kernel::origin::Origin;
use crate::kernel::request::{Decider, Extension, Phase, Step};
use crate::kernel::{Key, Request, State, room_ms};
use crate::store::still::look;

/// The far side is told an end no later than this after the latest that anybody may have.
const LATER_MS: i64 = 30_000;
const DAY_MS: i64 = 86_400_000;
/// What starts by itself is asked within this, and after nothing was broken for as long.
const STARTED_MS: i64 = 120_000;

impl Inner {
    /// Whether what is saved of a request is enough for it to be switched on.
    pub fn is_allowed(&self, request: &Request) -> bool {
        let name = request.workflow.name.as_str();
        let asks = person_of(&request.requester.slack_id);
        let by = request.decisions.iter().filter(|decision| decision.approved);
        let by: Vec<usize> = by.filter_map(|decision| person_of(&decision.person()?.slack_id)).collect();
        let is_by_itself = |_: &_| match name {
            "report" => true,
            "auto" => {
                asks.is_some_and(is_writer) && request.hold_ms <= PASSES.0 && self.passed_that_day(request) <= PASSES.1
            }
            _ => false,
        };
        request.decisions.iter().any(|decision| match &decision.by {
            Decider::Person { .. } => decision.approved && is_enough(name, &by),
            Decider::Itself { .. } => is_by_itself(decision),
            Decider::Glass { person, .. } => {
                let (by, id) = (person.slack_id.clone(), request.id.to_string());
                let has_typed = self.typed_glass.contains(&(by.clone(), request.reason.clone()));
                let has_pressed = has_typed || self.pressed.contains(&(by, id));
                let may = asks.is_some_and(is_writer) && person.slack_id == request.requester.slack_id;
                name == "glass" && may && has_pressed && request.hold_ms <= GLASS_MS && !request.reason.is_empty()
            }
        })
    }

    /// How many requests of the same person for the same passed by themselves on the day this one did.
    fn passed_that_day(&self, request: &Request) -> usize {
        let day = |one: &Request| {
            let itself = one.decisions.iter().find(|decision| matches!(decision.by, Decider::Itself { .. }));
            itself.map(|decision| decision.at.div_euclid(DAY_MS))
        };
        let is_like = |one: &&Request| {
            one.id != request.id
                && one.workflow.name == request.workflow.name
                && one.requester.slack_id == request.requester.slack_id
                && day(one) == day(request)
        };
        self.deals.all().filter(is_like).count().saturating_add(1)
    }

    /// The latest end that this request may have now.
    pub fn latest_end(&self, request: &Request) -> i64 {
        let now = self.now.saturating_add(self.ahead);
        let extended = request.extending.as_ref().map(|extending| extending.until);
        let before_it_begins = || now.saturating_add(request.hold_ms).saturating_add(room_ms(request.hold_ms));
        extended.or(request.expires_at).unwrap_or_else(before_it_begins)
    }

    /// It was extended by its holder, who saw the end that was put off, and no more than its workflow says.
    fn check_extended(&mut self, request: &Request) {
        let (id, by) = (request.id.to_string(), &request.requester.slack_id);
        let is_too_much =
            |one: &Extension| one.length_ms > EXTENDED.1 || !EXTENDABLE.contains(&request.workflow.name.as_str());
        if request.extensions.len() > EXTENDED.0 || request.extensions.iter().any(is_too_much) {
            self.wrong(|| format!("{id} was extended more than may be"));
        }
        let is_unasked = |one: &&Extension| !self.extended.contains(&(by.clone(), id.clone(), one.from));
        let unasked = request.extensions.iter().find(is_unasked).map(|one| one.from);
        if let Some(from) = unasked {
            self.wrong(|| format!("{id} was extended from {from}, and nobody was shown that end and put it off"));
        }
    }

    /// Whoever holds an auth key was shown it: none is good that nobody knows and that was there when it was read back.
    fn check_seen(&mut self, request: &Request) {
        let is_key = |step: &&Step| step.key.as_ref().is_some_and(|key| key.uses() == "tailscale.auth_key");
        let Some(step) = request.steps.iter().find(is_key).filter(|step| step.phase == Phase::Held) else { return };
        let Some(proof) = step.proof.as_ref().filter(|proof| proof.found.is_on()) else { return };
        let read_at = proof.at.saturating_sub(self.ahead);
        if let Some(key) = self.tailnet.keys.unseen(request.id.as_str(), read_at, self.now) {
            self.wrong(|| format!("{} holds the auth key {key}, and its requester never saw it", request.id));
        }
    }

    /// What guardrails forbid has not happened; whoever had it by breaking glass does not review that.
    pub fn check_rules(&mut self, request: &Request) {
        self.check_extended(request);
        self.check_seen(request);
        let id = &request.id;
        if request.workflow.name == "guarded" {
            let by_p42 = |slack_id: &str| person_of(slack_id) == Some(UNDER_GUARD);
            let mut people = request.decisions.iter().filter(|one| one.approved).filter_map(|one| one.person());
            if request.hold_ms > GUARDED_MS || people.any(|person| by_p42(&person.slack_id)) {
                self.wrong(|| format!("{id} is forbidden by a guardrail"));
            }
        }
        let Some(closed) = request.review.as_ref().and_then(|review| review.closed.as_ref()) else { return };
        let by = &closed.person.slack_id;
        let may = person_of(by).is_some_and(|person| company::DBA.contains(&person));
        if !may || *by == request.requester.slack_id || !self.pressed.contains(&(by.clone(), id.to_string())) {
            self.wrong(|| format!("{by} must not review {id}"));
        }
    }

    /// I1: this request may be switched on now.
    pub fn check_approved(&mut self, request: &Request) {
        let id = &request.id;
        if !self.is_allowed(request) || request.approved_at.is_none() {
            self.wrong(|| format!("a write for {id} without enough approvals"));
        }
        if matches!(request.state, State::Pending | State::Approved | State::Ended) {
            self.wrong(|| format!("a write for {id}, which is {}", request.state.word()));
        }
    }

    /// I1, I2: what comes on somewhere was approved, and is in the ledger.
    pub fn check_right(&mut self, place: &Place) {
        let Some(store) = self.store.clone().filter(|_| !self.is_dead) else { return };
        let is_it = |key: &Key, id: &str| place_for(key, id).as_ref() == Some(place);
        let mut of: Vec<Request> = self.deals.all().filter(|one| one.state != State::Ended).cloned().collect();
        of.retain(|one| one.steps.iter().filter_map(|step| step.key.as_ref()).any(|key| is_it(key, one.id.as_str())));
        // What was held before an older database was put back may be put back, too.
        if of.is_empty() && !self.is_restored {
            return self.wrong(|| format!("{} {} comes on for nobody", place.0, place.1));
        }
        for request in &of {
            let keys = request.steps.iter().filter_map(|step| step.key.as_ref());
            let is_known = keys.filter(|key| is_it(key, request.id.as_str())).any(|key| {
                let held = look(store.held(key));
                held.is_ok_and(|held| held.holders.iter().any(|holder| holder.request_id == request.id))
            });
            if is_known && self.is_allowed(request) {
                return;
            }
        }
        if !self.is_restored {
            self.wrong(|| format!("{} {} comes on, and nobody was allowed that", place.0, place.1));
        }
    }

    /// What an entry of the policy file depends on ends with the last who has the same on that device.
    pub fn check_guard(&mut self, request: &Request, body: &Value) {
        let id = &request.id;
        let is_of = |one: &Request| one.workflow.name == "tunnel" && one.ask.device == request.ask.device;
        if !is_of(request) {
            return self.wrong(|| format!("a guard is set for {id}, which needs none"));
        }
        let until = body.get("expiry").and_then(Value::as_str).and_then(|at| at.parse::<jiff::Timestamp>().ok());
        let Some(until) = until.map(jiff::Timestamp::as_millisecond) else {
            return self.wrong(|| format!("a guard is set for {id} without an end"));
        };
        if self.deals.is_any_spoilt() {
            return;
        }
        let now = self.now.saturating_add(self.ahead);
        let others = self.deals.all().filter(|one| is_of(one) && one.state != State::Ended);
        let ends = others.chain([request]).map(|one| self.latest_end(one));
        if until > ends.max().unwrap_or(now).saturating_add(LATER_MS) {
            self.wrong(|| format!("a guard is set for {id} with a later end than anybody may have"));
        }
    }

    /// Whoever has a way through the policy file has what it depends on, too.
    pub fn check_is_guarded(&mut self, id: &str) {
        let Some(device) = self.deals.find(id).and_then(|request| request.ask.device.clone()) else { return };
        if !self.tailnet.has(&device.node_id) {
            return;
        }
        let guards = self.places.of(&device.node_id).filter(|place| is_guard(place));
        if !{ guards }.any(|place| self.places.is_on(place, self.now)) {
            self.wrong(|| format!("{id} has its entry in the policy file, and what that depends on is not on"));
        }
    }

    /// What starts by itself has started, if nothing kept it from that.
    pub fn check_started(&mut self) {
        let due_at = self.report_at;
        if self.now < due_at.saturating_add(STARTED_MS) {
            return;
        }
        self.report_at = due_at.saturating_add(REPORT_EVERY_MS);
        let undisturbed_since = self.calm_since.max(self.alive_since).saturating_add(STARTED_MS);
        let has_quit = self.quit.contains_key(&REPORTER);
        if undisturbed_since > due_at || self.ahead != 0 || self.is_restored || has_quit || self.deals.is_any_spoilt() {
            return;
        }
        let is_it = |one: &Request| matches!(one.ask.origin, Origin::Schedule { due_at: at, .. } if at == due_at);
        if !self.deals.all().any(is_it) {
            self.wrong(|| format!("nothing was started at {due_at}"));
        }
    }

    /// All is over: nothing of ours is in the policy file, and no guard is on.
    pub fn check_all_gone(&mut self) {
        let is_on = |place: &&Place| is_guard(place) && self.places.is_on(place, self.now);
        let guard = self.places.all().find(is_on).cloned();
        if let Some((device, name)) = guard.filter(|_| !self.is_restored && !self.deals.is_any_spoilt()) {
            self.wrong(|| format!("{device} {name} is on at the end"));
        }
        if !self.is_restored && !self.tailnet.policy.is_bare() {
            let text = self.tailnet.policy.text().to_owned();
            self.wrong(|| format!("the policy file is not as people left it: {text}"));
        }
    }
}
