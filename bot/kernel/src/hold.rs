//! Lengths of time as people write them: `45s`, `90m`, `2h`, `1h30m`, `3d`.

use jiff::fmt::friendly::{Designator, Spacing, SpanPrinter};
use jiff::{SignedDuration, Span, SpanRelativeTo};

/// The longest length of time a workflow may name: ten years would be standing access with extra steps.
pub const HOLD_MAX_MS: i64 = 366 * 24 * 60 * 60 * 1000;

/// Why a text is not a length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HoldError {
    /// Not written the way we read it.
    #[error("`{0}` is not a length of time; write it like 45s, 90m, 2h, 1h30m or 3d")]
    Unreadable(String),
    /// Months and years have no fixed length.
    #[error("months and years have no fixed length; write days, like 30d")]
    NoFixedLength,
    /// Zero or less.
    #[error("must be longer than zero")]
    NotPositive,
    /// More than `HOLD_MAX_MS`.
    #[error("must be at most 366d")]
    TooLong,
}

/// Reads a length of time; the result is in milliseconds and more than zero.
pub fn parse(text: &str) -> Result<i64, HoldError> {
    let text = text.trim();
    let unreadable = || HoldError::Unreadable(text.chars().take(40).collect());
    if text.len() > 64 || !text.starts_with(|first: char| first.is_ascii_digit() || first == 'P' || first == '-') {
        return Err(unreadable());
    }
    let span: Span = text.to_lowercase().parse().map_err(|_| unreadable())?;
    if span.get_months() != 0 || span.get_years() != 0 {
        return Err(HoldError::NoFixedLength);
    }
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| HoldError::TooLong)?;
    if length <= SignedDuration::ZERO {
        return Err(HoldError::NotPositive);
    }
    match i64::try_from(length.as_millis()) {
        Ok(0) => Err(HoldError::NotPositive),
        Ok(length_ms) if length_ms <= HOLD_MAX_MS => Ok(length_ms),
        _ => Err(HoldError::TooLong),
    }
}

/// Writes a length of time the way `parse` reads it, for example `1h30m`; under a second as `0s`.
pub fn show(length_ms: i64) -> String {
    let seconds = length_ms.max(0) / 1000;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let span = Span::new().days(days).hours(rest / 3_600).minutes(rest % 3_600 / 60).seconds(rest % 60);
    SpanPrinter::new().designator(Designator::Compact).spacing(Spacing::None).span_to_string(&span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_as_people_write_them() {
        for (text, ms) in [
            ("45s", 45_000),
            ("90m", 5_400_000),
            ("2h", 7_200_000),
            ("1h30m", 5_400_000),
            ("3d", 259_200_000),
            ("2H", 7_200_000),
            ("PT2H", 7_200_000),
        ] {
            assert_eq!(parse(text), Ok(ms), "{text}");
        }
    }

    #[test]
    fn what_is_no_length_of_time_is_refused_with_the_reason() {
        for text in ["", "2", "2x", "soon", "99999999999h", "invoice", "1h30", "٣h"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse("1mo"), Err(HoldError::NoFixedLength));
        assert_eq!(parse("0s"), Err(HoldError::NotPositive));
        assert_eq!(parse("-2h"), Err(HoldError::NotPositive));
        assert_eq!(parse("400d"), Err(HoldError::TooLong));
    }

    proptest::proptest! {
        #[test]
        fn what_is_shown_can_be_read_again(seconds in 1_i64..31_000_000) {
            assert_eq!(parse(&show(seconds * 1000)), Ok(seconds * 1000));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,80}") {
            let _ = parse(&text);
        }
    }
}
