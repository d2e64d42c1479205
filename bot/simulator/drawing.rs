//! Draws a plan from a seed: stories of people, and accidents around them.

use super::company::{ATTRIBUTES, DBA, GLASS, ONCALL, PLAIN, WORKFLOWS, devices, quorum};
use super::dice::Dice;
use super::focus::Focus;
use super::plan::{Act, Harm, Plan, Planned, Trouble};
use crate::planted::Fault;

/// The longest pause between two stories.
const PAUSE_MS: i64 = 30 * 60_000;
/// Now and then a run is long and mostly quiet.
const LONG_PAUSE_MS: i64 = 40 * 3_600_000;

/// So many runs in a hundred are about one rare thing.
const FOCUSED: i64 = 50;

/// An ask of a story, for the accidents that are to meet it.
struct Asked {
    at: i64,
    place: (usize, usize),
    hold_ms: i64,
}

/// What was drawn so far.
pub(super) struct Drawing {
    pub(super) dice: Dice,
    pub(super) acts: Vec<Planned>,
    asked: Vec<Asked>,
    /// Few people do most of it, so that they get into each other's way.
    hot: Vec<usize>,
}

impl Plan {
    /// The plan of a seed.
    pub fn of(seed: u64, fault: Option<Fault>) -> Self {
        Self::drawn(seed, fault, false)
    }

    /// A long and mostly quiet plan, for years of them.
    pub fn long(seed: u64, fault: Option<Fault>) -> Self {
        Self::drawn(seed, fault, true)
    }

    fn drawn(seed: u64, fault: Option<Fault>, is_long: bool) -> Self {
        let mut dice = Dice::new(seed);
        let hot: Vec<usize> = (0..3).map(|_| dice.index(46)).collect();
        let hot = hot.into_iter().map(|one| if dice.chance(20) { 40 } else { one }).collect();
        let stories: i64 = *dice.pick(&[1, 1, 1, 2, 2, 3, 4, 6, 9]).unwrap_or(&1);
        let stories = if is_long { stories.saturating_mul(5) } else { stories };
        let pause_ms = if dice.chance(4) || is_long { LONG_PAUSE_MS } else { PAUSE_MS };
        let is_calm = dice.chance(20);
        let focus = if dice.chance(FOCUSED) { dice.pick(Focus::ALL).copied() } else { None };
        let mut drawing = Drawing { dice, acts: Vec::new(), asked: Vec::new(), hot };
        let mut at = 0;
        for _ in 0..stories {
            match drawing.dice.between(0, 40) {
                _ if focus.is_some_and(|focus| drawing.focused(focus, at)) => {}
                0 => drawing.many(at),
                1..=4 => drawing.again(at),
                5..=8 => drawing.lonely(at),
                _ => drawing.story(at),
            }
            at = at.saturating_add(drawing.pause(pause_ms));
        }
        let most = if is_calm { 0 } else { drawing.dice.between(1, 3 + stories) };
        for _ in 0..most {
            let at = drawing.moment();
            let act = drawing.accident();
            if matches!(act, Act::Kill { harm: None, .. }) && drawing.dice.chance(20) {
                let by_ms =
                    *drawing.dice.pick(&[-86_400_000, -600_000, 1_800_000, 3_600_000, 315_360_000_000]).unwrap_or(&0);
                let for_ms = drawing.dice.between(5_000, 1_200_000);
                drawing.acts.push(Planned { at: at.max(0), act: Act::WrongAtStart { by_ms, for_ms } });
            }
            drawing.acts.push(Planned { at: at.max(0), act });
        }
        let mut acts = drawing.acts;
        acts.sort_by_key(|planned| planned.at);
        Self { seed, acts, fault }
    }
}

impl Drawing {
    /// Mostly short, so that stories meet.
    fn pause(&mut self, longest: i64) -> i64 {
        if longest == LONG_PAUSE_MS { self.dice.between(0, longest) } else { self.dice.length_ms(longest) }
    }

