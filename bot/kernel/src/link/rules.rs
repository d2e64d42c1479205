//! Who may change a link, and what a change leads to. Given fresh facts; nothing else may decide this.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use nightlatch_golink::{LONG_MAX, Link, LinkId, NameError, check, check_name, usable, without_punctuation};

use super::change::LinkChange;

/// Owner of what tagged devices make, in golink. Never a person, so such links are anybody's.
const TAGGED: &str = "tagged-devices";

/// Who changes a link: known to the tailnet, never what somebody typed or calls themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Editor {
    /// The tailnet login.
    pub login: String,
    /// Holds golink's admin capability for our own server.
    pub is_admin: bool,
}

/// What a link shall be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// The name.
    pub short: String,
    /// Where it shall lead.
    pub long: String,
    /// To whom it shall belong; none: to whoever saves it.
    pub owner: Option<String>,
}

/// What the person had before their eyes when they decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// Nothing in particular: golink's own create, which replaces.
    Anything,
    /// That there is no such link.
    New,
    /// The link with this fingerprint.
    As(String),
}

/// The logins the tailnet knows now, in lower case. A link whose owner is not among them is anybody's.
pub type KnownLogins = BTreeSet<String>;

/// Why a link was not changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "refusal", rename_all = "snake_case")]
pub enum LinkRefusal {
    /// The name.
    #[error("{why}")]
    Name {
        /// What is wrong with it.
        why: NameError,
    },
    /// No destination.
    #[error("a destination is missing")]
    NoDestination,
    /// The destination is longer than `LONG_MAX`.
    #[error("a destination has at most {LONG_MAX} bytes")]
    DestinationTooLong,
    /// The destination is a template that cannot be read.
    #[error("the destination is no good template: {why}")]
    Template {
        /// What is wrong with it.
        why: String,
    },
    /// The destination can never be followed.
    #[error("the destination leads nowhere: {why}")]
    Destination {
        /// What is wrong with it.
        why: String,
    },
    /// It is somebody else's.
    #[error("the link {short:?} belongs to {owner:?}")]
    NotYours {
        /// Its name, as its owner wrote it.
        short: String,
        /// Whose it is.
        owner: String,
    },
    /// The name is somebody else's with punctuation behind it, which people would reach by accident.
    #[error("{short:?} with punctuation behind it belongs to {owner:?} too")]
    Shadows {
        /// The name without the punctuation.
        short: String,
        /// Whose that is.
        owner: String,
    },
    /// The new owner is nobody the tailnet knows.
    #[error("the tailnet knows nobody called {login:?}")]
    NoSuchUser {
        /// As typed.
        login: String,
    },
    /// There is one already, and it is the editor's own.
    #[error("the link {:?} exists", link.short)]
    Exists {
        /// As it is now.
        link: Box<Link>,
    },
    /// It changed since it was shown.
    #[error("the link {:?} changed meanwhile", link.short)]
    Changed {
        /// As it is now.
        link: Box<Link>,
    },
    /// There is none, or none any more.
    #[error("there is no link {short:?}")]
    NoSuchLink {
        /// As asked for.
        short: String,
    },
}

/// What happened to a link; kept in the audit log as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum LinkEvent {
    /// It was made or changed.
    LinkSaved {
        /// Who did it; none: an import.
        editor: Option<Editor>,
        /// What it was before.
        before: Option<Link>,
        /// What it is now.
        after: Link,
    },
    /// It was removed.
    LinkDeleted {
        /// Who did it.
        editor: Editor,
        /// What it was.
        before: Link,
    },
    /// A golink is asked to make or change it.
    LinkAsked {
        /// What for.
        change: LinkChange,
    },
    /// golink did not, or nobody knows.
    LinkNotSaved {
        /// What was asked for.
        change: LinkChange,
        /// Why not.
        why: String,
    },
}

