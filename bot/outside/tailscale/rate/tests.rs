//! The rate against remotes that limit in different ways, in simulated time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::*;

/// How a remote limits.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// So many at most in any second.
    Sliding(usize),
    /// So many in each second of the clock.
    Fixed(usize),
    /// So many a second, and as many at once.
    Bucket(f64),
}

struct Remote {
    kind: Kind,
    at: Vec<Duration>,
    tokens: f64,
    filled_at: Duration,
}

impl Remote {
    fn new(kind: Kind) -> Self {
        let tokens = if let Kind::Bucket(rate) = kind { rate } else { 0.0 };
        Self { kind, at: Vec::new(), tokens, filled_at: Duration::ZERO }
    }

    fn takes(&mut self, now: Duration) -> bool {
        let takes = match self.kind {
            Kind::Sliding(max) => self.at.iter().filter(|at| now - **at < WINDOW).count() < max,
            Kind::Fixed(max) => self.at.iter().filter(|at| at.as_secs() == now.as_secs()).count() < max,
            Kind::Bucket(rate) => {
                self.tokens = (self.tokens + (now - self.filled_at).as_secs_f64() * rate).min(rate);
                self.filled_at = now;
                self.tokens >= 1.0
            }
        };
        if takes {
            self.tokens -= 1.0;
            self.at.push(now);
        }
        takes
    }
}

#[derive(Debug, Default)]
struct Told {
    last: Duration,
    refused: usize,
    most_out: usize,
}

/// Sends `calls` as fast as the rate lets them go, each answered after `latency`; refused ones are sent again.
fn told(rate: &mut Rate, kind: Kind, calls: usize, latency_ms: u64, wait: Option<u64>, begin: Duration) -> Told {
    let mut remote = Remote::new(kind);
    let half = Duration::from_micros(latency_ms * 500);
    let mut back: BinaryHeap<Reverse<(Duration, u64, bool)>> = BinaryHeap::new();
    let mut outs = std::collections::HashMap::new();
    let (mut now, mut left, mut done) = (begin, calls, 0);
    let mut told = Told::default();
    let mut arrives: std::collections::VecDeque<(Duration, Out)> = std::collections::VecDeque::new();
    let (mut waited, mut timers) = (false, 0_u64);
    while done < calls {
        let mut next = Duration::MAX;
        while left > 0 {
            match rate.admit(now, true, waited) {
                Admission::Now(out) => {
                    left -= 1;
                    waited = false;
                    outs.insert(out.number, out);
                    arrives.push_back((now + half, out));
                    told.most_out = told.most_out.max(outs.len());
                }
                Admission::At(at) | Admission::WhenBack(at) => {
                    assert!(at > now, "{at:?} {now:?} {rate:?}");
                    waited = true;
                    // A timer is never early, often a little late, and now and then very late.
                    timers += 1;
                    let late_us = if timers % 40 == 0 { 90_000 } else { 300 + timers * 7_919 % 1_500 };
                    next = at + Duration::from_micros(late_us);
                    break;
                }
            }
        }
        if let Some((at, _)) = arrives.front() {
            next = next.min(*at);
        }
        if let Some(Reverse((at, ..))) = back.peek() {
            next = next.min(*at);
        }
        now = next;
        while arrives.front().is_some_and(|(at, _)| *at <= now) {
            let (at, out) = arrives.pop_front().expect("one");
            back.push(Reverse((at + half + Duration::from_micros(200), out.number, remote.takes(at))));
        }
        while back.peek().is_some_and(|Reverse((at, ..))| *at <= now) {
            let Reverse((_, number, is_taken)) = back.pop().expect("one");
            let out = outs.remove(&number).expect("out");
            if is_taken {
                done += 1;
                told.last = now - begin;
                rate.taken(now, out);
            } else {
                told.refused += 1;
                left += 1;
                let wait = wait.map(Duration::from_secs);
                rate.refused(now, out, wait, wait);
            }
        }
    }
    told
}

