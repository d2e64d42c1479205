//! When a schedule is due: cron lines in a time zone.
//!
//! The crate is `croner`, not `cron`: `cron` takes six fields only and refuses every ordinary line, knows no `L`, and leaves it to its
//! caller what becomes of a local time that does not exist or exists twice.

use croner::Cron;
use croner::parser::{CronParser, Seconds};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::kernel::origin::Schedule;

/// Two starts of one schedule are at least so far apart.
pub const APART_MS: i64 = 5 * 60_000;
/// So many starts are looked at to see how far apart they are.
const LOOKED_AT: usize = 200;
/// More that were missed are not counted one by one.
pub const MISSED_MAX: usize = 1_000;

/// A cron line with its zone.
#[derive(Debug)]
pub struct Times {
    cron: Cron,
    zone: TimeZone,
}

/// What is wrong with a cron line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CronMistake {
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// It names no day there is, like the 31st of February.
    #[error("it is never due")]
    Never,
    /// It is due every minute, or almost.
    #[error("it is due again after {} minutes", .after_ms / 60_000)]
    TooOften {
        /// How soon.
        after_ms: i64,
    },
}

impl Times {
    /// Reads a line of five fields, or `@daily` and the like.
    ///
    /// # Errors
    /// It cannot be read, is never due, or too often.
    pub fn read(cron: &str, zone: TimeZone) -> Result<Self, CronMistake> {
        let parser = CronParser::builder().seconds(Seconds::Disallowed).build();
        let cron = parser.parse(cron).map_err(|error| CronMistake::Unreadable(error.to_string()))?;
        let times = Self { cron, zone };
        // What cannot be is only found by looking for it. The moment is fixed, so that a file is right or wrong whenever it is read.
        let mut last = times.after(0).ok_or(CronMistake::Never)?;
        for _ in 0..LOOKED_AT {
            let Some(next) = times.after(last) else { break };
            let after_ms = next.saturating_sub(last);
            if after_ms < APART_MS {
                return Err(CronMistake::TooOften { after_ms });
            }
            last = next;
        }
        Ok(times)
    }

    /// Of a schedule that was read before; nothing if this version cannot read it.
    pub fn of(schedule: &Schedule) -> Option<Self> {
        let zone = TimeZone::get(&schedule.zone).ok()?;
        Self::read(&schedule.cron, zone).ok()
    }

    /// The first time after `at` (milliseconds since the Unix epoch). A local time that does not exist is due right after the gap, and
    /// one that exists twice is due once.
    pub fn after(&self, at: i64) -> Option<i64> {
        let at = Timestamp::from_millisecond(at).ok()?.to_zoned(self.zone.clone());
        let next = self.cron.find_next_occurrence(&at, false).ok()?;
        Some(next.timestamp().as_millisecond())
    }

