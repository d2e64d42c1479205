//! What becomes of a paste: given what is kept of it now, what is to be kept, done and logged. Nothing else decides this.

use super::{Author, DRAFT_KEPT_MS, Deletion, Draft, Paste, PasteEvent, PasteId, PasteRefusal, Posting};
use crate::effect::{Due, Effect};
use crate::id::RequestId;

/// A text that is to be posted is kept for so long, whatever keeps tclip from taking it.
const POSTING_KEPT_MS: i64 = 24 * 3_600_000;
/// Whether a post that was not answered stands there is looked for after this.
const DOUBT_PAUSE_MS: i64 = 5_000;

/// What somebody, a step or the clock wants of a paste.
#[derive(Debug)]
pub enum Wish {
    /// A new paste, here; forgets the draft that it was.
    Keep {
        /// What.
        paste: Paste,
        /// Its text.
        content: String,
        /// The draft.
        draft: Option<PasteId>,
    },
    /// A text waits for a second click.
    Draft {
        /// Which.
        draft: Draft,
    },
    /// Forget that text.
    Discard {
        /// Which.
        id: PasteId,
    },
    /// A text is to be posted to a tclip.
    Post {
        /// What.
        posting: Posting,
        /// Its text.
        content: String,
    },
    /// It stands there.
    Posted {
        /// What was to be posted.
        posting: Posting,
        /// What it became.
        paste: Paste,
    },
    /// It may stand there. Its author has the text back.
    Doubted {
        /// What was to be posted.
        posting: Posting,
        /// Why that is not known.
        why: String,
    },
    /// It does not stand there.
    NotPosted {
        /// What was to be posted.
        posting: Posting,
        /// Why not.
        why: String,
        /// Its author finds the text in a draft.
        is_draft: bool,
    },
    /// Its author deletes it.
    Delete {
        /// Which.
        id: PasteId,
        /// Who.
        who: Author,
    },
    /// Its author wants it deleted at tclip.
    AskDelete {
        /// What.
        deletion: Deletion,
    },
    /// It was deleted there.
    Deleted {
        /// What was wanted.
        deletion: Deletion,
    },
    /// It was not.
    NotDeleted {
        /// What was wanted.
        deletion: Deletion,
        /// Why not.
        why: String,
    },
    /// A step holds it: made if it is not there yet, and said to those it is new to.
    Hold {
        /// What.
        paste: Paste,
        /// Its text; empty if it stands at a tclip.
        content: String,
        /// Who holds it since now.
        new: Vec<RequestId>,
    },
    /// The step let go of it.
    LetGo {
        /// Which.
        id: PasteId,
    },
    /// Its time may be up.
    Expire {
        /// Which.
        id: PasteId,
    },
}

/// What is kept now.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'k> {
    /// The paste of that id.
    pub paste: Option<&'k Paste>,
    /// When the draft ends that it is made of, if there is one.
    pub draft_ends_at: Option<i64>,
}

/// A change of what is kept.
#[derive(Debug, PartialEq, Eq)]
pub enum Row<'w> {
    /// A new paste.
    Insert(&'w Paste, &'w str),
    /// A new draft.
    InsertDraft(Draft),
    /// A draft ends at another time.
    KeepDraft(&'w PasteId, i64),
    /// No paste and no draft of this id.
    Remove(&'w PasteId),
}

/// What is to be kept, done and logged.
#[derive(Debug)]
pub struct Decided<'w> {
    /// What it is about from now on.
    pub about: &'w PasteId,
    /// What changes.
    pub rows: Vec<Row<'w>>,
    /// What is to be done.
    pub effects: Vec<Due>,
    /// What the log says.
    pub event: PasteEvent,
    /// What it is after it.
    pub state: &'static str,
    /// The paste as it is now, if there is one to show.
    pub paste: Option<&'w Paste>,
}

