//! What happens in one run, drawn from a seed: who asks, who presses what, whose hands are in the tailnet, and what breaks.

use super::company::{ATTRIBUTES, DBA, ONCALL, WORKFLOWS, devices, rules};
use super::dice::Dice;
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
    /// Tailscale shows what was there two seconds ago.
    Lagging,
    /// Tailscale takes values and drops their ends.
    DropsEnds,
    /// There is no room for the database to grow.
    DiskFull,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Somebody asks.
    Ask { person: usize, workflow: usize, device: usize, hold_s: i64 },
    /// Somebody presses the newest button but `nth` that they can see and that does this; twice if `doubled`.
    Press { action: &'static str, person: usize, nth: usize, doubled: bool },
    /// Somebody sets or removes an attribute in the console.
    Hand { person: usize, device: usize, attribute: usize, sets: Option<bool>, for_ms: Option<i64> },
    /// A device leaves the tailnet.
    Leave { person: usize, device: usize },
    /// Somebody ceases to decide: they leave the groups.
    Dismiss { person: usize },
    /// The tokens are revoked.
    Revoke,
    /// The bot is killed at the call of a seam that comes so many calls later, and started again after a while.
    Kill { calls: u32, down_ms: i64 },
    /// The wall clock is set.
    Step { by_ms: i64 },
    /// The machine sleeps.
    Suspend { for_ms: i64 },
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

impl Act {
    /// The person and the device of an ask.
    fn asks_for(&self) -> Option<(usize, usize)> {
        match self {
            Self::Ask { person, device, .. } => Some((*person, *device)),
            _ => None,
        }
    }
}

const STORIES_MAX: i64 = 14;
/// All acts of a plan begin within this.
const SPAN_MS: i64 = 6 * 3_600_000;

impl Plan {
    /// The plan of a seed.
    pub fn of(seed: u64, fault: Option<Fault>) -> Self {
        let mut dice = Dice::new(seed);
        let mut acts = Vec::new();
        // Few people do most of it, so that they get into each other's way.
        let hot: Vec<usize> = (0..3).map(|_| usize::try_from(dice.between(0, 46)).unwrap_or(0)).collect();
        let hot: Vec<usize> = hot.into_iter().map(|one| if dice.chance(20) { 40 } else { one }).collect();
        let mut at = 0_i64;
        for _ in 0..dice.between(2, STORIES_MAX) {
            at = at.saturating_add(dice.length_ms(SPAN_MS / STORIES_MAX));
            story(&mut dice, &hot, at, &mut acts);
        }
        let calm = dice.chance(25);
        let stories = acts.clone();
        for _ in 0..if calm { 0 } else { dice.between(1, 9) } {
            // Around what people do, more often than not.
            let at = match dice.pick(&stories) {
                Some(near) => near.at.saturating_add(dice.length_ms(600_000)).saturating_sub(dice.length_ms(20_000)),
                None => 0,
            };
            acts.push(Planned { at: at.max(0), act: accident(&mut dice, &stories, &hot) });
        }
        acts.sort_by_key(|planned| planned.at);
        Self { seed, acts, fault }
    }
}

fn anybody(dice: &mut Dice, hot: &[usize]) -> usize {
    match dice.pick(hot) {
        Some(person) if !dice.chance(20) => *person,
        _ => usize::try_from(dice.between(0, 50)).unwrap_or(0),
    }
}

fn a_device(dice: &mut Dice, person: usize) -> usize {
    if dice.chance(75) { 0 } else { devices(person).len().saturating_sub(1) }
}

/// Somebody asks once or several times for what may be the same; it is decided; and it ends in one of the ways.
fn story(dice: &mut Dice, hot: &[usize], start: i64, acts: &mut Vec<Planned>) {
    let person = anybody(dice, hot);
    let device = a_device(dice, person);
    let hold_s = *dice.pick(&[10, 20, 45, 60, 600, 3_600]).unwrap_or(&60);
    let copies = dice.between(1, 4);
    let mut at = start;
    let mut quorum = 1;
    for _ in 0..copies {
        let workflow = usize::try_from(dice.between(0, i64::try_from(WORKFLOWS.len()).unwrap_or(1))).unwrap_or(0);
        quorum = quorum.max(WORKFLOWS.get(workflow).map_or(1, |(name, _)| rules(name).0));
        let hold_s = if dice.chance(70) { hold_s } else { hold_s * dice.between(1, 4) };
        acts.push(Planned { at, act: Act::Ask { person, workflow, device, hold_s } });
        at = at.saturating_add(dice.length_ms(5_000));
    }
    at = at.saturating_add(dice.between(1_000, 9_000));
    let deciders: Vec<usize> = DBA.into_iter().chain(ONCALL).collect();
    let copies = usize::try_from(copies).unwrap_or(1);
    for nth in 0..copies * quorum {
        let by = *dice.pick(&deciders).unwrap_or(&40);
        let (nth, doubled) = (nth % copies, dice.chance(20));
        let action = if dice.chance(6) { "deny" } else { "approve" };
        acts.push(Planned { at, act: Act::Press { action, person: by, nth, doubled } });
        at = at.saturating_add(dice.length_ms(3_000));
    }
    // Whoever may not decide tries, too; and whoever decided tries again.
    if dice.chance(40) {
        let by = if dice.chance(50) { person } else { *dice.pick(&deciders).unwrap_or(&40) };
        acts.push(Planned { at, act: Act::Press { action: "approve", person: by, nth: 0, doubled: true } });
    }
    if dice.chance(10) {
        acts.push(Planned { at, act: Act::Press { action: "withdraw", person, nth: 0, doubled: false } });
    }
    // Ends by themselves, or together, or by whoever is quickest.
    let soonest = if dice.chance(15) { 0 } else { 2_000 };
    at = at.saturating_add(dice.between(soonest, soonest + 500 + hold_s * 700 * i64::from(soonest > 0)));
    if dice.chance(60) {
        for nth in 0..copies {
            let (action, by) =
                if dice.chance(50) { ("return", person) } else { ("revoke", *dice.pick(&DBA).unwrap_or(&40)) };
            acts.push(Planned { at, act: Act::Press { action, person: by, nth, doubled: dice.chance(10) } });
            at = at.saturating_add(dice.length_ms(2_000));
        }
    }
    if dice.chance(15) {
        acts.push(Planned { at, act: Act::Press { action: "retry", person, nth: 0, doubled: false } });
    }
}

fn accident(dice: &mut Dice, stories: &[Planned], hot: &[usize]) -> Act {
    let asks: Vec<(usize, usize)> = stories.iter().filter_map(|planned| planned.act.asks_for()).collect();
    let (person, device) = match dice.pick(&asks) {
        Some(place) if !dice.chance(20) => *place,
        _ => {
            let person = anybody(dice, hot);
            (person, a_device(dice, person))
        }
    };
    let attribute = usize::try_from(dice.between(0, i64::try_from(ATTRIBUTES.len()).unwrap_or(1))).unwrap_or(0);
    match dice.between(0, 22) {
        0..=3 => Act::Kill { calls: u32::try_from(dice.between(0, 60)).unwrap_or(0), down_ms: dice.length_ms(600_000) },
        4..=6 => {
            let for_ms = dice.chance(50).then(|| dice.between(5_000, 7_200_000));
            let sets = *dice.pick(&[None, Some(true), Some(false)]).unwrap_or(&None);
            Act::Hand { person, device, attribute, sets, for_ms }
        }
        7 => Act::Leave { person, device },
        8 => Act::Dismiss { person: *dice.pick(&DBA).unwrap_or(&40) },
        9 => Act::Revoke,
        10 => Act::Step { by_ms: dice.between(-7_200_000, 7_200_000) },
        11 => Act::Suspend { for_ms: dice.between(1_000, 4 * 3_600_000) },
        number => {
            let trouble = match number {
                12 => Trouble::TailnetDown,
                13 => Trouble::SlackDown,
                14 | 15 => Trouble::Slow,
                16 | 17 => Trouble::Lossy,
                18 => Trouble::Limited,
                19 | 20 => Trouble::DiskFull,
                _ => {
                    if dice.chance(50) {
                        Trouble::Lagging
                    } else {
                        Trouble::DropsEnds
                    }
                }
            };
            Act::Break { trouble, for_ms: dice.between(1_000, 180_000) }
        }
    }
}
