//! What becomes of our time when the wall clock is set, table by table.

use super::*;

const HOUR: i64 = 3_600_000;
const START: i64 = 1_772_366_400_000;

/// Two clocks that a test moves.
struct Clocks {
    reading: Reading,
    belief: Belief,
}

impl Clocks {
    fn new() -> Self {
        let reading = Reading { steady: 5_000, wall: START };
        Self { reading, belief: Belief::new(reading) }
    }

    fn pass(&mut self, ms: i64) {
        self.reading.steady += ms;
        self.reading.wall += ms;
    }

    fn step(&mut self, ms: i64) {
        self.reading.wall += ms;
    }

    /// Since the start, in our time.
    fn now(&mut self) -> i64 {
        self.belief.look(self.reading).now - START
    }

    /// A far side answers at once what was sent now.
    fn heard(&mut self, remote: i64) {
        self.belief.look(self.reading);
        self.belief.heard(self.reading, "Tailscale", START + remote, self.reading.steady);
    }

    fn troubles(&self) -> String {
        self.belief.troubles(self.reading.steady).join("; ")
    }
}

#[test]
fn without_steps_our_time_is_the_walls() {
    let mut clocks = Clocks::new();
    assert_eq!(clocks.now(), 0);
    clocks.pass(8 * HOUR);
    assert_eq!(clocks.now(), 8 * HOUR);
    assert_eq!(clocks.troubles(), "");
}

#[test]
fn small_steps_are_followed_and_time_never_goes_back() {
    let mut clocks = Clocks::new();
    assert_eq!(clocks.now(), 0);
    clocks.step(1_900);
    assert_eq!(clocks.now(), 1_900);
    clocks.step(-1_500);
    assert_eq!(clocks.now(), 1_900);
    clocks.pass(1_000);
    assert_eq!(clocks.now(), 1_900);
    clocks.pass(1_000);
    assert_eq!(clocks.now(), 2_400);
    assert_eq!(clocks.troubles(), "");
    clocks.step(4_000);
    assert_eq!(clocks.now(), 6_400);
    assert!(clocks.troubles().contains("set ahead by 4.0 s"), "{}", clocks.troubles());
}

#[test]
fn set_back_an_hour_our_time_goes_on() {
    let mut clocks = Clocks::new();
    clocks.now();
    clocks.step(-HOUR);
    assert_eq!(clocks.now(), 0);
    clocks.pass(6_000);
    assert_eq!(clocks.now(), 6_000);
    assert!(clocks.belief.is_ahead_of_wall());
    assert_eq!(clocks.belief.shown_behind_ms(), HOUR);
    assert!(clocks.troubles().contains("set back by 60 min"), "{}", clocks.troubles());
    assert!(clocks.belief.rejoin());
    assert_eq!(clocks.now(), 6_000 - HOUR);
    assert_eq!(clocks.belief.shown_behind_ms(), 0);
}

#[test]
fn set_back_and_forth_again_is_as_if_nothing_had_been() {
    let mut clocks = Clocks::new();
    clocks.now();
    for by in [-HOUR, HOUR, 10 * HOUR, -10 * HOUR] {
        clocks.step(by);
        assert_eq!(clocks.now(), 0, "{by}");
    }
    assert!(!clocks.belief.is_ahead_of_wall() && !clocks.belief.is_doubted());
    assert_eq!(clocks.belief.steps_count(), 4);
}

#[test]
fn what_the_far_side_says_is_right_is_not_given_up() {
    let mut clocks = Clocks::new();
    clocks.now();
    clocks.step(-HOUR);
    clocks.heard(0);
    assert_eq!(clocks.belief.shown_behind_ms(), 0, "the wall is wrong, and people are shown what is right");
    assert!(!clocks.belief.rejoin());
    clocks.heard(-HOUR);
    assert_eq!(clocks.belief.shown_behind_ms(), HOUR);
    assert!(clocks.belief.rejoin());
}

#[test]
fn far_ahead_is_followed_when_a_far_side_says_the_same() {
    let mut clocks = Clocks::new();
    clocks.now();
    clocks.step(8 * HOUR);
    assert_eq!(clocks.now(), 0);
    assert!(clocks.belief.is_doubted());
    clocks.heard(8 * HOUR - 1_000);
    assert_eq!(clocks.now(), 8 * HOUR);
    assert!(!clocks.belief.is_doubted());
}

#[test]
fn far_ahead_is_not_followed_when_a_far_side_says_otherwise() {
    let decade = 3_653 * 24 * HOUR;
    let mut clocks = Clocks::new();
    clocks.now();
    clocks.step(decade);
    clocks.heard(0);
    clocks.pass(10 * DOUBTED_MS);
    assert_eq!(clocks.now(), 10 * DOUBTED_MS);
    assert!(clocks.troubles().contains("3653 days ahead of Tailscale's"), "{}", clocks.troubles());
    clocks.step(-decade);
    assert_eq!(clocks.now(), 10 * DOUBTED_MS);
    assert!(!clocks.belief.is_ahead_of_wall());
}