impl LinkEvent {
    /// Which link.
    pub fn id(&self) -> LinkId {
        match self {
            Self::LinkSaved { after, .. } => after.id(),
            Self::LinkDeleted { before, .. } => before.id(),
            Self::LinkAsked { change } | Self::LinkNotSaved { change, .. } => change.wanted.id(),
        }
    }
}

/// golink's rule: new links, links of nobody, links of people who are gone, one's own; and all of them for an admin.
/// Logins are compared without case: one that differs only in case is the same person and not one who is gone.
pub fn may_edit(link: Option<&Link>, editor: &Editor, known: &KnownLogins) -> Result<(), LinkRefusal> {
    let Some(link) = link else { return Ok(()) };
    let owner = link.owner.to_lowercase();
    let is_own = owner == editor.login.to_lowercase();
    if link.owner.is_empty() || is_own || editor.is_admin || owner == TAGGED || !known.contains(&owner) {
        return Ok(());
    }
    Err(LinkRefusal::NotYours { short: link.short.clone(), owner: link.owner.clone() })
}

/// The link as it becomes. `before` is the link of that name now, `bare` the one of the name without punctuation behind it.
pub fn save(
    draft: &Draft,
    expect: &Expect,
    editor: &Editor,
    facts: (Option<&Link>, Option<&Link>, &KnownLogins),
    now: i64,
) -> Result<Link, LinkRefusal> {
    let (before, bare, known) = facts;
    check_name(&draft.short).map_err(|why| LinkRefusal::Name { why })?;
    let long = check_destination(&draft.long)?;
    may_edit(before, editor, known)?;
    if before.is_none() && LinkId::of(without_punctuation(&draft.short)) != LinkId::of(&draft.short) {
        may_edit(bare, editor, known).map_err(|_| shadows(bare))?;
    }
    match (expect, before) {
        (Expect::New, Some(link)) => return Err(LinkRefusal::Exists { link: Box::new(link.clone()) }),
        (Expect::As(seen), Some(link)) if link.fingerprint() != *seen => {
            return Err(LinkRefusal::Changed { link: Box::new(link.clone()) });
        }
        (Expect::As(_), None) => return Err(LinkRefusal::NoSuchLink { short: draft.short.clone() }),
        _ => {}
    }
    let owner = match draft.owner.as_deref().map(str::trim).filter(|owner| !owner.is_empty()) {
        Some(owner) if owner.eq_ignore_ascii_case(&editor.login) => editor.login.clone(),
        Some(owner) if known.contains(&owner.to_lowercase()) => owner.to_owned(),
        Some(owner) => return Err(LinkRefusal::NoSuchUser { login: owner.to_owned() }),
        None => editor.login.clone(),
    };
    let created_at = before.map_or(now, |link| link.created_at);
    Ok(Link { short: draft.short.clone(), long: long.to_owned(), owner, created_at, edited_at: now })
}

/// The destination without what surrounds it, if it can be followed.
pub fn check_destination(long: &str) -> Result<&str, LinkRefusal> {
    let long = long.trim();
    if long.is_empty() {
        return Err(LinkRefusal::NoDestination);
    }
    if long.len() > LONG_MAX {
        return Err(LinkRefusal::DestinationTooLong);
    }
    check(long).map_err(|why| LinkRefusal::Template { why: why.to_string() })?;
    usable(long).map_err(|why| LinkRefusal::Destination { why })?;
    Ok(long)
}

fn shadows(bare: Option<&Link>) -> LinkRefusal {
    let (short, owner) = bare.map(|link| (link.short.clone(), link.owner.clone())).unwrap_or_default();
    LinkRefusal::Shadows { short, owner }
}

/// Whether this link may be removed now.
pub fn delete(short: &str, link: Option<&Link>, editor: &Editor, known: &KnownLogins) -> Result<(), LinkRefusal> {
    if link.is_none() {
        return Err(LinkRefusal::NoSuchLink { short: short.to_owned() });
    }
    may_edit(link, editor, known)
}
