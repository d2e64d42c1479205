//! A time of the week in a zone, like `mon-fri 08:00-18:00 Europe/Berlin`, and the calendar day that a moment belongs to.

use std::fmt;

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

const DAY_MINUTES: u16 = 24 * 60;
/// Without a zone of its own.
pub const UTC: &str = "UTC";

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Day {
    /// The whole week.
    pub const ALL: [Self; 7] = [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];

    /// As written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mon => "mon",
            Self::Tue => "tue",
            Self::Wed => "wed",
            Self::Thu => "thu",
            Self::Fri => "fri",
            Self::Sat => "sat",
            Self::Sun => "sun",
        }
    }

    fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|day| day.word() == word)
    }

    fn of(day: Weekday) -> Self {
        match day {
            Weekday::Monday => Self::Mon,
            Weekday::Tuesday => Self::Tue,
            Weekday::Wednesday => Self::Wed,
            Weekday::Thursday => Self::Thu,
            Weekday::Friday => Self::Fri,
            Weekday::Saturday => Self::Sat,
            Weekday::Sunday => Self::Sun,
        }
    }

    /// From the first to the last, over the end of the week if need be.
    fn span(first: Self, last: Self) -> Vec<Self> {
        let from = Self::ALL.into_iter().cycle().skip_while(|day| *day != first);
        let mut days: Vec<Self> = Vec::new();
        for day in from.take(Self::ALL.len()) {
            days.push(day);
            if day == last {
                break;
            }
        }
        days.sort_unstable();
        days
    }
}

/// Some hours of some days of the week. Where they run over midnight, the days are those on which they begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// On which days it begins, in the order of the week. Never empty.
    pub days: Vec<Day>,
    /// The first minute of it, since midnight.
    pub from: u16,
    /// The first minute after it, since midnight; not after `from` where it runs over midnight. 1440 is the end of the day.
    pub to: u16,
    /// The zone whose clocks show these times, by its IANA name.
    pub zone: String,
}

/// Why a text is no window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// A word that is neither days, nor times, nor a zone.
    #[error("`{0}` is neither days (mon-fri), nor times (08:00-18:00), nor a time zone (Europe/Berlin)")]
    Word(String),
    /// Two words for one thing.
    #[error("it says twice {0}")]
    Twice(&'static str),
    /// It ends when it begins.
    #[error("it begins and ends at {0}; leave the times out for the whole day")]
    NoTime(String),
    /// Only a zone is said.
    #[error("it says only a time zone; say days, times or both")]
    OnlyZone,
    /// Nothing is said.
    #[error("it is empty")]
    Empty,
}

impl Window {
    /// Reads `mon-fri 08:00-18:00 Europe/Berlin`. What is left out is every day, the whole day, and UTC.
    ///
    /// # Errors
    /// What cannot be read, in words.
    pub fn parse(text: &str) -> Result<Self, WindowError> {
        let (mut days, mut times, mut zone) = (None, None, None);
        for word in text.split_whitespace() {
            if let Some(found) = days_of(word) {
                set(&mut days, found, "on which days")?;
            } else if let Some(found) = times_of(word) {
                set(&mut times, found, "at what time")?;
            } else if let Some(found) = zone_named(word) {
                set(&mut zone, found, "in which zone")?;
            } else {
                return Err(WindowError::Word(word.chars().take(40).collect()));
            }
        }
        if days.is_none() && times.is_none() {
            return Err(if zone.is_some() { WindowError::OnlyZone } else { WindowError::Empty });
        }
        let (from, to) = times.unwrap_or((0, DAY_MINUTES));
        if from == to {
            return Err(WindowError::NoTime(clock(from)));
        }
        let days = days.unwrap_or_else(|| Day::ALL.to_vec());
        Ok(Self { days, from, to, zone: zone.unwrap_or_else(|| UTC.to_owned()) })
    }

    /// Whether it is on at this moment (milliseconds since the Unix epoch), by the clocks of its zone. Never in a zone that is not known.
    pub fn holds(&self, at: i64) -> bool {
        let Some(local) = zone_of(&self.zone).and_then(|zone| Some(instant(at)?.to_zoned(zone).datetime())) else {
            return false;
        };
        let minute = u16::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).unwrap_or(u16::MAX);
        let begins_on = |date: Date| self.days.contains(&Day::of(date.weekday()));
        if self.from < self.to {
            return begins_on(local.date()) && (self.from..self.to).contains(&minute);
        }
        let yesterday = local.date().checked_sub(1.day()).ok();
        (begins_on(local.date()) && minute >= self.from) || (yesterday.is_some_and(begins_on) && minute < self.to)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut words = Vec::new();
        let is_all_day = self.from == 0 && self.to == DAY_MINUTES;
        match self.days.as_slice() {
            days if days.len() == Day::ALL.len() && !is_all_day => {}
            [first, .., last] if Day::span(*first, *last) == self.days => {
                words.push(format!("{}-{}", first.word(), last.word()));
            }
            days => words.push(days.iter().map(|day| day.word()).collect::<Vec<_>>().join(",")),
        }
        if !is_all_day {
            words.push(format!("{}-{}", clock(self.from), clock(self.to)));
        }
        words.push(self.zone.clone());
        f.write_str(&words.join(" "))
    }
}

