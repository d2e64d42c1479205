//! What the writer does with pastes: what the rules decided, its rows, its effects and its audit entry, in one transaction.

use crate::engine::circumstances::Circumstances;
use crate::kernel::Subject;
use crate::kernel::effect::Due;
use crate::kernel::paste::{Decided, Known, Paste, PasteRefusal, Row, Wish, decide};
use crate::store::{StoreError, Tx};

/// One change, and what is said in Slack because of it.
pub(in crate::engine) struct PasteWork {
    pub(super) wish: Wish,
    pub(super) says: Vec<Saying>,
}

/// Something that is said in Slack.
pub(super) struct Saying {
    pub(super) due: Due,
    /// It is said once for whatever is called so.
    pub(super) once: Option<String>,
}

impl From<Wish> for PasteWork {
    fn from(wish: Wish) -> Self {
        Self { wish, says: Vec::new() }
    }
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
    let PasteWork { wish, says } = work;
    if let Some(before) = repeated(tx, wish, &how).await? {
        let written = match before.paste() {
            Some(id) => tx.paste(id).await?,
            None => None,
        };
        return Ok(match (written, wish) {
            (Some(paste), _) => PasteOutcome::Kept(Box::new(paste)),
            (None, Wish::Post { .. }) => PasteOutcome::Nothing,
            (None, _) => PasteOutcome::Refused(PasteRefusal::Gone),
        });
    }
    let (id, draft) = wish.looks_at();
    let paste = tx.paste(id).await?;
    let draft_ends_at = tx.draft_end(draft).await?;
    let decided = match decide(wish, Known { paste: paste.as_ref(), draft_ends_at }, how.now) {
        Ok(Some(decided)) => decided,
        Ok(None) => return Ok(PasteOutcome::Nothing),
        Err(why) => return Ok(PasteOutcome::Refused(why)),
    };
    let Decided { about, rows, effects, event, state, paste } = decided;
    let subject = Subject::from(about);
    for row in rows {
        match row {
            Row::Insert(paste, content) => tx.insert_paste(paste, content).await?,
            Row::InsertDraft(draft) => tx.insert_draft(&draft).await?,
            Row::KeepDraft(id, until) => tx.keep_draft(id, until).await?,
            Row::Remove(id) => tx.delete_paste(id).await?,
        }
    }
    for Due { at, effect } in effects {
        tx.enqueue_for(&subject, effect, at).await?;
    }
    for Saying { due, once } in says {
        let is_said = match once {
            Some(once) => tx.first_delivery(once, &subject, how.now).await?.is_some(),
            None => false,
        };
        if !is_said {
            tx.enqueue_for(&subject, due.effect.clone(), due.at).await?;
        }
    }
    if let Wish::Posted { posting, paste } = wish
        && let Some(key) = &posting.delivery
    {
        tx.delivery_led_to(key, &(&paste.id).into()).await?;
    }
    tx.note(&subject, how.actor, &event, state, how.now).await?;
    Ok(paste.map_or(PasteOutcome::Nothing, |paste| PasteOutcome::Kept(Box::new(paste.clone()))))
}

/// What the same delivery led to before.
async fn repeated(tx: &mut Tx, wish: &Wish, how: &Circumstances<'_>) -> Result<Option<Subject>> {
    match (how.delivery, wish) {
        (Some(key), Wish::Keep { .. } | Wish::Post { .. }) => {
            tx.first_delivery(key, &wish.looks_at().0.into(), how.now).await
        }
        _ => Ok(None),
    }
}
