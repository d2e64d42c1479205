//! What a request was and is: what was agreed stays so, what happens fits together, and nothing waits for ever.

use std::collections::{BTreeMap, BTreeSet};

use super::places::{Places, place_for};
use crate::kernel::origin::Origin;
use crate::kernel::request::{Found, Phase, Step};
use crate::kernel::{Outcome, Request, RequestId, State};

/// Nobody answered in time: a simulated nap is a minute, and whoever slept notices after one.
const LAPSED_MS: i64 = 70_000;
/// From the quorum to active or failed, with every attempt and pause.
const BEGUN_MS: i64 = 240_000;
/// Somebody's press counts, or is refused, within this.
const PRESS_MS: i64 = 60_000;

/// One request as it was last saved.
struct Deal {
    last: Request,
    was_on: Vec<bool>,
    /// Since when it is in the state it is in, by the bot's time.
    since: i64,
}

/// A press that must lead to something.
struct Expected {
    by_then: i64,
    since: i64,
    id: String,
    by: String,
    action: &'static str,
}

/// All requests.
#[derive(Default)]
pub struct Deals {
    all: BTreeMap<RequestId, Deal>,
    /// Requests that cannot be read any more, or of which something is lost: nothing can be said of them.
    spoilt: BTreeSet<String>,
    expected: Vec<Expected>,
}

impl Deals {
    /// What is saved of a request now; `now` is the bot's time; `is_old`: an older database was put back. Says what can never be right.
    pub fn saved(&mut self, request: &Request, places: &Places, (now, is_old): (i64, bool)) -> Result<(), String> {
        if self.spoilt.contains(request.id.as_str()) {
            return Ok(());
        }
        let last = self.all.get(&request.id);
        let mut was_on = last.map_or_else(|| vec![false; request.steps.len()], |deal| deal.was_on.clone());
        for (step, was_on) in request.steps.iter().zip(&mut was_on) {
            let is_on = step.proof.as_ref().is_some_and(|proof| proof.found.is_on());
            if request.state == State::Ended && *was_on && is_untouched(step) {
                return Err(format!("{} was on and ended as untouched", request.id));
            }
            let is_held = is_on && matches!(step.phase, Phase::Held);
            if is_held && !*was_on && !is_old {
                is_read((step, request.id.as_str()), places).map_err(|why| format!("{}: {why}", request.id))?;
            }
            *was_on = is_held || (*was_on && step.phase != Phase::Waiting);
        }
        let is_same = |one: &Request| match &request.ask.origin {
            Origin::Typed => one.reason == request.reason,
            origin => one.ask.origin == *origin,
        };
        if last.is_none() && self.all().any(is_same) {
            return Err(format!("{} was asked for twice", request.reason));
        }
        fits(request, last.map(|deal| &deal.last), now).map_err(|why| format!("{} {why}", request.id))?;
        if let Some(deal) = last {
            stands(&deal.last, request).map_err(|why| format!("{} {why}", request.id))?;
        }
        let is_as_before = |deal: &&Deal| deal.last.state == request.state;
        let since = last.filter(is_as_before).map_or(now, |deal| deal.since);
        self.all.insert(request.id.clone(), Deal { last: request.clone(), was_on, since });
        Ok(())
    }

    /// This request cannot be read any more, or what it waited for is lost.
    pub fn spoil(&mut self, id: &RequestId) {
        self.all.remove(id);
        self.expected.retain(|one| one.id != id.as_str());
        self.spoilt.insert(id.to_string());
    }

    /// Whether there is any of which nothing can be said.
    pub fn is_any_spoilt(&self) -> bool {
        !self.spoilt.is_empty()
    }

    /// Whether nothing can be said of this request.
    pub fn is_spoilt(&self, id: &str) -> bool {
        self.spoilt.contains(id)
    }

    /// An older database was put back.
    pub fn clear(&mut self) {
        self.all.clear();
        self.expected.clear();
        self.spoilt.clear();
    }

    /// Everything that is known.
    pub fn all(&self) -> impl Iterator<Item = &Request> {
        self.all.values().map(|deal| &deal.last)
    }

    /// Whether nobody waits for what they pressed.
    pub fn is_awaited_nowhere(&self) -> bool {
        self.expected.is_empty()
    }

    /// One of them.
    pub fn find(&self, id: &str) -> Option<&Request> {
        self.all.get(&RequestId(id.to_owned())).map(|deal| &deal.last)
    }

