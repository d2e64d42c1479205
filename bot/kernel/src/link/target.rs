//! What people type or click to follow a link: a name, what stands behind it, and a query.

use super::go_url::unescaped;

/// `name/path?query`, taken apart as golink does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typed {
    /// The name, unescaped.
    pub short: String,
    /// What stands behind the first slash, unescaped.
    pub path: String,
    /// What stands behind `?`, as it is.
    pub query: String,
}

impl Typed {
    /// Reads `name/path?query`; a slash in front and a fragment behind are dropped. Nothing if an escape is broken or what
    /// comes out is not UTF-8.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.strip_prefix('/').unwrap_or(text);
        let text = text.split_once('#').map_or(text, |(before, _)| before);
        let (place, query) = text.split_once('?').unwrap_or((text, ""));
        let place = unescaped(place)?;
        let (short, path) = place.split_once('/').unwrap_or((&place, ""));
        Some(Self { short: short.to_owned(), path: path.to_owned(), query: query.to_owned() })
    }

    /// As it would be typed, the name spelled `short`.
    pub fn show(&self, short: &str) -> String {
        let mut text = short.to_owned();
        if !self.path.is_empty() {
            text = format!("{text}/{}", self.path);
        }
        if !self.query.is_empty() {
            text = format!("{text}?{}", self.query);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_taken_apart_as_golink_takes_it_apart() {
        for (text, short, path, query) in [
            ("who", "who", "", ""),
            ("/who/amelie/x", "who", "amelie/x", ""),
            ("who/http://host?a=b?c", "who", "http://host", "a=b?c"),
            ("who/a%2Fb%20c?x=%20#top", "who", "a/b c", "x=%20"),
            ("who%2Fx", "who", "x", ""),
            ("who?", "who", "", ""),
            ("", "", "", ""),
        ] {
            let typed = Typed::read(text).expect("it can be read");
            assert_eq!(
                (typed.short.as_str(), typed.path.as_str(), typed.query.as_str()),
                (short, path, query),
                "{text}"
            );
        }
        assert_eq!(Typed::read("who/%zz"), None);
        assert_eq!(Typed::read("who/%ff"), None);
        assert_eq!(Typed::read("who/a?b").expect("it can be read").show("Who"), "Who/a?b");
    }
}
