//! Runs that are about one rare thing of what is no attribute: the policy file, groups, a service, schedules, and rules about people.

use super::company::{
    ATTRIBUTES, AUTO, DBA, FIRE, FREEZE, GLASS, GUARDED, LONGER, OTHERS, REPORT_FIRST_MS, ROOT, TUNNEL,
};
use super::drawing::Drawing;
use super::plan::{Act, Trouble};

impl Drawing {
    fn dba(&mut self) -> usize {
        *self.dice.pick(&DBA).unwrap_or(&40)
    }

    /// The policy file is written, and somebody else writes it, too.
    pub(super) fn policy(&mut self, start: i64, person: usize, hold_s: i64) {
        let (decided_at, by) = (start.saturating_add(5_000), self.dba());
        for nth in 0..self.dice.between(1, 4) {
            let person = if nth == 0 { person } else { self.anybody() };
            self.ask(start, (person, TUNNEL, 0, hold_s));
            self.press(decided_at, ("approve", by, 0));
            self.press(decided_at, ("approve", by, 1));
        }
        for from in [decided_at, decided_at.saturating_add(hold_s.saturating_mul(1_000))] {
            // The file is read and written some seconds after the press that leads to it.
            for _ in 0..self.dice.between(0, 10) {
                let at = from.saturating_add(self.dice.between(-200, 9_000));
                let attribute = ATTRIBUTES.len().saturating_add(1);
                self.act(at, Act::Hand { person, device: 0, attribute, sets: None, for_ms: None });
            }
        }
    }

    /// What starts by itself is due, and nothing else happens but to the bot and its clock.
    pub(super) fn report(&mut self) {
        let at = REPORT_FIRST_MS.saturating_add(self.dice.between(-60_000, 60_000));
        let dice = &mut self.dice;
        let act = match dice.between(0, 5) {
            0 => Act::Suspend { for_ms: dice.between(60_000, 5 * 3_600_000) },
            1 => Act::Step { by_ms: dice.between(-3_600_000, 3_600_000) },
            _ => Act::Kill { calls: dice.number(60), down_ms: dice.length_ms(3_600_000), harm: None },
        };
        self.act(at, act);
    }

    /// Several stages, and people who would be counted twice.
    pub(super) fn stages(&mut self, start: i64, person: usize, hold_s: i64) {
        self.ask(start, (person, ROOT, 0, hold_s));
        let mut at = start.saturating_add(5_000);
        for _ in 0..self.dice.between(1, 6) {
            let by = self.decider();
            self.press(at, ("approve", by, 0));
            at = at.saturating_add(self.dice.length_ms(4_000));
        }
    }

    /// What guardrails forbid, what passes by itself, and broken glass.
    pub(super) fn rules(&mut self, start: i64, person: usize) {
        let workflow = *self.dice.pick(&[AUTO, AUTO, GUARDED, GLASS]).unwrap_or(&AUTO);
        let (mut at, by) = (start, self.dba());
        for _ in 0..self.dice.between(1, 5) {
            let hold_s = *self.dice.pick(&[30, 60, 300, 900]).unwrap_or(&60);
            self.ask(at, (person, workflow, 0, hold_s));
            at = at.saturating_add(self.dice.length_ms(30_000));
            if workflow == GLASS {
                match self.dice.chance(40) {
                    true => self.break_glass(at.saturating_add(2_500), (person, hold_s)),
                    false => self.press(at.saturating_add(2_500), ("break_glass", person, 0)),
                }
                let reviewer = if self.dice.chance(50) { person } else { by };
                let over_at = at.saturating_add(hold_s.saturating_mul(1_000));
                self.press(over_at.saturating_add(30_000), ("review_fine", reviewer, 0));
            } else if workflow == GUARDED {
                self.press(at.saturating_add(3_000), ("approve", by, 0));
            }
        }
    }

    /// Somebody has something for longer than they asked for, as often as they may and once more; at times the far side cannot be told.
    pub(super) fn longer(&mut self, start: i64, person: usize) {
        let hold_s: i64 = *self.dice.pick(&[60, 120, 300]).unwrap_or(&60);
        let by = self.dba();
        self.ask(start, (person, LONGER, 0, hold_s));
        self.press(start.saturating_add(4_000), ("approve", by, 0));
        let mut at = start.saturating_add(6_000);
        for _ in 0..self.dice.between(1, 5) {
            at = at.saturating_add(self.dice.between(2_000, hold_s.saturating_mul(900)));
            let doubled = self.dice.chance(50);
            self.act(at, Act::Press { action: "extend", person, nth: 0, doubled });
        }
        if self.dice.chance(40) {
            let trouble =
                *self.dice.pick(&[Trouble::TailnetDown, Trouble::Lossy, Trouble::Forbidden]).unwrap_or(&Trouble::Lossy);
            let for_ms = self.dice.between(10_000, 400_000);
            self.act(at.saturating_sub(1_000), Act::Break { trouble, for_ms });
        }
    }

    /// Auth keys are made, and others take their place, while calls get lost and the bot is killed.
    pub(super) fn keys(&mut self, start: i64, person: usize) {
        let hold_s: i64 = *self.dice.pick(&[60, 120, 300]).unwrap_or(&60);
        let by = self.dba();
        self.ask(start, (person, FIRE, 0, hold_s));
        let mut at = start.saturating_add(4_000);
        let mut presses = vec![("approve", by)];
        presses.extend((0..self.dice.between(1, 3)).map(|_| ("extend", person)));
        for (action, person) in presses {
            self.press(at, (action, person, 0));
            let soon = at.saturating_add(self.dice.between(1, 600));
            match self.dice.number(5) {
                which @ (0 | 1) => {
                    let trouble = if which == 0 { Trouble::Lossy } else { Trouble::SlackDown };
                    let for_ms = self.dice.between(2_000, 20_000);
                    self.act(soon, Act::Break { trouble, for_ms });
                }
                2 | 3 => {
                    let calls = self.dice.number(40);
                    self.act(soon, Act::Kill { calls, down_ms: 1_000, harm: None });
                }
                _ => {}
            }
            at = at.saturating_add(self.dice.between(8_000, 50_000));
        }
    }

    /// The same thing outside of Tailscale, several times at once.
    pub(super) fn beside(&mut self, start: i64, person: usize, hold_s: i64) {
        let (decided_at, by) = (start.saturating_add(5_000), self.dba());
        let workflow = *self.dice.pick(&OTHERS).unwrap_or(&FREEZE);
        for nth in 0..self.dice.between(1, 4) {
            // Some things are the same for all, and some for each.
            let person = if self.dice.chance(30) { self.anybody() } else { person };
            self.ask(start, (person, workflow, 0, hold_s));
            self.press(decided_at.saturating_add(nth), ("approve", by, 0));
        }
        if self.dice.chance(50) {
            let trouble = *self.dice.pick(&[Trouble::Lossy, Trouble::Slow]).unwrap_or(&Trouble::Lossy);
            let for_ms = self.dice.between(5_000, 60_000);
            self.act(decided_at, Act::Break { trouble, for_ms });
        }
    }
}
