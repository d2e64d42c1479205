//! What the writer does with links: the rules on the rows as the transaction sees them, the change, and the audit entry.

use std::sync::Arc;

use super::Place;
use crate::engine::Engine;
use crate::engine::circumstances::Circumstances;
use crate::kernel::effect::Effect;
use crate::kernel::link::{
    self, Draft, Editor, Expect, KnownLogins, Link, LinkChange, LinkEvent, LinkId, LinkRefusal, without_punctuation,
};
use crate::kernel::{Actor, Subject};
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
    /// Ask a golink to make or replace it.
    Ask {
        /// What it was and what it shall be.
        change: Box<LinkChange>,
        /// Who wants it.
        by: Actor,
    },
    /// What golink made of that.
    Came {
        /// What was asked for.
        change: Box<LinkChange>,
        /// The link now, or why it is not as it was wanted.
        came: Result<Link, String>,
        /// Said to whoever wanted it and does not wait any more.
        say: Option<Box<Effect>>,
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
    /// It is about a link at a golink.
    Noted,
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
        LinkWork::Ask { change, by } => return asked(tx, change, by, &how).await,
        LinkWork::Came { change, came, say } => return came_to(tx, change, (came, say.as_deref()), &how).await,
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
        LinkWork::Ask { .. } | LinkWork::Came { .. } => LinkOutcome::Noted,
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
        LinkOutcome::Refused(_) | LinkOutcome::Noted => return Ok(outcome),
    };
    note(tx, &event, state, &how).await?;
    Ok(outcome)
}

/// Saved before golink is called, so that no kill leaves a change without an entry.
async fn asked(
    tx: &mut Tx,
    change: &LinkChange,
    by: &Actor,
    how: &Circumstances<'_>,
) -> Result<LinkOutcome, StoreError> {
    note(tx, &LinkEvent::LinkAsked { change: change.clone() }, "asked of golink", how).await?;
    let effect = Effect::SaveLink { change: Box::new(change.clone()), by: by.clone() };
    tx.enqueue_for(&Subject::Link(change.wanted.id()), effect, how.now).await?;
    Ok(LinkOutcome::Noted)
}

async fn came_to(
    tx: &mut Tx,
    change: &LinkChange,
    (came, say): (&Result<Link, String>, Option<&Effect>),
    how: &Circumstances<'_>,
) -> Result<LinkOutcome, StoreError> {
    let (event, state) = match came {
        Ok(after) => {
            let (editor, before, after) = (Some(change.editor.clone()), change.before.clone(), after.clone());
            (LinkEvent::LinkSaved { editor, before, after }, "saved at golink")
        }
        Err(why) => (LinkEvent::LinkNotSaved { change: change.clone(), why: why.clone() }, "not saved at golink"),
    };
    note(tx, &event, state, how).await?;
    if let Some(say) = say {
        tx.enqueue_for(&Subject::Link(change.wanted.id()), say.clone(), how.now).await?;
    }
    Ok(LinkOutcome::Noted)
}

async fn note(tx: &mut Tx, event: &LinkEvent, state: &str, how: &Circumstances<'_>) -> Result<(), StoreError> {
    tx.note(&Subject::Link(event.id()), how.actor, event, state, how.now).await
}

/// After the commit: memory follows, in the order of the commits.
pub(in crate::engine) fn committed(engine: &Engine, outcome: &LinkOutcome) {
    let Place::Here(shelf) = &engine.inner.links.place else { return };
    match outcome {
        LinkOutcome::Saved(link, false) => shelf.put(link.clone()),
        LinkOutcome::Deleted(link) => shelf.remove(&link.id()),
        LinkOutcome::Saved(_, true) | LinkOutcome::Refused(_) | LinkOutcome::Noted => {}
    }
}
