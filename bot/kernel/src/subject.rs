//! What something in the ring is about: to whom an effect, a delivery or an entry of the audit log belongs.

use std::fmt;

use crate::id::{Key, RequestId};
use crate::link::LinkId;
use crate::paste::PasteId;

/// What an effect, a delivery or an entry of the audit log is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// A request, also one that what was typed may still become.
    Request(RequestId),
    /// A key, whoever holds it.
    Key(Key),
    /// A go link.
    Link(LinkId),
    /// A paste, or a draft of one.
    Paste(PasteId),
    /// A workflow that starts by itself, by its name.
    Workflow(String),
    /// Nightlatch itself.
    House(House),
}

/// What of Nightlatch itself something is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum House {
    /// The audit log.
    Log,
    /// The machine's clock.
    Clock,
}

const KEY: &str = "key:";
const LINK: &str = "link:";
const PASTE: &str = "paste:";
const WORKFLOW: &str = "workflow:";

impl House {
    const ALL: [Self; 2] = [Self::Log, Self::Clock];

    fn stored(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Clock => "clock",
        }
    }
}

impl Subject {
    /// As it stands in columns; read again by `from_stored`.
    pub fn stored(&self) -> String {
        match self {
            Self::Request(id) => id.to_string(),
            Self::Key(key) => format!("{KEY}{key}"),
            Self::Link(id) => format!("{LINK}{id}"),
            Self::Paste(id) => format!("{PASTE}{id}"),
            Self::Workflow(name) => format!("{WORKFLOW}{name}"),
            Self::House(house) => house.stored().to_owned(),
        }
    }

    /// What was stored. Ids of requests are plain words, so whatever has no other name is one: if there is no such request, that
    /// is found when it is looked for.
    pub fn from_stored(text: &str) -> Self {
        let house = House::ALL.into_iter().find(|house| house.stored() == text).map(Self::House);
        let key = || text.strip_prefix(KEY).map(|key| Self::Key(Key::from_stored(key.to_owned())));
        let link = || text.strip_prefix(LINK).map(|id| Self::Link(LinkId::from_stored(id)));
        let paste = || text.strip_prefix(PASTE).and_then(PasteId::read).map(Self::Paste);
        let workflow = || text.strip_prefix(WORKFLOW).map(|name| Self::Workflow(name.to_owned()));
        house
            .or_else(key)
            .or_else(link)
            .or_else(paste)
            .or_else(workflow)
            .unwrap_or_else(|| Self::Request(RequestId(text.to_owned())))
    }

    /// The request, if it is one.
    pub fn request(&self) -> Option<&RequestId> {
        if let Self::Request(id) = self { Some(id) } else { None }
    }

    /// The paste, if it is one.
    pub fn paste(&self) -> Option<&PasteId> {
        if let Self::Paste(id) = self { Some(id) } else { None }
    }
}

impl From<&RequestId> for Subject {
    fn from(id: &RequestId) -> Self {
        Self::Request(id.clone())
    }
}

impl From<&Key> for Subject {
    fn from(key: &Key) -> Self {
        Self::Key(key.clone())
    }
}

impl From<&LinkId> for Subject {
    fn from(id: &LinkId) -> Self {
        Self::Link(id.clone())
    }
}

impl From<&PasteId> for Subject {
    fn from(id: &PasteId) -> Self {
        Self::Paste(id.clone())
    }
}

impl From<House> for Subject {
    fn from(house: House) -> Self {
        Self::House(house)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.stored())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_what_it_was_and_is_written_as_ever() {
        let paste = PasteId::read("0b9b23d8-5b1c-4a1e-9c43-7d6d2c1f0e5a").unwrap();
        for (subject, stored) in [
            (Subject::Request(RequestId("01kjmma2g000000001".to_owned())), "01kjmma2g000000001"),
            (Subject::from(&Key::new("tailscale.attribute", "n1 custom:a")), "key:tailscale.attribute n1 custom:a"),
            (Subject::from(&LinkId::of("Prod-Runbook")), "link:prodrunbook"),
            (Subject::from(&LinkId::of("odd name")), "link:odd%20name"),
            (Subject::from(&paste), "paste:0b9b23d8-5b1c-4a1e-9c43-7d6d2c1f0e5a"),
            (Subject::Workflow("weekly-review".to_owned()), "workflow:weekly-review"),
            (Subject::from(House::Log), "log"),
            (Subject::from(House::Clock), "clock"),
        ] {
            assert_eq!(subject.stored(), stored);
            assert_eq!(Subject::from_stored(stored), subject);
        }
        for house in House::ALL {
            assert_eq!(Subject::from_stored(house.stored()), Subject::House(house));
        }
        // Never one of ours: found to be no request when it is looked for.
        assert_eq!(Subject::from_stored("paste:latest").stored(), "paste:latest");
        assert_eq!(Subject::from_stored("").stored(), "");
    }

    proptest::proptest! {
        #[test]
        fn whatever_stands_in_a_column_is_written_as_it_was_read(text in "(key:|link:|paste:|workflow:|log|clock)?.{0,40}") {
            proptest::prop_assert_eq!(Subject::from_stored(&text).stored(), text);
        }
    }
}
