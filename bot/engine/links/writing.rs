//! What the writer does with links: the rules on the rows as the transaction sees them, the change, and the audit entry.

use std::sync::Arc;

use super::Place;
use crate::engine::Engine;
use crate::engine::circumstances::Circumstances;
use crate::kernel::link::{
    self, Draft, Editor, Expect, KnownLogins, Link, LinkEvent, LinkId, LinkRefusal, without_punctuation,
};
use crate::store::{StoreError, Tx};

/// A change of a link.
pub(in crate::engine) enum LinkWork {
    /// Make or replace it.
    Save {
        /// What it shall be.
        draft: Draft,
        /// What the person saw.
        expect: Expect,
        /// Whose rights count.
        editor: Editor,
        /// Whom the tailnet knows.
        known: Arc<KnownLogins>,
    },
    /// Remove it.
    Delete {
        /// Any spelling.
        short: String,
        /// Whose rights count.
        editor: Editor,
        /// Whom the tailnet knows.
        known: Arc<KnownLogins>,
    },
}

/// What came of it.
pub(in crate::engine) enum LinkOutcome {
    /// It is as it was wanted; true: memory is right already.
    Saved(Link, bool),
    /// It is gone; this is what it was.
    Deleted(Link),
    /// The rules say no.
    Refused(LinkRefusal),
}

/// Applies the rules and writes what they say.
pub(in crate::engine) async fn write(
    tx: &mut Tx,
    work: &LinkWork,
    how: Circumstances<'_>,
) -> Result<LinkOutcome, StoreError> {
    let (short, editor) = match work {
        LinkWork::Save { draft, editor, .. } => (&draft.short, editor),
        LinkWork::Delete { short, editor, .. } => (short, editor),
    };
    let id = LinkId::of(short);
    let before = tx.link(&id).await?;
    let outcome = match work {
        LinkWork::Save { draft, expect, known, .. } => {
            let bare = tx.link(&LinkId::of(without_punctuation(short))).await?;
            match link::save(draft, expect, editor, (before.as_ref(), bare.as_ref(), known), how.now) {
                Ok(after) => LinkOutcome::Saved(after, false),
                Err(refusal) => LinkOutcome::Refused(refusal),
            }
        }
        LinkWork::Delete { known, .. } => match (link::delete(short, before.as_ref(), editor, known), &before) {
            (Ok(()), Some(before)) => LinkOutcome::Deleted(before.clone()),
            (Ok(()), None) => LinkOutcome::Refused(LinkRefusal::NoSuchLink { short: short.clone() }),
            (Err(refusal), _) => LinkOutcome::Refused(refusal),
        },
    };
    // Slack delivered it before: what it did then was this.
    let is_repeated = match how.delivery {
        Some(key) => tx.first_delivery(key, &(&id).into(), how.now).await?.is_some(),
        None => false,
    };
    if is_repeated {
        return Ok(match before {
            Some(link) => LinkOutcome::Saved(link, true),
            None => outcome,
        });
    }
    let (event, state) = match &outcome {
        LinkOutcome::Saved(after, _) => {
            tx.put_link(after).await?;
            let (editor, after) = (Some(editor.clone()), after.clone());
            (LinkEvent::LinkSaved { editor, before, after }, "saved")
        }
        LinkOutcome::Deleted(before) => {
            tx.delete_link(&id).await?;
            (LinkEvent::LinkDeleted { editor: editor.clone(), before: before.clone() }, "deleted")
        }
        LinkOutcome::Refused(_) => return Ok(outcome),
    };
    note(tx, &event, state, &how).await?;
    Ok(outcome)
}

/// Notes what happened to a link that stands elsewhere.
pub(in crate::engine) async fn note_saved(
    tx: &mut Tx,
    event: &LinkEvent,
    how: Circumstances<'_>,
) -> Result<(), StoreError> {
    note(tx, event, "saved at golink", &how).await
}

async fn note(tx: &mut Tx, event: &LinkEvent, state: &str, how: &Circumstances<'_>) -> Result<(), StoreError> {
    let id = match event {
        LinkEvent::LinkSaved { after, .. } => after.id(),
        LinkEvent::LinkDeleted { before, .. } => before.id(),
    };
    tx.note(&(&id).into(), how.actor, event, state, how.now).await
}

/// After the commit: memory follows, in the order of the commits.
pub(in crate::engine) fn committed(engine: &Engine, outcome: &LinkOutcome) {
    let Place::Here(shelf) = &engine.inner.links.place else { return };
    match outcome {
        LinkOutcome::Saved(link, false) => shelf.put(link.clone()),
        LinkOutcome::Deleted(link) => shelf.remove(&link.id()),
        LinkOutcome::Saved(_, true) | LinkOutcome::Refused(_) => {}
    }
}
