//! Runs that are about one rare thing: what seldom happens by chance is met often by whoever looks for it.

use super::company::DBA;
use super::drawing::Drawing;
use super::plan::{Act, Harm, Trouble};

/// What a run is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Focus {
    /// The machine sleeps, or its clock is set, while somebody has something and nothing else happens.
    Clock,
    /// Whoever decides has left.
    Left,
    /// A button that was not shown.
    Forged,
    /// An older database is put back.
    PutBack,
    /// A row cannot be read, and others wait beside it.
    Unreadable,
    /// What ends cannot be taken back for a while.
    Stuck,
    /// Slack delivers again what a killed process did not acknowledge.
    Twice,
    /// The policy file is written, and somebody else writes it, too.
    Policy,
    /// What starts by itself is due, and nothing else happens but to the bot and its clock.
    Report,
    /// Several stages, and people who would be counted twice.
    Stages,
    /// What guardrails forbid, what passes by itself, and broken glass.
    Rules,
    /// The same thing outside of Tailscale, several times at once.
    Beside,
    /// It is extended, again and again.
    Longer,
    /// Auth keys are made, and others take their place.
    Keys,
}

impl Focus {
    pub(super) const ALL: &'static [Self] = &[
        Self::Clock,
        Self::Clock,
        Self::Left,
        Self::Forged,
        Self::PutBack,
        Self::Unreadable,
        Self::Stuck,
        Self::Stuck,
        Self::Twice,
        Self::Policy,
        Self::Policy,
        Self::Report,
        Self::Stages,
        Self::Rules,
        Self::Rules,
        Self::Rules,
        Self::Rules,
        Self::Beside,
        Self::Beside,
        Self::Longer,
        Self::Keys,
    ];
}

impl Drawing {
    /// A story about it, now and then; says whether there was one.
    pub(super) fn focused(&mut self, focus: Focus, start: i64) -> bool {
        if self.dice.chance(20) {
            return false;
        }
        let person = self.anybody();
        let by = *self.dice.pick(&DBA).unwrap_or(&40);
        let hold_s: i64 = *self.dice.pick(&[60, 600, 3_600]).unwrap_or(&60);
        let (hold_ms, decided_at) = (hold_s.saturating_mul(1_000), start.saturating_add(5_000));
        match focus {
            Focus::Clock => self.lonely(start),
            Focus::Left => {
                self.ask(start, (person, 0, 0, hold_s));
                let keeps_login = self.dice.chance(70);
                self.act(decided_at, Act::Quit { person: by, keeps_login });
                let pressed_at = decided_at.saturating_add(self.dice.between(32_000, 120_000));
                self.press(pressed_at, ("approve", by, 0));
            }
            Focus::Forged => {
                self.ask(start, (person, 0, 0, hold_s));
                self.act(decided_at, Act::Forge { person: by, nth: 0 });
            }
            Focus::PutBack => {
                let kill = |harm| Act::Kill { calls: 1, down_ms: 1_000, harm: Some(harm) };
                self.act(start, kill(Harm::Copied));
                let start = start.saturating_add(20_000);
                self.ask(start, (person, 0, 0, hold_s));
                self.press(start.saturating_add(5_000), ("approve", by, 0));
                let at = start.saturating_add(self.dice.between(6_000, hold_ms));
                self.act(at, kill(Harm::PutBack));
            }
            Focus::Unreadable => {
                for person in [person, self.anybody()] {
                    self.ask(start, (person, 0, 0, hold_s));
                    self.press(decided_at, ("approve", by, 0));
                    self.press(decided_at, ("approve", by, 1));
                }
                let at = start.saturating_add(self.dice.between(2_000, hold_ms));
                let calls = self.dice.number(10);
                self.act(at, Act::Kill { calls, down_ms: 1_000, harm: Some(Harm::Effect) });
                // Sometimes it cannot be put aside for a while.
                if self.dice.chance(30) {
                    let trouble = *self.dice.pick(&[Trouble::DiskFull, Trouble::Locked]).unwrap_or(&Trouble::Locked);
                    self.act(at, Act::Break { trouble, for_ms: 60_000 });
                }
            }
            Focus::Stuck => self.stuck(start, (person, by), hold_s),
            Focus::Twice => {
                self.ask(start, (person, 0, 0, hold_s));
                let calls = self.dice.number(60);
                self.act(start.saturating_add(1), Act::Kill { calls, down_ms: 1_000, harm: None });
                let again_at = start.saturating_add(self.dice.between(1_500, 9_000));
                self.act(again_at, Act::Again);
                self.press(again_at.saturating_add(6_000), ("approve", by, 0));
            }
            Focus::Policy => self.policy(start, person, hold_s),
            Focus::Report => self.report(),
            Focus::Stages => self.stages(start, person, hold_s),
            Focus::Rules => {
                let person = if self.dice.chance(30) { by } else { person };
                self.rules(start, person);
            }
            Focus::Longer => self.longer(start, person),
            Focus::Keys => self.keys(start, person),
            Focus::Beside => self.beside(start, person, hold_s),
        }
        true
    }

    /// What ends cannot be taken back for a while.
    fn stuck(&mut self, start: i64, (person, by): (usize, usize), hold_s: i64) {
        let decided_at = start.saturating_add(5_000);
        let hold_ms = hold_s.saturating_mul(1_000);
        self.ask(start, (person, 0, 0, hold_s));
        self.press(decided_at, ("approve", by, 0));
        let troubles = [Trouble::Forbidden, Trouble::TailnetDown, Trouble::Lossy];
        let trouble = *self.dice.pick(&troubles).unwrap_or(&Trouble::Forbidden);
        let at = decided_at.saturating_add(hold_ms).saturating_sub(2_000);
        let for_ms = self.dice.between(60_000, 400_000);
        self.act(at, Act::Break { trouble, for_ms });
    }
}