/// The whole calendar day of that zone in which this moment lies: its beginning, and that of the next one. Some days have 23 hours, some 25.
/// In a zone that is not known, the day of UTC.
pub fn day_around(zone: &str, at: i64) -> (i64, i64) {
    let zone = zone_of(zone).unwrap_or(TimeZone::UTC);
    let found = instant(at).and_then(|now| {
        let today = now.to_zoned(zone.clone()).date();
        let start = |date: Date| date.to_zoned(zone.clone()).ok().map(|at| at.timestamp().as_millisecond());
        Some((start(today)?, start(today.tomorrow().ok()?)?))
    });
    found.unwrap_or((at, at))
}

/// The name of a time zone as it is usually written, if there is one of that name.
pub fn zone_named(word: &str) -> Option<String> {
    if word.eq_ignore_ascii_case(UTC) {
        return Some(UTC.to_owned());
    }
    // Names have a continent and a slash; words like `MST` are more often mistakes.
    if !word.contains('/') {
        return None;
    }
    zone_of(word)?.iana_name().map(str::to_owned)
}

/// Every time zone that is known, by name.
pub fn zones() -> Vec<String> {
    let named = jiff::tz::db().available().map(|name| name.as_str().to_owned());
    named.filter(|name| name.contains('/')).collect()
}

fn zone_of(name: &str) -> Option<TimeZone> {
    if name == UTC { Some(TimeZone::UTC) } else { TimeZone::get(name).ok() }
}

fn instant(at: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(at).ok()
}

fn set<T>(place: &mut Option<T>, found: T, what: &'static str) -> Result<(), WindowError> {
    match place.replace(found) {
        None => Ok(()),
        Some(_) => Err(WindowError::Twice(what)),
    }
}

/// `mon-fri`, `sat,sun` or `mon`.
fn days_of(word: &str) -> Option<Vec<Day>> {
    let word = word.to_ascii_lowercase();
    let mut days = Vec::new();
    for part in word.split(',') {
        match part.split_once('-') {
            Some((first, last)) => days.extend(Day::span(Day::read(first)?, Day::read(last)?)),
            None => days.push(Day::read(part)?),
        }
    }
    days.sort_unstable();
    days.dedup();
    Some(days)
}

/// `08:00-18:00`; `24:00` is the end of the day.
fn times_of(word: &str) -> Option<(u16, u16)> {
    let (from, to) = word.split_once('-')?;
    let (from, to) = (minute_of(from)?, minute_of(to)?);
    Some((if from == DAY_MINUTES { 0 } else { from }, if to == 0 { DAY_MINUTES } else { to }))
}

