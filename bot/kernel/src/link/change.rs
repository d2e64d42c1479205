//! A change that a golink is asked for: allowed by the rules, saved, and then sent. What golink has since says what came of it.

use serde::{Deserialize, Serialize};

use super::{Editor, Link};

/// A change that a golink is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkChange {
    /// Names this change, so that two of one link are told apart.
    pub id: String,
    /// Whose rights counted.
    pub editor: Editor,
    /// What the link was when the rules looked at it.
    pub before: Option<Link>,
    /// What it shall be.
    pub wanted: Link,
}

/// What came of a change, as far as the link of now tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// It is as it was wanted.
    Done,
    /// It is as it was before.
    NotYet,
    /// Somebody made something else of it meanwhile.
    Overtaken,
}

impl LinkChange {
    /// What came of it, if this is the link now. golink writes its own times, so they say nothing.
    pub fn came(&self, now: Option<&Link>) -> Came {
        let is_wanted = |link: &Link| link.long == self.wanted.long && link.owner == self.wanted.owner;
        match now {
            Some(link) if is_wanted(link) => Came::Done,
            _ if now == self.before.as_ref() => Came::NotYet,
            _ => Came::Overtaken,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(long: &str, owner: &str, edited_at: i64) -> Link {
        Link { short: "wiki".to_owned(), long: long.to_owned(), owner: owner.to_owned(), created_at: 0, edited_at }
    }

    #[test]
    fn what_stands_there_now_says_what_came_of_a_change() {
        let editor = Editor { login: "alice@example.com".to_owned(), is_admin: false };
        let (old, new) = (link("http://old", "alice@example.com", 1), link("http://new", "alice@example.com", 2));
        let making = LinkChange { id: "1".to_owned(), editor, before: None, wanted: new.clone() };
        let changing = LinkChange { before: Some(old.clone()), ..making.clone() };
        let written = Link { edited_at: 9, ..new.clone() };
        for (change, now, came) in [
            (&making, Some(&written), Came::Done),
            (&making, None, Came::NotYet),
            (&making, Some(&old), Came::Overtaken),
            (&changing, Some(&written), Came::Done),
            (&changing, Some(&old), Came::NotYet),
            (&changing, None, Came::Overtaken),
            (&changing, Some(&link("http://new", "bob@example.com", 2)), Came::Overtaken),
            (&changing, Some(&Link { edited_at: 5, ..old.clone() }), Came::Overtaken),
        ] {
            assert_eq!(change.came(now), came, "{now:?}");
        }
    }
}