    /// Somebody who may do that pressed this, and was told that it is saved.
    pub fn expect(&mut self, (action, id, by): (&'static str, &str, &str), now: i64) {
        let by_then = now.saturating_add(PRESS_MS);
        self.expected.push(Expected { by_then, since: now, id: id.to_owned(), by: by.to_owned(), action });
    }

    /// This person may not do anything any more.
    pub fn expect_nothing_of(&mut self, by: &str) {
        self.expected.retain(|one| one.by != by);
    }

    /// What should have happened by now. `calm_since`: nothing was broken since then; `ahead`: how far the bot's clock is.
    pub fn waits(&mut self, now: i64, calm_since: i64, ahead: i64) -> Option<String> {
        let (due, left) = std::mem::take(&mut self.expected).into_iter().partition(|one: &Expected| one.by_then <= now);
        self.expected = left;
        let is_missed = |one: &Expected| one.since > calm_since && !self.has_happened(one);
        if let Some(one) = due.iter().find(|one| is_missed(one)) {
            return Some(format!("{} pressed {} on {}, and nothing came of it", one.by, one.action, one.id));
        }
        let late = |since: i64, limit: i64| now.saturating_sub(since.saturating_sub(ahead).max(calm_since)) > limit;
        self.all.values().find_map(|Deal { last: request, since, .. }| match request.state {
            State::Pending if late(request.lapses_at(), LAPSED_MS) => Some(format!("{} does not lapse", request.id)),
            State::Approved | State::Activating if late(*since, BEGUN_MS) => {
                let begun =
                    request.steps.iter().filter_map(|step| step.until).max().map_or(0, |at| at - request.hold_ms);
                late(begun, BEGUN_MS).then(|| format!("{} is still {}", request.id, request.state.word()))
            }
            State::Ending if request.alarm_at.is_some_and(|at| late(at, 60_000)) => {
                Some(format!("{} is not gone, and no further alarm comes", request.id))
            }
            State::Active if request.expires_at.is_some_and(|at| late(at, 100_000)) => {
                Some(format!("{} is still active", request.id))
            }
            _ => None,
        })
    }

    fn has_happened(&self, one: &Expected) -> bool {
        let Some(request) = self.find(&one.id) else { return true };
        match one.action {
            "approve" => {
                request.state != State::Pending
                    || request.decisions.iter().any(|decision| decision.is_by_account(&one.by))
            }
            "withdraw" => request.state != State::Pending,
            _ => !matches!(request.state, State::Pending | State::Approved | State::Activating | State::Active),
        }
    }
}

fn is_untouched(step: &Step) -> bool {
    step.proof.as_ref().is_some_and(|proof| proof.found == Found::Untouched)
}

/// What is said to be on was read after it was written.
fn is_read((step, id): (&Step, &str), places: &Places) -> Result<(), String> {
    let Some(place) = step.key.as_ref().and_then(|key| place_for(key, id)) else { return Ok(()) };
    let (device, name) = &place;
    let last = places.writes(&place).last().filter(|write| !write.by_hand);
    let written = last.and_then(|write| write.now.as_ref());
    let shown = places.shown.get(&place).and_then(Option::as_ref);
    if shown.is_none() || written.is_some_and(|written| Some(written) != shown) {
        return Err(format!("{device} {name} is said to be on and was not read since it was written"));
    }
    Ok(())
}

/// What belongs together in one request.
fn fits(request: &Request, last: Option<&Request>, now: i64) -> Result<(), String> {
    if let (Some(active_at), Some(expires_at)) = (request.active_at, request.expires_at)
        && expires_at != active_at.saturating_add(request.hold_ms).saturating_add(extended_ms(request))
    {
        return Err("ends at another time than was agreed".to_owned());
    }
    if request.state == State::Ended && request.may_be_on() {
        return Err("has ended, and something of it may be on".to_owned());
    }
    let mut taken = request.steps.iter().filter(|step| step.is_taken());
    let all_held = taken.all(|step| step.phase == Phase::Held && step.proof.is_some());
    if request.state == State::Active && !all_held {
        return Err("is active, and not all of it was read".to_owned());
    }
    // The clock may be set back after it ended: what counts is when it did.
    let is_new = last.is_none_or(|last| last.outcome != request.outcome);
    if is_new && request.outcome == Some(Outcome::Expired) && request.expires_at.is_none_or(|at| at > now) {
        return Err("expired before its time".to_owned());
    }
    if is_new && request.outcome == Some(Outcome::Lapsed) && request.lapses_at() > now {
        return Err("lapsed before its time".to_owned());
    }
    if request.state == State::Ending && request.alarm_at.is_none() {
        return Err("is being taken back, and nobody will be alarmed".to_owned());
    }
    Ok(())
}

/// By how much it was extended.
fn extended_ms(request: &Request) -> i64 {
    request.extensions.iter().map(|extension| extension.length_ms).sum()
}

/// What was agreed stays so, and life goes forward; only a failed grant can begin anew.
fn stands(last: &Request, next: &Request) -> Result<(), String> {
    if last.ask != next.ask {
        return Err("is not what was asked any more".to_owned());
    }
    let is_extended = next.extensions.len() > last.extensions.len() && next.extensions.starts_with(&last.extensions);
    let is_same_end = last.expires_at == next.expires_at || (is_extended && last.state == State::Active);
    if last.active_at.is_some() && !(last.active_at == next.active_at && is_same_end) {
        return Err("has another end than before".to_owned());
    }
    if last.decisions.iter().zip(&next.decisions).any(|(one, other)| one != other)
        || next.decisions.len() < last.decisions.len()
    {
        return Err("has lost a decision".to_owned());
    }
    let begins_anew = last.outcome == Some(Outcome::Failed) && next.state == State::Approved;
    if rank(next.state) < rank(last.state) && !begins_anew {
        return Err(format!("was {} and is {}", last.state.word(), next.state.word()));
    }
    let had_outcome = matches!(last.state, State::Ending | State::Ended);
    if had_outcome && last.outcome != next.outcome && !begins_anew {
        return Err("ended in another way before".to_owned());
    }
    Ok(())
}

fn rank(state: State) -> u8 {
    match state {
        State::Pending => 0,
        State::Approved => 1,
        State::Activating => 2,
        State::Active => 3,
        State::Ending => 4,
        State::Ended => 5,
    }
}
