//! The model: for every place and moment, from what was durably saved and what hands did, whether access must be on, must be as the
//! hands left it, or may be either.

use std::collections::BTreeMap;

use super::tailnet::{Attribute, Place, Tailnet};
use crate::kernel::request::{Found, Phase, Step};
use crate::kernel::{Key, Request, RequestId, State};

/// Ends are on time within this.
const ON_TIME_MS: i64 = 5_000;
/// After something was broken: the longest pause between two attempts, and the attempt.
const BACKOFF_MS: i64 = 100_000;

/// People are alarmed after a minute; and an attempt may be under way.
const ALARM_MS: i64 = 90_000;

/// What a request means for one place.
#[derive(Clone, Debug, Default)]
struct Claim {
    /// It was read back as on, and the request was active.
    active_since: Option<i64>,
    /// When it ends, in true time: fixed when it became active.
    ends_at: Option<i64>,
    /// Something of it may be on.
    is_open: bool,
    /// It is being taken back since then.
    ending_since: Option<i64>,
    /// People were alarmed.
    is_stuck: bool,
    /// People are told that something is wrong with it.
    has_trouble: bool,
    was_on: bool,
}

/// What must be so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Must {
    On,
    AsFound,
    Either,
}

/// Everything known of every place.
#[derive(Default)]
pub struct Model {
    claims: BTreeMap<Place, BTreeMap<RequestId, Claim>>,
}

impl Model {
    /// What is saved of a request now. `ahead` is how far the bot's clock is ahead of true time. Says what can never be right.
    pub fn saved(&mut self, request: &Request, now: i64, ahead: i64) -> Option<String> {
        for step in &request.steps {
            let address = step.key.as_ref().map(Key::address).unwrap_or_default();
            let Some((device, name)) = address.split_once(' ') else { continue };
            let place = (device.to_owned(), name.to_owned());
            let claim = self.claims.entry(place).or_default().entry(request.id.clone()).or_default();
            let is_on = step.proof.as_ref().is_some_and(|proof| proof.found.is_on());
            claim.was_on |= is_on && matches!(step.phase, Phase::Held);
            claim.is_open = step.may_be_on();
            claim.is_stuck = request.stuck;
            claim.ending_since = claim.ending_since.filter(|_| request.state == State::Ending);
            if request.state == State::Ending {
                claim.ending_since.get_or_insert(now);
            }
            claim.has_trouble = request.trouble.is_some();
            let is_active = request.state == State::Active && step.phase == Phase::Held && is_on;
            if is_active && claim.active_since.is_none() {
                claim.active_since = Some(now);
                claim.ends_at = request.active_at.map(|at| at.saturating_add(request.hold_ms).saturating_sub(ahead));
            } else if !is_active && claim.is_open && claim.active_since.is_some() {
                claim.ends_at = claim.ends_at.map(|at| at.min(now));
            }
            if claim.was_on && request.state == State::Ended && is_untouched(step) {
                return Some(format!("{} was on and ended as untouched", request.id));
            }
        }
        None
    }

    /// What is taken back for longer than people may be left without an alarm.
    pub fn unalarmed(&self, now: i64, alive_since: i64) -> Option<&RequestId> {
        let is_late = |since: i64| now.saturating_sub(since.max(alive_since)) > ALARM_MS;
        let mut all = self.claims.values().flatten();
        all.find(|(_, claim)| claim.is_open && !claim.is_stuck && claim.ending_since.is_some_and(is_late))
            .map(|(id, _)| id)
    }

    /// What must be at this place now. `calm_since`: nothing was broken since then.
    pub fn must(&self, place: &Place, tailnet: &Tailnet, now: i64, calm_since: i64) -> Must {
        let nothing = BTreeMap::new();
        let claims = self.claims.get(place).unwrap_or(&nothing);
        let hands =
            tailnet.writes.get(place).into_iter().flatten().filter(|write| write.by_hand).map(|write| write.at).max();
        let is_undisturbed = |since: i64| hands.is_none_or(|at| at < since.saturating_sub(60_000));
        let is_held = |claim: &Claim| {
            claim.is_open && claim.active_since.is_some_and(is_undisturbed) && claim.ends_at.is_some_and(|at| now < at)
        };
        if claims.values().any(|claim| is_held(claim) && !claim.has_trouble) {
            return Must::On;
        }
        let is_over = |claim: &Claim| {
            let late_at = claim.ends_at.map(|at| match calm_since.saturating_add(BACKOFF_MS) {
                calm if calm > at => calm,
                _ => at.saturating_add(ON_TIME_MS),
            });
            !claim.is_open || (late_at.is_some_and(|at| at < now) && !claim.is_stuck)
        };
        if claims.values().all(is_over) { Must::AsFound } else { Must::Either }
    }
}

fn is_untouched(step: &Step) -> bool {
    step.proof.as_ref().is_some_and(|proof| proof.found == Found::Untouched)
}

/// What hands left at a place, as far as it has not ended by itself; nothing if a hand and the bot wrote at the same moment.
pub fn as_found(place: &Place, tailnet: &Tailnet, now: i64) -> Option<Option<Attribute>> {
    let writes = tailnet.writes.get(place).map(Vec::as_slice).unwrap_or_default();
    let by_hand = writes.iter().rev().find(|write| write.by_hand);
    if let Some(hand) = by_hand {
        let is_near = |at: i64| at >= hand.at && at < hand.at.saturating_add(30_000);
        if writes.iter().any(|write| !write.by_hand && is_near(write.at)) {
            return None;
        }
    }
    let found = by_hand.and_then(|write| write.now.clone());
    Some(found.filter(|found| found.until.is_none_or(|until| until > now)))
}
