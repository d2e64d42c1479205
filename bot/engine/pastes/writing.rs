//! What the writer does with pastes: one change, its rows, its wake and its audit entry in one transaction.

use serde_json::{Value, json};

use crate::engine::circumstances::Circumstances;
use crate::kernel::Subject;
use crate::kernel::effect::Due;
use crate::kernel::kept::Note;
use crate::kernel::paste::{Author, Draft, Paste, PasteId, PastePlace, PasteRefusal};
use crate::store::{StoreError, Tx};

/// One change.
pub(in crate::engine) enum PasteWork {
    /// A new paste; `content` is empty if it stands at a tclip.
    Create { paste: Paste, content: String, draft: Option<PasteId> },
    /// A text that waits for a second click.
    Draft { draft: Draft },
    /// Forget that text.
    Discard { id: PasteId },
    /// Its author deletes it.
    Delete { id: PasteId, who: Author },
    /// Its author deleted one at tclip that we had not written down; only noted.
    Found { paste: Paste, who: Author },
    /// A step holds it: made if it is not there yet, and said to those it is new to.
    Hold { paste: Paste, content: String, says: Vec<Due> },
    /// The step let go of it.
    LetGo { id: PasteId },
    /// Its time may be up.
    Expire { id: PasteId },
}

/// What came of it.
pub(in crate::engine) enum PasteOutcome {
    /// The paste as it is now.
    Kept(Box<Paste>),
    /// The rules say no; nothing changed.
    Refused(PasteRefusal),
    /// There is nothing to show: it is gone, or only a draft.
    Nothing,
}

type Result<T> = std::result::Result<T, StoreError>;

/// Writes one change. What the rules refuse changes nothing.
pub(in crate::engine) async fn write(tx: &mut Tx, work: &PasteWork, how: Circumstances<'_>) -> Result<PasteOutcome> {
    let refused = |why: PasteRefusal| Ok(PasteOutcome::Refused(why));
    match work {
        PasteWork::Create { paste, content, draft } => create(tx, paste, content, draft.as_ref(), &how).await,
        PasteWork::Draft { draft } => {
            tx.insert_draft(draft).await?;
            note(tx, &draft.id, &how, json!({ "event": "paste_drafted" }), "draft").await
        }
        PasteWork::Discard { id } => {
            tx.delete_paste(id).await?;
            note(tx, id, &how, json!({ "event": "paste_draft_discarded" }), "gone").await
        }
        PasteWork::Delete { id, who } => {
            let Some(paste) = tx.paste(id).await? else { return refused(PasteRefusal::Gone) };
            if let Err(why) = paste.check_delete(who, how.now) {
                return refused(why);
            }
            tx.delete_paste(id).await?;
            note(tx, id, &how, json!({ "event": "paste_deleted", "by": who }), "gone").await
        }
        PasteWork::Found { paste, who } => {
            let event =
                json!({ "event": "paste_deleted", "by": who, "filename": paste.filename, "place": paste.place });
            note(tx, &paste.id, &how, event, "gone").await
        }
        PasteWork::Hold { paste, content, says } => hold(tx, paste, content, says, &how).await,
        PasteWork::LetGo { id } => {
            if tx.paste(id).await?.is_none() {
                return Ok(PasteOutcome::Nothing);
            }
            tx.delete_paste(id).await?;
            note(tx, id, &how, json!({ "event": "paste_let_go" }), "gone").await
        }
        PasteWork::Expire { id } => expire(tx, id, &how).await,
    }
}

async fn create(
    tx: &mut Tx,
    paste: &Paste,
    content: &str,
    draft: Option<&PasteId>,
    how: &Circumstances<'_>,
) -> Result<PasteOutcome> {
    if let Some(before) = is_repeated(tx, &paste.id, how).await? {
        let written = match before.paste() {
            Some(id) => tx.paste(id).await?,
            None => None,
        };
        return Ok(
            written.map_or(PasteOutcome::Refused(PasteRefusal::Gone), |paste| PasteOutcome::Kept(Box::new(paste)))
        );
    }
    if let Some(draft) = draft {
        // Sent or thrown away in the meantime. What stands at a tclip already is written down all the same.
        let is_gone = tx.draft_end(draft).await?.is_none_or(|end| end <= how.now);
        if is_gone && paste.place == PastePlace::Here {
            return Ok(PasteOutcome::Refused(PasteRefusal::Gone));
        }
        tx.delete_paste(draft).await?;
    }
    tx.insert_paste(paste, content).await?;
    note(tx, &paste.id, how, created(paste), "kept").await?;
    Ok(PasteOutcome::Kept(Box::new(paste.clone())))
}

async fn hold(
    tx: &mut Tx,
    paste: &Paste,
    content: &str,
    says: &[Due],
    how: &Circumstances<'_>,
) -> Result<PasteOutcome> {
    if tx.paste(&paste.id).await?.is_some() {
        tx.hold_paste(paste).await?;
        let event = json!({ "event": "paste_held", "expires_at": paste.expires_at, "held_for": paste.held_for });
        note(tx, &paste.id, how, event, "kept").await?;
    } else {
        tx.insert_paste(paste, content).await?;
        note(tx, &paste.id, how, created(paste), "kept").await?;
    }
    tx.enqueue_for_paste(&paste.id, says).await?;
    Ok(PasteOutcome::Kept(Box::new(paste.clone())))
}

/// What was given a later end in the meantime stays; its new wake is in the outbox.
async fn expire(tx: &mut Tx, id: &PasteId, how: &Circumstances<'_>) -> Result<PasteOutcome> {
    let end = match tx.paste(id).await? {
        Some(paste) => paste.expires_at,
        None => match tx.draft_end(id).await? {
            Some(end) => Some(end),
            None => return Ok(PasteOutcome::Nothing),
        },
    };
    if end.is_none_or(|end| how.now < end) {
        return Ok(PasteOutcome::Nothing);
    }
    tx.delete_paste(id).await?;
    note(tx, id, how, json!({ "event": "paste_expired" }), "gone").await
}

async fn is_repeated(tx: &mut Tx, id: &PasteId, how: &Circumstances<'_>) -> Result<Option<Subject>> {
    match how.delivery {
        Some(key) => tx.first_delivery(key, &id.into(), how.now).await,
        None => Ok(None),
    }
}

/// Everything about a paste but its text.
fn created(paste: &Paste) -> Value {
    json!({
        "event": "pasted", "filename": paste.filename, "size_bytes": paste.size_bytes, "author": paste.author,
        "expires_at": paste.expires_at, "place": paste.place, "held_for": paste.held_for,
    })
}

async fn note(tx: &mut Tx, id: &PasteId, how: &Circumstances<'_>, event: Value, state: &str) -> Result<PasteOutcome> {
    tx.note(&id.into(), how.actor, &Note(event), state, how.now).await?;
    Ok(PasteOutcome::Nothing)
}
