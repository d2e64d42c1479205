//! The model: for every place and moment, from what was durably saved and what hands did, whether access must be on, must be as the
//! hands left it, or may be either.

use std::collections::BTreeMap;

use super::places::{Attribute, Place, Places, is_attribute, place_for};
use crate::kernel::request::Phase;
use crate::kernel::{Request, RequestId, State};

/// Ends are on time within this...
const ON_TIME_MS: i64 = 5_000;
/// ... and within this when they cannot be saved.
const UNSAVED_MS: i64 = 15_000;
/// What is no attribute of a device may take so much longer: Slack takes few calls a minute, and the policy file is one write for all.
const BESIDE_MS: i64 = 180_000;
/// After something was broken: the longest pause between two attempts, and the attempt.
const BACKOFF_MS: i64 = 100_000;
/// People are alarmed after a minute; and an attempt may be under way.
const ALARM_MS: i64 = 90_000;

/// What a request means for one place. All times are true times.
#[derive(Clone, Debug, Default)]
struct Claim {
    /// It was read back as on, and the request was active.
    active_since: Option<i64>,
    /// When it ends: fixed when it became active, and when it was extended.
    ends_at: Option<i64>,
    extensions: usize,
    /// How far the bot's clock was behind true time then: the far side goes by true time, and ends it so much earlier.
    behind_ms: i64,
    /// The last end the far side may have been told.
    told_until: Option<i64>,
    /// Something of it may be on, and may have been since then.
    is_open: bool,
    begun_at: Option<i64>,
    /// It is being taken back since then.
    ending_since: Option<i64>,
    /// People were alarmed.
    is_stuck: bool,
    /// People are told that something is wrong with it.
    has_trouble: bool,
    /// What is saved of it is not what it was, or cannot be read any more.
    is_lost: bool,
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
    /// Places of which nobody knows any more what they should be, and until when.
    lost: BTreeMap<Place, i64>,
}

impl Model {
    /// What is saved of a request now. `ahead` is how far the bot's clock is ahead of true time.
    pub fn saved(&mut self, request: &Request, now: i64, ahead: i64, is_lost: bool) {
        for step in &request.steps {
            let Some(place) = step.key.as_ref().and_then(|key| place_for(key, request.id.as_str())) else { continue };
            let claim = self.claims.entry(place).or_default().entry(request.id.clone()).or_default();
            let is_on = step.proof.as_ref().is_some_and(|proof| proof.found.is_on());
            claim.is_open = step.may_be_on();
            claim.is_lost |= is_lost;
            if claim.is_open {
                claim.begun_at.get_or_insert(now);
            }
            claim.is_stuck = request.stuck;
            claim.ending_since = claim.ending_since.filter(|_| request.state == State::Ending);
            if request.state == State::Ending {
                claim.ending_since.get_or_insert(now);
            }
            claim.has_trouble = request.trouble.is_some();
            claim.told_until = step.until.map(|until| until.saturating_sub(ahead)).max(claim.told_until);
            let is_active = request.state == State::Active && step.phase == Phase::Held && is_on;
            if is_active && claim.active_since.is_none() {
                claim.active_since = Some(now);
                claim.behind_ms = ahead.saturating_neg().max(0);
                claim.ends_at = request.active_at.map(|at| at.saturating_add(request.hold_ms).saturating_sub(ahead));
            } else if is_active && claim.extensions < request.extensions.len() {
                claim.extensions = request.extensions.len();
                claim.ends_at = request.expires_at.map(|at| at.saturating_sub(ahead));
            } else if !is_active && claim.is_open && claim.active_since.is_some() {
                claim.ends_at = claim.ends_at.map(|at| at.min(now));
            }
        }
    }

    /// This request cannot be read any more: what it holds still ends.
    pub fn spoil(&mut self, id: &RequestId) {
        self.claims.values_mut().filter_map(|claims| claims.get_mut(id)).for_each(|claim| claim.is_lost = true);
    }

    /// An older database was put back: what it does not know may be on until the far side ends it.
    pub fn put_back(&mut self, places: &Places, now: i64) {
        self.claims.clear();
        for place in places.all() {
            let until = places.at(place, now).map_or(now, |there| there.until.unwrap_or(i64::MAX));
            let is_touched = places.writes(place).iter().any(|write| write.by_hand);
            self.lost.insert(place.clone(), if is_touched { i64::MAX } else { until });
        }
    }

    /// What is taken back for longer than people may be left without an alarm.
    pub fn unalarmed(&self, now: i64, alive_since: i64) -> Option<&RequestId> {
        let is_late = |since: i64| now.saturating_sub(since.max(alive_since)) > ALARM_MS;
        let mut all = self.claims.values().flatten().filter(|(_, claim)| claim.is_open && !claim.is_lost);
        all.find(|(_, claim)| !claim.is_stuck && claim.ending_since.is_some_and(is_late)).map(|(id, _)| id)
    }

