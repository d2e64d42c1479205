//! golink's snapshot: one JSON object a line. The same object is what golink answers to `create` and `detail`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Link;

/// A link the way golink writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Line {
    /// The name.
    pub short: String,
    /// Where it leads.
    #[serde(default)]
    pub long: String,
    /// RFC 3339.
    #[serde(default)]
    pub created: Option<Timestamp>,
    /// RFC 3339.
    #[serde(default)]
    pub last_edit: Option<Timestamp>,
    /// Login; empty: nobody's.
    #[serde(default)]
    pub owner: String,
}

impl Line {
    /// As golink would write this link: times in whole seconds.
    pub fn of(link: &Link) -> Self {
        let time = |at: i64| Timestamp::from_second(at.div_euclid(1000)).ok();
        Self {
            short: link.short.clone(),
            long: link.long.clone(),
            created: time(link.created_at),
            last_edit: time(link.edited_at),
            owner: link.owner.clone(),
        }
    }

    /// As it is kept here; a time that is missing is `now`.
    pub fn into_link(self, now: i64) -> Link {
        let at = |time: Option<Timestamp>| time.map_or(now, Timestamp::as_millisecond);
        let (created_at, edited_at) = (at(self.created), at(self.last_edit));
        Link { short: self.short, long: self.long, owner: self.owner, created_at, edited_at }
    }

    /// The line as text, without its end.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_golink_are_read_and_written() {
        let text = r#"{"Short":"go","Long":"http://go","Created":"2022-05-31T13:04:44.741457796-07:00","LastEdit":"0001-01-01T00:00:00Z","Owner":"amelie@example.com","Clicks":1}"#;
        let link = serde_json::from_str::<Line>(text).expect("a line").into_link(0);
        assert_eq!((link.created_at, link.edited_at), (1_654_027_484_741, -62_135_596_800_000));
        let expected = r#"{"Short":"go","Long":"http://go","Created":"2022-05-31T20:04:44Z","LastEdit":"0001-01-01T00:00:00Z","Owner":"amelie@example.com"}"#;
        assert_eq!(Line::of(&link).to_text(), expected);
    }

    #[test]
    fn what_is_missing_in_a_line_is_filled_in() {
        let link = serde_json::from_str::<Line>(r#"{"Short":"a"}"#).expect("a line").into_link(7);
        assert_eq!(
            link,
            Link { short: "a".into(), long: String::new(), owner: String::new(), created_at: 7, edited_at: 7 }
        );
        assert!(serde_json::from_str::<Line>(r#"{"Long":"a"}"#).is_err());
    }
}
