//! What becomes of one call of a seam: the bot is killed at it, its disk fails, or it goes on.

use super::world::Inner;
use crate::store::still::Fate;

/// A company of fifty does not need more calls of the database at one moment.
const CALLS_AT_ONCE: u32 = 50_000;
/// Once something was found wrong, no more of them are waited for.
const CALLS_AFTER: u32 = 1_000;

impl Inner {
    /// Whether the bot is busy without any time passing: it would keep a processor for nothing, and the run would never end.
    pub fn is_spinning(&mut self) -> bool {
        self.calls_at = match self.calls_at {
            (at, calls) if at == self.now => (at, calls.saturating_add(1)),
            _ => (self.now, 0),
        };
        // What is wrong stays wrong, however busy the bot is.
        let most = if self.found.is_some() { CALLS_AFTER } else { CALLS_AT_ONCE };
        if self.calls_at.1 < most {
            return false;
        }
        self.wrong(|| "it never rests: the database is asked again and again while no time passes".to_owned());
        self.is_dead = true;
        true
    }

    /// One call of a seam: the fuse burns.
    pub fn step(&mut self) -> Fate {
        match self.fuse {
            _ if self.is_dead => return Fate::Die,
            Some(0) => {
                self.is_dead = true;
                self.fuse = None;
                return Fate::Die;
            }
            Some(left) => self.fuse = Some(left.saturating_sub(1)),
            None => {}
        }
        Fate::Go
    }

    /// One call of the database: its disk may fail at it.
    pub fn disk(&mut self) -> Fate {
        match self.fails {
            Some((0, fate)) => {
                self.fails = None;
                self.failed_at = self.now;
                self.disturbed();
                self.tell(|| format!("a call of the database fails: {fate:?}"));
                fate
            }
            Some((left, fate)) => {
                self.fails = Some((left.saturating_sub(1), fate));
                Fate::Go
            }
            None => Fate::Go,
        }
    }
}