    pub(super) fn anybody(&mut self) -> usize {
        match self.dice.pick(&self.hot) {
            Some(person) if !self.dice.chance(20) => *person,
            _ => self.dice.index(50),
        }
    }

    fn a_device(&mut self, person: usize) -> usize {
        if self.dice.chance(75) { 0 } else { devices(person).len().saturating_sub(1) }
    }

    pub(super) fn decider(&mut self) -> usize {
        let deciders: Vec<usize> = DBA.into_iter().chain(ONCALL).collect();
        *self.dice.pick(&deciders).unwrap_or(&40)
    }

    pub(super) fn act(&mut self, at: i64, act: Act) {
        self.acts.push(Planned { at, act });
    }

    pub(super) fn ask(&mut self, at: i64, (person, workflow, device, hold_s): (usize, usize, usize, i64)) {
        self.asked.push(Asked { at, place: (person, device), hold_ms: hold_s.saturating_mul(1_000) });
        let doubled = self.dice.chance(8);
        self.act(at, Act::Ask { person, workflow, device, hold_s, doubled, glass: false });
    }

    /// Somebody types that they break glass.
    pub(super) fn break_glass(&mut self, at: i64, (person, hold_s): (usize, i64)) {
        self.asked.push(Asked { at, place: (person, 0), hold_ms: hold_s.saturating_mul(1_000) });
        self.act(at, Act::Ask { person, workflow: GLASS, device: 0, hold_s, doubled: false, glass: true });
    }

