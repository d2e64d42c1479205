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

    /// Reads what was typed in a chat, where it is text and no address: `%` that begins no escape is a percent sign, and `#` is
    /// part of what stands there.
    pub fn read_text(text: &str) -> Option<Self> {
        let is_escape = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
        let mut address = String::with_capacity(text.len());
        for (at, character) in text.char_indices() {
            match character {
                '%' if !text.get(at + 1..).is_some_and(is_escape) => address.push_str("%25"),
                '#' => address.push_str("%23"),
                other => address.push(other),
            }
        }
        // `%ff` is an escape and no text.
        Self::read(&address).or_else(|| Self::read(&text.replace('%', "%25").replace('#', "%23")))
    }

    /// As it would be typed, the name spelled `short`. Read again it is the same, and an address may end in it.
    pub fn show(&self, short: &str) -> String {
        let mut text = escaped(short, |c| "-._~!$&'()*+,;=:@".contains(c));
        if !self.path.is_empty() {
            text = format!("{text}/{}", escaped(&self.path, |c| "-._~!$&'()*+,;=:@/".contains(c)));
        }
        if !self.query.is_empty() {
            // It was never unescaped, so its escapes stay.
            text = format!("{text}?{}", escaped(&self.query, |c| "-._~!$&'()*+,;=:@/?%[]".contains(c)));
        }
        text
    }
}

/// Letters and digits of every alphabet stay readable; what else is not `plain` is escaped.
fn escaped(text: &str, plain: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_alphanumeric() || plain(character) {
            out.push(character);
        } else {
            let mut bytes = [0; 4];
            character.encode_utf8(&mut bytes).bytes().for_each(|byte| out.push_str(&format!("%{byte:02X}")));
        }
    }
    out
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
        for (text, path) in [
            ("q/100%", "100%"),
            ("q/c#", "c#"),
            ("q/a%20b", "a b"),
            ("q/%zz", "%zz"),
            ("q/%ff", "%ff"),
            ("q/50%25", "50%"),
        ] {
            let typed = Typed::read_text(text).expect("every text can be read");
            assert_eq!((typed.short.as_str(), typed.path.as_str()), ("q", path), "{text}");
            assert_eq!(Typed::read_text(&typed.show("q")).as_ref(), Some(&typed), "{text}");
        }
        assert_eq!(Typed::read_text("q?x=100%").map(|typed| typed.query).as_deref(), Some("x=100%25"));
        assert_eq!(Typed::read("who/%zz"), None);
        assert_eq!(Typed::read("who/%ff"), None);
        assert_eq!(Typed::read("who/a?b").expect("it can be read").show("Who"), "Who/a?b");
    }

    proptest::proptest! {
        #[test]
        fn what_is_shown_is_read_as_the_same(text in "[a-z]{1,5}/[\\PC%?#/]{0,20}(\\?[\\PC]{0,20})?") {
            if let Some(typed) = Typed::read(&text) {
                let shown = typed.show(&typed.short);
                let again = Typed::read(&shown).expect("what is shown can be read");
                assert_eq!((&again.short, &again.path), (&typed.short, &typed.path), "{text} {shown}");
                assert_eq!(again.show(&again.short), shown);
                assert!(!shown.contains(|c: char| c.is_whitespace() || "<>|\"#".contains(c)), "{shown}");
            }
        }
    }
}
