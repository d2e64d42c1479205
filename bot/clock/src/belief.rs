//! What time we take it to be: steady time plus what the wall clock said, and the wall's steps only as far as they can be believed.
//!
//! Set back: what was lent before must not last longer, so our time goes on as it did and is ahead of the wall until nothing waits that
//! was counted before (`rejoin`). Set ahead: everything would end at once, so a far side is asked first (`heard`); the wall wins when
//! nobody answers for a while, because an end must come. Small steps are followed, and time never goes back for them.
//!
//! At the start there is no steady time to compare with, so the wall is compared with the last time we saved (`remember`) and with what
//! the first far side says. Where both clocks are wrong, the far side's time is ours: that is where ends are told and kept.

use nightlatch_planted::{Fault, is_planted};
use std::fmt;

use super::source::Reading;

/// A change of the wall clock against steady time beyond this is a step, and told.
const STEP_MS: i64 = 2_000;
/// Steps ahead up to this are followed at once.
const FOLLOWED_MS: i64 = 5_000;
/// A step ahead that nobody confirms or denies for this long is followed.
pub(super) const DOUBTED_MS: i64 = 60_000;
/// A step is told at `/readyz` for this long.
const TOLD_MS: i64 = 15 * 60_000;
/// A far side's clock may differ from ours by this much before it is told.
const DIFFERS_MS: u64 = 60_000;
/// Nothing was saved for this long before a start: either nobody used it, or the clock was set ahead meanwhile.
const SILENT_MS: i64 = 60_000;

/// The wall clock was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Counts steps since the start.
    pub number: u64,
    /// By how much; negative: back.
    pub by_ms: i64,
}

/// The wall clock is ahead of us, and we do not follow it yet.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    since: i64,
    /// A far side says that we are right and the wall is not.
    refused: bool,
}

#[derive(Clone, Copy, Debug)]
struct Heard {
    who: &'static str,
    /// Its time minus steady time.
    offset: i64,
    at: i64,
}

/// What we believe. All times in milliseconds.
#[derive(Debug)]
pub(super) struct Belief {
    /// Our time minus steady time.
    offset: i64,
    /// The wall's time minus steady time at the last look.
    wall: i64,
    /// The newest time ever told; nothing earlier is told later.
    floor: i64,
    doubt: Option<Doubt>,
    step: Option<(Step, i64)>,
    heard: Option<Heard>,
    /// Set at the start: whether there was anything saved to compare with.
    remembers: Option<bool>,
}

/// What a look at the clocks led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) now: i64,
    /// The wall clock was stepped since the last look.
    pub(super) step: Option<Step>,
    /// Time jumped for those who wait for it.
    pub(super) jumped: bool,
}

impl Belief {
    pub(super) fn new(reading: Reading) -> Self {
        let offset = reading.wall.saturating_sub(reading.steady);
        Self { offset, wall: offset, floor: i64::MIN, doubt: None, step: None, heard: None, remembers: None }
    }

    /// The last time that was saved before this start, if anything was. Only the first call counts: from then on steady time knows.
    pub(super) fn remember(&mut self, reading: Reading, last: Option<i64>) {
        if self.remembers.is_some() {
            return;
        }
        self.remembers = Some(last.is_some());
        let Some(last) = last else { return };
        let since = reading.wall.saturating_sub(last);
        if !(-STEP_MS..=SILENT_MS).contains(&since) {
            self.offset = last.saturating_sub(reading.steady);
            self.floor = i64::MIN;
        }
    }

    /// What time it is.
    pub(super) fn look(&mut self, reading: Reading) -> Seen {
        let wall = reading.wall.saturating_sub(reading.steady);
        let by_ms = wall.saturating_sub(self.wall);
        self.wall = wall;
        let step = (by_ms.saturating_abs() > STEP_MS).then(|| {
            let step = Step { number: self.step.map_or(1, |(last, _)| last.number.saturating_add(1)), by_ms };
            self.step = Some((step, reading.steady));
            self.doubt = None;
            step
        });
        let followed = self.follow(reading.steady);
        let now = reading.steady.saturating_add(self.offset).max(self.floor);
        self.floor = now;
        Seen { now, step, jumped: followed }
    }

    /// How far the wall is ahead of us; negative: behind.
    fn ahead(&self) -> i64 {
        self.wall.saturating_sub(self.offset)
    }

    /// Follows the wall as far as it is believed; true when that moved our time by more than a little.
    fn follow(&mut self, steady: i64) -> bool {
        let ahead = self.ahead();
        if (-STEP_MS..=FOLLOWED_MS).contains(&ahead)
            || (ahead < 0 && is_planted(Fault::BelievesWall))
            || (ahead > 0 && is_planted(Fault::BelievesAhead))
        {
            self.doubt = None;
            self.offset = self.wall;
            return ahead > STEP_MS;
        }
        if ahead < 0 {
            self.doubt = None;
            return false;
        }
        let doubt = *self.doubt.get_or_insert(Doubt { since: steady, refused: false });
        let is_over = !doubt.refused && steady.saturating_sub(doubt.since) >= DOUBTED_MS;
        if is_over {
            self.doubt = None;
            self.offset = self.wall;
        }
        is_over
    }

