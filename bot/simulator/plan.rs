//! What happens in one run: who asks, who presses what, whose hands are in the tailnet, and what breaks. `drawing` draws it from a seed.

use crate::planted::Fault;

/// Something that breaks for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Tailscale refuses connections.
    TailnetDown,
    /// Slack refuses connections.
    SlackDown,
    /// Calls take seconds, in both directions.
    Slow,
    /// Calls and answers get lost, and servers say 500.
    Lossy,
    /// Tailscale takes few calls.
    Limited,
    /// Tailscale refuses to change anything: the client may no longer do that.
    Forbidden,
    /// Tailscale shows what was there two seconds ago.
    Lagging,
    /// Tailscale takes values and drops their ends.
    DropsEnds,
    /// There is no room for the database to grow.
    DiskFull,
    /// Another process has the database locked.
    Locked,
}

impl Trouble {
    /// Whether nobody can be told anything in time while this lasts.
    pub fn keeps_words(self) -> bool {
        matches!(self, Self::SlackDown | Self::Slow | Self::Lossy | Self::DiskFull | Self::Locked)
    }

    /// Whether access may outlive its end while this lasts. No room, no Slack and a locked file are no excuse.
    pub fn keeps_ends(self) -> bool {
        !matches!(self, Self::SlackDown | Self::DiskFull | Self::Locked)
    }
}

/// What becomes of the bot's files while it is not running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// A copy is taken.
    Copied,
    /// The copy that was taken is put back, if there is one.
    PutBack,
    /// A request that holds something cannot be read any more.
    Request,
    /// Everything is as a version before wrote it: requests whole and not in parts, and both they and what waits of the shape before.
    Older,
    /// An effect that waits cannot be read any more, or one that no version knows waits beside it.
    Effect,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Somebody asks, or types that they break glass; Slack delivers it twice if `doubled`.
    Ask { person: usize, workflow: usize, device: usize, hold_s: i64, doubled: bool, glass: bool },
    /// Slack delivers the newest ask again.
    Again,
    /// Somebody presses the newest button but `nth` that they can see and that does this; twice if `doubled`.
    Press { action: &'static str, person: usize, nth: usize, doubled: bool },
    /// Somebody approves what they can see, but for something else than was shown to them.
    Forge { person: usize, nth: usize },
    /// Somebody sets or removes an attribute in the console.
    Hand { person: usize, device: usize, attribute: usize, sets: Option<bool>, for_ms: Option<i64> },
    /// A device becomes somebody else's.
    Pass { person: usize, device: usize, to: usize },
    /// A device leaves the tailnet.
    Leave { person: usize, device: usize },
    /// Somebody ceases to decide: they leave the groups.
    Dismiss { person: usize },
    /// Somebody leaves the company: no Slack account; and no tailnet user, unless that is forgotten.
    Quit { person: usize, keeps_login: bool },
    /// The tokens are revoked.
    Revoke,
    /// The bot is killed at the call of a seam that comes so many calls later, and started again after a while.
    Kill { calls: u32, down_ms: i64, harm: Option<Harm> },
    /// At the database call that comes so many calls later the disk fails, and the bot gives up and is started again; or there is no
    /// memory for that one call.
    Fail { calls: u32, is_disk: bool },
    /// The wall clock is set.
    Step { by_ms: i64 },
    /// The machine sleeps.
    Suspend { for_ms: i64 },
    /// The next time the machine starts, its wall clock is wrong, until it is set right after a while.
    WrongAtStart { by_ms: i64, for_ms: i64 },
    /// Somebody looked at what is on after an older database was put back, and accepts it.
    Accept,
    /// Something breaks for a while.
    Break { trouble: Trouble, for_ms: i64 },
}

/// Something that happens at a time, in milliseconds from the start.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    pub at: i64,
    pub act: Act,
}

/// A whole run.
#[derive(Clone, Debug)]
pub struct Plan {
    pub seed: u64,
    pub acts: Vec<Planned>,
    /// A fault that is to be found.
    pub fault: Option<Fault>,
}

impl Plan {
    /// Whether everything that is said arrives once and in order: nothing gets lost, nobody is killed.
    pub fn is_gentle(&self) -> bool {
        self.acts.iter().all(|planned| match &planned.act {
            Act::Kill { .. } | Act::Fail { .. } => false,
            Act::Break { trouble, .. } => {
                !matches!(trouble, Trouble::Lossy | Trouble::SlackDown | Trouble::DiskFull | Trouble::Locked)
            }
            _ => true,
        })
    }
}