    pub(super) fn press(&mut self, at: i64, (action, person, nth): (&'static str, usize, usize)) {
        let doubled = self.dice.chance(15);
        self.act(at, Act::Press { action, person, nth, doubled });
    }

    /// Somebody asks once or several times for what may be the same; it is decided; and it ends in one of the ways.
    fn story(&mut self, start: i64) {
        let person = self.anybody();
        let device = self.a_device(person);
        let hold_s = *self.dice.pick(&[10, 20, 45, 60, 600, 3_600]).unwrap_or(&60);
        let copies = *self.dice.pick(&[1, 1, 2, 2, 3]).unwrap_or(&1);
        let mut at = start;
        let (mut needed, mut has_glass) = (1, false);
        for _ in 0..copies {
            let among = if self.dice.chance(50) { PLAIN } else { WORKFLOWS.len() };
            let workflow = self.dice.index(among);
            needed = needed.max(WORKFLOWS.get(workflow).map_or(1, |(name, _)| quorum(name)));
            has_glass |= WORKFLOWS.get(workflow).is_some_and(|(name, _)| *name == "glass");
            let hold_s = if self.dice.chance(70) { hold_s } else { hold_s * self.dice.between(1, 4) };
            self.ask(at, (person, workflow, device, hold_s));
            at = at.saturating_add(self.dice.length_ms(5_000));
        }
        if has_glass && self.dice.chance(70) {
            self.press(at.saturating_add(2_500), ("break_glass", person, 0));
        }
        at = self.decisions(at, (person, copies, needed));
        if self.dice.chance(20) {
            let extended_at = at.saturating_add(self.dice.between(2_000, hold_s.saturating_mul(1_000)));
            self.press(extended_at, ("extend", person, 0));
        }
        // Ends by themselves, or together, or by whoever is quickest.
        let soonest = if self.dice.chance(15) { 0 } else { 2_000 };
        at = at.saturating_add(self.dice.between(soonest, soonest + 500 + hold_s * 700 * i64::from(soonest > 0)));
        if self.dice.chance(60) {
            for nth in 0..copies {
                let (action, by) = if self.dice.chance(50) {
                    ("return", person)
                } else {
                    ("revoke", *self.dice.pick(&DBA).unwrap_or(&40))
                };
                self.press(at, (action, by, nth));
                at = at.saturating_add(self.dice.length_ms(2_000));
            }
        }
        if self.dice.chance(15) {
            self.press(at, ("retry", person, 0));
        }
        if has_glass {
            self.review(at.saturating_add(hold_s.saturating_mul(1_000)), person);
        }
    }

    /// Somebody looks at why glass was broken: soon or late, and now and then whoever broke it tries.
    fn review(&mut self, from: i64, person: usize) {
        let by = if self.dice.chance(15) { person } else { *self.dice.pick(&DBA).unwrap_or(&40) };
        let action = if self.dice.chance(30) { "review_not_fine" } else { "review_fine" };
        let at = from.saturating_add(self.dice.between(1_000, 2 * 3_600_000));
        self.press(at, (action, by, 0));
    }

    fn decisions(&mut self, asked_at: i64, (person, copies, quorum): (usize, usize, usize)) -> i64 {
        let mut at = asked_at.saturating_add(self.dice.between(1_000, 9_000));
        if self.dice.chance(8) {
            // Nobody has the time; or only much later.
            if self.dice.chance(50) {
                return at;
            }
            at = at.saturating_add(self.dice.between(0, 3 * 3_600_000));
        }
        if self.dice.chance(3) {
            let to = self.dice.index(50);
            self.act(asked_at.saturating_add(500), Act::Pass { person, device: 0, to });
        }
        for nth in 0..copies * quorum {
            let by = self.decider();
            if self.dice.chance(6) {
                let before = at.saturating_sub(self.dice.between(0, 60_000));
                self.act(before.max(0), Act::Dismiss { person: by });
            }
            if self.dice.chance(5) {
                self.act(at.saturating_sub(500), Act::Forge { person: by, nth: nth % copies });
            }
            let action = if self.dice.chance(6) { "deny" } else { "approve" };
            self.press(at, (action, by, nth % copies));
            at = at.saturating_add(self.dice.length_ms(3_000));
        }
        // Whoever may not decide tries, too; and whoever decided tries again.
        if self.dice.chance(40) {
            let by = match self.dice.between(0, 3) {
                0 => person,
                1 => self.anybody(),
                _ => self.decider(),
            };
            self.press(at, ("approve", by, 0));
        }
        if self.dice.chance(10) {
            self.press(at, ("withdraw", person, 0));
        }
        at
    }

    /// Somebody has it, a hand changes it, and they ask again.
    fn again(&mut self, start: i64) {
        let person = self.anybody();
        let device = self.a_device(person);
        let hold_s = *self.dice.pick(&[30, 120, 900]).unwrap_or(&30);
        let hand = |dice: &mut Dice| Act::Hand {
            person,
            device,
            attribute: 0,
            sets: *dice.pick(&[None, Some(true), Some(true), Some(false)]).unwrap_or(&None),
            for_ms: dice.chance(50).then(|| dice.between(20_000, 3_600_000)),
        };
        let mut at = start;
        if self.dice.chance(60) {
            let first = hand(&mut self.dice);
            self.act(at, first);
            at = at.saturating_add(self.dice.between(5_000, 60_000));
        }
        for _ in 0..self.dice.between(1, 4) {
            self.ask(at, (person, 0, device, hold_s));
            at = at.saturating_add(3_000);
            self.press(at, ("approve", 41, 0));
            at = at.saturating_add(self.dice.between(3_000, hold_s * 800));
            if self.dice.chance(50) {
                let next = hand(&mut self.dice);
                self.act(at, next);
                at = at.saturating_add(self.dice.length_ms(40_000));
            }
        }
    }

    /// Somebody has something for long and nothing else happens, but to the clock; so nothing wakes anybody.
    pub(super) fn lonely(&mut self, start: i64) {
        let person = self.anybody();
        let hold_s = *self.dice.pick(&[600, 3_600]).unwrap_or(&600);
        self.ask(start, (person, 0, 0, hold_s));
        if self.dice.chance(25) {
            let to = self.dice.index(50);
            self.act(start + 2_000, Act::Pass { person, device: 0, to });
        }
        self.press(start + 4_000, ("approve", 42, 0));
        let at = start.saturating_add(self.dice.between(20_000, hold_s * 800));
        let act = match self.dice.between(0, 4) {
            0 | 1 => Act::Suspend { for_ms: self.dice.between(hold_s * 200, hold_s * 2_000) },
            2 => Act::Step { by_ms: self.dice.between(-7_200_000, -600_000) },
            _ => Act::Step { by_ms: self.dice.between(600_000, 7_200_000) },
        };
        self.act(at, act);
    }

    /// Many have something at once, and it ends at once.
    fn many(&mut self, start: i64) {
        let hold_s = self.dice.between(30, 90);
        for person in 0..self.dice.between(8, 25) {
            let person = usize::try_from(person).unwrap_or(0);
            self.ask(start, (person, 0, 0, hold_s));
            self.act(start + 4_000, Act::Press { action: "approve", person: 41, nth: person, doubled: false });
        }
    }

    /// When something breaks: around what people do, while somebody has something, or when it ends.
    fn moment(&mut self) -> i64 {
        let kind = self.dice.between(0, 10);
        let count = self.asked.len();
        let asked = self.dice.index(count);
        let Some(asked) = self.asked.get(asked) else { return 0 };
        let (at, hold_ms) = (asked.at, asked.hold_ms);
        match kind {
            0..=3 => {
                let near = self.dice.index(self.acts.len());
                let near = self.acts.get(near).map_or(0, |planned| planned.at);
                near.saturating_add(self.dice.length_ms(600_000)).saturating_sub(self.dice.length_ms(20_000))
            }
            4..=6 => at.saturating_add(self.dice.between(0, hold_ms)),
            7 | 8 => at.saturating_add(hold_ms).saturating_add(self.dice.between(-20_000, 30_000)),
            _ => at.saturating_sub(self.dice.between(0, 60_000)),
        }
    }

    fn accident(&mut self) -> Act {
        let places: Vec<(usize, usize)> = self.asked.iter().map(|asked| asked.place).collect();
        let (person, device) = match self.dice.pick(&places) {
            Some(place) if !self.dice.chance(15) => *place,
            _ => {
                let person = self.anybody();
                (person, self.a_device(person))
            }
        };
        let dice = &mut self.dice;
        match dice.between(0, 34) {
            0..=5 => {
                let harm = [Harm::Copied, Harm::PutBack, Harm::Request, Harm::Effect, Harm::Older, Harm::Older];
                let harm = if dice.chance(25) { dice.pick(&harm).copied() } else { None };
                Act::Kill { calls: dice.number(70), down_ms: dice.length_ms(600_000), harm }
            }
            6..=9 => Act::Hand {
                person,
                device,
                attribute: dice.index(ATTRIBUTES.len() + 5),
                sets: *dice.pick(&[None, Some(true), Some(false)]).unwrap_or(&None),
                for_ms: dice.chance(50).then(|| dice.between(5_000, 7_200_000)),
            },
            10 if dice.chance(50) => Act::Leave { person, device },
            10 => Act::Pass { person, device, to: dice.index(50) },
            11 => Act::Dismiss { person: *dice.pick(&DBA).unwrap_or(&40) },
            12 => Act::Quit { person, keeps_login: dice.chance(40) },
            13 => Act::Revoke,
            14 | 15 => Act::Step { by_ms: dice.between(-7_200_000, 7_200_000) },
            16..=18 => Act::Suspend { for_ms: dice.between(1_000, 4 * 3_600_000) },
            19 => Act::Fail { calls: dice.number(40), is_disk: dice.chance(40) },
            number => {
                let trouble = trouble(number);
                let longest = if dice.chance(15) { 900_000 } else { 180_000 };
                Act::Break { trouble, for_ms: dice.between(1_000, longest) }
            }
        }
    }
}

fn trouble(number: i64) -> Trouble {
    match number {
        20 | 21 => Trouble::TailnetDown,
        22 => Trouble::SlackDown,
        23 | 24 => Trouble::Slow,
        25 | 26 => Trouble::Lossy,
        27 => Trouble::Limited,
        28 => Trouble::Forbidden,
        29 => Trouble::Lagging,
        30 => Trouble::DropsEnds,
        31 => Trouble::Locked,
        _ => Trouble::DiskFull,
    }
}