impl Wish {
    /// Of which paste and of which draft it must be known what is kept.
    pub fn looks_at(&self) -> (&PasteId, &PasteId) {
        match self {
            Self::Keep { paste, draft, .. } => (&paste.id, draft.as_ref().unwrap_or(&paste.id)),
            Self::Draft { draft } => (&draft.id, &draft.id),
            Self::Post { posting, .. }
            | Self::Posted { posting, .. }
            | Self::Doubted { posting, .. }
            | Self::NotPosted { posting, .. } => (&posting.id, &posting.id),
            Self::AskDelete { deletion } | Self::Deleted { deletion } | Self::NotDeleted { deletion, .. } => {
                (&deletion.paste.id, &deletion.paste.id)
            }
            Self::Hold { paste, .. } => (&paste.id, &paste.id),
            Self::Discard { id } | Self::Delete { id, .. } | Self::LetGo { id } | Self::Expire { id } => (id, id),
        }
    }
}

/// What becomes of it; nothing if there is nothing to do.
///
/// # Errors
/// Refused; nothing changes then.
pub fn decide<'w>(wish: &'w Wish, known: Known<'_>, now: i64) -> Result<Option<Decided<'w>>, PasteRefusal> {
    let simple = |about: &'w PasteId, rows: Vec<Row<'w>>, event: PasteEvent, state: &'static str| {
        Ok(Some(Decided { about, rows, effects: Vec::new(), event, state, paste: None }))
    };
    let is_draft_there = known.draft_ends_at.is_some_and(|end| now < end);
    match wish {
        Wish::Keep { paste, content, draft } => {
            // Sent or thrown away in the meantime.
            if draft.is_some() && !is_draft_there {
                return Err(PasteRefusal::Gone);
            }
            let rows = draft.iter().map(Row::Remove).chain([Row::Insert(paste, content)]).collect();
            Ok(Some(kept(paste, rows, pasted(paste))))
        }
        Wish::Draft { draft } => {
            simple(&draft.id, vec![Row::InsertDraft(draft.clone())], PasteEvent::PasteDrafted, "draft")
        }
        Wish::Discard { id } => simple(id, vec![Row::Remove(id)], PasteEvent::PasteDraftDiscarded, "gone"),
        Wish::Post { posting, content } => post(posting, content, is_draft_there, now).map(Some),
        Wish::Posted { posting, paste } => {
            Ok(Some(kept(paste, vec![Row::Remove(&posting.id), Row::Insert(paste, "")], pasted(paste))))
        }
        Wish::Doubted { posting, why } => {
            let again = Posting { is_returned: true, ..posting.clone() };
            let look =
                Due { at: now.saturating_add(DOUBT_PAUSE_MS), effect: Effect::PostPaste { posting: Box::new(again) } };
            let event = PasteEvent::PasteInDoubt { why: why.clone() };
            let mut decided = about(&posting.id, event, "asked of tclip");
            decided.effects.push(look);
            Ok(Some(decided))
        }
        Wish::NotPosted { posting, why, is_draft } => {
            let (row, state) = match is_draft {
                true => (Row::KeepDraft(&posting.id, now.saturating_add(DRAFT_KEPT_MS)), "draft"),
                false => (Row::Remove(&posting.id), "gone"),
            };
            simple(&posting.id, vec![row], PasteEvent::PasteNotSent { why: why.clone() }, state)
        }
        Wish::Delete { id, who } => {
            known.paste.ok_or(PasteRefusal::Gone)?.check_delete(who, now)?;
            let event = PasteEvent::PasteDeleted { by: who.clone(), filename: None, place: None };
            simple(id, vec![Row::Remove(id)], event, "gone")
        }
        Wish::AskDelete { deletion } => ask_delete(deletion, known, now).map(Some),
        Wish::Deleted { deletion: Deletion { paste, who, is_known } } => {
            let (filename, place) = (Some(paste.filename.clone()), Some(paste.place.clone()));
            let (filename, place) = if *is_known { (None, None) } else { (filename, place) };
            let event = PasteEvent::PasteDeleted { by: who.clone(), filename, place };
            simple(&paste.id, vec![Row::Remove(&paste.id)], event, "gone")
        }
        Wish::NotDeleted { deletion, why } => {
            simple(&deletion.paste.id, Vec::new(), PasteEvent::PasteNotDeleted { why: why.clone() }, "kept")
        }
        Wish::Hold { paste, content, new } => Ok(hold(paste, content, new, known)),
        Wish::LetGo { id } if known.paste.is_some() => {
            simple(id, vec![Row::Remove(id)], PasteEvent::PasteLetGo, "gone")
        }
        Wish::LetGo { .. } => Ok(None),
        Wish::Expire { id } => {
            // What was given a later end in the meantime stays; that it ends then is in the outbox.
            let end = known.paste.map_or(known.draft_ends_at, |paste| paste.expires_at);
            match end {
                Some(end) if end <= now => simple(id, vec![Row::Remove(id)], PasteEvent::PasteExpired, "gone"),
                _ => Ok(None),
            }
        }
    }
}