    /// Whoever has something of this place, as far as is saved.
    pub fn holders(&self, place: &Place) -> impl Iterator<Item = &RequestId> {
        self.claims.get(place).into_iter().flatten().filter(|(_, claim)| claim.is_open).map(|(id, _)| id)
    }

    /// What must be at this place now. Since `clear` nothing kept access from ending, since `calm` nothing at all was broken.
    pub fn must(&self, place: &Place, places: &Places, now: i64, (clear, calm): (i64, i64)) -> Must {
        let nothing = BTreeMap::new();
        let claims = self.claims.get(place).unwrap_or(&nothing);
        let writes = places.writes(place).iter();
        let hands = writes.filter(|write| write.by_hand).map(|write| write.at).max();
        let is_undisturbed = |since: i64| hands.is_none_or(|at| at < since.saturating_sub(60_000));
        // What has no end there is rather taken away than left on.
        let is_dropped = places.dropped.contains(place);
        let is_held = |claim: &Claim| {
            let is_well = claim.is_open && !claim.is_lost && !claim.has_trouble && !is_dropped;
            is_well
                && claim.active_since.is_some_and(is_undisturbed)
                && claim.ends_at.is_some_and(|at| now < at.saturating_sub(claim.behind_ms))
        };
        if claims.values().any(is_held) {
            return Must::On;
        }
        let is_over = |claim: &Claim| {
            let ends_at = claim.ends_at.or(claim.told_until.filter(|_| claim.is_lost));
            let (clear, slack_ms) = if is_attribute(place) { (clear, 0) } else { (calm, BESIDE_MS) };
            let late_at =
                ends_at.map(|at| at.saturating_add(slack_ms)).map(|at| match clear.saturating_add(BACKOFF_MS) {
                    clear if clear > at => clear,
                    _ if calm.saturating_add(BACKOFF_MS) > at => at.saturating_add(UNSAVED_MS),
                    _ => at.saturating_add(ON_TIME_MS),
                });
            !claim.is_open || late_at.is_some_and(|at| at < now)
        };
        // Until something was read back as on, what a hand sets there looks like ours: it is rather taken away than left on.
        let is_mixed = |claim: &Claim| {
            claim.active_since.is_none() && claim.begun_at.is_some_and(|at| hands.is_some_and(|hand| hand >= at))
        };
        if claims.values().any(is_mixed) {
            return Must::Either;
        }
        let is_known = self.lost.get(place).is_none_or(|until| *until < now);
        if is_known && claims.values().all(is_over) { Must::AsFound } else { Must::Either }
    }
}

/// What hands left at a place, as far as it has not ended by itself; nothing if a hand and the bot wrote at the same moment.
pub fn as_found(place: &Place, places: &Places, now: i64) -> Option<Option<Attribute>> {
    let writes = places.writes(place);
    let by_hand = writes.iter().rev().find(|write| write.by_hand);
    if let Some(hand) = by_hand {
        let is_near = |at: i64| at >= hand.at && at < hand.at.saturating_add(30_000);
        if writes.iter().any(|write| !write.by_hand && is_near(write.at)) {
            return None;
        }
    }
    let found = by_hand.and_then(|write| write.now.clone());
    // What lets nobody through may be put back although a hand took it away meanwhile: that looks as if ours had ended by itself.
    let is_closed = |value: &Attribute| value.value != serde_json::Value::Bool(true);
    let there = places.at(place, now).filter(|there| is_closed(there));
    if there.is_some() && writes.iter().any(|write| write.by_hand && write.now.as_ref() == there) {
        return None;
    }
    // A write of ours that was never read back, and ended by itself: nobody can know of it, and nothing is switched on for that.
    let last = writes.last().filter(|write| !write.by_hand).and_then(|write| write.now.as_ref());
    if last.is_some_and(|ours| ours.until.is_some_and(|until| until <= now)) && places.at(place, now).is_none() {
        return None;
    }
    // What a hand set while we held it, and what ended by itself before we looked, nobody can know of: what was there before is put back.
    let has_passed = found.as_ref().is_some_and(|found| found.until.is_some_and(|until| until <= now));
    if has_passed && writes.iter().any(|write| !write.by_hand && by_hand.is_some_and(|hand| write.at < hand.at)) {
        return None;
    }
    // An end that was dropped cannot be given back: then what lets nobody through stays, and what would is not there.
    let is_open = places.is_on(place, now);
    if places.dropped.contains(place) && found.as_ref().is_some_and(|found| found.until.is_some()) && !is_open {
        return None;
    }
    Some(found.filter(|found| found.until.is_none_or(|until| until > now)))
}