#[test]
fn nine_hundred_calls_at_fifty_a_second_take_little_more_than_eighteen_seconds_and_few_are_refused() {
    for kind in [Kind::Sliding(50), Kind::Fixed(50), Kind::Bucket(50.0)] {
        // Answers that take long come too late to stop what is on its way.
        for (latency_ms, refused_max) in [(1, 9), (20, 9), (150, 24), (300, 48)] {
            for (wait, seconds_max) in [(Some(1), 18.9), (None, 19.2)] {
                for begin_ms in [0, 250, 700] {
                    let begin = Duration::from_millis(10_000 + begin_ms);
                    let told = told(&mut Rate::default(), kind, 900, latency_ms, wait, begin);
                    let seconds = told.last.as_secs_f64() - 2.0 * latency_ms as f64 / 1_000.0;
                    let what = format!("{kind:?}, {latency_ms} ms, {wait:?}: {seconds:.2} s, {told:?}");
                    assert!(seconds <= seconds_max, "{what}");
                    assert!(told.refused <= refused_max, "{what}");
                }
            }
        }
    }
}

#[test]
fn a_limit_that_is_known_is_kept_from_the_first_call_on() {
    let mut rate = Rate::default();
    told(&mut rate, Kind::Sliding(50), 300, 20, Some(1), Duration::from_secs(10));
    let told = told(&mut rate, Kind::Sliding(50), 900, 20, Some(1), Duration::from_secs(100));
    assert!(told.refused <= 4 && told.last.as_secs_f64() <= 18.9, "{told:?}");
}

#[test]
fn without_a_limit_calls_go_out_at_once() {
    let none = Kind::Sliding(usize::MAX);
    let mut rate = Rate::default();
    let first = told(&mut rate, none, 36, 150, None, Duration::from_secs(10));
    assert!(first.last < Duration::from_millis(160), "{first:?}");
    let many = told(&mut rate, none, 20_000, 1, None, Duration::from_secs(20));
    assert!(many.last < Duration::from_secs(8) && many.most_out <= OUT_MAX, "{many:?}");
    assert_eq!(rate.per_second(), None);
}

#[test]
fn a_limit_that_is_gone_is_forgotten_by_and_by() {
    let mut rate = Rate::default();
    told(&mut rate, Kind::Sliding(5), 60, 20, Some(1), Duration::from_secs(10));
    let told = told(&mut rate, Kind::Sliding(usize::MAX), 2_000, 20, None, Duration::from_secs(30));
    assert!(told.last < Duration::from_secs(90), "{told:?}");
    let Admission::Now(out) = rate.admit(Duration::from_secs(10_000), true, false) else { panic!("{rate:?}") };
    rate.taken(Duration::from_secs(10_000), out);
    assert_eq!(rate.per_second(), None, "after an hour");
}

#[test]
fn a_long_silence_is_kept_by_all_and_by_ends_no_longer_than_they_must() {
    let mut rate = Rate::default();
    let now = Duration::from_secs(10);
    let Admission::Now(out) = rate.admit(now, true, false) else { panic!("{rate:?}") };
    rate.refused(now, out, Some(Duration::from_secs(900)), Some(Duration::from_secs(60)));
    assert_eq!(rate.admit(now, true, true), Admission::At(Duration::from_secs(70)));
    assert_eq!(rate.admit(now, false, true), Admission::At(Duration::from_secs(910)));
    assert!(matches!(rate.admit(Duration::from_secs(70), true, true), Admission::Now(_)));
}

#[test]
fn calls_that_hang_do_not_stop_others() {
    let mut rate = Rate::default();
    let mut now = Duration::from_secs(10);
    for _ in 0..200 {
        loop {
            match rate.admit(now, true, false) {
                Admission::Now(_) => break,
                Admission::At(at) | Admission::WhenBack(at) => now = at,
            }
        }
    }
    assert!(now < Duration::from_secs(14), "{now:?}");
}
