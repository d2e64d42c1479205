//! Randomness that comes from a seed and is the same everywhere (SplitMix64).

/// Draws numbers.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From `low` to `high`, `high` excluded.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = high.saturating_sub(low).max(1).unsigned_abs();
        low.saturating_add(i64::try_from(self.draw() % width).unwrap_or(0))
    }

    /// True this many times in a hundred.
    pub fn chance(&mut self, percent: i64) -> bool {
        self.between(0, 100) < percent
    }

    /// A place in a list of so many.
    pub fn index(&mut self, count: usize) -> usize {
        usize::try_from(self.between(0, i64::try_from(count).unwrap_or(i64::MAX))).unwrap_or(0)
    }

    /// A small number.
    pub fn number(&mut self, below: i64) -> u32 {
        u32::try_from(self.between(0, below)).unwrap_or(0)
    }

    /// One of them.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        let count = i64::try_from(of.len()).unwrap_or(i64::MAX);
        of.get(usize::try_from(self.between(0, count)).unwrap_or(0))
    }

    /// A length of time: mostly short, sometimes long, so that things happen together and far apart.
    pub fn length_ms(&mut self, longest: i64) -> i64 {
        let most = *self.pick(&[1, 200, 2_000, 60_000, 3_600_000]).unwrap_or(&1);
        self.between(0, most.min(longest).saturating_add(1))
    }
}