fn about<'w>(about: &'w PasteId, event: PasteEvent, state: &'static str) -> Decided<'w> {
    Decided { about, rows: Vec::new(), effects: Vec::new(), event, state, paste: None }
}

fn kept<'w>(paste: &'w Paste, rows: Vec<Row<'w>>, event: PasteEvent) -> Decided<'w> {
    Decided { rows, paste: Some(paste), ..about(&paste.id, event, "kept") }
}

fn pasted(paste: &Paste) -> PasteEvent {
    PasteEvent::Pasted {
        filename: paste.filename.clone(),
        size_bytes: paste.size_bytes,
        author: paste.author.clone(),
        expires_at: paste.expires_at,
        place: paste.place.clone(),
    }
}

/// The text is kept until it is known whether it stands at the tclip.
fn post<'w>(posting: &'w Posting, content: &str, is_draft_there: bool, now: i64) -> Result<Decided<'w>, PasteRefusal> {
    if posting.was_draft && !is_draft_there {
        return Err(PasteRefusal::Gone);
    }
    let until = now.saturating_add(POSTING_KEPT_MS);
    let row = match posting.was_draft {
        true => Row::KeepDraft(&posting.id, until),
        false => Row::InsertDraft(posting.as_draft(content, until)),
    };
    let event = PasteEvent::PasteAsked {
        filename: posting.filename.clone(),
        size_bytes: posting.size_bytes,
        author: posting.author.clone(),
    };
    let effects = vec![Due { at: now, effect: Effect::PostPaste { posting: Box::new(posting.clone()) } }];
    Ok(Decided { rows: vec![row], effects, ..about(&posting.id, event, "asked of tclip") })
}

fn ask_delete<'w>(deletion: &'w Deletion, known: Known<'_>, now: i64) -> Result<Decided<'w>, PasteRefusal> {
    let Deletion { paste, who, is_known } = deletion;
    if *is_known {
        known.paste.ok_or(PasteRefusal::Gone)?.check_delete(who, now)?;
    }
    let event = PasteEvent::PasteDeletionAsked {
        by: who.clone(),
        filename: paste.filename.clone(),
        place: paste.place.clone(),
    };
    let effects = vec![Due { at: now, effect: Effect::DeletePaste { deletion: Box::new(deletion.clone()) } }];
    Ok(Decided { effects, ..about(&paste.id, event, "asked of tclip") })
}

/// How long it is held is in the ledger, and nowhere else.
fn hold<'w>(paste: &'w Paste, content: &'w str, new: &[RequestId], known: Known<'_>) -> Option<Decided<'w>> {
    match known.paste {
        None => Some(kept(paste, vec![Row::Insert(paste, content)], pasted(paste))),
        Some(_) if new.is_empty() => None,
        Some(_) => Some(kept(paste, Vec::new(), PasteEvent::PasteHeld { new: new.to_vec() })),
    }
}

#[cfg(test)]
mod tests;