#[test]
fn far_ahead_is_followed_when_nobody_can_be_asked() {
    let mut clocks = Clocks::new();
    clocks.now();
    clocks.step(HOUR);
    clocks.now();
    clocks.pass(DOUBTED_MS - 1);
    assert_eq!(clocks.now(), DOUBTED_MS - 1);
    clocks.pass(1);
    let seen = clocks.belief.look(clocks.reading);
    assert_eq!((seen.now - START, seen.jumped), (HOUR + DOUBTED_MS, true));
}

#[test]
fn an_answer_from_before_the_step_decides_nothing() {
    let mut clocks = Clocks::new();
    clocks.now();
    let sent = clocks.reading.steady;
    clocks.pass(10);
    clocks.step(8 * HOUR);
    clocks.now();
    clocks.belief.heard(clocks.reading, "Slack", START, sent);
    assert!(clocks.belief.is_doubted());
}

#[test]
fn a_far_side_that_differs_without_any_step_is_told() {
    let mut clocks = Clocks::new();
    clocks.heard(30_000);
    assert_eq!(clocks.troubles(), "");
    clocks.heard(10 * 60_000);
    assert_eq!(clocks.troubles(), "this machine's clock is 10 min behind Tailscale's");
    assert_eq!(clocks.now(), 0);
}

#[test]
fn a_step_is_told_for_a_while() {
    let mut clocks = Clocks::new();
    clocks.now();
    clocks.step(3_000);
    clocks.now();
    clocks.pass(TOLD_MS - 1);
    assert!(!clocks.troubles().is_empty());
    clocks.pass(1);
    assert_eq!(clocks.troubles(), "");
}

/// A start with the wall clock this far from a right one, `down` after something was last saved.
fn started(wall: i64, down: i64) -> Clocks {
    let mut clocks = Clocks::new();
    clocks.step(wall);
    let saved = START.saturating_sub(down);
    clocks.belief = Belief::new(clocks.reading);
    clocks.belief.remember(clocks.reading, Some(saved));
    clocks
}

#[test]
fn at_the_start_a_wall_far_ahead_of_what_was_saved_is_asked_about() {
    let decade = 3_653 * 24 * HOUR;
    let mut clocks = started(decade, 60_000);
    assert_eq!(clocks.now(), -60_000, "nothing ends for a clock that was set while nobody looked");
    assert!(clocks.belief.is_doubted());
    clocks.heard(0);
    assert_eq!(clocks.now(), -60_000, "nearly what was saved: ours goes on");
    assert!(clocks.troubles().contains("3653 days ahead of Tailscale's"), "{}", clocks.troubles());

    let mut clocks = started(decade, 72 * HOUR);
    assert_eq!(clocks.now(), -72 * HOUR);
    clocks.heard(0);
    assert_eq!(clocks.now(), 0, "neither is right: the far side's is taken");
    clocks.pass(10 * DOUBTED_MS);
    assert_eq!(clocks.now(), 10 * DOUBTED_MS);
}

#[test]
fn at_the_start_after_a_long_pause_the_wall_is_followed_when_a_far_side_agrees_or_nobody_answers() {
    let mut clocks = started(0, 72 * HOUR);
    assert_eq!(clocks.now(), -72 * HOUR);
    clocks.heard(-900);
    assert_eq!(clocks.now(), 0);
    assert!(!clocks.belief.is_doubted());

    let mut clocks = started(0, 72 * HOUR);
    clocks.now();
    clocks.pass(DOUBTED_MS);
    assert_eq!(clocks.now(), DOUBTED_MS);
}

#[test]
fn at_the_start_a_wall_that_is_behind_is_put_right_by_what_a_far_side_says() {
    for down in [60_000, 40 * 60_000] {
        let mut clocks = started(-31 * 60_000, down);
        clocks.heard(0);
        assert_eq!(clocks.now(), if down > 60_000 { 0 } else { -60_000 }, "{down}");
        clocks.pass(10_000);
        assert!(!clocks.belief.rejoin(), "{down}");
        assert!(clocks.troubles().contains(" min behind Tailscale's"), "{}", clocks.troubles());
    }
    let mut clocks = started(-31 * 60_000, 60_000);
    assert_eq!(clocks.now(), -60_000, "and without one it is never earlier than what was saved");
}

#[test]
fn at_the_very_first_start_a_far_side_puts_the_clock_right_both_ways() {
    for wall in [-HOUR, HOUR] {
        let mut clocks = Clocks::new();
        clocks.step(wall);
        clocks.belief = Belief::new(clocks.reading);
        clocks.belief.remember(clocks.reading, None);
        assert_eq!(clocks.now(), wall);
        clocks.heard(0);
        assert_eq!(clocks.now(), 0, "{wall}");
        clocks.pass(10 * DOUBTED_MS);
        assert_eq!(clocks.now(), 10 * DOUBTED_MS, "{wall}");
    }
}

#[test]
fn at_the_start_time_never_goes_back_behind_what_was_saved() {
    let mut clocks = started(0, -HOUR);
    clocks.heard(0);
    assert_eq!(clocks.now(), HOUR, "what was lent by that time ends by it");
    assert!(clocks.belief.rejoin(), "until nothing waits");
    assert_eq!(clocks.now(), 0);
}