    /// A far side told its time, in an answer to what was sent at `sent` (steady). True when our time jumped for it.
    pub(super) fn heard(&mut self, reading: Reading, who: &'static str, remote: i64, sent: i64) -> bool {
        let offset = remote.saturating_sub(reading.steady);
        let (to_wall, to_us) = (distance(offset, self.wall), distance(offset, self.offset));
        // An answer to what was sent before the step may have been under way for as long as the step is.
        if self.step.is_some_and(|(_, at)| sent < at) {
            return false;
        }
        let is_first = self.heard.is_none();
        self.heard = Some(Heard { who, offset, at: reading.steady });
        let is_asked = self.doubt.is_some() || (is_first && self.remembers.is_some());
        // Going back would lend for longer what was lent before.
        let may_go_back = self.remembers == Some(false);
        if to_us.min(to_wall) > DIFFERS_MS && is_asked && (offset > self.offset || may_go_back) {
            self.adopt(offset, reading.steady);
            return true;
        }
        let Some(doubt) = &mut self.doubt else { return false };
        doubt.refused = to_us < to_wall;
        if doubt.refused {
            return false;
        }
        self.doubt = None;
        self.offset = self.wall;
        true
    }

    /// Takes a far side's time for ours, whatever the wall says.
    fn adopt(&mut self, offset: i64, steady: i64) {
        if offset < self.offset {
            self.floor = i64::MIN;
        }
        self.offset = offset;
        self.doubt = (self.ahead() > FOLLOWED_MS).then_some(Doubt { since: steady, refused: true });
    }

    /// Goes back to the wall, now that nothing waits that was counted before it was set back. True when our time moved.
    pub(super) fn rejoin(&mut self) -> bool {
        if self.ahead() >= -STEP_MS || self.is_confirmed() {
            return false;
        }
        self.offset = self.wall;
        self.floor = i64::MIN;
        true
    }

    /// Our time is not the wall's, and a far side said since the last step that ours is right.
    fn is_confirmed(&self) -> bool {
        let since = self.step.map_or(i64::MIN, |(_, at)| at);
        self.heard.is_some_and(|heard| {
            heard.at >= since && distance(heard.offset, self.offset) < distance(heard.offset, self.wall)
        })
    }

    pub(super) fn is_doubted(&self) -> bool {
        self.doubt.is_some_and(|doubt| !doubt.refused)
    }

    /// We are ahead of the wall because it was set back.
    pub(super) fn is_ahead_of_wall(&self) -> bool {
        self.ahead() < -STEP_MS
    }

    /// What to take from our times before people read them.
    pub(super) fn shown_behind_ms(&self) -> i64 {
        if self.is_ahead_of_wall() && !self.is_confirmed() { self.ahead().saturating_neg() } else { 0 }
    }

    pub(super) fn steps_count(&self) -> u64 {
        self.step.map_or(0, |(step, _)| step.number)
    }

    /// What people should know about the clock, one sentence each.
    pub(super) fn troubles(&self, steady: i64) -> Vec<String> {
        let mut troubles = Vec::new();
        let ahead = self.ahead();
        match self.doubt {
            Some(Doubt { refused: false, .. }) => troubles.push(format!(
                "this machine's clock was set ahead by {}; nothing ends for that until Slack or Tailscale say the same, or a minute is over",
                Length(ahead)
            )),
            Some(Doubt { refused: true, .. }) => troubles.push(format!(
                "this machine's clock is {} ahead of {}'s; ends do not follow it",
                Length(ahead),
                self.heard.map_or("the far side", |heard| heard.who)
            )),
            None if ahead < -STEP_MS && self.is_confirmed() => troubles.push(format!(
                "this machine's clock is {} behind {}'s; ends go by theirs",
                Length(ahead),
                self.heard.map_or("the far side", |heard| heard.who)
            )),
            None if ahead < -STEP_MS => troubles.push(format!(
                "this machine's clock was set back by {}; what was lent before ends as if it had not been",
                Length(ahead)
            )),
            None => {}
        }
        if let Some((step, at)) = self.step
            && troubles.is_empty()
            && steady.saturating_sub(at) < TOLD_MS
        {
            troubles.push(step.to_string());
        }
        if let Some(heard) = self.heard
            && troubles.is_empty()
            && distance(heard.offset, self.offset) > DIFFERS_MS
        {
            let by = heard.offset.saturating_sub(self.offset);
            let word = if by < 0 { "ahead of" } else { "behind" };
            troubles.push(format!("this machine's clock is {} {word} {}'s", Length(by), heard.who));
        }
        troubles
    }
}

fn distance(one: i64, other: i64) -> u64 {
    one.abs_diff(other)
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = if self.by_ms < 0 { "back" } else { "ahead" };
        write!(f, "this machine's clock was set {way} by {}", Length(self.by_ms))
    }
}

/// A length of time as people read it, whatever its sign: `2.5 s`, `61 min`, `8.0 h`, `3653 days`.
struct Length(i64);

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.saturating_abs();
        match ms {
            0..120_000 => write!(f, "{}.{} s", ms / 1_000, ms % 1_000 / 100),
            120_000..7_200_000 => write!(f, "{} min", ms / 60_000),
            7_200_000..172_800_000 => write!(f, "{}.{} h", ms / 3_600_000, ms % 3_600_000 / 360_000),
            _ => write!(f, "{} days", ms / 86_400_000),
        }
    }
}

#[cfg(test)]
mod tests;