fn minute_of(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let is_number =
        |text: &str, least: usize| text.len() >= least && text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(hour, 1) || !is_number(minute, 2) {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    let all = hour.checked_mul(60)?.checked_add(minute)?;
    (minute < 60 && all <= DAY_MINUTES).then_some(all)
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn windows_are_written_in_one_way_however_they_are_typed() {
        for (typed, written) in [
            ("mon-fri 08:00-18:00 Europe/Berlin", "mon-fri 08:00-18:00 Europe/Berlin"),
            ("MON-FRI 8:00-18:00 europe/berlin", "mon-fri 08:00-18:00 Europe/Berlin"),
            ("22:00-06:00", "22:00-06:00 UTC"),
            ("sat,sun utc", "sat-sun UTC"),
            ("mon,wed,fri 09:30-10:00", "mon,wed,fri 09:30-10:00 UTC"),
            ("fri-mon", "mon,fri,sat,sun UTC"),
            ("Asia/Tokyo 00:00-24:00 sun", "sun Asia/Tokyo"),
            ("mon 18:00-00:00", "mon 18:00-24:00 UTC"),
            ("mon-sun", "mon-sun UTC"),
        ] {
            let window = Window::parse(typed).unwrap_or_else(|why| panic!("{typed}: {why}"));
            assert_eq!(window.to_string(), written, "{typed}");
            assert_eq!(Window::parse(written), Ok(window.clone()), "{written}");
            let stored = serde_json::to_string(&window).unwrap();
            assert_eq!(serde_json::from_str::<Window>(&stored).unwrap(), window);
        }
    }

    #[test]
    fn what_is_no_window_is_told() {
        let told = |text: &str| Window::parse(text).map_or_else(|why| why.to_string(), |window| window.to_string());
        let lines = [
            "",
            "Europe/Berlin",
            "mon-fri 8-18",
            "mo-fr 08:00-18:00",
            "mon 25:00-26:00",
            "mon 08:00-08:00",
            "mon tue",
            "08:00-12:00 13:00-18:00",
            "mon Europe/Berln",
            "8:60-9:00",
            "mon MST",
        ];
        let lines: Vec<String> = lines.iter().map(|text| format!("{text}: {}", told(text))).collect();
        insta::assert_snapshot!(lines.join("\n"), @"
        : it is empty
        Europe/Berlin: it says only a time zone; say days, times or both
        mon-fri 8-18: `8-18` is neither days (mon-fri), nor times (08:00-18:00), nor a time zone (Europe/Berlin)
        mo-fr 08:00-18:00: `mo-fr` is neither days (mon-fri), nor times (08:00-18:00), nor a time zone (Europe/Berlin)
        mon 25:00-26:00: `25:00-26:00` is neither days (mon-fri), nor times (08:00-18:00), nor a time zone (Europe/Berlin)
        mon 08:00-08:00: it begins and ends at 08:00; leave the times out for the whole day
        mon tue: it says twice on which days
        08:00-12:00 13:00-18:00: it says twice at what time
        mon Europe/Berln: `Europe/Berln` is neither days (mon-fri), nor times (08:00-18:00), nor a time zone (Europe/Berlin)
        8:60-9:00: `8:60-9:00` is neither days (mon-fri), nor times (08:00-18:00), nor a time zone (Europe/Berlin)
        mon MST: `MST` is neither days (mon-fri), nor times (08:00-18:00), nor a time zone (Europe/Berlin)
        ");
    }

    #[test]
    fn a_window_holds_by_the_clocks_of_its_zone() {
        // Berlin went from 02:00 to 03:00 on 2026-03-29, and goes from 03:00 to 02:00 on 2026-10-25; both are Sundays.
        for (window, moment, holds) in [
            ("mon-fri 08:00-18:00 Europe/Berlin", "2026-03-27T07:00:00Z", true),
            ("mon-fri 08:00-18:00 Europe/Berlin", "2026-03-27T06:59:59Z", false),
            ("mon-fri 08:00-18:00 Europe/Berlin", "2026-03-27T17:00:00Z", false),
            ("mon-fri 08:00-18:00 Europe/Berlin", "2026-03-28T12:00:00Z", false),
            // An hour earlier by UTC in summer.
            ("mon-fri 08:00-18:00 Europe/Berlin", "2026-03-30T06:00:00Z", true),
            ("mon-fri 08:00-18:00 Europe/Berlin", "2026-03-30T05:59:59Z", false),
            ("mon-fri 08:00-18:00 Europe/Berlin", "2026-03-30T16:00:00Z", false),
            // Over midnight: the night that begins on Friday is Friday's, also on Saturday morning.
            ("mon-fri 22:00-06:00 Europe/Berlin", "2026-03-27T21:00:00Z", true),
            ("mon-fri 22:00-06:00 Europe/Berlin", "2026-03-28T04:59:59Z", true),
            ("mon-fri 22:00-06:00 Europe/Berlin", "2026-03-28T05:00:00Z", false),
            ("mon-fri 22:00-06:00 Europe/Berlin", "2026-03-28T22:00:00Z", false),
            ("mon-fri 22:00-06:00 Europe/Berlin", "2026-03-30T02:00:00Z", false),
            // The hour that is not there, and the one that is there twice.
            ("sun 02:00-03:00 Europe/Berlin", "2026-03-29T00:59:59Z", false),
            ("sun 02:00-03:00 Europe/Berlin", "2026-03-29T01:00:00Z", false),
            ("sun 02:30-04:00 Europe/Berlin", "2026-03-29T01:00:00Z", true),
            ("sun 02:00-03:00 Europe/Berlin", "2026-10-25T00:30:00Z", true),
            ("sun 02:00-03:00 Europe/Berlin", "2026-10-25T01:30:00Z", true),
            ("sun 02:00-03:00 Europe/Berlin", "2026-10-25T02:00:00Z", false),
            // Another day than in UTC.
            ("mon Asia/Tokyo", "2026-03-29T15:00:00Z", true),
            ("mon Asia/Tokyo", "2026-03-30T15:00:00Z", false),
            ("00:00-24:00", "2026-03-29T23:59:59Z", true),
            ("mon 18:00-24:00", "2026-03-31T00:00:00Z", false),
        ] {
            assert_eq!(Window::parse(window).unwrap().holds(at(moment)), holds, "{window} at {moment}");
        }
        let nowhere = Window { zone: "Mars/Olympus".to_owned(), ..Window::parse("mon-sun").unwrap() };
        assert!(!nowhere.holds(at("2026-03-27T07:00:00Z")), "nobody knows what time it is there");
    }

    #[test]
    fn days_begin_and_end_where_their_zone_says() {
        for (zone, moment, from, to) in [
            ("UTC", "2026-03-29T12:00:00Z", "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z"),
            ("Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
            ("Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
            ("Asia/Tokyo", "2026-03-29T15:00:00Z", "2026-03-29T15:00:00Z", "2026-03-30T15:00:00Z"),
            ("Mars/Olympus", "2026-03-29T12:00:00Z", "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z"),
        ] {
            assert_eq!(day_around(zone, at(moment)), (at(from), at(to)), "{zone} at {moment}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}", at in proptest::num::i64::ANY) {
            if let Ok(window) = Window::parse(&text) {
                let _ = window.holds(at);
                proptest::prop_assert_eq!(Window::parse(&window.to_string()), Ok(window));
            }
            let _ = day_around("Europe/Berlin", at);
        }
    }
}
