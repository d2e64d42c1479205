//! Deleting: where the paste stands first, and then what we remember of it.

use super::author::{actor, signature};
use super::{POST_LIMIT, PasteError, PasteWork, Pastes};
use crate::kernel::paste::{Author, Paste, PasteId, PastePlace, PasteRefusal};
use crate::outside::tclip::{Deleted, Tclip, TclipError};

impl Pastes {
    /// Deletes a paste of `who`, here or at the tclip, where it is looked at again.
    ///
    /// # Errors
    /// Not there, not theirs, not ours to delete, or tclip did not do it.
    pub async fn delete(&self, id: &PasteId, who: &Author, delivery: Option<String>) -> Result<Paste, PasteError> {
        let tclip = self.inner.settings.tclip.as_ref().map(|tclip| tclip.client.clone().with_limit(POST_LIMIT));
        let paste = match (self.inner.store.paste(id).await?, &tclip) {
            (Some(paste), _) => paste,
            (None, Some(tclip)) => return self.delete_unknown(id, who, tclip).await,
            (None, None) => return Err(PasteError::Refused(PasteRefusal::Gone)),
        };
        paste.check_delete(who, self.now())?;
        if let PastePlace::Tclip { url } = &paste.place {
            let tclip = tclip.ok_or_else(|| PasteError::Elsewhere { page: url.clone() })?;
            tclip.delete(id.as_str()).await?;
        }
        let work = PasteWork::Delete { id: id.clone(), who: who.clone() };
        self.write(work, actor(who), delivery).await?;
        Ok(paste)
    }

    /// A paste at tclip that we know nothing of. If we were killed between posting it and writing it down, it is ours there
    /// and its name begins with its author: that is all that is left of it, and both must fit. tclip itself sees to it that
    /// we delete nothing that others posted, whatever they called it.
    async fn delete_unknown(&self, id: &PasteId, who: &Author, tclip: &Tclip) -> Result<Paste, PasteError> {
        let page = tclip.page(id.as_str());
        let Some(named) = tclip.name_of(id.as_str()).await? else {
            return Err(PasteError::Refused(PasteRefusal::Gone));
        };
        // A name that people give themselves proves nothing; a login does.
        if who.login.is_none() || !named.starts_with(&signature(who)) {
            return Err(PasteError::Elsewhere { page });
        }
        match tclip.delete(id.as_str()).await {
            Ok(Deleted::Now) => {}
            Ok(Deleted::Before) => return Err(PasteError::Refused(PasteRefusal::Gone)),
            Err(TclipError::NotOwner { .. }) => return Err(PasteError::Elsewhere { page }),
            Err(error) => return Err(error.into()),
        }
        let paste = Paste {
            id: id.clone(),
            filename: named,
            language: None,
            author: who.clone(),
            size_bytes: 0,
            created_at: self.now(),
            expires_at: None,
            place: PastePlace::Tclip { url: page },
            key: None,
            held_for: Vec::new(),
        };
        self.write(PasteWork::Found { paste: paste.clone(), who: who.clone() }, actor(who), None).await?;
        Ok(paste)
    }
}