    /// How many times there were after `from` and until `until`, at most `MISSED_MAX`.
    pub fn count(&self, from: i64, until: i64) -> usize {
        let mut at = from;
        let mut count = 0;
        while count < MISSED_MAX {
            match self.after(at).filter(|next| *next <= until) {
                Some(next) => at = next,
                None => break,
            }
            count = count.saturating_add(1);
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(cron: &str, zone: &str) -> Result<Times, CronMistake> {
        Times::read(cron, TimeZone::get(zone).unwrap())
    }

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    fn from(cron: &str, zone: &str, start: &str, count: usize) -> String {
        let times = times(cron, zone).unwrap();
        let mut at = at(start);
        let mut lines = Vec::new();
        for _ in 0..count {
            at = times.after(at).unwrap();
            lines.push(Timestamp::from_millisecond(at).unwrap().to_string());
        }
        lines.join(" ")
    }

    #[test]
    fn times_are_those_of_the_zone() {
        assert_eq!(
            from("0 9 * * mon", "Europe/Berlin", "2026-03-20T00:00:00Z", 3),
            "2026-03-23T08:00:00Z 2026-03-30T07:00:00Z 2026-04-06T07:00:00Z"
        );
        assert_eq!(from("@monthly", "UTC", "2026-03-20T00:00:00Z", 1), "2026-04-01T00:00:00Z");
        assert_eq!(from("0 17 * * fri#L", "UTC", "2026-03-20T00:00:00Z", 1), "2026-03-27T17:00:00Z");
        assert_eq!(from("0 0 29 2 *", "UTC", "2026-03-20T00:00:00Z", 1), "2028-02-29T00:00:00Z");
    }

    #[test]
    fn a_local_time_that_does_not_exist_is_due_right_after_and_one_that_exists_twice_once() {
        // 2026-03-29, 02:00 is 03:00; 2026-10-25, 03:00 is 02:00.
        assert_eq!(
            from("30 2 * * *", "Europe/Berlin", "2026-03-27T12:00:00Z", 3),
            "2026-03-28T01:30:00Z 2026-03-29T01:00:00Z 2026-03-30T00:30:00Z"
        );
        assert_eq!(
            from("30 2 * * *", "Europe/Berlin", "2026-10-24T00:00:00Z", 3),
            "2026-10-24T00:30:00Z 2026-10-25T00:30:00Z 2026-10-26T01:30:00Z"
        );
        // New York, 2026-11-01: 02:00 is 01:00.
        assert_eq!(
            from("15 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", 2),
            "2026-11-01T05:15:00Z 2026-11-02T06:15:00Z"
        );
    }

    #[test]
    fn what_is_no_line_never_due_or_always_due_is_told() {
        let told: Vec<String> = [
            "0 9 * * mon",
            "*/5 * * * *",
            "0 0 31 2 *",
            "* 9 * * mon",
            "0,3 9 * * *",
            "59 23 * * *",
            "0 0 9 * * mon",
            "0 25 * * *",
            "0 9 * * someday",
            "tomorrow",
            "",
        ]
        .iter()
        .map(|line| times(line, "UTC").map_or_else(|error| error.to_string(), |_| "fine".to_owned()))
        .collect();
        insta::assert_snapshot!(told.join("\n"), @"
        fine
        fine
        it is never due
        it is due again after 1 minutes
        it is due again after 3 minutes
        fine
        Invalid pattern: Pattern must have 5 fields when seconds are disallowed.
        Component error: Number out of bounds.
        Pattern contains illegal characters: CronPattern contains illegal character 'S' in part 'SOMEDAY'
        Invalid pattern: Pattern must have 5 fields when seconds are disallowed.
        CronPattern cannot be an empty string.
        ");
    }

    #[test]
    fn what_was_missed_is_counted() {
        let times = times("0 9 * * *", "UTC").unwrap();
        assert_eq!(times.count(at("2026-03-01T09:00:00Z"), at("2026-03-01T09:00:00Z")), 0);
        assert_eq!(times.count(at("2026-03-01T09:00:00Z"), at("2026-03-04T08:59:59Z")), 2);
        assert_eq!(times.count(at("2026-03-01T09:00:00Z"), at("2026-03-04T09:00:00Z")), 3);
        assert_eq!(times.count(0, at("2026-03-04T09:00:00Z")), MISSED_MAX);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[*/0-9a-zL#@, ?-]{0,30}") {
            let _ = times(&text, "Europe/Berlin");
        }

        #[test]
        fn the_next_time_is_later_and_far_enough(start in 1_700_000_000_000_i64..2_000_000_000_000, minute in 0..60, hour in 0..24) {
            let times = times(&format!("{minute} {hour} * * *"), "America/New_York").unwrap();
            let next = times.after(start).unwrap();
            proptest::prop_assert!(next > start);
            let second = times.after(next).unwrap();
            // A day, or one of 23 or 25 hours, or two of a gap and what follows.
            proptest::prop_assert!((22 * 3_600_000..=26 * 3_600_000).contains(&(second - next)), "{}", second - next);
        }
    }
}
