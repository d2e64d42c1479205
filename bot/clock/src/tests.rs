//! Waiting on the clock: who is woken by what.

use super::*;

const HOUR: Duration = Duration::from_secs(3_600);
const HOUR_MS: i64 = 3_600_000;

#[tokio::test]
async fn a_manual_clock_wakes_a_sleeper_when_it_is_moved() {
    let clock = Clock::manual(0);
    let other = clock.clone();
    let sleeper = tokio::spawn(async move { other.sleep_until(1_000).await });
    tokio::task::yield_now().await;
    clock.advance(Duration::from_millis(999));
    tokio::task::yield_now().await;
    assert!(!sleeper.is_finished());
    clock.advance(Duration::from_millis(1));
    sleeper.await.expect("the sleeper wakes");
}

#[tokio::test(start_paused = true)]
async fn whoever_waited_through_a_suspend_wakes_within_seconds() {
    let clock = Clock::system();
    let (other, at) = (clock.clone(), clock.now_ms() + 2 * HOUR_MS);
    let sleeper = tokio::spawn(async move { other.sleep_until(at).await });
    tokio::task::yield_now().await;
    let begun = tokio::time::Instant::now();
    clock.suspend(8 * HOUR);
    sleeper.await.expect("the sleeper wakes");
    assert!(begun.elapsed() <= NAP, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_set_back_makes_nobody_wait_longer() {
    let clock = Clock::simulated(0);
    let other = clock.clone();
    let sleeper = tokio::spawn(async move { other.sleep_until(6_000).await });
    tokio::task::yield_now().await;
    let begun = tokio::time::Instant::now();
    clock.step_wall(-HOUR_MS);
    sleeper.await.expect("the sleeper wakes");
    assert_eq!(begun.elapsed(), Duration::from_secs(6));
}

#[tokio::test(start_paused = true)]
async fn a_wall_clock_set_ahead_wakes_sleepers_when_a_far_side_says_the_same() {
    let clock = Clock::simulated(0);
    let other = clock.clone();
    let sleeper = tokio::spawn(async move { other.sleep_until(HOUR_MS).await });
    tokio::task::yield_now().await;
    let begun = tokio::time::Instant::now();
    clock.step_wall(8 * HOUR_MS);
    assert!(clock.is_doubted());
    tokio::task::yield_now().await;
    assert!(!sleeper.is_finished());
    clock.heard("Slack", 8 * HOUR_MS, clock.stamp());
    sleeper.await.expect("the sleeper wakes");
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[test]
fn ages_follow_no_step() {
    let clock = Clock::manual(1_000_000);
    let stamp = clock.stamp();
    clock.step_wall(-HOUR_MS);
    clock.advance(Duration::from_secs(12));
    assert_eq!(clock.age_ms(stamp), 12_000);
    clock.step_wall(9 * HOUR_MS);
    assert_eq!(clock.age_ms(stamp), 12_000);
}

#[test]
fn steps_are_told_to_whoever_watches() {
    let clock = Clock::manual(0);
    let mut steps = clock.steps();
    clock.now_ms();
    assert!(!steps.has_changed().unwrap());
    clock.step_wall(-HOUR_MS);
    clock.now_ms();
    assert_eq!(*steps.borrow_and_update(), Some(Step { number: 1, by_ms: -HOUR_MS }));
    assert_eq!((clock.steps_count(), clock.shown_ms(0)), (1, -HOUR_MS));
    assert_eq!(clock.now_ms(), 0);
}

#[test]
fn the_machines_clock_moves() {
    let clock = Clock::system();
    let stamp = clock.stamp();
    let now = clock.now_ms();
    clock.advance(HOUR);
    assert!(clock.now_ms() >= now + HOUR_MS && clock.age_ms(stamp) >= HOUR_MS);
    assert_eq!(clock.troubles(), Vec::<String>::new());
}
